//! Prepares a batch: all cores take requests apart, and the results come together in the order of the queue.

use std::sync::Arc;

use bugle_protocol::{DiscardReason, Outcome};
use bugle_store::queue::{Delivery, Entry};
use bugle_store::{Batch, OutcomeCount, QueueCursor};
use tokio::task::JoinSet;

use crate::request::{Processed, Rules, process};

/// A thread takes no further request of a batch once so much came out of those before it.
const PART_DECODED_BYTES: usize = 32 * 1024 * 1024;

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
            category: event.category,
            outcome: Outcome::Invalid(DiscardReason::Internal),
            quantity: 1,
        });
        let outcomes = self.batch.outcomes.iter().cloned().chain(refused).collect();
        Batch {
            cursor: self.batch.cursor.clone(),
            outcomes,
            intake: self.batch.intake.clone(),
            ..Batch::default()
        }
    }
}

/// Processes `deliveries` on `threads` threads. `None` if there are none.
///
/// Deliveries that unpack to much more than they weigh in the queue are cut to a share that fits into memory: the second
/// value is what is left for the next batch.
pub(crate) async fn prepare(
    mut deliveries: Vec<Delivery>,
    queue_id: &str,
    rules: &Arc<Rules>,
    threads: usize,
) -> Option<(Prepared, Vec<Delivery>)> {
    let share = deliveries.len().div_ceil(threads).max(1);
    let mut tasks = JoinSet::new();
    for (number, part) in deliveries.chunks(share).enumerate() {
        let (part, rules) = (part.to_vec(), Arc::clone(rules));
        tasks.spawn_blocking(move || (number, Part::process(&part, &rules)));
    }
    let mut parts = tasks.join_all().await;
    parts.sort_by_key(|(number, _)| *number);

    let (mut batch, mut poisoned, mut done) = (Batch::default(), Vec::new(), 0);
    for (number, part) in parts {
        // A batch is a stretch of the queue without gaps: what lies behind an unfinished part comes again.
        if done < number * share {
            break;
        }
        batch.events.extend(part.processed.events);
        batch.outcomes.extend(part.processed.outcomes);
        batch.intake.extend(part.processed.intake);
        batch.rejections.extend(part.processed.rejections);
        poisoned.extend(part.poisoned);
        done += part.done;
    }
    let left = deliveries.split_off(done);
    let position = deliveries.last()?.position;
    batch.cursor = Some(QueueCursor {
        queue_id: queue_id.to_owned(),
        position,
    });
    Some((
        Prepared {
            batch,
            position,
            deliveries,
            poisoned,
        },
        left,
    ))
}

/// What one thread made of its share.
#[derive(Default)]
struct Part {
    processed: Processed,
    poisoned: Vec<Delivery>,
    /// How many of the deliveries are processed, at least one.
    done: usize,
}

impl Part {
    fn process(deliveries: &[Delivery], rules: &Rules) -> Self {
        let (mut part, mut decoded_bytes) = (Self::default(), 0);
        for delivery in deliveries {
            if decoded_bytes > PART_DECODED_BYTES {
                break;
            }
            part.done += 1;
            let request = match Entry::from_bytes(&delivery.data) {
                Some(Entry::Request(request)) => request,
                Some(Entry::Tally(tally)) => {
                    part.processed.outcomes.extend(tally.outcomes);
                    part.processed.rejections.extend(tally.rejections);
                    continue;
                }
                None => {
                    part.poisoned.push(delivery.clone());
                    continue;
                }
            };
            let processed = process(&request, rules);
            decoded_bytes += processed.decoded_bytes;
            if processed.poisoned {
                part.poisoned.push(delivery.clone());
            }
            part.processed.events.extend(processed.events);
            part.processed.outcomes.extend(processed.outcomes);
            part.processed.intake.extend(processed.intake);
            part.processed.rejections.extend(processed.rejections);
        }
        part
    }
}
