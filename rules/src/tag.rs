//! Tags that rules add: lines `condition -> tag key=value`.

use bugle_protocol::RuleName;
use bugle_query::Span;
use bugle_query::rules::ActionError;

use crate::documents::TagsDocument;
use crate::facts::Facts;
use crate::lines::{self, Line};
use crate::problem::Problem;

/// Compiled tag rules.
#[derive(Clone, Debug, Default)]
pub struct Tags {
    lines: Vec<Line<Tag>>,
}

/// A tag that a rule adds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tag {
    /// Letters, digits, `_`, `.`, `:` and `-`.
    pub key: String,
    /// Up to 200 characters on one line.
    pub value: String,
}

impl Tags {
    /// Compiles what can be compiled; returns what could not.
    #[must_use]
    pub fn lenient(document: &TagsDocument) -> (Self, Vec<Problem>) {
        let (lines, problems) = lines::compile(&document.rules, parse_action);
        (Self { lines }, problems)
    }

    /// The tags of all rules that hold, in order.
    pub fn matching<'t>(
        &'t self,
        facts: &'t Facts<'_>,
    ) -> impl Iterator<Item = (&'t RuleName, &'t Tag)> {
        let lines = self.lines.iter();
        lines
            .filter(|line| line.rule.condition.matches(facts))
            .map(|line| (&line.name, &line.rule.action))
    }

    /// The tags of all rules, in order.
    pub(crate) fn all(&self) -> impl Iterator<Item = &Tag> {
        self.lines.iter().map(|line| &line.rule.action)
    }

    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.lines.is_empty()
    }
}

fn parse_action(text: &str) -> Result<Tag, ActionError> {
    let whole = Span {
        start: 0,
        end: text.len(),
    };
    let words = text.strip_prefix("tag ").map(str::trim);
    let pair = words.and_then(|pair| pair.split_once('='));
    let Some((key, value)) = pair else {
        return Err(ActionError::new(whole, "expected `tag key=value`"));
    };
    let (key, value) = (key.trim(), value.trim());
    let is_key = |c: char| c.is_ascii_alphanumeric() || "_.:-".contains(c);
    if key.is_empty() || key.chars().count() > 200 || !key.chars().all(is_key) {
        return Err(ActionError::new(
            whole,
            "a tag's key is 1 to 200 letters, digits, `_`, `.`, `:` or `-`",
        ));
    }
    if value.is_empty() || value.chars().count() > 200 {
        return Err(ActionError::new(
            whole,
            "a tag's value is 1 to 200 characters",
        ));
    }
    Ok(Tag {
        key: key.to_owned(),
        value: value.to_owned(),
    })
}
