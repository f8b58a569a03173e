//! The ledger of outcomes as people read it: names, explanations, amounts, and a chart.

mod amount;
mod stacked;
mod words;

pub(crate) use amount::{Amount, Unit, bytes};
pub(crate) use stacked::{Stacked, Stretch, class};
pub(crate) use words::{OUTCOMES, category_label, outcome_label, outcome_meaning, reason_words};
