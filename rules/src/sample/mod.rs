//! How much of what comes in is stored: lines `condition -> sample RATE`, see `docs/sampling.md`.

mod action;
mod presets;
mod seed;
mod unreachable;

use bugle_protocol::RuleName;
use bugle_query::{Expr, Fields as _, Key, Query, Term};

use crate::documents::SamplingDocument;
use crate::facts::Facts;
use crate::lines;
use crate::problem::Problem;

pub(crate) use action::linear;
pub use action::{Action, parse_action};
pub use presets::{new_release_lines, presets};
pub use seed::{random, seed};
pub use unreachable::warnings;

/// Compiled sampling rules.
#[derive(Clone, Debug, Default)]
pub struct Sampling {
    rules: Vec<Rule>,
}

#[derive(Clone, Debug)]
struct Rule {
    name: RuleName,
    condition: Query,
    action: Action,
    /// Whether it can hold for what is no transaction, too.
    is_for_all: bool,
}

/// What a rule decided about an event.
#[derive(Clone, Debug, PartialEq)]
pub struct Draw {
    /// The rule.
    pub rule: RuleName,
    /// The rate that applied, 0 to 1: each stored event stands for `1 / rate` of them.
    pub rate: f64,
    /// Whether this one is kept.
    pub is_kept: bool,
}

impl Sampling {
    /// Compiles what can be compiled; returns what could not.
    #[must_use]
    pub fn lenient(document: &SamplingDocument) -> (Self, Vec<Problem>) {
        let (lines, problems) = lines::compile(&document.rules, parse_action);
        let rules = lines.into_iter().map(|line| Rule {
            name: line.name,
            is_for_all: is_for_all(&line.rule.condition),
            condition: line.rule.condition,
            action: line.rule.action,
        });
        let rules = rules.collect();
        (Self { rules }, problems)
    }

    /// What the first rule that holds and is in time decides; `None` keeps the event.
    ///
    /// Rules are for transactions. Of other events, one decides whose condition holds because of what it says of
    /// `event.type`. The decision follows from the event alone, see [`seed()`], so that all who see a trace decide alike.
    #[must_use]
    pub fn draw(&self, facts: &Facts<'_>) -> Option<Draw> {
        if self.rules.is_empty() {
            return None;
        }
        let (is_transaction, now) = (facts.is_transaction(), facts.now());
        let mut rules = self.rules.iter().filter_map(|rule| {
            let rate = rule.action.rate_at(now)?;
            let holds = match is_transaction {
                true => rule.condition.matches(facts),
                false => {
                    rule.is_for_all
                        && rule
                            .condition
                            .root()
                            .is_some_and(|e| holds_by_type(e, facts))
                }
            };
            holds.then_some((rule, rate))
        });
        let (rule, rate) = rules.next()?;
        Some(Draw {
            rule: rule.name.clone(),
            rate,
            // The random number is below 1, so that a rate of 1 keeps everything and 0 nothing.
            is_kept: random(seed(facts.event)) < rate,
        })
    }

    /// Whether there is no rule.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rules.is_empty()
    }
}

/// Whether a condition holds, and names the type of the event where it does: of alternatives, one that holds.
fn holds_by_type(expr: &Expr, facts: &Facts<'_>) -> bool {
    match expr {
        Expr::Or(parts) => parts.iter().any(|part| holds_by_type(part, facts)),
        Expr::And(parts) => {
            parts.iter().all(|part| part.matches(facts))
                && parts.iter().any(|part| holds_by_type(part, facts))
        }
        Expr::Term(term) => names_event_type(term) && term.matches(facts),
    }
}

/// Whether a condition says for itself, in some part of it, which kinds of events it is about.
fn is_for_all(condition: &Query) -> bool {
    condition.terms().into_iter().any(names_event_type)
}

fn names_event_type(term: &Term) -> bool {
    matches!(term.key(), Some(Key::Field(name)) if name == "event.type")
}
