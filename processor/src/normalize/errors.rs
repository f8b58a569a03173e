//! The list of errors that pages show, made of the notes.

use std::collections::HashSet;

use bugle_protocol::Meta;
use bugle_protocol::json::{self, Json, Object};
use bugle_protocol::meta::{FieldError, Note};

use super::contexts;
use super::event::EVENT;
use super::schema::Kind;

/// All errors: those in the event's own list first, then those of the notes in the order of the fields.
pub(super) fn list(event: &Object<'_>, meta: &Meta) -> Vec<Json<'static>> {
    let own = event.get("errors").and_then(Json::as_array);
    let own = own.unwrap_or_default().iter().cloned();
    let own: Vec<_> = own.map(Json::into_owned).collect();
    let mut errors = Errors {
        known: own.iter().map(json::to_string).collect(),
        list: own,
    };
    walk(&mut errors, Some(&Kind::Struct(&EVENT)), meta, "");
    errors.list
}

/// Errors in order, each once.
struct Errors {
    list: Vec<Json<'static>>,
    /// The texts of the listed ones: comparing each with all others takes too long where there are thousands.
    known: HashSet<String>,
}

fn walk(errors: &mut Errors, kind: Option<&Kind>, meta: &Meta, path: &str) {
    if let Some(note) = meta.note() {
        add(errors, path, note);
    }
    let mut children: Vec<_> = meta.children().collect();
    if let Some(Kind::Struct(schema)) = kind {
        let place = |key: &str| schema.fields.iter().position(|field| field.name == key);
        children.sort_by_key(|(key, _)| place(key).unwrap_or(usize::MAX));
    } else {
        children.sort_by_key(|(key, _)| key.parse().unwrap_or(usize::MAX));
    }
    for (key, child) in children {
        let separator = if path.is_empty() { "" } else { "." };
        let kind = match path {
            "contexts" => contexts::schema(key).map(Kind::Struct),
            _ => kind.and_then(|kind| kind_of(kind, key)),
        };
        walk(
            errors,
            kind.as_ref(),
            child,
            &format!("{path}{separator}{key}"),
        );
    }
}

/// What the child `key` of a value of some kind may hold, if its own children are in an order.
fn kind_of(kind: &Kind, key: &str) -> Option<Kind> {
    match kind {
        Kind::Struct(schema) => Some(schema.field(key)?.kind),
        Kind::Values(schema) if key == "values" => Some(Kind::Values(schema)),
        Kind::Values(schema) => Some(Kind::Struct(schema)),
        Kind::List(kind) | Kind::Map(kind) => Some(**kind),
        Kind::Any | Kind::Scalar(_) | Kind::Custom(_) => None,
    }
}

fn add(errors: &mut Errors, path: &str, note: &Note) {
    for error in &note.errors {
        let error = entry(error, path, note.original_value.as_ref());
        if errors.known.insert(json::to_string(&error)) {
            errors.list.push(error);
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
