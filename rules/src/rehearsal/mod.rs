//! What rules would have done to events and transactions that are stored, so that they can be tried before they are saved.
//!
//! What is stored passed the filters and the sampling of its time and was scrubbed: what these removed, no rule can match.
//! [`Looked`] says how many bodies that concerns. A body has nothing of the request that brought it either: the user's
//! address stands for the sender's.
//!
//! The caller bounds the work: `go_on` is asked before each body, and [`Looked::is_complete`] says whether it ended early.

mod filters;
mod matched;
mod parts;
mod sampling;
mod subject;
mod tags;
mod tally;

use bugle_protocol::{EventId, UnixMillis};

pub use filters::{FilterRehearsal, filters};
pub use matched::Matched;
pub use parts::RulePlace;
pub use sampling::{SampledRule, SamplingRehearsal, sampling};
pub use tags::{TagRehearsal, TaggedRule, tags};
pub use tally::{Example, RuleEffect};

/// Rules that are tried one by one. Those beyond count in the totals only.
pub const MAX_RULES: usize = 1000;

/// A stored event or transaction.
#[derive(Clone, Copy, Debug)]
pub struct Stored<'b> {
    /// Its id.
    pub event_id: EventId,
    /// What lists call it.
    pub title: &'b str,
    /// When it came in.
    pub received_at: UnixMillis,
    /// The body: JSON, with `_meta` and `_bugle`.
    pub body: &'b [u8],
}

/// What was looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Looked {
    /// Transactions.
    pub transactions: usize,
    /// Everything else: errors, messages, reports of browsers.
    pub events: usize,
    /// Bodies that are no events.
    pub unreadable: usize,
    /// Those from which scrubbing had removed something.
    pub scrubbed: usize,
    /// Whether all were looked at.
    pub is_complete: bool,
}

impl Looked {
    /// All that could be asked.
    #[must_use]
    pub fn total(&self) -> usize {
        self.transactions + self.events
    }
}
