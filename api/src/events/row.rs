//! An event of a list: what is known without its body.

use bugle_store::EventRow;
use serde::Serialize;

/// A row.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventListRow {
    id: String,
    #[serde(rename = "eventID")]
    event_id: String,
    #[serde(rename = "groupID")]
    group_id: String,
    #[serde(rename = "projectID")]
    project_id: String,
    #[serde(rename = "event.type")]
    event_type: &'static str,
    title: String,
    message: String,
    platform: String,
    date_created: String,
    date_received: String,
    tags: Vec<Tag>,
    user: Option<UserLabel>,
}

/// A tag; Sentry gives lists of them, not objects.
#[derive(Serialize)]
pub(crate) struct Tag {
    key: String,
    value: String,
}

/// A user as far as lists know: under one name, whatever it was made of.
#[derive(Serialize)]
struct UserLabel {
    id: Option<()>,
    email: Option<()>,
    username: String,
    ip_address: Option<()>,
}

/// The tags of an event.
pub(crate) fn tags(row: &EventRow) -> Vec<Tag> {
    let tag = |(key, value): &(String, String)| Tag {
        key: key.clone(),
        value: value.clone(),
    };
    row.tags.iter().map(tag).collect()
}

impl EventListRow {
    /// The row in Sentry's form.
    pub(crate) fn new(row: &EventRow) -> Self {
        Self {
            id: row.event_id.to_string(),
            event_id: row.event_id.to_string(),
            group_id: row.issue_id.to_string(),
            project_id: row.project_id.to_string(),
            event_type: "error",
            title: row.title.clone(),
            message: row.title.clone(),
            platform: row.platform.clone(),
            date_created: row.timestamp.to_rfc3339(),
            date_received: row.received_at.to_rfc3339(),
            tags: tags(row),
            user: row.user_label.clone().map(|label| UserLabel {
                id: None,
                email: None,
                username: label,
                ip_address: None,
            }),
        }
    }
}
