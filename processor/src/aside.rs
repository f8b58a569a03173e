//! What is set aside of a request: its failed items, and what is needed to process them again, alone.

use bugle_protocol::body::Encoding;
use bugle_protocol::json::Json;
use bugle_protocol::{DataCategory, Envelope, EventId, ItemType};
use bugle_store::queue::{QueuedRequest, RequestHead, RequestKind};

use crate::settle::add_up;
use crate::verdict::{Ending, Unit};

/// A member of the header of an envelope that was set aside: its event is not in it, because it was kept.
const EVENT_WAS_KEPT: &str = "bugle_event_was_kept";

/// Whether the envelope comes back without the event that it came with first. A crash dump in it has its event then.
pub(crate) fn event_was_kept(head: &RequestHead, envelope: &Envelope<'_>) -> bool {
    // Only what was set aside here is believed.
    let member = envelope
        .header
        .get(EVENT_WAS_KEPT)
        .filter(|_| head.is_retry);
    member.and_then(Json::as_bool) == Some(true)
}

/// An envelope of the failed units alone; `None` if none failed.
pub(crate) fn failed_part(
    request: &QueuedRequest,
    envelope: &Envelope<'_>,
    owner_id: Option<EventId>,
    units: &[Unit],
) -> Option<QueuedRequest> {
    let failed = |unit: &&Unit| matches!(unit.ending, Ending::Failed);
    let mut members: Vec<usize> = units
        .iter()
        .filter(failed)
        .flat_map(|unit| unit.members.iter().copied())
        .collect();
    if members.is_empty() {
        return None;
    }
    members.sort_unstable();
    let makes_event = |index: usize| {
        let item = &envelope.items[index];
        item.header.item_type == ItemType::Event || item.makes_event()
    };
    let mut header = envelope.header.clone();
    if let Some(id) = owner_id {
        header.insert("event_id", id.to_string());
    }
    let charges = add_up(units.iter().filter(failed).flat_map(|unit| &unit.charges));
    let mut others = (0..envelope.items.len()).filter(|index| !members.contains(index));
    // What counts for the event is here, or it is not.
    let has_event = charges
        .iter()
        .any(|charge| charge.category == DataCategory::Error);
    if !has_event && (event_was_kept(&request.head, envelope) || others.any(makes_event)) {
        header.insert(EVENT_WAS_KEPT, true);
    }
    let part = Envelope {
        header,
        items: members
            .iter()
            .map(|index| envelope.items[*index].clone())
            .collect(),
    };
    Some(QueuedRequest {
        head: RequestHead {
            kind: RequestKind::Envelope,
            encoding: Encoding::Identity,
            charges,
            limited: Vec::new(),
            ..request.head.clone()
        },
        body: part.to_bytes().into(),
    })
}
