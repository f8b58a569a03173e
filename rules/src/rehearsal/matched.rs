//! Which fields made a rule apply.

use bugle_protocol::UnixMillis;
use bugle_query::{Fields, Key, Query, Term, Test, Values};

use super::parts::Asks;
use crate::facts::Facts;

/// Fields of one example.
const MAX_FIELDS: usize = 6;

/// Characters of a value.
const MAX_CHARS: usize = 160;

/// A field that a rule looked at, with what it found there.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// The field as it is written in a condition; empty for free text.
    pub field: String,
    /// The value, cut to 160 characters; `None` if there is none, which a negated term or `has` may ask for.
    pub value: Option<String>,
}

/// One text of a field that has several.
struct One<'t> {
    text: &'t str,
    now: UnixMillis,
}

impl Fields for One<'_> {
    fn values(&self, _: &Key) -> Values<'_> {
        self.text.into()
    }

    fn free_text(&self) -> Values<'_> {
        self.text.into()
    }

    fn now(&self) -> UnixMillis {
        self.now
    }
}

/// What a rule that holds found.
pub(super) fn of(asks: &Asks, facts: &Facts<'_>) -> Vec<Matched> {
    match asks {
        Asks::Condition(condition) => of_condition(condition, facts),
        Asks::Fields(keys) => {
            let found = keys.iter().map(|key| Matched {
                field: key.to_string(),
                value: shown(&facts.values(key), &|_| true),
            });
            let found = found.filter(|found| found.value.is_some());
            found.take(MAX_FIELDS).collect()
        }
    }
}

fn of_condition(condition: &Query, facts: &Facts<'_>) -> Vec<Matched> {
    let terms = condition.terms().into_iter();
    let holding = terms.filter(|term| term.matches(facts));
    let mut found: Vec<Matched> = Vec::new();
    for matched in holding.map(|term| of_term(term, facts)) {
        if !found.contains(&matched) {
            found.push(matched);
        }
        if found.len() == MAX_FIELDS {
            break;
        }
    }
    found
}

fn of_term(term: &Term, facts: &Facts<'_>) -> Matched {
    let values = match term.key() {
        Some(key) => facts.values(key),
        None => facts.free_text(),
    };
    let now = facts.now();
    // A field with several texts may hold because of one of them.
    let is_reason =
        |text: &str| matches!(term.test, Test::Has(_)) || term.matches(&One { text, now });
    Matched {
        field: term.key().map(Key::to_string).unwrap_or_default(),
        value: shown(&values, &is_reason),
    }
}

/// A value as text; of several the first that is wanted, else the first.
fn shown(values: &Values<'_>, is_wanted: &dyn Fn(&str) -> bool) -> Option<String> {
    let text = match values {
        Values::None => return None,
        Values::Opaque => "…".to_owned(),
        Values::Many(values) => {
            let mut texts = values.iter().filter_map(|value| shown(value, &|_| true));
            let first = texts.next()?;
            match is_wanted(&first) {
                true => first,
                false => texts.find(|text| is_wanted(text)).unwrap_or(first),
            }
        }
        Values::Text(text) | Values::Version(text) => text.to_string(),
        Values::Texts(texts) => {
            let wanted = texts.iter().find(|text| is_wanted(text));
            wanted.or(texts.first())?.to_string()
        }
        Values::Number(number) => number.to_string(),
        Values::Duration(ms) => format!("{ms}ms"),
        Values::Time(time) => time.to_rfc3339(),
        Values::Bool(truth) => truth.to_string(),
        Values::Level(level) => level.as_str().to_owned(),
        Values::Address(address) => address.to_string(),
    };
    (!text.is_empty()).then(|| cut(&text))
}

/// The beginning of a text.
pub(super) fn cut(text: &str) -> String {
    match text.char_indices().nth(MAX_CHARS) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}
