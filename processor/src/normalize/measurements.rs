//! Numbers that a client measured during a transaction.

use bugle_protocol::Json;
use bugle_protocol::json::Object;

use super::note::{Fault, Notes, object_mut};
use super::scalar::TEXT;
use super::schema::{Kind, Schema, field};
use super::tags;
use super::timestamps::timestamp;

/// One measurement.
pub(super) static MEASUREMENT: Schema = Schema::new(
    "measurement",
    &[
        field("value", Kind::Scalar(number)).required(),
        field("unit", TEXT),
    ],
);

/// Longer starts of an app or screen are a phone that slept.
const MAX_MOBILE_MILLIS: f64 = 180_000.0;

fn number(value: &mut Json<'_>) -> Result<(), Fault> {
    match value {
        Json::Number(_) => Ok(()),
        _ => Err(Fault::invalid("expected a finite floating point number")),
    }
}

/// Completes the measurements of a transaction: names, units, and rates that follow from them.
pub(super) fn normalize(event: &mut Object<'_>, notes: &mut Notes) {
    let millis = timestamp(event, "timestamp")
        .zip(timestamp(event, "start_timestamp"))
        .map(|(end, start)| (end - start) * 1000.0);
    let Some(measurements) = object_mut(event, "measurements") else {
        return;
    };
    super::read::rename(
        measurements,
        &[
            ("app.start.cold", "app_start_cold"),
            ("app.start.warm", "app_start_warm"),
        ],
    );
    measurements.retain(|name, measurement| is_usable(name, measurement));
    for (name, measurement) in measurements.iter_mut() {
        if let Some(measurement) = measurement.as_object_mut() {
            set_unit(name, measurement);
        }
    }
    let start_type = derive_app_start(measurements);
    derive_rates(measurements, millis);
    if measurements.is_empty() {
        event.remove("measurements");
    }
    if let Some(start_type) = start_type {
        tags::set(event, "app.vitals.start.type", start_type, notes);
    }
}

fn is_usable(name: &str, measurement: &Json<'_>) -> bool {
    let known = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.');
    let is_mobile = ["app_start_", "time_to_"]
        .iter()
        .any(|prefix| name.starts_with(prefix));
    let value = measurement.get("value").and_then(Json::as_f64);
    let is_too_long = is_mobile && value.is_some_and(|value| value > MAX_MOBILE_MILLIS);
    name.chars().all(known) && !name.is_empty() && !is_too_long
}

fn set_unit(name: &str, measurement: &mut Object<'_>) {
    let unit = match (measurement.get_str("unit"), name) {
        (Some("ns"), _) => "nanosecond",
        (Some("ms"), _) => "millisecond",
        (Some("s"), _) => "second",
        (Some(unit), _) if !unit.is_empty() => return,
        (_, "fp" | "fcp" | "lcp" | "fid" | "inp" | "ttfb" | "ttfb.requesttime") => "millisecond",
        (_, "app_start_cold" | "app_start_warm") => "millisecond",
        (_, "time_to_initial_display" | "time_to_full_display") => "millisecond",
        (_, "stall_total_time" | "stall_longest_time") => "millisecond",
        _ => "none",
    };
    measurement.insert("unit", unit);
}

fn value(measurements: &Object<'_>, name: &str) -> Option<f64> {
    measurements.get(name)?.get("value")?.as_f64()
}

fn insert(measurements: &mut Object<'_>, name: &'static str, value: f64, unit: &'static str) {
    let members = [("value", Json::from(value)), ("unit", Json::from(unit))];
    measurements.insert(name, Object::from_iter(members));
}

/// Sets the one measurement under which starts of both kinds are compared; returns the kind.
fn derive_app_start(measurements: &mut Object<'_>) -> Option<&'static str> {
    let (kind, millis) = ["app_start_cold", "app_start_warm"]
        .into_iter()
        .find_map(|name| Some((name, value(measurements, name)?)))?;
    insert(
        measurements,
        "app.vitals.start.value",
        millis,
        "millisecond",
    );
    Some(kind.trim_start_matches("app_start_"))
}

fn derive_rates(measurements: &mut Object<'_>, transaction_millis: Option<f64>) {
    let total = value(measurements, "frames_total").filter(|total| *total > 0.0);
    for (name, rate) in [
        ("frames_slow", "frames_slow_rate"),
        ("frames_frozen", "frames_frozen_rate"),
    ] {
        if let Some((part, total)) = value(measurements, name).zip(total) {
            insert(measurements, rate, part / total, "ratio");
        }
    }
    let stall = measurements.get("stall_total_time");
    let in_millis = stall.and_then(|stall| stall.get_str("unit")) == Some("millisecond");
    let whole = transaction_millis.filter(|millis| in_millis && *millis > 0.0);
    if let Some((stalled, whole)) = value(measurements, "stall_total_time").zip(whole) {
        insert(measurements, "stall_percentage", stalled / whole, "ratio");
    }
}
