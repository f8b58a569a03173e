//! Corrects the times of clients whose clocks are wrong.

use bugle_protocol::json::{Json, Object};
use bugle_protocol::meta::FieldError;
use bugle_protocol::{UnixMillis, timestamp::read_timestamp};
use time::format_description::well_known::Rfc3339;

use super::note::{Notes, Path, values_mut};
use super::{Context, InvalidTransaction, Settings};

/// Smaller differences between `sent_at` and arrival are the network's and retries', not a wrong clock.
const MIN_DRIFT_MILLIS: u64 = 55 * 60 * 1000;

/// Corrects all times of an event, sets the event's own where it is missing, and returns it.
///
/// Two corrections: by the difference of `sent_at` and the time of arrival, if that is 55 minutes or more; then, for
/// an event that is still from the future or too old, such that it happened when it arrived.
///
/// # Errors
/// [`InvalidTransaction::Stale`] for a transaction that is too old: its duration would be counted in the wrong place.
pub(super) fn normalize(
    event: &mut Object<'_>,
    notes: &mut Notes,
    context: &Context<'_>,
    settings: &Settings,
) -> Result<UnixMillis, InvalidTransaction> {
    let received = context.received_at;
    if let Some(sent) = context.sent_at.filter(|sent| drifts(*sent, received)) {
        correct(event, notes, "clock_drift", sent, received);
    }
    let Some(seconds) = timestamp(event, "timestamp") else {
        event.insert("timestamp", received.as_seconds());
        return Ok(received);
    };
    let happened = UnixMillis::from_seconds(seconds);
    let age_millis = received.0.saturating_sub(happened.0);
    let exceeds = |limit: Option<u32>, millis: i64| {
        limit.is_some_and(|seconds| millis > i64::from(seconds) * 1000)
    };
    if exceeds(settings.max_secs_in_future, age_millis.saturating_neg()) {
        correct(event, notes, "future_timestamp", happened, received);
        return Ok(received);
    }
    if exceeds(settings.max_secs_in_past, age_millis) {
        if event.get_str("type") == Some("transaction") {
            return Err(InvalidTransaction::Stale);
        }
        correct(event, notes, "past_timestamp", happened, received);
        return Ok(received);
    }
    Ok(happened)
}

/// A point in time of an object in seconds, if it has one.
pub(super) fn timestamp(object: &Object<'_>, key: &str) -> Option<f64> {
    read_timestamp(object.get(key)?).ok()
}

fn drifts(sent: UnixMillis, received: UnixMillis) -> bool {
    received.0.abs_diff(sent.0) >= MIN_DRIFT_MILLIS
}

/// Moves all times by the way from `wrong` to `right`, and notes both.
fn correct(
    event: &mut Object<'_>,
    notes: &mut Notes,
    kind: &'static str,
    wrong: UnixMillis,
    right: UnixMillis,
) {
    shift_all(event, right.0.saturating_sub(wrong.0) as f64 / 1000.0);
    let error = FieldError::new(kind)
        .with("sdk_time", rfc3339(wrong))
        .with("server_time", rfc3339(right));
    notes.error(&Path::ROOT.key("timestamp"), error);
}

fn rfc3339(time: UnixMillis) -> String {
    let text = time.to_date_time().format(&Rfc3339).unwrap_or_default();
    text.replace('Z', "+00:00")
}

fn shift_all(event: &mut Object<'_>, seconds: f64) {
    shift(event, "timestamp", seconds);
    shift(event, "start_timestamp", seconds);
    for breadcrumb in values_mut(event, "breadcrumbs") {
        if let Some(breadcrumb) = breadcrumb.as_object_mut() {
            shift(breadcrumb, "timestamp", seconds);
        }
    }
    let spans = event.get_mut("spans").and_then(Json::as_array_mut);
    for span in spans.into_iter().flatten().filter_map(Json::as_object_mut) {
        shift(span, "timestamp", seconds);
        shift(span, "start_timestamp", seconds);
    }
}

fn shift(object: &mut Object<'_>, key: &'static str, seconds: f64) {
    if let Some(time) = timestamp(object, key) {
        let micros = ((time + seconds) * 1e6).round();
        object.insert(key, micros / 1e6);
    }
}
