//! Answers cases about normalising: what an event becomes, and what it becomes once it is scrubbed too.

use bugle_protocol::event::EventError;
use bugle_protocol::json::{self, Json, Object};
use bugle_protocol::meta::FieldError;
use bugle_protocol::timestamp::parse_timestamp;
use bugle_protocol::{Event, EventId, Meta, UnixMillis};

use crate::normalize::{Context, NormalizedEvent, Settings, normalize};
use bugle_rules::scrub::{PiiConfig, ScrubSettings, Scrubber};

/// Answers one case, a JSON object with `id`, `op` and the members of its op, with `{"id","output"}`.
///
/// Ops: `normalize` (`config`, `input_event`), `normalize_raw` (`config`, `input_text`) and `pipeline` (`input_event`, and
/// a `config` of `normalize` and `datascrubbing`), which scrubs too, answer the event. The config's members are those
/// of Sentry's `StoreNormalizer`; what is absent is off, as there. What cannot be answered is `{"error": text}`; `None`
/// means that the case is not JSON or of another op.
#[must_use]
pub fn case(text: &str) -> Option<String> {
    let case = json::parse_str(text).ok()?;
    let nothing = Json::Null;
    let config = case.get("config").unwrap_or(&nothing);
    let output = match case.get_str("op")? {
        "normalize" => event_of(&case).and_then(|event| run(event, config, None)),
        "normalize_raw" => raw(case.get_str("input_text").unwrap_or_default(), config),
        "pipeline" => event_of(&case).and_then(|event| {
            let settings = config.get("datascrubbing").unwrap_or(&nothing);
            let normalizing = config.get("normalize").unwrap_or(&nothing);
            run(event, normalizing, Some(&scrubber(settings)?))
        }),
        _ => return None,
    };
    let output = output.unwrap_or_else(|error| Json::Object(Object::from_iter([("error", error)])));
    let id = case.get_str("id").unwrap_or_default();
    let answer = [("id", Json::from(id)), ("output", output)];
    Some(json::to_string(&Json::Object(Object::from_iter(answer))))
}

fn event_of<'a>(case: &Json<'a>) -> Result<Event<'a>, String> {
    match case.get("input_event") {
        Some(Json::Object(fields)) => Ok(Event {
            fields: fields.clone(),
        }),
        _ => Err("input_event is not an object".to_owned()),
    }
}

/// An event that is not an object is nothing but a note; one that is not JSON is an error.
fn raw(text: &str, config: &Json<'_>) -> Result<Json<'static>, String> {
    match Event::parse(text.as_bytes()) {
        Ok(event) => run(event, config, None),
        Err(EventError::Json(error)) => Err(error.to_string()),
        Err(EventError::NotAnObject) => {
            let value = json::parse_str(text).map_err(|error| error.to_string())?;
            let mut fields = Object::new();
            if !value.is_null() {
                fields.insert("_meta", rejected(value).to_json());
            }
            Ok(Json::Object(fields))
        }
    }
}

fn rejected(value: Json<'_>) -> Meta {
    let mut meta = Meta::default();
    let note = meta.note_mut();
    note.errors.push(FieldError::invalid("expected event"));
    note.original_value = Some(value.into_owned());
    meta
}

fn scrubber(settings: &Json<'_>) -> Result<Scrubber, String> {
    let settings: ScrubSettings =
        serde_json::from_str(&json::to_string(settings)).map_err(|error| error.to_string())?;
    Ok(Scrubber::lenient(&settings, &PiiConfig::default()).0)
}

fn run(
    event: Event<'_>,
    config: &Json<'_>,
    scrubber: Option<&Scrubber>,
) -> Result<Json<'static>, String> {
    let mut normalized = normalize(event, &context(config), &settings(config))
        .map_err(|error| format!("invalid transaction event: {error}"))?;
    stamp(normalized.event_mut(), config);
    if let Some(scrubber) = scrubber {
        let (event, meta) = normalized.parts_mut();
        scrubber.scrub(event, meta);
    }
    stored(&normalized)
}

/// Adds what the config says of the event from outside: whose it is, and the replay in whose trace it happened.
fn stamp(event: &mut Event<'_>, config: &Json<'_>) {
    for (from, to) in [
        ("project_id", "project"),
        ("key_id", "key_id"),
        ("grouping_config", "grouping_config"),
    ] {
        if let Some(value) = config.get(from).filter(|value| !value.is_null()) {
            event.fields.insert(to, value.clone().into_owned());
        }
    }
    let replay = config.get_str("replay_id").and_then(|id| id.parse().ok());
    let contexts = event
        .fields
        .get_mut("contexts")
        .and_then(Json::as_object_mut);
    if let Some((replay, contexts)) = replay.zip(contexts) {
        let id: EventId = replay;
        let context = [("replay_id", id.to_string()), ("type", "replay".to_owned())];
        contexts.insert("replay", Object::from_iter(context));
    }
}

fn stored(event: &NormalizedEvent<'_>) -> Result<Json<'static>, String> {
    let text = event.to_json();
    let parsed = json::parse_str(&text).map_err(|error| error.to_string())?;
    Ok(parsed.into_owned())
}

fn context<'c>(config: &'c Json<'_>) -> Context<'c> {
    let time = |key| {
        config
            .get(key)
            .and_then(parse_timestamp)
            .map(UnixMillis::from_seconds)
    };
    Context {
        received_at: time("received_at").unwrap_or_default(),
        sent_at: time("sent_at"),
        client_ip: config
            .get_str("client_ip")
            .and_then(|address| address.parse().ok()),
        client: config.get_str("client"),
        user_agent: config.get_str("user_agent"),
    }
}

fn settings(config: &Json<'_>) -> Settings {
    let flag = |key, default| config.get(key).and_then(Json::as_bool).unwrap_or(default);
    let seconds = |key| {
        config
            .get(key)
            .and_then(Json::as_i64)
            .and_then(|n| u32::try_from(n).ok())
    };
    Settings {
        max_secs_in_future: seconds("max_secs_in_future"),
        max_secs_in_past: seconds("max_secs_in_past"),
        trims: flag("enable_trimming", false),
        parses_user_agent: flag("normalize_user_agent", false),
        completes_spans: flag("normalize_spans", false),
        removes_unknown: flag("remove_other", true),
        describes_spans: false,
        infers_ip: true,
        completes: !flag("is_renormalize", false),
    }
}
