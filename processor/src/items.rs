//! What is done with each kind of item: one file per kind that is stored.

mod attachment;
mod client_report;
mod crash;
mod csp;
pub(crate) mod derived;
pub(crate) mod event;
mod feedback;
mod json;
mod network_error;
pub(crate) mod road;
mod security;
mod tags;
mod transaction;
mod user_report;

use bugle_protocol::{EventId, Item, ItemType};

pub(crate) use crash::Crash;
pub(crate) use security::ReportIds;

use crate::request::{Arrival, Tools};
use crate::verdict::{Fault, Kept, Refusal};

/// Whether an item belongs to the envelope's event, `owner_id`: a file, or a report about it.
pub(crate) fn belongs_to_event(item: &Item<'_>, owner_id: Option<EventId>) -> bool {
    match item.header.item_type {
        ItemType::Attachment | ItemType::UnrealReport => true,
        ItemType::UserReport => user_report::is_about(item.payload, owner_id),
        _ => false,
    }
}

/// Processes an item that ends by itself.
pub(crate) fn process(
    arrival: &Arrival<'_>,
    item: &Item<'_>,
    tools: &Tools<'_>,
) -> Result<Kept, Fault> {
    let kept = match item.header.item_type {
        ItemType::Event => event::process(arrival, item.payload, &tools.rules)?,
        ItemType::Transaction => transaction::process(arrival, item.payload, &tools.rules)?,
        ItemType::Attachment | ItemType::UnrealReport => {
            return attachment::process(arrival, item, tools);
        }
        ItemType::UserReport => user_report::process(arrival, item.payload, &tools.rules)?,
        ItemType::Feedback => feedback::process(arrival, item.payload, &tools.rules)?,
        ItemType::ClientReport => client_report::process(item.payload)?,
        ItemType::RawSecurity => security::process(arrival, item, &tools.rules)?,
        ItemType::Security => security::process_event(arrival, item.payload, &tools.rules)?,
        ItemType::Nel => network_error::process(arrival, item, &tools.rules)?,
        // Form data joins a crash's event; without one it says nothing, and counts for nothing.
        ItemType::FormData => Kept::default(),
        _ => return Err(Refusal::unsupported().into()),
    };
    Ok(kept)
}
