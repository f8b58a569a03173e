//! Where the walker is, and what it has to say about the place.

use std::borrow::Cow;

use bugle_protocol::Json;
use bugle_protocol::json::Object;
use bugle_protocol::meta::{FieldError, Meta, Note, Remark, RemarkKind};

/// The way from the event's root to a value: a linked list on the stack, turned into keys only when there is a note.
#[derive(Clone, Copy)]
pub(super) struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    step: Step<'p>,
}

#[derive(Clone, Copy)]
enum Step<'p> {
    Root,
    Key(&'p str),
    Index(usize),
}

impl<'p> Path<'p> {
    /// The event itself.
    pub(super) const ROOT: Path<'static> = Path {
        parent: None,
        step: Step::Root,
    };

    /// The member `key` of this place.
    pub(super) fn key(&'p self, key: &'p str) -> Path<'p> {
        Path {
            parent: Some(self),
            step: Step::Key(key),
        }
    }

    /// The item `index` of this place.
    pub(super) fn index(&'p self, index: usize) -> Path<'p> {
        Path {
            parent: Some(self),
            step: Step::Index(index),
        }
    }

    fn node<'m>(&self, meta: &'m mut Meta) -> &'m mut Meta {
        let parent = match self.parent {
            Some(parent) => parent.node(meta),
            None => meta,
        };
        match self.step {
            // The empty key means the node itself in `_meta`, so a member of that name cannot have notes of its own.
            Step::Root | Step::Key("") => parent,
            Step::Key(key) => parent.child_mut(key),
            Step::Index(index) => parent.child_mut(&index.to_string()),
        }
    }

    fn find<'m>(&self, meta: &'m Meta) -> Option<&'m Meta> {
        let parent = match self.parent {
            Some(parent) => parent.find(meta)?,
            None => meta,
        };
        match self.step {
            Step::Root | Step::Key("") => Some(parent),
            Step::Key(key) => parent.child(key),
            Step::Index(index) => parent.child(&index.to_string()),
        }
    }
}

/// What is wrong with a value.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fault {
    kind: &'static str,
    reason: Option<Cow<'static, str>>,
    keeps_original: bool,
}

impl Fault {
    /// `invalid_data` with its reason; the original is worth keeping.
    pub(super) fn invalid(reason: impl Into<Cow<'static, str>>) -> Self {
        Self {
            kind: "invalid_data",
            reason: Some(reason.into()),
            keeps_original: true,
        }
    }

    /// A fault that needs no words beside its kind.
    pub(super) const fn of_kind(kind: &'static str) -> Self {
        Self {
            kind,
            reason: None,
            keeps_original: true,
        }
    }

    /// The same fault, of a value that says nothing (it was empty or is known).
    pub(super) fn without_original(mut self) -> Self {
        self.keeps_original = false;
        self
    }

    fn into_error(self) -> FieldError {
        match self.reason {
            Some(reason) => FieldError::new(self.kind).with("reason", reason),
            None => FieldError::new(self.kind),
        }
    }
}

/// How often something can be noted on one event. A list of a million wrong items would become a hundred times as large by
/// what is said about each of them; nobody reads so much.
const MAX_NOTES: usize = 5_000;

/// The notes taken on one event.
#[derive(Debug)]
pub(super) struct Notes {
    /// The notes of clients and our own.
    pub(super) meta: Meta,
    /// How often something can still be noted.
    left: usize,
    /// What is said too often goes here.
    unheard: Note,
}

impl Notes {
    /// Notes on an event of which a client said this already.
    pub(super) fn new(meta: Meta) -> Self {
        Self {
            meta,
            left: MAX_NOTES,
            unheard: Note::default(),
        }
    }

    /// The note of a place, made if there is none yet. After [`MAX_NOTES`] calls it is one that nobody hears of.
    pub(super) fn at(&mut self, path: &Path<'_>) -> &mut Note {
        if self.left == 0 {
            self.unheard = Note::default();
            return &mut self.unheard;
        }
        self.left -= 1;
        path.node(&mut self.meta).note_mut()
    }

    /// Whether something was said about a place or anything below it.
    pub(super) fn has(&self, path: &Path<'_>) -> bool {
        path.find(&self.meta).is_some_and(|meta| !meta.is_empty())
    }

    /// Notes an error and nothing else; the same error twice is one.
    pub(super) fn error(&mut self, path: &Path<'_>, error: FieldError) {
        let note = self.at(path);
        if !note.errors.contains(&error) {
            note.errors.push(error);
        }
    }

    /// Replaces a value by null and notes why; the original is kept in the note.
    pub(super) fn reject(&mut self, path: &Path<'_>, value: &mut Json<'_>, fault: Fault) {
        let original = value.take();
        if fault.keeps_original {
            self.at(path).original_value = Some(original.into_owned());
        }
        self.error(path, fault.into_error());
    }

    /// Notes that a required attribute is missing, unless it is known already why it is.
    pub(super) fn missing(&mut self, path: &Path<'_>) {
        if !self.has(path) {
            self.error(path, FieldError::new("missing_attribute"));
        }
    }

    /// Notes that `!limit` wrote an ellipsis over the bytes `start..end` of a text of `original` characters.
    pub(super) fn cut(&mut self, path: &Path<'_>, start: usize, end: usize, original: usize) {
        let note = self.at(path);
        note.remarks
            .push(Remark::new("!limit", RemarkKind::Substituted).at(start, end));
        note.original_length.get_or_insert(original as u64);
    }

    /// Notes that a container had `original` items before some were left out.
    pub(super) fn shortened(&mut self, path: &Path<'_>, original: usize) {
        self.at(path).original_length.get_or_insert(original as u64);
    }

    /// Follows the items of a list to their new places: `order` holds the old key of each, from the first on. What was
    /// said about items that are gone goes too.
    pub(super) fn reorder<K: ToString>(
        &mut self,
        path: &Path<'_>,
        order: impl IntoIterator<Item = K>,
    ) {
        if !self.has(path) {
            return;
        }
        let place = path.node(&mut self.meta);
        let mut old = std::mem::take(place);
        if let Some(note) = old.note() {
            *place.note_mut() = note.clone();
        }
        for (index, key) in order.into_iter().enumerate() {
            if let Some(child) = old.remove_child(&key.to_string()) {
                place.set_child(index.to_string(), child);
            }
        }
    }

    /// Moves all that was said about a member of the event to where the member went.
    pub(super) fn move_member(&mut self, key: &str, to: &[&str]) {
        if let Some(notes) = self.meta.remove_child(key) {
            *self.meta.at_mut(to.iter().copied()) = notes;
        }
    }

    /// Forgets all that was said about a member of the event.
    pub(super) fn forget(&mut self, key: &str) {
        self.meta.remove_child(key);
    }

    /// Moves what a client said about `from` and its children to `to` below the same place: the value has moved too.
    pub(super) fn wrap(&mut self, path: &Path<'_>, keys: &[&str]) {
        if !self.has(path) {
            return;
        }
        let place = path.node(&mut self.meta);
        let inner = std::mem::take(place);
        *place.at_mut(keys.iter().copied()) = inner;
    }
}

/// The member `key` as an object for changing it.
pub(super) fn object_mut<'t, 'a>(
    object: &'t mut Object<'a>,
    key: &str,
) -> Option<&'t mut Object<'a>> {
    object.get_mut(key)?.as_object_mut()
}

/// The items of `{"values": [...]}` at `key` for changing them.
pub(super) fn values_mut<'t, 'a>(event: &'t mut Object<'a>, key: &str) -> &'t mut [Json<'a>] {
    object_mut(event, key)
        .and_then(|wrapper| wrapper.get_mut("values"))
        .and_then(Json::as_array_mut)
        .map_or(&mut [], Vec::as_mut_slice)
}
