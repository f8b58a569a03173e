//! Reads a stored event back into the shape in which it was before it was written.

use std::collections::HashSet;

use bugle_protocol::json::{self, Json};
use bugle_protocol::{Event, Meta, UnixMillis};

use super::{NormalizedEvent, errors};

impl<'a> NormalizedEvent<'a> {
    /// Takes the text of [`NormalizedEvent::to_json`] apart again; `None` if it is not one.
    pub(crate) fn from_stored(body: &'a [u8]) -> Option<Self> {
        let mut event = Event::parse(body).ok()?;
        let meta = event.fields.remove("_meta");
        let meta = meta.as_ref().map(Meta::from_json).unwrap_or_default();
        if let Some(Json::Array(listed)) = event.fields.remove("errors") {
            // What the notes say will be listed anew; the rest is the client's own.
            let of_notes = errors::list(&event.fields, &meta);
            let of_notes: HashSet<String> = of_notes.iter().map(json::to_string).collect();
            let own = listed
                .into_iter()
                .filter(|error| !of_notes.contains(&json::to_string(error)));
            let own: Vec<_> = own.collect();
            if !own.is_empty() {
                event.fields.insert("errors", own);
            }
        }
        let seconds = event.get("timestamp").and_then(Json::as_f64);
        Some(Self {
            event_id: event.event_id()?,
            timestamp: UnixMillis::from_seconds(seconds.unwrap_or_default()),
            event,
            meta,
        })
    }
}
