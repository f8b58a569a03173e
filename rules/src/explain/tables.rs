//! The protocol's tables: what each number stands for.

use bugle_protocol::Json;
use bugle_protocol::event::{PLATFORMS, SPAN_STATUSES};
use bugle_protocol::json::Object;

use super::object;

/// The data categories in the order of their codes, from 0, each with its unit.
const CATEGORIES: [(&str, &str); 39] = [
    ("default", COUNT),
    ("error", COUNT),
    ("transaction", COUNT),
    ("security", COUNT),
    ("attachment", BYTES),
    ("session", COUNT),
    ("profile", COUNT),
    ("replay", COUNT),
    ("transaction_processed", COUNT),
    ("transaction_indexed", COUNT),
    ("monitor", COUNT),
    ("profile_indexed", COUNT),
    ("span", COUNT),
    ("monitor_seat", COUNT),
    ("feedback", COUNT),
    ("metric_bucket", COUNT),
    ("span_indexed", COUNT),
    ("profile_duration", MILLISECONDS),
    ("profile_chunk", COUNT),
    ("metric_second", COUNT),
    ("replay_video", COUNT),
    ("uptime", COUNT),
    ("attachment_item", COUNT),
    ("log_item", COUNT),
    ("log_byte", BYTES),
    ("profile_duration_ui", MILLISECONDS),
    ("profile_chunk_ui", COUNT),
    ("seer_autofix", COUNT),
    ("seer_scanner", COUNT),
    ("prevent_user", COUNT),
    ("prevent_review", COUNT),
    ("size_analysis", COUNT),
    ("installable_build", COUNT),
    ("trace_metric", COUNT),
    ("seer_user", COUNT),
    ("profile_backend", COUNT),
    ("profile_ui", COUNT),
    ("trace_metric_byte", BYTES),
    ("snapshot_image", COUNT),
];

const COUNT: &str = "count";
const BYTES: &str = "bytes";
const MILLISECONDS: &str = "milliseconds";

/// What an event may count as, and which of these are errors.
const EVENT_CATEGORIES: [&str; 5] = ["default", "error", "transaction", "security", "feedback"];
const ERROR_CATEGORIES: [&str; 3] = ["default", "error", "security"];

/// The types of events that are asked about, those that no client sends among them.
const EVENT_TYPES: [&str; 13] = [
    "error",
    "default",
    "csp",
    "hpkp",
    "expectct",
    "expectstaple",
    "transaction",
    "feedback",
    "userreportv2",
    "nel",
    "generic",
    "",
    "bogus",
];

/// Op `categories`: all tables.
pub(super) fn categories() -> Json<'static> {
    let event_types = EVENT_TYPES.iter().map(|ty| (*ty, category_of(ty)));
    let statuses = SPAN_STATUSES.iter().enumerate();
    let statuses = statuses.map(|(code, name)| (code.to_string(), *name));
    object([
        ("categories", Json::Array(all_categories())),
        ("from_event_type", Object::from_iter(event_types).into()),
        ("event_categories", names(&EVENT_CATEGORIES)),
        ("error_categories", names(&ERROR_CATEGORIES)),
        ("span_status", Object::from_iter(statuses).into()),
        ("platforms", names(&PLATFORMS)),
    ])
}

fn all_categories() -> Vec<Json<'static>> {
    let known = CATEGORIES.iter().zip(0_i64..);
    let known = known.map(|((name, unit), code)| category(code, name, Json::from(*unit)));
    known.chain([category(-1, "unknown", Json::Null)]).collect()
}

fn category(code: i64, name: &'static str, unit: Json<'static>) -> Json<'static> {
    object([
        ("code", Json::from(code)),
        ("name", Json::from(name)),
        ("unit", unit),
    ])
}

/// What an event of a type counts as.
fn category_of(event_type: &str) -> &'static str {
    match event_type {
        "transaction" => "transaction",
        "csp" => "security",
        "feedback" => "feedback",
        _ => "error",
    }
}

fn names(names: &[&'static str]) -> Json<'static> {
    Json::Array(names.iter().map(|name| Json::from(*name)).collect())
}
