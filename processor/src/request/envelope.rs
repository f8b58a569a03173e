//! An envelope: which of its items end together, and in which order they are looked at.

use bugle_protocol::json::Json;
use bugle_protocol::{Charge, DataCategory, Envelope, Item, ItemType, Outcome};
use bugle_store::StoreError;
use bugle_store::queue::{QueuedRequest, RequestHead};

use super::{Arrival, Tools, guarded};
use crate::aside;
use crate::items::{self, Crash, ReportIds};
use crate::settle::{Processed, add_up};
use crate::verdict::{Ending, Refusal, Unit};

/// An envelope on its way.
pub(super) struct Unpacked<'e, 'r> {
    request: &'e QueuedRequest,
    envelope: &'e Envelope<'e>,
    tools: &'e Tools<'r>,
    arrival: Arrival<'e>,
    /// What each item counts for.
    charges: Vec<Vec<Charge>>,
    /// The item that an event is made of where none is one by itself.
    crash: Option<Crash>,
    report_ids: ReportIds,
}

impl<'e, 'r> Unpacked<'e, 'r> {
    pub(super) fn new(
        request: &'e QueuedRequest,
        envelope: &'e Envelope<'e>,
        tools: &'e Tools<'r>,
    ) -> Self {
        let head = &request.head;
        let items = &envelope.items;
        let charges = aside::charges_of(head, envelope);
        let event_id = envelope.header.event_id();
        let answered = head.event_id.filter(|_| items.iter().any(names_id));
        let arrival = Arrival {
            head,
            sent_at: envelope.header.sent_at(),
            event_id,
            owner_id: event_id.or(answered),
            client_rate: client_rate(envelope),
        };
        let is_limited = |index| limit(head, index).is_some();
        let is_event = |charge: &Charge| charge.category == DataCategory::Error;
        let owner = (0..items.len())
            .find(|index| items[*index].makes_event() && charges[*index].iter().any(is_event));
        let owner = owner.filter(|index| !is_limited(*index));
        let crash = owner.map(|owner| Crash::gather(items, owner, is_limited));
        let is_taken = crash.is_some() || items.iter().any(names_id);
        let report_ids = ReportIds::new(event_id.or(head.event_id), items, is_taken);
        Self {
            request,
            envelope,
            tools,
            arrival,
            charges,
            crash,
            report_ids,
        }
    }

    /// Finds how each unit ends. Events come first, wherever they stand: files and reports share the fate of theirs.
    pub(super) fn process(self, refused: &[usize]) -> Result<Processed, StoreError> {
        let units = (0..self.envelope.items.len()).filter_map(|index| self.unit_at(index));
        let units: Vec<Vec<usize>> = units.collect();
        let mut endings: Vec<Option<Ending>> = units.iter().map(|_| None).collect();
        for is_turn in [Self::is_event, |_: &Self, _: &[usize]| true] {
            let fate = fate(endings.iter().flatten());
            for (number, members) in units.iter().enumerate() {
                if endings[number].is_none() && is_turn(&self, members) {
                    endings[number] = Some(if refused.contains(&number) {
                        Ending::Failed
                    } else {
                        self.ending(members, fate)?
                    });
                }
            }
        }
        let ended = units.into_iter().zip(endings.into_iter().flatten());
        let units: Vec<Unit> = ended
            .map(|(members, ending)| self.unit(members, ending))
            .collect();
        let ids = (self.arrival.owner_id, &self.report_ids);
        let aside = aside::failed_part(self.request, self.envelope, &self.charges, ids, &units);
        Ok(Processed {
            units,
            decoded_bytes: 0,
            aside,
        })
    }

    /// The items of the unit that begins at `index`; `None` if it is within another one.
    fn unit_at(&self, index: usize) -> Option<Vec<usize>> {
        match &self.crash {
            Some(crash) if crash.members.contains(&index) => {
                (crash.members.first() == Some(&index)).then(|| crash.members.clone())
            }
            _ => Some(vec![index]),
        }
    }

    fn is_crash(&self, first: usize) -> bool {
        let crash = self.crash.as_ref();
        crash.is_some_and(|crash| crash.members.first() == Some(&first))
    }

    /// Whether other items of the envelope may belong to the unit.
    fn is_event(&self, members: &[usize]) -> bool {
        members.first().is_some_and(|first| {
            let item_type = &self.envelope.items[*first].header.item_type;
            self.is_crash(*first) || matches!(item_type, ItemType::Security) || names(item_type)
        })
    }

    fn ending(&self, members: &[usize], fate: Option<Outcome>) -> Result<Ending, StoreError> {
        let (items, first) = (&self.envelope.items, members.first().copied());
        let Some(first) = first else {
            return Ok(Ending::Kept(Box::default()));
        };
        if let Some(outcome) = limit(self.arrival.head, first) {
            return Ok(Ending::Refused(Refusal::of(outcome)));
        }
        if let Some(outcome) = fate
            && items::belongs_to_event(&items[first], self.arrival.owner_id)
        {
            return Ok(Ending::Refused(Refusal::of(outcome)));
        }
        guarded(|| match &self.crash {
            Some(crash) if self.is_crash(first) => crash.process(&self.arrival, items, self.tools),
            _ => {
                let report_id = self.report_ids.of(&items[first], first);
                let arrival = Arrival {
                    event_id: report_id.or(self.arrival.event_id),
                    ..self.arrival
                };
                items::process(&arrival, &items[first], self.tools)
            }
        })
    }

    fn unit(&self, members: Vec<usize>, ending: Ending) -> Unit {
        let items = members.iter().map(|index| &self.envelope.items[*index]);
        let first = items.clone().next();
        let charges = members.iter().flat_map(|index| &self.charges[*index]);
        Unit {
            item_type: first
                .map(|item| item.header.item_type.to_string())
                .unwrap_or_default(),
            size: items.map(|item| item.payload.len() as u64).sum(),
            charges: add_up(charges),
            members,
            ending,
        }
    }
}

/// Whether items of this type have the envelope's event id.
fn names(item_type: &ItemType<'_>) -> bool {
    matches!(
        item_type,
        ItemType::Event | ItemType::Transaction | ItemType::Feedback
    )
}

fn names_id(item: &Item<'_>) -> bool {
    names(&item.header.item_type)
}

/// How that ends which belongs to the envelope's event: like the event, if rules dropped it and there is no other one.
fn fate<'e>(events: impl Iterator<Item = &'e Ending>) -> Option<Outcome> {
    let mut dropped = None;
    for ending in events {
        match ending {
            Ending::Kept(_) => return None,
            Ending::Refused(refusal) if refusal.is_by_rules() => dropped = Some(refusal.outcome),
            Ending::Refused(_) | Ending::Failed => {}
        }
    }
    dropped
}

/// The share of its transactions that the client says it sends.
fn client_rate(envelope: &Envelope<'_>) -> Option<f64> {
    let rate = envelope.header.get("trace")?.get("sample_rate")?;
    // The values of this header are texts, but for some SDKs.
    let rate = match rate {
        Json::String(text) => text.parse().ok(),
        other => other.as_f64(),
    };
    rate.filter(|rate| *rate > 0.0 && *rate <= 1.0)
}

/// How an item ends that a limit refused.
fn limit(head: &RequestHead, index: usize) -> Option<Outcome> {
    let limited = head.limited.iter().find(|limited| limited.item == index)?;
    Some(Outcome::RateLimited(limited.reason))
}
