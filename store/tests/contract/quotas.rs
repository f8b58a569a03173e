use bugle_protocol::DataCategory::{Attachment, ClientReport, Error, LogByte, Security, Span};
use bugle_protocol::{
    DataCategory, KeyId, LimitReason, LimitScope, Outcome, ProjectId, QuotaId, UnixMillis,
};
use bugle_store::{
    Batch, NewProject, NewQuota, OutcomeCount, Project, ProjectKey, Quota, QuotaTarget, Store,
    StoreError,
};

use crate::backend::{TestStore, on_both_backends};
use crate::samples::{self, NOW, public_key};

on_both_backends!(
    a_quota_is_set_changed_listed_and_removed,
    a_key_carries_what_bounds_it,
    quotas_that_make_no_sense_are_refused,
    keys_are_made_named_and_switched_off,
    a_rate_limit_of_a_key_is_one_quota,
    a_project_is_protected_once_its_usual_is_known,
);

const HOUR: i64 = 3_600_000;

fn new(target: QuotaTarget, categories: &[DataCategory], quantity: u64, window: u64) -> NewQuota {
    NewQuota {
        target,
        categories: categories.to_vec(),
        quantity,
        window_seconds: window,
    }
}

async fn other_project(store: &Store, project: &Project) -> Project {
    let new = NewProject {
        organization_id: project.organization_id,
        name: "Other",
        platform: None,
        public_key: public_key(2),
    };
    store.create_project(&new, NOW).await.unwrap()
}

async fn key(store: &Store, n: u8) -> ProjectKey {
    let key = store.project_key(public_key(n)).await.unwrap();
    (*key.unwrap()).clone()
}

fn ids(quotas: &[Quota]) -> Vec<QuotaId> {
    quotas.iter().map(|quota| quota.id).collect()
}

async fn a_quota_is_set_changed_listed_and_removed(store: TestStore) {
    let project = samples::project(&store).await;
    let target = QuotaTarget::Project(project.id);
    let set = new(target, &[Span, Error, Span], 10, 60);
    let quota = store.set_quota(&set, NOW).await.unwrap();
    assert_eq!(quota.categories, [Error, Span]);
    assert_eq!(
        (quota.scope(), quota.reason),
        (LimitScope::Project, LimitReason::ProjectQuota)
    );
    assert_eq!((quota.quantity, quota.window_seconds), (10, 60));

    let later = UnixMillis(NOW.0 + 1);
    let again = new(target, &[Error, Span], 20, 60);
    let changed = store.set_quota(&again, later).await.unwrap();
    assert_eq!((changed.id, changed.created_at), (quota.id, NOW));
    assert_eq!(changed.quantity, 20);
    let hourly = new(target, &[Error, Span], 20, 3600);
    let hourly = store.set_quota(&hourly, later).await.unwrap();
    assert_ne!(hourly.id, quota.id);

    let all = [changed, hourly];
    let organization = project.organization_id;
    assert_eq!(store.quotas(organization).await.unwrap(), all);
    assert_eq!(store.quotas_of_project(project.id).await.unwrap(), all);
    assert_eq!(store.all_quotas().await.unwrap(), all);
    assert!(store.remove_quota(quota.id).await.unwrap());
    assert!(!store.remove_quota(quota.id).await.unwrap());
    assert_eq!(store.all_quotas().await.unwrap(), all[1..]);
}

async fn a_key_carries_what_bounds_it(store: TestStore) {
    let project = samples::project(&store).await;
    let other = other_project(&store, &project).await;
    assert!(key(&store, 1).await.quotas.is_empty());
    let set = async |target| {
        let quota = store.set_quota(&new(target, &[], 5, 60), NOW).await;
        quota.unwrap().id
    };
    let of_all = set(QuotaTarget::Organization(project.organization_id)).await;
    let of_project = set(QuotaTarget::Project(project.id)).await;
    let of_key = set(QuotaTarget::Key(key(&store, 1).await.id)).await;
    let of_other = set(QuotaTarget::Project(other.id)).await;
    // A change is seen at once where it was made.
    let seen = key(&store, 1).await;
    assert_eq!(ids(&seen.quotas), [of_all, of_project, of_key]);
    assert_eq!(seen.organization_id, project.organization_id);
    assert_eq!(ids(&key(&store, 2).await.quotas), [of_all, of_other]);
    assert_eq!(store.project_keys(project.id).await.unwrap(), [seen]);
    store.remove_quota(of_all).await.unwrap();
    assert_eq!(ids(&key(&store, 2).await.quotas), [of_other]);
}

async fn quotas_that_make_no_sense_are_refused(store: TestStore) {
    let project = samples::project(&store).await;
    let target = QuotaTarget::Project(project.id);
    for (categories, quantity, window, fault) in [
        (
            &[Error][..],
            1,
            59,
            "a window of 59 s is not between 60 s and 2678400 s",
        ),
        (
            &[Error],
            1,
            2_682_000,
            "a window of 2682000 s is not between 60 s and 2678400 s",
        ),
        (&[Error], 1, 90, "a window of 90 s is not whole minutes"),
        (
            &[Error],
            1,
            5400,
            "a window of 5400 s is longer than an hour but not whole hours",
        ),
        (
            &[Error],
            u64::MAX,
            60,
            "a quantity above 9223372036854775807 cannot be counted",
        ),
        (
            &[ClientReport],
            1,
            60,
            "the category client_report is never limited",
        ),
        (
            &[Error, Attachment],
            1,
            60,
            "attachment counts bytes and error counts items: they need a limit each",
        ),
    ] {
        let new = new(target, categories, quantity, window);
        let error = store.set_quota(&new, NOW).await.unwrap_err();
        assert!(matches!(error, StoreError::Invalid(_)));
        assert_eq!(error.to_string(), fault);
    }
    for (target, fault) in [
        (QuotaTarget::Project(ProjectId(99)), "project 99 not found"),
        (QuotaTarget::Key(KeyId(99)), "key 99 not found"),
    ] {
        let refused = store.set_quota(&new(target, &[Error], 1, 60), NOW).await;
        assert_eq!(refused.unwrap_err().to_string(), fault);
    }
    let bytes = new(target, &[Attachment, LogByte], 0, 2_678_400);
    assert!(store.set_quota(&bytes, NOW).await.unwrap().is_bytes());
}

async fn keys_are_made_named_and_switched_off(store: TestStore) {
    let project = samples::project(&store).await;
    assert_eq!(store.project_key(public_key(9)).await.unwrap(), None);
    let made = store.create_key(project.id, " Web\0 ", public_key(9), NOW);
    let id = made.await.unwrap();
    let made = key(&store, 9).await;
    assert_eq!(
        (made.id, made.label.as_str(), made.is_active),
        (id, "Web", true)
    );
    let again = store.create_key(project.id, "", public_key(9), NOW).await;
    assert!(matches!(again, Err(StoreError::Exists { .. })));
    store.update_key(id, "Old web", false).await.unwrap();
    let changed = key(&store, 9).await;
    assert_eq!(
        (changed.label.as_str(), changed.is_active),
        ("Old web", false)
    );
    let unknown = store.update_key(KeyId(99), "", true).await.unwrap_err();
    assert_eq!(unknown.to_string(), "key 99 not found");
    assert_eq!(store.project_keys(project.id).await.unwrap().len(), 2);
}

async fn a_rate_limit_of_a_key_is_one_quota(store: TestStore) {
    samples::project(&store).await;
    let target = QuotaTarget::Key(key(&store, 1).await.id);
    let other = new(target, &[Span], 7, 60);
    let other = store.set_quota(&other, NOW).await.unwrap();
    for (limit, kept) in [
        (Some((5, 60)), 2),
        (Some((6, 3600)), 2),
        (Some((7, 3600)), 2),
        (None, 1),
        (None, 1),
    ] {
        let before = key(&store, 1).await;
        store.set_key_rate_limit(&before, limit, NOW).await.unwrap();
        let after = key(&store, 1).await;
        assert_eq!(after.quotas.len(), kept);
        let found = after.quotas.iter().find(|quota| quota.is_rate_limit());
        let found = found.map(|quota| (quota.quantity, quota.window_seconds));
        assert_eq!(found, limit);
        assert!(ids(&after.quotas).contains(&other.id));
    }
}

async fn a_project_is_protected_once_its_usual_is_known(store: TestStore) {
    let project = samples::project(&store).await;
    let hours_of = |range: std::ops::Range<i64>, category, outcome, quantity| {
        let count = |ago| OutcomeCount {
            project_id: project.id,
            key_id: KeyId(1),
            received_at: UnixMillis(NOW.0 - ago * HOUR),
            category,
            outcome,
            quantity,
        };
        range.map(count).collect::<Vec<_>>()
    };
    let limited = Outcome::RateLimited(LimitReason::SpikeProtection);
    let mut outcomes = hours_of(1..24, Error, Outcome::Accepted, 400);
    // Neither the hour that runs, nor what was refused, nor what is too old or counts otherwise, is usual.
    outcomes.extend(hours_of(0..1, Error, Outcome::Accepted, 90_000));
    outcomes.extend(hours_of(1..24, Error, limited, 90_000));
    outcomes.extend(hours_of(1..24, Span, Outcome::Accepted, 90_000));
    outcomes.extend(hours_of(170..200, Error, Outcome::Accepted, 90_000));
    let record = async |outcomes| {
        let batch = Batch {
            outcomes,
            ..Batch::default()
        };
        store.record(&batch, NOW).await.unwrap();
    };
    record(outcomes).await;
    let protection = async || {
        let quotas = store.quotas_of_project(project.id).await.unwrap();
        let quotas = quotas.into_iter().map(|quota| {
            assert_eq!(quota.reason, LimitReason::SpikeProtection);
            assert_eq!(quota.categories, [Error, Security]);
            (quota.quantity, quota.window_seconds)
        });
        quotas.collect::<Vec<_>>()
    };
    let switch = async |is_on| {
        let switched = store.set_spike_protection(project.id, is_on, NOW).await;
        switched.unwrap();
        let is_set = store.project(project.id).await.unwrap().unwrap();
        assert_eq!(is_set.spike_protection, is_on);
    };
    assert!(!project.spike_protection);
    switch(true).await;
    assert_eq!(protection().await, [], "23 hours are not enough");
    record(hours_of(24..25, Security, Outcome::Duplicate, 400)).await;
    store.refresh_spike_quotas(NOW).await.unwrap();
    assert_eq!(protection().await, [(2000, 3600)]);
    store.refresh_spike_quotas(NOW).await.unwrap();
    assert_eq!(protection().await, [(2000, 3600)]);
    // A week later nothing is known any more.
    let later = UnixMillis(NOW.0 + 8 * 24 * HOUR);
    store.refresh_spike_quotas(later).await.unwrap();
    assert_eq!(protection().await, []);
    switch(true).await;
    switch(false).await;
    assert_eq!(protection().await, []);
    let unknown = store.set_spike_protection(ProjectId(99), true, NOW).await;
    assert_eq!(unknown.unwrap_err().to_string(), "project 99 not found");
}
