//! Notes on an event's fields: what was cut, removed or invalid, and what it was before.
//!
//! On the wire this is the `_meta` tree, parallel to the event: list indexes are keys too, and a node's own note stands
//! under the empty key: `{"exception":{"values":{"0":{"value":{"":{"rem":[["!limit","s",8189,8192]],"len":9000}}}}}}`.
//! Notes are rare, so a tree is built only where there is one. Clients send notes of their own; they are kept.

use std::borrow::Cow;
use std::collections::BTreeMap;

use crate::json::{Json, Object};

/// A node of the tree: its own note and its children's.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meta {
    note: Option<Box<Note>>,
    children: BTreeMap<String, Meta>,
}

/// What there is to say of one value.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Note {
    /// What rules did to it (`rem`), ordered by position.
    pub remarks: Vec<Remark>,
    /// What was wrong with it (`err`).
    pub errors: Vec<FieldError>,
    /// The length of the original: characters of a text, items of a list, bytes of a container (`len`).
    pub original_length: Option<u64>,
    /// The original, where it was replaced by null for an error (`val`).
    pub original_value: Option<Json<'static>>,
}

/// One act of a rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// The rule, such as `@password:filter` or `!limit`.
    pub rule_id: Cow<'static, str>,
    /// What it did.
    pub kind: RemarkKind,
    /// Start and end in bytes of the new text.
    pub range: Option<(usize, usize)>,
}

/// What a rule did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum RemarkKind {
    /// It looked and left it as it was (`a`).
    Annotated,
    /// It took it away (`x`).
    Removed,
    /// It put another text there (`s`).
    Substituted,
    /// It put stars there (`m`).
    Masked,
    /// It put a hash there (`p`).
    Pseudonymized,
    /// It put a cipher there (`e`).
    Encrypted,
}

/// One fault of a value: its kind, such as `invalid_data`, and details such as `reason`.
#[derive(Clone, Debug, PartialEq)]
pub struct FieldError {
    /// `invalid_data`, `missing_attribute`, `invalid_attribute`, `value_too_long`, `past_timestamp`, `future_timestamp`,
    /// `clock_drift`, or whatever a client says.
    pub kind: Cow<'static, str>,
    /// The details, empty where there are none.
    pub data: Object<'static>,
}

impl RemarkKind {
    /// The letter on the wire.
    #[must_use]
    pub fn letter(self) -> &'static str {
        match self {
            Self::Annotated => "a",
            Self::Removed => "x",
            Self::Substituted => "s",
            Self::Masked => "m",
            Self::Pseudonymized => "p",
            Self::Encrypted => "e",
        }
    }

    fn parse(letter: &str) -> Option<Self> {
        [
            Self::Annotated,
            Self::Removed,
            Self::Substituted,
            Self::Masked,
            Self::Pseudonymized,
            Self::Encrypted,
        ]
        .into_iter()
        .find(|kind| kind.letter() == letter)
    }
}

impl Remark {
    /// A remark on a whole value.
    #[must_use]
    pub fn new(rule_id: impl Into<Cow<'static, str>>, kind: RemarkKind) -> Self {
        Self {
            rule_id: rule_id.into(),
            kind,
            range: None,
        }
    }

    /// The same remark on the bytes `start..end` of the new text.
    #[must_use]
    pub fn at(mut self, start: usize, end: usize) -> Self {
        self.range = Some((start, end));
        self
    }

    fn from_json(json: &Json<'_>) -> Option<Self> {
        let parts = json.as_array()?;
        let offset = |i: usize| {
            parts
                .get(i)
                .and_then(Json::as_i64)
                .and_then(|n| usize::try_from(n).ok())
        };
        Some(Self {
            rule_id: Cow::Owned(parts.first()?.as_str()?.to_owned()),
            kind: RemarkKind::parse(parts.get(1)?.as_str()?)?,
            range: offset(2).zip(offset(3)),
        })
    }

    fn to_json(&self) -> Json<'static> {
        let mut parts = vec![
            Json::from(self.rule_id.clone()),
            Json::from(self.kind.letter()),
        ];
        if let Some((start, end)) = self.range {
            parts.extend([Json::from(start as u64), Json::from(end as u64)]);
        }
        Json::Array(parts)
    }
}

impl FieldError {
    /// An error without details.
    #[must_use]
    pub fn new(kind: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: kind.into(),
            data: Object::new(),
        }
    }

    /// The same error with one more detail.
    #[must_use]
    pub fn with(mut self, key: &'static str, value: impl Into<Json<'static>>) -> Self {
        self.data.insert(key, value);
        self
    }

    /// `invalid_data` with a reason, the most common kind.
    #[must_use]
    pub fn invalid(reason: impl Into<Cow<'static, str>>) -> Self {
        Self::new("invalid_data").with("reason", reason.into())
    }

    fn from_json(json: &Json<'_>) -> Option<Self> {
        let (kind, data) = match json {
            Json::String(kind) => (kind.as_ref(), None),
            Json::Array(parts) => (parts.first()?.as_str()?, parts.get(1)),
            _ => return None,
        };
        let data = match data.cloned().map(Json::into_owned) {
            Some(Json::Object(data)) => data,
            _ => Object::new(),
        };
        Some(Self {
            kind: Cow::Owned(kind.to_owned()),
            data,
        })
    }

    fn to_json(&self) -> Json<'static> {
        if self.data.is_empty() {
            return Json::from(self.kind.clone());
        }
        Json::Array(vec![
            Json::from(self.kind.clone()),
            Json::Object(self.data.clone()),
        ])
    }
}

impl Note {
    /// Whether there is nothing to say.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    fn from_json(json: &Json<'_>) -> Option<Self> {
        let object = json.as_object()?;
        let list = |key| object.get(key).and_then(Json::as_array).unwrap_or_default();
        Some(Self {
            remarks: list("rem").iter().filter_map(Remark::from_json).collect(),
            errors: list("err")
                .iter()
                .filter_map(FieldError::from_json)
                .collect(),
            original_length: object
                .get("len")
                .and_then(Json::as_i64)
                .and_then(|n| u64::try_from(n).ok()),
            original_value: object.get("val").cloned().map(Json::into_owned),
        })
    }

    fn to_json(&self) -> Json<'static> {
        let mut object = Object::new();
        if !self.remarks.is_empty() {
            object.insert(
                "rem",
                self.remarks.iter().map(Remark::to_json).collect::<Vec<_>>(),
            );
        }
        if !self.errors.is_empty() {
            object.insert(
                "err",
                self.errors
                    .iter()
                    .map(FieldError::to_json)
                    .collect::<Vec<_>>(),
            );
        }
        if let Some(length) = self.original_length {
            object.insert("len", length);
        }
        if let Some(value) = &self.original_value {
            object.insert("val", value.clone());
        }
        Json::Object(object)
    }
}

impl Meta {
    /// Reads a client's or the store's `_meta`; what is malformed in it is dropped.
    #[must_use]
    pub fn from_json(json: &Json<'_>) -> Self {
        let mut meta = Self::default();
        for (key, child) in json.as_object().into_iter().flat_map(Object::iter) {
            if key.is_empty() {
                meta.note = Note::from_json(child)
                    .filter(|note| !note.is_empty())
                    .map(Box::new);
            } else {
                let child = Self::from_json(child);
                if !child.is_empty() {
                    meta.children.insert(key.to_owned(), child);
                }
            }
        }
        meta
    }

    /// The tree as `_meta`; empty branches are left out.
    #[must_use]
    pub fn to_json(&self) -> Json<'static> {
        let note = self.note().map(|note| (Cow::Borrowed(""), note.to_json()));
        let children = self.children.iter().filter(|(_, child)| !child.is_empty());
        let children = children.map(|(key, child)| (Cow::Owned(key.clone()), child.to_json()));
        // Not one by one: a list may have as many notes as items, and each insertion looks through all keys.
        Json::Object(note.into_iter().chain(children).collect())
    }

    /// Whether there is no note in this node or below it.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.note().is_none() && self.children.values().all(Self::is_empty)
    }

    /// The node's own note.
    #[must_use]
    pub fn note(&self) -> Option<&Note> {
        self.note.as_deref().filter(|note| !note.is_empty())
    }

    /// The node's own note, made if there is none yet.
    pub fn note_mut(&mut self) -> &mut Note {
        self.note.get_or_insert_default()
    }

    /// The child `key` (a member's name or a list index in decimal), if it has notes.
    #[must_use]
    pub fn child(&self, key: &str) -> Option<&Self> {
        self.children.get(key)
    }

    /// The child `key`, made if there is none yet.
    pub fn child_mut(&mut self, key: &str) -> &mut Self {
        self.children.entry(key.to_owned()).or_default()
    }

    /// The node at `path`, made if there is none yet.
    pub fn at_mut<'k>(&mut self, path: impl IntoIterator<Item = &'k str>) -> &mut Self {
        path.into_iter().fold(self, |meta, key| meta.child_mut(key))
    }

    /// The node at `path`, if it has notes.
    #[must_use]
    pub fn at(&self, path: &[&str]) -> Option<&Self> {
        path.iter().try_fold(self, |meta, key| meta.child(key))
    }

    /// Removes the child `key` with all below it and returns it.
    pub fn remove_child(&mut self, key: &str) -> Option<Self> {
        self.children.remove(key)
    }

    /// Puts `child` at `key`, in place of what was there.
    pub fn set_child(&mut self, key: impl Into<String>, child: Self) {
        if child.is_empty() {
            return;
        }
        self.children.insert(key.into(), child);
    }

    /// All children with their keys.
    pub fn children(&self) -> impl Iterator<Item = (&str, &Self)> {
        self.children
            .iter()
            .map(|(key, child)| (key.as_str(), child))
    }

    /// Calls `visit` with the dotted path of every note, in key order.
    pub fn for_each_note(&self, visit: &mut impl FnMut(&str, &Note)) {
        self.walk(&mut String::new(), visit);
    }

    fn walk(&self, path: &mut String, visit: &mut impl FnMut(&str, &Note)) {
        if let Some(note) = self.note() {
            visit(path, note);
        }
        for (key, child) in &self.children {
            let length = path.len();
            if length > 0 {
                path.push('.');
            }
            path.push_str(key);
            child.walk(path, visit);
            path.truncate(length);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::json::{parse_str, to_string};

    #[test]
    fn a_clients_notes_survive_a_round_trip() {
        let text = r#"{"a":{"0":{"":{"rem":[["!limit","s",8189,8192],["@password:filter","x"]],"err":["clock_drift",["invalid_data",{"reason":"no"}]],"len":9000,"val":{"x":1}}}},"b":{"":{"len":3}}}"#;
        let meta = Meta::from_json(&parse_str(text).unwrap());
        assert_eq!(to_string(&meta.to_json()), text);
        let mut paths = Vec::new();
        meta.for_each_note(&mut |path, _| paths.push(path.to_owned()));
        assert_eq!(paths, ["a.0", "b"]);
    }

    #[test]
    fn malformed_notes_are_dropped() {
        for text in [
            "null",
            "[]",
            r#"{"":5}"#,
            r#"{"a":{"":{"rem":5,"err":{},"len":-1}}}"#,
            r#"{"a":{"b":{}}}"#,
        ] {
            assert!(
                Meta::from_json(&parse_str(text).unwrap()).is_empty(),
                "{text}"
            );
        }
    }

    #[test]
    fn looking_does_not_leave_empty_branches() {
        let mut meta = Meta::default();
        meta.at_mut(["a", "b"]);
        assert!(meta.is_empty());
        assert_eq!(to_string(&meta.to_json()), "{}");
        meta.at_mut(["a", "b"])
            .note_mut()
            .errors
            .push(FieldError::invalid("no"));
        assert_eq!(
            to_string(&meta.to_json()),
            r#"{"a":{"b":{"":{"err":[["invalid_data",{"reason":"no"}]]}}}}"#
        );
    }
}
