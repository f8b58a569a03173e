//! What the quotas' windows have taken in so far: pure, the time is an argument.

use std::collections::HashMap;

use bugle_protocol::{Charge, LimitReason, UnixMillis};
use bugle_store::Quota;
use bugle_store::queue::LimitedItem;

use super::meter::{Meter, Parent, goes_along};
use super::verdict::{CounterId, Share, Verdict, add_all};

/// Above so many counters those of windows that are over are forgotten.
const MANY_COUNTERS: usize = 1024;

/// The counters of all quotas that were met.
#[derive(Debug, Default)]
pub(super) struct Counters {
    counters: HashMap<CounterId, Counter>,
}

/// What one window has taken in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Counter {
    /// The window's number, see [`Quota::slot`].
    pub(super) slot: i64,
    pub(super) ends_at: UnixMillis,
    pub(super) used: u64,
    /// How much it refused.
    pub(super) refused: u64,
}

impl Counter {
    /// A window that has taken in `used`.
    fn new(quota: &Quota, now: UnixMillis, used: u64) -> Self {
        let slot = quota.slot(now);
        Self {
            slot,
            ends_at: quota.slot_start(slot + 1),
            used,
            refused: 0,
        }
    }

    /// Whether it is the window of `now`. A clock that goes back a little does not begin a window again.
    fn holds(&self, quota: &Quota, now: UnixMillis) -> bool {
        let slot = quota.slot(now);
        self.slot == slot || self.slot == slot + 1
    }
}

impl Counters {
    /// Whether all of the quotas are counted.
    pub(super) fn know(&self, quotas: &[Quota]) -> bool {
        quotas
            .iter()
            .all(|quota| self.counters.contains_key(&id(quota)))
    }

    /// The quotas that have no counter yet.
    pub(super) fn missing<'q>(&self, quotas: &'q [Quota]) -> Vec<&'q Quota> {
        let is_missing = |quota: &&Quota| !self.counters.contains_key(&id(quota));
        quotas.iter().filter(is_missing).collect()
    }

    /// Begins to count a quota that has taken in `used` in the window of `now`. One that is counted already is left alone.
    pub(super) fn begin(&mut self, quota: &Quota, used: u64, now: UnixMillis) {
        if self.counters.len() >= MANY_COUNTERS {
            self.counters.retain(|_, counter| counter.ends_at > now);
        }
        let counter = Counter::new(quota, now, used);
        self.counters.entry(id(quota)).or_insert(counter);
    }

    /// What a quota has taken in within the window of `now`; `None` if it was not met yet.
    pub(super) fn used(&self, quota: &Quota, now: UnixMillis) -> Option<u64> {
        let counter = self.counters.get(&id(quota))?;
        Some(counter.used).filter(|_| counter.holds(quota, now))
    }

    /// How many quotas are counted.
    #[cfg(test)]
    pub(super) fn len(&self) -> usize {
        self.counters.len()
    }

    /// Decides on a request, and charges what no quota refuses. `charges` has a list per item.
    ///
    /// What makes an event or a transaction is asked for first: where that is refused, what belongs to it goes along.
    pub(super) fn settle(
        &mut self,
        quotas: &[Quota],
        charges: &[Vec<Charge>],
        now: UnixMillis,
    ) -> Verdict {
        let mut meters: Vec<_> = quotas.iter().map(|quota| self.meter(quota, now)).collect();
        let mut verdict = Verdict::default();
        let mut refused: Vec<(Parent, LimitReason)> = Vec::new();
        for (item, charges) in parents_first(charges) {
            let parent = refused
                .iter()
                .find(|(parent, _)| goes_along(charges, *parent));
            let reason = match parent {
                Some((_, reason)) => Some(*reason),
                None => ask(&mut meters, charges),
            };
            let Some(reason) = reason else {
                add_all(&mut verdict.charged, charges);
                continue;
            };
            refused.extend(Parent::of(charges).map(|parent| (parent, reason)));
            verdict.limited.push(LimitedItem { item, reason });
        }
        verdict.limited.sort_unstable_by_key(|limited| limited.item);
        for meter in meters.into_iter().filter(|meter| meter.is_concerned) {
            self.note(&meter, &mut verdict, now);
        }
        verdict
    }

    /// Gives back what a request was charged that could not be kept.
    pub(super) fn refund(&mut self, verdict: &Verdict) {
        for share in &verdict.shares {
            let counter = self.counters.get_mut(&share.counter);
            if let Some(counter) = counter.filter(|counter| counter.slot == share.slot) {
                counter.used = counter.used.saturating_sub(share.quantity);
            }
        }
    }

    fn meter<'q>(&self, quota: &'q Quota, now: UnixMillis) -> Meter<'q> {
        let known = self.counters.get(&id(quota)).copied();
        let current = known.filter(|counter| counter.holds(quota, now));
        Meter {
            quota,
            counter: current.unwrap_or_else(|| Counter::new(quota, now, 0)),
            ended: if current.is_none() { known } else { None },
            share: 0,
            refused: 0,
            is_concerned: false,
        }
    }

    /// Writes down what a request did to a quota. The client is told of quotas that refuse something of it, or have refused
    /// something before and have no room yet.
    fn note(&mut self, meter: &Meter<'_>, verdict: &mut Verdict, now: UnixMillis) {
        meter.report();
        let mut counter = meter.counter;
        counter.used = counter.used.saturating_add(meter.share);
        counter.refused = counter.refused.saturating_add(meter.refused);
        self.counters.insert(id(meter.quota), counter);
        if meter.share > 0 {
            verdict.shares.push(Share {
                counter: id(meter.quota),
                slot: counter.slot,
                quantity: meter.share,
            });
        }
        // A limit that was raised, or that refused one large item only, has room again.
        let is_still_full = counter.refused > 0 && counter.used >= meter.quota.quantity;
        if meter.refused > 0 || is_still_full {
            verdict.active.push(meter.rate_limit(now));
        }
    }
}

/// Charges an item to all quotas that count it, or, if one refuses, to none; then it is the reason of the one that lasts
/// longest.
fn ask(meters: &mut [Meter<'_>], charges: &[Charge]) -> Option<LimitReason> {
    let mut refusing: Option<&Meter<'_>> = None;
    for meter in meters.iter_mut() {
        let wanted = meter.wanted(charges);
        meter.is_concerned |= wanted > 0;
        if meter.refuses(wanted) {
            meter.refused += wanted;
            if refusing.is_none_or(|other| other.counter.ends_at < meter.counter.ends_at) {
                refusing = Some(meter);
            }
        }
    }
    if let Some(refusing) = refusing {
        return Some(refusing.quota.reason);
    }
    for meter in meters {
        meter.share += meter.wanted(charges);
    }
    None
}

/// The items with their places, those that others go along with before the others.
fn parents_first(charges: &[Vec<Charge>]) -> impl Iterator<Item = (usize, &[Charge])> {
    let of_kind = |is_parent: bool| {
        let items = charges.iter().map(Vec::as_slice).enumerate();
        items.filter(move |(_, charges)| Parent::of(charges).is_some() == is_parent)
    };
    of_kind(true).chain(of_kind(false))
}

/// A quota's id and when it was made: a database gives the id of what was removed to what comes next.
fn id(quota: &Quota) -> CounterId {
    (quota.id, quota.created_at)
}
