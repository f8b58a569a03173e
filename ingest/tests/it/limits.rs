//! Too large, and too many.

use bugle_ingest::Limits;

use axum::body::Body;
use axum::http::Request;

use crate::support::{Bench, KEY, authorized};

/// Items as header members and payload size; the type and the limit that are named if they are too much.
type Case<'a> = (&'a [(&'a str, usize)], Option<(&'a str, &'a str)>);

/// Items of a type with payloads of given sizes.
fn envelope(items: &[(&str, usize)]) -> String {
    let mut body = "{}\n".to_owned();
    for (header, bytes) in items {
        let payload = "x".repeat(*bytes);
        body += &format!("{{{header},\"length\":{bytes}}}\n{payload}\n");
    }
    body
}

fn small() -> Limits {
    Limits {
        max_envelope_bytes: 2000,
        max_store_bytes: 100,
        max_event_bytes: 100,
        max_attachment_bytes: 300,
        max_attachments: 3,
        max_attachments_bytes: 400,
        max_sessions: 2,
        max_session_bytes: 50,
        max_client_reports: 2,
        max_client_report_bytes: 50,
        max_check_in_bytes: 50,
        max_container_bytes: 200,
        max_standalone_spans: 2,
        max_standalone_logs: 2,
        max_statsd_bytes: 50,
        max_profile_bytes: 200,
        max_replay_bytes: 200,
        ..Limits::default()
    }
}

#[tokio::test]
async fn items_are_counted_and_measured_by_their_kind() {
    let mut bench = Bench::with(small(), Default::default()).await;
    let event = r#""type":"event""#;
    let transaction = r#""type":"transaction""#;
    let feedback = r#""type":"feedback""#;
    let attachment = r#""type":"attachment""#;
    let report = r#""type":"user_report""#;
    let session = r#""type":"session""#;
    let sessions = r#""type":"sessions""#;
    let client_report = r#""type":"client_report""#;
    let check_in = r#""type":"check_in""#;
    let log = r#""type":"log""#;
    let otel_log = r#""type":"otel_log""#;
    let spans = r#""type":"span","content_type":"application/vnd.sentry.items.span.v2+json""#;
    let span = r#""type":"span""#;
    let metric = r#""type":"trace_metric""#;
    let statsd = r#""type":"statsd""#;
    let profile = r#""type":"profile""#;
    let recording = r#""type":"replay_recording""#;
    let novelty = r#""type":"novelty""#;
    let cases: &[Case<'_>] = &[
        (&[(event, 100)], None),
        (&[(event, 101)], Some(("event", "100 bytes each"))),
        (&[(event, 1), (event, 1)], Some(("event", "1 per envelope"))),
        (
            &[(event, 1), (transaction, 1)],
            Some(("transaction", "1 per envelope")),
        ),
        (&[(feedback, 101)], Some(("feedback", "100 bytes each"))),
        (
            &[
                (attachment, 300),
                (report, 50),
                (event, 100),
                (attachment, 50),
            ],
            None,
        ),
        (&[(attachment, 301)], Some(("attachment", "300 bytes each"))),
        (
            &[
                (attachment, 0),
                (attachment, 0),
                (attachment, 0),
                (attachment, 0),
            ],
            Some(("attachment", "3 per envelope")),
        ),
        (
            &[(attachment, 300), (report, 0), (report, 50), (report, 100)],
            None,
        ),
        (&[(report, 101)], Some(("user_report", "100 bytes each"))),
        (
            &[(report, 0), (report, 0), (report, 0), (report, 0)],
            Some(("user_report", "3 per envelope")),
        ),
        (
            &[(attachment, 300), (attachment, 101)],
            Some(("attachment", "400 bytes together")),
        ),
        (
            &[(session, 50), (sessions, 50), (check_in, 50), (check_in, 0)],
            Some(("check_in", "1 per envelope")),
        ),
        (
            &[(session, 0), (sessions, 0), (session, 0)],
            Some(("session", "2 per envelope")),
        ),
        (&[(sessions, 51)], Some(("sessions", "50 bytes each"))),
        (&[(client_report, 50), (client_report, 50)], None),
        (
            &[(client_report, 0), (client_report, 0), (client_report, 0)],
            Some(("client_report", "2 per envelope")),
        ),
        (&[(check_in, 51)], Some(("check_in", "50 bytes each"))),
        (
            &[
                (log, 200),
                (spans, 200),
                (metric, 200),
                (span, 1),
                (span, 1),
                (otel_log, 1),
                (otel_log, 1),
            ],
            None,
        ),
        (&[(log, 0), (log, 0)], Some(("log", "1 per envelope"))),
        (&[(spans, 0), (spans, 0)], Some(("span", "1 per envelope"))),
        (
            &[(span, 0), (span, 0), (span, 0)],
            Some(("span", "2 per envelope")),
        ),
        (&[(metric, 201)], Some(("trace_metric", "200 bytes each"))),
        (&[(statsd, 51)], Some(("statsd", "50 bytes each"))),
        (&[(profile, 200), (transaction, 100), (spans, 200)], None),
        (&[(profile, 201)], Some(("profile", "200 bytes each"))),
        (
            &[(recording, 201)],
            Some(("replay_recording", "200 bytes each")),
        ),
        (&[(novelty, 500), (novelty, 500), (novelty, 500)], None),
    ];
    for (items, overflow) in cases {
        let answer = bench.post("/api/1/envelope/", envelope(items)).await;
        let Some((item_type, limit)) = overflow else {
            assert_eq!(answer.status, 200, "{items:?}: {}", answer.body);
            assert_eq!(bench.queued().len(), 1);
            continue;
        };
        let detail =
            format!("envelope exceeded size limits for type '{item_type}' (at most {limit})");
        assert_eq!(
            answer.short(),
            (413, &*format!(r#"{{"detail":"{detail}"}}"#)),
            "{items:?}"
        );
    }
    assert!(bench.queued().is_empty());
}

#[tokio::test]
async fn whole_bodies_are_measured_as_sent_and_as_unpacked() {
    let mut bench = Bench::with(small(), Default::default()).await;
    let store = format!("{{\"x\":\"{}\"}}", "x".repeat(100));
    let novelty = envelope(&[(r#""type":"novelty""#, 2000)]);
    for (path, body, limit) in [
        ("/api/1/store/", store, 100),
        ("/api/1/envelope/", novelty, 2000),
    ] {
        let answer = bench.post(path, body).await;
        let expected =
            format!(r#"{{"detail":"envelope exceeded size limits: more than {limit} bytes"}}"#);
        assert_eq!(answer.short(), (413, &*expected), "{path}");
    }
    assert!(bench.queued().is_empty());
}

#[tokio::test]
async fn who_says_who_it_is_in_the_body_alone_may_send_less() {
    let limits = Limits {
        max_event_bytes: 100,
        ..Limits::default()
    };
    let bench = Bench::with(limits, Default::default()).await;
    let dsn = format!("{{\"dsn\":\"https://{KEY}@errors.example.com/1\"}}\n");
    for (bytes, is_known, status) in [
        (1 << 20, false, 200),
        (2 << 20, false, 413),
        (2 << 20, true, 200),
    ] {
        let novelty = "{\"type\":\"novelty\"}\n".to_owned() + &"x".repeat(bytes - 100);
        let request = match is_known {
            true => authorized("/api/1/envelope/"),
            false => Request::post("/api/1/envelope/"),
        };
        let request = request.body(Body::from(dsn.clone() + &novelty)).unwrap();
        let answer = bench.send(request).await;
        assert_eq!(answer.status, status, "{bytes}: {}", answer.body);
    }
}

#[tokio::test]
async fn an_event_of_three_megabytes_is_taken() {
    let mut bench = Bench::open().await;
    let body = envelope(&[
        (r#""type":"event""#, 3 << 20),
        (r#""type":"attachment""#, 5 << 20),
    ]);
    let answer = bench.post("/api/1/envelope/", body.clone()).await;
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert_eq!(bench.queued()[0].body, body.as_bytes());
}
