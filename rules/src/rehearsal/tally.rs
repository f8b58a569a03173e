//! Adds up what each rule would have done.

use std::collections::BTreeMap;

use bugle_protocol::{EventId, RuleName, UnixMillis};

use super::matched::{self, Matched};
use super::parts::{Part, RulePlace};
use super::subject::Subject;

/// Examples of one rule, and of all rules together.
const MAX_EXAMPLES: usize = 5;
const MAX_ALL_EXAMPLES: usize = 1000;

/// What a rule would have done.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RuleEffect {
    /// What it is counted by.
    pub name: RuleName,
    /// Where it stands in the document.
    pub place: RulePlace,
    /// The line as it was written; empty for a switch or a list.
    pub text: String,
    /// For how many it holds.
    pub holds: usize,
    /// For how many of these it decides: no rule before it does.
    pub decides: usize,
    /// For how many of those that it decides nothing is done today, or something else.
    pub newly: usize,
    /// If it holds and never decides, the place of the rule that mostly does instead.
    pub shadowed_by: Option<RulePlace>,
    /// The newest for which it holds, of each title one.
    pub examples: Vec<Example>,
}

/// An event for which a rule holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Example {
    /// Its id.
    pub event_id: EventId,
    /// What lists call it, cut to 160 characters.
    pub title: String,
    /// When it came in.
    pub received_at: UnixMillis,
    /// Why the rule holds.
    pub matched: Vec<Matched>,
    /// The place of the rule that decides instead; `None` if no other does.
    pub decided_by: Option<RulePlace>,
}

/// Who decides about an event for which a rule holds.
#[derive(Clone, Copy)]
pub(super) enum Decider {
    /// The rule itself; whether that is another decision than today's.
    Itself { newly: bool },
    /// Another rule.
    Other(RulePlace),
    /// No rule: the sender did.
    Sender,
}

/// The sums of all rules.
pub(super) struct Tally<'p, R> {
    parts: &'p [Part<R>],
    effects: Vec<RuleEffect>,
    /// For each rule, how often another one decided.
    lost: Vec<BTreeMap<RulePlace, usize>>,
    examples: usize,
}

impl<'p, R> Tally<'p, R> {
    pub(super) fn new(parts: &'p [Part<R>]) -> Self {
        let effect = |part: &Part<R>| RuleEffect {
            name: part.name.clone(),
            place: part.place,
            text: part.text.clone(),
            holds: 0,
            decides: 0,
            newly: 0,
            shadowed_by: None,
            examples: Vec::new(),
        };
        Self {
            parts,
            effects: parts.iter().map(effect).collect(),
            lost: vec![BTreeMap::new(); parts.len()],
            examples: 0,
        }
    }

    /// Counts that a rule holds for an event.
    pub(super) fn holds(&mut self, index: usize, subject: &Subject<'_, '_>, decider: Decider) {
        let effect = &mut self.effects[index];
        effect.holds += 1;
        let decided_by = match decider {
            Decider::Itself { newly } => {
                effect.decides += 1;
                effect.newly += usize::from(newly);
                None
            }
            Decider::Other(place) => {
                *self.lost[index].entry(place).or_default() += 1;
                Some(place)
            }
            Decider::Sender => None,
        };
        if effect.examples.len() == MAX_EXAMPLES || self.examples == MAX_ALL_EXAMPLES {
            return;
        }
        let title = matched::cut(subject.stored.title);
        // Five times the same says no more than once.
        if effect.examples.iter().all(|known| known.title != title) {
            self.examples += 1;
            effect.examples.push(Example {
                event_id: subject.stored.event_id,
                title,
                received_at: subject.stored.received_at,
                matched: matched::of(&self.parts[index].asks, subject.facts),
                decided_by,
            });
        }
    }

    /// The sums.
    pub(super) fn finish(mut self) -> Vec<RuleEffect> {
        for (effect, lost) in self.effects.iter_mut().zip(&self.lost) {
            if effect.decides == 0 {
                let most = lost.iter().max_by_key(|(_, count)| **count);
                effect.shadowed_by = most.map(|(place, _)| *place);
            }
        }
        self.effects
    }
}
