//! Counts what became of a request: each charge of each item ends in exactly one outcome.

use std::borrow::Cow;
use std::collections::BTreeMap;

use bugle_protocol::{Charge, DataCategory, DiscardReason, Outcome, RuleHit};
use bugle_store::queue::{QueuedRequest, RequestHead};
use bugle_store::{Batch, IntakeCount, NewRejection, OutcomeCount, RuleHitCount};

use crate::verdict::{Ending, Kept, Unit};

/// Not taken, and what came is kept for a person to look at.
const FAILED: Outcome = Outcome::Invalid(DiscardReason::Internal);

/// What people are told of it.
const FAILED_DETAIL: &str =
    "the server could not process or store the item, and set it aside; see bugle queue ls";

/// What became of a request.
#[derive(Debug)]
pub(crate) struct Processed {
    pub(crate) units: Vec<Unit>,
    /// How large the body was after decompression.
    pub(crate) decoded_bytes: usize,
    /// What of the request failed, and is to be set aside.
    pub(crate) aside: Option<QueuedRequest>,
}

/// Adds charges up by category.
pub(crate) fn add_up<'c>(charges: impl IntoIterator<Item = &'c Charge>) -> Vec<Charge> {
    let mut totals: Vec<Charge> = Vec::new();
    for charge in charges {
        match totals
            .iter_mut()
            .find(|total| total.category == charge.category)
        {
            Some(total) => total.quantity = total.quantity.saturating_add(charge.quantity),
            None => totals.push(*charge),
        }
    }
    totals
}

impl Processed {
    /// Adds what is stored and counted to the batch.
    pub(crate) fn settle(self, head: &RequestHead, batch: &mut Batch) {
        let mut counts = Counts::default();
        for unit in self.units {
            counts.add_unit(&unit, head.is_retry);
            batch.rejections.extend(rejection(head, &unit));
            match unit.ending {
                Ending::Kept(kept) => {
                    batch.events.extend(kept.events);
                    batch.attachments.extend(kept.attachments);
                    batch.feedback.extend(kept.feedback);
                    batch.transactions.extend(kept.transactions);
                    batch.rule_hits.extend(hits(head, kept.hits));
                }
                Ending::Refused(refusal) => batch.rule_hits.extend(hits(head, refusal.hits)),
                Ending::Failed => {}
            }
        }
        batch.outcomes.extend(counts.of(head));
        // The first try was charged; the second one comes from a person here.
        if !head.is_retry {
            batch.intake.extend(intake(head));
        }
    }
}

/// The store adds them up.
fn hits(head: &RequestHead, hits: Vec<RuleHit>) -> impl Iterator<Item = RuleHitCount> {
    hits.into_iter().map(|hit| RuleHitCount {
        project_id: head.project_id,
        received_at: head.received_at,
        hit,
        quantity: 1,
    })
}

fn intake(head: &RequestHead) -> impl Iterator<Item = IntakeCount> {
    head.charges.iter().map(|charge| IntakeCount {
        project_id: head.project_id,
        key_id: head.key_id,
        received_at: head.received_at,
        charge: *charge,
    })
}

/// What items count for that were taken for an error and turned out to be something else.
fn charges_as(charges: &[Charge], category: Option<DataCategory>) -> Cow<'_, [Charge]> {
    let Some(category) = category else {
        return Cow::Borrowed(charges);
    };
    let of = |charge: &Charge| match charge.category {
        DataCategory::Error => Charge {
            category,
            ..*charge
        },
        _ => *charge,
    };
    charges.iter().map(of).collect()
}

/// How much of each category ended how, of one request.
#[derive(Default)]
struct Counts(BTreeMap<(DataCategory, Outcome), i64>);

impl Counts {
    fn add(&mut self, category: DataCategory, outcome: Outcome, quantity: i64) {
        let total = self.0.entry((category, outcome)).or_default();
        *total = total.saturating_add(quantity);
    }

    fn add_unit(&mut self, unit: &Unit, is_retry: bool) {
        match &unit.ending {
            Ending::Kept(kept) => self.add_kept(&charges_as(&unit.charges, kept.category()), kept),
            Ending::Failed => self.add_all(&unit.charges, FAILED),
            Ending::Refused(refusal) => {
                self.add_all(
                    &charges_as(&unit.charges, refusal.category),
                    refusal.outcome,
                );
            }
        }
        if is_retry {
            for charge in &unit.charges {
                self.add(charge.category, FAILED, -quantity(charge.quantity));
            }
        }
    }

    fn add_all(&mut self, charges: &[Charge], outcome: Outcome) {
        for charge in charges {
            self.add(charge.category, outcome, quantity(charge.quantity));
        }
    }

    /// The store counts what it stores, as accepted or as a duplicate; the rest is accepted here.
    fn add_kept(&mut self, charges: &[Charge], kept: &Kept) {
        for charge in charges {
            let counted = kept.counted_by_store(charge.category);
            let rest = charge.quantity.saturating_sub(counted);
            self.add(charge.category, Outcome::Accepted, quantity(rest));
        }
        for (category, outcome, quantity) in &kept.reported {
            self.add(*category, *outcome, *quantity);
        }
    }

    fn of(self, head: &RequestHead) -> impl Iterator<Item = OutcomeCount> {
        let counts = self.0.into_iter().filter(|(_, quantity)| *quantity != 0);
        counts.map(|((category, outcome), quantity)| OutcomeCount {
            project_id: head.project_id,
            key_id: head.key_id,
            received_at: head.received_at,
            category,
            outcome,
            quantity,
        })
    }
}

fn quantity(quantity: u64) -> i64 {
    i64::try_from(quantity).unwrap_or(i64::MAX)
}

/// What people are shown of items that were not taken. Limits and kinds that are not supported are no news.
fn rejection(head: &RequestHead, unit: &Unit) -> Option<NewRejection> {
    let (outcome, detail) = match &unit.ending {
        Ending::Failed => (FAILED, FAILED_DETAIL),
        Ending::Refused(refusal) if matches!(refusal.outcome, Outcome::Invalid(_)) => {
            (refusal.outcome, refusal.detail.as_str())
        }
        Ending::Kept(_) | Ending::Refused(_) => return None,
    };
    Some(NewRejection {
        project_id: head.project_id,
        key_id: head.key_id,
        received_at: head.received_at,
        status: 200,
        item_type: unit.item_type.clone(),
        outcome,
        detail: detail.to_owned(),
        client: head.client.clone().unwrap_or_default(),
        size: unit.size,
    })
}

#[cfg(test)]
mod tests;
