//! What endpoints answer once a quota is used up.

use axum::body::Body;
use axum::http::Request;
use bugle_protocol::{EventId, UnixMillis};
use bugle_store::{NewQuota, QuotaTarget};

use super::{FORM, form, post_as};
use crate::support::{Bench, KEY};

async fn used_up() -> Bench {
    let bench = Bench::open().await;
    let quota = NewQuota {
        target: QuotaTarget::Project(bench.project_id),
        categories: Vec::new(),
        quantity: 0,
        window_seconds: 60,
    };
    let set = bench.ingest.store.set_quota(&quota, UnixMillis::now());
    set.await.unwrap();
    bench
}

#[tokio::test]
async fn clients_that_would_send_it_again_are_told_of_success() {
    let mut bench = used_up().await;
    let dump = form(&[("upload_file_minidump", Some("x.dmp"), b"MDMP")]);
    let answer = post_as(&bench, "/api/1/minidump/", FORM, dump).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.parse::<EventId>().is_ok(), "{}", answer.body);
    let answer = post_as(&bench, &format!("/api/1/unreal/{KEY}/"), "", "x").await;
    assert_eq!(answer.status, 200);
    assert!(answer.body.parse::<EventId>().is_ok(), "{}", answer.body);
    let request = Request::get(format!("/api/1/cron/slug/{KEY}/?status=ok"));
    let answer = bench.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.short(), (202, ""));
    assert!(bench.queued().is_empty());
}

#[tokio::test]
async fn all_others_are_told_to_hold_back() {
    let mut bench = used_up().await;
    let files = form(&[("a", Some("x"), b"1")]);
    let attachments = "/api/1/events/9ec79c33ec9942ab8353589fcb2e04dc/attachments/";
    for answer in [
        post_as(&bench, "/api/1/security/", "application/json", "{}").await,
        post_as(&bench, "/api/1/nel/", "application/json", "[{}]").await,
        post_as(&bench, attachments, FORM, files).await,
    ] {
        assert_eq!(answer.status, 429, "{}", answer.body);
        assert!(answer.headers.contains_key("x-sentry-rate-limits"));
        assert!(answer.headers.contains_key("retry-after"));
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
    }
    let request = Request::get(format!("/api/1/store/?sentry_key={KEY}&sentry_data=e30"));
    let answer = bench.send(request.body(Body::empty()).unwrap()).await;
    assert_eq!(answer.status, 429);
    assert!(bench.queued().is_empty());
}
