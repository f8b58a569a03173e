//! What every answer carries, and what the queue knows of a request beside its body.

use std::net::SocketAddr;

use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{Method, Request};
use bugle_ingest::Limits;
use bugle_protocol::body::Encoding;
use bugle_store::queue::{self, RequestKind};

use crate::support::{Answer, Bench, KEY, authorized};

const ID: &str = "9ec79c33ec9942ab8353589fcb2e04dc";

fn envelope() -> String {
    format!("{{\"event_id\":\"{ID}\"}}\n{{\"type\":\"event\"}}\n{{}}\n")
}

/// Asserts that a browser would show the answer to a page of any origin.
fn assert_open(answer: &Answer) {
    for (name, value) in [
        ("access-control-allow-origin", "*"),
        (
            "access-control-expose-headers",
            "x-sentry-error,x-sentry-rate-limits,retry-after",
        ),
        ("cross-origin-resource-policy", "cross-origin"),
    ] {
        assert_eq!(answer.headers[name], value, "{answer:?}");
    }
}

#[tokio::test]
async fn the_queue_knows_who_sent_what() {
    let mut bench = Bench::open().await;
    let request = authorized("/api/1/envelope/").header("user-agent", "Browser/1");
    bench.send(request.body(envelope().into()).unwrap()).await;
    let by_query = format!("/api/1/envelope/?sentry_key={KEY}");
    let request = Request::post(by_query).header("user-agent", "Browser/2");
    bench.send(request.body(envelope().into()).unwrap()).await;
    let queued = bench.queued();
    let head = &queued[0].head;
    assert_eq!(head.project_id, bench.project_id);
    assert_eq!(
        (head.kind, head.encoding),
        (RequestKind::Envelope, Encoding::Identity)
    );
    assert_eq!(head.event_id, ID.parse().ok());
    assert_eq!(head.client.as_deref(), Some("test/1.0"));
    assert_eq!(head.user_agent.as_deref(), Some("Browser/1"));
    assert_eq!(head.client_ip, None);
    assert_eq!(queued[1].head.client.as_deref(), Some("Browser/2"));
}

#[tokio::test]
async fn the_client_address_is_the_peers_or_what_a_trusted_proxy_says() {
    let trusted = "10.0.0.0/8".parse().unwrap();
    let mut bench = Bench::with(Limits::default(), trusted).await;
    for (path, peer, client) in [
        ("/api/1/envelope/", "10.1.1.1:80", "203.0.113.9"),
        ("//api//1/envelope/", "10.1.1.1:80", "203.0.113.9"),
        ("/api/1/envelope/", "192.0.2.1:80", "192.0.2.1"),
    ] {
        let mut request = authorized(path)
            .header("x-forwarded-for", "203.0.113.9, 10.0.0.2")
            .body(Body::from(envelope()))
            .unwrap();
        let peer: SocketAddr = peer.parse().unwrap();
        request.extensions_mut().insert(ConnectInfo(peer));
        assert_eq!(bench.send(request).await.status, 200);
        assert_eq!(
            bench.queued()[0].head.client_ip,
            client.parse().ok(),
            "{path}"
        );
    }
}

#[tokio::test]
async fn slashes_do_not_matter() {
    let mut bench = Bench::open().await;
    for path in [
        "/api/1/envelope/",
        "/api/1/envelope",
        "//api/1/envelope/",
        "///api///1///envelope///",
        "/api//1/envelope/",
        "/api/1//envelope",
        "//api/1/store/?sentry_version=7",
    ] {
        let body = if path.contains("store") {
            "{}".to_owned()
        } else {
            envelope()
        };
        let answer = bench.post(path, body).await;
        assert_eq!(answer.status, 200, "{path}: {}", answer.body);
        assert_open(&answer);
        assert_eq!(bench.queued().len(), 1, "{path}");
    }
    for path in ["//", "//?x", "/api//", "//api/1/novelty/", "/api/1//"] {
        assert_eq!(bench.post(path, envelope()).await.status, 404, "{path}");
    }
}

#[tokio::test]
async fn pages_of_any_origin_may_send_and_read() {
    let bench = Bench::open().await;
    for path in [
        "/api/1/envelope/",
        "/api/1/store/",
        "/api/store/",
        "//api/1/envelope",
    ] {
        let preflight = Request::options(path)
            .header("origin", "https://shop.example.com")
            .header("access-control-request-method", "POST");
        let answer = bench.send(preflight.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.short(), (200, ""));
        assert_open(&answer);
        let methods = answer.headers["access-control-allow-methods"]
            .to_str()
            .unwrap();
        assert!(methods.ends_with("POST"), "{path}: {methods}");
        assert_eq!(answer.headers["access-control-max-age"], "3600");
        let allowed = "x-sentry-auth,x-requested-with,x-forwarded-for,origin,referer,accept,content-type,\
                       authentication,authorization,content-encoding,transfer-encoding";
        assert_eq!(answer.headers["access-control-allow-headers"], allowed);
    }
    for (method, path, status) in [
        (Method::POST, "/api/1/envelope/", 401),
        (Method::POST, "/api/x/envelope/", 400),
        (Method::POST, "/api/1/store/", 401),
        (Method::GET, "/api/1/envelope/", 405),
        (Method::PUT, "/api/1/store", 405),
        (Method::DELETE, "//api/store", 405),
        (Method::POST, "/api/relay/healthcheck/live/", 405),
    ] {
        let request = Request::builder().method(&method).uri(path);
        let answer = bench.send(request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(answer.status, status, "{method} {path}");
        assert_open(&answer);
    }
}

#[tokio::test]
async fn health_is_answered_as_relay_does() {
    let bench = Bench::open().await;
    for path in ["live", "live/", "ready", "ready/"] {
        let request = Request::get(format!("/api/relay/healthcheck/{path}"));
        let answer = bench.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.short(), (200, r#"{"is_healthy":true}"#));
    }
    bench.ingest.store.close().await;
    for (path, status) in [("live/", 200), ("ready/", 503)] {
        let request = Request::get(format!("/api/relay/healthcheck/{path}"));
        let answer = bench.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(answer.status, status);
    }
}

#[tokio::test]
async fn what_cannot_be_queued_is_not_acknowledged() {
    let full = queue::Limits {
        max_backlog_bytes: 0,
        ..queue::Limits::default()
    };
    let bench = Bench::with_queue(Limits::default(), Default::default(), full).await;
    let closed = Bench::open().await;
    closed.ingest.queue.close();
    for bench in [bench, closed] {
        for (path, body) in [
            ("/api/1/envelope/", envelope()),
            ("/api/1/store/", "{}".to_owned()),
        ] {
            let answer = bench.post(path, body).await;
            assert_eq!(
                answer.short(),
                (503, r#"{"detail":"failed to queue envelope"}"#)
            );
            assert_eq!(answer.headers["retry-after"], "10");
            assert_open(&answer);
        }
    }
}

#[tokio::test]
async fn a_known_key_outlives_the_database() {
    let bench = Bench::open().await;
    assert_eq!(bench.post("/api/1/envelope/", envelope()).await.status, 200);
    bench.ingest.store.close().await;
    assert_eq!(bench.post("/api/1/envelope/", envelope()).await.status, 200);
    let unknown = format!("/api/1/envelope/?sentry_key={}", "e".repeat(32));
    let request = Request::post(unknown).body(Body::from(envelope())).unwrap();
    let answer = bench.send(request).await;
    assert_eq!(
        answer.short(),
        (503, r#"{"detail":"failed to look up the project key"}"#)
    );
}
