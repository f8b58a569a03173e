//! The walk over an event: finds the rules for each value and applies them.

mod originals;

use std::borrow::Cow;

use bugle_protocol::json::{Json, Object};
use bugle_protocol::meta::{Note, Remark, RemarkKind};
use bugle_protocol::{Event, Meta};

use super::matcher::Step;
use super::rules::Rule;
use super::schema::{Class, EVENT, FREE_TRUE, Field, Kind, Shape, Types, ValueType, free_field};
use super::text::Redactable;
use super::traits::{Traits, byte};
use super::{Pass, user};

/// Texts that say nothing.
const EXEMPT: [&str; 5] = ["", "true", "false", "null", "undefined"];

/// Runs the rules of one pass over the whole event.
pub(super) fn run(pass: &Pass, event: &mut Event<'_>, meta: &mut Meta) {
    let ip_was_valid = user::has_valid_ip(event);
    if !meta.is_empty() {
        originals::scrub(pass, event, meta);
    }
    Walk::new(pass, meta).members(&mut event.fields, &EVENT, None);
    if ip_was_valid {
        user::keep_hashed_ip(event, meta);
    }
}

/// The way to a value through the event, as its notes stand under.
#[derive(Clone, Copy)]
struct Path<'p> {
    parent: Option<&'p Path<'p>>,
    name: Name<'p>,
}

#[derive(Clone, Copy)]
enum Name<'p> {
    Key(&'p str),
    Index(usize),
}

/// How selectors know a value: its key or place, and the field it is.
#[derive(Clone, Copy)]
struct Known<'k> {
    key: Option<&'k str>,
    index: Option<usize>,
    field: &'static Field,
}

/// What became of a value.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Untouched,
    Changed,
    /// A rule takes the whole value away.
    Deleted,
}

struct Walk<'s, 'm> {
    pass: &'s Pass,
    /// The matcher's states of all values from the event down to the current one.
    states: Vec<u64>,
    meta: &'m mut Meta,
    /// Whether there were notes before; nearly always not.
    has_notes: bool,
}

impl<'s, 'm> Walk<'s, 'm> {
    fn new(pass: &'s Pass, meta: &'m mut Meta) -> Self {
        Self {
            pass,
            states: vec![0; pass.matcher.words()],
            has_notes: !meta.is_empty(),
            meta,
        }
    }

    fn members(
        &mut self,
        object: &mut Object<'_>,
        shape: &'static Shape,
        parent: Option<&Path<'_>>,
    ) -> Fate {
        let mut fate = Fate::Untouched;
        for (key, value) in object.iter_mut() {
            let field = shape.field(key);
            fate = fate.and(self.visit(
                value,
                Known {
                    key: Some(key),
                    index: None,
                    field,
                },
                Path {
                    parent,
                    name: Name::Key(key),
                },
            ));
        }
        fate
    }

    /// Scrubs a value and what is in it.
    fn visit(&mut self, value: &mut Json<'_>, known: Known<'_>, path: Path<'_>) -> Fate {
        let field = known.field;
        let unreachable = field.class == Class::False && matches!(field.kind, Kind::Free);
        if unreachable || matches!(value, Json::Null | Json::Bool(_)) {
            return Fate::Untouched;
        }
        let outer = self.states.len();
        self.pass.matcher.enter(
            &mut self.states,
            Step {
                key: known.key,
                index: known.index,
                types: types_of(value, field),
            },
        );
        let fate = match value {
            Json::String(text) => self.string(text, known, &path),
            _ => match self.container(known, &path) {
                Fate::Deleted => Fate::Deleted,
                fate => fate.and(self.inside(value, field, &path)),
            },
        };
        self.states.truncate(outer);
        if fate == Fate::Deleted {
            *value = Json::Null;
            return Fate::Changed;
        }
        fate
    }

    fn inside(&mut self, value: &mut Json<'_>, field: &'static Field, path: &Path<'_>) -> Fate {
        match (value, &field.kind) {
            (Json::Object(object), Kind::Object(shape)) => self.members(object, shape, Some(path)),
            (Json::Object(object), Kind::List(_)) => self.wrapped_list(object, field, path),
            (Json::Object(object), _) => self.free_members(object, field.class, path),
            (Json::Array(items), Kind::List(item)) => self.items(items, item, path),
            (Json::Array(items), Kind::Pairs) => self.pairs(items, field.class, path),
            (Json::Array(items), _) => self.free_items(items, field.class, path),
            _ => Fate::Untouched,
        }
    }

    /// `{"values": [...]}`, which is how interfaces wrap their lists.
    fn wrapped_list(
        &mut self,
        object: &mut Object<'_>,
        list: &'static Field,
        parent: &Path<'_>,
    ) -> Fate {
        let mut fate = Fate::Untouched;
        for (key, value) in object.iter_mut() {
            let field = if key == "values" { list } else { &FREE_TRUE };
            let path = Path {
                parent: Some(parent),
                name: Name::Key(key),
            };
            fate = fate.and(self.visit(
                value,
                Known {
                    key: Some(key),
                    index: None,
                    field,
                },
                path,
            ));
        }
        fate
    }

    fn free_members(&mut self, object: &mut Object<'_>, class: Class, parent: &Path<'_>) -> Fate {
        let Some(field) = free_field(class) else {
            return Fate::Untouched;
        };
        let mut fate = Fate::Untouched;
        for (key, value) in object.iter_mut() {
            let path = Path {
                parent: Some(parent),
                name: Name::Key(key),
            };
            fate = fate.and(self.visit(
                value,
                Known {
                    key: Some(key),
                    index: None,
                    field,
                },
                path,
            ));
        }
        fate
    }

    fn items(&mut self, items: &mut [Json<'_>], field: &'static Field, parent: &Path<'_>) -> Fate {
        let mut fate = Fate::Untouched;
        for (index, item) in items.iter_mut().enumerate() {
            let path = Path {
                parent: Some(parent),
                name: Name::Index(index),
            };
            fate = fate.and(self.visit(
                item,
                Known {
                    key: None,
                    index: Some(index),
                    field,
                },
                path,
            ));
        }
        fate
    }

    /// A list of a sender's making, which may be one of pairs.
    fn free_items(&mut self, items: &mut [Json<'_>], class: Class, parent: &Path<'_>) -> Fate {
        let Some(field) = free_field(class) else {
            return Fate::Untouched;
        };
        if items.iter().all(is_pair) {
            return self.pairs(items, class, parent);
        }
        self.items(items, field, parent)
    }

    fn pairs(&mut self, items: &mut [Json<'_>], class: Class, parent: &Path<'_>) -> Fate {
        let Some(field) = free_field(class) else {
            return Fate::Untouched;
        };
        let mut fate = Fate::Untouched;
        for (index, item) in items.iter_mut().enumerate() {
            let path = Path {
                parent: Some(parent),
                name: Name::Index(index),
            };
            let pair = item
                .as_array_mut()
                .and_then(|pair| self.pair(pair, field, &path));
            fate = fate.and(match pair {
                Some(fate) => fate,
                // A pair without a key, or no pair at all.
                None => self.visit(
                    item,
                    Known {
                        key: None,
                        index: Some(index),
                        field,
                    },
                    path,
                ),
            });
        }
        fate
    }

    /// Scrubs the value of `[key, value]`; `None` if the items are no pair.
    fn pair(
        &mut self,
        items: &mut [Json<'_>],
        field: &'static Field,
        parent: &Path<'_>,
    ) -> Option<Fate> {
        let [Json::String(key), value] = items else {
            return None;
        };
        let path = Path {
            parent: Some(parent),
            name: Name::Index(1),
        };
        Some(self.visit(
            value,
            Known {
                key: Some(key),
                index: None,
                field,
            },
            path,
        ))
    }

    /// The rules that apply to the value whose state is the last.
    fn rules(&self, class: Class) -> impl Iterator<Item = &'s Rule> + use<'s> {
        let pass = self.pass;
        let state = &self.states[self.states.len() - pass.matcher.words()..];
        // At most a few applications match, and most values match one or none.
        let matching: u64 = (0..pass.applications.len().min(64))
            .filter(|&i| pass.matcher.matches(i, state, class))
            .fold(0, |set, i| set | 1 << i);
        let more: Vec<usize> = (64..pass.applications.len())
            .filter(|&i| pass.matcher.matches(i, state, class))
            .collect();
        let first = (0..64).filter(move |i| matching >> i & 1 == 1);
        first.chain(more).flat_map(|i| &pass.applications[i])
    }

    /// Applies the rules that take away values other than texts.
    fn container(&mut self, known: Known<'_>, path: &Path<'_>) -> Fate {
        let key = known.key.unwrap_or_default();
        let mut rules = self.rules(known.field.class);
        let Some(rule) =
            rules.find(|rule| rule.detector.is_anything() || rule.detector.matches_key(key))
        else {
            return Fate::Untouched;
        };
        self.removed(rule, path);
        Fate::Deleted
    }

    fn string(&mut self, text: &mut Cow<'_, str>, known: Known<'_>, path: &Path<'_>) -> Fate {
        if EXEMPT.contains(&text.as_ref()) {
            return Fate::Untouched;
        }
        // The base name stays out of sight of all rules.
        let visible = match known.field.kind {
            Kind::ImagePath => text.rfind(['/', '\\']).unwrap_or(text.len()),
            _ => text.len(),
        };
        let Some(redacted) = self.redact(&text[..visible], known, path) else {
            return Fate::Untouched;
        };
        match redacted {
            Redacted::Deleted if visible < text.len() => {
                *text = Cow::Owned(text[visible + 1..].to_owned());
                Fate::Changed
            }
            Redacted::Deleted => Fate::Deleted,
            Redacted::Text(mut new) => {
                new.push_str(&text[visible..]);
                *text = Cow::Owned(new);
                Fate::Changed
            }
        }
    }

    /// Applies the rules to a text; `None` if they leave it as it is.
    fn redact(&mut self, text: &str, known: Known<'_>, path: &Path<'_>) -> Option<Redacted> {
        let mut rules = self.rules(known.field.class).peekable();
        rules.peek()?;
        let key = known.key.unwrap_or_default();
        let mut traits = Traits::of(text);
        // Most texts are never taken apart.
        let mut parts = (self.has_notes || traits.has_bytes(byte::NUL))
            .then(|| Redactable::new(text, self.remarks(path)));
        if let Some(parts) = &parts {
            traits = Traits::of(parts.visible());
        }
        for rule in rules {
            let whole = rule.detector.matches_key(key);
            if rule.removes() && (whole || rule.detector.is_anything()) {
                self.finish(text, parts, path);
                self.removed(rule, path);
                return Some(Redacted::Deleted);
            }
            let visible = parts.as_ref().map_or(text, Redactable::visible);
            let ranges = match whole {
                true => vec![(0, visible.len())],
                false if rule.detector.may_match(traits) => rule.detector.find(visible, traits),
                false => continue,
            };
            if !ranges.is_empty() {
                let parts = parts.get_or_insert_with(|| Redactable::new(text, &[]));
                parts.redact(&ranges, &rule.origin, &rule.redaction);
                traits = Traits::of(parts.visible());
            }
        }
        self.finish(text, parts, path).map(Redacted::Text)
    }

    fn removed(&mut self, rule: &Rule, path: &Path<'_>) {
        let remark = Remark::new(rule.origin.clone(), RemarkKind::Removed);
        self.note(path).remarks.push(remark);
    }

    /// Notes what was redacted in a text and returns the new one, if it is another.
    fn finish(
        &mut self,
        text: &str,
        parts: Option<Redactable<'_>>,
        path: &Path<'_>,
    ) -> Option<String> {
        let (new, remarks) = parts?.finish();
        if new == text {
            return None;
        }
        let note = self.note(path);
        note.remarks = remarks;
        note.original_length
            .get_or_insert(text.chars().count() as u64);
        Some(new)
    }

    fn note(&mut self, path: &Path<'_>) -> &mut Note {
        path.meta(self.meta).note_mut()
    }

    fn remarks(&self, path: &Path<'_>) -> &[Remark] {
        let note = path.find(self.meta).and_then(Meta::note);
        note.map_or(&[], |note| &note.remarks)
    }
}

/// A text after the rules.
enum Redacted {
    Deleted,
    Text(String),
}

impl Fate {
    fn and(self, other: Self) -> Self {
        if self == Self::Untouched { other } else { self }
    }
}

impl Path<'_> {
    fn meta<'m>(&self, root: &'m mut Meta) -> &'m mut Meta {
        let parent = match self.parent {
            Some(parent) => parent.meta(root),
            None => root,
        };
        match self.name {
            Name::Key(key) => parent.child_mut(key),
            Name::Index(index) => parent.child_mut(&index.to_string()),
        }
    }

    fn find<'m>(&self, root: &'m Meta) -> Option<&'m Meta> {
        let parent = match self.parent {
            Some(parent) => parent.find(root)?,
            None => root,
        };
        match self.name {
            Name::Key(key) => parent.child(key),
            Name::Index(index) => parent.child(&index.to_string()),
        }
    }
}

fn types_of(value: &Json<'_>, field: &Field) -> Types {
    const PAIRS: Types = Types::of(ValueType::Array).and(Types::of(ValueType::Object));
    let own = match value {
        Json::Null => Types::NONE,
        Json::Bool(_) => Types::of(ValueType::Boolean),
        Json::Number(_) => Types::of(ValueType::Number),
        Json::String(_) => Types::of(ValueType::String),
        // Pairs stand for an object.
        Json::Array(_) | Json::Object(_) if matches!(field.kind, Kind::Pairs) => PAIRS,
        Json::Array(_) => Types::of(ValueType::Array),
        Json::Object(_) => Types::of(ValueType::Object),
    };
    own.and(field.types)
}

fn is_pair(value: &Json<'_>) -> bool {
    matches!(value.as_array(), Some([Json::String(_), _]))
}
