//! What is counted of the processor's work, by the names that `/metrics` shows.

use std::time::Duration;

use bugle_protocol::UnixMillis;
use bugle_store::{Batch, Recording};

/// Counts what a batch came to. A batch that was stored before counts nothing again.
pub(crate) fn recorded(batch: &Batch, recording: &Recording, now: UnixMillis) {
    for count in &recording.outcomes {
        // Counters only rise: what a second try takes back stays counted.
        let quantity = u64::try_from(count.quantity).unwrap_or(0);
        if quantity > 0 {
            metrics::counter!(
                "bugle_items_total",
                "category" => count.category,
                "outcome" => count.outcome
            )
            .increment(quantity);
        }
    }
    if recording.outcomes.is_empty() {
        return;
    }
    let latency = metrics::histogram!("bugle_event_latency_seconds");
    let events = batch.events.iter().map(|event| event.received_at);
    let transactions = batch.transactions.iter().map(|new| new.received_at);
    for received_at in events.chain(transactions) {
        let millis = now.0.saturating_sub(received_at.0).max(0);
        latency.record(millis as f64 / 1000.0);
    }
}

/// Notes how long one stage took for one batch: `prepare` or `record`.
pub(crate) fn stage(stage: &'static str, took: Duration) {
    metrics::histogram!("bugle_stage_duration_seconds", "stage" => stage).record(took);
}

/// Counts a request of which something was set aside.
pub(crate) fn set_aside() {
    metrics::counter!("bugle_poisoned_total").increment(1);
}
