//! Texts of rule lines: `condition -> action`, each with the name it is counted by.

use bugle_protocol::RuleName;
use bugle_query::rules::{ActionError, Rule, parse};
use bugle_query::{RuleError, RuleSet};
use sha2::{Digest as _, Sha256};

use crate::problem::Problem;

/// A compiled line.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Line<A> {
    /// What it is counted by.
    pub(crate) name: RuleName,
    /// The line itself.
    pub(crate) rule: Rule<A>,
}

/// Compiles a text; the lines that are no rules are reported, and the others are kept.
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
    (lines, problems)
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
        message: error.error.to_string(),
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
