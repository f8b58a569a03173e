//! An event as a tree, with typed views of its parts.
//!
//! The tree is the one truth: normalising changes it, and everything that reads an event, fresh from the wire or back
//! from the store, reads it through these views. A view is a reference and two words wide; a missing or malformed part
//! is `None` or an empty iterator, never an error.

mod stack;
mod views;

pub use stack::{Exception, Frame, Mechanism, Stacktrace, Thread};
pub use views::{Breadcrumb, LogEntry, Request, Sdk, User};

use crate::json::{self, Json, Object, ParseError};
use crate::{EventId, Level};

/// How a span ended, in the order of the codes of gRPC, from 0.
pub const SPAN_STATUSES: [&str; 17] = [
    "ok",
    "cancelled",
    "unknown",
    "invalid_argument",
    "deadline_exceeded",
    "not_found",
    "already_exists",
    "permission_denied",
    "resource_exhausted",
    "failed_precondition",
    "aborted",
    "out_of_range",
    "unimplemented",
    "internal_error",
    "unavailable",
    "data_loss",
    "unauthenticated",
];

/// Platforms that grouping and the pages know, by <https://develop.sentry.dev/sdk/data-model/event-payloads/>.
pub const PLATFORMS: [&str; 19] = [
    "as3",
    "c",
    "cfml",
    "cocoa",
    "csharp",
    "elixir",
    "go",
    "groovy",
    "haskell",
    "java",
    "javascript",
    "native",
    "node",
    "objc",
    "other",
    "perl",
    "php",
    "python",
    "ruby",
];

/// The body of an `event` item (or of any item of its shape: transactions, feedback).
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Event<'a> {
    /// All attributes.
    pub fields: Object<'a>,
}

/// Why a payload is not an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum EventError {
    /// It is not JSON.
    #[error("invalid JSON: {0}")]
    Json(#[from] ParseError),
    /// It is JSON, but a list or a single value.
    #[error("expected an object")]
    NotAnObject,
}

impl<'a> Event<'a> {
    /// Parses a payload.
    ///
    /// # Errors
    /// [`EventError`] if it is not a JSON object.
    pub fn parse(payload: &'a [u8]) -> Result<Self, EventError> {
        match json::parse(payload)? {
            Json::Object(fields) => Ok(Self { fields }),
            _ => Err(EventError::NotAnObject),
        }
    }

    /// The compact JSON text.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(16 * 1024);
        json::write_object(&self.fields, &mut out);
        out
    }

    /// Any attribute that is not null.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&Json<'a>> {
        self.fields.get(key)
    }

    /// A string attribute.
    #[must_use]
    pub fn get_str(&self, key: &str) -> Option<&str> {
        self.fields.get_str(key)
    }

    /// The id, if it is well formed.
    #[must_use]
    pub fn event_id(&self) -> Option<EventId> {
        self.get_str("event_id")?.parse().ok()
    }

    /// The level, `error` where there is none.
    #[must_use]
    pub fn level(&self) -> Level {
        self.get("level")
            .and_then(Level::from_json)
            .unwrap_or_default()
    }

    /// The platform, `other` where there is none.
    #[must_use]
    pub fn platform(&self) -> &str {
        self.get_str("platform").unwrap_or("other")
    }

    /// `error`, `default`, `transaction`, `csp` … as normalising found it.
    #[must_use]
    pub fn event_type(&self) -> &str {
        self.get_str("type").unwrap_or("default")
    }

    /// The exceptions, oldest cause first, the one that was raised last.
    pub fn exceptions<'t>(&'t self) -> impl DoubleEndedIterator<Item = Exception<'t, 'a>> {
        values(self.get("exception"))
            .iter()
            .filter_map(Json::as_object)
            .map(Exception)
    }

    /// The threads in the order of the client.
    pub fn threads<'t>(&'t self) -> impl DoubleEndedIterator<Item = Thread<'t, 'a>> {
        values(self.get("threads"))
            .iter()
            .filter_map(Json::as_object)
            .map(Thread)
    }

    /// The top-level stack trace, which belongs to no exception and no thread.
    #[must_use]
    pub fn stacktrace<'t>(&'t self) -> Option<Stacktrace<'t, 'a>> {
        self.get("stacktrace")?.as_object().map(Stacktrace)
    }

    /// The log message.
    #[must_use]
    pub fn logentry<'t>(&'t self) -> Option<LogEntry<'t, 'a>> {
        self.get("logentry")?.as_object().map(LogEntry)
    }

    /// The breadcrumbs, oldest first.
    pub fn breadcrumbs<'t>(&'t self) -> impl DoubleEndedIterator<Item = Breadcrumb<'t, 'a>> {
        values(self.get("breadcrumbs"))
            .iter()
            .filter_map(Json::as_object)
            .map(Breadcrumb)
    }

    /// The HTTP request.
    #[must_use]
    pub fn request<'t>(&'t self) -> Option<Request<'t, 'a>> {
        self.get("request")?.as_object().map(Request)
    }

    /// The user.
    #[must_use]
    pub fn user<'t>(&'t self) -> Option<User<'t, 'a>> {
        self.get("user")?.as_object().map(User)
    }

    /// The client library.
    #[must_use]
    pub fn sdk<'t>(&'t self) -> Option<Sdk<'t, 'a>> {
        self.get("sdk")?.as_object().map(Sdk)
    }

    /// The tags in order, as normalising left them (a list of pairs).
    pub fn tags(&self) -> impl Iterator<Item = (&str, &str)> {
        self.get("tags")
            .and_then(Json::as_array)
            .unwrap_or_default()
            .iter()
            .filter_map(|pair| {
                let pair = pair.as_array()?;
                Some((pair.first()?.as_str()?, pair.get(1)?.as_str()?))
            })
    }

    /// The value of one tag.
    #[must_use]
    pub fn tag(&self, key: &str) -> Option<&str> {
        self.tags().find(|(k, _)| *k == key).map(|(_, value)| value)
    }

    /// The contexts by name.
    pub fn contexts(&self) -> impl Iterator<Item = (&str, &Object<'a>)> {
        let contexts = self.get("contexts").and_then(Json::as_object);
        contexts
            .into_iter()
            .flat_map(Object::iter)
            .filter_map(|(name, context)| Some((name, context.as_object()?)))
    }

    /// The client's fingerprint, empty where there is none.
    pub fn fingerprint(&self) -> impl Iterator<Item = &str> {
        self.get("fingerprint")
            .and_then(Json::as_array)
            .unwrap_or_default()
            .iter()
            .filter_map(Json::as_str)
    }
}

/// The list behind `{"values": [...]}`, or the list itself.
fn values<'t, 'a>(json: Option<&'t Json<'a>>) -> &'t [Json<'a>] {
    match json {
        Some(Json::Array(items)) => items,
        Some(Json::Object(object)) => object
            .get("values")
            .and_then(Json::as_array)
            .unwrap_or_default(),
        _ => &[],
    }
}
