//! The pieces of a statement between which clauses are told apart, and how they are written.

use std::borrow::Cow;
use std::fmt::Write as _;

/// What stands for every literal and placeholder.
pub(super) const VALUE: &str = "%s";
/// What stands for a list of columns.
pub(super) const MANY: &str = "..";

/// One piece, with its text as it will be written.
#[derive(Clone, Debug)]
pub(super) struct Item<'t> {
    pub(super) text: Cow<'t, str>,
    pub(super) kind: Kind,
}

/// What a piece is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// A word of the language, in capitals.
    Key,
    /// A table, column or function.
    Name,
    /// A literal or placeholder.
    Value,
    /// An operator.
    Op,
    Comma,
    /// Something in parentheses, which are part of its text.
    Group(Shape),
    /// Something in brackets behind a value.
    Subscript,
    /// An expression of which nothing more has to be known.
    Done,
}

/// What is in a pair of parentheses.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// Nothing but literals.
    Values,
    /// A statement of its own.
    Query,
    /// Terms with one operator between all of them; one term alone has none.
    Terms(Option<&'static str>, Vec<String>),
    /// Anything else.
    Other,
}

impl<'t> Item<'t> {
    pub(super) fn new(text: impl Into<Cow<'t, str>>, kind: Kind) -> Self {
        let text = text.into();
        Self { text, kind }
    }

    pub(super) fn key(word: &'static str) -> Self {
        Self::new(word, Kind::Key)
    }

    pub(super) fn done(text: impl Into<Cow<'t, str>>) -> Self {
        Self::new(text, Kind::Done)
    }

    pub(super) fn value() -> Self {
        Self::new(VALUE, Kind::Value)
    }

    pub(super) fn is_key(&self, word: &str) -> bool {
        self.kind == Kind::Key && self.text == word
    }

    pub(super) fn is_group(&self) -> bool {
        matches!(self.kind, Kind::Group(_))
    }
}

/// Writes the pieces with the blanks that belong between them.
pub(super) fn write(items: &[Item<'_>]) -> String {
    let length = items.iter().map(|item| item.text.len() + 1).sum();
    let mut out = String::with_capacity(length);
    let mut before: Option<&Item<'_>> = None;
    for item in items {
        if before.is_some_and(|before| has_blank(before, item)) {
            out.push(' ');
        }
        // Writing to a text cannot fail.
        let _ = out.write_str(&item.text);
        before = Some(item);
    }
    out
}

fn has_blank(before: &Item<'_>, item: &Item<'_>) -> bool {
    match (&before.kind, &item.kind) {
        (_, Kind::Comma | Kind::Subscript) => false,
        // A call.
        (Kind::Name, Kind::Group(_)) => false,
        _ => before.text != "." && item.text != ".",
    }
}
