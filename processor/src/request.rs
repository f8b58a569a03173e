//! Takes a queued request apart and finds what becomes of each of its items.

mod envelope;

use std::borrow::Cow;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bugle_protocol::body::{self, BodyError};
use bugle_protocol::{Charge, DataCategory, Envelope, EventId, ItemType, UnixMillis};
use bugle_rules::{ProjectRules, Sender};
use bugle_store::queue::{QueuedRequest, RequestHead, RequestKind};
use bugle_store::{Blobs, StoreError};

use crate::items;
use crate::normalize;
use crate::settle::Processed;
use crate::verdict::{Ending, Fault, Kept, Unit};
use envelope::Unpacked;

/// What is decoded at most; ingest has checked its own, smaller limit before.
const MAX_DECODED_BYTES: usize = 1024 * 1024 * 1024;

/// Bodies that unpack to more than this are processed one at a time, so that memory is bounded however many threads there are.
const LARGE_DECODED_BYTES: usize = 16 * 1024 * 1024;

/// What the events of a project are processed by.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules<'r> {
    /// How they are normalised.
    pub(crate) normalize: normalize::Settings,
    /// What the team decided about them.
    pub(crate) project: &'r ProjectRules,
    /// How they are grouped.
    pub(crate) grouping: &'r bugle_grouping::Rules,
}

impl<'r> Rules<'r> {
    /// The rules of a project.
    pub(crate) fn new(project: &'r ProjectRules, grouping: &'r bugle_grouping::Rules) -> Self {
        Self {
            normalize: normalize::Settings {
                infers_ip: !project.scrubs_ip_addresses,
                ..normalize::Settings::default()
            },
            project,
            grouping,
        }
    }
}

/// What processing needs.
#[derive(Clone, Copy)]
pub(crate) struct Tools<'r> {
    pub(crate) rules: Rules<'r>,
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
    /// The share of transactions that the client sends, above 0 and up to 1, as the envelope says.
    pub(crate) client_rate: Option<f64>,
}

impl<'r> Arrival<'r> {
    /// What filters and sampling know of whoever sent the request.
    pub(crate) fn sender(&self) -> Sender<'r> {
        Sender {
            client_ip: self.head.client_ip,
            user_agent: self.head.user_agent.as_deref(),
        }
    }
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
            Ok(envelope) => Unpacked::new(request, &envelope, tools).process(refused)?,
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
        client_rate: None,
    };
    let ending = if refused.is_empty() {
        guarded(|| {
            // What cannot be unpacked is no JSON either, which then says what is wrong with it.
            let unpacked = body::unpack_store(decoded, MAX_DECODED_BYTES);
            let payload = unpacked.as_deref().unwrap_or(decoded);
            items::event::process(&arrival, payload, &tools.rules).map_err(Fault::from)
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
