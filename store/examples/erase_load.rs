//! Measures how long erasing holds the database's writer: `cargo run --release -p bugle-store --example erase_load [EVENTS]`.

#![expect(clippy::unwrap_used, reason = "a measurement ends by panicking")]

use std::time::{Duration, Instant};

use bugle_protocol::{
    DataCategory, EventId, KeyId, Level, OrganizationId, ProjectId, PublicKey, UnixMillis,
};
use bugle_store::{
    Batch, Changes, Checkpoint, Gone, JobKind, JobParameters, NewEvent, NewHash, NewJob,
    NewProject, NewUser, Options, Rewrite, Store, StoredKind, StoredRow,
};

const NOW: UnixMillis = UnixMillis(1_795_163_904_106);
const BATCH: u128 = 250;
const BODY_BYTES: usize = 6000;

#[tokio::main]
async fn main() {
    let count = std::env::args()
        .nth(1)
        .map_or(20_000, |n| n.parse().unwrap());
    let folder = tempfile::tempdir_in(".").unwrap();
    let store = open(folder.path()).await;
    let (organization, project) = prepare(&store).await;
    let began = Instant::now();
    for first in (0..count).step_by(250) {
        let events = (first..first + BATCH).map(|n| event(project, n)).collect();
        let batch = Batch {
            events,
            ..Batch::default()
        };
        store.record(&batch, NOW).await.unwrap();
    }
    let each = began.elapsed() / u32::try_from(count).unwrap();
    println!("recorded {count} events, {each:?} each");
    let rewritten = walk(&store, organization, project, |row| Changes {
        events: vec![rewrite(row)],
        ..Changes::default()
    });
    report("rewriting", &rewritten.await);
    let gone = walk(&store, organization, project, |row| Changes {
        gone_events: vec![gone(row)],
        ..Changes::default()
    });
    report("erasing", &gone.await);
}

async fn open(folder: &std::path::Path) -> Store {
    let options = Options {
        database_url: format!("sqlite:{}", folder.join("bugle.db").display()),
        blob_folder: folder.join("blobs"),
    };
    let store = Store::open(&options).await.unwrap();
    store.migrate().await.unwrap();
    store
}

async fn prepare(store: &Store) -> (OrganizationId, ProjectId) {
    let organization = store
        .create_organization("acme", "Acme", NOW)
        .await
        .unwrap();
    let new = NewProject {
        organization_id: organization,
        name: "Shop",
        platform: None,
        public_key: PublicKey::from_bytes([1; 16]),
    };
    let project = store.create_project(&new, NOW).await.unwrap();
    (organization, project.id)
}

/// Changes all rows, page by page, and returns how long each transaction took.
async fn walk(
    store: &Store,
    organization_id: OrganizationId,
    project: ProjectId,
    change: impl Fn(&StoredRow) -> Changes,
) -> Vec<Duration> {
    let new = NewJob {
        organization_id,
        project_id: None,
        kind: JobKind::Erase,
        parameters: JobParameters::default(),
        author: None,
    };
    store.create_job(&new, NOW).await.unwrap();
    let claimed = store.claim_job(NOW).await.unwrap().unwrap();
    let (mut after, mut times) = (0, Vec::new());
    let projects = [project];
    loop {
        let rows = store.stored_rows(StoredKind::Event, &projects, after);
        let rows = rows.await.unwrap();
        let Some(last) = rows.last() else { break };
        after = last.row;
        let mut changes = Changes::default();
        for mut one in rows.iter().map(&change) {
            changes.events.append(&mut one.events);
            changes.gone_events.append(&mut one.gone_events);
        }
        let began = Instant::now();
        let applied = store.apply_changes(&claimed, &changes, NOW, |_| Checkpoint::default());
        applied.await.unwrap().unwrap();
        times.push(began.elapsed());
    }
    store.finish_job(&claimed, None, NOW).await.unwrap();
    times
}

fn rewrite(row: &StoredRow) -> Rewrite {
    Rewrite {
        row: row.row,
        project_id: row.project_id,
        received_at: row.received_at,
        title: "[erased]".to_owned(),
        user_label: None,
        tags: row.tags.clone(),
        environment: None,
        release: None,
        payload: Some(noise(row.row.unsigned_abs().into(), BODY_BYTES - 100)),
    }
}

fn gone(row: &StoredRow) -> Gone {
    Gone {
        row: row.row,
        project_id: row.project_id,
        event_id: row.event_id,
        issue_id: row.issue_id,
        received_at: row.received_at,
        user_hash: Some(row.row),
    }
}

fn event(project_id: ProjectId, n: u128) -> NewEvent {
    let user = i64::try_from(n + 1).unwrap();
    NewEvent {
        project_id,
        key_id: KeyId(1),
        category: DataCategory::Error,
        event_id: EventId::from_bytes((n + 1).to_be_bytes()),
        timestamp: NOW,
        received_at: NOW,
        level: Level::Error,
        platform: "python".to_owned(),
        event_type: "error".to_owned(),
        environment: None,
        release: None,
        title: format!("ValueError: the order {n} of ada@example.com cannot be paid"),
        title_is_placeholder: false,
        culprit: "/checkout/".to_owned(),
        metadata: "{}".to_owned(),
        is_unhandled: true,
        trace_id: None,
        user: Some(NewUser {
            hash: user,
            label: "ada@example.com".to_owned(),
        }),
        tags: r#"[["level","error"],["environment","production"]]"#.to_owned(),
        grouping_version: "load",
        hashes: vec![NewHash {
            hash: [u8::try_from(n % 200).unwrap(); 32],
            leaf_values: "[]".to_owned(),
        }],
        payload: noise(n, BODY_BYTES),
    }
}

/// Bytes as a compressed body has them.
fn noise(seed: u128, length: usize) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15_f39c_c060_5ced_c835) | 1;
    let mut next = || {
        state = state.wrapping_mul(0xda94_2042_e4dd_58b5);
        state.to_be_bytes()[0]
    };
    (0..length).map(|_| next()).collect()
}

fn report(what: &str, times: &[Duration]) {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    let at = |share: usize| sorted[(sorted.len() - 1) * share / 100];
    println!(
        "{what}: {} transactions, median {:?}, p95 {:?}, longest {:?}",
        sorted.len(),
        at(50),
        at(95),
        at(100)
    );
}
