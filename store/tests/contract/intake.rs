use std::time::Duration;

use bugle_protocol::{
    Charge, ClientReason, DataCategory, DiscardReason, FilterReason, KeyId, LimitReason,
    OrganizationId, Outcome, UnixMillis,
};
use bugle_store::{Batch, IntakeCount, NewQuota, Project, QuotaTarget, UsageScope};

use crate::backend::{TestStore, on_both_backends};
use crate::samples::{self, NOW, cursor, outcome, store_batch};

on_both_backends!(
    short_windows_add_up_minutes,
    long_windows_add_up_what_was_not_refused,
    minutes_are_forgotten_after_two_hours,
    a_batch_is_charged_once,
);

const MINUTE: Duration = Duration::from_secs(60);

fn intake(project: &Project, category: DataCategory, quantity: u64) -> IntakeCount {
    IntakeCount {
        project_id: project.id,
        key_id: KeyId(1),
        received_at: NOW,
        charge: Charge { category, quantity },
    }
}

fn batch(intake: Vec<IntakeCount>) -> Batch {
    Batch {
        intake,
        ..Batch::default()
    }
}

fn everything(project: &Project) -> UsageScope {
    UsageScope {
        organization_id: project.organization_id,
        project_id: None,
        key_id: None,
    }
}

async fn short_windows_add_up_minutes(store: TestStore) {
    let project = samples::project(&store).await;
    let other = samples::second_project(&store, &project).await;
    let error = |project, quantity| intake(project, DataCategory::Error, quantity);
    let at = |received_at, count| IntakeCount {
        received_at,
        ..count
    };
    let earlier = NOW.before(3 * MINUTE);
    let second_key = IntakeCount {
        key_id: KeyId(3),
        ..error(&project, 1000)
    };
    let first = vec![
        error(&project, 1),
        at(earlier, error(&project, 10)),
        error(&project, 2),
        second_key,
        error(&other, 10_000),
        intake(&project, DataCategory::Session, 100_000),
        intake(&project, DataCategory::Attachment, 1_000_000),
        intake(&project, DataCategory::ClientReport, 10_000_000),
    ];
    store_batch(&store, batch(first)).await;
    store_batch(&store, batch(vec![error(&project, 4)])).await;

    let all = everything(&project);
    let of_project = UsageScope {
        project_id: Some(project.id),
        ..all
    };
    let of_key = UsageScope {
        key_id: Some(KeyId(1)),
        ..of_project
    };
    let elsewhere = UsageScope {
        organization_id: OrganizationId(99),
        ..of_project
    };
    let (error, session) = (DataCategory::Error, DataCategory::Session);
    for (scope, categories, since, expected) in [
        (of_key, &[error][..], NOW, 7),
        (of_key, &[error], earlier, 17),
        (of_key, &[error], NOW.after(MINUTE), 0),
        (of_key, &[session], earlier, 100_000),
        (of_key, &[error, session], earlier, 100_017),
        (of_key, &[DataCategory::Attachment], NOW, 1_000_000),
        (of_key, &[], NOW, 100_007),
        (of_project, &[error], earlier, 1017),
        (all, &[error], earlier, 11_017),
        (elsewhere, &[error], earlier, 0),
    ] {
        for window in [60, 3600] {
            let usage = store.usage(scope, categories, since, window).await.unwrap();
            assert_eq!(usage, expected, "{scope:?} {categories:?} since {since}");
        }
    }
    let quota = NewQuota {
        target: QuotaTarget::Key(KeyId(1)),
        categories: vec![error],
        quantity: 5,
        window_seconds: 60,
    };
    let quota = store.set_quota(&quota, NOW).await.unwrap();
    assert_eq!(store.quota_usage(&quota, earlier).await.unwrap(), 17);
}

async fn long_windows_add_up_what_was_not_refused(store: TestStore) {
    let project = samples::project(&store).await;
    let error = |how, quantity| outcome(&project, DataCategory::Error, how, quantity);
    let mut earlier = error(Outcome::Accepted, 1000);
    earlier.received_at = NOW.before(48 * 60 * MINUTE);
    let outcomes = vec![
        error(Outcome::Accepted, 1),
        error(Outcome::Duplicate, 2),
        error(Outcome::Invalid(DiscardReason::InvalidJson), 4),
        error(Outcome::Filtered(FilterReason::WebCrawlers), 8),
        error(Outcome::RateLimited(LimitReason::KeyQuota), 50),
        error(Outcome::ClientDiscard(ClientReason::SampleRate), 60),
        outcome(&project, DataCategory::Span, Outcome::Unsupported, 100),
        earlier,
    ];
    let new = Batch {
        outcomes,
        ..Batch::default()
    };
    store_batch(&store, new).await;
    let usage = async |categories: &[DataCategory], since| {
        let scope = everything(&project);
        store.usage(scope, categories, since, 86_400).await.unwrap()
    };
    assert_eq!(usage(&[DataCategory::Error], NOW).await, 15);
    assert_eq!(usage(&[DataCategory::Error], UnixMillis(0)).await, 1015);
    assert_eq!(usage(&[], NOW).await, 115);
    let next_hour = NOW.after(60 * MINUTE);
    assert_eq!(usage(&[], next_hour).await, 0);
}

async fn minutes_are_forgotten_after_two_hours(store: TestStore) {
    let project = samples::project(&store).await;
    let errors = |received_at, quantity| IntakeCount {
        received_at,
        ..intake(&project, DataCategory::Error, quantity)
    };
    // What waited in the queue for longer than that is not kept at all.
    let old = NOW.before(121 * MINUTE);
    store_batch(&store, batch(vec![errors(old, 1), errors(NOW, 10)])).await;
    let usage = async || {
        let usage = store.usage(everything(&project), &[], UnixMillis(0), 3600);
        usage.await.unwrap()
    };
    assert_eq!(usage().await, 10);
    let later = NOW.after(119 * MINUTE);
    let more = batch(vec![errors(later, 100)]);
    store.record(&more, later).await.unwrap();
    assert_eq!(usage().await, 110);
    let much_later = NOW.after(121 * MINUTE);
    let more = batch(vec![errors(much_later, 1000)]);
    store.record(&more, much_later).await.unwrap();
    assert_eq!(usage().await, 1100);
}

async fn a_batch_is_charged_once(store: TestStore) {
    let project = samples::project(&store).await;
    let batch = Batch {
        cursor: cursor(5),
        intake: vec![intake(&project, DataCategory::Error, 1)],
        ..Batch::default()
    };
    store_batch(&store, batch.clone()).await;
    store_batch(&store, batch).await;
    let usage = store.usage(everything(&project), &[], NOW, 60).await;
    assert_eq!(usage.unwrap(), 1);
}
