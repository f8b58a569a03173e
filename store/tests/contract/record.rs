use std::time::Duration;

use bugle_protocol::{DataCategory, DiscardReason, KeyId, Level, Outcome};
use bugle_store::{
    Batch, IssueStatus, IssueSubstatus, NewUser, NoticeKind, OutcomeCount, OutcomeTotal, Recorded,
};

use crate::backend::{TestStore, on_both_backends};
use crate::samples::{self, NOW, cursor, event, event_id, hash, issue_of, record};

on_both_backends!(
    a_second_event_joins_the_issue,
    the_same_event_counts_once,
    a_batch_is_stored_once,
    hashes_join_issues_in_their_order,
    projects_do_not_share_issues,
    users_are_counted_once_per_issue,
    an_issue_shows_its_newest_event,
    a_resolved_issue_regresses,
    an_archived_issue_stays_archived,
    every_item_has_one_outcome,
    a_large_batch_is_stored_whole,
    hostile_text_is_stored_as_it_is,
);

async fn a_second_event_joins_the_issue(store: TestStore) {
    let project = samples::project(&store).await;
    let recorded = record(
        &store,
        vec![
            event(&project, 1, 1),
            event(&project, 2, 1),
            event(&project, 3, 2),
        ],
    )
    .await;
    let [
        Recorded::NewIssue(first),
        Recorded::Seen(same),
        Recorded::NewIssue(second),
    ] = recorded[..]
    else {
        panic!("{recorded:?}");
    };
    assert_eq!(first, same);
    assert_ne!(first, second);
    let recorded = record(&store, vec![event(&project, 4, 1)]).await;
    assert_eq!(recorded, [Recorded::Seen(first)]);

    let issue = store.issue(first).await.unwrap().unwrap();
    assert_eq!((issue.event_count, issue.short_id.as_str()), (3, "SHOP-1"));
    assert_eq!(
        (issue.status, issue.substatus),
        (IssueStatus::Unresolved, IssueSubstatus::New)
    );
    assert_eq!((issue.first_seen, issue.last_seen), (NOW, NOW));
    assert_eq!(
        (issue.title.as_str(), issue.culprit.as_str()),
        ("ValueError: 1", "/checkout/")
    );
    assert_eq!(issue.first_release.as_deref(), Some("shop@1.0"));
    assert_eq!(
        store.issue(second).await.unwrap().unwrap().short_id,
        "SHOP-2"
    );
    assert_eq!(
        store
            .issue_by_short_id(project.id, 2)
            .await
            .unwrap()
            .unwrap()
            .id,
        second
    );
    assert!(
        store
            .project(project.id)
            .await
            .unwrap()
            .unwrap()
            .first_event_at
            .is_some()
    );

    let hours = store
        .issue_hours(&[(project.id, first), (project.id, second)], NOW)
        .await
        .unwrap();
    assert_eq!(hours[&first], [(NOW.hour(), 3)]);
    assert_eq!(hours[&second], [(NOW.hour(), 1)]);
    let notices = store.notices(10).await.unwrap();
    let kinds: Vec<_> = notices
        .iter()
        .map(|notice| (notice.issue_id, notice.kind))
        .collect();
    assert_eq!(
        kinds,
        [
            (first, NoticeKind::NewIssue),
            (second, NoticeKind::NewIssue)
        ]
    );
    assert!(store.remove_notice(notices[0].id).await.unwrap());
    assert!(!store.remove_notice(notices[0].id).await.unwrap());
}

async fn the_same_event_counts_once(store: TestStore) {
    let project = samples::project(&store).await;
    let recorded = record(&store, vec![event(&project, 1, 1), event(&project, 1, 2)]).await;
    assert_eq!(recorded[1], Recorded::Duplicate);
    assert_eq!(
        record(&store, vec![event(&project, 1, 3)]).await,
        [Recorded::Duplicate]
    );
    let issue = store.issue(issue_of(recorded[0])).await.unwrap().unwrap();
    assert_eq!(issue.event_count, 1);
    let totals = store.outcome_totals(project.id, NOW).await.unwrap();
    assert_eq!(
        totals,
        [total("accepted", "", 1), total("duplicate", "", 2)]
    );
}

async fn a_batch_is_stored_once(store: TestStore) {
    let project = samples::project(&store).await;
    let batch = |position, id| Batch {
        cursor: cursor(position),
        events: vec![event(&project, id, 1)],
        outcomes: vec![OutcomeCount {
            project_id: project.id,
            key_id: KeyId(1),
            received_at: NOW,
            category: DataCategory::Error,
            outcome: Outcome::Invalid(DiscardReason::InvalidJson),
            quantity: 2,
        }],
        ..Batch::default()
    };
    assert_eq!(store.queue_position("q").await.unwrap(), 0);
    let first = store.record(&batch(5, 1), NOW).await.unwrap();
    assert!(matches!(first[..], [Recorded::NewIssue(_)]));
    assert_eq!(store.queue_position("q").await.unwrap(), 5);
    assert_eq!(
        store.record(&batch(5, 1), NOW).await.unwrap(),
        [Recorded::Duplicate]
    );
    assert_eq!(
        store.record(&batch(4, 9), NOW).await.unwrap(),
        [Recorded::Duplicate]
    );
    assert!(matches!(
        store.record(&batch(6, 2), NOW).await.unwrap()[..],
        [Recorded::Seen(_)]
    ));
    let totals = store.outcome_totals(project.id, NOW).await.unwrap();
    assert_eq!(
        totals,
        [
            total("accepted", "", 2),
            total("invalid", "invalid_json", 4)
        ]
    );
}

async fn hashes_join_issues_in_their_order(store: TestStore) {
    let project = samples::project(&store).await;
    let mut both = event(&project, 1, 1);
    both.hashes.push(hash(2));
    let recorded = record(
        &store,
        vec![both, event(&project, 2, 2), event(&project, 3, 3)],
    )
    .await;
    assert_eq!(
        recorded[1],
        Recorded::Seen(issue_of(recorded[0])),
        "the second hash belongs to the issue too"
    );
    let mut bridge = event(&project, 4, 3);
    bridge.hashes.push(hash(1));
    let bridged = record(&store, vec![bridge]).await;
    assert_eq!(
        bridged,
        [Recorded::Seen(issue_of(recorded[2]))],
        "the first hash that has an issue wins"
    );
}

async fn projects_do_not_share_issues(store: TestStore) {
    let project = samples::project(&store).await;
    let new = bugle_store::NewProject {
        organization_id: project.organization_id,
        name: "Other",
        platform: None,
        public_key: samples::public_key(2),
    };
    let other = store.create_project(&new, NOW).await.unwrap();
    let recorded = record(&store, vec![event(&project, 1, 1), event(&other, 1, 1)]).await;
    assert_ne!(issue_of(recorded[0]), issue_of(recorded[1]));
    assert!(
        store
            .event(project.id, event_id(1))
            .await
            .unwrap()
            .is_some()
    );
    assert!(store.event(other.id, event_id(1)).await.unwrap().is_some());
    assert!(
        store
            .event(samples::OTHER_PROJECT, event_id(1))
            .await
            .unwrap()
            .is_none()
    );
}

async fn users_are_counted_once_per_issue(store: TestStore) {
    let project = samples::project(&store).await;
    let by = |id, hash: i64| {
        let user = Some(NewUser {
            hash,
            label: hash.to_string(),
        });
        bugle_store::NewEvent {
            user,
            ..event(&project, id, 1)
        }
    };
    let recorded = record(&store, vec![by(1, 1), by(2, 2), by(3, 1)]).await;
    record(&store, vec![by(4, 2), by(5, -3)]).await;
    let issue = store.issue(issue_of(recorded[0])).await.unwrap().unwrap();
    assert_eq!((issue.event_count, issue.user_count), (5, 3));
}

async fn an_issue_shows_its_newest_event(store: TestStore) {
    let project = samples::project(&store).await;
    let mut newest = event(&project, 1, 1);
    newest.timestamp = NOW.after(Duration::from_secs(60));
    newest.title = "newest".to_owned();
    newest.level = Level::Fatal;
    let mut late = event(&project, 2, 1);
    late.timestamp = NOW.before(Duration::from_secs(7200));
    late.title = "late".to_owned();
    let recorded = record(&store, vec![newest.clone(), late.clone()]).await;
    let id = issue_of(recorded[0]);
    let issue = store.issue(id).await.unwrap().unwrap();
    assert_eq!(
        (issue.title.as_str(), issue.level),
        ("newest", Level::Fatal)
    );
    assert_eq!(
        (issue.first_seen, issue.last_seen),
        (late.timestamp, newest.timestamp)
    );

    let mut placeholder = event(&project, 3, 1);
    placeholder.timestamp = NOW.after(Duration::from_secs(120));
    placeholder.title = "<unknown>".to_owned();
    placeholder.title_is_placeholder = true;
    record(&store, vec![placeholder.clone()]).await;
    let issue = store.issue(id).await.unwrap().unwrap();
    assert_eq!(
        (issue.title.as_str(), issue.last_seen),
        ("newest", placeholder.timestamp)
    );
    let events: Vec<_> = store.issue_events(project.id, id, 0, 10).await.unwrap();
    assert_eq!(
        events.iter().map(|e| e.event_id).collect::<Vec<_>>(),
        [event_id(3), event_id(1), event_id(2)]
    );
    assert_eq!(
        store.issue_events(project.id, id, 1, 1).await.unwrap()[0].event_id,
        event_id(1)
    );
}

async fn a_resolved_issue_regresses(store: TestStore) {
    let project = samples::project(&store).await;
    let id = issue_of(record(&store, vec![event(&project, 1, 1)]).await[0]);
    assert!(
        store
            .set_issue_status(id, IssueStatus::Resolved, NOW)
            .await
            .unwrap()
    );
    assert!(
        !store
            .set_issue_status(id, IssueStatus::Resolved, NOW)
            .await
            .unwrap()
    );
    let recorded = record(
        &store,
        vec![
            event(&project, 1, 1),
            event(&project, 2, 1),
            event(&project, 3, 1),
        ],
    )
    .await;
    assert_eq!(
        recorded,
        [
            Recorded::Duplicate,
            Recorded::Regression(id),
            Recorded::Seen(id)
        ]
    );
    let issue = store.issue(id).await.unwrap().unwrap();
    assert_eq!(
        (issue.status, issue.substatus),
        (IssueStatus::Unresolved, IssueSubstatus::Regressed)
    );
    let kinds: Vec<_> = store
        .notices(10)
        .await
        .unwrap()
        .iter()
        .map(|notice| notice.kind)
        .collect();
    assert_eq!(kinds, [NoticeKind::NewIssue, NoticeKind::Regression]);
}

async fn an_archived_issue_stays_archived(store: TestStore) {
    let project = samples::project(&store).await;
    let id = issue_of(record(&store, vec![event(&project, 1, 1)]).await[0]);
    store
        .set_issue_status(id, IssueStatus::Archived, NOW)
        .await
        .unwrap();
    assert_eq!(
        record(&store, vec![event(&project, 2, 1)]).await,
        [Recorded::Seen(id)]
    );
    let issue = store.issue(id).await.unwrap().unwrap();
    assert_eq!(
        (issue.status, issue.event_count),
        (IssueStatus::Archived, 2)
    );
}

async fn every_item_has_one_outcome(store: TestStore) {
    let project = samples::project(&store).await;
    let count = |category, outcome, quantity| OutcomeCount {
        project_id: project.id,
        key_id: KeyId(1),
        received_at: NOW,
        category,
        outcome,
        quantity,
    };
    let outcomes = vec![
        count(DataCategory::Session, Outcome::Unsupported, 3),
        count(DataCategory::Session, Outcome::Unsupported, 4),
        count(
            DataCategory::Error,
            Outcome::Invalid(DiscardReason::NotAnObject),
            1,
        ),
    ];
    let batch = Batch {
        cursor: None,
        events: vec![event(&project, 1, 1)],
        outcomes,
        ..Batch::default()
    };
    store.record(&batch, NOW).await.unwrap();
    let totals = store.outcome_totals(project.id, NOW).await.unwrap();
    let session = OutcomeTotal {
        category: "session".to_owned(),
        ..total("unsupported", "", 7)
    };
    assert_eq!(
        totals,
        [
            total("accepted", "", 1),
            total("invalid", "not_an_object", 1),
            session
        ]
    );
    let later = store
        .outcome_totals(project.id, NOW.after(Duration::from_secs(3600)))
        .await
        .unwrap();
    assert_eq!(later, []);
}

async fn a_large_batch_is_stored_whole(store: TestStore) {
    let project = samples::project(&store).await;
    let events: Vec<_> = (0..2500)
        .map(|i| event(&project, i, u8::try_from(i % 250).unwrap()))
        .collect();
    let recorded = record(&store, events).await;
    assert_eq!(
        recorded
            .iter()
            .filter(|r| matches!(r, Recorded::NewIssue(_)))
            .count(),
        250
    );
    assert_eq!(
        store
            .issue(issue_of(recorded[0]))
            .await
            .unwrap()
            .unwrap()
            .event_count,
        10
    );
    assert_eq!(
        store.status_counts(project.id).await.unwrap().unresolved,
        250
    );
}

async fn hostile_text_is_stored_as_it_is(store: TestStore) {
    let project = samples::project(&store).await;
    let mut hostile = event(&project, 1, 1);
    hostile.title = "Robert'); DROP TABLE issue;-- 🦀 \u{202e}%_".to_owned();
    hostile.environment = Some("x' OR '1'='1".to_owned());
    hostile.tags = r#"[["a'b","\"<script>\\"]]"#.to_owned();
    let id = issue_of(record(&store, vec![hostile.clone()]).await[0]);
    let stored = store.latest_event(project.id, id).await.unwrap().unwrap();
    assert_eq!(stored.row.title, hostile.title);
    assert_eq!(stored.row.environment, hostile.environment);
    assert_eq!(
        stored.row.tags,
        [("a'b".to_owned(), "\"<script>\\".to_owned())]
    );
    assert_eq!(stored.body, br#"{"message":"hello"}"#);
}

fn total(outcome: &str, reason: &str, quantity: i64) -> OutcomeTotal {
    OutcomeTotal {
        category: "error".to_owned(),
        outcome: outcome.to_owned(),
        reason: reason.to_owned(),
        quantity,
    }
}
