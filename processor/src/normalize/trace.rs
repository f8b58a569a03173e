//! The trace context, by which an event is linked to everything else of its trace.

use bugle_protocol::EventId;
use bugle_protocol::Json;
use bugle_protocol::json::Object;
use bugle_protocol::meta::{Remark, RemarkKind};

use super::contexts;
use super::note::{Notes, Path, object_mut};

/// Completes the trace context. An event without one starts a trace of its own id, so that every event has a link.
pub(super) fn normalize(event: &mut Object<'_>, notes: &mut Notes, event_id: EventId) {
    let is_transaction = event.get_str("type") == Some("transaction");
    let Some(contexts) = contexts::all_mut(event) else {
        return;
    };
    if contexts.get("trace").is_none() {
        contexts.insert("trace", Object::new());
    }
    let Some(trace) = object_mut(contexts, "trace") else {
        return;
    };
    let root = Path::ROOT.key("contexts");
    complete_ids(trace, notes, &root.key("trace"), event_id);
    if trace.get("status").is_none() {
        trace.insert("status", "unknown");
    }
    if is_transaction && trace.get("op").is_none() {
        trace.insert("op", "default");
    }
    let rate = trace.get("client_sample_rate").and_then(Json::as_f64);
    if rate.is_some_and(|rate| !(0.0..=1.0).contains(&rate)) {
        trace.remove("client_sample_rate");
    }
    trace.insert("type", "trace");
}

fn complete_ids(trace: &mut Object<'_>, notes: &mut Notes, path: &Path<'_>, event_id: EventId) {
    let was_sent = trace.contains_key("span_id") || trace.contains_key("trace_id");
    if trace.get_str("trace_id").is_some_and(super::scalar::is_nil) {
        let note = notes.at(&path.key("trace_id"));
        note.remarks
            .push(Remark::new("nil_trace_id", RemarkKind::Substituted));
        trace.insert("trace_id", EventId::random().to_string());
    } else if trace.get("trace_id").is_none() {
        if was_sent {
            notes.missing(&path.key("trace_id"));
        }
        trace.insert("trace_id", event_id.to_string());
    }
    if trace.get("span_id").is_none() {
        if was_sent {
            notes.missing(&path.key("span_id"));
        }
        let half = trace.get_str("trace_id").and_then(|id| id.get(..16));
        if let Some(half) = half.map(str::to_owned) {
            trace.insert("span_id", half);
        }
    }
}
