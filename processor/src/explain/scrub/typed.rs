//! Brings the event of a case into the shape that normalised events have, and changes nothing else.

use bugle_protocol::json::Object;
use bugle_protocol::{Event, Meta};

/// The event and its notes.
pub(super) fn event(mut fields: Object<'_>) -> (Event<'_>, Meta) {
    let meta = fields
        .remove("_meta")
        .map(|meta| Meta::from_json(&meta))
        .unwrap_or_default();
    (Event { fields }, meta)
}
