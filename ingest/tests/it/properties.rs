//! Whatever comes in, the answer is the client's fault or a success.

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::packing::Packing;
use crate::support::{Bench, KEY};

/// A header's value: one that means something, or any bytes.
fn header(known: &'static [&'static str]) -> impl Strategy<Value = Option<HeaderValue>> {
    let any_bytes = vec(any::<u8>(), 0..60).prop_map(|bytes| HeaderValue::from_bytes(&bytes).ok());
    let known = prop::sample::select(known).prop_map(|text| HeaderValue::from_str(text).ok());
    prop_oneof![3 => known, 1 => any_bytes, 1 => Just(None)]
}

const AUTHS: &[&str] = &[
    "Sentry sentry_key=a94f0b1c2d3e4f5061728394a5b6c7d8, sentry_version=7",
    "Sentry sentry_key=a94f0b1c2d3e4f5061728394a5b6c7d8, sentry_version=99999999999",
    "Sentry =,=,sentry_key",
    "Basic YTk0ZjBiMWMyZDNlNGY1MDYxNzI4Mzk0YTViNmM3ZDg6",
    "Basic Og==",
];
const CODINGS: &[&str] = &["gzip", "deflate", "br", "zstd", "identity", "gzip, br"];
const TYPES: &[&str] = &["application/x-sentry-envelope", "application/json"];

fn path() -> impl Strategy<Value = String> {
    let segment = prop::sample::select(vec!["api", "1", "store", "envelope", "", "é", "0", "-1"]);
    let known = prop::sample::select(vec![
        "/api/1/envelope/",
        "/api/1/store/",
        "/api/store",
        "//api/1//store",
    ]);
    prop_oneof![
        4 => known.prop_map(str::to_owned),
        1 => vec(segment, 0..6).prop_map(|segments| format!("/{}", segments.join("/").replace('é', "%C3%A9%ff"))),
    ]
}

fn query() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        Just(format!("?sentry_key={KEY}&sentry_version=7")),
        "\\?[a-z_=&%0-9+]{0,40}",
        "\\?sentry_key=[%a-f0-9]{0,40}",
    ]
}

/// A body that is nearly something, or any bytes, packed or not.
fn body() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop::sample::select(vec![
        "{}",
        "{\"type\":\"event\"}",
        "\n",
        "{\"type\":\"x\",\"length\":3}",
        "{\"event_id\":\"",
        "[",
        "\u{1f4a3}",
        "{\"dsn\":\"http://@/\"}",
        "{\"type\":\"event\",\"length\":18446744073709551616}",
        "\"",
        "abc",
        "eyJhIjoxfQ==",
        "{\"type\":\"attachment\",\"length\":0}\n",
    ]);
    let text = vec(pieces, 0..12).prop_map(|pieces| pieces.concat().into_bytes());
    let bytes = prop_oneof![text, vec(any::<u8>(), 0..200)];
    let packing = prop::sample::select(vec![
        Packing::Identity,
        Packing::Gzip,
        Packing::Zlib,
        Packing::RawDeflate,
        Packing::Brotli,
        Packing::Zstd,
    ]);
    (bytes, packing, 0..40usize).prop_map(|(bytes, packing, cut)| {
        let mut packed = packing.pack(&bytes);
        if cut < 10 {
            packed.truncate(packed.len().saturating_sub(cut));
        }
        packed
    })
}

#[test]
fn any_request_is_answered_and_accepted_ones_are_queued() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .unwrap();
    let bench = std::cell::RefCell::new(runtime.block_on(Bench::open()));
    proptest!(ProptestConfig::with_cases(2000), |(
        (path, query, body) in (path(), query(), body()),
        headers in [header(AUTHS), header(AUTHS), header(CODINGS), header(TYPES)],
        is_post in prop::bool::weighted(0.95),
    )| {
        let names = ["x-sentry-auth", "authorization", "content-encoding", "content-type"];
        let method = if is_post { Method::POST } else { Method::GET };
        let mut request = Request::builder().method(method).uri(path + &query);
        for (name, value) in names.into_iter().zip(headers) {
            if let Some(value) = value {
                request = request.header(name, value);
            }
        }
        let mut bench = bench.borrow_mut();
        let answer = runtime.block_on(bench.send(request.body(Body::from(body.clone())).unwrap()));
        let queued = bench.queued();
        match answer.status.as_u16() {
            200 => prop_assert!(queued.iter().all(|request| request.body == body)),
            400 | 401 | 403 | 404 | 405 | 413 => prop_assert!(queued.is_empty()),
            other => prop_assert!(false, "{other} {}", answer.body),
        }
    });
}
