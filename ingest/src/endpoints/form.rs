//! The text fields of a crash reporter's form: pieces of an event, and whatever else the application added.

use std::borrow::Cow;
use std::collections::HashMap;

use bugle_protocol::json::{self, Json, Object};

/// Levels of `sentry[a][b]…`; what nests deeper is kept as the field it is.
const MAX_LEVELS: usize = 16;

/// A name and a value.
type Field<'a> = (Cow<'a, str>, Cow<'a, str>);

/// The fields of a form, those of the event put together.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Fields<'a> {
    /// What the form says of its event: an object, if it says anything.
    pub(super) event: Option<Json<'static>>,
    /// All other fields in their order.
    pub(super) others: Vec<Field<'a>>,
}

impl<'a> Fields<'a> {
    /// Sorts fields into those that make up the event and others.
    ///
    /// An event comes as JSON in the field `sentry`, as such a text cut into the fields `sentry__1`, `sentry__2` and so on, as
    /// one field per value, named `sentry[tags][color]`, or in several of these ways. Where they contradict each other the
    /// last counts, in the order of this sentence. A text that is not a JSON object stays a field.
    ///
    /// Takes time and memory that grow with the texts; the caller bounds these.
    pub(super) fn collect(fields: impl IntoIterator<Item = Field<'a>>) -> Self {
        let mut collected = Self::default();
        let (mut texts, mut chunks, mut values) = (Vec::new(), Vec::new(), Vec::new());
        for (name, value) in fields {
            if name == "sentry" {
                texts.push((name, value));
            } else if let Some(index) = chunk_index(&name) {
                chunks.push((index, value));
            } else if name.starts_with("sentry[") {
                values.push((name, value));
            } else {
                collected.others.push((name, value));
            }
        }
        if !chunks.is_empty() {
            chunks.sort_by_key(|(index, _)| *index);
            let text: String = chunks.iter().map(|(_, value)| value.as_ref()).collect();
            texts.push(("sentry__".into(), text.into()));
        }
        collected.merge_texts(texts);
        collected.merge_values(values);
        collected
    }

    /// The fields as a JSON list of pairs, the event first as the text of the field `sentry`; `None` if there are no fields.
    pub(super) fn to_form_data(&self) -> Option<String> {
        let event = self.event.as_ref();
        let event = event.map(|event| ("sentry".into(), Cow::Owned(json::to_string(event))));
        let pairs: Vec<Json<'_>> = event
            .iter()
            .chain(&self.others)
            .map(|(name, value)| vec![Json::from(&**name), Json::from(&**value)].into())
            .collect();
        (!pairs.is_empty()).then(|| json::to_string(&pairs.into()))
    }

    /// Makes one object of all texts. Their members are put together once, at the end: a form may have a thousand texts.
    fn merge_texts(&mut self, texts: Vec<Field<'a>>) {
        let mut members = Vec::new();
        let mut is_event = false;
        for (name, text) in texts {
            match json::parse_str(&text) {
                Ok(Json::Object(object)) => {
                    is_event = true;
                    let owned = |(key, value): (Cow<'_, str>, Json<'_>)| {
                        (key.into_owned(), value.into_owned())
                    };
                    members.extend(object.into_iter().map(owned));
                }
                _ => self.others.push((name, text)),
            }
        }
        if is_event {
            self.event = Some(members.into_iter().collect::<Object<'_>>().into());
        }
    }

    /// Lays single values over the event. They become an object of their own first, which is small, so that the event's
    /// members, which may be many, are gone through once.
    fn merge_values(&mut self, fields: Vec<Field<'a>>) {
        let mut values = Object::new();
        for (name, value) in fields {
            match path_of(&name) {
                Some(path) => set(&mut values, &path, value.into_owned()),
                None => self.others.push((name, value)),
            }
        }
        if !values.is_empty() {
            let event = self.event.get_or_insert_with(|| Object::new().into());
            overlay(event, values.into());
        }
    }
}

/// Sets the value at a path; what is no object on the way there becomes one.
fn set(object: &mut Object<'static>, path: &[&str], value: String) {
    let [key, rest @ ..] = path else {
        return;
    };
    let place = object.get_or_insert_with((*key).to_owned(), || Json::Null);
    if rest.is_empty() {
        *place = value.into();
        return;
    }
    if place.as_object().is_none() {
        *place = Object::new().into();
    }
    if let Some(inner) = place.as_object_mut() {
        set(inner, rest, value);
    }
}

/// Replaces in `place` what `values` has as well, object by object, and adds the rest at the end.
fn overlay(place: &mut Json<'static>, values: Json<'static>) {
    match (&mut *place, values) {
        (Json::Object(known), Json::Object(new)) => overlay_object(known, new),
        (_, values) => *place = values,
    }
}

fn overlay_object(known: &mut Object<'static>, new: Object<'static>) {
    let mut new: Vec<_> = new.into_iter().map(Some).collect();
    let places: HashMap<String, usize> = new
        .iter()
        .enumerate()
        .filter_map(|(at, member)| Some((member.as_ref()?.0.clone().into_owned(), at)))
        .collect();
    for (key, value) in known.iter_mut() {
        let member = places.get(key).and_then(|&at| new[at].take());
        if let Some((_, new)) = member {
            overlay(value, new);
        }
    }
    let members = std::mem::take(known).into_iter();
    *known = members.chain(new.into_iter().flatten()).collect();
}

/// The place of a piece of the event's text: 3 in `sentry__3`.
fn chunk_index(name: &str) -> Option<u32> {
    name.strip_prefix("sentry__")?.parse().ok()
}

/// The keys in `sentry[tags][color]`; `None` if it is not of that form.
fn path_of(name: &str) -> Option<Vec<&str>> {
    let keys = name.strip_prefix("sentry[")?.strip_suffix(']')?;
    let path: Vec<&str> = keys.split("][").collect();
    let is_plain = |key: &&str| !key.is_empty() && !key.contains(['[', ']']);
    (path.len() <= MAX_LEVELS && path.iter().all(is_plain)).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn form_data(fields: &[(&'static str, &'static str)]) -> String {
        let fields = fields
            .iter()
            .map(|(name, value)| ((*name).into(), (*value).into()));
        Fields::collect(fields).to_form_data().unwrap_or_default()
    }

    #[test]
    fn an_event_is_put_together_from_all_its_forms() {
        for (fields, expected) in [
            (&[][..], ""),
            (&[("a", "1"), ("a", "2")], r#"[["a","1"],["a","2"]]"#),
            (
                &[("a", "1"), ("sentry", r#"{"release": "x"}"#)],
                r#"[["sentry","{\"release\":\"x\"}"],["a","1"]]"#,
            ),
            (
                &[
                    ("sentry__2", r#"se":"x"}"#),
                    ("sentry__10", ""),
                    ("sentry__1", r#"{"relea"#),
                ],
                r#"[["sentry","{\"release\":\"x\"}"]]"#,
            ),
            (
                &[
                    ("sentry[release]", "y"),
                    ("sentry[tags][a b]", "1"),
                    ("sentry", r#"{"release":"x","tags":{"c":"2"}}"#),
                ],
                r#"[["sentry","{\"release\":\"y\",\"tags\":{\"c\":\"2\",\"a b\":\"1\"}}"]]"#,
            ),
            (
                &[("sentry[tags]", "1"), ("sentry[tags][a]", "2")],
                r#"[["sentry","{\"tags\":{\"a\":\"2\"}}"]]"#,
            ),
            (
                &[("sentry", "[1]"), ("sentry__1", "{"), ("sentry[a", "b")],
                r#"[["sentry","[1]"],["sentry__","{"],["sentry[a","b"]]"#,
            ),
            (
                &[
                    ("sentry", r#"{"a":1,"tags":1}"#),
                    ("sentry", r#"{"b":2,"a":3}"#),
                    ("sentry[tags][x]", "1"),
                    ("sentry[tags][y]", "2"),
                    ("sentry[c]", "3"),
                    ("sentry", "{}"),
                ],
                r#"[["sentry","{\"a\":3,\"tags\":{\"x\":\"1\",\"y\":\"2\"},\"b\":2,\"c\":\"3\"}"]]"#,
            ),
            (&[("sentry", "{}")], r#"[["sentry","{}"]]"#),
            (&[("sentry[]", "1")], r#"[["sentry[]","1"]]"#),
            (&[("sentry[a]b[c]", "1")], r#"[["sentry[a]b[c]","1"]]"#),
            (&[("sentry__x", "1")], r#"[["sentry__x","1"]]"#),
        ] {
            assert_eq!(form_data(fields), expected, "{fields:?}");
        }
    }

    #[test]
    fn too_many_levels_stay_a_field() {
        let name = format!("sentry{}", "[a]".repeat(MAX_LEVELS + 1));
        let fields = Fields::collect([(name.clone().into(), "1".into())]);
        assert_eq!(fields.event, None);
        assert_eq!(fields.others, [(name.into(), "1".into())]);
    }
}
