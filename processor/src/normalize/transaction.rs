//! Transactions: which ones cannot be used, and what the others get.

use bugle_protocol::json::{Json, Object};

use super::note::{Notes, object_mut};
use super::timestamps::timestamp;
use super::{Settings, attributes, contexts, measurements, spans, transaction_name};

/// Why a transaction cannot be used: its duration or its place in the trace are unknown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum InvalidTransaction {
    /// It ended before it began.
    #[error("end timestamp is smaller than start timestamp")]
    EndsBeforeStart,
    /// It does not say when it ended.
    #[error("timestamp hard-required for transaction events")]
    NoTimestamp,
    /// It does not say when it began.
    #[error("start_timestamp hard-required for transaction events")]
    NoStart,
    /// It is older than events may be.
    #[error("timestamp is too stale")]
    Stale,
    /// It has no trace context.
    #[error("missing valid trace context")]
    NoTrace,
    /// Its trace context has no valid trace id.
    #[error("trace context is missing trace_id")]
    NoTraceId,
    /// Its trace context has no valid span id.
    #[error("trace context is missing span_id")]
    NoSpanId,
    /// One of its spans is no span at all.
    #[error("spans must be valid in transaction event")]
    SpanInvalid,
    /// One of its spans lacks an attribute.
    #[error("span is missing {0}")]
    SpanIncomplete(&'static str),
}

/// Says whether a transaction can be used. Events of other types always can.
///
/// # Errors
/// [`InvalidTransaction`] for the first rule that it breaks.
pub(super) fn check(event: &Object<'_>) -> Result<(), InvalidTransaction> {
    if event.get_str("type") != Some("transaction") {
        return Ok(());
    }
    let end = timestamp(event, "timestamp").ok_or(InvalidTransaction::NoTimestamp)?;
    let start = timestamp(event, "start_timestamp").ok_or(InvalidTransaction::NoStart)?;
    if end < start {
        return Err(InvalidTransaction::EndsBeforeStart);
    }
    let trace = contexts::get(event, "trace").ok_or(InvalidTransaction::NoTrace)?;
    trace.get("trace_id").ok_or(InvalidTransaction::NoTraceId)?;
    trace.get("span_id").ok_or(InvalidTransaction::NoSpanId)?;
    let spans = event.get("spans").and_then(Json::as_array);
    spans.unwrap_or_default().iter().try_for_each(check_span)
}

fn check_span(span: &Json<'_>) -> Result<(), InvalidTransaction> {
    let span = span.as_object().ok_or(InvalidTransaction::SpanInvalid)?;
    let start = timestamp(span, "start_timestamp")
        .ok_or(InvalidTransaction::SpanIncomplete("timestamp"))?;
    if timestamp(span, "timestamp").is_some_and(|end| end < start) {
        return Err(InvalidTransaction::EndsBeforeStart);
    }
    for key in ["trace_id", "span_id"] {
        span.get(key)
            .ok_or(InvalidTransaction::SpanIncomplete(key))?;
    }
    Ok(())
}

/// Completes a transaction: its name, spans and measurements. Other events have no measurements.
pub(super) fn normalize(event: &mut Object<'_>, notes: &mut Notes, settings: &Settings) {
    if event.get_str("type") != Some("transaction") {
        event.remove("measurements");
        notes.forget("measurements");
        return;
    }
    if event.get_str("transaction").is_none_or(str::is_empty) {
        event.insert("transaction", "<unlabeled transaction>");
    }
    transaction_name::normalize(event, notes);
    spans::normalize(event);
    if settings.completes_spans {
        spans::set_exclusive_times(event);
        attributes::normalize(event);
    }
    measurements::normalize(event, notes);
}

/// The member `transaction_info`, made if there is none.
pub(super) fn info_mut<'t, 'a>(event: &'t mut Object<'a>) -> Option<&'t mut Object<'a>> {
    if event.get("transaction_info").is_none() {
        event.insert("transaction_info", Object::new());
    }
    object_mut(event, "transaction_info")
}
