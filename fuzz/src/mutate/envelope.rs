//! Changes of envelopes: items that are something else, too many, in another order, or of a changed payload.

use bugle_protocol::Envelope;
use bugle_protocol::json::{self, Json, Object};

use super::random::Random;

/// Types of items, those first of which most is made.
const TYPES: &[&str] = &[
    "event",
    "transaction",
    "attachment",
    "user_report",
    "feedback",
    "client_report",
    "raw_security",
    "security",
    "nel",
    "form_data",
    "unreal_report",
    "session",
    "check_in",
    "log",
    "span",
    "profile_chunk",
    "replay_event",
    "replay_video",
    "statsd",
    "novel",
];

/// What an attachment can be.
const ATTACHMENTS: &[&str] = &[
    "event.minidump",
    "event.applecrashreport",
    "event.payload",
    "event.breadcrumbs",
    "event.attachment",
    "event.view_hierarchy",
    "unreal.context",
];

/// An envelope as its lines.
#[derive(Debug)]
pub(super) struct Lines {
    header: Vec<u8>,
    /// Types and payloads.
    items: Vec<(String, Vec<u8>)>,
}

impl Lines {
    pub(super) fn of(bytes: &[u8]) -> Option<Self> {
        let envelope = Envelope::parse(bytes).ok()?;
        let items = envelope.items.iter();
        Some(Self {
            header: bytes.split(|byte| *byte == b'\n').next()?.to_vec(),
            items: items
                .map(|item| (item.header.item_type.to_string(), item.payload.to_vec()))
                .collect(),
        })
    }

    /// The payloads, to take parts of.
    pub(super) fn payloads(&self) -> impl Iterator<Item = Vec<u8>> {
        self.items.iter().map(|(_, payload)| payload.clone())
    }
}

/// An envelope of items that come from anywhere, framed as it must be. `change` changes a payload.
pub(super) fn mutated(
    all: &[Lines],
    random: &mut Random,
    change: impl Fn(&[u8], &mut Random) -> Vec<u8>,
) -> Vec<u8> {
    let first = random.pick(all);
    let mut bytes = first.header.clone();
    if random.below(8) == 0 {
        bytes = change(&bytes, random);
        bytes.retain(|byte| *byte != b'\n');
    }
    let items = first.items.len() + random.below(3);
    for index in 0..items {
        let other = match first.items.get(index) {
            Some(item) if random.below(8) > 0 => Some(item),
            _ => random.pick(all).items.first(),
        };
        let Some((item_type, payload)) = other else {
            continue;
        };
        let payload = match random.below(3) {
            0 => payload.clone(),
            _ => change(payload, random),
        };
        let header = header(item_type, payload.len(), random);
        bytes.push(b'\n');
        bytes.extend_from_slice(header.as_bytes());
        bytes.push(b'\n');
        bytes.extend_from_slice(&payload);
    }
    bytes
}

fn header(item_type: &str, length: usize, random: &mut Random) -> String {
    let item_type = match random.below(6) {
        0 => random.pick(TYPES),
        _ => item_type,
    };
    let mut header = Object::from_iter([
        ("type", Json::from(item_type.to_owned())),
        ("length", (length as u64).into()),
    ]);
    if item_type == "attachment" || random.below(8) == 0 {
        header.insert("attachment_type", *random.pick(ATTACHMENTS));
        header.insert("filename", "../a\u{0}b\u{202e}.dmp");
    }
    if random.below(8) == 0 {
        header.insert("item_count", random.next() >> random.below(64));
        header.insert("content_type", "application/vnd.sentry.items.log+json");
    }
    json::to_string(&header.into())
}
