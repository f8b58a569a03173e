//! Check-ins by plain addresses.

use axum::body::Body;
use axum::http::{Method, Request};

use super::queued;
use crate::support::{Answer, Bench, KEY, OTHER_KEY};

async fn send(bench: &Bench, method: Method, path: &str, body: &'static str) -> Answer {
    let request = Request::builder().method(method).uri(path);
    bench.send(request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_check_in_is_read_from_the_query() {
    let mut bench = Bench::open().await;
    let id = "9ec79c33ec9942ab8353589fcb2e04dc";
    let zero = "0".repeat(32);
    for (path, expected) in [
        (
            format!("/api/1/cron/nightly/{KEY}/?status=ok"),
            format!(r#"{{"status":"ok","check_in_id":"{zero}","monitor_slug":"nightly"}}"#),
        ),
        (
            format!(
                "/api/1/cron/a%20b?sentry_key={KEY}&status=error&check_in_id={id}&environment=dev&duration=1.5"
            ),
            format!(
                r#"{{"check_in_id":"{id}","status":"error","environment":"dev","duration":1.5,"monitor_slug":"a b"}}"#
            ),
        ),
    ] {
        for method in [Method::GET, Method::POST] {
            let answer = send(&bench, method, &path, "").await;
            assert_eq!(answer.short(), (202, ""));
            let (event_id, items) = queued(&mut bench, &[]);
            assert_eq!((event_id, items.len()), (None, 1));
            assert_eq!(
                (&*items[0].item_type, items[0].text()),
                ("check_in", &*expected)
            );
        }
    }
}

#[tokio::test]
async fn a_check_in_may_be_a_body_of_json() {
    let mut bench = Bench::open().await;
    let path = format!("/api/1/cron/nightly/?sentry_key={KEY}");
    let body = r#"{"status":"in_progress","check_in_id":null,"monitor_slug":"other","monitor_config":{"schedule":{"type":"crontab","value":"0 3 * * *"}}}"#;
    assert_eq!(
        send(&bench, Method::POST, &path, body).await.short(),
        (202, "")
    );
    let (_, items) = queued(&mut bench, &[]);
    let zero = "0".repeat(32);
    let expected = body
        .replace("\"other\"", "\"nightly\"")
        .replace("null", &format!("\"{zero}\""));
    assert_eq!(items[0].text(), expected);
}

#[tokio::test]
async fn a_check_in_that_says_too_little_is_refused() {
    let mut bench = Bench::open().await;
    let status = "missing or invalid 'status': expected ok, error or in_progress";
    for (path, body, code, detail) in [
        (format!("/api/1/cron/a/{KEY}"), "", 400, status),
        (format!("/api/1/cron/a/{KEY}?status=fine"), "", 400, status),
        (format!("/api/1/cron/a/{KEY}"), "{}", 400, status),
        (
            format!("/api/1/cron/a/{KEY}"),
            "status=ok",
            400,
            "invalid JSON data",
        ),
        (
            format!("/api/1/cron/a/{KEY}"),
            "[]",
            400,
            "invalid JSON data",
        ),
        (
            format!("/api/1/cron/a/{KEY}?status=ok&duration=-1"),
            "",
            400,
            "'duration'",
        ),
        (
            format!("/api/1/cron/a/{KEY}?status=ok&duration=inf"),
            "",
            400,
            "'duration'",
        ),
        (
            format!("/api/1/cron/a/{KEY}?status=ok&check_in_id=x"),
            "",
            400,
            "'check_in_id'",
        ),
        (
            "/api/1/cron/a?status=ok".to_owned(),
            "",
            401,
            "missing authorization",
        ),
        (
            format!("/api/1/cron/a/{OTHER_KEY}?status=ok"),
            "",
            403,
            "ProjectId",
        ),
        (
            "/api/1/cron/a/short?status=ok".to_owned(),
            "",
            400,
            "public key",
        ),
    ] {
        let answer = send(&bench, Method::POST, &path, body).await;
        assert_eq!(answer.status, code, "{path} {body}: {}", answer.body);
        assert!(
            answer.body.contains(detail),
            "{path} {body}: {}",
            answer.body
        );
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
    }
    assert!(bench.queued().is_empty());
}
