use std::time::Duration;

use bugle_protocol::{DataCategory, KeyId, Outcome, RuleHit, RuleName, RuleTopic, UnixMillis};
use bugle_store::{Batch, NewTransaction, Project, RuleHitCount, RuleHits, compress};

use crate::backend::{TestStore, on_both_backends};
use crate::samples::{self, NOW, cursor, event_id, outcome, outcomes};

on_both_backends!(
    a_transaction_is_read_as_it_was_stored,
    the_same_transaction_counts_once,
    bodies_of_many_days_are_kept,
    hits_are_added_up,
    a_batch_that_was_stored_adds_nothing,
);

const DAY: Duration = Duration::from_secs(86_400);

fn transaction(project: &Project, id: u128) -> NewTransaction {
    NewTransaction {
        project_id: project.id,
        key_id: KeyId(1),
        event_id: event_id(id),
        trace_id: "4bf92f3577b34da6a3ce929d0e0e4736".to_owned(),
        span_id: "00f067aa0ba902b7".to_owned(),
        name: "/checkout/".to_owned(),
        op: "http.server".to_owned(),
        status: "ok".to_owned(),
        started_at: NOW.before(Duration::from_millis(250)),
        timestamp: NOW,
        duration_us: 250_125,
        received_at: NOW,
        platform: "python".to_owned(),
        environment: Some("production".to_owned()),
        release: None,
        user_label: Some("ada".to_owned()),
        tags: r#"[["tier","critical"]]"#.to_owned(),
        client_rate: Some(0.5),
        server_rate: 0.25,
        payload: compress(br#"{"type":"transaction"}"#).unwrap(),
    }
}

async fn record(store: &TestStore, transactions: Vec<NewTransaction>) {
    let batch = Batch {
        transactions,
        ..Batch::default()
    };
    samples::store_batch(store, batch).await;
}

async fn a_transaction_is_read_as_it_was_stored(store: TestStore) {
    let project = samples::project(&store).await;
    let other = samples::second_project(&store, &project).await;
    record(&store, vec![transaction(&project, 1)]).await;
    let stored = store.transaction(project.id, event_id(1)).await.unwrap();
    let stored = stored.unwrap();
    let new = transaction(&project, 1);
    assert_eq!(
        (stored.project_id, stored.event_id),
        (project.id, new.event_id)
    );
    assert_eq!(
        (&stored.trace_id, &stored.span_id),
        (&new.trace_id, &new.span_id)
    );
    assert_eq!(
        (&stored.name, &stored.op, &stored.status),
        (&new.name, &new.op, &new.status)
    );
    assert_eq!((stored.started_at, stored.timestamp), (new.started_at, NOW));
    assert_eq!((stored.duration_us, stored.received_at), (250_125, NOW));
    assert_eq!(
        (&stored.environment, &stored.release),
        (&new.environment, &None)
    );
    assert_eq!(
        (&stored.platform, &stored.user_label),
        (&new.platform, &new.user_label)
    );
    assert_eq!(stored.tags, [("tier".to_owned(), "critical".to_owned())]);
    assert_eq!((stored.client_rate, stored.server_rate), (Some(0.5), 0.25));
    assert!((stored.weight() - 8.0).abs() < 1e-9);
    assert_eq!(stored.body, br#"{"type":"transaction"}"#);
    for (project, id) in [(other.id, 1), (project.id, 2)] {
        assert_eq!(
            store.transaction(project, event_id(id)).await.unwrap(),
            None
        );
    }
}

async fn the_same_transaction_counts_once(store: TestStore) {
    let project = samples::project(&store).await;
    let other = samples::second_project(&store, &project).await;
    let again = NewTransaction {
        name: "/later/".to_owned(),
        payload: compress(b"{}").unwrap(),
        ..transaction(&project, 1)
    };
    let of_other = transaction(&other, 1);
    record(
        &store,
        vec![transaction(&project, 1), again.clone(), of_other],
    )
    .await;
    record(&store, vec![again, transaction(&project, 2)]).await;
    assert_eq!(
        outcomes(&store, &project).await,
        ["transaction accepted 2", "transaction duplicate 2"]
    );
    assert_eq!(outcomes(&store, &other).await, ["transaction accepted 1"]);
    let first = store.transaction(project.id, event_id(1)).await.unwrap();
    let first = first.unwrap();
    assert_eq!(first.name, "/checkout/");
    assert_eq!(first.body, br#"{"type":"transaction"}"#);
    let rows = store.transactions(project.id, 10).await.unwrap();
    let ids = rows.iter().map(|row| row.event_id).collect::<Vec<_>>();
    let recent = store.recent_transactions(project.id, 10).await.unwrap();
    assert_eq!(
        ids,
        recent.iter().map(|body| body.event_id).collect::<Vec<_>>()
    );
    assert_eq!(recent.len(), 2);
    assert_eq!(
        (recent[0].event_id, &*recent[0].title),
        (event_id(2), "/checkout/")
    );
}

async fn bodies_of_many_days_are_kept(store: TestStore) {
    let project = samples::project(&store).await;
    let on = |days: u32| NewTransaction {
        received_at: NOW.before(DAY * days),
        ..transaction(&project, u128::from(days))
    };
    record(&store, (0..40).map(on).collect()).await;
    for days in [0, 7, 39] {
        let id = event_id(u128::from(days));
        let stored = store.transaction(project.id, id).await.unwrap().unwrap();
        assert_eq!(stored.received_at, NOW.before(DAY * days));
    }
}

fn hit(
    project: &Project,
    at: UnixMillis,
    topic: RuleTopic,
    rule: &str,
    quantity: u64,
) -> RuleHitCount {
    RuleHitCount {
        project_id: project.id,
        received_at: at,
        hit: RuleHit {
            topic,
            rule: RuleName(rule.to_owned().into()),
        },
        quantity,
    }
}

async fn hits_are_added_up(store: TestStore) {
    let project = samples::project(&store).await;
    let other = samples::second_project(&store, &project).await;
    let yesterday = NOW.before(DAY);
    let batch = |quantity| Batch {
        rule_hits: vec![
            hit(&project, NOW, RuleTopic::Filters, "localhost", quantity),
            hit(&project, NOW, RuleTopic::Filters, "localhost", 1),
            hit(&project, yesterday, RuleTopic::Filters, "localhost", 3),
            hit(&project, NOW, RuleTopic::Filters, "0011223344556677", 1),
            hit(&project, NOW, RuleTopic::Scrubbing, "localhost", 1),
            hit(&project, NOW, RuleTopic::Scrubbing, &"\0x".repeat(400), 1),
            hit(&other, NOW, RuleTopic::Filters, "localhost", 1),
        ],
        ..Batch::default()
    };
    for quantity in [5, 10] {
        samples::store_batch(&store, batch(quantity)).await;
    }
    let hits = store.rule_hits(project.id, RuleTopic::Filters, yesterday.day());
    let of = |rule: &str, at: UnixMillis, hits| RuleHits {
        rule: rule.to_owned(),
        day: at.day(),
        hits,
    };
    let rule = "0011223344556677";
    assert_eq!(
        hits.await.unwrap(),
        [
            of(rule, NOW, 2),
            of("localhost", yesterday, 6),
            of("localhost", NOW, 17)
        ]
    );
    let today = store.rule_hits(project.id, RuleTopic::Filters, NOW.day());
    assert_eq!(today.await.unwrap().len(), 2);
    let scrubbing = store.rule_hits(project.id, RuleTopic::Scrubbing, 0);
    assert_eq!(scrubbing.await.unwrap().len(), 2);
}

async fn a_batch_that_was_stored_adds_nothing(store: TestStore) {
    let project = samples::project(&store).await;
    let batch = Batch {
        cursor: cursor(1),
        transactions: vec![transaction(&project, 1)],
        rule_hits: vec![hit(&project, NOW, RuleTopic::Sampling, "x", 1)],
        outcomes: vec![outcome(
            &project,
            DataCategory::Transaction,
            Outcome::Sampled,
            1,
        )],
        ..Batch::default()
    };
    for _ in 0..2 {
        samples::store_batch(&store, batch.clone()).await;
    }
    assert_eq!(
        outcomes(&store, &project).await,
        ["transaction accepted 1", "transaction sampled 1"]
    );
    let hits = store.rule_hits(project.id, RuleTopic::Sampling, 0).await;
    assert_eq!(hits.unwrap()[0].hits, 1);
}
