//! Scrubs the original values that notes keep, with the rules of the fields they are of.

use std::collections::HashMap;

use bugle_protocol::json::Json;
use bugle_protocol::{Event, Meta};

use super::{Known, Name, Path, Walk};
use crate::scrub::Pass;
use crate::scrub::fired::Fired;
use crate::scrub::schema::{EVENT, FREE_TRUE, Field, Kind, free_field};

/// Scrubs the originals in `meta`, which may be of values that are no longer in the event.
pub(super) fn scrub<'s>(pass: &'s Pass, event: &Event<'_>, meta: &mut Meta, fired: &mut Fired<'s>) {
    let mut originals = Originals {
        pass,
        fired,
        states: vec![0; pass.matcher.words()],
    };
    for key in keys(meta) {
        let known = Known {
            name: Name::Key(&key),
            field: EVENT.field(&key),
        };
        originals.visit(known, event.get(&key), meta.child_mut(&key));
    }
}

struct Originals<'s, 'f> {
    pass: &'s Pass,
    fired: &'f mut Fired<'s>,
    /// As in [`Walk`].
    states: Vec<u64>,
}

impl Originals<'_, '_> {
    /// Scrubs the original of a value and those of what is in it.
    fn visit(&mut self, known: Known<'_>, value: Option<&Json<'_>>, meta: &mut Meta) {
        if meta
            .note()
            .is_some_and(|note| note.original_value.is_some())
        {
            self.scrub(known, meta);
        }
        let outer = self.states.len();
        let step = known.step(known.field.types);
        self.pass.matcher.enter(&mut self.states, step);
        let keys = keys(meta);
        let members = Members::of(value, keys.len());
        for key in keys {
            let member = members.get(&key);
            let notes = meta.child_mut(&key);
            match member.and_then(pair) {
                Some((name, value)) => {
                    if let Some(field) = free_field(known.field.class) {
                        let name = Name::Key(name);
                        self.visit(Known { name, field }, Some(value), notes.child_mut("1"));
                    }
                }
                None => {
                    if let Some(field) = child_field(known.field, &key) {
                        let name = name_in(value, &key);
                        self.visit(Known { name, field }, member, notes);
                    }
                }
            }
        }
        self.states.truncate(outer);
    }

    fn scrub(&mut self, known: Known<'_>, meta: &mut Meta) {
        let Some(field) = free_field(known.field.class) else {
            return;
        };
        let note = meta.note_mut();
        let mut original = note.original_value.take().unwrap_or_default();
        // What is done to the original is not worth notes of its own.
        let mut nowhere = Meta::default();
        let mut walk = Walk::new(self.pass, &mut nowhere, self.fired);
        walk.states.clone_from(&self.states);
        let path = Path {
            parent: None,
            name: known.name,
        };
        walk.visit(&mut original, Known { field, ..known }, path);
        note.original_value = Some(original).filter(|value| !value.is_null());
    }
}

fn child_field(field: &'static Field, key: &str) -> Option<&'static Field> {
    match &field.kind {
        Kind::Object(shape) => Some(shape.field(key)),
        Kind::List(_) if key == "values" => Some(field),
        Kind::List(item) if key.parse::<usize>().is_ok() => Some(item),
        Kind::List(_) => Some(&FREE_TRUE),
        Kind::Attributes(shape) => Some(shape.field(key)),
        Kind::Free | Kind::Pairs | Kind::ImagePath => free_field(field.class),
    }
}

/// The name of a member, which is a place only in a list.
fn name_in<'k>(value: Option<&Json<'_>>, key: &'k str) -> Name<'k> {
    match (value, key.parse()) {
        (Some(Json::Array(_)), Ok(index)) => Name::Index(index),
        _ => Name::Key(key),
    }
}

/// Asking for more members than this is worth a map: an object looks through all of them for each.
const MANY_MEMBERS: usize = 24;

/// The members of a value, to be asked for by name or place.
enum Members<'t, 'a> {
    Few(Option<&'t Json<'a>>),
    Many(HashMap<&'t str, &'t Json<'a>>),
}

impl<'t, 'a> Members<'t, 'a> {
    /// The members of `value`, of which `questions` are going to be asked for.
    fn of(value: Option<&'t Json<'a>>, questions: usize) -> Self {
        match value {
            Some(Json::Object(object)) if object.len().min(questions) > MANY_MEMBERS => {
                let members = object.iter().filter(|(_, value)| !value.is_null());
                Self::Many(members.collect())
            }
            value => Self::Few(value),
        }
    }

    fn get(&self, key: &str) -> Option<&'t Json<'a>> {
        match self {
            Self::Many(members) => members.get(key).copied(),
            Self::Few(Some(Json::Object(object))) => object.get(key),
            Self::Few(Some(Json::Array(items))) => items.get(key.parse::<usize>().ok()?),
            Self::Few(_) => None,
        }
    }
}

/// Key and value of a pair.
fn pair<'t, 'a>(value: &'t Json<'a>) -> Option<(&'t str, &'t Json<'a>)> {
    match value.as_array()? {
        [Json::String(key), value] => Some((key, value)),
        _ => None,
    }
}

fn keys(meta: &Meta) -> Vec<String> {
    meta.children().map(|(key, _)| key.to_owned()).collect()
}
