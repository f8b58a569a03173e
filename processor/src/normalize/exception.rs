//! Exceptions and threads.

use bugle_protocol::json::{Json, Object};
use bugle_protocol::meta::FieldError;

use super::mechanism::{self, MECHANISM};
use super::note::{Notes, Path, object_mut, values_mut};
use super::scalar::{BOOL, JSON_TEXT, TEXT, THREAD_ID};
use super::schema::{Empty, Kind, Limit, MESSAGE, Schema, field};
use super::stacktrace::{self, STACKTRACE};

/// The class of an exception and its module.
const CLASS: Limit = Limit::about(256, 20);

/// One exception.
pub(super) static EXCEPTION: Schema = Schema::new(
    "exception",
    &[
        field("type", TEXT).limit(CLASS),
        field("value", JSON_TEXT).limit(MESSAGE),
        field("module", TEXT).limit(CLASS),
        field("stacktrace", Kind::Struct(&STACKTRACE)),
        field("raw_stacktrace", Kind::Struct(&STACKTRACE)),
        field("thread_id", THREAD_ID),
        field("mechanism", Kind::Struct(&MECHANISM)).empty(Empty::Stays),
    ],
);

/// One thread.
pub(super) static THREAD: Schema = Schema::new(
    "thread",
    &[
        field("id", THREAD_ID),
        field("name", TEXT).limit(Limit::about(1024, 100)),
        field("stacktrace", Kind::Struct(&STACKTRACE)),
        field("raw_stacktrace", Kind::Struct(&STACKTRACE)),
        field("crashed", BOOL),
        field("current", BOOL),
        field("main", BOOL),
        field("state", TEXT),
        field("held_locks", Kind::Map(&Kind::Struct(&stacktrace::LOCK))),
    ],
);

/// Completes all exceptions and threads.
pub(super) fn normalize(event: &mut Object<'_>, notes: &mut Notes) {
    adopt_stacktrace(event, notes);
    let os = mechanism::Os::of(event);
    let root = Path::ROOT.key("exception");
    let path = root.key("values");
    for (index, value) in values_mut(event, "exception").iter_mut().enumerate() {
        let Some(exception) = value.as_object_mut() else {
            continue;
        };
        split_type(exception);
        if let Some(mechanism) = object_mut(exception, "mechanism") {
            mechanism::normalize(mechanism, os);
        }
        stacktrace::normalize_member(exception);
        if is_nameless(exception) {
            reject_nameless(value, notes, &path.index(index));
        }
    }
    for thread in values_mut(event, "threads") {
        if let Some(thread) = thread.as_object_mut() {
            stacktrace::normalize_member(thread);
        }
    }
    if let Some(trace) = object_mut(event, "stacktrace") {
        stacktrace::normalize(trace);
    }
}

/// Old clients send the stack trace beside the exception.
fn adopt_stacktrace(event: &mut Object<'_>, notes: &mut Notes) {
    let is_free = match values_mut(event, "exception") {
        [Json::Object(only)] => only.get("stacktrace").is_none(),
        _ => false,
    };
    if !is_free || event.get("stacktrace").is_none() {
        return;
    }
    let trace = event.remove("stacktrace").unwrap_or_default();
    notes.move_member("stacktrace", &["exception", "values", "0", "stacktrace"]);
    if let [Json::Object(only)] = values_mut(event, "exception") {
        only.insert("stacktrace", trace);
    }
}

/// Takes the class out of `Type: text` where there is none.
fn split_type(exception: &mut Object<'_>) {
    if exception.contains_key("type") {
        return;
    }
    let Some((ty, value)) = exception.get_str("value").and_then(|v| v.split_once(':')) else {
        return;
    };
    if ty.is_empty() || !ty.chars().all(|c| c.is_alphanumeric() || c == '_') {
        return;
    }
    let (ty, value) = (ty.to_owned(), value.trim().to_owned());
    exception.insert("type", ty);
    exception.insert("value", value);
}

fn is_nameless(exception: &Object<'_>) -> bool {
    let is_blank = |key| exception.get_str(key).is_none_or(str::is_empty);
    // A class of a wrong type is noted and shown; the exception then still says something.
    is_blank("type") && is_blank("value")
}

fn reject_nameless(value: &mut Json<'_>, notes: &mut Notes, path: &Path<'_>) {
    let mut original = value.take();
    if let Json::Object(exception) = &mut original {
        for field in EXCEPTION.fields {
            exception.get_or_insert_with(field.name, || Json::Null);
        }
    }
    notes.at(path).original_value = Some(original.into_owned());
    let error = FieldError::new("missing_attribute").with("attribute", "type or value");
    notes.error(path, error);
}
