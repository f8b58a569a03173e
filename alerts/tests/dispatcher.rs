//! Notices leave the outbox once they are delivered, and not before.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

use bugle_alerts::Dispatcher;
use bugle_protocol::{EventId, KeyId, Level, PublicKey, UnixMillis};
use bugle_store::{Batch, NewEvent, NewHash, NewProject, Options, Project, Store, compress};
use tokio::sync::watch;

const NOW: UnixMillis = UnixMillis(1_795_163_904_106);

async fn store(folder: &tempfile::TempDir) -> (Store, Project) {
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
    (store, project)
}

fn event(project: &Project, n: u8) -> NewEvent {
    NewEvent {
        project_id: project.id,
        key_id: KeyId(1),
        category: bugle_protocol::DataCategory::Error,
        event_id: EventId::from_bytes([n; 16]),
        timestamp: NOW,
        received_at: NOW,
        level: Level::Error,
        platform: "python".to_owned(),
        event_type: "error".to_owned(),
        environment: None,
        release: None,
        title: "ValueError".to_owned(),
        title_is_placeholder: false,
        culprit: String::new(),
        metadata: "{}".to_owned(),
        is_unhandled: true,
        trace_id: None,
        user: None,
        tags: "[]".to_owned(),
        grouping_version: "test:1",
        hashes: vec![NewHash {
            hash: [n; 32],
            leaf_values: "[]".to_owned(),
        }],
        payload: compress(b"{}").unwrap(),
    }
}

async fn record(store: &Store, events: Vec<NewEvent>) {
    store
        .record(
            &Batch {
                events,
                ..Batch::default()
            },
            NOW,
        )
        .await
        .unwrap();
}

#[tokio::test]
async fn every_notice_is_delivered_once() {
    let folder = tempfile::tempdir().unwrap();
    let (store, project) = store(&folder).await;
    record(&store, (1..=150).map(|n| event(&project, n)).collect()).await;
    let dispatcher = Dispatcher::new(store.clone(), "http://127.0.0.1:9000".to_owned());
    assert_eq!(dispatcher.deliver_all().await.unwrap(), 150);
    assert_eq!(store.notices(10).await.unwrap(), []);
    assert_eq!(dispatcher.deliver_all().await.unwrap(), 0);
}

#[tokio::test]
async fn a_running_dispatcher_hears_of_new_notices_and_stops() {
    let folder = tempfile::tempdir().unwrap();
    let (store, project) = store(&folder).await;
    let (stop, stopped) = watch::channel(false);
    let mut tasks = tokio::task::JoinSet::new();
    tasks.spawn(Dispatcher::new(store.clone(), "http://127.0.0.1:9000".to_owned()).run(stopped));
    for n in 1..=3 {
        record(&store, vec![event(&project, n)]).await;
        let emptied = async {
            while !store.notices(1).await.unwrap().is_empty() {
                tokio::task::yield_now().await;
            }
        };
        tokio::time::timeout(std::time::Duration::from_secs(10), emptied)
            .await
            .unwrap();
    }
    stop.send_replace(true);
    tasks.join_next().await.unwrap().unwrap();
}
