//! Whether a condition holds.

use std::borrow::Cow;
use std::cmp::Ordering;
use std::net::IpAddr;

use bugle_protocol::{Level, UnixMillis};

use crate::ast::{Expr, Key, Query, Term, Test, Value};
use crate::literal::Literal;
use crate::network::Network;
use crate::version;

/// Something that conditions can be asked about: an event, a transaction, an issue.
pub trait Fields {
    /// The values of a field. What is unknown, missing or null is [`Values::None`].
    fn values(&self, key: &Key) -> Values<'_>;

    /// The texts in which free text is looked for, such as title, message and culprit.
    fn free_text(&self) -> Values<'_>;

    /// The time from which relative times (`-24h`) count.
    fn now(&self) -> UnixMillis;
}

/// What a field holds; its type decides how the value of a query is read.
#[derive(Clone, Debug, Default)]
pub enum Values<'a> {
    /// Nothing.
    #[default]
    None,
    /// A text. Comparisons read it as what the query's value is: a number, a duration, a size or a time.
    Text(Cow<'a, str>),
    /// Several texts, one of which must satisfy the test. A slice that is made once per event costs nothing per rule.
    Texts(Cow<'a, [&'a str]>),
    /// Several values of any type, one of which must satisfy the test.
    Many(Vec<Self>),
    /// Something that is neither text nor number, such as an object with members: it is there, and nothing else can be
    /// asked about it.
    Opaque,
    /// A number, or a size in bytes.
    Number(f64),
    /// Milliseconds.
    Duration(f64),
    /// A point in time.
    Time(UnixMillis),
    /// True or false; `1` and `0` in a query mean the same.
    Bool(bool),
    /// A severity, which has an order.
    Level(Level),
    /// A version number without the name of its package; ordered as semantic versioning does.
    Version(Cow<'a, str>),
    /// An address; a value of a query may be a network (`10.0.0.0/8`).
    Address(IpAddr),
}

impl<'a> From<&'a str> for Values<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }
}

impl<'a, T: Into<Self>> From<Option<T>> for Values<'a> {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::None, Into::into)
    }
}

impl Values<'_> {
    /// Whether there is a value other than an empty text.
    #[must_use]
    pub fn is_present(&self) -> bool {
        match self {
            Self::None => false,
            Self::Text(text) | Self::Version(text) => !text.is_empty(),
            Self::Texts(texts) => texts.iter().any(|text| !text.is_empty()),
            Self::Many(values) => values.iter().any(Self::is_present),
            _ => true,
        }
    }

    fn any_text(&self, test: &mut dyn FnMut(&str) -> bool) -> bool {
        match self {
            Self::Text(text) | Self::Version(text) => test(text),
            Self::Texts(texts) => texts.iter().any(|text| test(text)),
            Self::Many(values) => values.iter().any(|value| value.any_text(&mut *test)),
            _ => false,
        }
    }
}

impl Query {
    /// Whether the condition holds; the empty one always does.
    #[must_use]
    pub fn matches(&self, fields: &(impl Fields + ?Sized)) -> bool {
        self.root.as_ref().is_none_or(|root| root.matches(fields))
    }
}

impl Expr {
    /// Whether this part of a condition holds.
    #[must_use]
    pub fn matches(&self, fields: &(impl Fields + ?Sized)) -> bool {
        match self {
            Self::And(parts) => parts.iter().all(|part| part.matches(fields)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(fields)),
            Self::Term(term) => term.matches(fields),
        }
    }
}

impl Term {
    /// Whether this term holds, with its negation. A negated test holds for a field that is missing.
    #[must_use]
    pub fn matches(&self, fields: &(impl Fields + ?Sized)) -> bool {
        let now = fields.now();
        let holds = match &self.test {
            Test::Text(value) => fields
                .free_text()
                .any_text(&mut |text| value.glob.is_in(text)),
            Test::Has(key) => fields.values(key).is_present(),
            Test::Is(key, value) => value.is(&fields.values(key), now),
            Test::In(key, values) => {
                let found = fields.values(key);
                values.iter().any(|value| value.is(&found, now))
            }
            Test::Compare(key, operator, value) => {
                value.any_order(&fields.values(key), now, &|order| operator.holds(order))
            }
        };
        holds != self.negated
    }
}

impl Value {
    /// Whether a field with these values is what `key:value` asks for.
    fn is(&self, values: &Values<'_>, now: UnixMillis) -> bool {
        if self.as_text() == Some("") {
            return !values.is_present();
        }
        match values {
            Values::None => false,
            Values::Opaque => self.glob.is_any(),
            Values::Many(values) => values.iter().any(|values| self.is(values, now)),
            Values::Text(_) | Values::Texts(_) | Values::Version(_) => {
                values.any_text(&mut |text| self.glob.matches(text))
            }
            Values::Number(number) | Values::Duration(number) if self.as_text().is_none() => {
                self.glob.matches(&number.to_string())
            }
            Values::Number(_) | Values::Duration(_) => {
                self.any_order(values, now, &Ordering::is_eq)
            }
            Values::Time(time) => match self.literal.time_bounds(now) {
                Some(bounds) => bounds.contains(*time),
                None => self.glob.matches(&time.to_rfc3339()),
            },
            Values::Bool(truth) => self.is_bool(*truth),
            Values::Level(level) => {
                self.glob.matches(level.as_str())
                    || self.as_text().and_then(Level::parse) == Some(*level)
            }
            Values::Address(address) => match self.as_text().map(str::parse::<Network>) {
                Some(network) => network.is_ok_and(|network| network.contains(*address)),
                None => self.glob.matches(&address.to_string()),
            },
        }
    }

    fn is_bool(&self, truth: bool) -> bool {
        let (word, digit) = if truth { ("true", "1") } else { ("false", "0") };
        self.glob.matches(word) || self.as_text() == Some(digit)
    }

    /// Whether the order of one of the values relative to this one satisfies `test`.
    fn any_order(
        &self,
        values: &Values<'_>,
        now: UnixMillis,
        test: &dyn Fn(Ordering) -> bool,
    ) -> bool {
        let order = match values {
            Values::None | Values::Opaque | Values::Bool(_) | Values::Address(_) => None,
            Values::Text(_) | Values::Texts(_) => {
                return values
                    .any_text(&mut |text| self.order_of_text(text, now).is_some_and(test));
            }
            Values::Many(values) => {
                return values
                    .iter()
                    .any(|values| self.any_order(values, now, test));
            }
            Values::Number(number) => self.literal.number().and_then(|n| number.partial_cmp(&n)),
            Values::Duration(ms) => self.literal.duration_ms().and_then(|n| ms.partial_cmp(&n)),
            Values::Time(time) => self.literal.moment(now).map(|moment| time.cmp(&moment)),
            Values::Level(level) => self
                .as_text()
                .and_then(Level::parse)
                .map(|other| level.cmp(&other)),
            Values::Version(found) => self
                .as_text()
                .and_then(|wanted| version::compare(found, wanted)),
        };
        order.is_some_and(test)
    }

    /// Orders a text by reading it as what this value is; `None` if that cannot be done.
    fn order_of_text(&self, text: &str, now: UnixMillis) -> Option<Ordering> {
        use Literal::{Duration, Number, Size, Text, Time};
        match (Literal::parse(text), self.literal) {
            (Number(left) | Size(left), Number(right) | Size(right))
            | (Duration(left), Duration(right)) => left.partial_cmp(&right),
            (Time(left, _), right) => Some(left.cmp(&right.moment(now)?)),
            (_, Text) | (Text, Number(_)) => version::compare(text, self.as_text()?),
            _ => None,
        }
    }
}
