//! Files: kept as blobs under the hash of what is in them, and named by a row.

use std::borrow::Cow;

use bugle_protocol::{DiscardReason, Item, ItemType};
use bugle_store::NewAttachment;

use crate::request::{Arrival, Tools};
use crate::verdict::{Fault, Kept, Refusal};

/// The name of a file that came without one.
const UNNAMED: &str = "Unnamed Attachment";

/// The name of a crash report of the Unreal Engine, which comes without one.
const UNREAL_REPORT: &str = "unreal_report.uecrash";

/// Characters kept of a name and of a type.
const MAX_CHARS: usize = 255;

/// Content types of what is no file for an event: a reference to an upload of its own, and a file for a trace.
const OTHER_KINDS: [&str; 2] = [
    "application/vnd.sentry.attachment-ref",
    "application/vnd.sentry.trace-attachment",
];

/// Keeps a file for the envelope's event.
pub(super) fn process(
    arrival: &Arrival<'_>,
    item: &Item<'_>,
    tools: &Tools<'_>,
) -> Result<Kept, Fault> {
    let content_type = item.header.get_str("content_type").unwrap_or_default();
    if OTHER_KINDS
        .iter()
        .any(|kind| content_type.starts_with(kind))
    {
        return Err(Refusal::unsupported().into());
    }
    Ok(Kept {
        attachments: vec![keep(arrival, item, tools)?],
        ..Kept::default()
    })
}

/// Keeps the item's bytes; they are on disk when this returns.
pub(super) fn keep(
    arrival: &Arrival<'_>,
    item: &Item<'_>,
    tools: &Tools<'_>,
) -> Result<NewAttachment, Fault> {
    let Some(event_id) = arrival.owner_id else {
        let detail = "the envelope has no event_id for the attachment to belong to";
        return Err(Refusal::invalid(DiscardReason::NoData, detail).into());
    };
    let header = |name| {
        let text = item.header.get_str(name).map(printable)?;
        (!text.is_empty()).then_some(text)
    };
    let (name, attachment_type) = match item.header.item_type {
        ItemType::UnrealReport => (UNREAL_REPORT, "unreal.report"),
        _ => (UNNAMED, "event.attachment"),
    };
    Ok(NewAttachment {
        project_id: arrival.head.project_id,
        key_id: arrival.head.key_id,
        event_id,
        received_at: arrival.head.received_at,
        name: file_name(item.header.get_str("filename").unwrap_or_default())
            .unwrap_or_else(|| name.to_owned()),
        content_type: header("content_type"),
        attachment_type: header("attachment_type").unwrap_or_else(|| attachment_type.to_owned()),
        blob: tools.blobs.put(item.payload).map_err(Fault::Storage)?,
        size: item.payload.len() as u64,
    })
}

/// The name without the folders before it, which say more of the client's disk than of the file; `None` if nothing is left.
fn file_name(path: &str) -> Option<String> {
    let name = path
        .rsplit(['/', '\\'])
        .find(|part| !part.trim().is_empty())?;
    let name = printable(name);
    (!matches!(name.as_str(), "" | "." | "..")).then_some(name)
}

fn printable(text: &str) -> String {
    let text: Cow<'_, str> = if text.contains(char::is_control) {
        Cow::Owned(text.replace(char::is_control, " "))
    } else {
        Cow::Borrowed(text)
    };
    text.trim().chars().take(MAX_CHARS).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_bare_and_bounded() {
        let long = "x".repeat(300);
        for (path, name) in [
            ("a.txt", Some("a.txt")),
            ("/etc/passwd", Some("passwd")),
            (r"C:\Users\ada\crash.dmp", Some("crash.dmp")),
            ("../../x", Some("x")),
            ("logs/", Some("logs")),
            ("..", None),
            ("", None),
            ("  ", None),
            ("/", None),
            ("a\r\nb\0.txt", Some("a  b .txt")),
            ("schön 🎉.png", Some("schön 🎉.png")),
            (&long, Some(&long[..255])),
        ] {
            assert_eq!(file_name(path).as_deref(), name, "{path:?}");
        }
    }
}
