//! What a user wrote about an event, as older clients and error pages send it.

use bugle_protocol::json::{Json, Object};
use bugle_protocol::{DiscardReason, Event, EventId};
use bugle_store::NewFeedback;

use super::feedback;
use super::json::object;
use crate::request::{Arrival, Rules};
use crate::verdict::{Kept, Refusal};

/// Makes feedback of the four members, so that both kinds are scrubbed and stored alike.
pub(super) fn process(
    arrival: &Arrival<'_>,
    payload: &[u8],
    rules: &Rules<'_>,
) -> Result<Kept, Refusal> {
    let mut report = object(payload)?;
    let about = report.get_str("event_id").and_then(|id| id.parse().ok());
    let about: EventId = about.or(arrival.owner_id).ok_or_else(|| {
        let detail = "the report has no event_id of the event that it is about";
        Refusal::invalid(DiscardReason::NoData, detail)
    })?;
    let id = id_of(about, &report);
    let mut context = Object::from_iter([("associated_event_id", about.to_string())]);
    for (old, new) in [
        ("name", "name"),
        ("email", "contact_email"),
        ("comments", "message"),
    ] {
        context.insert(new, report.remove(old).unwrap_or_default());
    }
    let fields = Object::from_iter([(
        "contexts",
        Json::Object(Object::from_iter([("feedback", Json::Object(context))])),
    )]);
    // The report is no event of its own: the envelope's id is that of the event it is about.
    let arrival = Arrival {
        event_id: Some(id),
        ..*arrival
    };
    feedback::of_event(&arrival, Event { fields }, rules)
}

/// Whether the report is about the event that its envelope belongs to.
pub(super) fn is_about(payload: &[u8], owner_id: Option<EventId>) -> bool {
    let Ok(report) = object(payload) else {
        return false;
    };
    let about = report.get_str("event_id").and_then(|id| id.parse().ok());
    about.is_none_or(|about: EventId| Some(about) == owner_id)
}

/// An id made of what the report says, so that a second delivery is a duplicate.
fn id_of(about: EventId, report: &Object<'_>) -> EventId {
    let text = |key| report.get_str(key).unwrap_or_default();
    NewFeedback::id_of(about, text("name"), text("email"), text("comments"))
}
