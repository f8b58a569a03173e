//! How rules are named where they are counted and shown: what each of them is, the crate `rules` knows.

use std::borrow::Cow;
use std::fmt;

use crate::outcome::named;

named! {
    /// What rules are about. Each has a document of its own, with versions.
    RuleTopic {
        /// What is removed from events before they are stored.
        Scrubbing = "scrubbing",
        /// What is dropped.
        Filters = "filters",
        /// How much of what is stored.
        Sampling = "sampling",
        /// Which tags are added.
        Tags = "tags",
    }
}

/// The name by which a rule is counted: a short text that stays the same for as long as the rule does.
///
/// A built-in filter has its [`crate::FilterReason`], a scrubbing rule its id, such as `@password:filter`, and a line of
/// rules 16 hex digits, the beginning of the SHA-256 of its canonical text.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleName(pub Cow<'static, str>);

/// A rule that did something to an item.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct RuleHit {
    /// What it is about.
    pub topic: RuleTopic,
    /// Which one it is.
    pub rule: RuleName,
}

impl RuleName {
    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for RuleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}
