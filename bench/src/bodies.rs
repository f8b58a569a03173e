//! Request bodies in a file: each is four bytes of length, little-endian, and the gzipped envelope.

use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::Path;
use std::thread;

use anyhow::Context as _;
use flate2::Compression;
use flate2::write::GzEncoder;

use crate::event::envelope;

/// Bodies that one thread makes at a time.
const CHUNK: u64 = 2_000;

/// Makes `count` bodies and writes them to `path`.
pub(crate) fn make(count: u64, path: &Path, seed: u64) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| format!("could not make {}", path.display()))?;
    let mut file = BufWriter::new(file);
    let threads = thread::available_parallelism().map_or(1, usize::from) as u64;
    let (mut decoded, mut encoded) = (0, 0);
    let mut first = 0;
    while first < count {
        let chunks: Vec<_> = (0..threads)
            .map(|n| first + n * CHUNK..(first + (n + 1) * CHUNK).min(count))
            .map(|numbers| {
                thread::spawn(move || numbers.map(|n| body(n, seed)).collect::<Vec<_>>())
            })
            .collect();
        for chunk in chunks {
            let Ok(bodies) = chunk.join() else {
                anyhow::bail!("a thread panicked");
            };
            for (size, body) in bodies {
                decoded += size;
                encoded += body.len();
                file.write_all(&u32::try_from(body.len())?.to_le_bytes())?;
                file.write_all(&body)?;
            }
        }
        first += threads * CHUNK;
    }
    file.flush()?;
    let mean = |bytes: usize| bytes as f64 / count as f64 / 1000.0;
    println!(
        "{count} events, {:.1} kB decoded, {:.1} kB as sent",
        mean(decoded),
        mean(encoded)
    );
    Ok(())
}

fn body(number: u64, seed: u64) -> (usize, Vec<u8>) {
    let text = envelope(number, seed);
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder
        .write_all(text.as_bytes())
        .expect("memory takes every byte");
    (
        text.len(),
        encoder.finish().expect("memory takes every byte"),
    )
}

/// Reads the bodies of a file, all but the first `skip`.
pub(crate) fn read(path: &Path, skip: usize) -> anyhow::Result<Vec<Vec<u8>>> {
    let bytes =
        std::fs::read(path).with_context(|| format!("could not read {}", path.display()))?;
    let mut bodies = Vec::new();
    let mut rest = bytes.as_slice();
    while let Some((length, behind)) = rest.split_first_chunk::<4>() {
        let length = u32::from_le_bytes(*length) as usize;
        let body = behind
            .get(..length)
            .context("the file ends in the middle of a body")?;
        bodies.push(body.to_vec());
        rest = &behind[length..];
    }
    bodies.drain(..skip.min(bodies.len()));
    anyhow::ensure!(!bodies.is_empty(), "the file holds no further events");
    Ok(bodies)
}
