//! Stack traces, their frames, and the template of a template error.

use std::borrow::Cow;

use bugle_protocol::json::{Json, Object};
use url::Url;

use super::note::{Fault, Path, object_mut};
use super::read::Reader;
use super::scalar::{ADDRESS, BOOL, SIGNED, TEXT, UNSIGNED, text};
use super::schema::{Empty, Kind, Limit, SMALL_BAG, Schema, field};

/// A function's name.
const FUNCTION: Limit = Limit::about(512, 20);

/// A list of frames, outermost call first.
pub(super) static STACKTRACE: Schema = Schema::new(
    "rawstacktrace",
    &[
        field("frames", Kind::List(&Kind::Struct(&FRAME)))
            .required()
            .empty(Empty::Errs),
        field("registers", Kind::Map(&ADDRESS)),
        field("instruction_addr_adjustment", TEXT),
        field("lang", TEXT),
        field("snapshot", BOOL),
    ],
);

/// One call.
pub(super) static FRAME: Schema = Schema::new(
    "frame",
    &[
        field("function", TEXT).limit(FUNCTION),
        field("raw_function", TEXT).limit(FUNCTION),
        field("symbol", TEXT).limit(Limit::chars(512)),
        field("module", TEXT),
        field("package", TEXT),
        field("filename", TEXT),
        field("abs_path", TEXT),
        field("lineno", UNSIGNED),
        field("colno", UNSIGNED),
        field("platform", TEXT),
        field("pre_context", LINES),
        field("context_line", TEXT),
        field("post_context", LINES),
        field("source_link", TEXT),
        field("in_app", BOOL),
        field("vars", Kind::Custom(vars))
            .limit(SMALL_BAG)
            .empty(Empty::Stays),
        field("data", Kind::Map(&Kind::Any)),
        field("image_addr", ADDRESS),
        field("instruction_addr", ADDRESS),
        field("addr_mode", TEXT),
        field("function_id", ADDRESS),
        field("symbol_addr", ADDRESS),
        field("trust", TEXT),
        field("lang", TEXT),
        field("stack_start", BOOL),
        field("lock", Kind::Struct(&LOCK)),
        field("parent_index", UNSIGNED),
        field("sample_count", UNSIGNED),
    ],
);

/// A lock that a thread holds or waits for.
pub(super) static LOCK: Schema = Schema::new(
    "lockreason",
    &[
        field("type", SIGNED),
        field("address", TEXT),
        field("package_name", TEXT),
        field("class_name", TEXT),
        field("thread_id", Kind::Any),
    ],
);

/// The place in a template where rendering failed (old clients).
pub(super) static TEMPLATE: Schema = Schema::new(
    "templateinfo",
    &[
        field("filename", TEXT),
        field("abs_path", TEXT),
        field("lineno", UNSIGNED),
        field("colno", UNSIGNED),
        field("pre_context", LINES),
        field("context_line", TEXT),
        field("post_context", LINES),
    ],
);

const LINES: Kind = Kind::Custom(lines);

/// Source lines; one that is none becomes an empty line, so that the line numbers stay right.
fn lines(reader: &mut Reader, value: &mut Json<'_>, path: &Path<'_>) {
    let Json::Array(items) = value else {
        let fault = Fault::invalid("expected an array");
        return reader.notes.reject(path, value, fault);
    };
    for (index, item) in items.iter_mut().enumerate() {
        if item.is_null() {
            *item = Json::from("");
        } else if let Err(fault) = text(item) {
            reader.notes.reject(&path.index(index), item, fault);
            *item = Json::from("");
        }
    }
}

/// Local variables by name; a list gets its indexes as names.
fn vars(reader: &mut Reader, value: &mut Json<'_>, path: &Path<'_>) {
    match value {
        Json::Object(_) => {}
        Json::Array(items) => {
            let named = std::mem::take(items).into_iter().enumerate();
            *value = Json::Object(named.map(|(i, item)| (i.to_string(), item)).collect());
        }
        _ => {
            let fault = Fault::invalid("expected an object");
            reader.notes.reject(path, value, fault);
        }
    }
}

/// Completes the frames of an exception's or thread's stack trace. The raw one stays as it was sent.
pub(super) fn normalize_member(owner: &mut Object<'_>) {
    if let Some(trace) = object_mut(owner, "stacktrace") {
        normalize(trace);
    }
}

/// Completes the frames of a stack trace.
pub(super) fn normalize(trace: &mut Object<'_>) {
    let frames = trace.get_mut("frames").and_then(Json::as_array_mut);
    for frame in frames.into_iter().flatten() {
        if let Some(frame) = frame.as_object_mut() {
            normalize_frame(frame);
        }
    }
}

fn normalize_frame(frame: &mut Object<'_>) {
    // "?" is what JavaScript clients send for an anonymous function.
    if matches!(frame.get_str("function"), Some("" | "?")) {
        frame.remove("function");
    }
    normalize_paths(frame);
    if frame.get("pre_context").is_some() && frame.get("context_line").is_none() {
        frame.insert("context_line", "");
    }
}

/// Makes `abs_path` the full path or URL and `filename` the path without scheme and host, from whichever is there.
fn normalize_paths(frame: &mut Object<'_>) {
    for key in ["filename", "abs_path"] {
        if frame.get_str(key) == Some("") {
            frame.remove(key);
        }
    }
    let (file, path) = (clone_text(frame, "filename"), clone_text(frame, "abs_path"));
    match (file, path) {
        (None, None) => {}
        // Both as the client has them, even if they are the same URL.
        (Some(_), Some(_)) => {}
        (Some(file), None) if !is_url(&file) => {
            frame.insert("abs_path", file);
        }
        (file, path) => {
            let Some(path) = path.or(file) else { return };
            let short = url_path(&path).map_or_else(|| path.clone(), Cow::Owned);
            frame.insert("filename", short);
            frame.insert("abs_path", path);
        }
    }
}

fn clone_text<'a>(frame: &Object<'a>, key: &str) -> Option<Cow<'a, str>> {
    match frame.get(key)? {
        Json::String(text) => Some(text.clone()),
        _ => None,
    }
}

fn is_url(text: &str) -> bool {
    ["http:", "https:", "file:", "applewebdata:"]
        .iter()
        .any(|scheme| text.starts_with(scheme))
}

/// The path of a URL, if it has one that says anything.
fn url_path(text: &str) -> Option<String> {
    if !is_url(text) {
        return None;
    }
    let url = Url::parse(text).ok()?;
    Some(url.path().to_owned()).filter(|path| !path.is_empty() && path != "/")
}
