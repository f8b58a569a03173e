//! How much the items of an envelope count for, in limits and in outcomes.

use serde::{Deserialize, Serialize};

use crate::outcome::DataCategory;
use crate::{Item, ItemType};

/// Entries that a container may claim to hold: a lie of a hostile client must not overflow a counter.
const MAX_ITEM_COUNT: u64 = 100_000;

/// A quantity of a category.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Charge {
    /// What is counted.
    pub category: DataCategory,
    /// How much of it: bytes where [`DataCategory::is_bytes`], else items.
    pub quantity: u64,
}

/// What the items of an envelope count for: one list per item, in their order.
///
/// Two things are counted once per envelope although several items make them up: a replay, and the event that a crash
/// dump is made into where the envelope holds no event of its own (it is the dump's charge then). Form data joins an
/// event and counts for nothing.
#[must_use]
pub fn charges(items: &[Item<'_>]) -> Vec<Vec<Charge>> {
    let mut replay_is_counted = false;
    let mut event_is_counted = items
        .iter()
        .any(|item| item.header.item_type == ItemType::Event);
    items
        .iter()
        .map(|item| match item.header.item_type {
            ItemType::ReplayEvent | ItemType::ReplayRecording | ItemType::ReplayVideo
                if std::mem::replace(&mut replay_is_counted, true) =>
            {
                Vec::new()
            }
            ItemType::Attachment | ItemType::UnrealReport if item.makes_event() => {
                let mut charges = of_item(item);
                if !std::mem::replace(&mut event_is_counted, true) {
                    charges.push(one(DataCategory::Error));
                }
                charges
            }
            _ => of_item(item),
        })
        .collect()
}

fn of_item(item: &Item<'_>) -> Vec<Charge> {
    let count = item.header.item_count().clamp(1, MAX_ITEM_COUNT);
    let bytes = item.payload.len().max(1) as u64;
    let charge = |category, quantity| Charge { category, quantity };
    match item.header.item_type {
        ItemType::FormData => Vec::new(),
        ItemType::Attachment | ItemType::UnrealReport => vec![
            charge(DataCategory::Attachment, bytes),
            one(DataCategory::AttachmentItem),
        ],
        ItemType::Log | ItemType::OtelLog => vec![
            charge(DataCategory::LogItem, count),
            charge(DataCategory::LogByte, bytes),
        ],
        ItemType::TraceMetric => vec![
            charge(DataCategory::TraceMetric, count),
            charge(DataCategory::TraceMetricByte, bytes),
        ],
        ItemType::Span => vec![charge(DataCategory::Span, count)],
        ItemType::ProfileChunk if is_of_user_interface(item) => {
            vec![one(DataCategory::ProfileChunkUi)]
        }
        ref other => vec![one(other.category())],
    }
}

fn one(category: DataCategory) -> Charge {
    Charge {
        category,
        quantity: 1,
    }
}

fn is_of_user_interface(item: &Item<'_>) -> bool {
    item.header.get_str("type") == Some("profile_chunk_ui")
        || matches!(
            item.header.get_str("platform"),
            Some("cocoa" | "android" | "javascript")
        )
}

impl Item<'_> {
    /// Whether an event is made of the item where its envelope holds none: it is a crash dump, or an event in another form.
    #[must_use]
    pub fn makes_event(&self) -> bool {
        match self.header.item_type {
            ItemType::UnrealReport => true,
            ItemType::Attachment => matches!(
                self.header.get_str("attachment_type"),
                Some("event.minidump" | "event.applecrashreport" | "event.payload")
            ),
            _ => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Envelope;

    fn charged(items: &str) -> Vec<Vec<(&'static str, u64)>> {
        let envelope = format!("{{}}\n{items}");
        let envelope = Envelope::parse(envelope.as_bytes()).unwrap();
        let named = |charge: Charge| (charge.category.name(), charge.quantity);
        let lists = charges(&envelope.items).into_iter();
        lists
            .map(|list| list.into_iter().map(named).collect())
            .collect()
    }

    #[test]
    fn items_count_as_the_protocol_says() {
        for (items, expected) in [
            ("{\"type\":\"event\"}\n{}", vec![vec![("error", 1)]]),
            (
                "{\"type\":\"span\",\"item_count\":7}\n{}",
                vec![vec![("span", 7)]],
            ),
            (
                "{\"type\":\"log\",\"item_count\":3,\"length\":5}\n12345",
                vec![vec![("log_item", 3), ("log_byte", 5)]],
            ),
            (
                "{\"type\":\"log\",\"item_count\":-3}\n1",
                vec![vec![("log_item", 1), ("log_byte", 1)]],
            ),
            (
                "{\"type\":\"attachment\",\"length\":0}\n\n",
                vec![vec![("attachment", 1), ("attachment_item", 1)]],
            ),
            (
                "{\"type\":\"profile_chunk\",\"platform\":\"cocoa\"}\n{}",
                vec![vec![("profile_chunk_ui", 1)]],
            ),
            (
                "{\"type\":\"replay_event\"}\n{}\n{\"type\":\"replay_recording\"}\n1",
                vec![vec![("replay", 1)], vec![]],
            ),
            ("{\"type\":\"form_data\"}\n[]", vec![vec![]]),
            ("{\"type\":\"wat\"}\n1", vec![vec![("unknown", 1)]]),
        ] {
            assert_eq!(charged(items), expected, "{items}");
        }
    }

    #[test]
    fn a_crash_dump_counts_as_the_event_that_is_made_of_it() {
        let dump = "{\"type\":\"attachment\",\"attachment_type\":\"event.minidump\"}\nMDMP\n";
        let attachment = [("attachment", 4), ("attachment_item", 1)];
        let mut with_error = attachment.to_vec();
        with_error.push(("error", 1));
        assert_eq!(charged(&dump.repeat(2)), [with_error, attachment.to_vec()]);
        let with_event = format!("{dump}{{\"type\":\"event\"}}\n{{}}");
        assert_eq!(
            charged(&with_event),
            [attachment.to_vec(), vec![("error", 1)]]
        );
    }
}
