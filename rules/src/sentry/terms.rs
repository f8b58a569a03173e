//! Sentry's conditions in our language.

use bugle_protocol::Json;

use super::condition::{Condition, Operator};
use super::globs::{escaped, globs};
use super::names::key;

/// What a condition comes to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Said {
    Always,
    Never,
    /// A text of our language, in parentheses if it has alternatives.
    If(String),
}

/// Says a condition in our language.
///
/// # Errors
/// What of it cannot be said, in words.
pub(super) fn say(condition: &Condition) -> Result<Said, String> {
    Speaker {
        prefix: "",
        is_negated: false,
    }
    .say(condition)
}

/// Where in a condition we are.
#[derive(Clone, Copy)]
struct Speaker {
    /// What the names of fields lack: within a list, the list's name.
    prefix: &'static str,
    /// Whether an odd number of `not` is around: our language negates single tests only.
    is_negated: bool,
}

const EXCEPTIONS: &str = "event.exception.values";

impl Speaker {
    fn say(self, condition: &Condition) -> Result<Said, String> {
        match condition {
            Condition::Eq { name, value, .. } => self.equal(name, value),
            Condition::Compare {
                name,
                operator,
                value,
            } => self.compare(name, *operator, value),
            Condition::Glob { name, patterns } => {
                let mut values = Vec::new();
                for pattern in patterns.texts() {
                    values.extend(globs(pattern)?.iter().map(|glob| format!("\"{glob}\"")));
                }
                self.one_of(&self.key(name)?, &values)
            }
            Condition::Cidr { name, networks } => {
                let values: Vec<_> = networks.iter().map(ToString::to_string).collect();
                self.one_of(&self.key(name)?, &values)
            }
            Condition::And(parts) => self.join(parts, !self.is_negated),
            Condition::Or(parts) => self.join(parts, self.is_negated),
            Condition::Not(inner) => self.negated().say(inner),
            Condition::Any { name, inner } => self.any(name, inner),
            Condition::All { name, inner } => match inner.as_ref() {
                // All are not: none is.
                Condition::Not(inner) => self.negated().any(name, inner),
                _ => Err("`all` over a list".to_owned()),
            },
            Condition::Unsupported(op) => Err(format!("the operator `{op}`")),
        }
    }

    fn negated(self) -> Self {
        Self {
            is_negated: !self.is_negated,
            ..self
        }
    }

    fn constant(self, holds: bool) -> Said {
        if holds == self.is_negated {
            Said::Never
        } else {
            Said::Always
        }
    }

    fn join(self, parts: &[Condition], is_all: bool) -> Result<Said, String> {
        let said: Result<Vec<_>, _> = parts.iter().map(|part| self.say(part)).collect();
        Ok(joined(said?, is_all))
    }

    /// Tests of one item at a time become tests of all items together, which is the same while there is but one test.
    fn any(self, list: &str, inner: &Condition) -> Result<Said, String> {
        if list != EXCEPTIONS {
            return Err(format!("the list `{list}`"));
        }
        if !is_about_one_thing(inner) {
            return Err("several tests, or a negated one, of the same exception".to_owned());
        }
        let within = Self {
            prefix: "exception.",
            ..self
        };
        within.say(inner)
    }

    fn equal(self, name: &str, value: &Json<'_>) -> Result<Said, String> {
        let key = self.key(name)?;
        let alone = std::slice::from_ref(value);
        let wanted = value.as_array().unwrap_or(alone);
        let mut values = Vec::new();
        for value in wanted {
            match value {
                Json::String(text) => values.push(format!("\"{}\"", escaped(text)?)),
                Json::Bool(truth) => values.push(truth.to_string()),
                // Numbers are never equal to anything.
                _ => {}
            }
        }
        let mut parts = vec![self.one_of(&key, &values)?];
        if value.is_null() {
            let sign = if self.is_negated { "" } else { "!" };
            parts.push(Said::If(format!("{sign}has:{key}")));
        }
        Ok(joined(parts, self.is_negated))
    }

    fn compare(self, name: &str, operator: Operator, value: &Json<'_>) -> Result<Said, String> {
        let key = self.key(name)?;
        let Json::Number(number) = value else {
            return Err(format!("the order of texts in `{name}`"));
        };
        let sign = if self.is_negated { "!" } else { "" };
        let operator = match operator {
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
            Operator::Less => "<",
            Operator::LessOrEqual => "<=",
        };
        let unit = if key == "transaction.duration" {
            "ms"
        } else {
            ""
        };
        Ok(Said::If(format!(
            "{sign}{key}:{operator}{}{unit}",
            number.as_f64()
        )))
    }

    /// `key:[a, b]`; the values are written as they stand in a list.
    fn one_of(self, key: &str, values: &[String]) -> Result<Said, String> {
        let sign = if self.is_negated { "!" } else { "" };
        Ok(match values {
            [] => self.constant(false),
            [value] => Said::If(format!("{sign}{key}:{value}")),
            _ => Said::If(format!("{sign}{key}:[{}]", values.join(", "))),
        })
    }

    fn key(self, name: &str) -> Result<String, String> {
        let full = format!("{}{name}", self.prefix);
        key(&full).ok_or_else(|| format!("the field `{}`", printable(&full)))
    }
}

/// All or any of these.
fn joined(parts: Vec<Said>, is_all: bool) -> Said {
    let (neutral, deciding) = if is_all {
        (Said::Always, Said::Never)
    } else {
        (Said::Never, Said::Always)
    };
    let mut texts = Vec::new();
    for part in parts {
        match part {
            Said::If(text) => texts.push(text),
            part if part == deciding => return deciding,
            _ => {}
        }
    }
    match texts.as_slice() {
        [] => neutral,
        [text] => Said::If(text.clone()),
        _ if is_all => Said::If(texts.join(" ")),
        _ => Said::If(format!("({})", texts.join(" OR "))),
    }
}

/// Whether a condition on an item of a list is one test, or alternatives of such.
fn is_about_one_thing(condition: &Condition) -> bool {
    match condition {
        Condition::And(parts) => parts.len() <= 1 && parts.iter().all(is_about_one_thing),
        Condition::Or(parts) => parts.iter().all(is_about_one_thing),
        Condition::Eq { value, .. } => !value.is_null(),
        Condition::Compare { .. } | Condition::Glob { .. } | Condition::Cidr { .. } => true,
        _ => false,
    }
}

/// A text on one line, not too long.
pub(super) fn printable(text: &str) -> String {
    let chars = text.chars().take(200);
    chars
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}
