//! What browsers report by themselves.

use bugle_protocol::Level;
use bugle_store::queue::RequestHead;
use serde_json::json;

use crate::support::{NOW, Road, envelope, event_id, outcome};

const CHROME: &str = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36";

/// Sends a report as a browser's request brings it.
async fn push_report(road: &Road, item_type: &str, id: u8, report: &str) {
    let header = format!(
        r#"{{"type":"{item_type}","event_id":"{}","sentry_release":"shop@1","sentry_environment":"live"}}"#,
        event_id(id)
    );
    let head = RequestHead {
        user_agent: Some(CHROME.to_owned()),
        event_id: None,
        ..road.head()
    };
    let items: [(&str, &[u8]); 1] = [(&header, report.as_bytes())];
    road.push_with(head, envelope(None, &items)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn policy_violations_become_events() {
    let mut road = Road::new().await;
    let old = r#"{"csp-report":{"document-uri":"https://shop.example/cart","referrer":"https://shop.example/",
        "violated-directive":"script-src 'self'","original-policy":"script-src 'self'; report-uri /csp",
        "blocked-uri":"https://evil.example/x.js","status-code":200,"line-number":7}}"#;
    let new = r#"{"type":"csp-violation","age":5000,"url":"https://shop.example/cart","user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "body":{"documentURL":"https://shop.example/cart","blockedURL":"inline","effectiveDirective":"style-src-elem",
        "originalPolicy":"style-src 'self'","disposition":"enforce","statusCode":200,"sourceFile":"https://shop.example/a.js",
        "lineNumber":3,"columnNumber":9,"sample":"a{}"}}"#;
    push_report(&road, "raw_security", 1, old).await;
    push_report(&road, "raw_security", 2, new).await;
    road.drain().await;

    let (event, body) = road.event(event_id(1)).await;
    assert_eq!(event.row.title, "Blocked 'script' from 'evil.example'");
    assert_eq!(event.row.level, Level::Error);
    assert_eq!(event.row.release.as_deref(), Some("shop@1"));
    assert_eq!(event.row.environment.as_deref(), Some("live"));
    assert_eq!(body["type"], "csp");
    assert_eq!(body["logger"], "csp");
    assert_eq!(body["culprit"], "script-src 'self'");
    assert_eq!(body["csp"]["effective_directive"], "script-src");
    assert_eq!(body["csp"]["line_number"], 7);
    assert_eq!(body["request"]["url"], "https://shop.example/cart");
    assert_eq!(body["user"]["ip_address"], "203.0.113.9");
    assert_eq!(body["contexts"]["browser"]["name"], "Chrome");
    for tag in [
        ("effective-directive", "script-src"),
        ("blocked-uri", "evil.example"),
        ("logger", "csp"),
    ] {
        let tag = (tag.0.to_owned(), tag.1.to_owned());
        assert!(event.row.tags.contains(&tag), "{tag:?}");
    }

    let (event, body) = road.event(event_id(2)).await;
    assert_eq!(event.row.title, "Blocked inline 'style'");
    assert_eq!(event.row.timestamp.0, NOW.0 - 5000);
    assert_eq!(body["csp"]["source_file"], "https://shop.example/a.js");
    assert_eq!(body["contexts"]["browser"]["name"], "Firefox");
    let stored = outcome("security", "accepted", "", 2);
    assert_eq!(road.outcomes().await, [stored]);
}

#[tokio::test(flavor = "multi_thread")]
async fn reports_on_certificates_become_events() {
    let mut road = Road::new().await;
    for (id, report, title, ty) in [
        (
            1,
            r#"{"date-time":"2026-11-20T08:00:00Z","hostname":"a.example","port":443,"known-pins":["x"]}"#,
            "Public key pinning failed for 'a.example'",
            "hpkp",
        ),
        (
            2,
            r#"{"expect-ct-report":{"hostname":"b.example","port":443,"scts":[]}}"#,
            "Expect-CT failed for 'b.example'",
            "expectct",
        ),
        (
            3,
            r#"{"expect-staple-report":{"hostname":"c.example","cert-status":"REVOKED"}}"#,
            "Expect-Staple failed for 'c.example'",
            "expectstaple",
        ),
    ] {
        push_report(&road, "raw_security", id, report).await;
        road.drain().await;
        let (event, body) = road.event(event_id(id)).await;
        assert_eq!(event.row.title, title);
        assert_eq!(body["type"], ty);
        assert!(body[ty]["hostname"].is_string(), "{body}");
        assert!(body.get("errors").is_none(), "{body}");
    }
    let page = road
        .store
        .issues(&bugle_store::IssueFilter::new(vec![road.project.id], 10))
        .await;
    assert_eq!(page.unwrap().issues.len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn failed_requests_become_events() {
    let mut road = Road::new().await;
    let report = r#"{"type":"network-error","age":1000,"url":"https://shop.example/api?token=s3cret","user_agent":"Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
        "body":{"type":"http.error","phase":"application","status_code":503,"method":"POST","protocol":"h2",
        "referrer":"https://shop.example/","server_ip":"198.51.100.7","elapsed_time":37,"sampling_fraction":1.0}}"#;
    push_report(&road, "nel", 1, report).await;
    push_report(&road, "raw_security", 2, report).await;
    push_report(&road, "nel", 3, r#"{"type":"network-error","body":{}}"#).await;
    push_report(&road, "nel", 4, r#"{"type":"network-error"}"#).await;
    road.drain().await;
    for id in [1, 2] {
        let (event, body) = road.event(event_id(id)).await;
        assert_eq!(event.row.title, "Network error: http.error (503)");
        assert_eq!(body["type"], "nel");
        assert_eq!(body["logger"], "nel");
        assert_eq!(body["request"]["method"], "POST");
        assert_eq!(body["contexts"]["nel"]["phase"], "application");
        assert_eq!(body["contexts"]["response"]["status_code"], json!(503));
        assert!(!body.to_string().contains("s3cret"), "{body}");
    }
    assert_eq!(
        road.outcomes().await,
        [
            outcome("security", "accepted", "", 2),
            outcome("security", "invalid", "security_report", 2),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn events_with_a_report_count_as_security() {
    let mut road = Road::new().await;
    let event = br#"{"csp":{"effective_directive":"img-src","blocked_uri":"https://evil.example/"},"logger":""}"#;
    let items: [(&str, &[u8]); 1] = [(r#"{"type":"security"}"#, event)];
    road.push_envelope(envelope(Some(event_id(1)), &items))
        .await;
    road.drain().await;
    let (_, body) = road.event(event_id(1)).await;
    assert_eq!(
        (&body["type"], &body["logger"]),
        (&json!("csp"), &json!("csp"))
    );
    let stored = outcome("security", "accepted", "", 1);
    assert_eq!(road.outcomes().await, [stored]);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_no_known_report_is_refused() {
    let mut road = Road::new().await;
    for (n, (report, reason)) in [
        ("{}", "security_report"),
        (r#"{"csp-report":7}"#, "security_report"),
        (r#"{"csp-report":{"blocked-uri":"x"}}"#, "security_report"),
        (r#"{"expect-ct-report":{}}"#, "security_report"),
        (r#"{"type":"csp-violation","body":[]}"#, "security_report"),
        ("[]", "not_an_object"),
        ("nonsense", "invalid_json"),
    ]
    .into_iter()
    .enumerate()
    {
        let id = u8::try_from(n).unwrap() + 1;
        push_report(&road, "raw_security", id, report).await;
        road.drain().await;
        let rejections = road.rejections().await;
        let newest = &rejections[0];
        assert_eq!(newest.reason, reason, "{report}");
        assert!(!newest.detail.is_empty());
        assert_eq!(rejections.len(), usize::from(id));
    }
    let deprecation = r#"{"type":"deprecation","url":"https://shop/","body":{"id":"x"}}"#;
    push_report(&road, "raw_security", 99, deprecation).await;
    road.drain().await;
    let unsupported = outcome("security", "unsupported", "", 1);
    assert!(road.outcomes().await.contains(&unsupported));
}

/// Reports of one envelope that name no id are events of their own, and the same ones when the envelope comes again.
#[tokio::test(flavor = "multi_thread")]
async fn reports_of_one_envelope_are_events_of_their_own() {
    let mut road = Road::new().await;
    let report = |host: &str| {
        format!(
            r#"{{"csp-report":{{"document-uri":"https://shop.example/","violated-directive":"img-src 'self'","blocked-uri":"https://{host}/x.png"}}}}"#
        )
    };
    let reports = ["a.example", "b.example", "b.example"].map(report);
    let header = r#"{"type":"raw_security"}"#;
    let items = [0, 1, 2].map(|n| (header, reports[n].as_bytes()));
    for n in 1..=2 {
        let body = envelope(Some(event_id(n)), &items);
        road.push_envelope(body.clone()).await;
        road.push_envelope(body).await;
    }
    road.drain().await;

    let (event, _) = road.event(event_id(1)).await;
    assert_eq!(event.row.title, "Blocked 'image' from 'a.example'");
    let outcomes = road.outcomes().await;
    assert!(
        outcomes.contains(&outcome("security", "accepted", "", 6)),
        "{outcomes:?}"
    );
}
