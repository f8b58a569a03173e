//! Events in the address of an image.

use std::io::Write as _;

use axum::body::Body;
use axum::http::Request;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use bugle_store::queue::RequestKind;
use flate2::Compression;
use flate2::write::ZlibEncoder;

use crate::support::{Answer, Bench, KEY};

const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";

async fn get(bench: &Bench, query: &str) -> Answer {
    let request = Request::get(format!("/api/1/store/?{query}"));
    bench.send(request.body(Body::empty()).unwrap()).await
}

fn zlib(text: &str) -> Vec<u8> {
    let mut out = ZlibEncoder::new(Vec::new(), Compression::default());
    out.write_all(text.as_bytes()).unwrap();
    out.finish().unwrap()
}

#[tokio::test]
async fn an_event_in_the_address_is_stored_and_answered_by_an_image() {
    let mut bench = Bench::open().await;
    // Its base64 holds both signs that mean something else in an address.
    let event = format!(r#"{{"event_id":"{ID}","message":"~~~???>>>é"}}"#);
    let plain = STANDARD.encode(&event);
    assert!(plain.contains('+') || plain.contains('/'), "{plain}");
    for data in [
        plain.clone(),
        plain
            .replace('+', "%2B")
            .replace('/', "%2F")
            .replace('=', "%3D"),
        URL_SAFE_NO_PAD.encode(&event),
        URL_SAFE_NO_PAD.encode(zlib(&event)),
        STANDARD.encode(zlib(&event)),
        format!("%7B%22event_id%22:%22{ID}%22%7D"),
    ] {
        let answer = get(&bench, &format!("sentry_key={KEY}&sentry_data={data}")).await;
        assert_eq!(answer.status, 200, "{data}: {}", answer.body);
        assert_eq!(answer.headers["content-type"], "image/gif");
        assert!(answer.body.starts_with("GIF89a"));
        let queued = bench.queued();
        assert_eq!(queued.len(), 1);
        assert_eq!(queued[0].head.kind, RequestKind::Store);
        assert_eq!(queued[0].head.event_id, ID.parse().ok(), "{data}");
    }
    let request = Request::get(format!("/api/store?sentry_key={KEY}&sentry_data={plain}"));
    let answer = bench.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 200);
    assert_eq!(bench.queued().len(), 1);
}

#[tokio::test]
async fn an_image_without_an_event_is_an_error() {
    let mut bench = Bench::open().await;
    let missing = "missing or invalid 'sentry_data'";
    for (query, status, detail) in [
        (format!("sentry_key={KEY}"), 400, missing),
        (format!("sentry_key={KEY}&sentry_data="), 400, missing),
        (
            format!("sentry_key={KEY}&sentry_data=%25%25"),
            400,
            "invalid JSON data",
        ),
        (
            format!("sentry_key={KEY}&sentry_data=AAAA"),
            400,
            "invalid request body",
        ),
        (
            "sentry_data=e30".to_owned(),
            401,
            "bad x-sentry-auth header",
        ),
    ] {
        let answer = get(&bench, &query).await;
        assert_eq!(answer.status, status, "{query}: {}", answer.body);
        assert!(answer.body.contains(detail), "{query}: {}", answer.body);
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
    }
    assert!(bench.queued().is_empty());
}
