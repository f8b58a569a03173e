//! Lines that cannot decide anything, although nothing is wrong with each of them.

use bugle_protocol::UnixMillis;
use bugle_query::{Expr, Key, Query, Term, Test};

use super::{Action, is_for_all, names_event_type, parse_action};
use crate::documents::SamplingDocument;
use crate::lines;
use crate::problem::Problem;

/// What is unlikely to be meant: lines below one that decides everything, or that has the same condition, and lines
/// whose time is over at `now`. Such a document can be saved and used all the same.
#[must_use]
pub fn warnings(document: &SamplingDocument, now: UnixMillis) -> Vec<Problem> {
    let (lines, _) = lines::compile(&document.rules, parse_action);
    let mut seen: Vec<(usize, &Query)> = Vec::new();
    let mut problems = Vec::new();
    for line in &lines {
        let (number, condition) = (line.rule.line, &line.rule.condition);
        let above = seen.iter().find(|(_, above)| covers(above, condition));
        let message = match above {
            Some((above, _)) => Some(format!(
                "this line never decides: line {above} does before, whenever this one could"
            )),
            None if is_over(&line.rule.action, now) => {
                Some("this line no longer decides: its time is over".to_owned())
            }
            None => None,
        };
        problems.extend(message.map(|message| Problem {
            field: "rules",
            line: Some(number),
            column: Some(1),
            message,
        }));
        if line.rule.action.from.is_none() && line.rule.action.until.is_none() {
            seen.push((number, condition));
        }
    }
    problems
}

fn is_over(action: &Action, now: UnixMillis) -> bool {
    action.until.is_some_and(|until| until <= now)
}

/// Whether a line with the condition `above` decides whenever one with `below` would.
fn covers(above: &Query, below: &Query) -> bool {
    above == below
        || match reach(above) {
            Reach::All => true,
            Reach::Transactions => !is_for_all(below),
            Reach::Some => false,
        }
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
            "transaction:/a -> sample 0\nlevel:info -> sample 0\n\ntransaction:\"/a\" -> sample 1";
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
    fn other_lines_are_fine() {
        let rules = "!has:transaction -> sample 0\ntransaction:/a* -> sample 0\ntransaction:* release:1 -> sample 1\ntransaction:* -> sample 0.1";
        assert!(warned(rules).is_empty());
    }
}
