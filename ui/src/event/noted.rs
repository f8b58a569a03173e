//! A value of an event together with the notes on it.

use bugle_protocol::json::{Json, Object};
use bugle_protocol::{Event, Meta};

/// A JSON value and the part of `_meta` that belongs to it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Noted<'t, 'a> {
    /// The value; null if it was removed.
    pub(super) json: &'t Json<'a>,
    /// The notes on it and below it.
    pub(super) meta: Option<&'t Meta>,
}

impl<'t, 'a> Noted<'t, 'a> {
    /// An attribute of the event, also one that was removed.
    pub(super) fn field(event: &'t Event<'a>, meta: &'t Meta, key: &str) -> Option<Self> {
        let json = event.fields.get_raw(key)?;
        Self::present(json, meta.child(key))
    }

    /// Null means absent, unless there is a note that says why.
    fn present(json: &'t Json<'a>, meta: Option<&'t Meta>) -> Option<Self> {
        let is_noted = meta.is_some_and(|meta| meta.note().is_some());
        (!json.is_null() || is_noted).then_some(Self { json, meta })
    }

    /// A member of an object.
    pub(super) fn get(self, key: &str) -> Option<Self> {
        let json = self.object()?.get_raw(key)?;
        Self::present(json, self.meta.and_then(|meta| meta.child(key)))
    }

    /// A string member of an object.
    pub(super) fn str(self, key: &str) -> Option<&'t str> {
        self.object()?.get_str(key)
    }

    /// The object, if this is one.
    pub(super) fn object(self) -> Option<&'t Object<'a>> {
        self.json.as_object()
    }

    /// The members of an object, nulls included, because locals are often null.
    pub(super) fn members(self) -> impl Iterator<Item = (&'t str, Self)> {
        let members = self.object().into_iter().flat_map(Object::iter);
        members.map(move |(key, json)| {
            let meta = self.meta.and_then(|meta| meta.child(key));
            (key, Self { json, meta })
        })
    }

    /// The items of a list, each under its index in the notes.
    pub(super) fn items(self) -> impl DoubleEndedIterator<Item = Self> + ExactSizeIterator {
        let items = self.json.as_array().unwrap_or_default();
        items.iter().enumerate().map(move |(i, json)| Self {
            json,
            meta: self.meta.and_then(|meta| meta.child(&i.to_string())),
        })
    }

    /// The list behind `{"values": [...]}`, or the list itself.
    pub(super) fn values(self) -> Self {
        self.get("values").unwrap_or(self)
    }
}
