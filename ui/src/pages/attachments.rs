//! The files that came with an event.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bugle_protocol::{AttachmentId, EventId, ProjectId};
use bugle_store::{Attachment, Issue};
use serde::Serialize;
use tokio_util::io::ReaderStream;

use super::issue::find;
use crate::Ui;
use crate::actor::Actor;
use crate::ledger::{Amount, Unit};
use crate::problem::Problem;

/// The most that an event's page lists.
const MOST: u32 = 200;

/// What a browser may do with a file that it opens in spite of the headers: nothing.
const NO_RIGHTS: HeaderValue = HeaderValue::from_static("default-src 'none'; sandbox");

/// A file in a list.
#[derive(Debug, Serialize)]
pub(super) struct AttachmentRow {
    name: String,
    size: Amount,
    /// What the client took it for.
    content_type: Option<String>,
    /// What it is of the event: `minidump`.
    kind: String,
    url: String,
}

/// The files of an event.
///
/// # Errors
/// [`Problem::Store`].
pub(super) async fn of_event(
    ui: &Ui,
    project: ProjectId,
    event: EventId,
    issue: &Issue,
) -> Result<Vec<AttachmentRow>, Problem> {
    let files = ui.store.attachments(project, event, 0, MOST).await?;
    let folder = format!("/issues/{}/events/{event}/attachments", issue.short_id);
    let folder = ui.site.link(&folder);
    let row = |file: Attachment| AttachmentRow {
        size: Amount::new(i64::try_from(file.size).unwrap_or(i64::MAX), Unit::Bytes),
        kind: kind(&file.attachment_type),
        url: format!("{folder}/{}/", file.id),
        content_type: file.content_type,
        name: file.name,
    };
    Ok(files.into_iter().map(row).collect())
}

/// `event.view_hierarchy` as `view hierarchy`; nothing for a file that is just a file.
fn kind(attachment_type: &str) -> String {
    let kind = attachment_type.strip_prefix("event.");
    match kind.unwrap_or(attachment_type) {
        "attachment" => String::new(),
        "applecrashreport" => "Apple crash report".to_owned(),
        other => other.replace('_', " "),
    }
}

/// `GET /issues/{issue}/events/{event}/attachments/{attachment}/`: the bytes as they were sent.
pub(super) async fn download(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path((name, event, attachment)): Path<(String, String, String)>,
) -> Result<Response, Problem> {
    let missing = Problem::NotFound("attachment");
    let (project, issue) = actor.issue(&ui, &name).await?;
    let event = find(&ui, &issue, &event).await?;
    let Ok(id) = attachment.parse().map(AttachmentId) else {
        return Err(missing);
    };
    let found = ui.store.attachment(project.id, id).await?;
    let is_its_own = |file: &Attachment| file.event_id == event.row.event_id;
    let Some(attachment) = found.filter(is_its_own) else {
        return Err(missing);
    };
    let Some(file) = ui.store.open_attachment(&attachment).await? else {
        return Err(missing);
    };
    let disposition = HeaderValue::try_from(attachment.disposition());
    let disposition = disposition.map_err(|_| Problem::Broken("a file name is not ASCII"))?;
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static(attachment.download_type()),
        ),
        (header::CONTENT_DISPOSITION, disposition),
        (header::CONTENT_LENGTH, HeaderValue::from(attachment.size)),
        (header::CONTENT_SECURITY_POLICY, NO_RIGHTS),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        ),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(file))).into_response())
}

#[cfg(test)]
mod tests {
    use super::kind;

    #[test]
    fn kinds_are_told_in_words() {
        for (attachment_type, words) in [
            ("event.attachment", ""),
            ("event.minidump", "minidump"),
            ("event.view_hierarchy", "view hierarchy"),
            ("event.applecrashreport", "Apple crash report"),
            ("unreal.logs", "unreal.logs"),
        ] {
            assert_eq!(kind(attachment_type), words);
        }
    }
}
