//! A quota as one request meets it.

use bugle_protocol::{Charge, DataCategory, LimitReason, RateLimit, UnixMillis};
use bugle_store::Quota;

use super::counters::Counter;

/// What clients of a quota of nothing are told to wait before they ask again, in seconds.
const NOTHING_SECONDS: u64 = 60;

/// A quota, its window, and what a request does to it.
pub(super) struct Meter<'q> {
    pub(super) quota: &'q Quota,
    pub(super) counter: Counter,
    /// The window before, if this request is the first of a new one.
    pub(super) ended: Option<Counter>,
    /// What the request is charged.
    pub(super) share: u64,
    /// What of the request is refused.
    pub(super) refused: u64,
    /// Whether anything in the request is counted by the quota.
    pub(super) is_concerned: bool,
}

/// An item that others of its envelope belong to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Parent {
    /// What an event is made of; attachments belong to it.
    Error,
    /// A transaction; its profile belongs to it.
    Transaction,
}

impl Parent {
    pub(super) fn of(charges: &[Charge]) -> Option<Self> {
        charges.iter().find_map(|charge| match charge.category {
            DataCategory::Error => Some(Self::Error),
            DataCategory::Transaction => Some(Self::Transaction),
            _ => None,
        })
    }
}

/// Whether an item is of no use without its parent.
pub(super) fn goes_along(charges: &[Charge], parent: Parent) -> bool {
    let counts_as = |category| charges.iter().any(|charge| charge.category == category);
    match parent {
        Parent::Error => counts_as(DataCategory::Attachment),
        Parent::Transaction => counts_as(DataCategory::Profile),
    }
}

impl Meter<'_> {
    /// How much of an item the quota counts.
    pub(super) fn wanted(&self, charges: &[Charge]) -> u64 {
        let counted = charges.iter().filter(|c| self.quota.counts(c.category));
        counted.map(|charge| charge.quantity).sum()
    }

    /// Whether so much more is too much. Bytes may exceed the limit once: else a large file would never get through
    /// although nothing else came.
    pub(super) fn refuses(&self, wanted: u64) -> bool {
        let used = self.counter.used.saturating_add(self.share);
        let limit = self.quota.quantity;
        if self.quota.is_bytes() {
            wanted > 0 && used >= limit
        } else {
            wanted > 0 && used.saturating_add(wanted) > limit
        }
    }

    /// What the client is told: until when it has to hold back.
    pub(super) fn rate_limit(&self, now: UnixMillis) -> RateLimit {
        let left = self.counter.ends_at.0.saturating_sub(now.0);
        let left = u64::try_from(left).unwrap_or(0).div_ceil(1000).max(1);
        RateLimit {
            seconds: if self.quota.quantity == 0 {
                NOTHING_SECONDS
            } else {
                left
            },
            categories: self.quota.categories.clone(),
            scope: self.quota.scope(),
            reason: self.quota.reason.name(),
            namespace: None,
        }
    }

    /// Writes the begin and the end of a spike to the log.
    pub(super) fn report(&self) {
        if self.quota.reason != LimitReason::SpikeProtection {
            return;
        }
        let project = self.quota.project_id.map(|id| id.0);
        if let Some(refused) = self.ended.map(|counter| counter.refused).filter(|n| *n > 0) {
            tracing::warn!(
                project.id = project,
                refused,
                "a spike's hour is over, events are taken again"
            );
        }
        if self.refused > 0 && self.counter.refused == 0 {
            tracing::warn!(
                project.id = project,
                limit = self.quota.quantity,
                "a spike: refusing events for the rest of the hour"
            );
        }
    }
}
