//! Texts of rule lines: `condition -> action`, each with the name it is counted by.

use bugle_protocol::RuleName;
use bugle_query::rules::{ActionError, MAX_ERRORS, Rule, parse_lenient};
use bugle_query::{Query, RuleError, RuleSet, Test};
use sha2::{Digest as _, Sha256};

use crate::facts::{self, Objection};
use crate::problem::Problem;

/// How many values the conditions of a text may compare with, all together: each of them is looked for in every event.
const MAX_COMPARED: usize = 5_000;

/// A compiled line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line<A> {
    /// What it is counted by.
    pub(crate) name: RuleName,
    /// The line itself.
    pub(crate) rule: Rule<A>,
}

/// A line of a text of rules, whatever its action, with the name it is counted by.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NamedLine {
    /// Its number, from 1.
    pub line: usize,
    /// What it says.
    pub text: String,
    /// What it is counted by.
    pub name: RuleName,
}

/// The rules of a text, for showing what each of them did. Lines without a condition that can be read are left out.
#[must_use]
pub fn named_lines(text: &str) -> Vec<NamedLine> {
    let (lines, _) = compile(text, |_| Ok(()));
    let sources: Vec<&str> = text.lines().collect();
    let named = |line: Line<()>| NamedLine {
        line: line.rule.line,
        text: sources
            .get(line.rule.line - 1)
            .map_or_else(String::new, |source| source.trim().to_owned()),
        name: line.name,
    };
    lines.into_iter().map(named).collect()
}

/// What is likely to be a slip of the pen: names that are nearly those of fields, or mean one elsewhere (`type`). Such a
/// text can be saved and used all the same.
#[must_use]
pub fn hints(text: &str) -> Vec<Problem> {
    let (set, _) = parse_lenient(text, |_| Ok(()));
    let sources: Vec<&str> = text.lines().collect();
    let of_rule = |rule: &Rule<()>| {
        let objections = facts::check(&rule.condition).into_iter();
        let hints = objections.filter(|objection| !objection.is_error);
        let source = sources.get(rule.line - 1).copied().unwrap_or_default();
        let hints = hints.map(|hint| objected(rule.line, source, hint));
        hints.collect::<Vec<_>>()
    };
    let hints = set.rules().iter().flat_map(of_rule);
    hints.take(MAX_ERRORS).collect()
}

/// Compiles a text; the lines that are no rules, or ask for what no event has, are reported, and the others are kept.
pub(crate) fn compile<A>(
    text: &str,
    parse_action: impl FnMut(&str) -> Result<A, ActionError>,
) -> (Vec<Line<A>>, Vec<Problem>) {
    let (set, errors) = parse_lenient(text, parse_action);
    let mut lines = named(text, set);
    let mut problems = errors.into_iter().map(problem).collect();
    check_fields(text, &mut lines, &mut problems);
    check_sum(&mut lines, &mut problems);
    problems.sort_by_key(|problem| (problem.line, problem.column));
    (lines, problems)
}

/// Reports conditions that cannot mean what they say, and leaves out those lines: a negated test that never holds would
/// hold for every event.
fn check_fields<A>(text: &str, lines: &mut Vec<Line<A>>, problems: &mut Vec<Problem>) {
    let sources: Vec<&str> = text.lines().collect();
    lines.retain(|line| {
        let objections = facts::check(&line.rule.condition).into_iter();
        let mut errors = objections.filter(|objection| objection.is_error).peekable();
        let is_usable = errors.peek().is_none();
        let source = sources.get(line.rule.line - 1).copied().unwrap_or_default();
        let room = MAX_ERRORS.saturating_sub(problems.len());
        let errors = errors.take(room);
        problems.extend(errors.map(|error| objected(line.rule.line, source, error)));
        is_usable
    });
}

/// Leaves out the line with which a text compares with more than [`MAX_COMPARED`] values, and those below.
fn check_sum<A>(lines: &mut Vec<Line<A>>, problems: &mut Vec<Problem>) {
    let mut sum = 0;
    let beyond = lines.iter().position(|line| {
        sum += compared(&line.rule.condition);
        sum > MAX_COMPARED
    });
    let Some(beyond) = beyond else {
        return;
    };
    problems.push(Problem {
        field: "rules",
        line: Some(lines[beyond].rule.line),
        column: Some(1),
        message: format!(
            "the conditions compare with more than {MAX_COMPARED} values: this line and those below are left out"
        ),
    });
    lines.truncate(beyond);
}

fn compared(condition: &Query) -> usize {
    let terms = condition.terms().into_iter();
    terms
        .map(|term| match &term.test {
            Test::In(_, values) => values.len(),
            _ => 1,
        })
        .sum()
}

fn objected(line: usize, source: &str, objection: Objection) -> Problem {
    Problem {
        field: "rules",
        line: Some(line),
        column: Some(column(source, objection.span.start)),
        message: objection.message,
    }
}

/// The column of a byte, in characters from 1.
fn column(source: &str, byte: usize) -> usize {
    let before = source.get(..byte).unwrap_or(source);
    before.chars().count() + 1
}

fn problem(error: RuleError) -> Problem {
    Problem {
        field: "rules",
        line: Some(error.line),
        column: Some(error.error.column),
        message: error.error.problem.to_string(),
    }
}

fn named<A>(text: &str, set: RuleSet<A>) -> Vec<Line<A>> {
    let sources: Vec<&str> = text.lines().collect();
    let line = |rule: Rule<A>| {
        let source = sources.get(rule.line - 1).copied().unwrap_or_default();
        let action = source.get(rule.action_span.start..rule.action_span.end);
        Line {
            name: name(&format!(
                "{} -> {}",
                rule.condition,
                action.unwrap_or_default()
            )),
            rule,
        }
    };
    set.into_rules().map(line).collect()
}

/// See [`RuleName`].
fn name(canonical: &str) -> RuleName {
    let digest = Sha256::digest(canonical.as_bytes());
    let hex = digest[..8].iter().map(|byte| format!("{byte:02x}"));
    RuleName(hex.collect::<String>().into())
}
