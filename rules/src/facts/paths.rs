//! Values somewhere in the tree, by dotted names.

use std::borrow::Cow;

use bugle_protocol::Json;
use bugle_protocol::json::Object;
use bugle_query::Values;

use super::lists::MAX_VALUES;

/// The value under a dotted name. A member may have dots in its own name, the last one of the path or all of it.
pub(super) fn at<'t, 'a>(object: &'t Object<'a>, path: &str) -> Option<&'t Json<'a>> {
    let (mut object, mut path) = (object, path);
    loop {
        if let Some(found) = object.get(path) {
            return Some(found);
        }
        let (first, rest) = path.split_once('.')?;
        object = object.get(first)?.as_object()?;
        path = rest;
    }
}

/// A value of any type, as it is compared: a list as each of its items. What has members is there, and no more can be
/// said of it.
pub(super) fn any<'t>(json: &'t Json<'_>) -> Values<'t> {
    match json {
        Json::Array(items) if !items.is_empty() => {
            Values::Many(items.iter().take(MAX_VALUES).map(one).collect())
        }
        Json::Array(_) => Values::None,
        other => one(other),
    }
}

fn one<'t>(json: &'t Json<'_>) -> Values<'t> {
    match json {
        Json::Null => Values::None,
        Json::Bool(truth) => Values::Bool(*truth),
        Json::Number(number) => Values::Number(number.as_f64()),
        Json::String(text) => Values::Text(Cow::Borrowed(text)),
        Json::Object(object) if object.is_empty() => Values::None,
        Json::Array(items) if items.is_empty() => Values::None,
        Json::Object(_) | Json::Array(_) => Values::Opaque,
    }
}

/// A measurement in the unit in which conditions count: milliseconds, bytes, or what it is.
pub(super) fn measurement<'t>(json: &'t Json<'_>) -> Option<Values<'t>> {
    let value = json.get("value")?.as_f64()?;
    let unit = json.get_str("unit").unwrap_or_default();
    let (number, factor): (fn(f64) -> Values<'t>, f64) = match unit {
        "nanosecond" => (Values::Duration, 1e-6),
        "microsecond" => (Values::Duration, 1e-3),
        "millisecond" => (Values::Duration, 1.0),
        "second" => (Values::Duration, 1e3),
        "minute" => (Values::Duration, 60e3),
        "hour" => (Values::Duration, 3_600e3),
        "day" => (Values::Duration, 86_400e3),
        "week" => (Values::Duration, 604_800e3),
        "kilobyte" => (Values::Number, 1e3),
        "kibibyte" => (Values::Number, 1_024.0),
        "megabyte" => (Values::Number, 1e6),
        "mebibyte" => (Values::Number, 1_048_576.0),
        "gigabyte" => (Values::Number, 1e9),
        "gibibyte" => (Values::Number, 1_073_741_824.0),
        _ => (Values::Number, 1.0),
    };
    Some(number(value * factor))
}
