//! Events, and the queue behind them.

use std::io::Write as _;

use bugle_protocol::body::Encoding;
use bugle_protocol::{EventId, Level};
use bugle_store::IssueFilter;
use bugle_store::queue::RequestKind;

use crate::support::{NOW, Road, event_id, message, outcome};

#[tokio::test(flavor = "multi_thread")]
async fn an_event_becomes_an_issue() {
    let mut road = Road::new().await;
    road.push_envelope(message(1, "disk full")).await;
    road.drain().await;
    let page = road
        .store
        .issues(&IssueFilter::new(vec![road.project.id], 10))
        .await
        .unwrap();
    assert_eq!(page.issues.len(), 1);
    assert_eq!(
        (page.issues[0].title.as_str(), page.issues[0].level),
        ("disk full", Level::Warning)
    );
    let event = road
        .store
        .event(road.project.id, event_id(1))
        .await
        .unwrap()
        .unwrap();
    assert!(
        event
            .row
            .tags
            .contains(&("level".to_owned(), "warning".to_owned()))
    );
    let body = String::from_utf8(event.body).unwrap();
    assert!(
        body.contains(r#""logentry":{"formatted":"disk full"}"#),
        "{body}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn secrets_are_gone_before_anything_is_stored() {
    let mut road = Road::new().await;
    let event = r#"{"message":"card 4111111111111111","extra":{"password":"hunter2","note":"Bearer abc.def"},
        "request":{"url":"https://x/?token=s3cret","headers":{"Authorization":"Basic Zm9v","Cookie":"sessionid=abc123"}},
        "user":{"id":7,"email":"ada@example.com"},"tags":{"color":"blue"}}"#;
    road.push(RequestKind::Store, Encoding::Identity, event)
        .await;
    road.drain().await;
    let stored = road
        .store
        .event(road.project.id, event_id(255))
        .await
        .unwrap()
        .unwrap();
    let body = String::from_utf8(stored.body).unwrap();
    for secret in [
        "4111111111111111",
        "hunter2",
        "abc.def",
        "s3cret",
        "Zm9v",
        "abc123",
    ] {
        assert!(
            !body.contains(secret) && !stored.row.title.contains(secret),
            "{secret} in {body}"
        );
    }
    assert!(body.contains("ada@example.com") && body.contains("@password:filter"));
    assert_eq!(stored.row.user_label.as_deref(), Some("ada@example.com"));
    assert!(
        stored
            .row
            .tags
            .contains(&("color".to_owned(), "blue".to_owned()))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn every_item_ends_in_one_outcome() {
    let mut road = Road::new().await;
    let many = [
        r#"{"type":"session"}"#,
        "{}",
        r#"{"type":"log","item_count":7}"#,
        "{}",
        r#"{"type":"novel"}"#,
        "{}",
        r#"{"type":"event"}"#,
        "[1]",
        r#"{"type":"event"}"#,
        "{nonsense",
        r#"{"type":"event"}"#,
        r#"{"message":"a"}"#,
        r#"{"type":"client_report"}"#,
        "{}",
    ];
    road.push_envelope(format!("{{}}\n{}\n", many.join("\n")))
        .await;
    road.push_envelope(message(1, "twice")).await;
    road.push_envelope(message(1, "twice")).await;
    road.push(RequestKind::Store, Encoding::Identity, "not json")
        .await;
    road.push(RequestKind::Envelope, Encoding::Gzip, "not gzip")
        .await;
    road.drain().await;
    assert_eq!(
        road.outcomes().await,
        [
            outcome("client_report", "accepted", "", 1),
            outcome("error", "accepted", "", 2),
            outcome("error", "duplicate", "", 1),
            outcome("error", "invalid", "invalid_json", 2),
            outcome("error", "invalid", "not_an_object", 1),
            outcome("log_byte", "unsupported", "", 2),
            outcome("log_item", "unsupported", "", 7),
            outcome("session", "unsupported", "", 1),
            outcome("unknown", "invalid", "internal", 1),
            outcome("unknown", "unsupported", "", 1),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_are_read_in_their_coding() {
    let mut road = Road::new().await;
    let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packed.write_all(message(1, "packed").as_bytes()).unwrap();
    road.push(
        RequestKind::Envelope,
        Encoding::Gzip,
        packed.finish().unwrap(),
    )
    .await;
    road.drain().await;
    assert!(
        road.store
            .event(road.project.id, event_id(1))
            .await
            .unwrap()
            .is_some()
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_not_stored_is_stored_after_a_restart_and_nothing_twice() {
    let mut road = Road::new().await;
    for n in 1..=20 {
        road.push_envelope(message(n, "one")).await;
    }
    road.drain().await;
    road.stop().await;
    for n in 15..=40 {
        road.push_envelope(message(n, "one")).await;
    }
    road.drain().await;
    road.stop().await;
    let page = road
        .store
        .issues(&IssueFilter::new(vec![road.project.id], 10))
        .await
        .unwrap();
    assert_eq!((page.issues.len(), page.issues[0].event_count), (1, 40));
    let outcomes = road.outcomes().await;
    assert_eq!(
        outcomes,
        [
            outcome("error", "accepted", "", 40),
            outcome("error", "duplicate", "", 6)
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_backlog_is_stored_in_order() {
    let mut road = Road::new().await;
    let envelopes = (0..1500u32).map(|n| {
        let id = EventId::from_bytes(u128::from(n + 1).to_be_bytes());
        let event = format!(
            r#"{{"message":"m","timestamp":{}}}"#,
            NOW.as_seconds() - 1500.0 + f64::from(n)
        );
        format!("{{\"event_id\":\"{id}\"}}\n{{\"type\":\"event\"}}\n{event}\n")
    });
    for envelope in envelopes {
        road.push_envelope(envelope).await;
    }
    road.drain().await;
    let page = road
        .store
        .issues(&IssueFilter::new(vec![road.project.id], 10))
        .await
        .unwrap();
    assert_eq!((page.issues.len(), page.issues[0].event_count), (1, 1500));
    let newest = road
        .store
        .latest_event(road.project.id, page.issues[0].id)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(
        newest.row.event_id,
        EventId::from_bytes(1500u128.to_be_bytes())
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_that_the_database_refuses_blocks_nothing() {
    let mut road = Road::new().await;
    road.push_envelope(message(1, "before")).await;
    // The project of this one is gone.
    let project_id = std::mem::replace(&mut road.project.id, bugle_protocol::ProjectId(4711));
    road.push_envelope(message(2, "orphan")).await;
    road.project.id = project_id;
    road.push_envelope(message(3, "after")).await;
    road.drain().await;
    assert_eq!(road.outcomes().await, [outcome("error", "accepted", "", 2)]);
    let aside = road
        .folder
        .path()
        .join("queue/poisoned/00000000000000000002.request");
    assert!(std::fs::read_to_string(aside).unwrap().contains("orphan"));
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_that_unpack_to_much_are_taken_in_smaller_batches() {
    let mut road = Road::new().await;
    for n in 1..=40 {
        let filler = "x".repeat(4_000_000);
        let text = format!(
            "{}\n{{\"type\":\"attachment\"}}\n{filler}\n",
            message(n, "one").trim_end()
        );
        let mut packed = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        packed.write_all(text.as_bytes()).unwrap();
        road.push(
            RequestKind::Envelope,
            Encoding::Gzip,
            packed.finish().unwrap(),
        )
        .await;
    }
    road.drain().await;
    let outcomes = road.outcomes().await;
    assert_eq!(
        outcomes,
        [
            outcome("attachment", "accepted", "", 160_000_000),
            outcome("attachment_item", "accepted", "", 40),
            outcome("error", "accepted", "", 40)
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_transaction_that_came_as_an_event_counts_as_a_transaction() {
    let mut road = Road::new().await;
    let trace =
        r#"{"trace":{"trace_id":"4bf92f3577b34da6a3ce929d0e0e4736","span_id":"00f067aa0ba902b7"}}"#;
    let seconds = NOW.as_seconds();
    let whole = format!(
        r#"{{"type":"transaction","start_timestamp":{seconds},"timestamp":{seconds},"contexts":{trace}}}"#
    );
    road.push(RequestKind::Store, Encoding::Identity, whole)
        .await;
    road.push(
        RequestKind::Store,
        Encoding::Identity,
        r#"{"type":"transaction"}"#,
    )
    .await;
    road.drain().await;
    assert_eq!(
        road.outcomes().await,
        [
            outcome("transaction", "accepted", "", 1),
            outcome("transaction", "invalid", "invalid_transaction", 1),
        ]
    );
}
