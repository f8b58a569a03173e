//! What paths and methods lead to, and what browsers are told.

use axum::body::Body;
use axum::http::{Method, Request};

use crate::support::{Bench, KEY, OTHER_KEY};

const PATHS: &[(&str, &str)] = &[
    ("/api/1/envelope", "POST"),
    ("/api/1/store", "GET, POST"),
    ("/api/store", "GET, POST"),
    ("/api/1/security", "POST"),
    ("/api/1/csp-report", "POST"),
    ("/api/1/nel", "POST"),
    ("/api/1/minidump", "POST"),
    ("/api/1/unreal/key", "POST"),
    ("/api/1/events/id/attachments", "POST"),
    ("/api/1/cron/slug", "GET, POST"),
    ("/api/1/cron/slug/key", "GET, POST"),
    ("/js-sdk-loader/key.js", "GET"),
    ("/api/relay/healthcheck/live", "GET"),
    ("/_health", "GET"),
    ("/api/1/integration/otlp/v1/traces", "POST"),
];

#[tokio::test]
async fn every_path_has_a_preflight_of_its_own_methods() {
    let bench = Bench::open().await;
    for (path, methods) in PATHS {
        for form in [
            (*path).to_owned(),
            format!("{path}/"),
            path.replace("/api/", "//api//"),
        ] {
            let request = Request::options(&form).body(Body::empty()).unwrap();
            let answer = bench.send(request).await;
            assert_eq!(answer.short(), (200, ""), "{form}");
            assert_eq!(
                answer.headers["access-control-allow-methods"], methods,
                "{form}"
            );
            assert_eq!(answer.headers["access-control-allow-origin"], "*");
        }
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_the_right_ones() {
    let bench = Bench::open().await;
    for (path, methods) in PATHS {
        if path.contains("integration") {
            continue;
        }
        let request = Request::builder().method(Method::PUT).uri(*path);
        let answer = bench.send(request.body(Body::empty()).unwrap()).await;
        assert_eq!(
            answer.short(),
            (405, r#"{"detail":"method not allowed"}"#),
            "{path}"
        );
        let allowed = answer.headers["allow"].to_str().unwrap();
        assert!(
            methods.split(", ").all(|method| allowed.contains(method)),
            "{path}: {allowed}"
        );
        assert_eq!(
            allowed.contains("POST"),
            methods.contains("POST"),
            "{path}: {allowed}"
        );
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
    }
}

#[tokio::test]
async fn unknown_paths_of_a_project_say_so_in_json() {
    let bench = Bench::open().await;
    let nothing = "there is nothing at this path";
    for (path, detail) in [
        ("/api/1", nothing),
        ("/api/1/", nothing),
        ("/api/1/novelty/", nothing),
        ("/api/1//novelty", nothing),
        ("//api/1/a/b/c", nothing),
        ("/api/1/events/x/", nothing),
        ("/js-sdk-loader/key.css", nothing),
        (
            "/api/1/integration/otlp/v1/traces",
            "'/integration/otlp/v1/traces/' is not supported",
        ),
        (
            "/api/1/otlp/v1/traces/",
            "'/otlp/v1/traces/' is not supported",
        ),
        (
            "/api/1/integration/vercel/logs/",
            "'/integration/vercel/logs/' is not supported",
        ),
        (
            "/api/1/integration/heroku/logs",
            "'/integration/heroku/logs/' is not supported",
        ),
        ("/api/1/upload/", "'/upload/' is not supported"),
        ("/api/1/playstation/", "'/playstation/' is not supported"),
    ] {
        let method = if path.ends_with("css") {
            Method::GET
        } else {
            Method::POST
        };
        let request = Request::builder().method(method).uri(path);
        let answer = bench.send(request.body(Body::from("{}")).unwrap()).await;
        assert_eq!(answer.status, 404, "{path}");
        assert!(
            answer.body.starts_with(r#"{"detail":""#),
            "{path}: {}",
            answer.body
        );
        assert!(answer.body.contains(detail), "{path}: {}", answer.body);
        assert_eq!(answer.headers["content-type"], "application/json");
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
    }
}

#[tokio::test]
async fn every_endpoint_asks_who_sends() {
    let mut bench = Bench::open().await;
    for path in [
        "security",
        "nel",
        "minidump",
        "events/x/attachments",
        "cron/slug",
    ] {
        for (query, status) in [
            ("", 401),
            ("?sentry_key=short", 400),
            (&*format!("?sentry_key={OTHER_KEY}"), 403),
            (&*format!("?sentry_key={}", "e".repeat(32)), 403),
            (&*format!("?sentry_key={KEY}&sentry_version=8"), 400),
        ] {
            let uri = format!("/api/1/{path}/{query}");
            let request = Request::post(&uri).header("content-type", "application/json");
            let answer = bench.send(request.body(Body::from("{}")).unwrap()).await;
            assert_eq!(answer.status, status, "{uri}");
            assert_eq!(answer.headers["access-control-allow-origin"], "*");
        }
        let uri = format!("/api/x/{path}/?sentry_key={KEY}");
        let request = Request::post(&uri).body(Body::from("{}")).unwrap();
        assert_eq!(bench.send(request).await.status, 400, "{uri}");
    }
    assert!(bench.queued().is_empty());
}

#[tokio::test]
async fn health_has_the_short_name_as_well() {
    let bench = Bench::open().await;
    for path in ["/_health", "/_health/"] {
        let request = Request::get(path).body(Body::empty()).unwrap();
        assert_eq!(bench.send(request).await.short(), (200, "ok"));
    }
}
