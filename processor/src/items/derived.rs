//! What rows and issues say of an event, made of its tree alone.

use bugle_grouping::group;
use bugle_protocol::Event;

use super::event::{clean, metadata_json, user_label};
use super::tags;

/// Texts that follow from an event or a transaction.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Derived {
    /// The title of an event, the name of a transaction.
    pub(crate) title: String,
    /// Where an event happened.
    pub(crate) culprit: String,
    /// What its title was made of, a JSON object.
    pub(crate) metadata: String,
    pub(crate) user_label: Option<String>,
    /// A JSON list of pairs.
    pub(crate) tags: String,
    /// What the hashes of an event are made of, by variant.
    pub(crate) values: Vec<Vec<String>>,
}

impl Derived {
    /// Of an event that is stored, whose frames are classified already.
    pub(crate) fn of_event(event: &Event<'_>, rules: &bugle_grouping::Rules) -> Self {
        let grouping = group(event, rules);
        let values = grouping.variants.iter().map(|variant| {
            let values = variant.values.iter();
            values.map(|leaf| clean(&leaf.value)).collect()
        });
        Self {
            values: values.collect(),
            title: clean(&grouping.title),
            culprit: clean(&grouping.culprit),
            metadata: clean(&metadata_json(&grouping.metadata)),
            ..Self::of_transaction(event)
        }
    }

    /// Of a transaction.
    pub(crate) fn of_transaction(event: &Event<'_>) -> Self {
        let identity = || event.user().and_then(|user| user.identity());
        Self {
            title: clean(event.get_str("transaction").unwrap_or_default()),
            user_label: user_label(event).or_else(|| identity().map(|identity| clean(&identity))),
            tags: clean(&tags::to_json(event)),
            ..Self::default()
        }
    }
}
