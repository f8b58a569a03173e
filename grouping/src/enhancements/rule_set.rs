//! Runs many rules over many frames without trying each on each.
//!
//! Most rules fix the first byte of a function, module or path; a frame is held only against the rules of its own first
//! bytes, those whose patterns start with a star, and those that read nothing but what other rules wrote.

use super::matcher::{Field, Matcher};
use super::{ExceptionFacts, Hit, Rule, RuleFrame};
use crate::family::Family;

/// The rules of one pass in order.
#[derive(Debug)]
pub(super) struct RuleSet {
    rules: Vec<Indexed>,
    /// Rules that read a frame's own texts, for frames of each [`Family`].
    by_family: [Index; 3],
    /// Rules that read only families, categories and `in_app`.
    dynamic: Vec<u32>,
}

#[derive(Debug)]
struct Indexed {
    rule: Rule,
    needs_category: bool,
}

/// Numbers of rules by what frames they may match.
#[derive(Debug, Default)]
struct Index {
    /// Rules that fix the first byte of a field, each in one place only; sorted.
    by_first_byte: Vec<((Field, u8), u32)>,
    /// Rules that fix none.
    scanned: Vec<u32>,
}

impl RuleSet {
    /// Indexes the rules.
    pub(super) fn new(rules: impl Iterator<Item = Rule>) -> Self {
        let mut set = Self {
            rules: Vec::new(),
            by_family: Default::default(),
            dynamic: Vec::new(),
        };
        for (rule, number) in rules.zip(0..) {
            if rule.reads_no_text() {
                set.dynamic.push(number);
            } else {
                set.index(&rule, number);
            }
            set.rules.push(Indexed {
                needs_category: rule.needs_category(),
                rule,
            });
        }
        for index in &mut set.by_family {
            index.by_first_byte.sort_unstable();
        }
        set
    }

    fn index(&mut self, rule: &Rule, number: u32) {
        let key = rule.frame.iter().find_map(Matcher::first_byte);
        let families = Family::ALL
            .into_iter()
            .filter(|family| rule.accepts_family(*family));
        for family in families {
            let index = &mut self.by_family[family as usize];
            match key {
                Some(key) => index.by_first_byte.push((key, number)),
                None => index.scanned.push(number),
            }
        }
    }

    /// Calls `act` for every rule in order and every frame it matches: all frames of a rule are found before the first
    /// is acted on.
    pub(super) fn run<'r, 'x>(
        &'r self,
        frames: &mut [RuleFrame<'x>],
        exception: &ExceptionFacts<'_>,
        mut act: impl FnMut(&'r Rule, Hit, &mut [RuleFrame<'x>]),
    ) {
        let candidates = self.candidates(frames);
        let turns = Turns {
            candidates: &candidates,
            dynamic: &self.dynamic,
        };
        let mut hits = Vec::with_capacity(frames.len());
        for (number, candidates) in turns {
            let Indexed {
                rule,
                needs_category,
            } = &self.rules[number as usize];
            if *needs_category && frames.iter().all(|frame| frame.category.is_none()) {
                continue;
            }
            hits.clear();
            match candidates {
                Some(pairs) => hits.extend(pairs.iter().map(|(_, at)| *at as usize)),
                None => hits.extend(0..frames.len()),
            }
            hits.retain(|at| rule.holds(*at, frames));
            if !hits.is_empty()
                && rule
                    .exception
                    .iter()
                    .all(|m| m.matches_exception(exception))
            {
                let mut previous = None;
                for &at in &hits {
                    act(rule, Hit { at, previous }, frames);
                    previous = Some(at);
                }
            }
        }
    }

    /// The pairs of rule and frame whose fixed texts agree, ordered by rule, then frame.
    fn candidates(&self, frames: &[RuleFrame<'_>]) -> Vec<(u32, u32)> {
        let mut pairs = Vec::with_capacity(64);
        for (frame, at) in frames.iter().zip(0..) {
            let mut try_rules = |numbers: &mut dyn Iterator<Item = u32>| {
                for number in numbers {
                    if self.rules[number as usize].rule.could_match(frame) {
                        pairs.push((number, at));
                    }
                }
            };
            let index = &self.by_family[frame.family as usize];
            for field in [Field::Function, Field::Module, Field::Path, Field::Package] {
                let first = frame.first_byte(field);
                try_rules(&mut first.into_iter().flat_map(|byte| index.fixing(field, byte)));
            }
            try_rules(&mut index.scanned.iter().copied());
        }
        pairs.sort_unstable();
        pairs
    }
}

/// The rules that have to be looked at, in order: each with its pairs of rule and frame, or with none if it is a dynamic
/// one, which may match any frame.
struct Turns<'s> {
    candidates: &'s [(u32, u32)],
    dynamic: &'s [u32],
}

impl<'s> Iterator for Turns<'s> {
    type Item = (u32, Option<&'s [(u32, u32)]>);

    fn next(&mut self) -> Option<Self::Item> {
        let candidate = self.candidates.first().map(|(rule, _)| *rule);
        match (candidate, self.dynamic.split_first()) {
            (None, None) => None,
            (candidate, Some((dynamic, rest))) if candidate.is_none_or(|c| *dynamic < c) => {
                self.dynamic = rest;
                Some((*dynamic, None))
            }
            (candidate, _) => {
                let number = candidate?;
                let of_rule = self.candidates.partition_point(|(rule, _)| *rule <= number);
                let (pairs, rest) = self.candidates.split_at(of_rule);
                self.candidates = rest;
                Some((number, Some(pairs)))
            }
        }
    }
}

impl Index {
    /// The rules that want `field` to begin with `byte`.
    fn fixing(&self, field: Field, byte: u8) -> impl Iterator<Item = u32> {
        let start = self
            .by_first_byte
            .partition_point(|(key, _)| *key < (field, byte));
        let of_key = move |entry: &&((Field, u8), u32)| entry.0 == (field, byte);
        self.by_first_byte[start..]
            .iter()
            .take_while(of_key)
            .map(|(_, number)| *number)
    }
}

impl Rule {
    /// Whether no condition speaks against frames of `family`.
    fn accepts_family(&self, family: Family) -> bool {
        self.frame
            .iter()
            .all(|matcher| matcher.accepts_family(family))
    }

    /// Whether no condition on the frame itself reads one of its texts.
    fn reads_no_text(&self) -> bool {
        self.frame
            .iter()
            .all(|m| m.is_dynamic() || m.is_about_family())
    }

    fn needs_category(&self) -> bool {
        let mut matchers = self.frame.iter().chain(&self.caller).chain(&self.callee);
        matchers.any(Matcher::needs_category)
    }

    /// Whether everything that no rule can change agrees.
    fn could_match(&self, frame: &RuleFrame<'_>) -> bool {
        self.frame
            .iter()
            .all(|m| m.is_dynamic() || m.matches_frame(frame))
    }

    /// Whether all conditions on the frame and its neighbours hold now.
    fn holds(&self, at: usize, frames: &[RuleFrame<'_>]) -> bool {
        let neighbour_matches = |matcher: &Option<Matcher>, index: Option<usize>| match matcher {
            None => true,
            Some(matcher) => index
                .and_then(|index| frames.get(index))
                .is_some_and(|frame| matcher.matches_frame(frame)),
        };
        self.frame.iter().all(|m| m.matches_frame(&frames[at]))
            && neighbour_matches(&self.caller, at.checked_sub(1))
            && neighbour_matches(&self.callee, Some(at + 1))
    }
}
