//! The spans inside a transaction.

use std::collections::HashMap;

use bugle_protocol::json::{Json, Object};

use super::note::object_mut;
use super::scalar::{BOOL, FLOAT, JSON_TEXT, SPAN_ID, STATUS, TEXT, TIMESTAMP, UUID};
use super::schema::{Kind, NAME, Schema, field};
use super::timestamps::timestamp;
use super::{contexts, measurements};

/// One span.
pub(super) static SPAN: Schema = Schema::new(
    "span",
    &[
        field("timestamp", TIMESTAMP),
        field("start_timestamp", TIMESTAMP),
        field("exclusive_time", FLOAT),
        field("op", TEXT).limit(NAME),
        field("span_id", SPAN_ID).required(),
        field("parent_span_id", SPAN_ID),
        field("trace_id", UUID).required(),
        field("segment_id", SPAN_ID),
        field("is_segment", BOOL),
        field("is_remote", BOOL),
        field("status", STATUS),
        field("description", TEXT),
        field("tags", Kind::Map(&JSON_TEXT)),
        field("origin", TEXT).limit(NAME),
        field("profile_id", UUID),
        field("data", Kind::Struct(&DATA)),
        field("links", Kind::List(&Kind::Any)),
        field("sentry_tags", Kind::Map(&TEXT)),
        field("received", TIMESTAMP),
        field(
            "measurements",
            Kind::Map(&Kind::Struct(&measurements::MEASUREMENT)),
        ),
        field("platform", TEXT),
        field("was_transaction", BOOL),
        field("kind", TEXT).limit(NAME),
        field("performance_issues_spans", BOOL),
    ],
);

static DATA: Schema = Schema::new("spandata", &[]).open();

/// Gives every span an operation; one that never ended ends with its transaction.
pub(super) fn normalize(event: &mut Object<'_>) {
    let end = timestamp(event, "timestamp");
    if event.get("spans").is_none() {
        event.insert("spans", Json::Array(Vec::new()));
    }
    for span in spans_mut(event) {
        if span.get("timestamp").is_none()
            && let Some(end) = end
        {
            span.insert("timestamp", end);
            span.insert("status", "deadline_exceeded");
        }
        if span.get("op").is_none() {
            span.insert("op", "default");
        }
    }
}

fn spans_mut<'t, 'a: 't>(event: &'t mut Object<'a>) -> impl Iterator<Item = &'t mut Object<'a>> {
    let spans = event.get_mut("spans").and_then(Json::as_array_mut);
    spans.into_iter().flatten().filter_map(Json::as_object_mut)
}

/// Start and end in seconds.
type Interval = (f64, f64);

fn interval(object: &Object<'_>) -> Option<Interval> {
    Some((
        timestamp(object, "start_timestamp")?,
        timestamp(object, "timestamp")?,
    ))
}

/// Sets for the transaction and each span the milliseconds in which none of its children ran.
pub(super) fn set_exclusive_times(event: &mut Object<'_>) {
    let mut children: HashMap<String, Vec<Interval>> = HashMap::new();
    for span in spans_mut(event) {
        if let Some((parent, interval)) = span.get_str("parent_span_id").zip(interval(span)) {
            children
                .entry(parent.to_owned())
                .or_default()
                .push(interval);
        }
    }
    for intervals in children.values_mut() {
        intervals.sort_by(|a, b| a.0.total_cmp(&b.0));
    }
    let exclusive = |id: Option<&str>, own: Interval| {
        let children = id
            .and_then(|id| children.get(id))
            .map_or(&[][..], Vec::as_slice);
        exclusive_millis(own, children)
    };
    for span in spans_mut(event) {
        if let Some(own) = interval(span) {
            let millis = exclusive(span.get_str("span_id"), own);
            span.insert("exclusive_time", millis);
        }
    }
    let own = interval(event);
    let trace = contexts::all_mut(event).and_then(|contexts| object_mut(contexts, "trace"));
    if let Some((own, trace)) = own.zip(trace) {
        let millis = exclusive(trace.get_str("span_id"), own);
        trace.insert("exclusive_time", millis);
    }
}

/// The part of an interval that is not covered by others, which are sorted by their start.
fn exclusive_millis((start, end): Interval, children: &[Interval]) -> f64 {
    let mut free = 0.0;
    let mut covered_until = start;
    for &(child_start, child_end) in children {
        free += (child_start.min(end) - covered_until).max(0.0);
        covered_until = covered_until.max(child_end);
    }
    free += (end - covered_until).max(0.0);
    (free * 1e6).round() / 1e3
}
