//! Real traffic of unmodified SDKs, sent again as it came.

use std::fs;
use std::path::{Path, PathBuf};

use axum::body::Body;
use axum::http::Request;
use bugle_protocol::{EventId, ProjectId};
use serde_json::Value;

use crate::packing::Packing;
use crate::support::{Bench, create_project};

/// Where captures may lie, relative to this crate.
const FOLDERS: [&str; 2] = ["../testdata/captures", "../../shared/suites/captures"];

/// Headers that belong to the connection, and are made anew.
const CONNECTION: [&str; 4] = ["host", "content-length", "transfer-encoding", "connection"];

/// The project and key that all captures were made with.
const PROJECT_ID: ProjectId = ProjectId(42);
const KEY: &str = "a94f0b1c2d3e4f5061728394a5b6c7d8";

/// The descriptions of all captured requests to ingestion.
fn captures(folder: &Path) -> Vec<(PathBuf, Value)> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(captures(&path));
        } else if path.to_string_lossy().ends_with(".meta.json") {
            let meta: Value = serde_json::from_slice(&fs::read(&path).unwrap()).unwrap();
            if meta["kind"] == "envelope" || meta["kind"] == "store" {
                found.push((path, meta));
            }
        }
    }
    found
}

/// The body as it was on the wire, as far as the capture still knows it.
fn body(path: &Path, meta: &Value) -> Vec<u8> {
    let read = |name: &Value| fs::read(path.with_file_name(name.as_str()?)).ok();
    if let Some(raw) = read(&meta["raw_file"]) {
        return raw;
    }
    let packing = match meta["content_encoding"].as_str() {
        Some("gzip") => Packing::Gzip,
        Some("deflate") => Packing::Zlib,
        Some("br") => Packing::Brotli,
        Some("zstd") => Packing::Zstd,
        _ => Packing::Identity,
    };
    packing.pack(&read(&meta["body_file"]).unwrap())
}

fn request(meta: &Value, body: Vec<u8>) -> Request<Body> {
    let (path, query) = (
        meta["path"].as_str().unwrap(),
        meta["query"].as_str().unwrap(),
    );
    let mut request = Request::post(format!("{path}?{query}"));
    for header in meta["headers"].as_array().unwrap() {
        let (name, value) = (header[0].as_str().unwrap(), header[1].as_str().unwrap());
        if !CONNECTION.contains(&&*name.to_ascii_lowercase()) {
            request = request.header(name, value);
        }
    }
    request.body(body.into()).unwrap()
}

/// The id of a receipt; the server of the captures wrote some with dashes.
fn event_id(receipt: &Value) -> Option<EventId> {
    Some(receipt["id"].as_str()?.parse().unwrap())
}

#[tokio::test]
async fn captured_requests_are_accepted_byte_for_byte() {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    let folders = FOLDERS.map(|folder| here.join(folder));
    let Some(folder) = folders.iter().find(|folder| folder.is_dir()) else {
        println!("skipped: there are no captures");
        return;
    };
    let mut bench = Bench::with_key(&"0".repeat(32)).await;
    let store = &bench.ingest.store;
    for id in 3..PROJECT_ID.0 {
        create_project(store, &format!("filler {id}"), &format!("{id:032x}")).await;
    }
    assert_eq!(create_project(store, "captures", KEY).await, PROJECT_ID);
    let captures = captures(folder);
    for (path, meta) in &captures {
        let body = body(path, meta);
        let answer = bench.send(request(meta, body.clone())).await;
        assert_eq!(answer.status, 200, "{}: {}", path.display(), answer.body);
        assert_eq!(bench.queued()[0].body, body);
        // Some cases were answered with an error, to see what the client does.
        if meta["response"]["status"] == 200 {
            let ours: Value = serde_json::from_str(&answer.body).unwrap();
            let recorded = meta["response"]["body"].as_str().unwrap();
            let recorded: Value = serde_json::from_str(recorded).unwrap();
            assert_eq!(event_id(&ours), event_id(&recorded), "{}", path.display());
        }
    }
    println!("{} requests", captures.len());
    assert!(!captures.is_empty());
}
