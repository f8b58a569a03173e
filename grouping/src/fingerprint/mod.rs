//! Fingerprints: a client's or a rule's own say in what belongs together.
//!
//! Rules are lines `matcher:pattern matcher:"pattern" -> value, "value", {{ variable }} title="template"`. The first
//! that matches replaces the client's fingerprint; the project's come before the built-in ones.

mod facts;
mod parse;
mod variables;

use std::sync::LazyLock;

use bugle_protocol::Event;

use crate::RuleError;
use crate::message;
use crate::pattern::Glob;
use crate::result::{MatchedRule, VariantName};
use crate::rules::Rules;
use facts::Facts;
use variables::Variables;

const BUILTIN_TEXT: &str = include_str!("builtin.txt");

/// How `{{ default }}` is written in a resolved fingerprint.
pub(crate) const DEFAULT: &str = "{{ default }}";

/// The compiled built-in rules.
pub(crate) static BUILTIN: LazyLock<FingerprintRules> = LazyLock::new(|| {
    FingerprintRules::new(BUILTIN_TEXT).expect("the built-in rules are tested to be valid")
});

/// A compiled rule text.
#[derive(Debug)]
pub(crate) struct FingerprintRules {
    rules: Vec<FingerprintRule>,
}

/// One line of a rule text.
#[derive(Debug)]
struct FingerprintRule {
    source: Box<str>,
    /// Conditions by what they are about; one item must meet all of its bucket.
    buckets: Vec<(Bucket, Vec<Matcher>)>,
    values: Vec<String>,
    title: Option<String>,
}

/// What a condition is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Bucket {
    Message,
    LogInfo,
    Exception,
    Frame,
    Tag,
    Sdk,
    Family,
    Release,
}

/// One condition.
#[derive(Debug)]
struct Matcher {
    field: Field,
    negated: bool,
    pattern: Pattern,
}

#[derive(Debug)]
enum Pattern {
    Glob(Glob),
    /// A comma list of patterns, any of which may match.
    List(Vec<Glob>),
    /// `None` for a value that is no boolean, which matches nothing.
    Bool(Option<bool>),
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Field {
    Message,
    Logger,
    Level,
    ErrorType,
    ErrorValue,
    Module,
    Function,
    Path,
    Package,
    InApp,
    Tag(Box<str>),
    Sdk,
    Family,
    Release,
}

/// What an event's fingerprint comes to.
#[derive(Debug, Default)]
pub(crate) struct Resolved {
    /// The fingerprint, if it is anything but the default.
    pub(crate) custom: Option<Custom>,
    /// The rule it came from.
    pub(crate) rule: Option<MatchedRule>,
    /// The title that the rule gives.
    pub(crate) title: Option<String>,
}

/// A fingerprint with its variables filled in.
#[derive(Debug)]
pub(crate) struct Custom {
    /// The entries; [`DEFAULT`] stands for the default grouping.
    pub(crate) entries: Vec<String>,
    /// Who said so.
    pub(crate) source: VariantName,
}

impl Custom {
    /// Whether the default grouping is part of it.
    pub(crate) fn is_hybrid(&self) -> bool {
        self.entries.iter().any(|entry| entry == DEFAULT)
    }
}

impl FingerprintRules {
    /// Compiles a rule text.
    ///
    /// # Errors
    /// [`RuleError`] at the first mistake.
    pub(crate) fn new(text: &str) -> Result<Self, RuleError> {
        Ok(Self {
            rules: parse::parse(text)?,
        })
    }

    fn find(&self, facts: &Facts<'_, '_>) -> Option<(usize, &FingerprintRule)> {
        let mut rules = self.rules.iter().enumerate();
        rules.find(|(_, rule)| {
            rule.buckets
                .iter()
                .all(|(bucket, matchers)| facts.any_meets_all(*bucket, matchers))
        })
    }
}

/// Finds the fingerprint that holds for a classified event.
pub(crate) fn resolve(event: &Event<'_>, rules: &Rules) -> Resolved {
    let facts = Facts::new(event);
    let project = rules
        .fingerprinting()
        .and_then(|rules| rules.find(&facts))
        .map(|found| (found, VariantName::CustomServerFingerprint));
    let found = project.or_else(|| {
        let found = BUILTIN.find(&facts)?;
        Some((found, VariantName::BuiltInFingerprint))
    });
    let variables = Variables::new(event);
    match found {
        Some(((index, rule), source)) => Resolved {
            custom: custom(rule.values.iter().map(String::as_str), source, &variables),
            rule: Some(MatchedRule {
                built_in: source == VariantName::BuiltInFingerprint,
                index,
                source: rule.source.to_string(),
            }),
            title: rule.title.as_deref().map(|title| variables.expand(title)),
        },
        None => Resolved {
            custom: custom(
                event.fingerprint(),
                VariantName::CustomClientFingerprint,
                &variables,
            ),
            rule: None,
            title: None,
        },
    }
}

fn custom<'f>(
    entries: impl Iterator<Item = &'f str>,
    source: VariantName,
    variables: &Variables<'_, '_>,
) -> Option<Custom> {
    let entries: Vec<String> = entries.map(|entry| entry_value(entry, variables)).collect();
    let is_default = entries.is_empty() || entries == [DEFAULT];
    (!is_default).then_some(Custom { entries, source })
}

fn entry_value(entry: &str, variables: &Variables<'_, '_>) -> String {
    match variables::name_of(entry) {
        Some("default") => DEFAULT.to_owned(),
        Some(name) => variables.value(name),
        None if variables.is_message(entry) => message::parameterise_whole(entry),
        None => entry.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_built_in_rules_are_valid() {
        assert!(FingerprintRules::new(BUILTIN_TEXT).is_ok());
    }
}
