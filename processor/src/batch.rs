//! Prepares a batch: all cores take requests apart, and the results come together in the order of the queue.

use std::sync::Arc;

use bugle_protocol::{DataCategory, DiscardReason, Outcome};
use bugle_store::queue::{Delivery, QueuedRequest};
use bugle_store::{Batch, OutcomeCount, QueueCursor};
use tokio::task::JoinSet;

use crate::request::{Processed, Rules, process};

/// A batch that is ready to be stored.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) batch: Batch,
    /// The last delivery in it.
    pub(crate) position: u64,
    /// What the batch was made of.
    pub(crate) deliveries: Vec<Delivery>,
    /// What has to be kept aside, because something in it made us panic or because it is no request at all.
    pub(crate) poisoned: Vec<Delivery>,
}

impl Prepared {
    /// The batch that only counts what this one held, for events that the store refuses.
    pub(crate) fn without_events(&self) -> Batch {
        let refused = self.batch.events.iter().map(|event| OutcomeCount {
            project_id: event.project_id,
            key_id: event.key_id,
            received_at: event.received_at,
            category: DataCategory::Error,
            outcome: Outcome::Invalid(DiscardReason::Internal),
            quantity: 1,
        });
        let outcomes = self.batch.outcomes.iter().cloned().chain(refused).collect();
        Batch {
            cursor: self.batch.cursor.clone(),
            events: Vec::new(),
            outcomes,
        }
    }
}

/// Processes `deliveries` on `threads` threads. `None` if there are none.
pub(crate) async fn prepare(
    deliveries: Vec<Delivery>,
    queue_id: &str,
    rules: &Arc<Rules>,
    threads: usize,
) -> Option<Prepared> {
    let position = deliveries.last()?.position;
    let share = deliveries.len().div_ceil(threads);
    let mut parts = JoinSet::new();
    for (number, part) in deliveries.chunks(share).enumerate() {
        let (part, rules) = (part.to_vec(), Arc::clone(rules));
        parts.spawn_blocking(move || (number, process_part(&part, &rules)));
    }
    let mut results = parts.join_all().await;
    results.sort_by_key(|(number, _)| *number);

    let cursor = Some(QueueCursor {
        queue_id: queue_id.to_owned(),
        position,
    });
    let mut prepared = Prepared {
        batch: Batch {
            cursor,
            ..Batch::default()
        },
        position,
        poisoned: Vec::new(),
        deliveries,
    };
    for (processed, poisoned) in results.into_iter().map(|(_, result)| result) {
        prepared.batch.events.extend(processed.events);
        prepared.batch.outcomes.extend(processed.outcomes);
        prepared.poisoned.extend(poisoned);
    }
    Some(prepared)
}

fn process_part(deliveries: &[Delivery], rules: &Rules) -> (Processed, Vec<Delivery>) {
    let mut all = Processed::default();
    let mut poisoned = Vec::new();
    for delivery in deliveries {
        let Some(request) = QueuedRequest::from_bytes(&delivery.data) else {
            poisoned.push(delivery.clone());
            continue;
        };
        let processed = process(&request, rules);
        if processed.poisoned {
            poisoned.push(delivery.clone());
        }
        all.events.extend(processed.events);
        all.outcomes.extend(processed.outcomes);
    }
    (all, poisoned)
}
