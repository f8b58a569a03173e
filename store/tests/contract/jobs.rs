//! Jobs: one at a time, and nothing of a person left behind.

use bugle_protocol::{OrganizationId, UnixMillis};
use bugle_store::{Checkpoint, JobKind, JobParameters, JobState, NewJob, Store};

use crate::backend::{TestStore, on_both_backends};
use crate::samples::{NOW, organization};

on_both_backends!(
    jobs_run_one_after_the_other,
    a_job_goes_on_where_it_was,
    an_abandoned_job_is_taken_over,
    a_job_that_was_cancelled_writes_no_more,
    a_job_that_has_ended_names_nobody,
    a_job_of_a_dead_process_is_freed_where_there_is_only_one,
);

fn erase(organization_id: OrganizationId, person: &str) -> NewJob {
    NewJob {
        organization_id,
        project_id: None,
        kind: JobKind::Erase,
        parameters: JobParameters {
            person: Some(person.to_owned()),
            ..JobParameters::default()
        },
        author: None,
    }
}

fn later(seconds: i64) -> UnixMillis {
    UnixMillis(NOW.0 + seconds * 1000)
}

fn at(position: &str) -> Checkpoint {
    Checkpoint {
        position: position.to_owned(),
        total: 10,
        done: 4,
        report: r#"{"events":4}"#.to_owned(),
    }
}

async fn states(store: &Store, organization: OrganizationId) -> Vec<JobState> {
    let jobs = store.jobs(organization, 10).await.unwrap();
    jobs.into_iter().map(|job| job.state).collect()
}

async fn jobs_run_one_after_the_other(store: TestStore) {
    let acme = organization(&store).await;
    assert!(store.claim_job(NOW).await.unwrap().is_none());
    let first = store.create_job(&erase(acme, "ada"), NOW).await.unwrap();
    let second = store.create_job(&erase(acme, "bob"), NOW).await.unwrap();

    let claimed = store.claim_job(NOW).await.unwrap().unwrap();
    assert_eq!(claimed.job.id, first);
    assert_eq!(claimed.job.parameters.person.as_deref(), Some("ada"));
    assert!(store.claim_job(NOW).await.unwrap().is_none());
    let running = [JobState::Waiting, JobState::Running];
    assert_eq!(states(&store, acme).await, running);

    store.finish_job(&claimed, None, NOW).await.unwrap();
    let claimed = store.claim_job(NOW).await.unwrap().unwrap();
    assert_eq!(claimed.job.id, second);
    store
        .finish_job(&claimed, Some("no luck"), NOW)
        .await
        .unwrap();
    let ended = [JobState::Failed, JobState::Done];
    assert_eq!(states(&store, acme).await, ended);
    let job = store.job(acme, second).await.unwrap().unwrap();
    assert_eq!(job.error.as_deref(), Some("no luck"));
    assert_eq!(job.finished_at, Some(NOW));
    assert!(
        store
            .job(OrganizationId(99), second)
            .await
            .unwrap()
            .is_none()
    );
}

async fn a_job_goes_on_where_it_was(store: TestStore) {
    let acme = organization(&store).await;
    store.create_job(&erase(acme, "ada"), NOW).await.unwrap();
    let claimed = store.claim_job(NOW).await.unwrap().unwrap();
    let is_ours = store.checkpoint_job(&claimed, &at("here"), NOW).await;
    assert!(is_ours.unwrap());
    store.release_job(&claimed).await.unwrap();
    let is_ours = store.checkpoint_job(&claimed, &at("there"), NOW).await;
    assert!(!is_ours.unwrap(), "it was given back");

    let again = store.claim_job(NOW).await.unwrap().unwrap();
    assert_eq!(again.job.position, "here");
    assert_eq!((again.job.done, again.job.total), (4, 10));
    assert_eq!(again.job.report, r#"{"events":4}"#);
}

async fn an_abandoned_job_is_taken_over(store: TestStore) {
    let acme = organization(&store).await;
    store.create_job(&erase(acme, "ada"), NOW).await.unwrap();
    let dead = store.claim_job(NOW).await.unwrap().unwrap();
    assert!(store.claim_job(later(29)).await.unwrap().is_none());
    let heir = store.claim_job(later(31)).await.unwrap().unwrap();
    assert_eq!(heir.job.id, dead.job.id);
    let is_ours = store.checkpoint_job(&dead, &at("x"), later(31)).await;
    assert!(!is_ours.unwrap());
    store.finish_job(&dead, None, later(31)).await.unwrap();
    assert_eq!(states(&store, acme).await, [JobState::Running]);
    let until = later(3600);
    assert!(store.renew_job(&heir, until).await.unwrap());
    assert!(store.claim_job(later(3000)).await.unwrap().is_none());
}

async fn a_job_that_was_cancelled_writes_no_more(store: TestStore) {
    let acme = organization(&store).await;
    let id = store.create_job(&erase(acme, "ada"), NOW).await.unwrap();
    let claimed = store.claim_job(NOW).await.unwrap().unwrap();
    let others = store.cancel_job(OrganizationId(99), id, NOW).await;
    assert!(!others.unwrap());
    assert!(store.cancel_job(acme, id, NOW).await.unwrap());
    assert!(!store.cancel_job(acme, id, NOW).await.unwrap());
    let is_ours = store.checkpoint_job(&claimed, &at("x"), NOW).await;
    assert!(!is_ours.unwrap());
    store.finish_job(&claimed, None, NOW).await.unwrap();
    assert_eq!(states(&store, acme).await, [JobState::Cancelled]);
}

async fn a_job_that_has_ended_names_nobody(store: TestStore) {
    let acme = organization(&store).await;
    let id = store.create_job(&erase(acme, "ada"), NOW).await.unwrap();
    let claimed = store.claim_job(NOW).await.unwrap().unwrap();
    assert!(store.forget_person_of_job(&claimed).await.unwrap());
    let job = store.job(acme, id).await.unwrap().unwrap();
    assert_eq!(
        (job.state, job.parameters.person),
        (JobState::Running, None)
    );
    store.finish_job(&claimed, None, NOW).await.unwrap();

    let id = store.create_job(&erase(acme, "bob"), NOW).await.unwrap();
    store.cancel_job(acme, id, NOW).await.unwrap();
    for job in store.jobs(acme, 10).await.unwrap() {
        assert_eq!(job.parameters.person, None);
        assert_eq!(job.position, "");
    }
}

async fn a_job_of_a_dead_process_is_freed_where_there_is_only_one(store: TestStore) {
    let acme = organization(&store).await;
    let id = store.create_job(&erase(acme, "ada"), NOW).await.unwrap();
    let dead = store.claim_job(NOW).await.unwrap().unwrap();
    assert!(store.checkpoint_job(&dead, &at("here"), NOW).await.unwrap());
    let is_alone = store.url.starts_with("sqlite:");
    let freed = store.free_jobs_of_the_dead().await.unwrap();
    assert_eq!(freed, u64::from(is_alone), "elsewhere others may live");
    let again = store.claim_job(NOW).await.unwrap();
    assert_eq!(again.is_some(), is_alone);
    if let Some(again) = again {
        assert_eq!((again.job.id, again.job.position.as_str()), (id, "here"));
    }
}
