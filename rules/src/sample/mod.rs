//! How much of what comes in is stored: lines `condition -> sample RATE`.

use bugle_protocol::RuleName;

use crate::documents::SamplingDocument;
use crate::facts::Facts;
use crate::problem::Problem;

/// Compiled sampling rules.
#[derive(Clone, Debug, Default)]
pub struct Sampling {}

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
    pub fn lenient(_document: &SamplingDocument) -> (Self, Vec<Problem>) {
        (Self {}, Vec::new())
    }

    /// What the first rule that holds decides; `None` keeps the event.
    #[must_use]
    pub fn draw(&self, _facts: &Facts<'_>) -> Option<Draw> {
        None
    }
}
