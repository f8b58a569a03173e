//! The sums of the ledger: by category and outcome, by reason, by key.

use std::collections::BTreeMap;

use bugle_protocol::{DataCategory, KeyId};
use bugle_store::{OutcomeTotal, ProjectKey};
use serde::Serialize;

use crate::ledger::{
    Amount, OUTCOMES, Unit, category_label, class, outcome_label, outcome_meaning, reason_words,
};

/// The outcome of what was stored.
const ACCEPTED: &str = "accepted";
/// The outcome of what was never sent.
const DISCARDED: &str = "client_discard";

/// A table of categories and outcomes.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Totals {
    columns: Vec<Column>,
    rows: Vec<Row>,
}

/// An outcome.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Column {
    class: &'static str,
    label: String,
    meaning: &'static str,
}

/// A category.
#[derive(Debug, PartialEq, Eq, Serialize)]
struct Row {
    label: String,
    /// Everything that arrived, whatever became of it.
    received: Amount,
    /// In the order of the columns; none where there was nothing.
    cells: Vec<Option<Amount>>,
}

/// Why items ended as they did.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Reason {
    class: &'static str,
    outcome: String,
    words: String,
    /// The names of outcome and reason, as the API and the metrics have them.
    name: String,
    category: String,
    amount: Amount,
}

/// What came with a key.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct KeyRow {
    label: String,
    is_active: bool,
    balance: Balance,
}

/// What became of what was sent, in three numbers.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(in crate::pages) struct Balance {
    /// Everything that arrived.
    received: Amount,
    accepted: Amount,
    /// What arrived and was not stored.
    dropped: Amount,
    /// What the client dropped before.
    discarded: Amount,
}

/// Adds up some totals of one unit.
pub(in crate::pages) fn balance<'t>(
    totals: impl IntoIterator<Item = &'t OutcomeTotal>,
    unit: Unit,
) -> Balance {
    let (mut accepted, mut dropped, mut discarded) = (0_i64, 0_i64, 0_i64);
    for total in totals {
        let sum = match total.outcome.as_str() {
            ACCEPTED => &mut accepted,
            DISCARDED => &mut discarded,
            _ => &mut dropped,
        };
        *sum = sum.saturating_add(total.quantity);
    }
    Balance {
        received: Amount::new(accepted.saturating_add(dropped), unit),
        accepted: Amount::new(accepted, unit),
        dropped: Amount::new(dropped, unit),
        discarded: Amount::new(discarded, unit),
    }
}

impl Totals {
    /// The table of all categories and outcomes that occur.
    pub(super) fn new(totals: &[OutcomeTotal]) -> Self {
        let outcomes = occurring(totals.iter().map(|total| total.outcome.as_str()), |name| {
            OUTCOMES.iter().position(|known| *known == name)
        });
        let categories = occurring(totals.iter().map(|total| total.category.as_str()), |name| {
            DataCategory::ALL
                .iter()
                .position(|known| known.name() == name)
        });
        let rows = categories.into_iter();
        Self {
            rows: rows
                .map(|category| Row::new(category, &outcomes, totals))
                .collect(),
            columns: outcomes.into_iter().map(Column::new).collect(),
        }
    }
}

/// The names that occur: the known ones at their place, then the others by name.
fn occurring<'n>(
    names: impl Iterator<Item = &'n str>,
    place: impl Fn(&str) -> Option<usize>,
) -> Vec<&'n str> {
    let places: BTreeMap<(usize, &str), ()> = names
        .map(|name| ((place(name).unwrap_or(usize::MAX), name), ()))
        .collect();
    places.into_keys().map(|(_, name)| name).collect()
}

impl Column {
    fn new(outcome: &str) -> Self {
        Self {
            class: class(outcome),
            label: outcome_label(outcome),
            meaning: outcome_meaning(outcome),
        }
    }
}

impl Row {
    fn new(category: &str, outcomes: &[&str], totals: &[OutcomeTotal]) -> Self {
        let unit = Unit::of(category);
        let own: Vec<&OutcomeTotal> = totals
            .iter()
            .filter(|total| total.category == category)
            .collect();
        let cell = |outcome: &&str| {
            let sum = own.iter().filter(|total| total.outcome == *outcome);
            let sum: i64 = sum.map(|total| total.quantity).sum();
            (sum != 0).then(|| Amount::new(sum, unit))
        };
        Self {
            label: category_label(category),
            cells: outcomes.iter().map(cell).collect(),
            received: balance(own.iter().copied(), unit).received,
        }
    }
}

impl Reason {
    /// The reasons of everything that was not stored, the most frequent first within each outcome; only of the categories
    /// that are shown.
    pub(super) fn all(totals: &[OutcomeTotal], shows: impl Fn(&str) -> bool) -> Vec<Self> {
        let mut sums: BTreeMap<(usize, &str, &str, &str), i64> = BTreeMap::new();
        for total in totals {
            if total.outcome != ACCEPTED && shows(&total.category) {
                let place = OUTCOMES.iter().position(|known| *known == total.outcome);
                let place = place.unwrap_or(usize::MAX);
                let key = (place, &*total.outcome, &*total.reason, &*total.category);
                *sums.entry(key).or_default() += total.quantity;
            }
        }
        let mut sums: Vec<_> = sums.into_iter().filter(|(_, sum)| *sum != 0).collect();
        sums.sort_by_key(|((place, ..), sum)| (*place, std::cmp::Reverse(*sum)));
        let reason =
            |((_, outcome, reason, category), sum): ((usize, &str, &str, &str), i64)| Self {
                class: class(outcome),
                outcome: outcome_label(outcome),
                words: reason_words(outcome, reason),
                name: name(outcome, reason),
                category: category_label(category),
                amount: Amount::new(sum, Unit::of(category)),
            };
        sums.into_iter().map(reason).collect()
    }
}

/// The names of outcome and reason, as the API and the metrics have them.
pub(super) fn name(outcome: &str, reason: &str) -> String {
    match reason {
        "" => outcome.to_owned(),
        reason => format!("{outcome}/{reason}"),
    }
}

impl KeyRow {
    /// The keys of the project, and those of which something was counted.
    pub(super) fn all(
        keys: &[ProjectKey],
        totals: &[(KeyId, OutcomeTotal)],
        category: Option<DataCategory>,
    ) -> Vec<Self> {
        let unit = category.map_or(Unit::Items, |category| Unit::of(category.name()));
        let shows = |total: &OutcomeTotal| match category {
            Some(category) => category.name() == total.category,
            None => Unit::of(&total.category) == Unit::Items,
        };
        let mut ids: Vec<KeyId> = keys.iter().map(|key| key.id).collect();
        ids.extend(totals.iter().map(|(id, _)| *id));
        ids.sort_unstable();
        ids.dedup();
        let row = |id: KeyId| {
            let key = keys.iter().find(|key| key.id == id);
            let own = totals
                .iter()
                .filter(|(key, total)| *key == id && shows(total));
            Self {
                label: key.map_or_else(|| format!("Key {id}"), |key| key.label.clone()),
                is_active: key.is_none_or(|key| key.is_active),
                balance: balance(own.map(|(_, total)| total), unit),
            }
        };
        ids.into_iter().map(row).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn total(category: &str, outcome: &str, reason: &str, quantity: i64) -> OutcomeTotal {
        OutcomeTotal {
            category: category.to_owned(),
            outcome: outcome.to_owned(),
            reason: reason.to_owned(),
            quantity,
        }
    }

    #[test]
    fn sums_are_by_category_outcome_and_reason() {
        let totals = [
            total("error", "accepted", "", 10),
            total("error", "invalid", "too_large", 2),
            total("error", "invalid", "internal", 3),
            total("error", "client_discard", "before_send", 7),
            total("attachment", "accepted", "", 2_000_000),
            total("odd", "strange", "", 1),
        ];
        let table = Totals::new(&totals);
        let columns: Vec<_> = table.columns.iter().map(|c| c.label.as_str()).collect();
        assert_eq!(
            columns,
            ["Accepted", "Invalid", "Client discard", "strange"]
        );
        let rows: Vec<_> = table.rows.iter().map(|row| row.label.as_str()).collect();
        assert_eq!(rows, ["Errors", "Attachment bytes", "odd"]);
        let cells = |row: &Row| -> Vec<String> {
            let cells = row.cells.iter();
            cells
                .map(|cell| cell.as_ref().map_or("", |a| &a.text).to_owned())
                .collect()
        };
        assert_eq!(cells(&table.rows[0]), ["10", "5", "7", ""]);
        assert_eq!(table.rows[0].received.text, "15");
        assert_eq!(cells(&table.rows[1]), ["2 MB", "", "", ""]);
        let reasons = Reason::all(&totals, |category| category == "error");
        let names: Vec<_> = reasons.iter().map(|reason| reason.name.as_str()).collect();
        assert_eq!(
            names,
            [
                "invalid/internal",
                "invalid/too_large",
                "client_discard/before_send"
            ]
        );
    }

    #[test]
    fn every_key_has_a_row() {
        let totals = [
            (KeyId(3), total("error", "accepted", "", 4)),
            (KeyId(3), total("error", "duplicate", "", 1)),
            (KeyId(3), total("log_byte", "accepted", "", 999)),
        ];
        let rows = KeyRow::all(&[], &totals, None);
        assert_eq!((rows.len(), rows[0].label.as_str()), (1, "Key 3"));
        let balance = &rows[0].balance;
        assert_eq!(
            (
                balance.received.text.as_str(),
                balance.dropped.text.as_str()
            ),
            ("5", "1")
        );
    }
}
