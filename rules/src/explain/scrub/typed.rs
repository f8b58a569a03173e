//! Brings the event of a case into the shape that normalised events have, and changes nothing else.
//!
//! Scrubbing alone was observed on events that were read into types and written back: interfaces wrapped, maps of
//! strings turned into pairs, numbers of text fields into text, and what is empty left out.

use std::borrow::Cow;
use std::net::IpAddr;

use bugle_protocol::json::{self, Json, Object};
use bugle_protocol::meta::FieldError;
use bugle_protocol::timestamp::parse_timestamp;
use bugle_protocol::{Event, Meta};

/// The event and its notes.
pub(super) fn event(mut fields: Object<'_>) -> (Event<'_>, Meta) {
    let notes = fields
        .remove("_meta")
        .map(|notes| Meta::from_json(&notes))
        .unwrap_or_default();
    if let Some(message) = fields.remove("message") {
        fields.insert("logentry", log_entry(message));
    }
    for key in ["exception", "breadcrumbs", "threads"] {
        change(&mut fields, key, wrap);
    }
    for key in ["timestamp", "start_timestamp"] {
        change(&mut fields, key, seconds);
    }
    change(&mut fields, "tags", |tags| pairs(tags, str::to_owned));
    change_object(&mut fields, "user", user);
    change_object(&mut fields, "request", request);
    change_object(&mut fields, "contexts", contexts);
    change_object(&mut fields, "debug_meta", |meta| {
        each(meta, "images", image)
    });
    change_object(&mut fields, "breadcrumbs", |list| {
        each(list, "values", timed)
    });
    for key in ["exception", "threads"] {
        change_object(&mut fields, key, |list| each(list, "values", exception));
    }
    each(&mut fields, "spans", timed);
    drop_empty(&mut fields);
    let mut event = Event { fields };
    let mut notes = kept_notes(&notes, &event.fields);
    for path in [["user", "ip_address"], ["sdk", "client_ip"]] {
        refuse_address(&mut event.fields, &mut notes, path);
    }
    (event, notes)
}

fn change<'a>(object: &mut Object<'a>, key: &str, change: impl FnOnce(Json<'a>) -> Json<'a>) {
    if let Some(value) = object.get_mut(key) {
        *value = change(value.take());
    }
}

fn change_object<'a>(object: &mut Object<'a>, key: &str, change: impl FnOnce(&mut Object<'a>)) {
    if let Some(Json::Object(inner)) = object.get_mut(key) {
        change(inner);
    }
}

fn each<'a>(object: &mut Object<'a>, key: &str, mut change: impl FnMut(&mut Object<'a>)) {
    let items = object.get_mut(key).and_then(Json::as_array_mut);
    items
        .into_iter()
        .flatten()
        .filter_map(Json::as_object_mut)
        .for_each(&mut change);
}

fn log_entry(message: Json<'_>) -> Json<'_> {
    match message {
        Json::String(_) => Json::Object(Object::from_iter([("formatted", message)])),
        other => other,
    }
}

fn wrap(list: Json<'_>) -> Json<'_> {
    match list {
        Json::Array(_) => Json::Object(Object::from_iter([("values", list)])),
        other => other,
    }
}

fn seconds(time: Json<'_>) -> Json<'_> {
    parse_timestamp(&time).map_or(time, Json::from)
}

fn timed(object: &mut Object<'_>) {
    change(object, "timestamp", seconds);
    change(object, "start_timestamp", seconds);
    drop_empty(object);
}

fn user(user: &mut Object<'_>) {
    for key in ["id", "username", "email"] {
        change(user, key, text);
    }
    drop_empty(user);
}

fn request(request: &mut Object<'_>) {
    change(request, "query_string", |query| {
        pairs(split(query, '&'), str::to_owned)
    });
    change(request, "cookies", |cookies| {
        pairs(split(cookies, ';'), str::to_owned)
    });
    change(request, "headers", |headers| pairs(headers, title_case));
    drop_empty(request);
}

fn contexts(contexts: &mut Object<'_>) {
    for (name, context) in contexts.iter_mut() {
        let Json::Object(context) = context else {
            continue;
        };
        if name == "response" {
            change(context, "headers", |headers| pairs(headers, title_case));
            change(context, "cookies", |cookies| {
                pairs(split(cookies, ';'), str::to_owned)
            });
        }
        if context.get("type").is_none() {
            context.insert("type", Json::from(name.to_owned()));
        }
        drop_nulls(context);
    }
}

/// Old names of an image's members.
fn image(image: &mut Object<'_>) {
    for (old, new) in [("name", "code_file"), ("id", "debug_id")] {
        if let Some(value) = image.remove(old) {
            image.insert(new, value);
        }
    }
    drop_nulls(image);
}

fn exception(exception: &mut Object<'_>) {
    change_object(exception, "stacktrace", |trace| {
        each(trace, "frames", frame)
    });
    drop_nulls(exception);
}

fn frame(frame: &mut Object<'_>) {
    frame.retain(|key, value| match value {
        Json::Array(lines) => !(lines.is_empty() && matches!(key, "pre_context" | "post_context")),
        value => !value.is_null(),
    });
}

fn drop_nulls(object: &mut Object<'_>) {
    object.retain(|_, value| !value.is_null());
}

fn drop_empty(object: &mut Object<'_>) {
    object.retain(|key, value| match value {
        _ if key == "transaction_info" => true,
        Json::Null => false,
        Json::Array(items) => !items.is_empty(),
        Json::Object(object) => !object.iter().all(|(key, value)| {
            key == "values" && value.as_array().is_some_and(<[Json<'_>]>::is_empty)
        }),
        _ => true,
    });
}

/// A member of a text field as text.
fn text(value: Json<'_>) -> Json<'_> {
    match value {
        Json::Array(items) if items.iter().all(|item| item.as_str().is_some()) => Json::from(
            items
                .iter()
                .filter_map(Json::as_str)
                .collect::<Vec<_>>()
                .join(","),
        ),
        Json::String(_) | Json::Null => value,
        other => Json::from(json::to_string(&other)),
    }
}

/// Splits `a=b&c=d` or `a=b; c=d`; anything but text stays.
fn split(value: Json<'_>, separator: char) -> Json<'_> {
    let Json::String(text) = &value else {
        return value;
    };
    let decode = |part: &str| {
        if separator == '&' {
            percent_decode(part)
        } else {
            part.trim().to_owned()
        }
    };
    let pairs = text
        .split(separator)
        .filter(|part| !part.trim().is_empty())
        .map(|part| {
            let (key, value) = part.split_once('=').unwrap_or((part, ""));
            Json::Array(vec![Json::from(decode(key)), Json::from(decode(value))])
        });
    Json::Array(pairs.collect())
}

fn percent_decode(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, tail @ ..] = rest {
        let hex = tail.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        match (first, hex.and_then(|hex| u8::from_str_radix(hex, 16).ok())) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = &tail[2..];
            }
            (b'+', _) => {
                bytes.push(b' ');
                rest = tail;
            }
            (byte, _) => {
                bytes.push(*byte);
                rest = tail;
            }
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// An object as pairs in order of its keys, and pairs as they are, with their values as text.
fn pairs<'a>(value: Json<'a>, name: fn(&str) -> String) -> Json<'a> {
    match value {
        Json::Object(object) => {
            let mut members: Vec<_> = object
                .into_iter()
                .map(|(key, value)| (name(&key), value))
                .collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            let pairs = members
                .into_iter()
                .map(|(key, value)| Json::Array(vec![Json::from(key), text(value)]));
            Json::Array(pairs.collect())
        }
        Json::Array(mut items) => {
            for pair in &mut items {
                if let Json::Array(pair) = pair
                    && let [Json::String(key), value] = pair.as_mut_slice()
                {
                    *key = Cow::Owned(name(key));
                    *value = text(value.take());
                }
            }
            Json::Array(items)
        }
        other => other,
    }
}

/// `x-api-key` as `X-Api-Key`; what is upper case already stays.
fn title_case(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut rest = word.chars();
        let first = rest.next().map(char::to_uppercase);
        first.into_iter().flatten().chain(rest).collect::<String>()
    });
    words.collect::<Vec<_>>().join("-")
}

/// Notes an address that is none as an error, with its original.
fn refuse_address(fields: &mut Object<'_>, notes: &mut Meta, path: [&str; 2]) {
    let Some(Json::Object(parent)) = fields.get_mut(path[0]) else {
        return;
    };
    let Some(address) = parent.get_mut(path[1]) else {
        return;
    };
    let valid = |text: &str| text == "{{auto}}" || text.parse::<IpAddr>().is_ok();
    if address.as_str().is_some_and(|text| !valid(text)) {
        let note = notes.at_mut(path).note_mut();
        note.errors
            .push(FieldError::invalid("expected an ip address"));
        note.original_value = Some(address.take().into_owned());
    }
}

/// The notes of members that exist, under the places that they have now.
fn kept_notes(notes: &Meta, fields: &Object<'_>) -> Meta {
    let mut kept = own_note(notes);
    for (key, note) in notes.children() {
        if let Some(value) = fields.get_raw(key) {
            kept.set_child(key, notes_of(note, value));
        }
    }
    kept
}

fn notes_of(notes: &Meta, value: &Json<'_>) -> Meta {
    let items = match value {
        Json::Object(fields) => return kept_notes(notes, fields),
        Json::Array(items) => items.as_slice(),
        _ => &[],
    };
    let mut kept = own_note(notes);
    for (key, note) in notes.children() {
        if let Ok(index) = key.parse::<usize>() {
            if let Some(item) = items.get(index) {
                kept.set_child(key, notes_of(note, item));
            }
        } else if let Some(index) = items.iter().position(|pair| is_named(pair, key)) {
            kept.at_mut([index.to_string().as_str()])
                .set_child("1", note.clone());
        }
    }
    kept
}

fn own_note(notes: &Meta) -> Meta {
    let mut own = Meta::default();
    if let Some(note) = notes.note() {
        *own.note_mut() = note.clone();
    }
    own
}

/// Whether a pair was made of the member `key` of an object.
fn is_named(pair: &Json<'_>, key: &str) -> bool {
    let name = pair
        .as_array()
        .and_then(<[Json<'_>]>::first)
        .and_then(Json::as_str);
    name.is_some_and(|name| name.eq_ignore_ascii_case(key))
}
