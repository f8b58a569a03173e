//! Content codings: all that clients use, broken ones, and bombs.

use std::time::{Duration, Instant};

use bugle_protocol::body::Encoding;

use crate::packing::Packing;
use crate::support::{Bench, authorized};

const ENVELOPE: &[u8] =
    b"{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n{\"type\":\"event\"}\n{}\n";
const ACCEPTED: (u16, &str) = (200, r#"{"id":"9ec79c33ec9942ab8353589fcb2e04dc"}"#);

#[tokio::test]
async fn every_coding_is_understood_and_queued_as_it_came() {
    let mut bench = Bench::open().await;
    for (name, packing, encoding) in [
        (None, Packing::Identity, Encoding::Identity),
        (Some(""), Packing::Identity, Encoding::Identity),
        (Some("identity"), Packing::Identity, Encoding::Identity),
        (Some("utf-8"), Packing::Identity, Encoding::Identity),
        (Some("UTF-8"), Packing::Identity, Encoding::Identity),
        (Some("gzip"), Packing::Gzip, Encoding::Gzip),
        (Some("GZip"), Packing::Gzip, Encoding::Gzip),
        (Some("x-gzip"), Packing::Gzip, Encoding::Gzip),
        (Some("deflate"), Packing::Zlib, Encoding::Deflate),
        (Some("deflate"), Packing::RawDeflate, Encoding::Deflate),
        (Some("br"), Packing::Brotli, Encoding::Br),
        (Some("zstd"), Packing::Zstd, Encoding::Zstd),
    ] {
        let body = packing.pack(ENVELOPE);
        let mut request = authorized("/api/1/envelope/");
        if let Some(name) = name {
            request = request.header("content-encoding", name);
        }
        let answer = bench.send(request.body(body.clone().into()).unwrap()).await;
        assert_eq!(answer.short(), ACCEPTED, "{name:?} {packing:?}");
        let queued = bench.queued().pop().unwrap();
        assert_eq!((queued.body, queued.head.encoding), (body.into(), encoding));
    }
}

#[tokio::test]
async fn broken_streams_are_named() {
    let mut bench = Bench::open().await;
    for (name, packing) in [
        ("gzip", Packing::Gzip),
        ("deflate", Packing::Zlib),
        ("deflate", Packing::RawDeflate),
        ("br", Packing::Brotli),
        ("zstd", Packing::Zstd),
    ] {
        let whole = packing.pack(ENVELOPE);
        let torn = whole[..whole.len() - 5].to_vec();
        for body in [b"\xff\xff\xff nonsense".to_vec(), torn] {
            let request = authorized("/api/1/envelope/").header("content-encoding", name);
            let answer = bench.send(request.body(body.clone().into()).unwrap()).await;
            let expected =
                format!(r#"{{"detail":"invalid request body","causes":["invalid {name} body""#);
            assert_eq!(answer.status, 400, "{packing:?} {body:?}");
            assert!(
                answer.body.starts_with(&expected),
                "{} {body:?}",
                answer.body
            );
        }
    }
    let request = authorized("/api/1/envelope/").header("content-encoding", "compress");
    let answer = bench.send(request.body("x".into()).unwrap()).await;
    let expected =
        r#"{"detail":"invalid request body","causes":["unsupported content encoding 'compress'"]}"#;
    assert_eq!(answer.short(), (400, expected));
    assert!(bench.queued().is_empty());
}

#[tokio::test]
async fn bombs_are_refused_quickly_and_cost_bounded_memory() {
    let mut bench = Bench::open().await;
    for (name, packing) in [
        ("gzip", Packing::Gzip),
        ("deflate", Packing::Zlib),
        ("deflate", Packing::RawDeflate),
        ("br", Packing::Brotli),
        ("zstd", Packing::Zstd),
    ] {
        let bomb = packing.gigabyte_of_zeros();
        for (path, limit) in [
            ("/api/1/envelope/", 209_715_200),
            ("/api/1/store/", 4_194_304),
        ] {
            let request = authorized(path).header("content-encoding", name);
            let started = Instant::now();
            let answer = bench.send(request.body(bomb.clone().into()).unwrap()).await;
            let expected =
                format!(r#"{{"detail":"envelope exceeded size limits: more than {limit} bytes"}}"#);
            assert_eq!(answer.short(), (413, &*expected), "{packing:?}");
            assert!(started.elapsed() < Duration::from_secs(10), "{packing:?}");
            println!("{packing:?} {path}: {:?}", started.elapsed());
        }
    }
    assert!(bench.queued().is_empty());
    if let Some(peak_kib) = peak_memory_kib() {
        println!("peak memory: {peak_kib} KiB");
        assert!(peak_kib < 900 * 1024, "{peak_kib} KiB");
    }
}

/// The most memory that this process had at one time, where the system says so.
fn peak_memory_kib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find(|line| line.starts_with("VmHWM"))?;
    line.split_whitespace().nth(1)?.parse().ok()
}
