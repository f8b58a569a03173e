//! Scrubs the original values that notes keep, with the rules of the fields they are of.

use bugle_protocol::json::Json;
use bugle_protocol::{Event, Meta};

use super::{Known, Name, Path, Walk, is_pair};
use crate::scrub::Pass;
use crate::scrub::matcher::Step;
use crate::scrub::schema::{EVENT, FREE_TRUE, Field, Kind, free_field};

/// Scrubs the originals in `meta`, which may be of values that are no longer in the event.
pub(super) fn scrub(pass: &Pass, event: &Event<'_>, meta: &mut Meta) {
    let mut states = vec![0; pass.matcher.words()];
    for key in keys(meta) {
        let known = Known {
            key: Some(&key),
            index: None,
            field: EVENT.field(&key),
        };
        visit(
            pass,
            &mut states,
            known,
            event.get(&key),
            meta.child_mut(&key),
        );
    }
}

fn visit(
    pass: &Pass,
    states: &mut Vec<u64>,
    known: Known<'_>,
    value: Option<&Json<'_>>,
    meta: &mut Meta,
) {
    if meta
        .note()
        .is_some_and(|note| note.original_value.is_some())
    {
        scrub_original(pass, states, known, meta);
    }
    let outer = states.len();
    pass.matcher.enter(
        states,
        Step {
            key: known.key,
            index: known.index,
            types: known.field.types,
        },
    );
    for key in keys(meta) {
        let child = meta.child_mut(&key);
        // The second item of a pair goes by the first.
        let pair = value
            .and_then(|list| list.as_array()?.get(key.parse::<usize>().ok()?))
            .filter(|item| is_pair(item));
        let name = pair.and_then(|pair| pair.as_array()?.first()?.as_str());
        match name {
            Some(name) => {
                let Some(field) = free_field(known.field.class) else {
                    continue;
                };
                let known = Known {
                    key: Some(name),
                    index: None,
                    field,
                };
                visit(
                    pass,
                    states,
                    known,
                    pair.and_then(|pair| pair.as_array()?.get(1)),
                    child.child_mut("1"),
                );
            }
            None => {
                let Some(field) = child_field(known.field, &key) else {
                    continue;
                };
                let index = key
                    .parse()
                    .ok()
                    .filter(|_| value.is_some_and(|value| value.as_array().is_some()));
                let known = Known {
                    key: index.is_none().then_some(&key),
                    index,
                    field,
                };
                visit(pass, states, known, member(value, &key), child);
            }
        }
    }
    states.truncate(outer);
}

fn scrub_original(pass: &Pass, states: &[u64], known: Known<'_>, meta: &mut Meta) {
    let Some(field) = free_field(known.field.class) else {
        return;
    };
    let note = meta.note_mut();
    let mut original = note.original_value.take().unwrap_or_default();
    // What is noted of the original would be a note of a note.
    let mut nowhere = Meta::default();
    let mut walk = Walk::new(pass, &mut nowhere);
    walk.states = states.to_vec();
    let path = Path {
        parent: None,
        name: Name::Key(""),
    };
    walk.visit(&mut original, Known { field, ..known }, path);
    note.original_value = Some(original).filter(|value| !value.is_null());
}

fn child_field(field: &'static Field, key: &str) -> Option<&'static Field> {
    match &field.kind {
        Kind::Object(shape) => Some(shape.field(key)),
        Kind::List(_) if key == "values" => Some(field),
        Kind::List(item) if key.parse::<usize>().is_ok() => Some(item),
        Kind::List(_) => Some(&FREE_TRUE),
        Kind::Free | Kind::Pairs | Kind::ImagePath => free_field(field.class),
    }
}

fn member<'t, 'a>(value: Option<&'t Json<'a>>, key: &str) -> Option<&'t Json<'a>> {
    match value? {
        Json::Object(object) => object.get(key),
        Json::Array(items) => items.get(key.parse::<usize>().ok()?),
        _ => None,
    }
}

fn keys(meta: &Meta) -> Vec<String> {
    meta.children().map(|(key, _)| key.to_owned()).collect()
}
