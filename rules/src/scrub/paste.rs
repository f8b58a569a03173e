//! Reads advanced rules as people paste them, and says of everything that is wrong where it stands.

use std::collections::BTreeSet;

use serde_json::{Map, Value};

use super::config::{ConfigError, PiiConfig, RuleSpec};
use super::limits::{MAX_ERRORS, Scope};
use super::resolve::{self, Author};
use super::selector::{Selector, SelectorError};
use crate::plain::{plain_error, plain_reason};
use crate::problem::Problem;

/// Texts longer than this are refused.
const MAX_BYTES: usize = 1024 * 1024;

/// The member of Sentry's project settings that holds the rules.
const SETTINGS_MEMBERS: [&str; 2] = ["relayPiiConfig", "piiConfig"];

/// A text may stand in a text in a member; deeper is nobody's export.
const MAX_WRAPPINGS: usize = 4;

impl PiiConfig {
    /// Reads rules as they are pasted: Sentry's JSON, the same as a JSON text (as its API has it in `relayPiiConfig`), or the
    /// settings it is a member of. Nothing and `null` are no rules.
    ///
    /// # Errors
    /// All that is wrong: JSON that is none, members of another shape, selectors and expressions that do not parse; with
    /// line and column, if the rules are not inside a text of JSON themselves.
    pub fn paste(text: &str) -> Result<Self, Vec<Problem>> {
        if text.len() > MAX_BYTES {
            return Err(vec![unplaced(format!(
                "the rules exceed {MAX_BYTES} bytes"
            ))]);
        }
        if text.trim().is_empty() {
            return Ok(Self::default());
        }
        let value = serde_json::from_str(text).map_err(|error| vec![syntax(text, &error)])?;
        let (value, is_inner) = unwrapped(value).map_err(|problem| vec![problem])?;
        let members = match value {
            Value::Null => return Ok(Self::default()),
            Value::Object(members) => members,
            other => {
                return Err(vec![unplaced(format!(
                    "the rules are no JSON object but {}",
                    kind(&other)
                ))]);
            }
        };
        Reader {
            text: (!is_inner).then_some(text),
            problems: Vec::new(),
        }
        .read(&members)
    }

    /// The ids of rules that are named somewhere and do not exist; they do nothing, as at Sentry.
    #[must_use]
    pub fn unknown_rules(&self) -> BTreeSet<&str> {
        let applied = self.applications.values().flatten();
        let named = self.rules.values().flat_map(|rule| rule.kind.named());
        let ids = applied.chain(named).map(String::as_str);
        ids.filter(|id| !resolve::knows(self, id)).collect()
    }
}

/// Takes the rules out of what is around them; says whether they are in a text, of which no place can be told.
fn unwrapped(mut value: Value) -> Result<(Value, bool), Problem> {
    let mut is_inner = false;
    for _ in 0..MAX_WRAPPINGS {
        value = match value {
            Value::String(text) if text.trim().is_empty() => Value::Null,
            Value::String(text) => {
                is_inner = true;
                let inner = serde_json::from_str(&text);
                inner.map_err(|error| {
                    unplaced(format!("the text is no JSON: {}", plain_error(&error)))
                })?
            }
            Value::Object(mut members) => {
                let inner = SETTINGS_MEMBERS
                    .iter()
                    .find_map(|name| members.remove(*name));
                match inner {
                    Some(inner) => inner,
                    None => return Ok((Value::Object(members), is_inner)),
                }
            }
            other => return Ok((other, is_inner)),
        };
    }
    Ok((value, is_inner))
}

/// Reads rules member by member, so that one mistake does not hide another.
struct Reader<'t> {
    /// What was pasted, if places in it can be told.
    text: Option<&'t str>,
    problems: Vec<Problem>,
}

impl Reader<'_> {
    fn read(mut self, members: &Map<String, Value>) -> Result<PiiConfig, Vec<Problem>> {
        let mut config = PiiConfig::default();
        for (id, rule) in self.object(members, "rules") {
            match serde_json::from_value::<RuleSpec>(rule.clone()) {
                Ok(rule) => drop(config.rules.insert(id.clone(), rule)),
                Err(error) => self.at_key(id, 0, format!("rule {id:?}: {}", plain_reason(&error))),
            }
        }
        for (selector, ids) in self.object(members, "applications") {
            if let Some((selector, ids)) = self.application(selector, ids) {
                config.applications.insert(selector, ids);
            }
        }
        match members.get("vars").cloned().map(serde_json::from_value) {
            None => {}
            Some(Ok(vars)) => config.vars = vars,
            Some(Err(error)) => self.at_key("vars", 0, format!("vars: {}", plain_reason(&error))),
        }
        let extras = BTreeSet::new();
        let resolved = resolve::resolve(&config, Author::Team, Scope::One, &extras);
        for error in resolved.errors {
            let id = match &error {
                ConfigError::Pattern { rule, .. } => rule.as_str(),
                ConfigError::Limit { first, .. } => first.as_str(),
                ConfigError::Shape(_) => "",
            };
            self.at_key(id, 0, error.to_string());
        }
        match self.problems.is_empty() {
            true => Ok(config),
            false => {
                self.problems
                    .sort_by_key(|problem| (problem.line, problem.column));
                Err(self.problems)
            }
        }
    }

    /// The members of a member, which may be absent.
    fn object<'m>(
        &mut self,
        members: &'m Map<String, Value>,
        name: &str,
    ) -> impl Iterator<Item = (&'m String, &'m Value)> + use<'m> {
        let object = match members.get(name) {
            None | Some(Value::Null) => None,
            Some(Value::Object(object)) => Some(object),
            Some(other) => {
                self.at_key(
                    name,
                    0,
                    format!("{name} is no JSON object but {}", kind(other)),
                );
                None
            }
        };
        object.into_iter().flatten()
    }

    fn application(&mut self, selector: &str, ids: &Value) -> Option<(Selector, Vec<String>)> {
        let list = serde_json::from_value(ids.clone());
        if list.is_err() {
            let message = format!("selector {selector:?}: the rules are no list of ids");
            self.at_key(selector, 0, message);
        }
        match selector.parse::<Selector>() {
            Ok(selector) => Some((selector, list.ok()?)),
            Err(error) => {
                let offset = match error {
                    SelectorError::Syntax(offset) => offset,
                    _ => 0,
                };
                let before = selector.get(..offset).unwrap_or_default().chars().count();
                // The quote counts too.
                self.at_key(
                    selector,
                    before + 1,
                    format!("selector {selector:?}: {error}"),
                );
                None
            }
        }
    }

    /// Notes a problem so many characters after where a member's name begins.
    fn at_key(&mut self, name: &str, chars: usize, message: String) {
        // Finding a place means reading the text.
        if self.problems.len() >= MAX_ERRORS {
            return;
        }
        let place = self.text.and_then(|text| place_of(text, name));
        self.problems.push(Problem {
            line: place.map(|(line, _)| line),
            column: place.map(|(_, column)| column + chars),
            ..unplaced(message)
        });
    }
}

/// Line and column, from 1, of the first member of this name.
fn place_of(text: &str, name: &str) -> Option<(usize, usize)> {
    let quoted = serde_json::to_string(name).ok()?;
    let mut places = text.match_indices(&quoted).map(|(start, _)| start);
    let start = places.find(|start| text[start + quoted.len()..].trim_start().starts_with(':'))?;
    let before = &text[..start];
    let line_start = before.rfind('\n').map_or(0, |end| end + 1);
    let line = before.matches('\n').count() + 1;
    Some((line, before[line_start..].chars().count() + 1))
}

fn syntax(text: &str, error: &serde_json::Error) -> Problem {
    let line = text
        .lines()
        .nth(error.line().saturating_sub(1))
        .unwrap_or_default();
    // The column is one of bytes, and none at the end of the line before.
    let before = line.get(..error.column().saturating_sub(1)).unwrap_or(line);
    let reason = plain_reason(error);
    Problem {
        line: Some(error.line().max(1)),
        column: Some(before.chars().count() + 1),
        ..unplaced(format!("the rules are no JSON: {reason}"))
    }
}

fn unplaced(message: String) -> Problem {
    Problem {
        field: "advanced",
        line: None,
        column: None,
        message,
    }
}

fn kind(value: &Value) -> &'static str {
    match value {
        Value::Null => "null",
        Value::Bool(_) => "a boolean",
        Value::Number(_) => "a number",
        Value::String(_) => "a text",
        Value::Array(_) => "a list",
        Value::Object(_) => "an object",
    }
}
