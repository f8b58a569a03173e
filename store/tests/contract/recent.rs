use std::time::Duration;

use bugle_protocol::{KeyId, UnixMillis};
use bugle_store::{Batch, NewTransaction, Project, StoredBody, compress};

use crate::backend::{TestStore, on_both_backends};
use crate::samples::{self, NOW, event, event_id, issue_of, record};

on_both_backends!(
    the_newest_events_come_first_with_their_bodies,
    a_long_list_is_read_in_pages,
    the_newest_transactions_come_first,
);

fn ids(found: &[StoredBody]) -> Vec<bugle_protocol::EventId> {
    found.iter().map(|one| one.event_id).collect()
}

async fn the_newest_events_come_first_with_their_bodies(store: TestStore) {
    let project = samples::project(&store).await;
    let other = samples::second_project(&store, &project).await;
    assert_eq!(store.recent_events(project.id, 10).await.unwrap(), []);
    let mut old = event(&project, 1, 1);
    old.received_at = NOW.before(Duration::from_secs(3 * 86_400));
    let mut newest = event(&project, 2, 2);
    newest.title = "KeyError: 2".to_owned();
    newest.payload = compress(br#"{"message":"newest"}"#).unwrap();
    let mut middle = event(&project, 3, 1);
    middle.received_at = NOW.before(Duration::from_millis(1));
    let recorded = record(&store, vec![old, newest, middle, event(&other, 4, 1)]).await;

    let found = store.recent_events(project.id, 10).await.unwrap();
    assert_eq!(ids(&found), [event_id(2), event_id(3), event_id(1)]);
    let expected = StoredBody {
        event_id: event_id(2),
        received_at: NOW,
        title: "KeyError: 2".to_owned(),
        issue: Some(issue_of(recorded[1])),
        body: br#"{"message":"newest"}"#.to_vec(),
    };
    assert_eq!(found[0], expected);
    let found = store.recent_events(project.id, 2).await.unwrap();
    assert_eq!(ids(&found), [event_id(2), event_id(3)]);
    assert_eq!(store.recent_events(project.id, 0).await.unwrap(), []);
    assert_eq!(store.recent_transactions(project.id, 10).await.unwrap(), []);
}

async fn a_long_list_is_read_in_pages(store: TestStore) {
    let project = samples::project(&store).await;
    // All at the same moment: the order is that of their rows.
    let events = (0..130).map(|id| event(&project, id, 1)).collect();
    record(&store, events).await;
    let found = store.recent_events(project.id, 120).await.unwrap();
    let newest: Vec<_> = (10..130).rev().map(event_id).collect();
    assert_eq!(ids(&found), newest);
    let all = store.recent_events(project.id, 1000).await.unwrap();
    assert_eq!(all.len(), 130);
}

fn transaction(project: &Project, id: u128, timestamp: UnixMillis) -> NewTransaction {
    NewTransaction {
        project_id: project.id,
        key_id: KeyId(1),
        event_id: event_id(id),
        trace_id: "0123456789abcdef0123456789abcdef".to_owned(),
        span_id: "0123456789abcdef".to_owned(),
        name: format!("/checkout/{id}"),
        op: "http.server".to_owned(),
        status: "ok".to_owned(),
        started_at: timestamp.before(Duration::from_millis(120)),
        timestamp,
        duration_us: 120_000,
        received_at: NOW,
        platform: "python".to_owned(),
        environment: None,
        release: None,
        user_label: None,
        tags: "[]".to_owned(),
        client_rate: None,
        server_rate: 1.0,
        payload: compress(br#"{"type":"transaction"}"#).unwrap(),
    }
}

async fn the_newest_transactions_come_first(store: TestStore) {
    let project = samples::project(&store).await;
    let earlier = NOW.before(Duration::from_secs(60));
    let batch = Batch {
        transactions: vec![
            transaction(&project, 1, NOW),
            transaction(&project, 2, earlier),
        ],
        ..Batch::default()
    };
    samples::store_batch(&store, batch).await;
    let found = store.recent_transactions(project.id, 10).await.unwrap();
    assert_eq!(ids(&found), [event_id(1), event_id(2)]);
    assert_eq!(
        (found[0].title.as_str(), found[0].issue, &found[0].body[..]),
        ("/checkout/1", None, &br#"{"type":"transaction"}"#[..])
    );
}
