//! Takes a queued request apart and finds what becomes of each of its items.

use std::panic::{AssertUnwindSafe, catch_unwind};

use bugle_protocol::{
    DataCategory, DiscardReason, Envelope, EventId, Item, ItemType, Outcome, UnixMillis, body,
};
use bugle_store::queue::{QueuedRequest, RequestHead, RequestKind};
use bugle_store::{IntakeCount, NewEvent, NewRejection, OutcomeCount};

use crate::items;
use crate::normalize;
use crate::scrub::Scrubber;

/// What is decoded at most; ingest has checked its own, smaller limit before.
const MAX_DECODED_BYTES: usize = 1024 * 1024 * 1024;

/// What requests are processed by. Compiled once, shared by all threads.
#[derive(Debug, Default)]
pub struct Rules {
    /// How events are normalised.
    pub normalize: normalize::Settings,
    /// What is scrubbed.
    pub scrubber: Scrubber,
    /// How events are grouped.
    pub grouping: bugle_grouping::Rules,
}

/// What became of a request.
#[derive(Debug, Default)]
pub(crate) struct Processed {
    pub(crate) events: Vec<NewEvent>,
    pub(crate) outcomes: Vec<OutcomeCount>,
    pub(crate) intake: Vec<IntakeCount>,
    pub(crate) rejections: Vec<NewRejection>,
    /// An item made the processor panic: the request is to be kept for a person to look at.
    pub(crate) poisoned: bool,
    /// How large the body was after decompression.
    pub(crate) decoded_bytes: usize,
}

/// What became of an item.
pub(crate) enum Verdict {
    /// It is to be stored; whether it is accepted or a duplicate only the store can say.
    Store(Box<NewEvent>),
    /// It ended here, counted as what it turned out to be.
    End(DataCategory, Outcome),
}

/// What the items of one request have in common.
pub(crate) struct Arrival<'r> {
    pub(crate) head: &'r RequestHead,
    pub(crate) sent_at: Option<UnixMillis>,
    /// The id of the envelope's event; an item's own id comes after it.
    pub(crate) event_id: Option<EventId>,
}

/// Processes one request. Never fails: what cannot be read ends in an outcome.
pub(crate) fn process(request: &QueuedRequest, rules: &Rules) -> Processed {
    let mut processed = Processed::default();
    let head = &request.head;
    let Ok(decoded) = body::decode(head.encoding, &request.body, MAX_DECODED_BYTES) else {
        processed.end(
            head,
            DataCategory::Unknown,
            Outcome::Invalid(DiscardReason::Internal),
            1,
        );
        return processed;
    };
    processed.decoded_bytes = decoded.len();
    match head.kind {
        RequestKind::Store => {
            let arrival = Arrival {
                head,
                sent_at: None,
                event_id: None,
            };
            match body::unpack_store(&decoded, MAX_DECODED_BYTES) {
                Ok(payload) => processed.event(&arrival, &payload, rules),
                Err(_) => processed.end(
                    head,
                    DataCategory::Error,
                    Outcome::Invalid(DiscardReason::InvalidJson),
                    1,
                ),
            }
        }
        RequestKind::Envelope => match Envelope::parse(&decoded) {
            Ok(envelope) => {
                let arrival = Arrival {
                    head,
                    sent_at: envelope.header.sent_at(),
                    event_id: envelope.header.event_id(),
                };
                envelope
                    .items
                    .iter()
                    .for_each(|item| processed.item(&arrival, item, rules));
            }
            Err(_) => processed.end(
                head,
                DataCategory::Unknown,
                Outcome::Invalid(DiscardReason::Internal),
                1,
            ),
        },
    }
    processed
}

impl Processed {
    fn item(&mut self, arrival: &Arrival<'_>, item: &Item<'_>, rules: &Rules) {
        match &item.header.item_type {
            ItemType::Event => self.event(arrival, item.payload, rules),
            other => self.end(
                arrival.head,
                other.category(),
                Outcome::Unsupported,
                items::quantity(item),
            ),
        }
    }

    /// Processes an event so that a bug of ours costs this event alone.
    fn event(&mut self, arrival: &Arrival<'_>, payload: &[u8], rules: &Rules) {
        let verdict = catch_unwind(AssertUnwindSafe(|| {
            items::event::process(arrival, payload, rules)
        }));
        match verdict {
            Ok(Verdict::Store(event)) => self.events.push(*event),
            Ok(Verdict::End(category, outcome)) => self.end(arrival.head, category, outcome, 1),
            Err(_) => {
                self.poisoned = true;
                let outcome = Outcome::Invalid(DiscardReason::Internal);
                self.end(arrival.head, DataCategory::Error, outcome, 1);
            }
        }
    }

    fn end(&mut self, head: &RequestHead, category: DataCategory, outcome: Outcome, quantity: i64) {
        self.outcomes.push(OutcomeCount {
            project_id: head.project_id,
            key_id: head.key_id,
            received_at: head.received_at,
            category,
            outcome,
            quantity,
        });
    }
}
