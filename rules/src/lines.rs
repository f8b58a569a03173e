//! Texts of rule lines: `condition -> action`, each with the name it is counted by.

use bugle_protocol::RuleName;
use bugle_query::rules::{ActionError, MAX_ERRORS, Rule, parse};
use bugle_query::{RuleError, RuleSet};
use sha2::{Digest as _, Sha256};

use crate::facts;
use crate::problem::Problem;

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

/// Compiles a text; the lines that are no rules, or ask for what no event has, are reported, and the others are kept.
pub(crate) fn compile<A>(
    text: &str,
    mut parse_action: impl FnMut(&str) -> Result<A, ActionError>,
) -> (Vec<Line<A>>, Vec<Problem>) {
    let (mut lines, mut problems) = (Vec::new(), Vec::new());
    match parse(text, &mut parse_action) {
        Ok(set) => lines = named(text, set),
        Err(errors) => {
            let wrong: Vec<usize> = errors.iter().map(|error| error.line).collect();
            problems = errors.into_iter().map(problem).collect();
            if let Ok(set) = parse(&without_lines(text, &wrong), parse_action) {
                lines = named(text, set);
            }
        }
    }
    check_fields(text, &mut lines, &mut problems);
    (lines, problems)
}

/// Reports conditions that cannot mean what they say, and leaves out those lines: a negated test that never holds would
/// hold for every event.
fn check_fields<A>(text: &str, lines: &mut Vec<Line<A>>, problems: &mut Vec<Problem>) {
    let sources: Vec<&str> = text.lines().collect();
    lines.retain(|line| {
        let objections = facts::check(&line.rule.condition);
        let is_usable = !objections.iter().any(|objection| objection.is_error);
        let source = sources.get(line.rule.line - 1).copied().unwrap_or_default();
        let room = MAX_ERRORS.saturating_sub(problems.len());
        problems.extend(objections.into_iter().take(room).map(|objection| Problem {
            field: "rules",
            line: Some(line.rule.line),
            column: Some(column(source, objection.span.start)),
            message: objection.message,
        }));
        is_usable
    });
    problems.sort_by_key(|problem| (problem.line, problem.column));
}

/// The column of a byte, in characters from 1.
fn column(source: &str, byte: usize) -> usize {
    let before = source.get(..byte).unwrap_or(source);
    before.chars().count() + 1
}

/// The text with these lines, counted from 1, made empty, so that the others keep their numbers.
fn without_lines(text: &str, wrong: &[usize]) -> String {
    let lines = text.lines().enumerate();
    let kept = lines.map(|(index, line)| {
        if wrong.contains(&(index + 1)) {
            ""
        } else {
            line
        }
    });
    kept.collect::<Vec<_>>().join("\n")
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
