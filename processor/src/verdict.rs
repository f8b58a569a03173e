//! What becomes of the items of a request.

use bugle_protocol::{Charge, DataCategory, DiscardReason, Outcome, RuleHit};
use bugle_store::{NewAttachment, NewEvent, NewFeedback, NewTransaction, StoreError};

/// Items that end together: one item nearly always, or all that an event is made of where no item is one by itself.
#[derive(Debug)]
pub(crate) struct Unit {
    /// The places of the items in the envelope.
    pub(crate) members: Vec<usize>,
    /// The type of the first of them on the wire.
    pub(crate) item_type: String,
    /// Their bytes.
    pub(crate) size: u64,
    /// What they count for.
    pub(crate) charges: Vec<Charge>,
    /// How they end.
    pub(crate) ending: Ending,
}

/// How items end.
#[derive(Debug)]
pub(crate) enum Ending {
    /// Something of them is stored, or they said what is to be counted.
    Kept(Box<Kept>),
    /// They end in an outcome.
    Refused(Refusal),
    /// They made the processor or the database fail: they are set aside.
    Failed,
}

/// What is stored of items. Whether it is accepted or a duplicate only the store can say.
#[derive(Debug, Default)]
pub(crate) struct Kept {
    pub(crate) events: Vec<NewEvent>,
    pub(crate) attachments: Vec<NewAttachment>,
    pub(crate) feedback: Vec<NewFeedback>,
    pub(crate) transactions: Vec<NewTransaction>,
    /// What rules did.
    pub(crate) hits: Vec<RuleHit>,
    /// What is counted beside the items themselves: what a client says it dropped.
    pub(crate) reported: Vec<(DataCategory, Outcome, i64)>,
}

/// Why items are not stored.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) outcome: Outcome,
    /// What the item turned out to be, if it was charged as an error and is none.
    pub(crate) category: Option<DataCategory>,
    /// What exactly is wrong, for people; never anything of the payload. Empty where there is nothing to say.
    pub(crate) detail: String,
    /// The rules that decided so.
    pub(crate) hits: Vec<RuleHit>,
}

/// Why there is nothing to store.
#[derive(Debug)]
pub(crate) enum Fault {
    /// The item ends here.
    Refused(Refusal),
    /// The disk takes no files at the moment. The item waits.
    Storage(StoreError),
}

impl Kept {
    pub(crate) fn event(event: NewEvent, hits: Vec<RuleHit>) -> Self {
        Self {
            events: vec![event],
            hits,
            ..Self::default()
        }
    }

    pub(crate) fn transaction(transaction: NewTransaction, hits: Vec<RuleHit>) -> Self {
        Self {
            transactions: vec![transaction],
            hits,
            ..Self::default()
        }
    }

    pub(crate) fn feedback(feedback: NewFeedback, hits: Vec<RuleHit>) -> Self {
        Self {
            feedback: vec![feedback],
            hits,
            ..Self::default()
        }
    }

    /// What items turned out to be that were charged as an error and are none.
    pub(crate) fn category(&self) -> Option<DataCategory> {
        (!self.transactions.is_empty()).then_some(DataCategory::Transaction)
    }

    /// How much of a category the store counts by itself when it stores this.
    pub(crate) fn counted_by_store(&self, category: DataCategory) -> u64 {
        let attachments = self.attachments.iter();
        match category {
            DataCategory::Attachment => attachments.map(|attachment| attachment.size.max(1)).sum(),
            DataCategory::AttachmentItem => self.attachments.len() as u64,
            DataCategory::Feedback => self.feedback.len() as u64,
            DataCategory::Transaction => self.transactions.len() as u64,
            _ => {
                let events = self.events.iter();
                events.filter(|event| event.category == category).count() as u64
            }
        }
    }
}

impl Refusal {
    /// Ends in an outcome that says it all.
    pub(crate) fn of(outcome: Outcome) -> Self {
        Self {
            outcome,
            category: None,
            detail: String::new(),
            hits: Vec::new(),
        }
    }

    pub(crate) fn invalid(reason: DiscardReason, detail: impl Into<String>) -> Self {
        Self {
            detail: detail.into(),
            ..Self::of(Outcome::Invalid(reason))
        }
    }

    pub(crate) fn unsupported() -> Self {
        Self::of(Outcome::Unsupported)
    }

    /// Whether a team's rules dropped it.
    pub(crate) fn is_by_rules(&self) -> bool {
        matches!(self.outcome, Outcome::Filtered(_) | Outcome::Sampled)
    }
}

impl From<Refusal> for Fault {
    fn from(refusal: Refusal) -> Self {
        Self::Refused(refusal)
    }
}

impl From<Kept> for Ending {
    fn from(kept: Kept) -> Self {
        Self::Kept(Box::new(kept))
    }
}
