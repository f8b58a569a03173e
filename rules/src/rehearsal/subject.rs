//! A stored body, ready to be asked.

use std::net::IpAddr;

use bugle_protocol::json::Json;
use bugle_protocol::{Event, Meta};

use super::{Looked, Stored};
use crate::facts::{Facts, Sender};

/// The smallest share that a stored transaction is taken to have been kept with: a body that claims less must not drown
/// all others.
const SMALLEST_RATE: f64 = 1e-6;

/// One of the bodies.
pub(super) struct Subject<'s, 'e> {
    pub(super) stored: &'s Stored<'s>,
    pub(super) event: &'s Event<'e>,
    pub(super) facts: &'s Facts<'e>,
}

/// Calls `visit` with each body for as long as `go_on` agrees.
pub(super) fn each(
    bodies: &[Stored<'_>],
    go_on: &mut dyn FnMut() -> bool,
    mut visit: impl FnMut(&Subject<'_, '_>),
) -> Looked {
    let mut looked = Looked::default();
    for stored in bodies {
        if !go_on() {
            return looked;
        }
        let Ok(event) = Event::parse(stored.body) else {
            looked.unreadable += 1;
            continue;
        };
        match event.event_type() {
            "transaction" => looked.transactions += 1,
            _ => looked.events += 1,
        }
        looked.scrubbed += usize::from(is_scrubbed(&event));
        let facts = Facts::new(&event, sender(&event), stored.received_at);
        visit(&Subject {
            stored,
            event: &event,
            facts: &facts,
        });
    }
    looked.is_complete = true;
    looked
}

fn sender<'e>(event: &'e Event<'e>) -> Sender<'e> {
    let address = event.user().and_then(|user| user.ip_address());
    Sender {
        client_ip: address.and_then(|text| text.parse::<IpAddr>().ok()),
        user_agent: None,
    }
}

/// Whether scrubbing removed something; what was only cut has remarks of `!limit`.
fn is_scrubbed(event: &Event<'_>) -> bool {
    let Some(meta) = event.get("_meta") else {
        return false;
    };
    let mut found = false;
    Meta::from_json(meta).for_each_note(&mut |_, note| {
        found |= note.remarks.iter().any(|remark| remark.rule_id != "!limit");
    });
    found
}

impl<'e> Subject<'_, 'e> {
    pub(super) fn is_transaction(&self) -> bool {
        self.event.event_type() == "transaction"
    }

    /// How many that were received this one stands for: the reciprocal of the share that sampling kept it with.
    pub(super) fn weight(&self) -> f64 {
        let applied = self
            .noted("sampling")
            .find_map(|rule| rule.get("rate")?.as_f64());
        let rate = applied.filter(|rate| *rate > 0.0 && *rate <= 1.0);
        1.0 / rate.unwrap_or(1.0).max(SMALLEST_RATE)
    }

    /// Whether a rule of ours added this tag when the event came in.
    pub(super) fn has_own_tag(&self, key: &str, value: &str) -> bool {
        let mut texts = self.noted("tags").filter_map(|rule| rule.get_str("text"));
        texts.any(|text| {
            let action = text.rsplit_once("-> tag ");
            let added = action.and_then(|(_, pair)| pair.split_once('='));
            added.is_some_and(|(own, text)| own.trim() == key && text.trim() == value)
        })
    }

    /// What rules of a topic noted in the body.
    fn noted<'t>(&'t self, topic: &'t str) -> impl Iterator<Item = &'t Json<'e>> {
        let rules = self.event.get("_bugle").and_then(|own| own.get("rules"));
        let rules = rules.and_then(Json::as_array).unwrap_or_default();
        rules
            .iter()
            .filter(move |rule| rule.get_str("topic") == Some(topic))
    }
}
