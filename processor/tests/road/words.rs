//! What users wrote, files, and what clients say they dropped.

use std::io::Read as _;

use bugle_protocol::EventId;

use crate::support::{NOW, Road, capture, envelope, event_id, message, outcome};

/// A bare name, the media type, the kind, and the bytes.
type File = (String, Option<String>, String, Vec<u8>);

async fn files(road: &Road, id: EventId) -> Vec<File> {
    let attachments = road.store.attachments(road.project.id, id, 0, 100).await;
    let read = |attachment: bugle_store::Attachment| {
        let file = road.store.blobs.open(attachment.blob).unwrap();
        let mut bytes = Vec::new();
        file.unwrap().read_to_end(&mut bytes).unwrap();
        assert_eq!(attachment.size, bytes.len() as u64);
        let kind = attachment.attachment_type;
        (attachment.name, attachment.content_type, kind, bytes)
    };
    attachments.unwrap().into_iter().map(read).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn captured_attachments_are_kept_with_their_events() {
    let mut road = Road::new().await;
    for name in [
        "node/attachment-01",
        "python-django/attachments-01",
        "sentry-cli/send_envelope",
    ] {
        road.push_envelope(capture(name)).await;
    }
    road.drain().await;
    let id = "5c1d0b7e2f9a4e38b6d4a1f0c3e2b7d9".parse().unwrap();
    let [(name, media_type, kind, _)] = files(&road, id).await.try_into().unwrap();
    let kept = (name.as_str(), media_type.as_deref(), kind.as_str());
    assert_eq!(kept, ("notes.txt", Some("text/plain"), "event.attachment"));
    assert_eq!(road.event(id).await.0.row.event_id, id);
    let items = outcome("attachment_item", "accepted", "", 7);
    assert!(road.outcomes().await.contains(&items));
    assert!(road.rejections().await.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn attachments_are_named_and_judged_by_themselves() {
    let mut road = Road::new().await;
    let items: [(&str, &[u8]); 5] = [
        (r#"{"type":"event"}"#, b"{broken"),
        (r#"{"type":"attachment"}"#, b""),
        (
            r#"{"type":"attachment","filename":"C:\\logs\\a.log","content_type":"text/plain\u0000","attachment_type":"event.view_hierarchy"}"#,
            b"\x00\xff",
        ),
        (
            r#"{"type":"attachment","content_type":"application/vnd.sentry.attachment-ref+json"}"#,
            b"{}",
        ),
        (r#"{"type":"form_data"}"#, b"[]"),
    ];
    road.push_envelope(envelope(Some(event_id(1)), &items))
        .await;
    road.push_envelope(envelope(Some(event_id(1)), &items[1..3]))
        .await;
    road.push_envelope(envelope(None, &items[2..3])).await;
    road.drain().await;
    let expected: [File; 2] = [
        (
            "Unnamed Attachment".to_owned(),
            None,
            "event.attachment".to_owned(),
            Vec::new(),
        ),
        (
            "a.log".to_owned(),
            Some("text/plain".to_owned()),
            "event.view_hierarchy".to_owned(),
            b"\x00\xff".to_vec(),
        ),
    ];
    assert_eq!(files(&road, event_id(1)).await, expected);
    assert_eq!(
        road.outcomes().await,
        [
            outcome("attachment", "accepted", "", 3),
            outcome("attachment", "duplicate", "", 3),
            outcome("attachment", "invalid", "no_data", 2),
            outcome("attachment", "unsupported", "", 2),
            outcome("attachment_item", "accepted", "", 2),
            outcome("attachment_item", "duplicate", "", 2),
            outcome("attachment_item", "invalid", "no_data", 1),
            outcome("attachment_item", "unsupported", "", 1),
            outcome("error", "invalid", "invalid_json", 1),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn captured_feedback_is_kept_with_its_screenshot() {
    let mut road = Road::new().await;
    for _ in 0..2 {
        road.push_envelope(capture("python/feedback_event-02"))
            .await;
    }
    road.drain().await;
    let id = "ffffffff0123456789abcdef01234567".parse().unwrap();
    let feedback = road.store.feedback_by_id(road.project.id, id).await;
    let feedback = feedback.unwrap().unwrap();
    assert_eq!(feedback.message, "The export is empty.");
    assert_eq!(feedback.name.as_deref(), Some("Eve"));
    assert_eq!(feedback.email.as_deref(), Some("eve@example.com"));
    let url = "https://shop.example.com/export";
    assert_eq!(feedback.url.as_deref(), Some(url));
    assert_eq!(feedback.source.as_deref(), Some("widget"));
    assert_eq!(feedback.environment.as_deref(), Some("staging"));
    assert_eq!(feedback.release.as_deref(), Some("worker@3.0.0+build7"));
    let about = "9c8c938aab514daea28f3e6c1e85ec19".parse().unwrap();
    assert_eq!(feedback.event_id, Some(about));
    assert_eq!(files(&road, id).await[0].0, "screenshot.png");
    assert_eq!(
        road.outcomes().await,
        [
            outcome("attachment", "accepted", "", 18),
            outcome("attachment", "duplicate", "", 18),
            outcome("attachment_item", "accepted", "", 1),
            outcome("attachment_item", "duplicate", "", 1),
            outcome("feedback", "accepted", "", 1),
            outcome("feedback", "duplicate", "", 1),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn captured_user_reports_are_kept_once() {
    let mut road = Road::new().await;
    for _ in 0..2 {
        let report = capture("python-django/user_report-02");
        road.push_envelope(report).await;
    }
    road.drain().await;
    let about = "4dcd55df47a94219bc19e3ecffa9d0ef".parse().unwrap();
    let feedback = road
        .store
        .feedback_of_event(road.project.id, about, 10)
        .await;
    let [feedback] = feedback.unwrap().try_into().unwrap();
    assert_eq!(feedback.message, "It broke, twice.\nPlease fix.");
    assert_eq!(feedback.name.as_deref(), Some("Eve"));
    assert_eq!(feedback.email.as_deref(), Some("eve@example.com"));
    assert_eq!(feedback.created_at, NOW);
    assert_eq!(
        road.outcomes().await,
        [
            outcome("feedback", "accepted", "", 1),
            outcome("feedback", "duplicate", "", 1),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_users_wrote_is_bounded_or_refused() {
    let mut road = Road::new().await;
    let long = format!(
        r#"{{"contexts":{{"feedback":{{"message":"{}","name":" Eve "}}}}}}"#,
        "é".repeat(5000)
    );
    let items: [(&str, &[u8]); 7] = [
        (r#"{"type":"feedback"}"#, long.as_bytes()),
        (
            r#"{"type":"feedback"}"#,
            br#"{"contexts":{"feedback":{"message":"  "}}}"#,
        ),
        (r#"{"type":"feedback"}"#, b"{}"),
        (r#"{"type":"feedback"}"#, b"secret words"),
        (r#"{"type":"user_report"}"#, b"[1]"),
        (r#"{"type":"user_report"}"#, br#"{"comments":""}"#),
        (
            r#"{"type":"user_report"}"#,
            b"{\"name\":7,\"comments\":\"hm\"}\n",
        ),
    ];
    road.push_envelope(envelope(Some(event_id(1)), &items))
        .await;
    road.push_envelope(envelope(None, &items[6..])).await;
    road.drain().await;
    let id = event_id(1);
    let feedback = road.store.feedback_by_id(road.project.id, id).await;
    let feedback = feedback.unwrap().unwrap();
    assert_eq!(feedback.message.chars().count(), 4096);
    assert_eq!(feedback.name.as_deref(), Some("Eve"));
    let report = road.store.feedback_of_event(road.project.id, id, 10).await;
    let [report] = report.unwrap().try_into().unwrap();
    assert_eq!((report.message.as_str(), report.name), ("hm", None));
    assert_eq!(
        road.outcomes().await,
        [
            outcome("feedback", "accepted", "", 2),
            outcome("feedback", "invalid", "invalid_json", 1),
            outcome("feedback", "invalid", "no_data", 4),
            outcome("feedback", "invalid", "not_an_object", 1),
        ]
    );
    let rejections = road.rejections().await;
    let broken = rejections.iter().find(|r| r.reason == "invalid_json");
    let broken = broken.unwrap();
    assert_eq!(broken.detail, "invalid JSON: expected a value at byte 0");
    let seen = (broken.status, broken.item_type.as_str(), broken.size);
    assert_eq!(seen, (200, "feedback", 12));
    assert_eq!(broken.client, "sentry.python/2.75.0");
}

#[tokio::test(flavor = "multi_thread")]
async fn captured_client_reports_are_counted() {
    let mut road = Road::new().await;
    for name in [
        "python/client_report_sampled",
        "python/rate_limited-06",
        "node/before_send",
    ] {
        road.push_envelope(capture(name)).await;
    }
    road.push_envelope(message(1, "hello")).await;
    road.drain().await;
    assert_eq!(
        road.outcomes().await,
        [
            outcome("client_report", "accepted", "", 3),
            outcome("error", "accepted", "", 1),
            outcome("error", "client_discard", "before_send", 1),
            outcome("error", "client_discard", "sample_rate", 3),
            outcome("span", "client_discard", "ratelimit_backoff", 4),
            outcome("span", "client_discard", "sample_rate", 1),
            outcome("transaction", "client_discard", "ratelimit_backoff", 4),
            outcome("transaction", "client_discard", "sample_rate", 1),
        ]
    );
}
