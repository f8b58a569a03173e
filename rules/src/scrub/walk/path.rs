//! Where a value stands in an event: for its notes, and as selectors know it.

use bugle_protocol::Meta;

use crate::scrub::matcher::Step;
use crate::scrub::schema::{Field, Types};

/// The way to a value through the event, as its notes stand under.
#[derive(Clone, Copy)]
pub(super) struct Path<'p> {
    pub(super) parent: Option<&'p Path<'p>>,
    pub(super) name: Name<'p>,
}

#[derive(Clone, Copy)]
pub(super) enum Name<'p> {
    Key(&'p str),
    Index(usize),
    /// The second of two in a list, of which the first is a text: known by that and by its place.
    Second(&'p str),
}

/// How selectors know a value: its key or its place in a list, and the field it is.
#[derive(Clone, Copy)]
pub(super) struct Known<'k> {
    pub(super) name: Name<'k>,
    pub(super) field: &'static Field,
}

impl<'k> Known<'k> {
    /// The key that rules see.
    pub(super) fn key(self) -> Option<&'k str> {
        match self.name {
            Name::Key(key) | Name::Second(key) => Some(key),
            Name::Index(_) => None,
        }
    }

    pub(super) fn step(self, types: Types) -> Step<'k> {
        let (key, index) = match self.name {
            Name::Key(key) => (Some(key), None),
            Name::Index(index) => (None, Some(index)),
            Name::Second(key) => (Some(key), Some(1)),
        };
        Step { key, index, types }
    }
}

impl<'p> Path<'p> {
    pub(super) fn child<'c>(&'c self, name: Name<'c>) -> Path<'c>
    where
        'p: 'c,
    {
        Path {
            parent: Some(self),
            name,
        }
    }

    /// The notes of the value, made if there are none yet.
    pub(super) fn notes<'m>(&self, root: &'m mut Meta) -> &'m mut Meta {
        let parent = match self.parent {
            Some(parent) => parent.notes(root),
            None => root,
        };
        match self.name {
            Name::Key(key) => parent.child_mut(key),
            Name::Index(index) => parent.child_mut(&index.to_string()),
            Name::Second(_) => parent.child_mut("1"),
        }
    }

    /// The notes of the value, if it has any.
    pub(super) fn find_notes<'m>(&self, root: &'m Meta) -> Option<&'m Meta> {
        let parent = match self.parent {
            Some(parent) => parent.find_notes(root)?,
            None => root,
        };
        match self.name {
            Name::Key(key) => parent.child(key),
            Name::Index(index) => parent.child(&index.to_string()),
            Name::Second(_) => parent.child("1"),
        }
    }
}
