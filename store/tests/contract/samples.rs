//! Things to store.

use bugle_protocol::{EventId, KeyId, Level, OrganizationId, ProjectId, PublicKey, UnixMillis};
use bugle_store::{
    Batch, NewEvent, NewHash, NewProject, NewUser, Project, QueueCursor, Recorded, Store, compress,
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
