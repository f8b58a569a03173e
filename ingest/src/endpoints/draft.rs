//! An envelope in the making.

use bugle_protocol::json::{self, Json, Object};
use bugle_protocol::multipart::Part;
use bugle_protocol::{EventId, ItemType};

/// Characters kept of a file's name and of a content type.
const MAX_NAME_CHARS: usize = 1024;

/// The bytes of an envelope, up to the last item that was added.
#[derive(Debug)]
pub(super) struct Draft {
    bytes: Vec<u8>,
    items: usize,
}

impl Draft {
    /// An envelope without items, and what its header says.
    pub(super) fn new(event_id: Option<EventId>) -> Self {
        let mut header = Object::new();
        if let Some(event_id) = event_id {
            header.insert("event_id", event_id.to_string());
        }
        Self {
            bytes: json::to_string(&header.into()).into_bytes(),
            items: 0,
        }
    }

    /// Adds an item; members of the header that are null are left out.
    pub(super) fn push<'a>(
        &mut self,
        item_type: ItemType<'_>,
        members: impl IntoIterator<Item = (&'a str, Json<'a>)>,
        payload: &[u8],
    ) {
        let mut header = Object::new();
        header.insert("type", item_type.name().to_owned());
        header.insert("length", payload.len() as u64);
        for (name, value) in members {
            if !value.is_null() {
                header.insert(name, value);
            }
        }
        let header = json::to_string(&header.into());
        self.bytes.reserve(header.len() + payload.len() + 2);
        self.bytes.push(b'\n');
        self.bytes.extend_from_slice(header.as_bytes());
        self.bytes.push(b'\n');
        self.bytes.extend_from_slice(payload);
        self.items += 1;
    }

    /// Adds a form's file as an attachment of this type.
    pub(super) fn push_file(&mut self, file: &Part<'_>, attachment_type: &'static str) {
        let filename = file.filename.as_deref().unwrap_or(&file.name);
        let members = [
            ("attachment_type", attachment_type.into()),
            ("filename", shortened(Some(filename))),
            ("content_type", shortened(file.content_type.as_deref())),
        ];
        self.push(ItemType::Attachment, members, file.body);
    }

    /// Bytes of memory until it is queued: it may be packed then, and both forms are there for a moment.
    pub(super) fn footprint(&self) -> usize {
        2 * self.bytes.len()
    }

    /// Whether it has no items.
    pub(super) fn is_empty(&self) -> bool {
        self.items == 0
    }

    /// The envelope.
    pub(super) fn into_bytes(mut self) -> Vec<u8> {
        self.bytes.push(b'\n');
        self.bytes
    }
}

/// A text of a client's for a header line; null if there is none.
pub(super) fn shortened(text: Option<&str>) -> Json<'static> {
    shortened_to(MAX_NAME_CHARS, text)
}

/// The same for a line that keeps fewer characters.
pub(super) fn shortened_to(max_chars: usize, text: Option<&str>) -> Json<'static> {
    match text {
        Some(text) if !text.is_empty() => text.chars().take(max_chars).collect::<String>().into(),
        _ => Json::Null,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use bugle_protocol::Envelope;

    #[test]
    fn what_is_drafted_is_an_envelope() {
        let event_id = EventId::random();
        let mut draft = Draft::new(Some(event_id));
        assert!(draft.is_empty());
        let members = [("sentry_release", "a\n\"b".into()), ("none", Json::Null)];
        draft.push(ItemType::RawSecurity, members, b"{\n}");
        let file = Part {
            name: "field".into(),
            filename: Some("n".repeat(5000).into()),
            body: b"\n\n",
            ..Part::default()
        };
        draft.push_file(&file, "event.attachment");
        draft.push(ItemType::FormData, [], b"");
        let bytes = draft.into_bytes();
        let envelope = Envelope::parse(&bytes).unwrap();
        assert_eq!(envelope.header.event_id(), Some(event_id));
        let payloads: Vec<_> = envelope.items.iter().map(|item| item.payload).collect();
        assert_eq!(payloads, [&b"{\n}"[..], b"\n\n", b""]);
        let header = |item: usize, key| envelope.items[item].header.get_str(key);
        assert_eq!(header(0, "sentry_release"), Some("a\n\"b"));
        assert_eq!(header(0, "none"), None);
        assert_eq!(header(1, "filename").map(str::len), Some(MAX_NAME_CHARS));
    }
}
