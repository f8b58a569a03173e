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
async fn the_query_adds_what_the_body_does_not_say() {
    let mut bench = Bench::open().await;
    let path = format!("/api/1/cron/nightly/?sentry_key={KEY}&status=ok&environment=dev");
    let zero = "0".repeat(32);
    let form = "application/x-www-form-urlencoded";
    for (content_type, body, status, start) in [
        (form, "x=y", 202, r#"{"status":"ok","environment":"dev""#),
        ("text/plain", "[1]", 202, r#"{"status":"ok","#),
        (
            form,
            r#"{"status":"error"}"#,
            202,
            r#"{"status":"error","environment":"dev""#,
        ),
        (
            "application/json",
            " {\"status\":null}",
            202,
            r#"{"status":"ok","#,
        ),
        (
            "application/json; charset=utf-8",
            "x=y",
            400,
            "invalid JSON data",
        ),
    ] {
        let request = Request::post(&path).header("content-type", content_type);
        let answer = bench.send(request.body(Body::from(body)).unwrap()).await;
        assert_eq!(answer.status, status, "{body}");
        if status != 202 {
            assert!(answer.body.contains(start), "{}", answer.body);
            continue;
        }
        let (_, items) = queued(&mut bench, &[]);
        let text = items[0].text();
        assert!(text.starts_with(start), "{body}: {text}");
        assert!(text.contains(&zero), "{body}: {text}");
    }
}

#[tokio::test]
async fn asking_for_the_head_of_an_answer_records_nothing() {
    let mut bench = Bench::open().await;
    for path in [
        format!("/api/1/cron/nightly/{KEY}/?status=ok"),
        format!("/api/1/cron/nightly?status=ok&sentry_key={KEY}"),
        format!("/api/1/store/?sentry_data=%7B%7D&sentry_key={KEY}"),
        format!("/api/store?sentry_data=%7B%7D&sentry_key={KEY}"),
    ] {
        let answer = send(&bench, Method::HEAD, &path, "").await;
        assert_eq!(answer.short(), (405, ""), "{path}");
        assert_eq!(answer.headers["allow"], "GET, POST");
    }
    assert!(bench.queued().is_empty());
}

#[tokio::test]
async fn a_check_in_that_says_too_little_is_refused() {
    let mut bench = Bench::open().await;
    let status = "missing or invalid 'status': expected ok, error or in_progress";
    for (path, body, code, detail) in [
        (format!("/api/1/cron/a/{KEY}"), "", 400, status),
        (format!("/api/1/cron/a/{KEY}?status=fine"), "", 400, status),
        (format!("/api/1/cron/a/{KEY}"), "{}", 400, status),
        (format!("/api/1/cron/a/{KEY}"), "status=ok", 400, status),
        (format!("/api/1/cron/a/{KEY}"), "[]", 400, status),
        (
            format!("/api/1/cron/a/{KEY}?status=ok"),
            "{",
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
