//! Transactions: from a payload to a row.

use bugle_protocol::json::Json;
use bugle_protocol::{DiscardReason, UnixMillis};
use bugle_store::{NewTransaction, compress};

use super::event::{self, Kind, clean, user_label};
use super::road::Arrived;
use super::tags;
use crate::request::{Arrival, Rules};
use crate::verdict::{Kept, Refusal};

/// Walks a transaction down the road of events. It has no issue.
pub(super) fn process(
    arrival: &Arrival<'_>,
    payload: &[u8],
    rules: &Rules<'_>,
) -> Result<Kept, Refusal> {
    let mut event = event::parse(payload)?;
    event.fields.insert("type", "transaction");
    event::build(arrival, event, Kind::ERROR, rules)
}

/// Makes a row of a transaction that arrived.
pub(super) fn keep(arrival: &Arrival<'_>, arrived: Arrived<'_>) -> Result<Kept, Refusal> {
    let row = row(arrival, &arrived).ok_or_else(|| {
        let detail = "the transaction could not be compressed";
        Refusal::invalid(DiscardReason::Internal, detail)
    })?;
    Ok(Kept::transaction(row, arrived.hits))
}

fn row(arrival: &Arrival<'_>, arrived: &Arrived<'_>) -> Option<NewTransaction> {
    let normalized = &arrived.event;
    let event = normalized.event();
    let trace = event.get("contexts")?.get("trace")?;
    let text = |key| clean(trace.get_str(key).unwrap_or_default());
    let optional = |key| {
        event
            .get_str(key)
            .filter(|text| !text.is_empty())
            .map(clean)
    };
    let seconds = |key| event.get(key).and_then(Json::as_f64);
    let end = normalized.timestamp().as_seconds();
    let end = seconds("timestamp").unwrap_or(end);
    let start = seconds("start_timestamp").unwrap_or(end);
    let client_rate = trace.get("client_sample_rate").and_then(Json::as_f64);
    Some(NewTransaction {
        project_id: arrival.head.project_id,
        key_id: arrival.head.key_id,
        event_id: normalized.event_id(),
        trace_id: text("trace_id"),
        span_id: text("span_id"),
        name: clean(event.get_str("transaction").unwrap_or_default()),
        op: text("op"),
        status: text("status"),
        started_at: UnixMillis::from_seconds(start),
        timestamp: normalized.timestamp(),
        duration_us: microseconds(end - start),
        received_at: arrival.head.received_at,
        platform: clean(event.platform()),
        environment: optional("environment"),
        release: optional("release"),
        user_label: user_label(event),
        tags: clean(&tags::to_json(event)),
        client_rate: client_rate.filter(|rate| *rate > 0.0 && *rate <= 1.0),
        server_rate: arrived.rate,
        payload: compress(normalized.to_json().as_bytes()).ok()?,
    })
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "float to integer casts saturate"
)]
fn microseconds(seconds: f64) -> u64 {
    (seconds * 1e6).round() as u64
}
