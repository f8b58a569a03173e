//! Erasing while requests come in.

use std::time::Duration;

use bugle_protocol::body::Encoding;
use bugle_protocol::{KeyId, PublicKey, UnixMillis};
use bugle_store::queue::{Entry, Limits, Queue, QueuedRequest, RequestHead, RequestKind};
use bugle_store::{
    ErasureReport, Issue, IssueFilter, JobKind, JobParameters, JobState, NewJob, NewProject,
    Options, Project, Store,
};
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::Jobs;
use crate::Processor;

const NOW: UnixMillis = UnixMillis(1_795_163_904_106);
const ADA: &str = r#"{"email":"ada@example.com"}"#;

struct World {
    _folder: tempfile::TempDir,
    store: Store,
    queue: Queue,
    project: Project,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let store = Store::open(&Options {
            database_url: format!("sqlite:{}", folder.path().join("bugle.db").display()),
            blob_folder: folder.path().join("blobs"),
        })
        .await
        .unwrap();
        store.migrate().await.unwrap();
        let organization_id = store
            .create_organization("acme", "Acme", NOW)
            .await
            .unwrap();
        let new = NewProject {
            organization_id,
            name: "Shop",
            platform: None,
            public_key: PublicKey::from_bytes([1; 16]),
        };
        let project = store.create_project(&new, NOW).await.unwrap();
        let queue = Queue::open(&folder.path().join("queue"), Limits::default(), 0).unwrap();
        Self {
            _folder: folder,
            store,
            queue,
            project,
        }
    }

    async fn push(&self, id: u8, user: &str, message: &str) {
        let event = format!(
            r#"{{"exception":{{"values":[{{"type":"Oops","value":"broken"}}]}},"user":{user},"extra":{{"note":"{message}"}}}}"#
        );
        let id = format!("{id:02x}").repeat(16);
        let length = event.len();
        let body = format!(
            "{{\"event_id\":\"{id}\"}}\n{{\"type\":\"event\",\"length\":{length}}}\n{event}\n"
        );
        let head = RequestHead {
            project_id: self.project.id,
            key_id: KeyId(1),
            received_at: NOW,
            kind: RequestKind::Envelope,
            encoding: Encoding::Identity,
            event_id: None,
            client_ip: None,
            client: None,
            user_agent: None,
            charges: Vec::new(),
            limited: Vec::new(),
            is_retry: false,
        };
        let body = body.into();
        let entry = Entry::Request(QueuedRequest { head, body });
        self.queue.push(&entry).await.unwrap();
    }

    /// Processes what was pushed.
    async fn drain(&self) {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(Processor::new(self.store.clone(), self.queue.clone()).run(stopped));
        let last = self.queue.last_position();
        while self.store.queue_position(self.queue.id()).await.unwrap() < last {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        stop.send_replace(true);
        tasks.join_next().await.unwrap().unwrap();
    }

    async fn erase(&self, person: &str, dry_run: bool) -> ErasureReport {
        let new = NewJob {
            organization_id: self.project.organization_id,
            project_id: None,
            kind: JobKind::Erase,
            parameters: JobParameters {
                person: Some(person.to_owned()),
                dry_run,
                ..JobParameters::default()
            },
            author: None,
        };
        let id = self.store.create_job(&new, NOW).await.unwrap();
        let jobs = Jobs::new(self.store.clone(), self.queue.clone());
        let (_stop, stopped) = watch::channel(false);
        assert!(jobs.run_next(&stopped).await.unwrap());
        let job = self
            .store
            .job(new.organization_id, id)
            .await
            .unwrap()
            .unwrap();
        assert_eq!((job.state, &job.error), (JobState::Done, &None));
        serde_json::from_str(&job.report).unwrap()
    }

    async fn issue(&self) -> Issue {
        let filter = IssueFilter::new(vec![self.project.id], 10);
        self.store.issues(&filter).await.unwrap().issues.remove(0)
    }

    async fn stored(&self) -> u64 {
        self.store.count_stored(&[self.project.id]).await.unwrap()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waited_when_it_began_is_erased_too() {
    let world = World::new().await;
    world.push(1, ADA, "stored").await;
    world.drain().await;
    world.push(2, ADA, "waits").await;
    world.push(3, r#"{"id":"bob"}"#, "to ada@example.com").await;
    // By then the first walk has ended. The row of the erased event is given to the next one.
    let later = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.drain().await;
    };
    let (report, ()) = tokio::join!(world.erase("ada@example.com", false), later);
    assert_eq!((report.events, report.mentions.events), (2, 1));
    assert_eq!(report.queue.waiting, 0);
    assert!(!report.newer);
    assert_eq!(world.stored().await, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_processor_nothing_is_waited_for() {
    let world = World::new().await;
    world.push(1, ADA, "waits").await;
    let new = NewJob {
        organization_id: world.project.organization_id,
        project_id: None,
        kind: JobKind::Erase,
        parameters: JobParameters {
            person: Some("ada@example.com".to_owned()),
            ..JobParameters::default()
        },
        author: None,
    };
    let id = world.store.create_job(&new, NOW).await.unwrap();
    let jobs = Jobs::new(world.store.clone(), world.queue.clone()).without_processor();
    let (_stop, stopped) = watch::channel(false);
    let run = tokio::time::timeout(Duration::from_secs(30), jobs.run_next(&stopped));
    assert!(run.await.unwrap().unwrap());
    let job = world.store.job(new.organization_id, id).await.unwrap();
    let report: ErasureReport = serde_json::from_str(&job.unwrap().report).unwrap();
    assert_eq!(report.queue.waiting, 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn who_has_another_event_is_still_counted() {
    let world = World::new().await;
    let at = |ip: &str| format!(r#"{{"id":"42","ip_address":"{ip}"}}"#);
    world.push(1, &at("203.0.113.7"), "one").await;
    world.push(2, &at("2001:DB8:0:0::77"), "two").await;
    world.drain().await;
    assert_eq!(world.issue().await.user_count, 1);
    let tried = world.erase("203.0.113.7", true).await;
    assert_eq!((tried.events, tried.users, tried.issues), (1, 0, 0));
    let done = world.erase("203.0.113.7", false).await;
    assert_eq!((done.events, done.users, done.issues), (1, 0, 0));
    assert_eq!(world.issue().await.user_count, 1);

    let tried = world.erase("2001:db8::77", true).await;
    assert_eq!((tried.events, tried.users, tried.issues), (1, 1, 1));
    let done = world.erase("2001:db8::77", false).await;
    assert_eq!((done.events, done.users, done.issues), (1, 1, 1));
    let issue = world.issue().await;
    assert_eq!((issue.user_count, issue.title.as_str()), (0, "[erased]"));
}

#[tokio::test(flavor = "multi_thread")]
async fn near_misses_are_left_and_counted() {
    let world = World::new().await;
    let bob = r#"{"id":"bob"}"#;
    world.push(1, bob, "export-ada@example.com.csv").await;
    world.push(2, bob, "nada@example.com").await;
    world.push(3, bob, "ada@example.com.csv").await;
    world.drain().await;
    let tried = world.erase("ada@example.com", true).await;
    let done = world.erase("ada@example.com", false).await;
    assert_eq!((done.near, done.mentions.events), (1, 1));
    assert_eq!((tried.near, tried.mentions.events), (1, 1));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_mere_word_leaves_names_alone() {
    let world = World::new().await;
    world.push(1, r#"{"id":"bob"}"#, "of lovelace").await;
    world.drain().await;
    let done = world.erase("Oops", false).await;
    assert_eq!(done.mentions.names, 0);
    let done = world.erase("lovelace", false).await;
    assert_eq!(done.mentions.events, 1);
}
