//! Lines that cannot decide anything, although nothing is wrong with each of them.

use std::collections::HashMap;

use bugle_protocol::UnixMillis;
use bugle_query::{Expr, Key, Query, Term, Test};

use super::{Action, is_for_all, names_event_type, parse_action};
use crate::documents::SamplingDocument;
use crate::lines;
use crate::problem::Problem;

/// What is unlikely to be meant: lines below one that decides everything, or that has the same condition, lines whose
/// time is over at `now`, and lines about errors that do not name `event.type`. Such a document can be saved and used all
/// the same.
#[must_use]
pub fn warnings(document: &SamplingDocument, now: UnixMillis) -> Vec<Problem> {
    let (lines, _) = lines::compile(&document.rules, parse_action);
    let mut above = Above::default();
    let mut problems = Vec::new();
    for line in &lines {
        let (number, condition) = (line.rule.line, &line.rule.condition);
        let canonical = condition.to_string();
        let message = match above.covering(condition, &canonical) {
            Some(above) => Some(format!(
                "this line never decides: line {above} does before, whenever this one could"
            )),
            None if is_over(&line.rule.action, now) => {
                Some("this line no longer decides: its time is over".to_owned())
            }
            None => errors_are_meant(condition).map(|field| {
                format!(
                    "this line is about transactions alone, although `{field}` is about errors: a line that samples those \
                     names their type, `event.type:error`"
                )
            }),
        };
        problems.extend(message.map(|message| Problem {
            field: "rules",
            line: Some(number),
            column: Some(1),
            message,
        }));
        if line.rule.action.from.is_none() && line.rule.action.until.is_none() {
            above.add(number, condition, canonical);
        }
    }
    problems
}

fn is_over(action: &Action, now: UnixMillis) -> bool {
    action.until.is_some_and(|until| until <= now)
}

/// The lines above one, as far as they can hide it.
#[derive(Debug, Default)]
struct Above {
    /// The first line with each condition.
    same: HashMap<String, usize>,
    /// The first line that decides all events, and all transactions.
    all: Option<usize>,
    transactions: Option<usize>,
}

impl Above {
    /// The first line that decides whenever one with this condition would.
    fn covering(&self, condition: &Query, canonical: &str) -> Option<usize> {
        let transactions = self.transactions.filter(|_| !is_for_all(condition));
        let same = self.same.get(canonical).copied();
        [same, self.all, transactions].into_iter().flatten().min()
    }

    fn add(&mut self, line: usize, condition: &Query, canonical: String) {
        match reach(condition) {
            Reach::All => self.all = self.all.or(Some(line)),
            Reach::Transactions => self.transactions = self.transactions.or(Some(line)),
            Reach::Some => {}
        }
        self.same.entry(canonical).or_insert(line);
    }
}

/// What errors, messages and reports have, and transactions do not, or not to tell them apart by.
const OF_ERRORS: [&str; 6] = ["level", "logger", "message", "error.", "stack.", "csp."];

/// What transactions alone have.
const OF_TRANSACTIONS: [&str; 2] = ["transaction.", "measurements."];

/// The field that says that a condition is meant for errors, if it names no type and nothing that is of transactions.
fn errors_are_meant(condition: &Query) -> Option<&str> {
    let terms = condition.terms();
    let fields = || {
        terms.iter().filter_map(|term| match term.key()? {
            Key::Field(name) => Some((*term, name.as_str())),
            Key::Tag(_) => None,
        })
    };
    if is_for_all(condition) || fields().any(|(_, name)| is_one_of(name, &OF_TRANSACTIONS)) {
        return None;
    }
    let mut meant = fields().filter(|(term, _)| !term.negated);
    meant
        .find(|(_, name)| is_one_of(name, &OF_ERRORS))
        .map(|(_, name)| name)
}

/// Whether a field is one of these; those that end in a dot are the beginnings of names.
fn is_one_of(name: &str, fields: &[&str]) -> bool {
    let is_it = |field: &&str| name == *field || field.ends_with('.') && name.starts_with(field);
    fields.iter().any(is_it)
}

/// What a condition holds for, as far as it can be told without an event.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Reach {
    All,
    Transactions,
    Some,
}

fn reach(condition: &Query) -> Reach {
    match condition.root() {
        None => Reach::Transactions,
        Some(Expr::Term(term)) => reach_of_term(term),
        Some(_) => Reach::Some,
    }
}

/// Every event has a type, and every transaction a name.
fn reach_of_term(term: &Term) -> Reach {
    let is_any = match &term.test {
        Test::Has(_) => true,
        Test::Is(_, value) => value.glob.matches("") && value.as_text().is_none(),
        _ => false,
    };
    let is_transaction = |value: &bugle_query::Value| value.as_text() == Some("transaction");
    match (&term.test, term.key()) {
        _ if term.negated => Reach::Some,
        (Test::Is(_, value), _) if names_event_type(term) && is_transaction(value) => {
            Reach::Transactions
        }
        _ if is_any && names_event_type(term) => Reach::All,
        (_, Some(Key::Field(name))) if is_any && name == "transaction" => Reach::Transactions,
        _ => Reach::Some,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn warned(rules: &str) -> Vec<usize> {
        let document = SamplingDocument {
            rules: rules.to_owned(),
        };
        let found = warnings(&document, UnixMillis(1_767_225_600_000));
        found.iter().filter_map(|problem| problem.line).collect()
    }

    #[test]
    fn lines_below_one_that_decides_everything_are_told() {
        for all in [
            "has:transaction",
            "transaction:*",
            "transaction:**",
            "event.type:transaction",
            "event.type:*",
        ] {
            let rules = format!("{all} -> sample 0.1\ntransaction:/api/* -> sample 1");
            assert_eq!(warned(&rules), [2], "{all}");
        }
        let errors = "transaction:* -> sample 0.1\nevent.type:error -> sample 0.5";
        assert!(warned(errors).is_empty());
        let all = "has:event.type -> sample 0.1\nevent.type:error -> sample 0.5";
        assert_eq!(warned(all), [2]);
    }

    #[test]
    fn lines_of_the_same_condition_are_told() {
        let rules =
            "transaction:/a -> sample 0\ndist:1 -> sample 0\n\ntransaction:\"/a\" -> sample 1";
        assert_eq!(warned(rules), [4]);
    }

    #[test]
    fn a_line_that_ends_hides_none() {
        let rules = "transaction:* -> sample 1 until 2026-02-01\ntransaction:* -> sample 0.1";
        assert!(warned(rules).is_empty());
        let over = "transaction:* -> sample 1 until 2026-01-01\ntransaction:* -> sample 0.1";
        assert_eq!(warned(over), [1]);
    }

    #[test]
    fn lines_about_errors_that_sample_none_are_told() {
        for condition in [
            "level:error",
            "transaction:/api/* error.type:KeyError",
            "has:stack.filename OR transaction:/x",
            "logger:noisy.*",
            "csp.blocked_uri:x",
        ] {
            assert_eq!(
                warned(&format!("{condition} -> sample 0.1")),
                [1],
                "{condition}"
            );
        }
        for condition in [
            "event.type:error level:error",
            "event.type:csp OR level:error",
            "transaction:/api/* !has:error.type",
            "transaction.duration:>2s level:error",
            "tags[level]:error",
            "levels:x",
        ] {
            assert!(
                warned(&format!("{condition} -> sample 0.1")).is_empty(),
                "{condition}"
            );
        }
    }

    #[test]
    fn many_lines_are_compared_in_a_moment() {
        let rules: String = (0..1_000)
            .map(|n| format!("a:{n} b:{n} -> sample 1\n"))
            .collect();
        let started = std::time::Instant::now();
        assert!(warned(&rules).is_empty());
        assert_eq!(
            warned(&format!(
                "{}transaction:* -> sample 1\n{rules}",
                "\n".repeat(9)
            ))
            .len(),
            999
        );
        assert!(
            started.elapsed().as_millis() < 2_000,
            "{:?}",
            started.elapsed()
        );
    }

    #[test]
    fn other_lines_are_fine() {
        let rules = "!has:transaction -> sample 0\ntransaction:/a* -> sample 0\ntransaction:* release:1 -> sample 1\ntransaction:* -> sample 0.1";
        assert!(warned(rules).is_empty());
    }
}
