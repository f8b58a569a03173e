//! The text fields of a crash reporter's form: pieces of an event, and whatever else the application added.

use std::borrow::Cow;

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
    /// last counts, in the order of this sentence. A text that is not a JSON object, or is larger than an event may be, stays
    /// a field.
    pub(super) fn collect(
        fields: impl IntoIterator<Item = Field<'a>>,
        max_event_bytes: usize,
    ) -> Self {
        let mut collected = Self::default();
        let (mut chunks, mut values) = (Vec::new(), Vec::new());
        for (name, value) in fields {
            if name == "sentry" {
                collected.merge_text(name, value, max_event_bytes);
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
            collected.merge_text("sentry__".into(), text.into(), max_event_bytes);
        }
        for (name, value) in values {
            collected.merge_value(name, value);
        }
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

    fn merge_text(&mut self, name: Cow<'a, str>, text: Cow<'a, str>, max_bytes: usize) {
        if text.len() > max_bytes {
            return self.others.push((name, text));
        }
        match json::parse_str(&text) {
            Ok(Json::Object(event)) => {
                let known = match self.event.take() {
                    Some(Json::Object(known)) => known,
                    _ => Object::new(),
                };
                let members = known.into_iter().chain(event);
                let event: Object<'_> = members.collect();
                self.event = Some(Json::from(event).into_owned());
            }
            _ => self.others.push((name, text)),
        }
    }

    fn merge_value(&mut self, name: Cow<'a, str>, value: Cow<'a, str>) {
        let Some(path) = path_of(&name) else {
            return self.others.push((name, value));
        };
        let mut place = self.event.get_or_insert_with(|| Object::new().into());
        for key in path {
            if place.as_object().is_none() {
                *place = Object::new().into();
            }
            let Some(object) = place.as_object_mut() else {
                return;
            };
            place = object.get_or_insert_with(key.to_owned(), || Json::Null);
        }
        *place = value.into_owned().into();
    }
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
        Fields::collect(fields, 100)
            .to_form_data()
            .unwrap_or_default()
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
        let fields = Fields::collect([(name.clone().into(), "1".into())], 100);
        assert_eq!(fields.event, None);
        assert_eq!(fields.others, [(name.into(), "1".into())]);
    }
}
