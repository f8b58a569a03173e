//! Things to store.

use bugle_protocol::{
    DataCategory, EventId, KeyId, Level, OrganizationId, Outcome, ProjectId, PublicKey, UnixMillis,
};
use bugle_store::{
    Batch, BlobId, NewAttachment, NewEvent, NewHash, NewProject, NewUser, OutcomeCount,
    OutcomeTotal, Project, QueueCursor, Recorded, Store, compress,
};

/// A Friday morning.
pub(crate) const NOW: UnixMillis = UnixMillis(1_795_163_904_106);

pub(crate) fn public_key(n: u8) -> PublicKey {
    PublicKey::from_bytes([n; 16])
}

pub(crate) async fn organization(store: &Store) -> OrganizationId {
    store
        .create_organization("acme", "Acme", NOW)
        .await
        .unwrap()
}

pub(crate) async fn project(store: &Store) -> Project {
    let organization_id = organization(store).await;
    let new = NewProject {
        organization_id,
        name: "Shop",
        platform: None,
        public_key: public_key(1),
    };
    store.create_project(&new, NOW).await.unwrap()
}

/// An event whose id and hash are made of `id` and `group`.
pub(crate) fn event(project: &Project, id: u128, group: u8) -> NewEvent {
    NewEvent {
        project_id: project.id,
        key_id: KeyId(1),
        category: bugle_protocol::DataCategory::Error,
        event_id: event_id(id),
        timestamp: NOW,
        received_at: NOW,
        level: Level::Error,
        platform: "python".to_owned(),
        event_type: "error".to_owned(),
        environment: Some("production".to_owned()),
        release: Some("shop@1.0".to_owned()),
        title: format!("ValueError: {group}"),
        title_is_placeholder: false,
        culprit: "/checkout/".to_owned(),
        metadata: r#"{"type":"ValueError"}"#.to_owned(),
        is_unhandled: true,
        trace_id: None,
        user: Some(NewUser {
            hash: 7,
            label: "ada".to_owned(),
        }),
        tags: r#"[["level","error"]]"#.to_owned(),
        grouping_version: "test:1",
        hashes: vec![hash(group)],
        payload: compress(br#"{"message":"hello"}"#).unwrap(),
    }
}

pub(crate) fn event_id(id: u128) -> EventId {
    EventId::from_bytes((id + 1).to_be_bytes())
}

pub(crate) fn hash(group: u8) -> NewHash {
    NewHash {
        hash: [group; 32],
        leaf_values: "[]".to_owned(),
    }
}

pub(crate) async fn record(store: &Store, events: Vec<NewEvent>) -> Vec<Recorded> {
    store
        .record(
            &Batch {
                events,
                ..Batch::default()
            },
            NOW,
        )
        .await
        .unwrap()
}

pub(crate) fn cursor(position: u64) -> Option<QueueCursor> {
    Some(QueueCursor {
        queue_id: "q".to_owned(),
        position,
    })
}

/// The issue of what was recorded.
pub(crate) fn issue_of(recorded: Recorded) -> bugle_protocol::IssueId {
    match recorded {
        Recorded::NewIssue(id) | Recorded::Regression(id) | Recorded::Seen(id) => id,
        Recorded::Duplicate => panic!("a duplicate has no issue"),
    }
}

pub(crate) const OTHER_PROJECT: ProjectId = ProjectId(4711);

/// Another project of the same organisation.
pub(crate) async fn second_project(store: &Store, project: &Project) -> Project {
    let new = NewProject {
        organization_id: project.organization_id,
        name: "Other",
        platform: None,
        public_key: public_key(2),
    };
    store.create_project(&new, NOW).await.unwrap()
}

/// An attachment of an event, with the bytes that it is named by.
pub(crate) fn attachment(
    project: &Project,
    event: u128,
    name: &str,
    bytes: &[u8],
) -> NewAttachment {
    NewAttachment {
        project_id: project.id,
        key_id: KeyId(1),
        event_id: event_id(event),
        received_at: NOW,
        name: name.to_owned(),
        content_type: Some("text/plain".to_owned()),
        attachment_type: "event.attachment".to_owned(),
        blob: BlobId::of(bytes),
        size: bytes.len() as u64,
    }
}

/// Items of the project's first key that ended in one way.
pub(crate) fn outcome(
    project: &Project,
    category: DataCategory,
    outcome: Outcome,
    quantity: i64,
) -> OutcomeCount {
    OutcomeCount {
        project_id: project.id,
        key_id: KeyId(1),
        received_at: NOW,
        category,
        outcome,
        quantity,
    }
}

/// Stores a batch.
pub(crate) async fn store_batch(store: &Store, batch: Batch) {
    store.record(&batch, NOW).await.unwrap();
}

/// The outcomes of a project, each as `category outcome reason quantity`.
pub(crate) async fn outcomes(store: &Store, project: &Project) -> Vec<String> {
    let totals = store.outcome_totals(project.id, UnixMillis(0)).await;
    let line = |total: OutcomeTotal| {
        let parts = [total.category, total.outcome, total.reason];
        let parts = parts.into_iter().filter(|part| !part.is_empty());
        let words: Vec<_> = parts.chain([total.quantity.to_string()]).collect();
        words.join(" ")
    };
    totals.unwrap().into_iter().map(line).collect()
}
