//! The single rules that a document is made of.

use bugle_protocol::RuleName;
use bugle_query::{Key, Query};

use super::MAX_RULES;
use crate::lines::{self, Line};
use crate::problem::Problem;

/// Where a rule stands in its document.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum RulePlace {
    /// A switch or a list: its member in the document's JSON spelling.
    Member(&'static str),
    /// A line of the text of rules, from 1.
    Line(usize),
}

/// A rule that can be tried by itself.
pub(super) struct Part<R> {
    pub(super) name: RuleName,
    pub(super) place: RulePlace,
    pub(super) text: String,
    pub(super) asks: Asks,
    pub(super) rule: R,
}

/// What a rule looks at, for showing what it found.
pub(super) enum Asks {
    /// The condition of a line.
    Condition(Query),
    /// The fields that a built-in rule reads.
    Fields(Vec<Key>),
}

/// The lines of a text as rules by themselves. Those with problems are left out, and those beyond [`MAX_RULES`]; `rule`
/// makes what is tried from the text of a line.
pub(super) fn of_lines<R>(
    text: &str,
    problems: &[Problem],
    rule: impl Fn(&str) -> R,
) -> Vec<Part<R>> {
    let lines = with_sources(text, problems).take(MAX_RULES);
    lines
        .map(|(line, source)| Part {
            name: line.name,
            place: RulePlace::Line(line.rule.line),
            text: source.to_owned(),
            rule: rule(source),
            asks: Asks::Condition(line.rule.condition),
        })
        .collect()
}

fn with_sources<'t>(
    text: &'t str,
    problems: &'t [Problem],
) -> impl Iterator<Item = (Line<()>, &'t str)> {
    let sources: Vec<&str> = text.lines().map(str::trim).collect();
    let (lines, _) = lines::compile(text, |_| Ok(()));
    let is_wrong = |number| {
        let mut wrong = problems.iter().filter(|problem| problem.field == "rules");
        wrong.any(|problem| problem.line == Some(number))
    };
    lines.into_iter().filter_map(move |line| {
        let source = sources.get(line.rule.line.checked_sub(1)?)?;
        (!is_wrong(line.rule.line)).then_some((line, *source))
    })
}
