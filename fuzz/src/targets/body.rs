//! Decompression in every coding, and the wrappings of `/store/`. The first byte of an input chooses the coding.

use std::io::{Read, Write as _};

use bugle_protocol::body::{Encoding, decode, unpack_store};
use flate2::Compression;
use flate2::read::{GzDecoder, MultiGzDecoder};

use crate::captures::Captures;

const CODINGS: [Encoding; 5] = [
    Encoding::Identity,
    Encoding::Gzip,
    Encoding::Deflate,
    Encoding::Br,
    Encoding::Zstd,
];

/// What may come out at most; a bomb is one that gets past it.
const LIMIT_BYTES: usize = 256 * 1024;

/// Bodies in every coding. Brotli and base64 come from the captures: nothing here writes them.
pub fn seeds(captures: &Captures) -> Vec<Vec<u8>> {
    let mut seeds = Vec::new();
    for raw in &captures.raw {
        seeds.extend((0..5).map(|coding| prefixed(coding, raw)));
    }
    for store in &captures.stores {
        seeds.push(prefixed(0, store));
        seeds.push(prefixed(1, &gzip(store)));
        seeds.push(prefixed(2, &zlib(store)));
        seeds.push(prefixed(2, &deflate(store)));
        seeds.extend(zstd::encode_all(&store[..], 3).map(|packed| prefixed(4, &packed)));
    }
    let bomb = vec![b' '; 4 * LIMIT_BYTES];
    seeds.push(prefixed(1, &gzip(&bomb)));
    seeds.push(prefixed(2, &zlib(&bomb)));
    seeds.extend(zstd::encode_all(&bomb[..], 3).map(|packed| prefixed(4, &packed)));
    seeds
}

/// Decodes a body within the bound, and unpacks what comes out as a `/store/` body.
pub fn run(input: &[u8]) {
    let Some((coding, body)) = input.split_first() else {
        return;
    };
    let coding = CODINGS[usize::from(*coding) % CODINGS.len()];
    let Ok(decoded) = decode(coding, body, LIMIT_BYTES) else {
        return;
    };
    assert!(decoded.len() <= LIMIT_BYTES, "the bound was passed");
    if let Ok(unpacked) = unpack_store(&decoded, LIMIT_BYTES) {
        assert!(unpacked.len() <= LIMIT_BYTES, "the bound was passed");
    }
    if coding == Encoding::Gzip {
        assert_is_gzip_of(&decoded, body);
    }
}

/// What is unpacked in one go is what a stream unpacks; of a broken stream that is the first member.
fn assert_is_gzip_of(decoded: &[u8], body: &[u8]) {
    let read = |reader: &mut dyn Read| {
        let mut streamed = Vec::new();
        let is_whole = reader
            .take(LIMIT_BYTES as u64 + 1)
            .read_to_end(&mut streamed);
        is_whole.is_ok().then_some(streamed)
    };
    let streamed = read(&mut MultiGzDecoder::new(body)).or_else(|| read(&mut GzDecoder::new(body)));
    assert!(
        streamed.as_deref() == Some(decoded),
        "a stream unpacks something else"
    );
}

fn prefixed(coding: u8, body: &[u8]) -> Vec<u8> {
    [&[coding], body].concat()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), Compression::fast());
    let written = packer.write_all(text).and_then(|()| packer.finish());
    written.expect("memory takes everything")
}

fn zlib(text: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::ZlibEncoder::new(Vec::new(), Compression::fast());
    let written = packer.write_all(text).and_then(|()| packer.finish());
    written.expect("memory takes everything")
}

fn deflate(text: &[u8]) -> Vec<u8> {
    let mut packer = flate2::write::DeflateEncoder::new(Vec::new(), Compression::fast());
    let written = packer.write_all(text).and_then(|()| packer.finish());
    written.expect("memory takes everything")
}
