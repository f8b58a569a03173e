//! Conditions: terms joined by AND and OR, each once, without parentheses that say nothing.

use std::collections::HashSet;

use super::item::{Item, Kind, Shape, write};

/// Terms and the operator between all of them.
pub(super) type Terms = (Option<&'static str>, Vec<String>);

/// The terms of a condition.
pub(super) fn terms(items: &[Item<'_>]) -> Terms {
    let choices = split(items, "OR");
    if let [single] = choices[..] {
        return conjunction(single);
    }
    let mut terms = Unique::default();
    for choice in choices {
        match conjunction(choice) {
            (Some("AND"), parts) => terms.add(parts.join(" AND ")),
            (_, parts) => parts.into_iter().for_each(|part| terms.add(part)),
        }
    }
    terms.joined_by("OR")
}

/// A condition in one line.
pub(super) fn condition(items: &[Item<'_>]) -> String {
    join(&terms(items))
}

/// Terms in one line.
pub(super) fn join((operator, terms): &Terms) -> String {
    match operator {
        Some(operator) => terms.join(&format!(" {operator} ")),
        None => terms.concat(),
    }
}

fn conjunction(items: &[Item<'_>]) -> Terms {
    let parts = split(items, "AND");
    if let [single] = parts[..] {
        return match single {
            // Parentheses around everything.
            [
                Item {
                    kind: Kind::Group(Shape::Terms(operator, terms)),
                    ..
                },
            ] => (*operator, terms.clone()),
            single => (None, vec![write(single)]),
        };
    }
    let mut terms = Unique::default();
    for part in parts {
        match conjunction_part(part) {
            Some(inner) => inner.iter().for_each(|term| terms.add(term.clone())),
            None => terms.add(write(part)),
        }
    }
    terms.joined_by("AND")
}

/// What is in the parentheses of a part, if it means the same without them.
fn conjunction_part<'i>(part: &'i [Item<'_>]) -> Option<&'i [String]> {
    match part {
        [
            Item {
                kind: Kind::Group(Shape::Terms(None | Some("AND"), terms)),
                ..
            },
        ] => Some(terms),
        _ => None,
    }
}

/// The parts between an operator; the AND of a BETWEEN is none.
fn split<'i, 't>(items: &'i [Item<'t>], operator: &str) -> Vec<&'i [Item<'t>]> {
    let mut is_range = false;
    let parts = items.split(|item| {
        if item.is_key("BETWEEN") {
            is_range = true;
        } else if item.is_key("AND") && std::mem::take(&mut is_range) {
            return false;
        }
        item.is_key(operator)
    });
    parts.filter(|part| !part.is_empty()).collect()
}

/// Texts in their order, each once.
#[derive(Default)]
struct Unique {
    list: Vec<String>,
    known: HashSet<String>,
}

impl Unique {
    fn add(&mut self, text: String) {
        if self.known.insert(text.clone()) {
            self.list.push(text);
        }
    }

    fn joined_by(self, operator: &'static str) -> Terms {
        let operator = (self.list.len() > 1).then_some(operator);
        (operator, self.list)
    }
}
