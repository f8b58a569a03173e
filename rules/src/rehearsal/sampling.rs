//! What sampling would have kept.

use super::parts::{Part, of_lines};
use super::subject::{Subject, each};
use super::tally::{Decider, RuleEffect, Tally};
use super::{Looked, Stored};
use crate::documents::SamplingDocument;
use crate::sample::{Draw, Sampling};

/// What sampling would have done.
#[derive(Clone, Debug, PartialEq)]
pub struct SamplingRehearsal {
    /// What was looked at.
    pub looked: Looked,
    /// The lines in their order.
    pub rules: Vec<SampledRule>,
    /// The transactions, and the events that a rule is or was about: what the following numbers count.
    pub considered: usize,
    /// How many of those that are stored would be kept; the draw of a trace is always the same.
    pub kept: usize,
    /// How many of those that are stored would be dropped.
    pub dropped: usize,
    /// How many of those that are stored no rule is about; they are kept.
    pub untouched: usize,
    /// How many were received in that time, as the shares that were applied then tell. What was dropped altogether left
    /// nothing to count.
    pub received: f64,
    /// How many of the received ones would be stored.
    pub expected: f64,
    /// How many of the received ones the present rules store.
    pub expected_today: f64,
}

/// What a line would have done.
#[derive(Clone, Debug, PartialEq)]
pub struct SampledRule {
    /// How often it holds.
    pub effect: RuleEffect,
    /// The lowest and highest rate that it applied, which differ while a rate decays; `None` if it never decided.
    pub rates: Option<(f64, f64)>,
    /// How many of those that it decides would be kept.
    pub kept: usize,
    /// How many were received of those that it decides.
    pub received: f64,
    /// How many of these would be stored.
    pub expected: f64,
}

/// The sums of one line.
#[derive(Clone, Copy, Default)]
struct Sums {
    rates: Option<(f64, f64)>,
    kept: usize,
    received: f64,
    expected: f64,
}

/// Tries sampling on stored events and transactions, newest first; `current` is what applies today.
#[must_use]
pub fn sampling(
    candidate: &SamplingDocument,
    current: &SamplingDocument,
    bodies: &[Stored<'_>],
    go_on: &mut dyn FnMut() -> bool,
) -> SamplingRehearsal {
    let (all, problems) = Sampling::lenient(candidate);
    let (today, _) = Sampling::lenient(current);
    let parts = of_lines(&candidate.rules, &problems, |line| {
        let rules = line.to_owned();
        Sampling::lenient(&SamplingDocument { rules }).0
    });
    let mut tally = Tally::new(&parts);
    let mut sums = vec![Sums::default(); parts.len()];
    let mut total = SamplingRehearsal {
        looked: Looked::default(),
        rules: Vec::new(),
        considered: 0,
        kept: 0,
        dropped: 0,
        untouched: 0,
        received: 0.0,
        expected: 0.0,
        expected_today: 0.0,
    };
    let looked = each(bodies, go_on, |subject| {
        let (draw, before) = (all.draw(subject.facts), today.draw(subject.facts));
        total.add(subject, draw.as_ref(), before.as_ref());
        let Some(draw) = draw else { return };
        let is_new = before.is_none_or(|before| (before.rate - draw.rate).abs() > f64::EPSILON);
        let decider = count(&mut tally, &parts, subject, &draw, is_new);
        if let Some(index) = decider {
            sums[index].add(&draw, subject.weight());
        }
    });
    let rules = tally.finish().into_iter().zip(sums);
    SamplingRehearsal {
        looked,
        rules: rules.map(|(effect, sums)| sums.of(effect)).collect(),
        ..total
    }
}

/// Counts every line that holds and returns the one that decides.
fn count(
    tally: &mut Tally<'_, Sampling>,
    parts: &[Part<Sampling>],
    subject: &Subject<'_, '_>,
    draw: &Draw,
    newly: bool,
) -> Option<usize> {
    let holding: Vec<usize> = (0..parts.len())
        .filter(|index| parts[*index].rule.draw(subject.facts).is_some())
        .collect();
    let is_decider = |index: &&usize| parts[**index].name == draw.rule;
    let first = holding.iter().find(is_decider).copied()?;
    for index in holding {
        let decider = match index == first {
            true => Decider::Itself { newly },
            false => Decider::Other(parts[first].place),
        };
        tally.holds(index, subject, decider);
    }
    Some(first)
}

impl SamplingRehearsal {
    fn add(&mut self, subject: &Subject<'_, '_>, draw: Option<&Draw>, before: Option<&Draw>) {
        if draw.is_none() && before.is_none() && !subject.is_transaction() {
            return;
        }
        self.considered += 1;
        match draw {
            None => self.untouched += 1,
            Some(draw) if draw.is_kept => self.kept += 1,
            Some(_) => self.dropped += 1,
        }
        let weight = subject.weight();
        self.received += weight;
        self.expected += weight * draw.map_or(1.0, |draw| draw.rate);
        self.expected_today += weight * before.map_or(1.0, |draw| draw.rate);
    }
}

impl Sums {
    fn add(&mut self, draw: &Draw, weight: f64) {
        let (low, high) = self.rates.unwrap_or((draw.rate, draw.rate));
        self.rates = Some((low.min(draw.rate), high.max(draw.rate)));
        self.kept += usize::from(draw.is_kept);
        self.received += weight;
        self.expected += weight * draw.rate;
    }

    fn of(self, effect: RuleEffect) -> SampledRule {
        SampledRule {
            effect,
            rates: self.rates,
            kept: self.kept,
            received: self.received,
            expected: self.expected,
        }
    }
}
