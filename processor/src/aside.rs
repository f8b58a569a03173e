//! What is set aside of a request: its failed items, and what is needed to process them again, alone.

use bugle_protocol::body::Encoding;
use bugle_protocol::json::Json;
use bugle_protocol::{Charge, DataCategory, Envelope, EventId, charges};
use bugle_store::queue::{QueuedRequest, RequestHead, RequestKind};

use crate::items::ReportIds;
use crate::settle::add_up;
use crate::verdict::{Ending, Unit};

/// A member of the header of an envelope that was set aside: what each of its items was counted as. It would be something
/// else without the items that were beside them: a crash dump counts as an event only where there is none.
const CHARGES: &str = "bugle_charges";

/// What each item of an envelope counts for: as at the first try, if it was set aside.
pub(crate) fn charges_of(head: &RequestHead, envelope: &Envelope<'_>) -> Vec<Vec<Charge>> {
    // Only what was set aside here is believed.
    let noted = envelope.header.get(CHARGES).filter(|_| head.is_retry);
    noted
        .and_then(read)
        .filter(|charges| charges.len() == envelope.items.len())
        .unwrap_or_else(|| charges(&envelope.items))
}

/// An envelope of the failed units alone; `None` if none failed.
pub(crate) fn failed_part(
    request: &QueuedRequest,
    envelope: &Envelope<'_>,
    charges: &[Vec<Charge>],
    (owner_id, report_ids): (Option<EventId>, &ReportIds),
    units: &[Unit],
) -> Option<QueuedRequest> {
    let failed = units
        .iter()
        .filter(|unit| matches!(unit.ending, Ending::Failed));
    let mut members: Vec<usize> = failed
        .flat_map(|unit| unit.members.iter().copied())
        .collect();
    if members.is_empty() {
        return None;
    }
    members.sort_unstable();
    let mut header = envelope.header.clone();
    if let Some(id) = owner_id {
        header.insert("event_id", id.to_string());
    }
    let charges: Vec<&Vec<Charge>> = members.iter().map(|index| &charges[*index]).collect();
    header.insert(CHARGES, write(&charges));
    let items = members.iter().map(|index| {
        let mut item = envelope.items[*index].clone();
        // A report's id may follow from its place, which is another one without the items beside it.
        if let Some(id) = report_ids.of(&item, *index) {
            item.header.insert("event_id", id.to_string());
        }
        item
    });
    let part = Envelope {
        header,
        items: items.collect(),
    };
    Some(QueuedRequest {
        head: RequestHead {
            kind: RequestKind::Envelope,
            encoding: Encoding::Identity,
            charges: add_up(charges.into_iter().flatten()),
            limited: Vec::new(),
            ..request.head.clone()
        },
        body: part.to_bytes().into(),
    })
}

/// A list for each item, of pairs of a category and a quantity.
fn write(charges: &[&Vec<Charge>]) -> Json<'static> {
    let pair = |charge: &Charge| {
        let category = Json::from(charge.category.name());
        Json::Array(vec![category, Json::from(charge.quantity)])
    };
    let item = |charges: &&Vec<Charge>| Json::Array(charges.iter().map(pair).collect());
    Json::Array(charges.iter().map(item).collect())
}

fn read(charges: &Json<'_>) -> Option<Vec<Vec<Charge>>> {
    let pair = |pair: &Json<'_>| {
        let [category, quantity] = pair.as_array()? else {
            return None;
        };
        Some(Charge {
            category: DataCategory::from_name(category.as_str()?)?,
            quantity: quantity.as_number()?.as_u64()?,
        })
    };
    let item = |item: &Json<'_>| item.as_array()?.iter().map(pair).collect();
    charges.as_array()?.iter().map(item).collect()
}
