//! Rows of a name and a value, which most of an event's page is made of.

use bugle_protocol::Json;
use serde::Serialize;

use super::noted::Noted;
use super::rich::{self, Piece};
use crate::url::as_link;

/// A value of more lines is folded.
const FOLD_LINES: usize = 12;

/// The most rows of a table; the JSON has them all.
const MOST_FIELDS: usize = 1000;

/// A row.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(crate) struct Field {
    /// The name.
    pub(super) key: String,
    /// The value.
    pub(super) pieces: Vec<Piece>,
    /// `text`, `number` or `other`, for the colour.
    kind: &'static str,
    /// Whether it has more than one line.
    is_block: bool,
    /// How many lines it has, if they are so many that they are better folded.
    folded_lines: Option<usize>,
    /// The link it is, if it is one.
    href: Option<String>,
    /// What the notes on the value say.
    note: Option<String>,
}

impl Field {
    /// A row of a value as it is.
    pub(super) fn new(key: &str, value: Noted<'_, '_>) -> Self {
        let pieces = rich::pieces(value);
        let lines = 1 + pieces
            .iter()
            .map(|piece| piece.text.matches('\n').count())
            .sum::<usize>();
        Self {
            key: key.to_owned(),
            kind: kind(value.json),
            is_block: lines > 1,
            folded_lines: (lines > FOLD_LINES).then_some(lines),
            href: link(&pieces),
            note: rich::words(value),
            pieces,
        }
    }

    /// A row of a text that no rule has touched.
    fn plain(key: &str, text: &str) -> Self {
        let text = text.to_owned();
        let pieces = vec![Piece { text, mark: None }];
        Self {
            key: key.to_owned(),
            kind: "text",
            is_block: false,
            folded_lines: None,
            href: link(&pieces),
            note: None,
            pieces,
        }
    }

    /// The same with a text behind it that is not part of the value; a link stays what it was.
    pub(super) fn with_suffix(mut self, suffix: &str) -> Self {
        self.pieces.push(Piece {
            text: suffix.to_owned(),
            mark: None,
        });
        self
    }

    /// The text without marks.
    pub(super) fn text(&self) -> String {
        self.pieces.iter().map(|p| p.text.as_str()).collect()
    }
}

fn kind(json: &Json<'_>) -> &'static str {
    match json {
        Json::String(_) => "text",
        Json::Number(_) => "number",
        _ => "other",
    }
}

/// A value that a rule changed is no link any more.
fn link(pieces: &[Piece]) -> Option<String> {
    match pieces {
        [Piece { text, mark: None }] => as_link(text).map(str::to_owned),
        _ => None,
    }
}

/// The tags of an event's row: those that follow from its fields, then the client's own with their marks.
pub(super) fn of_tags(own: Option<Noted<'_, '_>>, all: &[(String, String)]) -> Vec<Field> {
    let own = of_pairs(own);
    let is_derived = |key: &String| own.iter().all(|field| field.key != *key);
    let derived = all.iter().filter(|(key, _)| is_derived(key));
    let mut tags: Vec<Field> = derived
        .map(|(key, value)| Field::plain(key, value))
        .collect();
    tags.extend(own);
    tags
}

/// The first members of an object; nothing for anything else.
pub(super) fn of_object(value: Option<Noted<'_, '_>>) -> Vec<Field> {
    let members = value.into_iter().flat_map(Noted::members);
    members
        .take(MOST_FIELDS)
        .map(|(key, value)| Field::new(key, value))
        .collect()
}

/// A list of pairs as normalising leaves it, or the object that it may have been.
pub(super) fn of_pairs(value: Option<Noted<'_, '_>>) -> Vec<Field> {
    let Some(value) = value else {
        return Vec::new();
    };
    if value.object().is_some() {
        return of_object(Some(value));
    }
    value.items().take(MOST_FIELDS).filter_map(pair).collect()
}

fn pair(pair: Noted<'_, '_>) -> Option<Field> {
    let mut items = pair.items();
    let (key, value) = (items.next()?, items.next()?);
    let is_there = !key.json.is_null() || !value.json.is_null();
    is_there.then(|| Field::new(key.json.as_str().unwrap_or("[removed]"), value))
}
