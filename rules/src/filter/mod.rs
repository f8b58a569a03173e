//! What is dropped before it is stored.

use bugle_protocol::{FilterReason, RuleName};
use serde::{Deserialize, Serialize};

use crate::documents::FiltersDocument;
use crate::facts::Facts;
use crate::problem::Problem;

/// Compiled filters.
#[derive(Clone, Debug)]
pub struct Filters {}

/// The filter that an event ran into.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilterHit {
    /// What the ledger says.
    pub reason: FilterReason,
    /// What it is counted by: the reason's name, or that of a rule line.
    pub rule: RuleName,
}

/// Browsers that can be taken for too old. The version in which each begins to be current is Sentry's.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[expect(missing_docs, reason = "the names say it")]
pub enum LegacyBrowser {
    Ie,
    Edge,
    Safari,
    Firefox,
    Chrome,
    Opera,
    Android,
    OperaMini,
}

/// Filters as a new project does.
impl Default for Filters {
    fn default() -> Self {
        Self::lenient(&FiltersDocument::default()).0
    }
}

impl Filters {
    /// Compiles what can be compiled; returns what could not.
    #[must_use]
    pub fn lenient(_document: &FiltersDocument) -> (Self, Vec<Problem>) {
        (Self {}, Vec::new())
    }

    /// The first filter that the event runs into.
    #[must_use]
    pub fn first_hit(&self, _facts: &Facts<'_>) -> Option<FilterHit> {
        None
    }
}
