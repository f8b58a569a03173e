//! The framing of an envelope: one header line, then items of a header line and a payload each.

use std::borrow::Cow;
use std::fmt;

use memchr::memchr;

use crate::json::{self, Json, Object};
use crate::outcome::DataCategory;
use crate::timestamp::parse_timestamp;
use crate::{EventId, UnixMillis};

/// Bytes that the header lines of an envelope may have together. Real ones have some hundreds each; a body of nothing but
/// header lines would take many times its own size as a tree.
pub const MAX_HEADER_BYTES: usize = 1024 * 1024;

/// A request's worth of items. Zero-copy: the payloads are slices of the parsed bytes.
///
/// The bytes are `<header>\n(<item header>\n<payload>\n?)*`, see protocol.md section 5 of the SDK documentation:
/// <https://develop.sentry.dev/sdk/data-model/envelopes/>.
#[derive(Clone, Debug, PartialEq)]
pub struct Envelope<'a> {
    /// What the first line says.
    pub header: EnvelopeHeader<'a>,
    /// The items in order.
    pub items: Vec<Item<'a>>,
}

/// The first line of an envelope; every member is optional, unknown ones are kept.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct EnvelopeHeader<'a> {
    fields: Object<'a>,
}

/// One item: a typed header and the payload's untouched bytes.
#[derive(Clone, Debug, PartialEq)]
pub struct Item<'a> {
    /// What the item's header line says.
    pub header: ItemHeader<'a>,
    /// The payload, without the line feed behind it.
    pub payload: &'a [u8],
}

/// An item's header line; unknown members are kept.
#[derive(Clone, Debug, PartialEq)]
pub struct ItemHeader<'a> {
    /// The required member `type`.
    pub item_type: ItemType<'a>,
    fields: Object<'a>,
}

/// Why bytes are not an envelope. Any of these refuses the whole envelope.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EnvelopeError {
    /// There are no bytes.
    #[error("missing envelope header")]
    MissingHeader,
    /// The first line is not a JSON object.
    #[error("invalid envelope header")]
    InvalidHeader,
    /// An item's first line is not a JSON object with a string `type`.
    #[error("invalid item header")]
    InvalidItemHeader,
    /// A payload of announced length is not followed by a line feed.
    #[error("missing newline after header or payload")]
    MissingNewline,
    /// A payload is shorter than announced.
    #[error("unexpected end of file")]
    UnexpectedEof,
    /// The header lines are longer than [`MAX_HEADER_BYTES`] together.
    #[error("headers exceed {MAX_HEADER_BYTES} bytes")]
    HeadersTooLarge,
}

impl<'a> Envelope<'a> {
    /// Splits the decompressed body of a request. Item types that are not known are kept.
    ///
    /// A payload without `length` ends at the next line feed. Blank lines between items are skipped.
    ///
    /// # Errors
    /// [`EnvelopeError`] if the framing is broken.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, EnvelopeError> {
        if bytes.is_empty() {
            return Err(EnvelopeError::MissingHeader);
        }
        let (line, mut rest) = split_line(bytes);
        let mut header_bytes = bounded(line.len())?;
        let header = EnvelopeHeader {
            fields: parse_object(line).ok_or(EnvelopeError::InvalidHeader)?,
        };
        let mut items = Vec::new();
        loop {
            rest = skip_blank_lines(rest);
            if rest.is_empty() {
                return Ok(Self { header, items });
            }
            header_bytes = bounded(header_bytes + split_line(rest).0.len())?;
            let (item, behind) = Item::parse(rest)?;
            items.push(item);
            rest = behind;
        }
    }

    /// The bytes of the envelope, with a `length` in every item header.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = json::to_string(&Json::Object(self.header.fields.clone())).into_bytes();
        for item in &self.items {
            let mut header = item.header.fields.clone();
            header.insert("length", item.payload.len() as u64);
            out.push(b'\n');
            out.extend_from_slice(json::to_string(&Json::Object(header)).as_bytes());
            out.push(b'\n');
            out.extend_from_slice(item.payload);
        }
        out.push(b'\n');
        out
    }
}

impl<'a> EnvelopeHeader<'a> {
    /// The id of the envelope's event, if it is well formed.
    #[must_use]
    pub fn event_id(&self) -> Option<EventId> {
        self.fields.get_str("event_id")?.parse().ok()
    }

    /// When the client sent it, by its own clock.
    #[must_use]
    pub fn sent_at(&self) -> Option<UnixMillis> {
        parse_timestamp(self.fields.get("sent_at")?).map(UnixMillis::from_seconds)
    }

    /// The `dsn` as written, for clients that authenticate in no other way.
    #[must_use]
    pub fn dsn(&self) -> Option<&str> {
        self.fields.get_str("dsn")
    }

    /// Any other member.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        self.fields.get(key)
    }

    /// Sets a member.
    pub fn insert(&mut self, key: &'static str, value: impl Into<Json<'a>>) {
        self.fields.insert(key, value);
    }
}

impl<'a> Item<'a> {
    /// Reads one item; the second value is what follows it.
    fn parse(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), EnvelopeError> {
        let (line, body) = split_line(bytes);
        let header = ItemHeader::parse(line).ok_or(EnvelopeError::InvalidItemHeader)?;
        let (payload, behind) = match header.length()? {
            None => split_line(body),
            Some(length) => {
                let payload = body.get(..length).ok_or(EnvelopeError::UnexpectedEof)?;
                match &body[length..] {
                    [] => (payload, &[][..]),
                    [b'\n', behind @ ..] => (payload, behind),
                    _ => return Err(EnvelopeError::MissingNewline),
                }
            }
        };
        Ok((Self { header, payload }, behind))
    }
}

impl<'a> ItemHeader<'a> {
    fn parse(line: &'a [u8]) -> Option<Self> {
        let fields = parse_object(line)?;
        let item_type = ItemType::parse(fields.get_str("type")?);
        Some(Self { item_type, fields })
    }

    fn length(&self) -> Result<Option<usize>, EnvelopeError> {
        let Some(length) = self.fields.get("length") else {
            return Ok(None);
        };
        let length = length.as_i64().and_then(|n| usize::try_from(n).ok());
        length.map(Some).ok_or(EnvelopeError::InvalidItemHeader)
    }

    /// How many entries a container item holds, as its header says; 1 where it says nothing.
    #[must_use]
    pub fn item_count(&self) -> u64 {
        self.fields
            .get("item_count")
            .and_then(Json::as_number)
            .and_then(json::Number::as_u64)
            .unwrap_or(1)
    }

    /// Any other string member, such as `filename`.
    #[must_use]
    pub fn get_str(&self, key: &str) -> Option<&str> {
        self.fields.get_str(key)
    }

    /// Sets a member.
    pub fn insert(&mut self, key: &'static str, value: impl Into<Json<'a>>) {
        self.fields.insert(key, value);
    }
}

fn parse_object(line: &[u8]) -> Option<Object<'_>> {
    match json::parse(line) {
        Ok(Json::Object(object)) => Some(object),
        _ => None,
    }
}

/// Splits at the first line feed, which belongs to neither half. A carriage return is not a line end.
fn split_line(bytes: &[u8]) -> (&[u8], &[u8]) {
    match memchr(b'\n', bytes) {
        Some(end) => (&bytes[..end], &bytes[end + 1..]),
        None => (bytes, &[]),
    }
}

fn bounded(header_bytes: usize) -> Result<usize, EnvelopeError> {
    if header_bytes > MAX_HEADER_BYTES {
        return Err(EnvelopeError::HeadersTooLarge);
    }
    Ok(header_bytes)
}

fn skip_blank_lines(mut bytes: &[u8]) -> &[u8] {
    while let [b'\n', rest @ ..] = bytes {
        bytes = rest;
    }
    bytes
}

macro_rules! item_types {
    ($($variant:ident = $name:literal => $category:ident, $needs_id:literal;)*) => {
        /// What an item is.
        #[derive(Clone, Debug, PartialEq, Eq, Hash)]
        #[expect(missing_docs, reason = "the names are the protocol's and say it")]
        pub enum ItemType<'a> {
            $($variant,)*
            /// A type this version does not know; the item is counted and dropped, the others are kept.
            Unknown(Cow<'a, str>),
        }

        impl ItemType<'_> {
            /// The name on the wire.
            #[must_use]
            pub fn name(&self) -> &str {
                match self {
                    $(Self::$variant => $name,)*
                    Self::Unknown(name) => name,
                }
            }

            /// Reads a name on the wire.
            #[must_use]
            pub fn parse(name: &str) -> ItemType<'static> {
                match name {
                    $($name => ItemType::$variant,)*
                    "profile_chunk_ui" => ItemType::ProfileChunk,
                    other => ItemType::Unknown(Cow::Owned(other.chars().take(64).collect())),
                }
            }

            /// What the item counts as in limits and outcomes.
            #[must_use]
            pub fn category(&self) -> DataCategory {
                match self {
                    $(Self::$variant => DataCategory::$category,)*
                    Self::Unknown(_) => DataCategory::Unknown,
                }
            }

            /// Whether an envelope that holds the item has an event id, its own or a generated one.
            #[must_use]
            pub fn needs_event_id(&self) -> bool {
                match self {
                    $(Self::$variant => $needs_id,)*
                    Self::Unknown(_) => false,
                }
            }
        }
    };
}

item_types! {
    Event = "event" => Error, true;
    Transaction = "transaction" => Transaction, true;
    Security = "security" => Security, true;
    RawSecurity = "raw_security" => Security, true;
    Attachment = "attachment" => Attachment, true;
    FormData = "form_data" => Attachment, true;
    UnrealReport = "unreal_report" => Error, true;
    UserReport = "user_report" => Feedback, true;
    Feedback = "feedback" => Feedback, true;
    Session = "session" => Session, false;
    Sessions = "sessions" => Session, false;
    CheckIn = "check_in" => Monitor, false;
    ClientReport = "client_report" => ClientReport, false;
    Log = "log" => LogItem, false;
    OtelLog = "otel_log" => LogItem, false;
    Span = "span" => Span, false;
    OtelSpan = "otel_span" => Span, false;
    TraceMetric = "trace_metric" => TraceMetric, false;
    Profile = "profile" => Profile, true;
    ProfileChunk = "profile_chunk" => ProfileChunk, false;
    ReplayEvent = "replay_event" => Replay, true;
    ReplayRecording = "replay_recording" => Replay, false;
    ReplayVideo = "replay_video" => Replay, false;
    Statsd = "statsd" => MetricBucket, false;
    MetricMeta = "metric_meta" => MetricBucket, false;
    MetricBuckets = "metric_buckets" => MetricBucket, false;
    Nel = "nel" => Security, true;
}

impl fmt::Display for ItemType<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn payloads(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, EnvelopeError> {
        let envelope = Envelope::parse(bytes)?;
        Ok(envelope
            .items
            .iter()
            .map(|item| (item.header.item_type.to_string(), item.payload.to_vec()))
            .collect())
    }

    #[test]
    fn framing_follows_the_protocol() {
        let cases: &[(&str, &[(&str, &str)])] = &[
            ("{}", &[]),
            ("{}\n", &[]),
            ("{}\n\n\n", &[]),
            (
                "{}\n{\"type\":\"event\",\"length\":2}\n{}",
                &[("event", "{}")],
            ),
            (
                "{}\n{\"type\":\"event\",\"length\":2}\n{}\n",
                &[("event", "{}")],
            ),
            (
                "{}\n{\"type\":\"event\"}\n{}\n{\"type\":\"session\"}\n[]",
                &[("event", "{}"), ("session", "[]")],
            ),
            (
                "{}\n{\"type\":\"event\",\"length\":null}\n{}\n",
                &[("event", "{}")],
            ),
            (
                "{}\n{\"type\":\"attachment\",\"length\":0}\n\n{\"type\":\"attachment\",\"length\":3}\n\na\n",
                &[("attachment", ""), ("attachment", "\na\n")],
            ),
            (
                "{}\n{\"type\":\"attachment\",\"length\":0}",
                &[("attachment", "")],
            ),
            ("{}\n{\"type\":\"attachment\"}", &[("attachment", "")]),
            ("{}\n\n\n{\"type\":\"novel\"}\nx\n\n", &[("novel", "x")]),
            (
                "{}\n{\"type\":\"event\",\"length\":4}\n\r\n\r\n\n",
                &[("event", "\r\n\r\n")],
            ),
        ];
        for (input, expected) in cases {
            let expected: Vec<_> = expected
                .iter()
                .map(|(name, payload)| ((*name).to_owned(), payload.as_bytes().to_vec()))
                .collect();
            assert_eq!(payloads(input.as_bytes()), Ok(expected), "{input:?}");
        }
    }

    #[test]
    fn broken_framing_names_the_fault() {
        for (input, error) in [
            ("", EnvelopeError::MissingHeader),
            ("\n{}", EnvelopeError::InvalidHeader),
            ("[]", EnvelopeError::InvalidHeader),
            ("{\"event_id\"", EnvelopeError::InvalidHeader),
            ("{}\n{}\n", EnvelopeError::InvalidItemHeader),
            ("{}\n{\"type\":1}\n", EnvelopeError::InvalidItemHeader),
            ("{}\nnonsense\n", EnvelopeError::InvalidItemHeader),
            (
                "{}\n{\"type\":\"event\",\"length\":-1}\n{}",
                EnvelopeError::InvalidItemHeader,
            ),
            (
                "{}\n{\"type\":\"event\",\"length\":1}\n{}",
                EnvelopeError::MissingNewline,
            ),
            (
                "{}\n{\"type\":\"event\",\"length\":3}\n{}",
                EnvelopeError::UnexpectedEof,
            ),
            (
                "{}\n{\"type\":\"event\",\"length\":3}",
                EnvelopeError::UnexpectedEof,
            ),
        ] {
            assert_eq!(payloads(input.as_bytes()), Err(error), "{input:?}");
        }
    }

    #[test]
    fn a_bad_header_field_costs_nothing_but_itself() {
        let header =
            Envelope::parse(br#"{"event_id":"nope","sent_at":5,"dsn":7,"trace":[],"x":1}"#)
                .unwrap()
                .header;
        assert_eq!((header.event_id(), header.dsn()), (None, None));
        assert_eq!(header.sent_at(), Some(UnixMillis(5000)));
    }

    #[test]
    fn header_lines_are_bounded_together() {
        let long = format!("{{\"x\":\"{}\"}}", "x".repeat(MAX_HEADER_BYTES));
        let many = format!("{{}}\n{}", "{\"type\":\"x\"}\n\n".repeat(100_000));
        for input in [long, many] {
            let parsed = Envelope::parse(input.as_bytes());
            assert_eq!(parsed, Err(EnvelopeError::HeadersTooLarge));
        }
        let payload = "x".repeat(2 * MAX_HEADER_BYTES);
        let large = format!("{{}}\n{{\"type\":\"x\"}}\n{payload}");
        assert!(Envelope::parse(large.as_bytes()).is_ok());
    }

    proptest! {
        #[test]
        fn any_bytes_never_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let _ = Envelope::parse(&bytes);
        }

        #[test]
        fn what_is_written_is_read_back(payloads_in in proptest::collection::vec(proptest::collection::vec(any::<u8>(), 0..40), 0..5)) {
            let mut bytes = b"{\"sent_at\":\"2026-11-20T08:38:24Z\"}\n".to_vec();
            for payload in &payloads_in {
                bytes.extend_from_slice(format!("{{\"type\":\"attachment\",\"length\":{}}}\n", payload.len()).as_bytes());
                bytes.extend_from_slice(payload);
                bytes.push(b'\n');
            }
            let envelope = Envelope::parse(&bytes).unwrap();
            let written = envelope.to_bytes();
            let again = Envelope::parse(&written).unwrap();
            prop_assert_eq!(again.items.iter().map(|i| i.payload.to_vec()).collect::<Vec<_>>(), payloads_in);
            prop_assert_eq!(again.to_bytes(), written);
        }
    }
}
