//! An event as Sentry writes it, with its body.

use std::collections::BTreeMap;

use bugle_protocol::json::Object;
use bugle_protocol::{Event, Json};
use bugle_store::{EventNeighbours, StoredEvent};
use serde::Serialize;
use serde::ser::{SerializeMap, Serializer};

use super::entries::{Entry, entries};
use super::row::{Tag, tags};
use crate::issues::Release;

/// A single event.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct EventDetail<'t, 'a> {
    id: String,
    #[serde(rename = "eventID")]
    event_id: String,
    #[serde(rename = "groupID")]
    group_id: String,
    #[serde(rename = "projectID")]
    project_id: String,
    title: &'t str,
    message: &'t str,
    #[serde(rename = "type")]
    ty: &'t str,
    platform: &'t str,
    culprit: Option<&'t str>,
    location: Option<&'t str>,
    dist: Option<&'t str>,
    release: Option<Release>,
    date_created: String,
    date_received: String,
    /// Bytes of the body.
    size: usize,
    tags: Vec<Tag>,
    user: Option<&'t Json<'a>>,
    contexts: OrEmpty<'t, 'a>,
    /// What SDKs call `extra`.
    context: OrEmpty<'t, 'a>,
    packages: OrEmpty<'t, 'a>,
    sdk: Option<SdkShape<'t>>,
    entries: Vec<Entry<'t, 'a>>,
    errors: Vec<ErrorShape<'t, 'a>>,
    /// The event's own fingerprint, empty if the default is used.
    fingerprints: Vec<&'t str>,
    #[serde(rename = "nextEventID")]
    next_event_id: Option<String>,
    #[serde(rename = "previousEventID")]
    previous_event_id: Option<String>,
    #[serde(rename = "_meta")]
    meta: MetaShape<'t, 'a>,
}

#[derive(Serialize)]
struct SdkShape<'t> {
    name: Option<&'t str>,
    version: Option<&'t str>,
}

/// A problem that was found on the way in.
#[derive(Serialize)]
struct ErrorShape<'t, 'a> {
    #[serde(rename = "type")]
    ty: &'t str,
    message: &'static str,
    data: ErrorData<'t, 'a>,
}

/// A member of the event, `{}` where it has none: clients index into these.
struct OrEmpty<'t, 'a>(Option<&'t Json<'a>>);

impl Serialize for OrEmpty<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Some(json) => json.serialize(serializer),
            None => serializer.collect_map(std::iter::empty::<((), ())>()),
        }
    }
}

/// The members of a problem but its type.
struct ErrorData<'t, 'a>(&'t Json<'a>);

impl Serialize for ErrorData<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let members = self.0.as_object().into_iter().flat_map(Object::iter);
        serializer.collect_map(members.filter(|(key, _)| *key != "type"))
    }
}

/// The notes on an event's fields, moved to where the fields are in this shape. Inside, names are the event's own.
struct MetaShape<'t, 'a> {
    meta: Option<&'t Json<'a>>,
    /// The attribute behind each entry.
    entries: Vec<&'static str>,
}

/// The places of attributes that are no entries.
const META_PLACES: [(&str, &str); 7] = [
    ("message", "logentry"),
    ("user", "user"),
    ("contexts", "contexts"),
    ("context", "extra"),
    ("packages", "modules"),
    ("sdk", "sdk"),
    ("tags", "tags"),
];

impl Serialize for MetaShape<'_, '_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let of = |attribute| self.meta.and_then(|meta| meta.get(attribute));
        let entries = self.entries.iter().enumerate();
        let entries = entries.filter_map(|(i, attribute)| {
            Some((i.to_string(), BTreeMap::from([("data", of(attribute)?)])))
        });
        let mut map = serializer.serialize_map(None)?;
        map.serialize_entry("entries", &entries.collect::<BTreeMap<_, _>>())?;
        for (place, attribute) in META_PLACES {
            map.serialize_entry(place, &of(attribute))?;
        }
        map.end()
    }
}

impl<'t, 'a> EventDetail<'t, 'a> {
    /// The event, whose body was parsed to `event`, between its neighbours.
    pub(crate) fn new(
        event: &'t Event<'a>,
        stored: &'t StoredEvent,
        neighbours: EventNeighbours,
    ) -> Self {
        let row = &stored.row;
        let entries = entries(event);
        Self {
            id: row.event_id.to_string(),
            event_id: row.event_id.to_string(),
            group_id: row.issue_id.to_string(),
            project_id: row.project_id.to_string(),
            title: &row.title,
            message: event
                .logentry()
                .and_then(|entry| entry.text())
                .unwrap_or(""),
            ty: event.event_type(),
            platform: &row.platform,
            culprit: event.get_str("culprit").or(event.get_str("transaction")),
            location: event.get_str("location"),
            dist: event.get_str("dist"),
            release: row.release.as_deref().map(Release::new),
            date_created: row.timestamp.to_rfc3339(),
            date_received: row.received_at.to_rfc3339(),
            size: stored.body.len(),
            tags: tags(row),
            user: event.get("user"),
            contexts: OrEmpty(event.get("contexts")),
            context: OrEmpty(event.get("extra")),
            packages: OrEmpty(event.get("modules")),
            sdk: event.sdk().map(|sdk| SdkShape {
                name: sdk.name(),
                version: sdk.version(),
            }),
            errors: errors(event),
            fingerprints: event.fingerprint().collect(),
            next_event_id: neighbours.newer.map(|id| id.to_string()),
            previous_event_id: neighbours.older.map(|id| id.to_string()),
            meta: MetaShape {
                meta: event.get("_meta"),
                entries: entries.iter().map(|entry| entry.attribute).collect(),
            },
            entries,
        }
    }
}

fn errors<'t, 'a>(event: &'t Event<'a>) -> Vec<ErrorShape<'t, 'a>> {
    let errors = event.get("errors").and_then(Json::as_array);
    let shape = |error: &'t Json<'a>| {
        let ty = error.get_str("type")?;
        Some(ErrorShape {
            ty,
            message: explained(ty),
            data: ErrorData(error),
        })
    };
    errors
        .unwrap_or_default()
        .iter()
        .filter_map(shape)
        .collect()
}

/// A kind of problem in words.
fn explained(ty: &str) -> &'static str {
    match ty {
        "invalid_data" => "Discarded invalid value",
        "invalid_attribute" => "Discarded unknown attribute",
        "missing_attribute" => "Missing value for required attribute",
        "value_too_long" => "Discarded value due to exceeding maximum length",
        "clock_drift" => "Clock drift detected in SDK",
        "past_timestamp" => "Invalid timestamp (too far in past)",
        "future_timestamp" => "Invalid timestamp (in future)",
        _ => "Unknown error",
    }
}
