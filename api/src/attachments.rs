//! Attachments of events: lists, single ones, and their bytes.

use axum::Json;
use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use bugle_store::{Attachment, Scope};
use serde::Serialize;
use tokio_util::io::ReaderStream;

use crate::paging::{Stretch, push_encoded};
use crate::{ApiError, Call};

/// What a file is that says nothing of itself, or nothing that is safe to repeat.
const OCTET_STREAM: &str = "application/octet-stream";

/// The media types that a download keeps: no browser runs anything of them. Nothing else is passed on, whatever the
/// client called it.
const PLAIN_TYPES: [&str; 11] = [
    "application/json",
    "image/avif",
    "image/gif",
    "image/jpeg",
    "image/png",
    "image/webp",
    "text/csv",
    "text/plain",
    "text/x-log",
    "video/mp4",
    "video/webm",
];

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
        (
            header::CONTENT_TYPE,
            plain_type(attachment.content_type.as_deref()),
        ),
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
    if let Ok(disposition) = HeaderValue::try_from(disposition(&attachment.name)) {
        headers.insert(header::CONTENT_DISPOSITION, disposition);
    }
    headers
}

fn plain_type(named: Option<&str>) -> &'static str {
    let named = named.unwrap_or_default().split(';').next();
    let named = named.unwrap_or_default().trim();
    let mut plain = PLAIN_TYPES.into_iter();
    plain
        .find(|plain| named.eq_ignore_ascii_case(plain))
        .unwrap_or(OCTET_STREAM)
}

/// `attachment` with the name of the file twice: in ASCII for old clients, and as RFC 8187 writes it (RFC 6266).
fn disposition(name: &str) -> String {
    let name = file_name(name);
    let keep = |c: char| c.is_ascii_alphanumeric() || "-._ ".contains(c);
    let ascii: String = name
        .chars()
        .map(|c| if keep(c) { c } else { '_' })
        .collect();
    let mut disposition = format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''");
    push_encoded(&mut disposition, &name);
    disposition
}

/// The last part of a path, without what hides its ending from people: control characters, and those that turn the
/// direction of reading.
fn file_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or_default();
    let hides = |c: char| {
        c.is_control()
            || matches!(c, '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    let visible: String = last.chars().filter(|c| !hides(*c)).collect();
    // Leading dots make hidden files, and ".." a folder.
    match visible.trim().trim_start_matches('.') {
        "" => "attachment".to_owned(),
        name => name.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_a_name() {
        for (name, expected) in [
            ("log.txt", "log.txt"),
            ("", "attachment"),
            ("..", "attachment"),
            (".bashrc", "bashrc"),
            ("../../etc/passwd", "passwd"),
            ("C:\\Windows\\evil.exe", "evil.exe"),
            ("folder/", "attachment"),
            ("a\r\nSet-Cookie: x", "aSet-Cookie: x"),
            ("photo\u{202e}gpj.exe", "photogpj.exe"),
            ("  crash 1.dmp ", "crash 1.dmp"),
            ("日誌.txt", "日誌.txt"),
        ] {
            assert_eq!(file_name(name), expected, "{name:?}");
        }
    }

    #[test]
    fn a_disposition_is_always_a_header_of_one_name() {
        assert_eq!(
            disposition("a \"b\";\u{e9}.txt"),
            "attachment; filename=\"a _b___.txt\"; filename*=UTF-8''a%20%22b%22%3B%C3%A9.txt"
        );
        for name in [
            "\0\r\n",
            "\"; filename=evil.html",
            "🦀".repeat(255).as_str(),
        ] {
            let text = disposition(name);
            let value = HeaderValue::try_from(text.as_str()).unwrap();
            let quotes = value.as_bytes().iter().filter(|byte| **byte == b'"');
            assert_eq!(quotes.count(), 2, "{text}");
        }
    }

    #[test]
    fn only_plain_types_are_repeated() {
        for (named, expected) in [
            (None, OCTET_STREAM),
            (Some(""), OCTET_STREAM),
            (Some("text/html"), OCTET_STREAM),
            (Some("image/svg+xml"), OCTET_STREAM),
            (Some("text/javascript"), OCTET_STREAM),
            (Some("TEXT/Plain; charset=utf-8"), "text/plain"),
            (Some("image/png"), "image/png"),
            (Some("text/plain\r\nX: y"), OCTET_STREAM),
        ] {
            assert_eq!(plain_type(named), expected, "{named:?}");
        }
    }
}
