//! What a user wrote, as clients send it now: an event that has nothing but a context.

use bugle_protocol::{DiscardReason, Event};
use bugle_store::NewFeedback;

use super::event;
use super::json::text;
use super::road::{self, Way};
use crate::normalize::{self, NormalizedEvent};
use crate::request::{Arrival, Rules};
use crate::verdict::{Kept, Refusal};

/// Characters kept of what a user wrote.
const MAX_MESSAGE: usize = 4096;

/// Characters kept of a name, an address and the like.
const MAX_TEXT: usize = 255;

/// Characters kept of a page's address.
const MAX_URL: usize = 2048;

/// Walks feedback down the road of an event, and takes out of it what is stored.
pub(super) fn process(
    arrival: &Arrival<'_>,
    payload: &[u8],
    rules: &Rules<'_>,
) -> Result<Kept, Refusal> {
    of_event(arrival, event::parse(payload)?, rules)
}

/// Walks the event that carries feedback down its road. Feedback is stored without tags.
pub(super) fn of_event(
    arrival: &Arrival<'_>,
    mut event: Event<'_>,
    rules: &Rules<'_>,
) -> Result<Kept, Refusal> {
    event.fields.insert("type", "feedback");
    // What is too long is cut below: the bounds of a context are narrower than those of what a user may write.
    let settings = normalize::Settings {
        trims: false,
        ..rules.normalize
    };
    let way = Way {
        settings,
        event_type: None,
        has_tags: false,
    };
    let arrived = road::walk(arrival, event, &way, rules)?;
    let feedback = row(arrival, &arrived.event)
        .ok_or_else(|| Refusal::invalid(DiscardReason::NoData, "the feedback has no message"))?;
    Ok(Kept::feedback(feedback, arrived.hits))
}

fn row(arrival: &Arrival<'_>, normalized: &NormalizedEvent<'_>) -> Option<NewFeedback> {
    let event = normalized.event();
    let feedback = event.get("contexts")?.get("feedback")?;
    let short = |key| text(feedback.get(key), MAX_TEXT);
    let about = feedback.get_str("associated_event_id");
    Some(NewFeedback {
        project_id: arrival.head.project_id,
        key_id: arrival.head.key_id,
        feedback_id: normalized.event_id(),
        event_id: about.and_then(|id| id.parse().ok()),
        name: short("name"),
        email: short("contact_email"),
        message: text(feedback.get("message"), MAX_MESSAGE)?,
        url: text(feedback.get("url"), MAX_URL),
        source: short("source"),
        environment: text(event.get("environment"), MAX_TEXT),
        release: text(event.get("release"), MAX_TEXT),
        created_at: normalized.timestamp(),
        received_at: arrival.head.received_at,
    })
}
