//! Sentry's conditions: a tree of JSON objects, each with its operator in `op`.

use std::sync::OnceLock;

use bugle_protocol::Json;
use bugle_query::Network;

use super::fields::{FieldValue, Fields};
use crate::pattern::Pattern;

/// What must hold of an event or a trace.
#[derive(Clone, Debug)]
pub enum Condition {
    /// The field is the value, or one of several.
    Eq {
        /// The field.
        name: String,
        /// A text, a boolean, null for an absent field, or a list of such. Numbers are never equal to anything.
        value: Json<'static>,
        /// Whether case does not matter.
        ignores_case: bool,
    },
    /// The field is a number that is ordered so relative to the value, or a text relative to a text.
    Compare {
        /// The field.
        name: String,
        /// The order.
        operator: Operator,
        /// A number or a text; nothing else holds.
        value: Json<'static>,
    },
    /// The field's text is described by one of the patterns, in any case.
    Glob {
        /// The field.
        name: String,
        /// The patterns.
        patterns: Patterns,
    },
    /// The field's address is in one of the networks.
    Cidr {
        /// The field.
        name: String,
        /// The networks; what is none is left out.
        networks: Vec<Network>,
    },
    /// All of these; none of them holds always.
    And(Vec<Condition>),
    /// One of these; none of them never holds.
    Or(Vec<Condition>),
    /// Not this.
    Not(Box<Condition>),
    /// One item of a list.
    Any {
        /// The list.
        name: String,
        /// What must hold of the item.
        inner: Box<Condition>,
    },
    /// All items of a list.
    All {
        /// The list.
        name: String,
        /// What must hold of each item.
        inner: Box<Condition>,
    },
    /// An operator that is not known.
    Unsupported(String),
}

/// Patterns in today's language, in any case. They are compiled when they are first asked, so that reading many of them
/// costs little.
#[derive(Clone, Debug)]
pub struct Patterns {
    texts: Vec<String>,
    compiled: OnceLock<Vec<Pattern>>,
}

impl Patterns {
    fn new(texts: Vec<String>) -> Self {
        Self {
            texts,
            compiled: OnceLock::new(),
        }
    }

    /// As they were written, also those that are no patterns, which describe nothing.
    #[must_use]
    pub fn texts(&self) -> &[String] {
        &self.texts
    }

    fn describe(&self, text: &str) -> bool {
        let compile = |pattern: &String| Pattern::new(pattern, true).ok();
        let compiled = || self.texts.iter().filter_map(compile).collect();
        let mut patterns = self.compiled.get_or_init(compiled).iter();
        patterns.any(|pattern| pattern.matches(text))
    }
}

/// How two values are ordered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names say it")]
pub enum Operator {
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// Why a JSON value is not what it should be.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ConfigError {
    /// A member that must be there is not.
    #[error("the member `{0}` is missing")]
    Missing(&'static str),
    /// A member is something else.
    #[error("the member `{name}` is not {expected}")]
    Unexpected {
        /// The member.
        name: &'static str,
        /// What it should be, with its article.
        expected: &'static str,
    },
    /// The whole is something else.
    #[error("{0} is not an object")]
    NotAnObject(&'static str),
}

impl Condition {
    /// Reads a condition. What is read may still be [unsupported](Self::unsupported).
    ///
    /// # Errors
    /// [`ConfigError`] if it is not one.
    pub fn read(json: &Json<'_>) -> Result<Self, ConfigError> {
        if json.as_object().is_none() {
            return Err(ConfigError::NotAnObject("the condition"));
        }
        let name = || text(json, "name").map(str::to_owned);
        Ok(match text(json, "op")? {
            "eq" => Self::Eq {
                name: name()?,
                value: value(json)?,
                ignores_case: ignores_case(json)?,
            },
            "gt" => Self::compare(json, Operator::Greater)?,
            "gte" => Self::compare(json, Operator::GreaterOrEqual)?,
            "lt" => Self::compare(json, Operator::Less)?,
            "lte" => Self::compare(json, Operator::LessOrEqual)?,
            "glob" => Self::Glob {
                name: name()?,
                patterns: Patterns::new(texts(json)?),
            },
            "cidr" => Self::Cidr {
                name: name()?,
                networks: texts(json)?
                    .iter()
                    .filter_map(|network| network.parse().ok())
                    .collect(),
            },
            "and" => Self::And(inner_list(json)?),
            "or" => Self::Or(inner_list(json)?),
            "not" => Self::Not(inner(json)?),
            "any" => Self::Any {
                name: name()?,
                inner: inner(json)?,
            },
            "all" => Self::All {
                name: name()?,
                inner: inner(json)?,
            },
            other => Self::Unsupported(other.to_owned()),
        })
    }

    fn compare(json: &Json<'_>, operator: Operator) -> Result<Self, ConfigError> {
        Ok(Self::Compare {
            name: text(json, "name")?.to_owned(),
            operator,
            value: value(json)?,
        })
    }

    /// The first operator in it that is not known. A rule with such a condition never applies.
    #[must_use]
    pub fn unsupported(&self) -> Option<&str> {
        match self {
            Self::Unsupported(op) => Some(op),
            Self::And(parts) | Self::Or(parts) => parts.iter().find_map(Self::unsupported),
            Self::Not(inner) | Self::Any { inner, .. } | Self::All { inner, .. } => {
                inner.unsupported()
            }
            Self::Eq { .. } | Self::Compare { .. } | Self::Glob { .. } | Self::Cidr { .. } => None,
        }
    }

    /// Whether the condition holds.
    #[must_use]
    pub fn matches(&self, fields: &dyn Fields) -> bool {
        match self {
            Self::Eq {
                name,
                value,
                ignores_case,
            } => is_equal(&fields.value(name), value, *ignores_case),
            Self::Compare {
                name,
                operator,
                value,
            } => is_ordered(&fields.value(name), *operator, value),
            Self::Glob { name, patterns } => match fields.value(name) {
                FieldValue::Text(text) => patterns.describe(&text),
                _ => false,
            },
            Self::Cidr { name, networks } => match fields.value(name) {
                FieldValue::Text(text) => text
                    .parse()
                    .is_ok_and(|address| networks.iter().any(|network| network.contains(address))),
                _ => false,
            },
            Self::And(parts) => parts.iter().all(|part| part.matches(fields)),
            Self::Or(parts) => parts.iter().any(|part| part.matches(fields)),
            Self::Not(inner) => !inner.matches(fields),
            Self::Any { name, inner } => fields
                .items(name)
                .iter()
                .any(|item| inner.matches(item.as_ref())),
            Self::All { name, inner } => fields
                .items(name)
                .iter()
                .all(|item| inner.matches(item.as_ref())),
            Self::Unsupported(_) => false,
        }
    }
}

fn is_equal(found: &FieldValue<'_>, wanted: &Json<'_>, ignores_case: bool) -> bool {
    match (found, wanted) {
        (FieldValue::Text(found), Json::String(wanted)) if ignores_case => {
            found.to_lowercase() == wanted.to_lowercase()
        }
        (FieldValue::Text(found), Json::String(wanted)) => found == wanted,
        (FieldValue::Bool(found), Json::Bool(wanted)) => found == wanted,
        (FieldValue::None, Json::Null) => true,
        (_, Json::Array(list)) => list.iter().any(|wanted| {
            !matches!(wanted, Json::Array(_)) && is_equal(found, wanted, ignores_case)
        }),
        _ => false,
    }
}

fn is_ordered(found: &FieldValue<'_>, operator: Operator, wanted: &Json<'_>) -> bool {
    let order = match (found, wanted) {
        (FieldValue::Number(found), Json::Number(wanted)) => found.partial_cmp(&wanted.as_f64()),
        (FieldValue::Text(found), Json::String(wanted)) => {
            Some(found.as_ref().cmp(wanted.as_ref()))
        }
        _ => None,
    };
    order.is_some_and(|order| match operator {
        Operator::Greater => order.is_gt(),
        Operator::GreaterOrEqual => order.is_ge(),
        Operator::Less => order.is_lt(),
        Operator::LessOrEqual => order.is_le(),
    })
}

/// A member that must be a text.
pub(super) fn text<'j>(json: &'j Json<'_>, name: &'static str) -> Result<&'j str, ConfigError> {
    let expected = "a text";
    let found = json.get(name).ok_or(ConfigError::Missing(name))?;
    found
        .as_str()
        .ok_or(ConfigError::Unexpected { name, expected })
}

/// The `value`, which may be null but must be there.
fn value(json: &Json<'_>) -> Result<Json<'static>, ConfigError> {
    let object = json.as_object();
    let value = object.and_then(|object| object.get_raw("value"));
    let value = value.ok_or(ConfigError::Missing("value"))?;
    Ok(value.clone().into_owned())
}

fn texts(json: &Json<'_>) -> Result<Vec<String>, ConfigError> {
    let unexpected = ConfigError::Unexpected {
        name: "value",
        expected: "a list of texts",
    };
    let value = value(json)?;
    let list = value.as_array().ok_or(unexpected.clone())?;
    let texts = list.iter().map(|item| item.as_str().map(str::to_owned));
    texts.collect::<Option<_>>().ok_or(unexpected)
}

fn ignores_case(json: &Json<'_>) -> Result<bool, ConfigError> {
    let unexpected = |name, expected| Err(ConfigError::Unexpected { name, expected });
    let Some(options) = json
        .as_object()
        .and_then(|object| object.get_raw("options"))
    else {
        return Ok(false);
    };
    let Some(options) = options.as_object() else {
        return unexpected("options", "an object");
    };
    match options.get_raw("ignoreCase") {
        None => Ok(false),
        Some(Json::Bool(ignores_case)) => Ok(*ignores_case),
        Some(_) => unexpected("ignoreCase", "true or false"),
    }
}

fn inner(json: &Json<'_>) -> Result<Box<Condition>, ConfigError> {
    let inner = json.get("inner").ok_or(ConfigError::Missing("inner"))?;
    Condition::read(inner).map(Box::new)
}

fn inner_list(json: &Json<'_>) -> Result<Vec<Condition>, ConfigError> {
    let inner = json.get("inner").ok_or(ConfigError::Missing("inner"))?;
    let list = inner.as_array().ok_or(ConfigError::Unexpected {
        name: "inner",
        expected: "a list of conditions",
    })?;
    list.iter().map(Condition::read).collect()
}
