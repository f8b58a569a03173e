//! What limits refused, and what requests were charged.

use bugle_protocol::{Charge, DataCategory, LimitReason, Outcome};
use bugle_store::queue::{Entry, LimitedItem, RequestHead, Tally};
use bugle_store::{OutcomeCount, UsageScope};

use crate::support::{NOW, Road, envelope, event_id, outcome};

const ITEMS: [(&str, &[u8]); 3] = [
    (r#"{"type":"event"}"#, br#"{"message":"m"}"#),
    (r#"{"type":"attachment"}"#, b"12345"),
    (r#"{"type":"replay_event"}"#, b"{}"),
];

#[tokio::test(flavor = "multi_thread")]
async fn limited_items_are_counted_and_not_read() {
    let mut road = Road::new().await;
    let limited = |item, reason| LimitedItem { item, reason };
    let head = RequestHead {
        limited: vec![
            limited(0, LimitReason::KeyQuota),
            limited(1, LimitReason::ProjectQuota),
        ],
        ..road.head()
    };
    road.push_with(head, envelope(Some(event_id(1)), &ITEMS))
        .await;
    road.drain().await;
    assert_eq!(
        road.outcomes().await,
        [
            outcome("attachment", "rate_limited", "project_quota", 5),
            outcome("attachment_item", "rate_limited", "project_quota", 1),
            outcome("error", "rate_limited", "key_quota", 1),
            outcome("replay", "unsupported", "", 1),
        ]
    );
    assert!(road.rejections().await.is_empty());
    assert!(!road.folder.path().join("blobs").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_dump_whose_event_is_limited_makes_none() {
    let mut road = Road::new().await;
    let dump = r#"{"type":"attachment","attachment_type":"event.minidump"}"#;
    let items: [(&str, &[u8]); 3] = [
        (dump, b"MDMP"),
        (dump, b"MDMP2"),
        (r#"{"type":"form_data"}"#, b"[]"),
    ];
    let head = RequestHead {
        limited: vec![LimitedItem {
            item: 0,
            reason: LimitReason::KeyQuota,
        }],
        ..road.head()
    };
    road.push_with(head, envelope(Some(event_id(1)), &items))
        .await;
    road.drain().await;
    assert_eq!(
        road.outcomes().await,
        [
            outcome("attachment", "accepted", "", 5),
            outcome("attachment", "rate_limited", "key_quota", 4),
            outcome("attachment_item", "accepted", "", 1),
            outcome("attachment_item", "rate_limited", "key_quota", 1),
            outcome("error", "rate_limited", "key_quota", 1),
        ]
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn charges_are_kept_for_the_quotas_and_tallies_for_the_ledger() {
    let mut road = Road::new().await;
    let now = bugle_protocol::UnixMillis::now();
    let head = RequestHead {
        received_at: now,
        charges: vec![Charge {
            category: DataCategory::Error,
            quantity: 3,
        }],
        ..road.head()
    };
    road.push_with(head.clone(), envelope(Some(event_id(1)), &ITEMS[..1]))
        .await;
    let retry = RequestHead {
        is_retry: true,
        ..head
    };
    road.push_with(retry, envelope(Some(event_id(2)), &ITEMS[..1]))
        .await;
    road.push_entry(&Entry::Tally(Tally {
        outcomes: vec![OutcomeCount {
            project_id: road.project.id,
            key_id: road.head().key_id,
            received_at: NOW,
            category: DataCategory::Session,
            outcome: Outcome::RateLimited(LimitReason::Overload),
            quantity: 9,
        }],
        rejections: Vec::new(),
    }))
    .await;
    road.drain().await;
    let scope = UsageScope {
        organization_id: road.project.organization_id,
        project_id: Some(road.project.id),
        key_id: None,
    };
    let used = road
        .store
        .usage(
            scope,
            &[DataCategory::Error],
            bugle_protocol::UnixMillis(now.0 - 60_000),
            60,
        )
        .await;
    assert_eq!(used.unwrap(), 3);
    let limited = outcome("session", "rate_limited", "overload", 9);
    assert!(road.outcomes().await.contains(&limited));
}
