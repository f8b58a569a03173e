use bugle_protocol::{DiscardReason, KeyId, Outcome};
use bugle_store::{Batch, NewRejection, Project};

use crate::backend::{TestStore, on_both_backends};
use crate::samples::{self, NOW, store_batch};

on_both_backends!(
    the_newest_rejections_of_each_project_are_kept,
    a_rejection_says_what_was_wrong,
);

fn rejection(project: &Project, detail: &str) -> NewRejection {
    NewRejection {
        project_id: project.id,
        key_id: KeyId(1),
        received_at: NOW,
        status: 400,
        item_type: String::new(),
        outcome: Outcome::Invalid(DiscardReason::InvalidEnvelope),
        detail: detail.to_owned(),
        client: "sentry.python/2".to_owned(),
        size: 9,
    }
}

async fn details(store: &TestStore, project: &Project, limit: u32) -> Vec<String> {
    let found = store.rejections(project.id, limit).await.unwrap();
    found.into_iter().map(|one| one.detail).collect()
}

async fn the_newest_rejections_of_each_project_are_kept(store: TestStore) {
    let project = samples::project(&store).await;
    let other = samples::second_project(&store, &project).await;
    // A flood, and a single one of somebody else before it.
    let flood = |round: u32| {
        let mut flood = vec![rejection(&other, &round.to_string())];
        flood.extend((0..50).map(|n| rejection(&project, &format!("{round}-{n}"))));
        flood
    };
    let mut rejections: Vec<Vec<_>> = (0..6).map(flood).collect();
    let last = rejections.pop().unwrap();
    for rejections in rejections {
        let batch = Batch {
            rejections,
            ..Batch::default()
        };
        store_batch(&store, batch).await;
    }
    let kept = details(&store, &project, 1000).await;
    assert_eq!(kept.len(), 100, "five batches, twenty of each");
    let batch = Batch {
        rejections: last,
        ..Batch::default()
    };
    store_batch(&store, batch).await;
    let kept = details(&store, &project, 1000).await;
    assert_eq!(kept.len(), 100);
    assert_eq!((kept[0].as_str(), kept[19].as_str()), ("5-49", "5-30"));
    assert_eq!(kept[99], "1-30", "the oldest batch is gone");
    assert_eq!(details(&store, &project, 2).await, ["5-49", "5-48"]);
    let theirs = details(&store, &other, 1000).await;
    assert_eq!(theirs, ["5", "4", "3", "2", "1", "0"]);
}

async fn a_rejection_says_what_was_wrong(store: TestStore) {
    let project = samples::project(&store).await;
    let hostile = NewRejection {
        item_type: "event\0".repeat(100),
        detail: "\0".repeat(3000),
        client: "x'); DROP TABLE rejection;--".repeat(100),
        size: u64::MAX,
        ..rejection(&project, "")
    };
    let batch = Batch {
        rejections: vec![hostile],
        ..Batch::default()
    };
    store_batch(&store, batch).await;
    let found = store.rejections(project.id, 10).await.unwrap().remove(0);
    assert_eq!((found.key_id, found.received_at), (KeyId(1), NOW));
    assert_eq!((found.status, found.size), (400, i64::MAX as u64));
    assert_eq!(
        (found.outcome.as_str(), found.reason.as_str()),
        ("invalid", "invalid_envelope")
    );
    assert_eq!(found.item_type.chars().count(), 255);
    assert_eq!(found.detail, "\u{fffd}".repeat(1024));
    assert_eq!(found.client.chars().count(), 255);
}
