//! `POST …/minidump/`: a crash dump of a native program, alone or in a form with all that its reporter knows.

use std::borrow::Cow;
use std::sync::Arc;

use axum::extract::{Path, Request, State};
use bugle_protocol::body::{BodyError, Encoding, decode};
use bugle_protocol::json::Json;
use bugle_protocol::multipart::{self, Part};
use bugle_protocol::{EventId, ItemType, msgpack};

use super::draft::Draft;
use super::form::Fields;
use super::{Arrival, content_type, media_type, take};
use crate::receive::Inlet;
use crate::{ItemLimit, ItemOverflow, Rejection};

/// The field that holds the dump.
const DUMP: &str = "upload_file_minidump";

/// The file in which the SDK wrote its event.
const EVENT: &str = "__sentry-event";

/// What a dump is stored as.
const DUMP_TYPE: &str = "application/x-dmp";

/// `POST /api/{project_id}/minidump/`.
pub(crate) async fn receive_minidump(
    State(inlet): State<Arc<Inlet>>,
    Path(project_id): Path<String>,
    request: Request,
) -> Result<String, Rejection> {
    let content_type = content_type(&request);
    let arrival = Arrival {
        project_id: &project_id,
        key: None,
        request,
        max_bytes: inlet.ingest.limits.max_envelope_bytes,
        hides_limits: true,
    };
    let max_event_bytes = inlet.ingest.limits.max_event_bytes;
    let make = move |body: &[u8], max_bytes: usize| {
        if media_type(&content_type).starts_with("multipart/") {
            of_form(body, &content_type, max_bytes, max_event_bytes)
        } else {
            of_dump(body, max_bytes)
        }
    };
    Ok(report_id(take(&inlet, arrival, make).await?))
}

/// What a crash reporter is answered: the event's id, or any where a limit kept the event out.
pub(super) fn report_id(event_id: Option<EventId>) -> String {
    let EventId(uuid) = event_id.unwrap_or_else(EventId::random);
    uuid.hyphenated().to_string()
}

/// The envelope of a dump that came without anything else.
fn of_dump(body: &[u8], max_bytes: usize) -> Result<Draft, Rejection> {
    let file = Part {
        name: DUMP.into(),
        body,
        ..Part::default()
    };
    let mut draft = Draft::new(Some(EventId::random()));
    push_dump(&mut draft, &file, max_bytes)?;
    Ok(draft)
}

/// The envelope of a form: the dump first, then the other files, then the fields.
fn of_form(
    body: &[u8],
    content_type: &str,
    max_bytes: usize,
    max_event_bytes: usize,
) -> Result<Draft, Rejection> {
    let parts = multipart::parse(body, multipart::boundary(content_type)?)?;
    let dump = parts.iter().find(|part| part.name == DUMP);
    let dump = dump.ok_or(Rejection::MissingFile(DUMP))?;
    let is_file = |part: &&Part<'_>| part.filename.is_some() && part.name != DUMP;
    let fields = parts
        .iter()
        .filter(|part| part.filename.is_none() && part.name != DUMP);
    check_fields(fields.clone(), max_event_bytes)?;
    let fields = Fields::collect(fields.map(|part| (part.name.clone(), part.text())));

    let mut draft = Draft::new(Some(event_id(&fields, &parts, max_event_bytes)));
    push_dump(&mut draft, dump, max_bytes.saturating_sub(body.len()))?;
    for file in parts.iter().filter(is_file) {
        draft.push_file(file, attachment_type(file));
    }
    if let Some(form_data) = fields.to_form_data() {
        draft.push(ItemType::FormData, [], form_data.as_bytes());
    }
    Ok(draft)
}

/// Checks that all fields together are not larger than the item that they will be, before anything is made of them.
fn check_fields<'a>(
    fields: impl Iterator<Item = &'a Part<'a>>,
    max_bytes: usize,
) -> Result<(), Rejection> {
    let bytes: usize = fields.map(|part| part.name.len() + part.body.len()).sum();
    if bytes > max_bytes {
        return Err(Rejection::Item(ItemOverflow {
            item_type: ItemType::FormData.name().to_owned(),
            limit: ItemLimit::ItemBytes(max_bytes),
        }));
    }
    Ok(())
}

/// The id that the fields or the SDK's event name, else a new one. An event that is too large is not searched.
fn event_id(fields: &Fields<'_>, parts: &[Part<'_>], max_event_bytes: usize) -> EventId {
    let id_in = |event: &Json<'_>| event.get_str("event_id")?.parse().ok();
    let of_fields = fields.event.as_ref().and_then(id_in);
    let of_file = || {
        let file = parts.iter().find(|part| is_named(part, EVENT))?;
        if file.body.len() > max_event_bytes {
            return None;
        }
        id_in(&msgpack::parse(file.body).ok()?)
    };
    of_fields.or_else(of_file).unwrap_or_else(EventId::random)
}

/// Files are recognised by their field, or by their name where the field is called otherwise.
fn is_named(part: &Part<'_>, name: &str) -> bool {
    part.name == name || part.filename.as_deref() == Some(name)
}

fn attachment_type(file: &Part<'_>) -> &'static str {
    for (name, attachment_type) in [
        (EVENT, "event.payload"),
        ("__sentry-breadcrumb1", "event.breadcrumbs"),
        ("__sentry-breadcrumb2", "event.breadcrumbs"),
        ("view-hierarchy.json", "event.view_hierarchy"),
    ] {
        if is_named(file, name) {
            return attachment_type;
        }
    }
    "event.attachment"
}

/// Adds the dump, unpacked to at most `max_bytes`.
fn push_dump(draft: &mut Draft, file: &Part<'_>, max_bytes: usize) -> Result<(), Rejection> {
    let body = embedded(file.body).unwrap_or(file.body);
    let (body, content_type) = unpack(body, max_bytes)?;
    let filename = file.filename.as_deref().filter(|name| !name.is_empty());
    let filename = filename.unwrap_or("minidump.dmp");
    let filename = match &body {
        Cow::Owned(_) => without_suffix(filename),
        Cow::Borrowed(_) => filename,
    };
    let file = Part {
        name: DUMP.into(),
        filename: Some(filename.into()),
        content_type: Some(content_type.into()),
        body: &body,
    };
    draft.push_file(&file, "event.minidump");
    Ok(())
}

/// The dump inside of a form inside of the form: old crash reporters of Electron on Linux wrap it twice.
fn embedded(body: &[u8]) -> Option<&[u8]> {
    let line = body
        .strip_prefix(b"--")?
        .split(|&byte| byte == b'\n')
        .next()?;
    let boundary = std::str::from_utf8(line.trim_ascii_end()).ok()?;
    let parts = multipart::parse(body, boundary).ok()?;
    let dump = parts.into_iter().find(|part| part.name == DUMP)?;
    Some(dump.body)
}

/// The dump itself, and its content type. What is packed by gzip or Zstandard is unpacked; packers that are not read here
/// stay on: the content type says which.
fn unpack(body: &[u8], max_bytes: usize) -> Result<(Cow<'_, [u8]>, &'static str), Rejection> {
    let encoding = match body {
        [0x1f, 0x8b, ..] => Encoding::Gzip,
        [0x28, 0xb5, 0x2f, 0xfd, ..] => Encoding::Zstd,
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => return Ok((body.into(), "application/x-xz")),
        [b'B', b'Z', b'h', b'1'..=b'9', ..] => return Ok((body.into(), "application/x-bzip2")),
        _ if is_dump(body) => return Ok((body.into(), DUMP_TYPE)),
        _ => return Err(Rejection::Minidump),
    };
    match decode(encoding, body, max_bytes) {
        Ok(dump) if is_dump(&dump) => Ok((dump, DUMP_TYPE)),
        Err(BodyError::TooLarge { limit_bytes }) => Err(Rejection::TooLarge { limit_bytes }),
        Ok(_) | Err(_) => Err(Rejection::Minidump),
    }
}

/// A dump begins with its magic number, in either byte order.
fn is_dump(body: &[u8]) -> bool {
    body.starts_with(b"MDMP") || body.starts_with(b"PMDM")
}

fn without_suffix(filename: &str) -> &str {
    [".gz", ".zst", ".zstd"]
        .iter()
        .find_map(|suffix| filename.strip_suffix(suffix))
        .filter(|name| !name.is_empty())
        .unwrap_or(filename)
}
