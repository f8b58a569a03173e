//! The event's own attributes: their table, and the small ones that have no file of their own.

use bugle_protocol::event::PLATFORMS;
use bugle_protocol::json::{Json, Number, Object};
use bugle_protocol::meta::FieldError;
use bugle_protocol::{EventId, UnixMillis};

use super::note::{Fault, Notes, Path};
use super::read::Reader;
use super::scalar::{
    FLOAT, JSON_TEXT, LEVEL, TEXT, TIMESTAMP, UNSIGNED, UUID, is_nil, lenient, text,
};
use super::schema::{Empty, Field, Kind, LARGE_BAG, Limit, NAME, Schema, field};
use super::{
    breadcrumbs, contexts, debug_meta, exception, logentry, measurements, request, sdk, security,
    spans, stacktrace, tags, user,
};

/// Attributes of events in the order in which their errors are listed.
pub(super) static EVENT: Schema = Schema::new("event", FIELDS).aliases(&[
    ("sentry.interfaces.Exception", "exception"),
    ("sentry.interfaces.Stacktrace", "stacktrace"),
    ("sentry.interfaces.Template", "template"),
    ("sentry.interfaces.Http", "request"),
    ("sentry.interfaces.User", "user"),
    ("sentry.interfaces.Breadcrumbs", "breadcrumbs"),
    ("sentry.interfaces.Contexts", "contexts"),
    ("sentry.interfaces.Csp", "csp"),
    ("threads.interfaces", "threads"),
]);

static FIELDS: &[Field] = &[
    field("event_id", UUID),
    field("level", LEVEL),
    // Only some types are believed, see `infer_type`.
    field("type", Kind::Any),
    field("fingerprint", Kind::Custom(fingerprint)),
    field("culprit", TEXT).limit(Limit::chars(200)),
    field("transaction", TEXT).limit(Limit::chars(200)),
    field("transaction_info", Kind::Struct(&TRANSACTION_INFO)).empty(Empty::Stays),
    field("time_spent", UNSIGNED),
    field("logentry", Kind::Custom(logentry::read)),
    field("logger", Kind::Scalar(logger)).limit(Limit::chars(64)),
    field("modules", Kind::Map(&TEXT)).limit(LARGE_BAG),
    field("platform", TEXT),
    field("timestamp", TIMESTAMP),
    field("start_timestamp", TIMESTAMP),
    // Set by the server in any case.
    field("received", Kind::Any),
    field("server_name", TEXT).limit(Limit::chars(256)),
    field("release", Kind::Scalar(release)),
    field("dist", Kind::Scalar(dist)),
    field("environment", Kind::Scalar(environment)),
    field("site", TEXT),
    field("user", Kind::Struct(&user::USER)),
    field("request", Kind::Struct(&request::REQUEST)),
    field("contexts", Kind::Custom(contexts::read)),
    field("breadcrumbs", Kind::Values(&breadcrumbs::BREADCRUMB)),
    field("exception", Kind::Values(&exception::EXCEPTION)),
    field("stacktrace", Kind::Struct(&stacktrace::STACKTRACE)),
    field("template", Kind::Struct(&stacktrace::TEMPLATE)),
    field("threads", Kind::Values(&exception::THREAD)),
    field("tags", Kind::Custom(tags::read)).empty(Empty::Stays),
    field("extra", Kind::Custom(extra)).limit(Limit::Bags {
        bytes: 16 * 1024,
        depth: 7,
    }),
    field("debug_meta", Kind::Struct(&debug_meta::DEBUG_META)),
    field("checksum", TEXT).limit(NAME),
    field("sdk", Kind::Struct(&sdk::SDK)).empty(Empty::Stays),
    field("ingest_path", Kind::Any),
    field("errors", Kind::List(&Kind::Struct(&ERROR))),
    field("csp", Kind::Struct(&security::CSP)).empty(Empty::Stays),
    field("spans", Kind::List(&Kind::Struct(&spans::SPAN))).limit(Limit::Bag {
        bytes: 800 * 1024,
        depth: usize::MAX,
    }),
    field(
        "measurements",
        Kind::Map(&Kind::Struct(&measurements::MEASUREMENT)),
    ),
    field("breakdowns", Kind::Any),
    field("scraping_attempts", Kind::List(&Kind::Any)),
    field("_dsc", Kind::Any),
];

/// Attributes that only the server sets; a client's are dropped without a word.
const SERVER_ONLY: [&str; 7] = [
    "_bugle",
    "version",
    "project",
    "key_id",
    "grouping_config",
    "received",
    "_metrics",
];

static TRANSACTION_INFO: Schema = Schema::new(
    "transactioninfo",
    &[
        field("source", TEXT),
        field("original", TEXT),
        field("changes", Kind::List(&Kind::Any)),
        field("propagations", UNSIGNED),
    ],
);

static ERROR: Schema = Schema::new(
    "eventprocessingerror",
    &[
        field("type", TEXT).required(),
        field("name", TEXT),
        field("value", Kind::Any).empty(Empty::Stays),
        field("reason", JSON_TEXT),
        field("sdk_time", TEXT),
        field("server_time", TEXT),
        field("attribute", TEXT),
        field("seconds", FLOAT),
    ],
);

/// Reads all attributes in place; unknown ones go with a note, unless they are to be kept.
pub(super) fn read(reader: &mut Reader, event: &mut Object<'_>) {
    logentry::adopt_message(event);
    super::read::rename(event, EVENT.aliases);
    event.retain(|key, value| {
        let path = Path::ROOT.key(key);
        match EVENT.field(key) {
            Some(field) => reader.member(field, value, &path),
            None if SERVER_ONLY.contains(&key) => false,
            None if reader.keep_unknown => true,
            None => {
                let fault = Fault::of_kind("invalid_attribute").without_original();
                reader.notes.reject(&path, value, fault);
                true
            }
        }
    });
}

/// A list of lenient strings; what is none is taken out and noted on the list.
fn fingerprint(reader: &mut Reader, value: &mut Json<'_>, path: &Path<'_>) {
    let Json::Array(items) = value else {
        let fault = Fault::invalid("expected an array");
        return reader.notes.reject(path, value, fault);
    };
    items.retain(|item| !item.is_null());
    let original = items.len();
    let mut rejected = Vec::new();
    items.retain_mut(|item| {
        if lenient(item).is_ok() {
            return true;
        }
        rejected.push(item.take().into_owned());
        false
    });
    if !rejected.is_empty() {
        let error = FieldError::new("invalid_data").with("value", rejected);
        reader.notes.error(path, error);
        reader.notes.shortened(path, original);
    }
}

/// An object of anything; what is none leaves an empty object, because pages show the field in any case.
fn extra(reader: &mut Reader, value: &mut Json<'_>, path: &Path<'_>) {
    if !matches!(value, Json::Object(_)) {
        let fault = Fault::invalid("expected an object");
        reader.notes.reject(path, value, fault);
    }
}

/// A string of one line.
fn logger(value: &mut Json<'_>) -> Result<(), Fault> {
    text(value)?;
    match value.as_str() {
        Some(name) if name.contains('\n') => Err(Fault::invalid("invalid character '\\n'")),
        _ => Ok(()),
    }
}

/// A version's name: see <https://docs.sentry.io/product/releases/> for what is not one.
fn release(value: &mut Json<'_>) -> Result<(), Fault> {
    lenient(value)?;
    trim_text(value);
    let name = value.as_str().unwrap_or_default();
    if name.is_empty() {
        return Err(Fault::invalid("expected a non-empty string").without_original());
    }
    let reserved = [".", ".."].contains(&name) || name.eq_ignore_ascii_case("latest");
    if reserved || is_longer(name, 200) || name.contains(['/', '\\', '\n', '\r', '\t', '\x0c']) {
        return Err(Fault::of_kind("invalid_data"));
    }
    Ok(())
}

/// A build's name within a release.
fn dist(value: &mut Json<'_>) -> Result<(), Fault> {
    text(value)?;
    trim_text(value);
    let name = value.as_str().unwrap_or_default();
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
    if is_longer(name, 64) {
        return Err(Fault::of_kind("value_too_long"));
    }
    if let Some(unknown) = name.chars().find(|c| !known(*c)) {
        return Err(Fault::invalid(format!("invalid character '{unknown}'")));
    }
    if name.is_empty() {
        *value = Json::Null;
    }
    Ok(())
}

/// The name of an environment such as `production`.
pub(super) fn environment(value: &mut Json<'_>) -> Result<(), Fault> {
    text(value)?;
    trim_text(value);
    let name = value.as_str().unwrap_or_default();
    let reserved = [".", ".."].contains(&name) || name.eq_ignore_ascii_case("none");
    if reserved || is_longer(name, 64) || name.contains(['/', '\n', '\r', '\t', '\x0c']) {
        return Err(Fault::of_kind("invalid_data"));
    }
    if name.is_empty() {
        *value = Json::Null;
    }
    Ok(())
}

/// Cuts the blanks off both ends.
pub(super) fn trim_text(value: &mut Json<'_>) {
    if let Json::String(text) = value {
        let trimmed = text.trim();
        if trimmed.len() < text.len() {
            *text = trimmed.to_owned().into();
        }
    }
}

/// Whether a text has more than `max` characters.
pub(super) fn is_longer(text: &str, max: usize) -> bool {
    text.len() > max && text.chars().nth(max).is_some()
}

/// Sets what every event has: id, platform, logger, time of arrival.
pub(super) fn set_defaults(
    event: &mut Object<'_>,
    notes: &mut Notes,
    received_at: UnixMillis,
) -> EventId {
    let known = event.get_str("event_id").filter(|id| !is_nil(id));
    let id = known
        .and_then(|id| id.parse().ok())
        .unwrap_or_else(EventId::random);
    event.insert("event_id", id.to_string());
    platform(event, notes);
    if event.get("logger").is_none() {
        event.insert("logger", "");
    }
    event.insert("received", received_at.as_seconds());
    let spent = event.get("time_spent").and_then(Json::as_number);
    // What old clients send for "not measured".
    if spent == Some(Number::Unsigned(2_147_483_647)) {
        event.remove("time_spent");
    }
    if event.contains_key("extra") {
        restore_empty(event, "extra", || Json::Object(Object::new()));
    }
    if event.contains_key("tags") {
        restore_empty(event, "tags", || Json::Array(Vec::new()));
    }
    id
}

fn restore_empty<'a>(event: &mut Object<'a>, key: &'static str, empty: fn() -> Json<'a>) {
    if event.get(key).is_none() {
        event.insert(key, empty());
    }
}

fn platform(event: &mut Object<'_>, notes: &mut Notes) {
    let known = event
        .get_str("platform")
        .is_some_and(|name| PLATFORMS.contains(&name));
    if known {
        return;
    }
    if let Some(unknown) = event
        .insert("platform", "other")
        .filter(|old| !old.is_null())
    {
        notes.at(&Path::ROOT.key("platform")).original_value = Some(unknown.into_owned());
    }
}

/// Sets the type: what an event is follows from its interfaces, only `transaction` and `feedback` are believed.
pub(super) fn infer_type(event: &mut Object<'_>) {
    let has_exception = event.get("exception").is_some_and(|exception| {
        exception
            .get("values")
            .and_then(Json::as_array)
            .is_some_and(|values| !values.is_empty())
    });
    let ty = match event.get_str("type") {
        Some("transaction") => "transaction",
        Some("feedback") => "feedback",
        _ if has_exception => "error",
        _ if event.get("csp").is_some() => "csp",
        _ => "default",
    };
    event.insert("type", ty);
    if event.get("level").is_none() {
        let default = if ty == "transaction" { "info" } else { "error" };
        event.insert("level", default);
    }
}
