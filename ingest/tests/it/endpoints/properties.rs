//! Whatever is sent to any endpoint is answered, and never by a fault of the server.

use axum::body::Body;
use axum::http::Request;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{Config, TestRunner};

use super::{FORM, form};
use crate::support::{Bench, KEY};

const PATHS: &[&str] = &[
    "store",
    "security",
    "nel",
    "minidump",
    "events/9ec79c33ec9942ab8353589fcb2e04dc/attachments",
    "cron/slug",
    "cron/slug/a94f0b1c2d3e4f5061728394a5b6c7d8",
    "unreal/a94f0b1c2d3e4f5061728394a5b6c7d8",
];

/// Bytes that get past the first look of an endpoint now and then.
fn content() -> impl Strategy<Value = Vec<u8>> {
    let starts: Vec<&[u8]> = vec![
        b"",
        b"MDMP",
        b"\x1f\x8b\x08\0\0\0\0\0\0\x03",
        b"\x28\xb5\x2f\xfd",
        b"{\"status\":\"ok\",\"type\":\"network-error\"}",
        b"[{\"a\":[[[",
        b"--x\r\nContent-Disposition: form-data; name=upload_file_minidump\r\n\r\n",
        b"\x81\xa8event_id\xd9\x20",
    ];
    let start = prop::sample::select(starts);
    (start, vec(any::<u8>(), 0..80)).prop_map(|(start, rest)| [start, &rest].concat())
}

fn body() -> impl Strategy<Value = Vec<u8>> {
    let names = vec![
        "upload_file_minidump",
        "__sentry-event",
        "sentry",
        "sentry__1",
        "sentry[a][b]",
        "other",
    ];
    let field = (prop::sample::select(names), any::<bool>(), content());
    let fields = vec(field, 0..6).prop_map(|fields| {
        let fields: Vec<_> = fields
            .iter()
            .map(|(name, is_file, content)| (*name, is_file.then_some(*name), &**content))
            .collect();
        form(&fields)
    });
    prop_oneof![content(), fields]
}

#[tokio::test]
async fn any_body_is_answered() {
    let mut bench = Bench::open().await;
    let types = vec![
        FORM,
        "application/json",
        "application/reports+json",
        "application/x-dmp",
        "",
    ];
    let request = (
        prop::sample::select(PATHS),
        prop::sample::select(types),
        body(),
        "[ -~é]{0,20}",
    );
    let mut runner = TestRunner::new(Config::default());
    for _ in 0..500 {
        let tree = request.new_tree(&mut runner).unwrap();
        let (path, content_type, body, query) = tree.current();
        let query: String = query.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let uri = format!("/api/1/{path}/?sentry_key={KEY}&status={query}&sentry_data={query}");
        for method in ["POST", "GET"] {
            let request = Request::builder().method(method).uri(&uri);
            let request = request.header("content-type", content_type);
            let answer = bench
                .send(request.body(Body::from(body.clone())).unwrap())
                .await;
            assert!(
                !answer.status.is_server_error(),
                "{uri} {body:?}: {answer:?}"
            );
            assert_eq!(answer.headers["access-control-allow-origin"], "*");
            assert_eq!(
                answer.status.is_success(),
                !bench.queued().is_empty() || body == b"[]",
                "{uri}"
            );
        }
    }
}
