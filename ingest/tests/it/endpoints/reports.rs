//! Reports that browsers send by themselves.

use super::{post_as, queued};
use crate::support::Bench;

const CSP: &str = r#"{"csp-report": {"document-uri": "https://shop.example.com/", "violated-directive": "img-src"}}"#;
const MEMBERS: &[&str] = &["event_id", "sentry_release", "sentry_environment"];

#[tokio::test]
async fn a_report_is_an_item_with_what_the_query_adds() {
    let mut bench = Bench::open().await;
    for path in ["security", "csp-report/"] {
        let path = format!("/api/1/{path}?sentry_release=shop%401.0&sentry_environment=production");
        let answer = post_as(&bench, &path, "application/csp-report; charset=utf-8", CSP).await;
        assert_eq!(answer.short(), (200, ""));
        let (_, items) = queued(&mut bench, MEMBERS);
        assert_eq!(items.len(), 1);
        assert_eq!(items[0].item_type, "raw_security");
        assert_eq!(items[0].text(), CSP);
        assert_eq!(items[0].member(1), Some("shop@1.0"));
        assert_eq!(items[0].member(2), Some("production"));
    }
}

#[tokio::test]
async fn every_report_of_a_list_is_an_item_of_its_own() {
    let mut bench = Bench::open().await;
    let list = r#"[{"type":"csp-violation","body":{"blockedURL":"inline"}},
        {"type":"network-error","body":{}}, {"type":"deprecation"}]"#;
    let answer = post_as(&bench, "/api/1/security/", "application/reports+json", list).await;
    assert_eq!(answer.short(), (200, ""));
    let (_, items) = queued(&mut bench, MEMBERS);
    let shown: Vec<_> = items.iter().map(|i| (&*i.item_type, i.text())).collect();
    assert_eq!(
        shown,
        [
            (
                "raw_security",
                r#"{"type":"csp-violation","body":{"blockedURL":"inline"}}"#
            ),
            ("nel", r#"{"type":"network-error","body":{}}"#),
            ("raw_security", r#"{"type":"deprecation"}"#),
        ]
    );
    assert_ne!(items[0].member(0), items[1].member(0));
    assert!(items.iter().all(|item| item.member(0).is_some()));
    assert_eq!(items[0].member(1), None);
}

#[tokio::test]
async fn what_every_report_of_a_list_repeats_is_short() {
    let mut bench = Bench::open().await;
    let long = "é".repeat(5000).replace('é', "%C3%A9");
    let path = format!("/api/1/security/?sentry_release={long}&sentry_environment={long}");
    let list = format!("[{}{{}}]", "{},".repeat(999));
    let answer = post_as(&bench, &path, "application/json", list).await;
    assert_eq!(answer.short(), (200, ""));
    let (_, items) = queued(&mut bench, MEMBERS);
    assert_eq!(items.len(), 1000);
    for member in [1, 2] {
        assert_eq!(items[999].member(member), Some(&*"é".repeat(200)));
    }
}

#[tokio::test]
async fn failed_requests_are_reported_to_a_path_of_their_own() {
    let mut bench = Bench::open().await;
    let list = r#"[{"type":"network-error","age":1}]"#;
    let answer = post_as(&bench, "/api/1/nel/", "application/reports+json", list).await;
    assert_eq!(answer.short(), (200, ""));
    let (_, items) = queued(&mut bench, MEMBERS);
    assert_eq!((items.len(), &*items[0].item_type), (1, "nel"));
    let answer = post_as(&bench, "/api/1/nel/", "application/json", "{}").await;
    assert_eq!(answer.status, 200);
    assert_eq!(queued(&mut bench, MEMBERS).1[0].item_type, "nel");
}

#[tokio::test]
async fn what_is_no_report_is_refused() {
    let mut bench = Bench::open().await;
    let many = format!("[{}{{}}]", "{},".repeat(1000));
    // The count is looked at before the reports are.
    let numbers = format!("[{}0]", "0,".repeat(500_000));
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(1 << 20));
    for (path, content_type, body, status, detail) in [
        (
            "security",
            "text/plain",
            "{}",
            415,
            "unsupported media type",
        ),
        ("security", "", "{}", 415, "unsupported media type"),
        (
            "nel",
            "application/csp-report",
            "{}",
            415,
            "unsupported media type",
        ),
        ("security", "application/json", "", 400, "invalid JSON data"),
        (
            "security",
            "application/json",
            "{",
            400,
            "invalid JSON data",
        ),
        ("security", "application/json", "1", 400, "invalid report"),
        ("nel", "application/json", "[{}, 1]", 400, "invalid report"),
        (
            "security",
            "application/json",
            &many,
            413,
            "at most 1000 per envelope",
        ),
        (
            "nel",
            "application/json",
            &numbers,
            413,
            "at most 1000 per envelope",
        ),
        (
            "security",
            "application/json",
            &large,
            413,
            "more than 1048576 bytes",
        ),
    ] {
        let path = format!("/api/1/{path}/");
        let answer = post_as(&bench, &path, content_type, body.to_owned()).await;
        assert_eq!(answer.status, status, "{path} {content_type}: {answer:?}");
        assert!(answer.body.contains(detail), "{}", answer.body);
        assert_eq!(answer.headers["access-control-allow-origin"], "*");
        assert!(bench.queued().is_empty());
    }
    let empty = post_as(&bench, "/api/1/nel/", "application/json", "[]").await;
    assert_eq!(empty.short(), (200, ""));
    assert!(bench.queued().is_empty());
}
