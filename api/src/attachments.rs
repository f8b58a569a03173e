//! Attachments of events: lists, single ones, and their bytes.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bugle_store::{Attachment, Scope};
use serde::Serialize;
use tokio_util::io::ReaderStream;

use crate::paging::Stretch;
use crate::{ApiError, Call};

/// What a file is that says nothing of itself.
const OCTET_STREAM: &str = "application/octet-stream";

/// Bytes that are read from a file at a time.
const CHUNK_BYTES: usize = 64 * 1024;

/// An attachment without its bytes.
#[derive(Serialize)]
pub(crate) struct AttachmentShape {
    id: String,
    event_id: String,
    #[serde(rename = "type")]
    ty: String,
    name: String,
    mimetype: String,
    #[serde(rename = "dateCreated")]
    date_created: String,
    /// Bytes.
    size: u64,
    headers: Headers,
    sha256: String,
}

#[derive(Serialize)]
struct Headers {
    #[serde(rename = "Content-Type")]
    content_type: String,
}

impl AttachmentShape {
    fn new(attachment: Attachment) -> Self {
        let mimetype = attachment.content_type;
        let mimetype = mimetype.unwrap_or_else(|| OCTET_STREAM.to_owned());
        Self {
            id: attachment.id.to_string(),
            event_id: attachment.event_id.to_string(),
            ty: attachment.attachment_type,
            name: attachment.name,
            headers: Headers {
                content_type: mimetype.clone(),
            },
            mimetype,
            date_created: attachment.received_at.to_rfc3339(),
            size: attachment.size,
            sha256: attachment.blob.to_string(),
        }
    }
}

/// `GET projects/{o}/{p}/events/{id}/attachments/`. The event itself may be missing: attachments may come alone.
pub(crate) async fn list(call: Call) -> Result<Response, ApiError> {
    call.require(Scope::EventRead)?;
    let (project, event_id) = (call.project().await?, call.event_id()?);
    let stretch = Stretch::of(&call)?;
    let store = &call.api.store;
    let found = store
        .attachments(
            project.id,
            event_id,
            stretch.offset,
            stretch.limit_and_one(),
        )
        .await?;
    if found.is_empty() && store.event(project.id, event_id).await?.is_none() {
        return Err(ApiError::missing("event", call.event_name()));
    }
    let rows = found.into_iter().map(AttachmentShape::new).collect();
    Ok(stretch.page(rows).answer(&call))
}

/// `GET projects/{o}/{p}/events/{id}/attachments/{attachment}/`; with `download`, of whatever value, the bytes.
pub(crate) async fn detail(call: Call) -> Result<Response, ApiError> {
    call.require(Scope::EventRead)?;
    let (project, event_id) = (call.project().await?, call.event_id()?);
    let missing = || ApiError::missing("attachment", call.attachment_name());
    let id = call.attachment_name().parse().map_err(|_| missing())?;
    let found = call.api.store.attachment(project.id, id).await?;
    let attachment = found
        .filter(|attachment| attachment.event_id == event_id)
        .ok_or_else(missing)?;
    if call.param("download").is_none() {
        return Ok(Json(AttachmentShape::new(attachment)).into_response());
    }
    let file = call.api.store.open_attachment(&attachment).await?;
    let file = file.ok_or_else(|| ApiError::missing("file of attachment", &id.to_string()))?;
    let body = Body::from_stream(ReaderStream::with_capacity(file, CHUNK_BYTES));
    Ok((download_headers(&attachment), body).into_response())
}

/// Headers under which hostile bytes of a hostile name can do nothing in a browser but be saved.
fn download_headers(attachment: &Attachment) -> HeaderMap {
    let mut headers = HeaderMap::new();
    for (name, value) in [
        (header::CONTENT_TYPE, attachment.download_type()),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (
            header::CONTENT_SECURITY_POLICY,
            "default-src 'none'; sandbox",
        ),
        (header::CACHE_CONTROL, "private"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.insert(header::CONTENT_LENGTH, attachment.size.into());
    if let Ok(disposition) = HeaderValue::try_from(attachment.disposition()) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    headers
}
