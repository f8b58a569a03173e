//! Answers cases about Sentry's conditions and sampling.

use bugle_protocol::{Event, Json, UnixMillis, json};
use uuid::Uuid;

use super::{object, verdict};
use crate::sample;
use crate::sentry::{Condition, SamplingConfig, decide, to_lines};

/// Op `condition`: whether `text` is a condition that is understood.
pub(super) fn condition(case: &Json<'_>) -> Json<'static> {
    verdict(parsed(case, |json| {
        let condition = Condition::read(json).map_err(|error| error.to_string())?;
        known(condition.unsupported())
    }))
}

/// Op `sampling_config`: the same for a configuration.
pub(super) fn config(case: &Json<'_>) -> Json<'static> {
    verdict(parsed(case, |json| {
        let config = SamplingConfig::read(json).map_err(|error| error.to_string())?;
        known(config.unsupported())
    }))
}

fn parsed(case: &Json<'_>, check: impl Fn(&Json<'_>) -> Result<(), String>) -> Result<(), String> {
    let text = case.get_str("text").unwrap_or_default();
    let json = json::parse_str(text).map_err(|error| format!("invalid JSON: {error}"))?;
    check(&json)
}

fn known(unsupported: Option<&str>) -> Result<(), String> {
    match unsupported {
        Some(op) => Err(format!("unknown operator `{op}`")),
        None => Ok(()),
    }
}

/// Op `sampling`: what the configurations `project` and `root` decide about `event`, whose trace `dsc` describes. The time
/// is that of the case's `now` (RFC 3339 or seconds), or `now`.
pub(super) fn sampling(case: &Json<'_>, now: UnixMillis) -> Result<Json<'static>, String> {
    let config = |name| match case.get(name) {
        None => Ok(SamplingConfig::default()),
        Some(json) => SamplingConfig::read(json).map_err(|error| format!("{name}: {error}")),
    };
    let event = Event {
        fields: case
            .get("event")
            .and_then(Json::as_object)
            .cloned()
            .unwrap_or_default(),
    };
    let now = case
        .get("now")
        .and_then(bugle_protocol::timestamp::parse_timestamp)
        .map_or(now, UnixMillis::from_seconds);
    let decided = decide(
        &config("project")?,
        &config("root")?,
        case.get("dsc"),
        &event,
        now,
    );
    Ok(decided.map_or(Json::Null, |decided| {
        let ids = decided.rule_ids.iter().map(|id| Json::from(u64::from(*id)));
        object([
            ("sample_rate", Json::from(decided.sample_rate)),
            ("seed", Json::from(decided.seed.to_string())),
            ("matched_rule_ids", Json::Array(ids.collect())),
        ])
    }))
}

/// Op `import`: the lines that `text`, generic filters or a configuration of Sentry's, becomes.
pub(super) fn import(case: &Json<'_>) -> Result<Json<'static>, String> {
    let text = case.get_str("text").unwrap_or_default();
    let lines = to_lines(text).map_err(|error| error.to_string())?;
    Ok(object([("lines", Json::from(lines))]))
}

/// Op `seed`: the random number of `uuid`.
pub(super) fn seed(case: &Json<'_>) -> Result<Json<'static>, String> {
    let text = case.get_str("uuid").unwrap_or_default();
    let seed = Uuid::try_parse(text).map_err(|_| format!("`{text}` is not a UUID"))?;
    Ok(Json::from(sample::random(seed)))
}
