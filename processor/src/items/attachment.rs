//! Files: kept as blobs under the hash of what is in them, and named by a row.

use std::borrow::Cow;

use bugle_protocol::json::Object;
use bugle_protocol::{DiscardReason, Event, Item, ItemType, Meta, RuleHit, RuleName, RuleTopic};
use bugle_rules::scrub::Scrubber;
use bugle_store::NewAttachment;

use crate::request::{Arrival, Tools};
use crate::verdict::{Fault, Kept, Refusal};

/// The name of a file that came without one.
const UNNAMED: &str = "Unnamed Attachment";

/// The name of a crash report of the Unreal Engine, which comes without one.
const UNREAL_REPORT: &str = "unreal_report.uecrash";

/// What the default rules leave of a text that they replace whole.
const FILTERED: &str = "[Filtered]";

/// Characters kept of a name and of a type.
const MAX_CHARS: usize = 255;

/// How long half of a media type may be, as RFC 6838 bounds it.
const MAX_TOKEN_BYTES: usize = 127;

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
    let mut kept = Kept::default();
    keep(arrival, item, tools, &mut kept)?;
    Ok(kept)
}

/// Keeps the item's bytes; they are on disk when this returns.
pub(super) fn keep(
    arrival: &Arrival<'_>,
    item: &Item<'_>,
    tools: &Tools<'_>,
    kept: &mut Kept,
) -> Result<(), Fault> {
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
    let scrubber = &tools.rules.project.scrubber;
    let sent_name = file_name(item.header.get_str("filename").unwrap_or_default());
    let (bytes, in_bytes) = scrubbed(item.payload, sent_name.as_deref().unwrap_or(name), scrubber);
    let (name, in_name) = match sent_name {
        Some(sent) => scrubbed_name(&sent, scrubber),
        None => (name.to_owned(), Vec::new()),
    };
    let fired = in_bytes.into_iter().chain(in_name);
    kept.hits.extend(fired.map(|rule| RuleHit {
        topic: RuleTopic::Scrubbing,
        rule,
    }));
    kept.attachments.push(NewAttachment {
        project_id: arrival.head.project_id,
        key_id: arrival.head.key_id,
        event_id,
        received_at: arrival.head.received_at,
        name,
        content_type: header("content_type").and_then(|text| media_type(&text)),
        attachment_type: header("attachment_type")
            .filter(|text| is_token(text))
            .unwrap_or_else(|| attachment_type.to_owned()),
        blob: tools.blobs.put(&bytes).map_err(Fault::Storage)?,
        size: bytes.len() as u64,
    });
    Ok(())
}

/// A media type without its parameters, which may repeat the name of the file; `None` if it is none.
fn media_type(text: &str) -> Option<String> {
    let (kind, subtype) = text.split(';').next()?.trim().split_once('/')?;
    (is_token(kind) && is_token(subtype)).then(|| format!("{kind}/{subtype}"))
}

/// Whether a text is a name such as `event.attachment` or `vnd.api+json`, and not somebody's number.
fn is_token(text: &str) -> bool {
    let is_part = |byte: u8| byte.is_ascii_alphanumeric() || b"._+-".contains(&byte);
    (1..=MAX_TOKEN_BYTES).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_alphabetic())
        && text.bytes().all(is_part)
}

/// The bytes as they are kept: as they came, unless there are rules for files. Their length stays.
fn scrubbed<'p>(
    payload: &'p [u8],
    name: &str,
    scrubber: &Scrubber,
) -> (Cow<'p, [u8]>, Vec<RuleName>) {
    if !scrubber.has_attachment_rules() {
        return (Cow::Borrowed(payload), Vec::new());
    }
    let mut bytes = payload.to_vec();
    let fired = scrubber.scrub_attachment(name, &mut bytes);
    (Cow::Owned(bytes), fired)
}

/// The name of a file as it is kept: names of exports hold card numbers and addresses as any other text may. It is scrubbed
/// like one of `extra`; what replaces it whole leaves at least its ending.
fn scrubbed_name(name: &str, scrubber: &Scrubber) -> (String, Vec<RuleName>) {
    let extra = Object::from_iter([("filename", name.to_owned())]);
    let fields = Object::from_iter([("extra", extra)]);
    let (mut event, mut meta) = (Event { fields }, Meta::default());
    let fired = scrubber.scrub(&mut event, &mut meta);
    if fired.is_empty() {
        return (name.to_owned(), fired);
    }
    let left = event
        .get("extra")
        .and_then(|extra| extra.get_str("filename"));
    let name = match left {
        None | Some("") => format!("{UNNAMED}{}", ending(name)),
        Some(FILTERED) => format!("{FILTERED}{}", ending(name)),
        Some(left) => left.chars().take(MAX_CHARS).collect(),
    };
    (name, fired)
}

/// The ending of a name, such as `.csv`; empty if it has none.
fn ending(name: &str) -> &str {
    let Some((start, ending)) = name
        .rmatch_indices('.')
        .next()
        .map(|(at, _)| (at, &name[at + 1..]))
    else {
        return "";
    };
    let is_plain = ending.len() <= 8
        && ending.starts_with(|c: char| c.is_ascii_alphabetic())
        && ending.chars().all(|c| c.is_ascii_alphanumeric());
    if is_plain { &name[start..] } else { "" }
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
    fn names_are_scrubbed_and_keep_their_endings() {
        let scrubber = Scrubber::default();
        for (name, kept) in [
            ("export 4111111111111111.csv", "export [Filtered].csv"),
            ("my password.txt", "[Filtered].txt"),
            ("my password.1", "[Filtered]"),
            ("password", "[Filtered]"),
            ("holiday.jpg", "holiday.jpg"),
        ] {
            let (scrubbed, fired) = scrubbed_name(name, &scrubber);
            assert_eq!(scrubbed, kept, "{name}");
            assert_eq!(fired.is_empty(), name == kept);
        }
    }

    #[test]
    fn types_say_no_more_than_a_type() {
        for (sent, kept) in [
            ("text/csv", Some("text/csv")),
            ("text/plain; name=\"card 4111.txt\"", Some("text/plain")),
            ("application/vnd.api+json", Some("application/vnd.api+json")),
            ("4111111111111111", None),
            ("4111111111111111/x", None),
            ("text/", None),
            ("", None),
        ] {
            assert_eq!(media_type(sent).as_deref(), kept, "{sent}");
        }
        assert!(is_token("event.minidump") && !is_token("x.ada@example.com"));
    }

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
