//! Tags: what they may be, and those that other fields become.

use std::collections::HashSet;

use bugle_protocol::json::{Json, Object};

use super::event::{environment, trim_text};
use super::note::{Fault, Notes, Path};
use super::pairs;
use super::read::Reader;
use super::scalar::LENIENT;

/// Keys that the server derives itself; a client's would contradict them.
const RESERVED: [&str; 6] = [
    "release",
    "dist",
    "user",
    "filename",
    "function",
    "device.class",
];

/// Tags are counted per key and value: the first of a key wins.
pub(super) fn read(reader: &mut Reader, value: &mut Json<'_>, path: &Path<'_>) {
    pairs::read(reader, &LENIENT, value, path);
    let Json::Array(items) = value else { return };
    for item in items.iter_mut() {
        if let Some(key) = pairs::key_mut(item).filter(|key| key.contains(' ')) {
            *key = key.replace(' ', "-").into();
        }
    }
    let mut seen = HashSet::with_capacity(items.len());
    pairs::retain(items, &mut reader.notes, path, |item| {
        match pairs::key(item) {
            Some(key) => !RESERVED.contains(&key) && seen.insert(key.to_owned()),
            None => true,
        }
    });
    for (index, item) in items.iter_mut().enumerate() {
        check(&mut reader.notes, item, &path.index(index));
    }
    if items.is_empty() {
        *value = Json::Null;
    }
}

fn check(notes: &mut Notes, item: &mut Json<'_>, path: &Path<'_>) {
    let Some([key, value]) = item.as_array_mut().map(Vec::as_mut_slice) else {
        return;
    };
    if let Some(fault) = key.as_str().and_then(key_fault) {
        notes.reject(&path.index(0), key, fault);
    }
    trim_text(value);
    if let Some(fault) = value.as_str().and_then(value_fault) {
        notes.reject(&path.index(1), value, fault);
    }
}

fn key_fault(key: &str) -> Option<Fault> {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | ':' | '-');
    if key.is_empty() {
        return Some(empty());
    }
    let unknown = key.chars().find(|c| !known(*c))?;
    Some(Fault::invalid(format!("invalid character '{unknown}'")))
}

fn value_fault(value: &str) -> Option<Fault> {
    if value.is_empty() {
        return Some(empty());
    }
    value
        .contains('\n')
        .then(|| Fault::invalid("invalid character '\\n'"))
}

fn empty() -> Fault {
    Fault::invalid("expected a non-empty value").without_original()
}

/// Moves the fields that are tags to the tags, and the tag that is a field to the field.
pub(super) fn exchange_with_fields(event: &mut Object<'_>, notes: &mut Notes) {
    if let Some(mut name) = take(event, "environment", notes)
        && event.get("environment").is_none()
        && environment(&mut name).is_ok()
    {
        event.insert("environment", name);
    }
    for key in ["server_name", "site"] {
        if let Some(value) = event.remove(key).filter(|value| !value.is_null()) {
            set(event, key, value, notes);
        }
    }
}

/// Sets a tag; one of the same key goes.
pub(super) fn set<'a>(
    event: &mut Object<'a>,
    key: &'static str,
    value: impl Into<Json<'a>>,
    notes: &mut Notes,
) {
    take(event, key, notes);
    let tags = event.get_or_insert_with("tags", || Json::Array(Vec::new()));
    if tags.is_null() {
        *tags = Json::Array(Vec::new());
    }
    if let Json::Array(tags) = tags {
        tags.push(pairs::pair(key, value));
    }
}

fn take<'a>(event: &mut Object<'a>, key: &str, notes: &mut Notes) -> Option<Json<'a>> {
    let tags = event.get_mut("tags")?.as_array_mut()?;
    let is_taken = |tag: &Json<'_>| pairs::key(tag) == Some(key);
    let index = tags.iter().position(is_taken)?;
    let value = tags[index].as_array_mut().and_then(Vec::pop);
    let path = Path::ROOT.key("tags");
    pairs::retain(tags, notes, &path, |tag| !is_taken(tag));
    if tags.is_empty() {
        event.remove("tags");
    }
    value
}
