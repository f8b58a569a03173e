//! Crashes of the Unreal Engine.

use axum::body::Body;
use axum::http::Request;
use bugle_protocol::EventId;

use super::queued;
use crate::support::{Answer, Bench, KEY, OTHER_KEY};

async fn post(bench: &Bench, path: &str, body: &'static str) -> Answer {
    let request = Request::post(path).body(Body::from(body)).unwrap();
    bench.send(request).await
}

#[tokio::test]
async fn a_crash_is_kept_as_it_came() {
    let mut bench = Bench::open().await;
    let path = format!("/api/1/unreal/{KEY}/?UserID=login%7Cepic&AppID=Game");
    let answer = post(&bench, &path, "\u{1}packed").await;
    assert_eq!(answer.status, 200);
    assert_eq!(answer.body.len(), 36);
    let (event_id, items) = queued(&mut bench, &["user_id"]);
    assert_eq!(event_id, answer.body.parse::<EventId>().ok());
    assert_eq!(items.len(), 1);
    assert_eq!(items[0].item_type, "unreal_report");
    assert_eq!(items[0].member(0), Some("login|epic"));
    assert_eq!(items[0].text(), "\u{1}packed");
}

#[tokio::test]
async fn the_key_in_the_path_is_the_one_that_counts() {
    let bench = Bench::open().await;
    for (path, body, status) in [
        (format!("/api/1/unreal/{KEY}"), "", 400),
        (format!("/api/1/unreal/{OTHER_KEY}"), "x", 403),
        ("/api/1/unreal/nonsense/".to_owned(), "x", 400),
        (
            format!("/api/1/unreal/{KEY}/?sentry_key={OTHER_KEY}"),
            "x",
            401,
        ),
        (format!("/api/x/unreal/{KEY}/"), "x", 400),
        (format!("/api/1/unreal/{KEY}/?sentry_key={KEY}"), "x", 200),
    ] {
        let answer = post(&bench, &path, body).await;
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
    }
}
