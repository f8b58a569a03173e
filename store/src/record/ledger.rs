//! What a batch adds to the ledger and beside the events, made ready in memory: pure, so that the transaction only has to
//! write it down.

use std::borrow::Cow;
use std::collections::{BTreeMap, HashMap, HashSet};

use bugle_protocol::{DataCategory, KeyId, Outcome, ProjectId, UnixMillis};

use super::{
    Batch, CategoryCount, NewAttachment, NewEvent, NewFeedback, NewRejection, NewTransaction,
    OutcomeCount,
};
use crate::intake::{KEPT_MILLIS, minute};
use crate::text::bounded;

/// The most characters of a name, a media type and the like.
const SHORT: usize = 255;

/// The most characters of an address of a page.
const URL: usize = 2048;

/// The most characters of what a user wrote.
const MESSAGE: usize = 4096;

/// The most characters of what says why something was not taken.
const DETAIL: usize = 1024;

/// How many rejections of a project one batch brings at most: a flood of them is all alike.
const REJECTIONS_OF_BATCH: usize = 20;

/// Project, event, SHA-256 and name: the same file comes once to an event.
pub(super) type AttachmentKey = (i64, Vec<u8>, Vec<u8>, String);

/// An attachment whose texts the database takes.
pub(super) struct AttachmentRow<'b> {
    pub(super) new: &'b NewAttachment,
    pub(super) name: Cow<'b, str>,
    pub(super) content_type: Option<Cow<'b, str>>,
    pub(super) attachment_type: Cow<'b, str>,
    pub(super) size: i64,
}

impl<'b> AttachmentRow<'b> {
    pub(super) fn new(new: &'b NewAttachment) -> Self {
        Self {
            new,
            name: bounded(&new.name, SHORT),
            content_type: short(new.content_type.as_deref()),
            attachment_type: bounded(&new.attachment_type, SHORT),
            size: i64::try_from(new.size).unwrap_or(i64::MAX),
        }
    }

    fn key(&self) -> AttachmentKey {
        (
            self.new.project_id.0,
            self.new.event_id.as_bytes().to_vec(),
            self.new.blob.0.to_vec(),
            self.name.clone().into_owned(),
        )
    }
}

/// Project and id of a feedback.
pub(super) type FeedbackKey = (i64, Vec<u8>);

/// A feedback whose texts the database takes.
pub(super) struct FeedbackRow<'b> {
    pub(super) new: &'b NewFeedback,
    pub(super) name: Option<Cow<'b, str>>,
    pub(super) email: Option<Cow<'b, str>>,
    pub(super) message: Cow<'b, str>,
    pub(super) url: Option<Cow<'b, str>>,
    pub(super) source: Option<Cow<'b, str>>,
    pub(super) environment: Option<Cow<'b, str>>,
    pub(super) release: Option<Cow<'b, str>>,
}

impl<'b> FeedbackRow<'b> {
    pub(super) fn new(new: &'b NewFeedback) -> Self {
        Self {
            new,
            name: short(new.name.as_deref()),
            email: short(new.email.as_deref()),
            message: bounded(&new.message, MESSAGE),
            url: new.url.as_deref().map(|text| bounded(text, URL)),
            source: short(new.source.as_deref()),
            environment: short(new.environment.as_deref()),
            release: short(new.release.as_deref()),
        }
    }

    fn key(&self) -> FeedbackKey {
        let id = self.new.feedback_id.as_bytes();
        (self.new.project_id.0, id.to_vec())
    }
}

fn short(text: Option<&str>) -> Option<Cow<'_, str>> {
    text.map(|text| bounded(text, SHORT))
}

/// A rejection whose texts the database takes.
pub(super) struct RejectionRow<'b> {
    pub(super) new: &'b NewRejection,
    pub(super) item_type: Cow<'b, str>,
    pub(super) detail: Cow<'b, str>,
    pub(super) client: Cow<'b, str>,
    pub(super) size: i64,
}

/// The last rejections of each project, in their order.
pub(super) fn rejections(batch: &Batch) -> Vec<RejectionRow<'_>> {
    let mut taken: HashMap<ProjectId, usize> = HashMap::new();
    let is_among_the_last = |new: &&NewRejection| {
        let taken = taken.entry(new.project_id).or_default();
        *taken += 1;
        *taken <= REJECTIONS_OF_BATCH
    };
    let row = |new| RejectionRow {
        new,
        item_type: bounded(&new.item_type, SHORT),
        detail: bounded(&new.detail, DETAIL),
        client: bounded(&new.client, SHORT),
        size: i64::try_from(new.size).unwrap_or(i64::MAX),
    };
    let newest_first = batch.rejections.iter().rev().filter(is_among_the_last);
    let mut rows: Vec<_> = newest_first.map(row).collect();
    rows.reverse();
    rows
}

/// The key of what was taken in: project, key, minute, category.
pub(super) type IntakeKey = (i64, i64, i64, &'static str);

/// What the batch's requests were charged, added up, without what is forgotten already.
pub(super) fn intake(batch: &Batch, now: UnixMillis) -> BTreeMap<IntakeKey, i64> {
    let mut totals: BTreeMap<IntakeKey, i64> = BTreeMap::new();
    let oldest = oldest_minute(now);
    for count in &batch.intake {
        let minute = minute(count.received_at);
        if minute < oldest {
            continue;
        }
        let category = count.charge.category.name();
        let key = (count.project_id.0, count.key_id.0, minute, category);
        let total = totals.entry(key).or_default();
        *total = total.saturating_add(i64::try_from(count.charge.quantity).unwrap_or(i64::MAX));
    }
    totals
}

/// The first minute that is still kept.
pub(super) fn oldest_minute(now: UnixMillis) -> i64 {
    minute(now).saturating_sub(KEPT_MILLIS)
}

/// Project and id of a transaction.
pub(super) type TransactionKey = (i64, Vec<u8>);

pub(super) fn transaction_key(new: &NewTransaction) -> TransactionKey {
    (new.project_id.0, new.event_id.as_bytes().to_vec())
}

/// The key of a rule's day: project, topic, rule, day. A name is cut to what other names may have.
pub(super) type RuleHitKey<'b> = (i64, &'static str, Cow<'b, str>, i64);

/// How often rules did something.
pub(super) type RuleHits<'b> = BTreeMap<RuleHitKey<'b>, i64>;

/// What rules did, added up.
pub(super) fn rule_hits(batch: &Batch) -> RuleHits<'_> {
    let mut totals = RuleHits::new();
    for count in &batch.rule_hits {
        let rule = bounded(count.hit.rule.as_str(), SHORT);
        let topic = count.hit.topic.name();
        let key = (count.project_id.0, topic, rule, count.received_at.day());
        let total = totals.entry(key).or_default();
        *total = total.saturating_add(i64::try_from(count.quantity).unwrap_or(i64::MAX));
    }
    totals
}

/// The key of an outcome's row: project, key, hour, category, outcome, reason.
pub(super) type OutcomeKey = (i64, i64, i64, &'static str, &'static str, &'static str);

/// How many items ended how.
#[derive(Debug, Default)]
pub(super) struct Outcomes(pub(super) BTreeMap<OutcomeKey, i64>);

impl Outcomes {
    /// The outcomes that the batch brought.
    pub(super) fn new(brought: &[OutcomeCount]) -> Self {
        let mut outcomes = Self::default();
        for count in brought {
            outcomes.add(
                (count.project_id, count.key_id, count.received_at),
                count.category,
                count.outcome,
                count.quantity,
            );
        }
        outcomes
    }

    /// Adds them up over projects, keys, hours and reasons.
    pub(super) fn by_category(&self) -> Vec<CategoryCount> {
        let mut totals: BTreeMap<(&'static str, &'static str), i64> = BTreeMap::new();
        for ((_, _, _, category, outcome, _), quantity) in &self.0 {
            let total = totals.entry((*category, *outcome)).or_default();
            *total = total.saturating_add(*quantity);
        }
        let count = |((category, outcome), quantity)| CategoryCount {
            category,
            outcome,
            quantity,
        };
        totals.into_iter().map(count).collect()
    }

    fn add(
        &mut self,
        (project_id, key_id, received_at): (ProjectId, KeyId, UnixMillis),
        category: DataCategory,
        outcome: Outcome,
        quantity: i64,
    ) {
        let hour = received_at.hour().0;
        let (outcome, reason) = (outcome.name(), outcome.reason());
        let key = (
            project_id.0,
            key_id.0,
            hour,
            category.name(),
            outcome,
            reason,
        );
        let total = self.0.entry(key).or_default();
        *total = total.saturating_add(quantity);
    }

    /// Counts the events; `fresh` has those that were stored.
    pub(super) fn add_events(&mut self, events: &[NewEvent], fresh: &[Option<&NewEvent>]) {
        for (event, fresh) in events.iter().zip(fresh) {
            let origin = (event.project_id, event.key_id, event.received_at);
            self.add(origin, event.category, stored_or_known(fresh.is_some()), 1);
        }
    }

    /// Counts the attachments in items and in bytes; `stored` has those that are new. Where one comes twice in a batch,
    /// the first is the one that was stored.
    pub(super) fn add_attachments(
        &mut self,
        rows: &[AttachmentRow<'_>],
        mut stored: HashSet<AttachmentKey>,
    ) {
        for row in rows {
            let new = row.new;
            let origin = (new.project_id, new.key_id, new.received_at);
            let outcome = stored_or_known(stored.remove(&row.key()));
            self.add(origin, DataCategory::Attachment, outcome, row.size.max(1));
            self.add(origin, DataCategory::AttachmentItem, outcome, 1);
        }
    }

    /// Counts the feedback, in the same way.
    pub(super) fn add_feedback(
        &mut self,
        rows: &[FeedbackRow<'_>],
        mut stored: HashSet<FeedbackKey>,
    ) {
        for row in rows {
            let new = row.new;
            let origin = (new.project_id, new.key_id, new.received_at);
            let outcome = stored_or_known(stored.remove(&row.key()));
            self.add(origin, DataCategory::Feedback, outcome, 1);
        }
    }

    /// Counts the transactions, in the same way.
    pub(super) fn add_transactions(
        &mut self,
        batch: &[NewTransaction],
        mut stored: HashSet<TransactionKey>,
    ) {
        for new in batch {
            let origin = (new.project_id, new.key_id, new.received_at);
            let outcome = stored_or_known(stored.remove(&transaction_key(new)));
            self.add(origin, DataCategory::Transaction, outcome, 1);
        }
    }
}

fn stored_or_known(is_stored: bool) -> Outcome {
    if is_stored {
        Outcome::Accepted
    } else {
        Outcome::Duplicate
    }
}
