//! The list of errors that pages show, made of the notes.

use bugle_protocol::Meta;
use bugle_protocol::json::{Json, Object};
use bugle_protocol::meta::{FieldError, Note};

use super::event::EVENT;

/// All errors: those in the event's own list first, then those of the notes in the order of the event's fields.
pub(super) fn list(event: &Object<'_>, meta: &Meta) -> Vec<Json<'static>> {
    let own = event
        .get("errors")
        .and_then(Json::as_array)
        .unwrap_or_default();
    let mut errors: Vec<_> = own.iter().cloned().map(Json::into_owned).collect();
    if let Some(note) = meta.note() {
        add(&mut errors, "", note);
    }
    let known = EVENT.fields.iter().map(|field| field.name);
    let unknown = meta
        .children()
        .map(|(key, _)| key)
        .filter(|key| EVENT.field(key).is_none());
    for key in known.chain(unknown) {
        let Some(child) = meta.child(key) else {
            continue;
        };
        child.for_each_note(&mut |path, note| {
            let separator = if path.is_empty() { "" } else { "." };
            add(&mut errors, &format!("{key}{separator}{path}"), note);
        });
    }
    errors
}

fn add(errors: &mut Vec<Json<'static>>, path: &str, note: &Note) {
    for error in &note.errors {
        let error = entry(error, path, note.original_value.as_ref());
        if !errors.contains(&error) {
            errors.push(error);
        }
    }
}

fn entry(error: &FieldError, path: &str, value: Option<&Json<'static>>) -> Json<'static> {
    let mut object = Object::new();
    object.insert("type", error.kind.clone());
    object.insert("name", path.to_owned());
    if let Some(value) = value {
        object.insert("value", value.clone());
    }
    for (key, detail) in error.data.iter() {
        object.insert(key.to_owned(), detail.clone());
    }
    Json::Object(object)
}
