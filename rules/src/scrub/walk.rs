//! The walk over an event: says of each value what it is and where, and lets the rules at it.

mod apply;
mod memo;
mod originals;
mod path;

use bugle_protocol::json::{Json, Object};
use bugle_protocol::{Event, Meta};

use super::fired::Fired;
use super::matcher::Step;
use super::schema::{Class, EVENT, FREE_TRUE, Field, Kind, Shape, Types, ValueType, free_field};
use super::{Pass, user};
use apply::Value;
use memo::Memo;
use path::{Known, Name, Path};

/// A longer text is hardly the key of what stands beside it.
const LONGEST_KEY: usize = 64;

/// What a key may have in it besides letters and digits; quotes are around those in texts of local variables.
const KEY_SIGNS: [char; 6] = ['_', '-', '.', ':', '\'', '"'];

/// Runs the rules of one pass over the whole event.
pub(super) fn run<'s>(
    pass: &'s Pass,
    event: &mut Event<'_>,
    meta: &mut Meta,
    fired: &mut Fired<'s>,
) {
    let ip_was_valid = user::has_valid_ip(event);
    if !meta.is_empty() {
        originals::scrub(pass, event, meta, fired);
    }
    Walk::new(pass, meta, fired).members(&mut event.fields, &EVENT, None);
    if ip_was_valid {
        user::keep_hashed_ip(event, meta);
    }
}

/// Runs the rules of one pass over an item that is no event, known by its `field`.
pub(super) fn run_item<'s>(
    pass: &'s Pass,
    item: &mut Json<'_>,
    field: &'static Field,
    meta: &mut Meta,
    fired: &mut Fired<'s>,
) {
    let mut walk = Walk::new(pass, meta, fired);
    let step = Step {
        key: None,
        index: None,
        types: types_of(item, field),
    };
    pass.matcher.enter(&mut walk.states, step);
    if let (Json::Object(members), Kind::Object(shape)) = (item, &field.kind) {
        walk.members(members, shape, None);
    }
}

struct Walk<'s, 'm> {
    pass: &'s Pass,
    /// The matcher's states of all values from the event down to the current one.
    states: Vec<u64>,
    meta: &'m mut Meta,
    fired: &'m mut Fired<'s>,
    /// Whether there were notes before; nearly always not.
    has_notes: bool,
    memo: Memo<'s>,
}

impl<'s, 'm> Walk<'s, 'm> {
    fn new(pass: &'s Pass, meta: &'m mut Meta, fired: &'m mut Fired<'s>) -> Self {
        Self {
            pass,
            states: vec![0; pass.matcher.words()],
            has_notes: !meta.is_empty(),
            meta,
            fired,
            memo: Memo::new(),
        }
    }

    /// Scrubs a value and what is in it.
    fn visit(&mut self, value: &mut Json<'_>, known: Known<'_>, path: Path<'_>) {
        let field = known.field;
        let unreachable = field.class == Class::False && matches!(field.kind, Kind::Free);
        if unreachable || matches!(value, Json::Null | Json::Bool(_)) {
            return;
        }
        let outer = self.states.len();
        let step = known.step(types_of(value, field));
        self.pass.matcher.enter(&mut self.states, step);
        if self.apply(value, known, &path) {
            *value = Json::Null;
        } else {
            self.inside(value, field, &path);
        }
        self.states.truncate(outer);
    }

    /// Applies the rules to the value whose state is the last; says whether they take it away.
    fn apply(&mut self, value: &mut Json<'_>, known: Known<'_>, path: &Path<'_>) -> bool {
        let state = &self.states[self.states.len() - self.pass.matcher.words()..];
        let rules = self.memo.rules(self.pass, state, known.field.class);
        if rules.is_empty() {
            return false;
        }
        let target = Value {
            key: known.key(),
            path,
            has_notes: self.has_notes,
            meta: self.meta,
            fired: self.fired,
        };
        match value {
            Json::String(text) if matches!(known.field.kind, Kind::ImagePath) => {
                target.scrub_directory(text, rules);
                false
            }
            Json::String(text) => target.scrub_text(text, rules),
            _ => target.takes_container(rules),
        }
    }

    fn inside(&mut self, value: &mut Json<'_>, field: &'static Field, path: &Path<'_>) {
        match (value, &field.kind) {
            (Json::Object(object), Kind::Object(shape)) => self.members(object, shape, Some(path)),
            (Json::Object(object), Kind::Attributes(shape)) => self.attributes(object, shape, path),
            (Json::Object(object), kind) => self.free_members(object, field, kind, path),
            (Json::Array(items), Kind::List(item)) => self.items(items, item, path),
            (Json::Array(items), Kind::Pairs) => self.pairs(items, field.class, path),
            // A list of a sender's making may be one of pairs too.
            (Json::Array(items), _) if items.iter().all(is_pair) => {
                self.pairs(items, field.class, path);
            }
            (Json::Array(items), _) => {
                if let Some(field) = free_field(field.class) {
                    match self.pass.knows_pairs && is_one_pair(items) {
                        true => self.pair(items, field, path),
                        false => self.items(items, field, path),
                    }
                }
            }
            _ => {}
        }
    }

    fn members(
        &mut self,
        object: &mut Object<'_>,
        shape: &'static Shape,
        parent: Option<&Path<'_>>,
    ) {
        for (key, value) in object.iter_mut() {
            let name = Name::Key(key);
            let field = shape.field(key);
            self.visit(value, Known { name, field }, Path { parent, name });
        }
    }

    /// Scrubs the value of each `{"value": .., "type": ..}`. Rules know it by the attribute's name, and selectors as
    /// `attributes.NAME` and as `attributes.NAME.value`.
    fn attributes(&mut self, object: &mut Object<'_>, shape: &'static Shape, parent: &Path<'_>) {
        for (key, attribute) in object.iter_mut() {
            let name = Name::Key(key);
            let field = shape.field(key);
            let Some(value) = attribute
                .as_object_mut()
                .and_then(|attribute| attribute.get_mut("value"))
                .filter(|value| field.class != Class::False && !value.is_null())
            else {
                continue;
            };
            let path = parent.child(name);
            let path = path.child(Name::Key("value"));
            let known = Known { name, field };
            let outer = self.states.len();
            let types = types_of(value, field);
            self.pass.matcher.enter(&mut self.states, known.step(types));
            let mut is_taken = self.apply(value, known, &path);
            if !is_taken {
                let inner = Known {
                    name: Name::Key("value"),
                    field,
                };
                self.pass.matcher.enter(&mut self.states, inner.step(types));
                is_taken = self.apply(value, known, &path);
            }
            match is_taken {
                true => *value = Json::Null,
                false => self.inside(value, field, &path),
            }
            self.states.truncate(outer);
        }
    }

    /// Members of an object that has no shape, or of the `{"values": [...]}` around a list.
    fn free_members(
        &mut self,
        object: &mut Object<'_>,
        field: &'static Field,
        kind: &Kind,
        parent: &Path<'_>,
    ) {
        for (key, value) in object.iter_mut() {
            let member = match kind {
                Kind::List(_) if key == "values" => Some(field),
                Kind::List(_) => Some(&FREE_TRUE),
                _ => free_field(field.class),
            };
            if let Some(field) = member {
                let name = Name::Key(key);
                self.visit(value, Known { name, field }, parent.child(name));
            }
        }
    }

    fn items(&mut self, items: &mut [Json<'_>], field: &'static Field, parent: &Path<'_>) {
        for (index, item) in items.iter_mut().enumerate() {
            let name = Name::Index(index);
            self.visit(item, Known { name, field }, parent.child(name));
        }
    }

    /// Scrubs a pair that stands alone or among what is none: selectors know its value by the key and by the place.
    fn pair(&mut self, items: &mut [Json<'_>], field: &'static Field, parent: &Path<'_>) {
        if let [Json::String(key), value] = items {
            let place = Name::Index(1);
            let name = Name::Second(key);
            self.visit(value, Known { name, field }, parent.child(place));
        }
        if let Some(first) = items.first_mut() {
            let name = Name::Index(0);
            self.visit(first, Known { name, field }, parent.child(name));
        }
    }

    /// Scrubs the value of each `[key, value]`, which selectors know by its key.
    fn pairs(&mut self, items: &mut [Json<'_>], class: Class, parent: &Path<'_>) {
        let Some(field) = free_field(class) else {
            return;
        };
        for (index, item) in items.iter_mut().enumerate() {
            let place = Name::Index(index);
            let path = parent.child(place);
            match item.as_array_mut().map(Vec::as_mut_slice) {
                Some([Json::String(key), value]) => {
                    let name = Name::Key(key);
                    self.visit(value, Known { name, field }, path.child(Name::Index(1)));
                }
                // A pair without a key, or no pair at all.
                _ => self.visit(item, Known { name: place, field }, path),
            }
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

/// Whether a list is of a text that may be a key, and one value: a sentence with its arguments is none.
fn is_one_pair(items: &[Json<'_>]) -> bool {
    let may_be_in_key = |c: char| c.is_alphanumeric() || KEY_SIGNS.contains(&c);
    let [Json::String(key), _] = items else {
        return false;
    };
    key.len() <= LONGEST_KEY && key.chars().all(may_be_in_key)
}
