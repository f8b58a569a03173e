//! Mechanisms: how an exception came to be reported, and the names of the system's error numbers.

use bugle_protocol::json::{Json, Object};

use super::error_numbers as numbers;
use super::note::object_mut;
use super::scalar::{BOOL, HTTP_URL, SIGNED, TEXT, UNSIGNED};
use super::schema::{Kind, MESSAGE, NAME, SMALL_BAG, Schema, field};

/// A mechanism.
pub(super) static MECHANISM: Schema = Schema::new(
    "exception mechanism",
    &[
        field("type", TEXT).limit(NAME),
        field("synthetic", BOOL),
        field("description", TEXT).limit(MESSAGE),
        field("help_link", HTTP_URL),
        field("handled", BOOL),
        field("source", TEXT),
        field("is_exception_group", BOOL),
        field("exception_id", UNSIGNED),
        field("parent_id", UNSIGNED),
        field("data", Kind::Map(&Kind::Any)).limit(SMALL_BAG),
        field("meta", Kind::Struct(&META)),
        // Three members of old Cocoa clients, see `modernize`.
        field("posix_signal", Kind::Map(&Kind::Any)),
        field("mach_exception", Kind::Map(&Kind::Any)),
        field("relevant_address", Kind::Any),
    ],
);

static META: Schema = Schema::new(
    "mechanism meta",
    &[
        field("errno", Kind::Struct(&ERRNO)),
        field("signal", Kind::Struct(&SIGNAL)),
        field("mach_exception", Kind::Struct(&MACH_EXCEPTION)),
        field("ns_error", Kind::Struct(&NS_ERROR)),
    ],
);

static ERRNO: Schema = Schema::new("cerror", &[field("number", SIGNED), field("name", TEXT)]);

static SIGNAL: Schema = Schema::new(
    "posixsignal",
    &[
        field("number", SIGNED),
        field("code", SIGNED),
        field("name", TEXT),
        field("code_name", TEXT),
    ],
);

static MACH_EXCEPTION: Schema = Schema::new(
    "machexception",
    &[
        field("exception", SIGNED),
        field("code", UNSIGNED),
        field("subcode", UNSIGNED),
        field("name", TEXT),
    ],
);

static NS_ERROR: Schema = Schema::new("nserror", &[field("code", SIGNED), field("domain", TEXT)]);

/// The family of systems whose numbers an event uses.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Os {
    /// Linux and Android.
    Linux,
    /// All of Apple's.
    Darwin,
}

impl Os {
    /// The system an event names.
    pub(super) fn of(event: &Object<'_>) -> Option<Self> {
        let context = super::contexts::get(event, "os").and_then(|os| os.get_str("name"));
        let image_info = || {
            let info = event.get("debug_meta")?.get("sdk_info")?;
            info.get_str("sdk_name")
        };
        match context.or_else(image_info)? {
            "Linux" | "Android" | "linux" => Some(Self::Linux),
            "macOS" | "Mac OS X" | "iOS" | "iPadOS" | "tvOS" | "watchOS" | "visionOS" => {
                Some(Self::Darwin)
            }
            _ => None,
        }
    }
}

/// Completes a mechanism.
pub(super) fn normalize(mechanism: &mut Object<'_>, os: Option<Os>) {
    modernize(mechanism);
    if mechanism.get_str("type").is_none_or(str::is_empty) {
        mechanism.insert("type", "generic");
    }
    if let Some(meta) = object_mut(mechanism, "meta") {
        name_numbers(meta, os);
    }
}

/// Moves what old Cocoa clients sent to where it is today.
fn modernize(mechanism: &mut Object<'_>) {
    if let Some(address) = mechanism.remove("relevant_address") {
        let data = mechanism.get_or_insert_with("data", || Json::Object(Object::new()));
        if let Json::Object(data) = data {
            data.insert("relevant_address", address);
        }
    }
    const MOVES: [(&str, &str, (&str, &str)); 2] = [
        ("posix_signal", "signal", ("signal", "number")),
        (
            "mach_exception",
            "mach_exception",
            ("exception_name", "name"),
        ),
    ];
    for (old, new, member) in MOVES {
        if let Some(Json::Object(mut moved)) = mechanism.remove(old) {
            super::read::rename(&mut moved, &[member]);
            let meta = mechanism.get_or_insert_with("meta", || Json::Object(Object::new()));
            if let Json::Object(meta) = meta {
                meta.insert(new, moved);
            }
        }
    }
}

/// Adds the names of numbers to a mechanism's `meta`.
fn name_numbers(meta: &mut Object<'_>, os: Option<Os>) {
    if let Some(exception) = object_mut(meta, "mach_exception") {
        add_name(exception, "exception", "name", numbers::mach_exception);
    }
    let Some(os) = os else { return };
    if let Some(errno) = object_mut(meta, "errno") {
        add_name(errno, "number", "name", |number| numbers::errno(os, number));
    }
    if let Some(signal) = object_mut(meta, "signal") {
        add_name(signal, "number", "name", |number| {
            numbers::signal(os, number)
        });
        if let Some(number) = signal.get("number").and_then(Json::as_i64) {
            add_name(signal, "code", "code_name", |code| {
                numbers::signal_code(os, number, code)
            });
        }
    }
}

fn add_name(
    object: &mut Object<'_>,
    key: &str,
    name_key: &'static str,
    name: impl Fn(i64) -> Option<&'static str>,
) {
    if object.get(name_key).is_none()
        && let Some(name) = object.get(key).and_then(Json::as_i64).and_then(name)
    {
        object.insert(name_key, name);
    }
}
