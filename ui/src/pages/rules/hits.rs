//! How often each rule did something, day by day.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use bugle_protocol::{ProjectId, RuleTopic, UnixMillis};
use serde::Serialize;

use super::Topic;
use crate::Ui;
use crate::problem::Problem;
use crate::templates::grouped;

/// How many days are shown, today included.
const DAYS: usize = 14;
const DAY_MS: i64 = 86_400_000;
/// The height of the tallest bar, the width of a bar, and of a bar with its gap, in units of the macro `spark`.
const HEIGHT: u64 = 24;
const WIDTH: usize = 4;
const STEP: usize = 7;

/// A rule of a form.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct NamedRule {
    /// The name it is counted by.
    pub(super) name: String,
    /// The line of its text, from 1.
    pub(super) line: Option<usize>,
    /// What it says.
    pub(super) label: String,
}

/// What a rule did in the last days.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub(super) struct HitsView {
    total: u64,
    today: u64,
    /// All bars as one SVG path, oldest first. Empty without hits.
    path: String,
    /// The same in words.
    label: String,
}

/// A rule with what it did: `v.rules` in the template.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub(super) struct RuleRow {
    line: Option<usize>,
    label: String,
    hits: HitsView,
    /// Whether it may still apply.
    is_current: bool,
}

/// The hits of a topic's rules, by the names they are counted by.
#[derive(Debug, Default)]
pub(super) struct Hits(BTreeMap<String, [u64; DAYS]>);

impl Hits {
    /// Reads the hits of the last days.
    ///
    /// # Errors
    /// [`Problem::Store`].
    pub(super) async fn of_project(
        ui: &Ui,
        project: ProjectId,
        topic: RuleTopic,
        now: UnixMillis,
    ) -> Result<Self, Problem> {
        let today = now.0.div_euclid(DAY_MS);
        let first = today - i64::try_from(DAYS).unwrap_or(0) + 1;
        let mut hits = Self::default();
        for row in ui.store.rule_hits(project, topic, first).await? {
            let days = hits.0.entry(row.rule).or_default();
            let index = usize::try_from(row.day - first).ok();
            if let Some(day) = index.and_then(|index| days.get_mut(index)) {
                *day = day.saturating_add(row.hits);
            }
        }
        Ok(hits)
    }

    /// The names of rules that did something and that the form has no more.
    pub(super) fn gone<T: Topic>(&self, form: &T::Form) -> BTreeSet<String> {
        let rules: BTreeSet<String> = T::rules(form).into_iter().map(|rule| rule.name).collect();
        let others = self.0.keys().filter(|name| !rules.contains(*name));
        let is_gone =
            |name: &&String| T::other_rule(name).is_some_and(|(_, is_current)| !is_current);
        others.filter(is_gone).cloned().collect()
    }

    /// The rules of a form with what each did, then those that only did something before; `gone` has what these said.
    pub(super) fn rows<T: Topic>(
        &self,
        form: &T::Form,
        gone: &BTreeMap<String, String>,
    ) -> Vec<RuleRow> {
        let rules = T::rules(form);
        let is_other = |name: &String| rules.iter().all(|rule| rule.name != *name);
        let others = self.0.keys().filter(|name| is_other(name));
        let others = others.filter_map(|name| {
            let (label, is_current) = T::other_rule(name)?;
            Some(RuleRow {
                line: None,
                label: gone.get(name).cloned().unwrap_or(label),
                hits: self.of(name),
                is_current,
            })
        });
        let mut others: Vec<RuleRow> = others.collect();
        others.sort_by_key(|row| std::cmp::Reverse(row.hits.total));
        let own = rules.iter().map(|rule| RuleRow {
            line: rule.line,
            label: rule.label.clone(),
            hits: self.of(&rule.name),
            is_current: true,
        });
        own.chain(others).collect()
    }

    /// The hits of every rule of a form by name: `v.hits` in the template.
    pub(super) fn by_name<T: Topic>(&self, form: &T::Form) -> BTreeMap<String, HitsView> {
        let rules = T::rules(form).into_iter();
        rules
            .map(|rule| (self.of(&rule.name), rule.name))
            .map(|(hits, name)| (name, hits))
            .collect()
    }

    fn of(&self, name: &str) -> HitsView {
        let days = self.0.get(name).copied().unwrap_or_default();
        let total = days.iter().fold(0_u64, |sum, day| sum.saturating_add(*day));
        let today = days[DAYS - 1];
        HitsView {
            total,
            today,
            path: path(&days),
            label: label(total, today),
        }
    }
}

fn path(days: &[u64; DAYS]) -> String {
    let peak = days.iter().copied().max().unwrap_or_default();
    let mut path = String::new();
    for (i, &day) in days.iter().enumerate().filter(|(_, day)| **day > 0) {
        let share = u128::from(day) * u128::from(HEIGHT) / u128::from(peak);
        let height = share.max(2);
        // Writing to a String cannot fail.
        let _ = write!(path, "M{} {HEIGHT}v-{height}h{WIDTH}v{height}z", i * STEP);
    }
    path
}

fn label(total: u64, today: u64) -> String {
    let number = |count| grouped(i64::try_from(count).unwrap_or(i64::MAX));
    match (total, today) {
        (0, _) => format!("no hit in {DAYS} days"),
        (1, _) => format!("1 hit in {DAYS} days"),
        (_, 0) => format!("{} hits in {DAYS} days, none today", number(total)),
        _ => format!(
            "{} hits in {DAYS} days, {} today",
            number(total),
            number(today)
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn days_become_bars() {
        let mut days = [0; DAYS];
        assert_eq!(path(&days), "");
        days[0] = 1;
        days[DAYS - 1] = u64::MAX;
        assert_eq!(path(&days), "M0 24v-2h4v2zM91 24v-24h4v24z");
        for (total, today, words) in [
            (0, 0, "no hit in 14 days"),
            (1, 1, "1 hit in 14 days"),
            (5, 0, "5 hits in 14 days, none today"),
            (1234, 2, "1\u{202f}234 hits in 14 days, 2 today"),
        ] {
            assert_eq!(label(total, today), words);
        }
    }
}
