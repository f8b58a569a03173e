//! Selectors to offer a user who writes a rule, with the values they would reach in an event.

use std::collections::BTreeSet;

use bugle_protocol::Event;
use bugle_protocol::json::{Json, Object};

use super::schema::{Class, EVENT, FREE_TRUE, Field, Kind, ValueType, free_field};
use super::selector::{PathItem, Selector};

/// A selector and one value it reaches.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Suggestion {
    /// The selector.
    pub selector: Selector,
    /// The value, if it is a text.
    pub value: Option<String>,
}

/// What there is to scrub in `event`: the path of every value a rule can reach, and the types of texts and numbers;
/// each once, in order of the selectors.
#[must_use]
pub fn suggest(event: &Event<'_>) -> Vec<Suggestion> {
    let mut collector = Collector::default();
    for (key, value) in event.fields.iter() {
        collector.visit(value, EVENT.field(key), key_item(key));
    }
    collector.found.into_iter().collect()
}

#[derive(Default)]
struct Collector {
    found: BTreeSet<Suggestion>,
    /// The path from the last value that has a type of its own.
    path: Vec<PathItem>,
}

impl Collector {
    fn visit(&mut self, value: &Json<'_>, field: &'static Field, item: PathItem) {
        if matches!(value, Json::Null | Json::Bool(_)) {
            return;
        }
        let outer = match field.types.indexes().next().and_then(ValueType::from_index) {
            Some(ty) => std::mem::replace(&mut self.path, vec![PathItem::Type(ty)]),
            None => {
                let outer = self.path.clone();
                self.path.push(item);
                outer
            }
        };
        self.offer(value, field.class);
        self.inside(value, field);
        self.path = outer;
    }

    fn offer(&mut self, value: &Json<'_>, class: Class) {
        if class == Class::False {
            return;
        }
        let text = value.as_str().map(str::to_owned);
        let basic = match value {
            Json::String(_) => Some(ValueType::String),
            Json::Number(_) => Some(ValueType::Number),
            _ => None,
        };
        if let Some(ty) = basic.filter(|_| class == Class::True) {
            self.found.insert(Suggestion {
                selector: Selector::of_type(ty),
                value: text.clone(),
            });
        }
        let selector = Selector::Path(self.path.clone());
        self.found.insert(Suggestion {
            selector,
            value: text,
        });
    }

    fn inside(&mut self, value: &Json<'_>, field: &'static Field) {
        match (value, &field.kind) {
            (Json::Object(object), kind) => self.members(object, kind, field),
            (Json::Array(items), Kind::List(item)) => items
                .iter()
                .for_each(|value| self.visit(value, item, PathItem::Wildcard)),
            (Json::Array(items), Kind::Pairs) => {
                items.iter().for_each(|pair| self.pair(pair, field))
            }
            (Json::Array(items), _) => {
                let Some(field) = free_field(field.class) else {
                    return;
                };
                items
                    .iter()
                    .for_each(|value| self.visit(value, field, PathItem::Wildcard));
            }
            _ => {}
        }
    }

    fn members(&mut self, object: &Object<'_>, kind: &'static Kind, field: &'static Field) {
        for (key, value) in object.iter() {
            let member = match kind {
                Kind::Object(shape) | Kind::Attributes(shape) => Some(shape.field(key)),
                Kind::List(_) if key == "values" => Some(field),
                Kind::List(_) => Some(&FREE_TRUE),
                _ => free_field(field.class),
            };
            if let Some(member) = member {
                self.visit(value, member, key_item(key));
            }
        }
    }

    fn pair(&mut self, pair: &Json<'_>, field: &'static Field) {
        if let (Some([Json::String(key), value]), Some(field)) =
            (pair.as_array(), free_field(field.class))
        {
            self.visit(value, field, key_item(key));
        }
    }
}

fn key_item(key: &str) -> PathItem {
    PathItem::Key(key.to_owned())
}
