//! Errors and messages: from a payload to a row.

use bugle_grouping::{Grouping, Metadata, classify, group};
use bugle_protocol::event::EventError;
use bugle_protocol::json::{Json, Object, to_string};
use bugle_protocol::{DataCategory, DiscardReason, Event};
use bugle_store::{NewEvent, NewHash, NewUser, compress, user_hash};

use super::road::{self, Way};
use super::{tags, transaction};
use crate::normalize::{NormalizedEvent, Settings};
use crate::request::{Arrival, Rules};
use crate::verdict::{Kept, Refusal};

/// Values longer than this are not kept with their hash: a client could fill the disk with them.
const MAX_LEAF_VALUES_BYTES: usize = 64 * 1024;

/// Titles that say nothing: an event that has one does not rename its issue.
const PLACEHOLDER_TITLES: [&str; 4] = ["<unknown>", "<unlabeled event>", "<untitled>", "Error"];

/// What an event is beside its tree.
#[derive(Clone, Copy, Debug)]
pub(super) struct Kind {
    /// What it counts as.
    pub(super) category: DataCategory,
    /// The type of an event that was made here, where it does not follow from the tree. Such a tree may hold interfaces that
    /// a client's must not.
    pub(super) event_type: Option<&'static str>,
}

impl Kind {
    /// An event as clients send it.
    pub(super) const ERROR: Self = Self {
        category: DataCategory::Error,
        event_type: None,
    };

    fn way(self, rules: &Rules<'_>) -> Way {
        let removes_unknown = rules.normalize.removes_unknown && self.event_type.is_none();
        Way {
            settings: Settings {
                removes_unknown,
                ..rules.normalize
            },
            event_type: self.event_type,
            has_tags: true,
        }
    }
}

/// Walks an event down its road: parse, normalise, filter, sample, tag, scrub, group, compress.
pub(crate) fn process(
    arrival: &Arrival<'_>,
    payload: &[u8],
    rules: &Rules<'_>,
) -> Result<Kept, Refusal> {
    build(arrival, parse(payload)?, Kind::ERROR, rules)
}

/// Parses a payload. What is wrong is said without a word of the payload.
pub(super) fn parse(payload: &[u8]) -> Result<Event<'_>, Refusal> {
    Event::parse(payload).map_err(|error| {
        let reason = match error {
            EventError::Json(_) => DiscardReason::InvalidJson,
            EventError::NotAnObject => DiscardReason::NotAnObject,
        };
        Refusal::invalid(reason, error.to_string())
    })
}

/// Makes a row of an event's tree, or of a transaction's.
pub(super) fn build(
    arrival: &Arrival<'_>,
    event: Event<'_>,
    kind: Kind,
    rules: &Rules<'_>,
) -> Result<Kept, Refusal> {
    let mut arrived = road::walk(arrival, event, &kind.way(rules), rules)?;
    let (tree, _) = arrived.event.parts_mut();
    if tree.event_type() == "transaction" {
        return transaction::keep(arrival, arrived);
    }
    classify(tree, rules.grouping);
    let grouping = group(tree, rules.grouping);
    let row = row(arrival, &arrived.event, kind.category, grouping).ok_or_else(|| {
        Refusal::invalid(DiscardReason::Internal, "the event could not be compressed")
    })?;
    Ok(Kept::event(row, arrived.hits))
}

fn row(
    arrival: &Arrival<'_>,
    normalized: &NormalizedEvent<'_>,
    category: DataCategory,
    grouping: Grouping,
) -> Option<NewEvent> {
    let event = normalized.event();
    let text = |key| {
        event
            .get_str(key)
            .filter(|text: &&str| !text.is_empty())
            .map(clean)
    };
    Some(NewEvent {
        project_id: arrival.head.project_id,
        key_id: arrival.head.key_id,
        category,
        event_id: normalized.event_id(),
        timestamp: normalized.timestamp(),
        received_at: arrival.head.received_at,
        level: event.level(),
        platform: clean(event.platform()),
        event_type: clean(event.event_type()),
        environment: text("environment"),
        release: text("release"),
        title_is_placeholder: PLACEHOLDER_TITLES.contains(&grouping.title.as_str()),
        title: clean(&grouping.title),
        culprit: clean(&grouping.culprit),
        metadata: clean(&metadata_json(&grouping.metadata)),
        is_unhandled: is_unhandled(event),
        trace_id: trace_id(event),
        user: new_user(event),
        tags: clean(&tags::to_json(event)),
        grouping_version: grouping.version.as_str(),
        hashes: hashes(&grouping),
        payload: compress(normalized.to_json().as_bytes()).ok()?,
    })
}

/// PostgreSQL's texts cannot hold a NUL; the event's body keeps it.
pub(super) fn clean(text: &str) -> String {
    if text.contains('\0') {
        text.replace('\0', "\u{fffd}")
    } else {
        text.to_owned()
    }
}

pub(super) fn metadata_json(metadata: &Metadata) -> String {
    let mut object = Object::new();
    let fields = [
        ("title", &metadata.title),
        ("type", &metadata.ty),
        ("value", &metadata.value),
        ("filename", &metadata.filename),
        ("function", &metadata.function),
    ];
    for (key, value) in fields {
        if let Some(value) = value {
            object.insert(key, value.clone());
        }
    }
    to_string(&Json::Object(object))
}

/// Whether some exception went past everything that could have handled it.
fn is_unhandled(event: &Event<'_>) -> bool {
    let mut mechanisms = event
        .exceptions()
        .filter_map(|exception| exception.mechanism());
    mechanisms.any(|mechanism| mechanism.handled() == Some(false))
}

fn trace_id(event: &Event<'_>) -> Option<String> {
    let id = event.get("contexts")?.get("trace")?.get_str("trace_id")?;
    Some(clean(id)).filter(|id| id.len() == 32)
}

fn new_user(event: &Event<'_>) -> Option<NewUser> {
    let user = event.user()?;
    let identity = user.identity()?;
    Some(NewUser {
        hash: user_hash(&identity),
        label: user_label(event).unwrap_or_else(|| clean(&identity)),
    })
}

/// What lists call the user.
pub(super) fn user_label(event: &Event<'_>) -> Option<String> {
    let user = event.user()?;
    let label = user.username().or(user.email()).or(user.id());
    label.or(user.ip_address()).map(clean)
}

fn hashes(grouping: &Grouping) -> Vec<NewHash> {
    let contributing = grouping
        .variants
        .iter()
        .filter_map(|variant| Some((variant, variant.hash?)));
    let new_hash = |(variant, hash): (&bugle_grouping::Variant, bugle_grouping::GroupHash)| {
        let leaves = variant.values.iter();
        let pairs = leaves.map(|leaf| {
            Json::Array(vec![
                Json::from(leaf.kind.as_str()),
                Json::from(leaf.value.as_str()),
            ])
        });
        let mut leaf_values = clean(&to_string(&Json::Array(pairs.collect())));
        if leaf_values.len() > MAX_LEAF_VALUES_BYTES {
            leaf_values = "[]".to_owned();
        }
        NewHash {
            hash: hash.0,
            leaf_values,
        }
    };
    contributing.map(new_hash).collect()
}
