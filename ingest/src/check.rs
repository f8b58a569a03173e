//! What has to be known of a body before it may be queued.

use bugle_protocol::body::unpack_store;
use bugle_protocol::json::{self, Json, ParseError};
use bugle_protocol::{Charge, DataCategory, Dsn, Envelope, EventId, Item, ItemType, charges};

use crate::items::{ItemOverflow, check_items};
use crate::{Limits, Rejection};

/// What an envelope says that concerns its reception.
#[derive(Debug)]
pub(crate) struct CheckedEnvelope {
    /// The sender by the envelope's own header, if that is one.
    pub(crate) dsn: Option<Dsn>,
    /// The id of its event: the header's, else the payload's, else a new one; `None` if no item needs any.
    pub(crate) event_id: Option<EventId>,
    /// What each item counts for.
    pub(crate) charges: Vec<Vec<Charge>>,
    /// The first item that is too much; the sender is to be known before it is refused for that.
    pub(crate) overflow: Option<ItemOverflow>,
}

/// What a bare event says that concerns its reception.
#[derive(Debug)]
pub(crate) struct CheckedEvent {
    /// Its id, or a new one.
    pub(crate) event_id: EventId,
    /// What it counts for.
    pub(crate) charge: Charge,
}

/// Checks the framing of an envelope and the limits of its items.
///
/// # Errors
/// [`Rejection::Envelope`].
pub(crate) fn check_envelope(bytes: &[u8], limits: &Limits) -> Result<CheckedEnvelope, Rejection> {
    let envelope = Envelope::parse(bytes)?;
    let overflow = check_items(&envelope.items, limits).err();
    let event_id = match (&overflow, envelope.header.event_id()) {
        (_, Some(id)) => Some(id),
        (None, None) => items_event_id(&envelope.items),
        // A payload that is too large is not worth reading: the envelope will be refused.
        (Some(_), None) => None,
    };
    Ok(CheckedEnvelope {
        dsn: envelope.header.dsn().and_then(|dsn| dsn.parse().ok()),
        event_id,
        charges: charges(&envelope.items),
        overflow,
    })
}

/// The id for items that need one where the header names none.
fn items_event_id(items: &[Item<'_>]) -> Option<EventId> {
    let mut needing = items
        .iter()
        .filter(|item| item.header.item_type.needs_event_id());
    let first = needing.next()?;
    let payload = std::iter::once(first)
        .chain(needing)
        .find(|item| has_event_id(item));
    let own = payload.and_then(|item| event_id_of(&json::parse(item.payload).ok()?));
    Some(own.unwrap_or_else(EventId::random))
}

/// Whether an item's payload is JSON with the `event_id` of the envelope's event.
fn has_event_id(item: &Item<'_>) -> bool {
    matches!(
        item.header.item_type,
        ItemType::Event
            | ItemType::Transaction
            | ItemType::Security
            | ItemType::Feedback
            | ItemType::UserReport
            | ItemType::ReplayEvent
    )
}

/// Unpacks the body of `/store/` and checks that it is a JSON object. Very old clients send transactions so.
///
/// # Errors
/// [`Rejection::Json`], or why it could not be unpacked.
pub(crate) fn check_store(body: &[u8], limits: &Limits) -> Result<CheckedEvent, Rejection> {
    let text = unpack_store(body, limits.max_store_bytes)?;
    let event = json::parse(&text)?;
    if event.as_object().is_none() {
        let reason = "expected an object";
        return Err(ParseError { reason, offset: 0 }.into());
    }
    let category = match event.get_str("type") {
        Some("transaction") => DataCategory::Transaction,
        _ => DataCategory::Error,
    };
    Ok(CheckedEvent {
        event_id: event_id_of(&event).unwrap_or_else(EventId::random),
        charge: Charge {
            category,
            quantity: 1,
        },
    })
}

fn event_id_of(event: &Json<'_>) -> Option<EventId> {
    event.get_str("event_id")?.parse().ok()
}
