//! What is stored can go, whole, and be written anew.

mod files;

use std::time::Duration;

use bugle_protocol::UnixMillis;
use bugle_store::{
    Applied, Batch, BlobId, Changes, Checkpoint, Cleaned, CountedUser, ExportCursor, Gone, Issue,
    IssueFilter, JobKind, JobParameters, NewEvent, NewFeedback, NewJob, NewUser, Person, Project,
    Rewrite, Store, StoredKind, StoredRow, TextChange, TextColumn, TextRow, compress, user_hash,
};
use sqlx::{Connection as _, Executor as _};

use crate::backend::{TestStore, on_both_backends};
use crate::samples::{NOW, attachment, event, event_id, project, second_project, store_batch};

on_both_backends!(
    rows_come_in_order_and_in_pages,
    an_event_goes_with_all_that_belongs_to_it,
    a_dry_run_changes_nothing,
    nothing_is_written_for_a_job_that_is_over,
    what_is_written_anew_is_read_back,
    a_text_that_changed_meanwhile_is_left,
    names_that_would_be_there_twice_are_joined,
    a_file_stays_while_somebody_needs_it,
    a_person_is_handed_over,
    an_issue_without_events_says_nothing_of_them,
    a_damaged_row_does_not_stop_the_walk,
    every_name_that_came_with_a_file_or_a_transaction_is_walked_over,
);

const ADA: &str = "ada@example.com";

fn ada() -> Person {
    Person::parse(ADA, false).unwrap()
}

/// An event of Ada's.
fn hers(project: &Project, id: u128, group: u8) -> NewEvent {
    let body = format!(r#"{{"user":{{"id":"7","email":"{ADA}"}},"n":{id}}}"#);
    NewEvent {
        user: Some(NewUser {
            hash: user_hash("id:7"),
            label: ADA.to_owned(),
        }),
        payload: compress(body.as_bytes()).unwrap(),
        ..event(project, id, group)
    }
}

async fn issues(store: &Store, project: &Project) -> Vec<Issue> {
    let filter = IssueFilter::new(vec![project.id], 10);
    let page = store.issues(&filter).await.unwrap();
    page.issues
}

async fn rows(store: &Store, project: &Project) -> Vec<StoredRow> {
    let projects = [project.id];
    let rows = store.stored_rows(StoredKind::Event, &projects, 0);
    rows.await.unwrap()
}

fn gone(row: &StoredRow) -> Gone {
    Gone {
        row: row.row,
        project_id: row.project_id,
        event_id: row.event_id,
        issue_id: row.issue_id,
        received_at: row.received_at,
        user_hash: Some(user_hash("id:7")),
    }
}

async fn claim(store: &Store, project: &Project, dry_run: bool) -> bugle_store::ClaimedJob {
    let new = NewJob {
        organization_id: project.organization_id,
        project_id: Some(project.id),
        kind: JobKind::Erase,
        parameters: JobParameters {
            dry_run,
            ..JobParameters::default()
        },
        author: None,
    };
    store.create_job(&new, NOW).await.unwrap();
    store.claim_job(NOW).await.unwrap().unwrap()
}

/// Applies changes in a job of their own.
async fn apply(store: &Store, project: &Project, changes: &Changes) -> Applied {
    let claimed = claim(store, project, false).await;
    let applied = store.apply_changes(&claimed, changes, NOW, |_| Checkpoint::default());
    let applied = applied.await.unwrap().unwrap();
    store.finish_job(&claimed, None, NOW).await.unwrap();
    applied
}

async fn rows_come_in_order_and_in_pages(store: TestStore) {
    let shop = project(&store).await;
    let other = second_project(&store, &shop).await;
    let mut events: Vec<_> = (0..150).map(|id| event(&shop, id, 1)).collect();
    events.push(event(&other, 150, 1));
    // A body that does not fit beside others.
    let noise: Vec<u8> = (0..3_000_000_u32)
        .map(|n| n.wrapping_mul(2_654_435_761).to_le_bytes()[2])
        .collect();
    events[120].payload = noise;
    store_batch(
        &store,
        Batch {
            events,
            ..Batch::default()
        },
    )
    .await;
    let (mut after, mut pages, mut seen) = (0, Vec::new(), Vec::new());
    loop {
        let page = store
            .stored_rows(StoredKind::Event, &[shop.id], after)
            .await
            .unwrap();
        let Some(last) = page.last() else { break };
        after = last.row;
        pages.push(page.len());
        seen.extend(page.iter().map(|row| row.event_id));
    }
    assert_eq!(
        pages,
        [50, 50, 20, 1, 29],
        "50 rows; as many as fit before the large one; the large one; the rest"
    );
    assert_eq!(seen, (0..150).map(event_id).collect::<Vec<_>>());
    let both = [shop.id, other.id];
    assert_eq!(store.count_stored(&both).await.unwrap(), 151);
    assert!(
        store
            .stored_rows(StoredKind::Event, &[], 0)
            .await
            .unwrap()
            .is_empty()
    );
}

fn feedback(project: &Project, id: u128, about: Option<u128>, email: &str) -> NewFeedback {
    NewFeedback {
        project_id: project.id,
        key_id: bugle_protocol::KeyId(1),
        feedback_id: event_id(id),
        event_id: about.map(event_id),
        name: None,
        email: Some(email.to_owned()),
        message: format!("mail me: {email}"),
        url: None,
        source: None,
        environment: None,
        release: None,
        created_at: NOW,
        received_at: NOW,
    }
}

/// One event of Ada's with a file and feedback, one of somebody else in the same issue.
async fn two_events(store: &Store) -> Project {
    let shop = project(store).await;
    store.blobs.put(b"hers").unwrap();
    let batch = Batch {
        events: vec![hers(&shop, 1, 1), event(&shop, 2, 1)],
        attachments: vec![
            attachment(&shop, 1, "hers.txt", b"hers"),
            attachment(&shop, 2, "his.txt", b"his"),
            attachment(&shop, 31, "of the feedback.txt", b"more"),
        ],
        feedback: vec![
            feedback(&shop, 31, Some(1), "bob@example.com"),
            feedback(&shop, 32, None, "Ada@example.com"),
            feedback(&shop, 33, Some(2), "bob@example.com"),
        ],
        ..Batch::default()
    };
    store_batch(store, batch).await;
    shop
}

async fn an_event_goes_with_all_that_belongs_to_it(store: TestStore) {
    let shop = two_events(&store).await;
    assert_eq!(issues(&store, &shop).await[0].user_count, 2);
    let row = &rows(&store, &shop).await[0];
    let changes = Changes {
        gone_events: vec![gone(row)],
        ..Changes::default()
    };
    let applied = apply(&store, &shop, &changes).await;
    assert_eq!((applied.attachments.len(), applied.feedback.len()), (2, 1));
    assert_eq!(applied.blobs, [BlobId::of(b"hers"), BlobId::of(b"more")]);
    let issue = &issues(&store, &shop).await[0];
    let user = CountedUser {
        project_id: shop.id,
        issue_id: issue.id,
        user_hash: user_hash("id:7"),
    };
    assert_eq!(applied.users, [user]);
    assert_eq!(
        (issue.user_count, issue.event_count),
        (1, 2),
        "counts name nobody"
    );
    assert!(store.event(shop.id, event_id(1)).await.unwrap().is_none());
    assert!(store.event(shop.id, event_id(2)).await.unwrap().is_some());
    assert!(
        store
            .attachments(shop.id, event_id(1), 0, 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert!(
        store
            .attachments(shop.id, event_id(31), 0, 9)
            .await
            .unwrap()
            .is_empty()
    );
    assert_eq!(
        store
            .attachments(shop.id, event_id(2), 0, 9)
            .await
            .unwrap()
            .len(),
        1
    );
    assert_eq!(
        store
            .feedback_of_event(shop.id, event_id(2), 9)
            .await
            .unwrap()
            .len(),
        1
    );
    let counted = store.counted_users(&[shop.id], &ada().user_hashes()).await;
    assert!(counted.unwrap().is_empty());

    let authors = store.feedback_authors(&[shop.id], 0).await.unwrap();
    let own = authors
        .iter()
        .filter(|(.., email)| email.as_deref().is_some_and(|text| ada().is(text)));
    let own: Vec<_> = own
        .map(|(row, project, id, ..)| (*row, *project, *id))
        .collect();
    assert_eq!(own.len(), 1);
    let changes = Changes {
        gone_feedback: own,
        ..Changes::default()
    };
    assert_eq!(apply(&store, &shop, &changes).await.feedback.len(), 1);
    assert_eq!(
        store.feedback_authors(&[shop.id], 0).await.unwrap().len(),
        1
    );
}

async fn a_dry_run_changes_nothing(store: TestStore) {
    let shop = two_events(&store).await;
    let before = rows(&store, &shop).await;
    let claimed = claim(&store, &shop, true).await;
    let changes = Changes {
        gone_events: vec![gone(&before[0])],
        ..Changes::default()
    };
    let applied = store.apply_changes(&claimed, &changes, NOW, |applied| Checkpoint {
        done: applied.feedback.len() as u64,
        ..Checkpoint::default()
    });
    let applied = applied.await.unwrap().unwrap();
    assert_eq!((applied.attachments.len(), applied.users.len()), (2, 1));
    assert_eq!(rows(&store, &shop).await, before);
    assert_eq!(issues(&store, &shop).await[0].user_count, 2);
    let job = store
        .job(shop.organization_id, claimed.job.id)
        .await
        .unwrap();
    assert_eq!(job.unwrap().done, 1, "the progress is kept");
}

async fn nothing_is_written_for_a_job_that_is_over(store: TestStore) {
    let shop = two_events(&store).await;
    let before = rows(&store, &shop).await;
    let claimed = claim(&store, &shop, false).await;
    let cancelled = store.cancel_job(shop.organization_id, claimed.job.id, NOW);
    assert!(cancelled.await.unwrap());
    let changes = Changes {
        gone_events: vec![gone(&before[0])],
        ..Changes::default()
    };
    let applied = store.apply_changes(&claimed, &changes, NOW, |_| Checkpoint::default());
    assert_eq!(applied.await.unwrap(), None);
    assert_eq!(rows(&store, &shop).await, before);
}

async fn what_is_written_anew_is_read_back(store: TestStore) {
    let shop = two_events(&store).await;
    let row = rows(&store, &shop).await.remove(1);
    let rewrite = Rewrite {
        row: row.row,
        project_id: row.project_id,
        received_at: row.received_at,
        title: "new".to_owned(),
        user_label: None,
        tags: "[]".to_owned(),
        environment: None,
        release: Some("2".to_owned()),
        payload: Some(compress(b"{\"new\":1}").unwrap()),
    };
    let changes = Changes {
        events: vec![rewrite.clone()],
        ..Changes::default()
    };
    apply(&store, &shop, &changes).await;
    let event = store.event(shop.id, event_id(2)).await.unwrap().unwrap();
    assert_eq!(event.body, b"{\"new\":1}");
    assert_eq!(
        (event.row.title.as_str(), event.row.user_label),
        ("new", None)
    );
    let changes = Changes {
        events: vec![Rewrite {
            title: "newer".to_owned(),
            payload: None,
            ..rewrite
        }],
        ..Changes::default()
    };
    apply(&store, &shop, &changes).await;
    let event = store.event(shop.id, event_id(2)).await.unwrap().unwrap();
    assert_eq!(
        (event.row.title.as_str(), event.body.as_slice()),
        ("newer", &b"{\"new\":1}"[..])
    );
}

async fn a_text_that_changed_meanwhile_is_left(store: TestStore) {
    let shop = two_events(&store).await;
    for column in TextColumn::ALL {
        let texts = store
            .texts(column, &[shop.id], &TextRow::default())
            .await
            .unwrap();
        for row in &texts {
            let change = |row: &TextRow, new: &str| Changes {
                texts: vec![TextChange {
                    column,
                    row: row.clone(),
                    new: new.to_owned(),
                }],
                ..Changes::default()
            };
            let stale = TextRow {
                text: "something else".to_owned(),
                ..row.clone()
            };
            assert_eq!(
                apply(&store, &shop, &change(&stale, "x")).await.texts,
                0,
                "{column:?}"
            );
            let new = format!("\"{column:?} {}\"", row.id);
            assert_eq!(
                apply(&store, &shop, &change(row, &new)).await.texts,
                1,
                "{column:?}"
            );
        }
        let after = store
            .texts(column, &[shop.id], &TextRow::default())
            .await
            .unwrap();
        assert_eq!(after.len(), texts.len());
        assert!(
            after
                .iter()
                .all(|row| row.text.contains(&format!("{column:?}")))
        );
        if let Some(last) = after.last() {
            assert!(
                store
                    .texts(column, &[shop.id], last)
                    .await
                    .unwrap()
                    .is_empty()
            );
        }
        assert!(
            store
                .texts(column, &[], &TextRow::default())
                .await
                .unwrap()
                .is_empty()
        );
    }
    let issue = &issues(&store, &shop).await[0];
    assert!(issue.title.contains("IssueTitle") && issue.culprit.contains("IssueCulprit"));
    let values = store.hash_values_of_issues(&[issue.id]).await.unwrap();
    assert!(values[0].1.text.contains("HashValues"));
}

async fn names_that_would_be_there_twice_are_joined(store: TestStore) {
    let shop = project(&store).await;
    let named = |id, environment: &str| NewEvent {
        environment: Some(environment.to_owned()),
        ..event(&shop, id, 1)
    };
    let events = vec![named(1, "of ada"), named(2, "of bob")];
    store_batch(
        &store,
        Batch {
            events,
            ..Batch::default()
        },
    )
    .await;
    let column = TextColumn::EnvironmentName;
    for row in store
        .texts(column, &[shop.id], &TextRow::default())
        .await
        .unwrap()
    {
        let changes = Changes {
            texts: vec![TextChange {
                column,
                row,
                new: "erased".to_owned(),
            }],
            ..Changes::default()
        };
        assert_eq!(apply(&store, &shop, &changes).await.texts, 1);
    }
    let texts = store
        .texts(column, &[shop.id], &TextRow::default())
        .await
        .unwrap();
    assert_eq!(texts.len(), 1);
}

async fn a_file_stays_while_somebody_needs_it(store: TestStore) {
    let shop = project(&store).await;
    let (shared, own) = (
        store.blobs.put(b"shared").unwrap(),
        store.blobs.put(b"own").unwrap(),
    );
    let attachments = vec![
        attachment(&shop, 1, "a", b"shared"),
        attachment(&shop, 2, "b", b"shared"),
        attachment(&shop, 1, "c", b"own"),
    ];
    let events = vec![hers(&shop, 1, 1), event(&shop, 2, 1)];
    store_batch(
        &store,
        Batch {
            events,
            attachments,
            ..Batch::default()
        },
    )
    .await;
    assert_eq!(store.attachments_with_blob(shared).await.unwrap(), 2);
    let changes = Changes {
        gone_events: vec![gone(&rows(&store, &shop).await[0])],
        ..Changes::default()
    };
    let applied = apply(&store, &shop, &changes).await;
    let removed = store.remove_unused_blobs(&applied.blobs).await.unwrap();
    assert_eq!((removed.removed, removed.undecided), (1, Vec::new()));
    assert!(store.blobs.open(own).unwrap().is_none());
    assert!(store.blobs.open(shared).unwrap().is_some());
    let again = store.remove_unused_blobs(&applied.blobs).await.unwrap();
    assert_eq!(again.removed, 0);
    assert_eq!(store.remove_unused_blobs(&[]).await.unwrap().removed, 0);
}

async fn a_person_is_handed_over(store: TestStore) {
    let shop = two_events(&store).await;
    let (mut lines, mut at) = (String::new(), Some(ExportCursor::START));
    while let Some(here) = at {
        let (page, next) = store.export_person(&[shop.id], &ada(), here).await.unwrap();
        lines.push_str(&page);
        at = next;
    }
    let lines: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(lines.len(), 2);
    assert_eq!(lines[0]["type"], "event");
    assert_eq!(lines[0]["body"]["user"]["email"], ADA);
    assert_eq!(lines[0]["attachments"][0]["name"], "hers.txt");
    assert_eq!(lines[0]["feedback"][0]["email"], "bob@example.com");
    assert_eq!(lines[1]["type"], "feedback");
    assert_eq!(lines[1]["message"], "mail me: Ada@example.com");
}

/// Runs a statement past the store.
async fn run(store: &TestStore, sql: &'static str) {
    if let Some(path) = store.url.strip_prefix("sqlite:") {
        let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
        let mut connection = sqlx::SqliteConnection::connect_with(&options)
            .await
            .unwrap();
        connection.execute(sql).await.unwrap();
    } else {
        let mut connection = sqlx::PgConnection::connect(&store.url).await.unwrap();
        connection.execute(sql).await.unwrap();
    }
}

async fn an_issue_without_events_says_nothing_of_them(store: TestStore) {
    let shop = two_events(&store).await;
    let both = rows(&store, &shop).await;
    let go = |row: &StoredRow| Changes {
        gone_events: vec![gone(row)],
        ..Changes::default()
    };
    let applied = apply(&store, &shop, &go(&both[0])).await;
    let issue = issues(&store, &shop).await.remove(0);
    assert_eq!(
        (applied.issues, issue.title.as_str()),
        (vec![], "ValueError: 1")
    );
    let applied = apply(&store, &shop, &go(&both[1])).await;
    assert_eq!(applied.issues, [issue.id]);
    let issue = issues(&store, &shop).await.remove(0);
    assert_eq!(
        (
            issue.title.as_str(),
            issue.culprit.as_str(),
            issue.event_count
        ),
        ("[erased]", "", 2)
    );
    let values = store.hash_values_of_issues(&[issue.id]).await.unwrap();
    assert!(values.iter().all(|(_, row)| row.text == "[]"));
}

async fn a_damaged_row_does_not_stop_the_walk(store: TestStore) {
    let shop = two_events(&store).await;
    let damage = match store.url.starts_with("sqlite:") {
        true => "UPDATE event SET event_id = x'01' WHERE id = 1",
        false => "UPDATE event SET event_id = '\\x01' WHERE id = 1",
    };
    run(&store, damage).await;
    let rows = rows(&store, &shop).await;
    assert_eq!(rows.len(), 2);
    assert!(rows[0].body().is_err());
    assert!(rows[1].body().unwrap().is_some());
}

async fn every_name_that_came_with_a_file_or_a_transaction_is_walked_over(store: TestStore) {
    let shop = two_events(&store).await;
    for column in [
        TextColumn::AttachmentContentType,
        TextColumn::AttachmentType,
        TextColumn::TransactionOp,
    ] {
        let texts = store.texts(column, &[shop.id], &TextRow::default()).await;
        let expected = if column == TextColumn::TransactionOp {
            0
        } else {
            3
        };
        assert_eq!(texts.unwrap().len(), expected, "{column:?}");
    }
}
