//! Brings an event of any client and age into one shape.
//!
//! A walker reads the tree by tables of fields, one beside each interface; what does not fit becomes null and a note.
//! Then each interface is completed, and what is too long is cut. An event is never refused, whatever is in it; only a
//! transaction without a usable duration or place in its trace is.

mod attributes;
mod breadcrumbs;
mod contexts;
mod cookies;
mod debug_meta;
mod device;
mod error_numbers;
mod errors;
mod event;
mod exception;
mod galaxy;
mod logentry;
mod measurements;
mod mechanism;
mod note;
mod pairs;
mod read;
mod request;
mod request_body;
mod scalar;
mod schema;
mod sdk;
mod security;
mod span_description;
mod spans;
mod stacktrace;
mod stored;
mod system;
mod tags;
mod timestamps;
mod trace;
mod transaction;
mod transaction_name;
mod trim;
mod user;
mod user_agent;

use std::net::IpAddr;

use bugle_protocol::json::{self, Json, Object};
use bugle_protocol::{Event, EventId, Meta, UnixMillis};

use note::{Notes, object_mut};
use read::Reader;
pub use transaction::InvalidTransaction;

/// What is known of an event from outside its payload.
#[derive(Clone, Copy, Debug, Default)]
pub struct Context<'c> {
    /// When it arrived.
    pub received_at: UnixMillis,
    /// When the client says it sent it (the envelope's `sent_at`).
    pub sent_at: Option<UnixMillis>,
    /// The address from which it came.
    pub client_ip: Option<IpAddr>,
    /// The client's name and version (`sentry_client`), such as `raven-js/3.27.0`.
    pub client: Option<&'c str>,
    /// The `User-Agent` of the request that brought it; the browser's own for reports that browsers send themselves.
    pub user_agent: Option<&'c str>,
}

/// How events are normalised. The default is what a running server uses.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Settings {
    /// Events from further in the future are moved to their arrival; `None` moves none.
    pub max_secs_in_future: Option<u32>,
    /// Older events are moved to their arrival, older transactions refused; `None` neither.
    pub max_secs_in_past: Option<u32>,
    /// Cuts texts, lists and objects that are too long.
    pub trims: bool,
    /// Adds contexts for browser, system and device from the request's headers.
    pub parses_user_agent: bool,
    /// Sets for each span of a transaction the time in which none of its children ran, and adds the names that its
    /// attributes have today.
    pub completes_spans: bool,
    /// Says in `sentry_tags` of each span of a transaction what it does, in words that spans of one kind share: description,
    /// group, category, action, domain, status, and what it has from its transaction.
    pub describes_spans: bool,
    /// Removes members that no schema knows.
    pub removes_unknown: bool,
    /// Gives users without an address that of the connection or of `REMOTE_ADDR`. Off where addresses are scrubbed: what
    /// would be removed is not put in.
    pub infers_ip: bool,
    /// Adds what follows from the rest: id, times, type, contexts, the parts of a request. Off for an event that was
    /// normalised before; its values are only brought into their types and cut once more.
    pub completes: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            max_secs_in_future: Some(60),
            max_secs_in_past: Some(30 * 24 * 60 * 60),
            trims: true,
            parses_user_agent: true,
            completes_spans: true,
            describes_spans: true,
            removes_unknown: true,
            infers_ip: true,
            completes: true,
        }
    }
}

/// An event in the one shape that everything behind normalising reads. Only [`normalize`] makes one.
#[derive(Clone, Debug, PartialEq)]
pub struct NormalizedEvent<'a> {
    event: Event<'a>,
    meta: Meta,
    event_id: EventId,
    timestamp: UnixMillis,
}

impl<'a> NormalizedEvent<'a> {
    /// The tree, without `_meta`.
    #[must_use]
    pub fn event(&self) -> &Event<'a> {
        &self.event
    }

    /// The tree for changing it; id and times are not read from it again.
    pub fn event_mut(&mut self) -> &mut Event<'a> {
        &mut self.event
    }

    /// The tree alone.
    #[must_use]
    pub fn into_event(self) -> Event<'a> {
        self.event
    }

    /// The notes on the tree.
    #[must_use]
    pub fn meta(&self) -> &Meta {
        &self.meta
    }

    /// The notes on the tree for adding to them.
    pub fn meta_mut(&mut self) -> &mut Meta {
        &mut self.meta
    }

    /// Tree and notes for changing both at once.
    pub fn parts_mut(&mut self) -> (&mut Event<'a>, &mut Meta) {
        (&mut self.event, &mut self.meta)
    }

    /// The id, the client's or a new one.
    #[must_use]
    pub fn event_id(&self) -> EventId {
        self.event_id
    }

    /// When it happened, after correcting the client's clock.
    #[must_use]
    pub fn timestamp(&self) -> UnixMillis {
        self.timestamp
    }

    /// The JSON text as it is stored: the tree with `errors` made of the notes, and the notes as `_meta`.
    #[must_use]
    pub fn to_json(&self) -> String {
        let mut out = String::with_capacity(16 * 1024);
        if self.meta.is_empty() {
            json::write_object(&self.event.fields, &mut out);
            return out;
        }
        let errors = errors::list(&self.event.fields, &self.meta);
        if self.event.fields.contains_key("errors") {
            // The client's own list is the beginning of `errors`.
            let mut fields = self.event.fields.clone();
            fields.remove("errors");
            json::write_object(&fields, &mut out);
        } else {
            json::write_object(&self.event.fields, &mut out);
        }
        if !errors.is_empty() {
            append_member(&mut out, "errors", &Json::Array(errors));
        }
        append_member(&mut out, "_meta", &self.meta.to_json());
        out
    }
}

/// Adds a member to the JSON text of an object that has members already.
fn append_member(object: &mut String, key: &str, value: &Json<'_>) {
    object.pop();
    object.push_str(",\"");
    object.push_str(key);
    object.push_str("\":");
    json::write(value, object);
    object.push('}');
}

/// Brings an event into one shape.
///
/// # Errors
/// [`InvalidTransaction`] for a transaction that cannot be used; events of other types never fail.
pub fn normalize<'a>(
    event: Event<'a>,
    context: &Context<'_>,
    settings: &Settings,
) -> Result<NormalizedEvent<'a>, InvalidTransaction> {
    let mut fields = event.fields;
    let meta = fields.remove("_meta").as_ref().map(Meta::from_json);
    let mut reader = Reader {
        notes: Notes::new(meta.unwrap_or_default()),
        keep_unknown: !settings.removes_unknown,
    };
    event::read(&mut reader, &mut fields);
    let mut notes = reader.notes;
    if !settings.completes {
        return Ok(only_read(fields, notes, context, settings));
    }
    let event_id = event::set_defaults(&mut fields, &mut notes, context.received_at);
    event::infer_type(&mut fields);
    transaction::check(&fields)?;
    let timestamp = timestamps::normalize(&mut fields, &mut notes, context, settings)?;
    complete(&mut fields, &mut notes, event_id, context, settings);
    if settings.trims {
        trim::trim(&mut fields, &mut notes);
    }
    // After trimming: what is added here must not push spans out that a client sent.
    if settings.describes_spans {
        span_description::add(&mut fields);
    }
    Ok(NormalizedEvent {
        event: Event { fields },
        meta: notes.meta,
        event_id,
        timestamp,
    })
}

/// An event as it was read, cut if that is wanted. What the type says of it, it has already or never will.
fn only_read<'a>(
    mut fields: Object<'a>,
    mut notes: Notes,
    context: &Context<'_>,
    settings: &Settings,
) -> NormalizedEvent<'a> {
    if settings.trims {
        trim::trim(&mut fields, &mut notes);
    }
    let event = Event { fields };
    let seconds = timestamps::timestamp(&event.fields, "timestamp");
    NormalizedEvent {
        event_id: event.event_id().unwrap_or_else(EventId::random),
        timestamp: seconds.map_or(context.received_at, UnixMillis::from_seconds),
        event,
        meta: notes.meta,
    }
}

/// Completes every interface.
fn complete(
    event: &mut Object<'_>,
    notes: &mut Notes,
    event_id: EventId,
    context: &Context<'_>,
    settings: &Settings,
) {
    sdk::normalize(event, context.client);
    exception::normalize(event, notes);
    breadcrumbs::normalize(event);
    tags::exchange_with_fields(event, notes);
    if let Some(request) = object_mut(event, "request") {
        request::normalize(request, notes);
        if request.is_empty() {
            event.remove("request");
        }
    }
    security::normalize(event, context.user_agent);
    user::normalize(event, context.client_ip, settings.infers_ip);
    if settings.parses_user_agent {
        user_agent::add_contexts(event);
    }
    trace::normalize(event, notes, event_id);
    contexts::normalize(event, notes);
    device::tag_class(event, notes);
    transaction::normalize(event, notes, settings);
}
