//! What cannot be stored costs itself alone, and can be tried again.

use bugle_protocol::body::Encoding;
use bugle_protocol::{Envelope, ProjectId};
use bugle_store::queue::{Entry, RequestHead, RequestKind};

use crate::support::{NOW, Road, envelope, event_id, message, outcome};

const EVENT: (&str, &[u8]) = (r#"{"type":"event"}"#, br#"{"message":"orphan"}"#);
const FILE: (&str, &[u8]) = (r#"{"type":"attachment","filename":"a.txt"}"#, b"12345");

/// The database refuses events of a project that is gone, and nothing else of it.
const GONE: ProjectId = ProjectId(4711);

async fn outcomes_of_gone(road: &Road) -> Vec<(String, String, String, i64)> {
    let totals = road.store.outcome_totals(GONE, NOW).await.unwrap();
    let read = |total: bugle_store::OutcomeTotal| {
        (total.category, total.outcome, total.reason, total.quantity)
    };
    totals
        .into_iter()
        .filter(|total| total.quantity != 0)
        .map(read)
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn only_what_the_database_refuses_is_set_aside_and_tried_again() {
    let mut road = Road::new().await;
    road.push_envelope(message(1, "before")).await;
    let head = RequestHead {
        project_id: GONE,
        ..road.head()
    };
    let items = [FILE, EVENT, (r#"{"type":"session"}"#, b"{}")];
    road.push_with(head, envelope(Some(event_id(2)), &items))
        .await;
    road.push_envelope(message(3, "after")).await;
    road.drain().await;
    let accepted = outcome("error", "accepted", "", 2);
    assert_eq!(road.outcomes().await, [accepted]);
    let counted = [
        outcome("attachment", "accepted", "", 5),
        outcome("attachment_item", "accepted", "", 1),
        outcome("error", "invalid", "internal", 1),
        outcome("session", "unsupported", "", 1),
    ];
    assert_eq!(outcomes_of_gone(&road).await, counted);

    let [aside] = road.set_aside().try_into().unwrap();
    let part = Envelope::parse(&aside.body).unwrap();
    assert_eq!(part.header.event_id(), Some(event_id(2)));
    let kept: Vec<_> = part.items.iter().map(|item| item.payload).collect();
    assert_eq!(kept, [EVENT.1]);
    let [rejection] = road
        .store
        .rejections(GONE, 10)
        .await
        .unwrap()
        .try_into()
        .unwrap();
    assert_eq!(
        (rejection.item_type.as_str(), rejection.reason.as_str()),
        ("event", "internal")
    );

    // The second try comes to the same: it is counted once all the same.
    let mut again = aside.clone();
    again.head.is_retry = true;
    again.head.charges.clear();
    road.push_entry(&Entry::Request(again.clone())).await;
    road.drain().await;
    assert_eq!(outcomes_of_gone(&road).await, counted);
    assert_eq!(road.set_aside().len(), 2);

    // Where it goes well, the first try is taken back. The counts of another project go below zero by that.
    again.head.project_id = road.project.id;
    road.push_entry(&Entry::Request(again)).await;
    road.drain().await;
    assert_eq!(
        road.outcomes().await,
        [
            outcome("error", "accepted", "", 3),
            outcome("error", "invalid", "internal", -1),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_crash_whose_event_is_refused_is_set_aside_whole() {
    let mut road = Road::new().await;
    let head = RequestHead {
        project_id: GONE,
        ..road.head()
    };
    let dump = r#"{"type":"attachment","attachment_type":"event.minidump"}"#;
    let items: [(&str, &[u8]); 3] = [FILE, (dump, b"MDMP"), (r#"{"type":"form_data"}"#, b"[]")];
    road.push_with(head, envelope(Some(event_id(2)), &items))
        .await;
    road.drain().await;
    assert_eq!(
        outcomes_of_gone(&road).await,
        [
            outcome("attachment", "accepted", "", 5),
            outcome("attachment", "invalid", "internal", 4),
            outcome("attachment_item", "accepted", "", 1),
            outcome("attachment_item", "invalid", "internal", 1),
            outcome("error", "invalid", "internal", 1),
        ]
    );
    let [mut aside] = road.set_aside().try_into().unwrap();
    assert_eq!(Envelope::parse(&aside.body).unwrap().items.len(), 2);
    aside.head.is_retry = true;
    aside.head.project_id = road.project.id;
    road.push_entry(&Entry::Request(aside)).await;
    road.drain().await;
    assert_eq!(
        road.outcomes().await,
        [
            outcome("attachment", "accepted", "", 4),
            outcome("attachment", "invalid", "internal", -4),
            outcome("attachment_item", "accepted", "", 1),
            outcome("attachment_item", "invalid", "internal", -1),
            outcome("error", "accepted", "", 1),
            outcome("error", "invalid", "internal", -1),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_cannot_be_read_are_set_aside_whole() {
    let mut road = Road::new().await;
    road.push(RequestKind::Envelope, Encoding::Gzip, "not gzip")
        .await;
    road.push(RequestKind::Envelope, Encoding::Identity, "no envelope")
        .await;
    road.drain().await;
    let bodies: Vec<_> = road
        .set_aside()
        .into_iter()
        .map(|aside| aside.body)
        .collect();
    assert_eq!(bodies, ["not gzip", "no envelope"]);
    let failed = outcome("unknown", "invalid", "internal", 2);
    assert_eq!(road.outcomes().await, [failed]);
}

#[tokio::test(flavor = "multi_thread")]
async fn files_that_cannot_be_kept_wait_and_nothing_is_lost() {
    let mut road = Road::new().await;
    let blobs = road.folder.path().join("blobs");
    std::fs::write(&blobs, "in the way").unwrap();
    road.push_envelope(message(1, "before")).await;
    road.push_envelope(envelope(Some(event_id(2)), &[FILE, EVENT]))
        .await;
    road.push_envelope(message(3, "after")).await;
    road.start();
    while road.outcomes().await.is_empty() {
        tokio::task::yield_now().await;
    }
    let first = outcome("error", "accepted", "", 1);
    assert_eq!(road.outcomes().await, [first]);
    // The server may be stopped meanwhile.
    road.stop().await;
    std::fs::remove_file(&blobs).unwrap();
    road.drain().await;
    assert_eq!(
        road.outcomes().await,
        [
            outcome("attachment", "accepted", "", 5),
            outcome("attachment_item", "accepted", "", 1),
            outcome("error", "accepted", "", 3),
        ]
    );
    assert!(road.set_aside().is_empty());
}
