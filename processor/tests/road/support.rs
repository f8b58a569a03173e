//! A store, a queue and a processor between them.

use std::time::Duration;

use bugle_processor::Processor;
use bugle_protocol::body::Encoding;
use bugle_protocol::{EventId, KeyId, PublicKey, RuleTopic, UnixMillis};
use bugle_store::queue::{Entry, Limits, Queue, QueuedRequest, RequestHead, RequestKind};
use bugle_store::{
    NewProject, NewRuleVersion, Options, OutcomeTotal, Project, Rejection, RuleOwner, Saved, Store,
    StoredEvent,
};
use bytes::Bytes;
use tokio::sync::watch;
use tokio::task::JoinSet;

pub(crate) const NOW: UnixMillis = UnixMillis(1_795_163_904_106);

/// A store, a queue, and a processor that can be stopped and started again.
pub(crate) struct Road {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) store: Store,
    pub(crate) queue: Queue,
    pub(crate) project: Project,
    running: Option<(watch::Sender<bool>, JoinSet<()>)>,
}

impl Road {
    pub(crate) async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let database_url = format!("sqlite:{}", folder.path().join("bugle.db").display());
        let store = Store::open(&Options {
            database_url,
            blob_folder: folder.path().join("blobs"),
        })
        .await
        .unwrap();
        store.migrate().await.unwrap();
        let organization_id = store
            .create_organization("acme", "Acme", NOW)
            .await
            .unwrap();
        let public_key = PublicKey::from_bytes([1; 16]);
        let new = NewProject {
            organization_id,
            name: "Shop",
            platform: None,
            public_key,
        };
        let project = store.create_project(&new, NOW).await.unwrap();
        let queue = Queue::open(&folder.path().join("queue"), Limits::default(), 0).unwrap();
        Self {
            folder,
            store,
            queue,
            project,
            running: None,
        }
    }

    pub(crate) fn start(&mut self) {
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(Processor::new(self.store.clone(), self.queue.clone()).run(stopped));
        self.running = Some((stop, tasks));
    }

    pub(crate) async fn stop(&mut self) {
        let (stop, mut tasks) = self.running.take().unwrap();
        stop.send_replace(true);
        tasks.join_next().await.unwrap().unwrap();
    }

    /// Waits until everything that was pushed is stored.
    pub(crate) async fn drain(&mut self) {
        if self.running.is_none() {
            self.start();
        }
        let last = self.queue.last_position();
        let drained = async {
            while self.store.queue_position(self.queue.id()).await.unwrap() < last {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), drained)
            .await
            .expect("the queue runs dry");
    }

    /// What is known of a request beside its body.
    pub(crate) fn head(&self) -> RequestHead {
        RequestHead {
            project_id: self.project.id,
            key_id: KeyId(1),
            received_at: NOW,
            kind: RequestKind::Envelope,
            encoding: Encoding::Identity,
            event_id: Some(event_id(255)),
            client_ip: Some("203.0.113.9".parse().unwrap()),
            client: Some("sentry.python/2.75.0".to_owned()),
            user_agent: None,
            charges: Vec::new(),
            limited: Vec::new(),
            is_retry: false,
        }
    }

    pub(crate) async fn push(&self, kind: RequestKind, encoding: Encoding, body: impl Into<Bytes>) {
        let head = RequestHead {
            kind,
            encoding,
            ..self.head()
        };
        self.push_with(head, body).await;
    }

    pub(crate) async fn push_with(&self, head: RequestHead, body: impl Into<Bytes>) {
        let body = body.into();
        self.push_entry(&Entry::Request(QueuedRequest { head, body }))
            .await;
    }

    pub(crate) async fn push_entry(&self, entry: &Entry) {
        self.queue.push(entry).await.unwrap();
    }

    pub(crate) async fn push_envelope(&self, body: impl Into<Bytes>) {
        self.push(RequestKind::Envelope, Encoding::Identity, body)
            .await;
    }

    pub(crate) async fn outcomes(&self) -> Vec<(String, String, String, i64)> {
        let totals = self
            .store
            .outcome_totals(self.project.id, NOW)
            .await
            .unwrap();
        let read =
            |total: OutcomeTotal| (total.category, total.outcome, total.reason, total.quantity);
        totals.into_iter().map(read).collect()
    }

    /// Saves a document of the project.
    pub(crate) async fn save(&self, topic: RuleTopic, document: &str) {
        let owner = RuleOwner::Project(self.project.organization_id, self.project.id);
        self.save_for(owner, topic, document).await;
    }

    pub(crate) async fn save_for(&self, owner: RuleOwner, topic: RuleTopic, document: &str) {
        let current = self.store.current_rules(owner, topic).await.unwrap();
        let new = NewRuleVersion {
            owner,
            topic,
            document: document.to_owned(),
            comment: String::new(),
            author: None,
            based_on: current.map(|version| version.id),
        };
        let saved = self.store.save_rules(&new, NOW).await.unwrap();
        assert!(matches!(saved, Saved::Yes(_)));
    }

    /// How often rules of a topic did something: names and numbers.
    pub(crate) async fn hits(&self, topic: RuleTopic) -> Vec<(String, u64)> {
        let hits = self.store.rule_hits(self.project.id, topic, NOW.day());
        let hits = hits.await.unwrap();
        hits.into_iter().map(|hit| (hit.rule, hit.hits)).collect()
    }

    /// A stored event and its body.
    pub(crate) async fn event(&self, id: EventId) -> (StoredEvent, serde_json::Value) {
        let event = self.store.event(self.project.id, id).await.unwrap();
        let event = event.expect("the event is stored");
        let body = serde_json::from_slice(&event.body).unwrap();
        (event, body)
    }

    pub(crate) async fn rejections(&self) -> Vec<Rejection> {
        let rejections = self.store.rejections(self.project.id, 100).await;
        rejections.unwrap()
    }

    /// What was set aside, by the names of the files.
    pub(crate) fn set_aside(&self) -> Vec<QueuedRequest> {
        let Ok(files) = std::fs::read_dir(self.folder.path().join("queue/poisoned")) else {
            return Vec::new();
        };
        let mut paths: Vec<_> = files.map(|file| file.unwrap().path()).collect();
        paths.sort();
        let read = |path| match Entry::from_bytes(&std::fs::read(path).unwrap().into()) {
            Some(Entry::Request(request)) => request,
            other => panic!("{other:?}"),
        };
        paths.into_iter().map(read).collect()
    }
}

pub(crate) fn event_id(n: u8) -> EventId {
    EventId::from_bytes([n; 16])
}

pub(crate) fn message(id: u8, text: &str) -> String {
    let event = format!(r#"{{"message":"{text}","level":"warning"}}"#);
    format!(
        "{{\"event_id\":\"{}\"}}\n{{\"type\":\"event\"}}\n{event}\n",
        event_id(id)
    )
}

pub(crate) fn outcome(
    category: &str,
    outcome: &str,
    reason: &str,
    quantity: i64,
) -> (String, String, String, i64) {
    (
        category.to_owned(),
        outcome.to_owned(),
        reason.to_owned(),
        quantity,
    )
}

/// The decoded bytes of a captured request, such as `python/feedback_event-02`.
pub(crate) fn capture(name: &str) -> Vec<u8> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../testdata/captures");
    std::fs::read(format!("{folder}/{name}.envelope")).unwrap()
}

/// An envelope of an id, if any, and items of a header without its length and a payload.
pub(crate) fn envelope(id: Option<EventId>, items: &[(&str, &[u8])]) -> Vec<u8> {
    let mut bytes = match id {
        Some(id) => format!("{{\"event_id\":\"{id}\"}}\n").into_bytes(),
        None => b"{}\n".to_vec(),
    };
    for (header, payload) in items {
        let header = header.strip_suffix('}').unwrap();
        bytes.extend(format!("{header},\"length\":{}}}\n", payload.len()).bytes());
        bytes.extend_from_slice(payload);
        bytes.push(b'\n');
    }
    bytes
}
