//! Takes a queued request apart and finds what becomes of each of its items.

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bugle_protocol::body::{self, BodyError};
use bugle_protocol::{
    Charge, DataCategory, Envelope, EventId, Item, ItemType, Outcome, UnixMillis,
};
use bugle_store::queue::{QueuedRequest, RequestHead, RequestKind};
use bugle_store::{Blobs, StoreError};

use crate::aside;
use crate::items::{self, Crash, ReportIds};
use crate::normalize;
use crate::settle::{Processed, add_up};
use crate::verdict::{Ending, Fault, Kept, Refusal, Unit};
use bugle_rules::scrub::Scrubber;

/// What is decoded at most; ingest has checked its own, smaller limit before.
const MAX_DECODED_BYTES: usize = 1024 * 1024 * 1024;

/// Bodies that unpack to more than this are processed one at a time, so that memory is bounded however many threads there are.
const LARGE_DECODED_BYTES: usize = 16 * 1024 * 1024;

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

/// What processing needs.
#[derive(Clone, Copy)]
pub(crate) struct Tools<'r> {
    pub(crate) rules: &'r Rules,
    /// Where files are kept.
    pub(crate) blobs: &'r Blobs,
    /// Held while a large body is processed.
    pub(crate) large: &'r Mutex<()>,
}

/// What the items of one request have in common.
#[derive(Clone, Copy)]
pub(crate) struct Arrival<'r> {
    pub(crate) head: &'r RequestHead,
    pub(crate) sent_at: Option<UnixMillis>,
    /// The id of the envelope's event; an item's own id comes after it.
    pub(crate) event_id: Option<EventId>,
    /// The event that files and reports of the envelope belong to where they name none.
    pub(crate) owner_id: Option<EventId>,
}

/// Processes one request. What cannot be read ends in an outcome. The units at the places `refused`, which the database did
/// not take, are not tried again.
///
/// # Errors
/// A file could not be kept; the request can be tried again.
pub(crate) fn process(
    request: &QueuedRequest,
    tools: &Tools<'_>,
    refused: &[usize],
) -> Result<Processed, StoreError> {
    let Ok((decoded, _turn)) = decode(request, tools) else {
        return Ok(unreadable(request));
    };
    let mut processed = match request.head.kind {
        RequestKind::Store => store_body(request, &decoded, tools, refused)?,
        RequestKind::Envelope => match Envelope::parse(&decoded) {
            Ok(envelope) => Envelopes::new(request, &envelope, tools).process(refused)?,
            Err(_) => unreadable(request),
        },
    };
    processed.decoded_bytes = decoded.len();
    Ok(processed)
}

type Turn<'r> = Option<MutexGuard<'r, ()>>;

/// Unpacks the body, and waits for its turn if it is a large one.
fn decode<'b, 'r>(
    request: &'b QueuedRequest,
    tools: &Tools<'r>,
) -> Result<(Cow<'b, [u8]>, Turn<'r>), BodyError> {
    let encoding = request.head.encoding;
    match body::decode(encoding, &request.body, LARGE_DECODED_BYTES) {
        Err(BodyError::TooLarge { .. }) => {
            let turn = tools.large.lock().unwrap_or_else(PoisonError::into_inner);
            let decoded = body::decode(encoding, &request.body, MAX_DECODED_BYTES)?;
            Ok((decoded, Some(turn)))
        }
        decoded => Ok((decoded?, None)),
    }
}

/// A request that was read when it came and cannot be read now: nobody knows what is in it.
pub(crate) fn unreadable(request: &QueuedRequest) -> Processed {
    let unknown = || vec![one(DataCategory::Unknown)];
    let charges = Some(request.head.charges.clone()).filter(|charges| !charges.is_empty());
    Processed {
        units: vec![Unit {
            members: Vec::new(),
            item_type: String::new(),
            size: request.body.len() as u64,
            charges: charges.unwrap_or_else(unknown),
            ending: Ending::Failed,
        }],
        decoded_bytes: 0,
        aside: Some(request.clone()),
    }
}

fn one(category: DataCategory) -> Charge {
    Charge {
        category,
        quantity: 1,
    }
}

/// Processes a bare event.
fn store_body(
    request: &QueuedRequest,
    decoded: &[u8],
    tools: &Tools<'_>,
    refused: &[usize],
) -> Result<Processed, StoreError> {
    let head = &request.head;
    let arrival = Arrival {
        head,
        sent_at: None,
        event_id: None,
        owner_id: None,
    };
    let ending = if refused.is_empty() {
        guarded(|| {
            // What cannot be unpacked is no JSON either, which then says what is wrong with it.
            let unpacked = body::unpack_store(decoded, MAX_DECODED_BYTES);
            let payload = unpacked.as_deref().unwrap_or(decoded);
            items::event::process(&arrival, payload, tools.rules).map_err(Fault::from)
        })?
    } else {
        Ending::Failed
    };
    // Ingest has seen whether it is a transaction.
    let charges = Some(head.charges.clone()).filter(|charges| !charges.is_empty());
    let aside = matches!(ending, Ending::Failed).then(|| request.clone());
    Ok(Processed {
        units: vec![Unit {
            members: vec![0],
            item_type: ItemType::Event.name().to_owned(),
            size: decoded.len() as u64,
            charges: charges.unwrap_or_else(|| vec![one(DataCategory::Error)]),
            ending,
        }],
        decoded_bytes: 0,
        aside,
    })
}

/// Runs what a bug of ours may make panic, so that it costs these items alone.
fn guarded(process: impl FnOnce() -> Result<Kept, Fault>) -> Result<Ending, StoreError> {
    match catch_unwind(AssertUnwindSafe(process)) {
        Ok(Ok(kept)) => Ok(kept.into()),
        Ok(Err(Fault::Refused(refusal))) => Ok(Ending::Refused(refusal)),
        Ok(Err(Fault::Storage(error))) => Err(error),
        Err(_) => Ok(Ending::Failed),
    }
}

/// An envelope on its way.
struct Envelopes<'e, 'r> {
    request: &'e QueuedRequest,
    envelope: &'e Envelope<'e>,
    tools: &'e Tools<'r>,
    arrival: Arrival<'e>,
    /// What each item counts for.
    charges: Vec<Vec<Charge>>,
    /// The item that an event is made of where none is one by itself.
    crash: Option<Crash>,
    report_ids: ReportIds,
}

impl<'e, 'r> Envelopes<'e, 'r> {
    fn new(request: &'e QueuedRequest, envelope: &'e Envelope<'e>, tools: &'e Tools<'r>) -> Self {
        let head = &request.head;
        let items = &envelope.items;
        let charges = aside::charges_of(head, envelope);
        let event_id = envelope.header.event_id();
        let names_id =
            |item: &Item<'_>| matches!(item.header.item_type, ItemType::Event | ItemType::Feedback);
        let answered = head.event_id.filter(|_| items.iter().any(names_id));
        let arrival = Arrival {
            head,
            sent_at: envelope.header.sent_at(),
            event_id,
            owner_id: event_id.or(answered),
        };
        let is_limited = |index| limit(head, index).is_some();
        let is_event = |charge: &Charge| charge.category == DataCategory::Error;
        let owner = (0..items.len())
            .find(|index| items[*index].makes_event() && charges[*index].iter().any(is_event));
        let owner = owner.filter(|index| !is_limited(*index));
        let crash = owner.map(|owner| Crash::gather(items, owner, is_limited));
        let is_taken = crash.is_some() || items.iter().any(names_id);
        let report_ids = ReportIds::new(event_id.or(head.event_id), items, is_taken);
        Self {
            request,
            envelope,
            tools,
            arrival,
            charges,
            crash,
            report_ids,
        }
    }

    fn process(self, refused: &[usize]) -> Result<Processed, StoreError> {
        let mut units = Vec::new();
        for index in 0..self.envelope.items.len() {
            let Some(members) = self.unit_at(index) else {
                continue;
            };
            let ending = if refused.contains(&units.len()) {
                Ending::Failed
            } else {
                self.ending(&members)?
            };
            units.push(self.unit(members, ending));
        }
        let ids = (self.arrival.owner_id, &self.report_ids);
        let aside = aside::failed_part(self.request, self.envelope, &self.charges, ids, &units);
        Ok(Processed {
            units,
            decoded_bytes: 0,
            aside,
        })
    }

    /// The items of the unit that begins at `index`; `None` if it is within another one.
    fn unit_at(&self, index: usize) -> Option<Vec<usize>> {
        match &self.crash {
            Some(crash) if crash.members.contains(&index) => {
                (crash.members.first() == Some(&index)).then(|| crash.members.clone())
            }
            _ => Some(vec![index]),
        }
    }

    fn ending(&self, members: &[usize]) -> Result<Ending, StoreError> {
        let (items, first) = (&self.envelope.items, members.first().copied());
        let Some(first) = first else {
            return Ok(Ending::Kept(Box::default()));
        };
        if let Some(outcome) = limit(self.arrival.head, first) {
            return Ok(Ending::Refused(Refusal {
                outcome,
                category: None,
                detail: String::new(),
            }));
        }
        guarded(|| match &self.crash {
            Some(crash) if crash.members.first() == Some(&first) => {
                crash.process(&self.arrival, items, self.tools)
            }
            _ => {
                let report_id = self.report_ids.of(&items[first], first);
                let arrival = Arrival {
                    event_id: report_id.or(self.arrival.event_id),
                    ..self.arrival
                };
                items::process(&arrival, &items[first], self.tools)
            }
        })
    }

    fn unit(&self, members: Vec<usize>, ending: Ending) -> Unit {
        let items = members.iter().map(|index| &self.envelope.items[*index]);
        let first = items.clone().next();
        let charges = members.iter().flat_map(|index| &self.charges[*index]);
        Unit {
            item_type: first
                .map(|item| item.header.item_type.to_string())
                .unwrap_or_default(),
            size: items.map(|item| item.payload.len() as u64).sum(),
            charges: add_up(charges),
            members,
            ending,
        }
    }
}

/// How an item ends that a limit refused.
fn limit(head: &RequestHead, index: usize) -> Option<Outcome> {
    let limited = head.limited.iter().find(|limited| limited.item == index)?;
    Some(Outcome::RateLimited(limited.reason))
}
