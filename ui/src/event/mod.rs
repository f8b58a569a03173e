//! An event as its page shows it.
//!
//! Every value is shown with the notes that processing left on it: what was cut, removed or invalid, and by which rule.

mod breadcrumbs;
mod curl;
mod exceptions;
mod fields;
mod frames;
mod message;
mod noted;
mod request;
mod rich;
mod rules;
mod sections;
mod security;
mod spans;
mod troubles;

use bugle_protocol::json::{self, Json};
use bugle_protocol::{Event, EventId, Meta, UnixMillis};
use bugle_store::{StoredEvent, StoredTransaction};
use serde::Serialize;

use crate::problem::Problem;
use crate::when::When;

pub(crate) use rich::pretty;
pub(crate) use spans::{Spans, duration};

use breadcrumbs::Breadcrumbs;
use exceptions::ExceptionView;
use fields::Field;
use frames::{Opening, StackView};
use message::MessageView;
use noted::Noted;
use request::RequestView;
use rules::Touch;
use sections::{Context, SdkView, ThreadView};
use security::SecurityView;
use troubles::Troubles;

/// The model of `event.html`.
#[derive(Debug, Serialize)]
pub(crate) struct EventView {
    id: String,
    level: &'static str,
    platform: String,
    environment: Option<String>,
    release: Option<String>,
    user_label: Option<String>,
    trace_id: Option<String>,
    happened: When,
    received: When,
    message: Option<MessageView>,
    exceptions: Vec<ExceptionView>,
    /// Whether the exceptions are a tree of groups and not just a chain.
    is_tree: bool,
    stack: Option<StackView>,
    threads: Vec<ThreadView>,
    breadcrumbs: Breadcrumbs,
    request: Option<RequestView>,
    security: Option<SecurityView>,
    user: Vec<Field>,
    tags: Vec<Field>,
    contexts: Vec<Context>,
    extra: Vec<Field>,
    modules: Vec<Field>,
    sdk: Option<SdkView>,
    troubles: Troubles,
    /// The rules that touched it.
    rules: Vec<Touch>,
}

/// What is stored beside a body.
struct Head<'r> {
    level: &'static str,
    platform: &'r str,
    environment: Option<&'r String>,
    release: Option<&'r String>,
    user_label: Option<&'r String>,
    trace_id: Option<&'r String>,
    tags: &'r [(String, String)],
    /// When it happened, and when it came in.
    times: (UnixMillis, UnixMillis),
}

impl EventView {
    /// Reads a stored event.
    ///
    /// # Errors
    /// [`Problem::Broken`] if the stored body is not an event.
    pub(crate) fn new(stored: &StoredEvent, now: UnixMillis) -> Result<Self, Problem> {
        let row = &stored.row;
        let head = Head {
            level: row.level.as_str(),
            platform: &row.platform,
            environment: row.environment.as_ref(),
            release: row.release.as_ref(),
            user_label: row.user_label.as_ref(),
            trace_id: row.trace_id.as_ref(),
            tags: &row.tags,
            times: (row.timestamp, row.received_at),
        };
        Self::of_body(row.event_id, &stored.body, &head, now)
    }

    /// Reads a stored transaction, which has the same shape.
    ///
    /// # Errors
    /// [`Problem::Broken`] if the stored body is not an event.
    pub(crate) fn of_transaction(
        stored: &StoredTransaction,
        now: UnixMillis,
    ) -> Result<Self, Problem> {
        let head = Head {
            level: "info",
            platform: &stored.platform,
            environment: stored.environment.as_ref(),
            release: stored.release.as_ref(),
            user_label: stored.user_label.as_ref(),
            trace_id: Some(&stored.trace_id),
            tags: &stored.tags,
            times: (stored.timestamp, stored.received_at),
        };
        Self::of_body(stored.event_id, &stored.body, &head, now)
    }

    fn of_body(
        id: EventId,
        body: &[u8],
        head: &Head<'_>,
        now: UnixMillis,
    ) -> Result<Self, Problem> {
        let event = Event::parse(body)
            .map_err(|_| Problem::Broken("a stored event's body is not an event"))?;
        let meta = event.get("_meta").map(Meta::from_json).unwrap_or_default();
        let field = |key| Noted::field(&event, &meta, key);
        let exceptions = exceptions::of(field("exception"), event.platform());
        Ok(Self {
            id: id.to_string(),
            level: head.level,
            platform: head.platform.to_owned(),
            environment: head.environment.cloned(),
            release: head.release.cloned(),
            user_label: head.user_label.cloned(),
            trace_id: head.trace_id.cloned(),
            happened: When::new(head.times.0, now),
            received: When::new(head.times.1, now),
            message: field("logentry").and_then(|entry| MessageView::new(entry, &exceptions)),
            is_tree: exceptions.iter().any(|exception| exception.is_nested()),
            exceptions,
            stack: field("stacktrace").and_then(|stack| StackView::new(stack, Opening::Main)),
            threads: sections::threads(field("threads")),
            breadcrumbs: Breadcrumbs::new(field("breadcrumbs")),
            request: field("request").and_then(RequestView::new),
            security: SecurityView::new(field),
            user: user(field("user")),
            tags: fields::of_tags(field("tags"), head.tags),
            contexts: sections::contexts(field("contexts")),
            extra: fields::of_object(field("extra")),
            modules: fields::of_object(field("modules")),
            sdk: field("sdk").and_then(SdkView::new),
            troubles: Troubles::new(field("errors"), &meta),
            rules: rules::of(&event, &meta),
        })
    }
}

/// The user, without the identity by which users are counted: it repeats one of the other fields.
fn user(user: Option<Noted<'_, '_>>) -> Vec<Field> {
    let mut fields = fields::of_object(user);
    fields.retain(|field| field.key != "sentry_user");
    fields
}

/// A stored body as indented JSON, for people who want to see all of it.
///
/// # Errors
/// [`Problem::Broken`] if the stored body is not JSON.
pub(crate) fn pretty_body(body: &[u8]) -> Result<String, Problem> {
    let json: Json<'_> =
        json::parse(body).map_err(|_| Problem::Broken("a stored event's body is not JSON"))?;
    Ok(pretty(&json))
}
