//! The loop from the queue to the store.

use std::sync::Arc;
use std::time::Duration;

use bugle_protocol::UnixMillis;
use bugle_store::queue::{Delivery, Queue, Reader};
use bugle_store::{Batch, Store, StoreError};
use tokio::sync::watch;

use crate::batch::{Prepared, prepare};
use crate::request::Rules;

/// Requests in a batch at most; a transaction of so many is written in some 30 ms.
const BATCH_REQUESTS: usize = 500;

/// No further request joins a batch of so many received bytes.
const BATCH_BYTES: usize = 8 * 1024 * 1024;

/// How long the database may take for a batch. A connection that died without a word would take for ever.
const RECORD_PATIENCE: Duration = Duration::from_secs(90);

/// How long to wait before a batch is tried again: doubled from the first to the second.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Takes requests from the queue and stores what is in them.
#[derive(Debug)]
pub struct Processor {
    store: Store,
    queue: Queue,
    rules: Arc<Rules>,
    threads: usize,
}

impl Processor {
    /// A processor with the default rules and a thread per core.
    #[must_use]
    pub fn new(store: Store, queue: Queue) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        Self {
            store,
            queue,
            rules: Arc::default(),
            threads,
        }
    }

    /// Runs until `stop` says so. The batch that is being stored then is finished; the rest stays in the queue.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let Some(position) = self.position(&mut stop).await else {
            return;
        };
        let mut reader = self.queue.reader(position);
        let (mut prepared, mut left) = (None, Vec::new());
        loop {
            if prepared.is_none() {
                let waiting = tokio::select! {
                    waiting = reader.wait() => waiting,
                    _ = stop.wait_for(|stop| *stop) => false,
                };
                if !waiting {
                    return;
                }
            }
            // While one batch is written, the next one is read and taken apart.
            let (stored, next) = tokio::join!(
                self.store_batch(prepared, stop.clone()),
                self.next(&mut reader, &mut left)
            );
            if !stored || *stop.borrow() {
                return;
            }
            prepared = next;
        }
    }

    /// Where the database stands, asked until it answers; `None` if the server stops before.
    async fn position(&self, stop: &mut watch::Receiver<bool>) -> Option<u64> {
        let mut pause = RETRY.0;
        loop {
            match self.store.queue_position(self.queue.id()).await {
                Ok(position) => return Some(position),
                Err(error) => report(&error, "could not read the queue's position"),
            }
            if !wait(&mut pause, stop).await {
                return None;
            }
        }
    }

    /// Prepares what was left of the last deliveries, or the next ones of the queue.
    async fn next(&self, reader: &mut Reader, left: &mut Vec<Delivery>) -> Option<Prepared> {
        if left.is_empty() {
            // Reading blocks on the disk, but its pages are still in memory unless there is a backlog.
            match tokio::task::block_in_place(|| reader.read(BATCH_REQUESTS, BATCH_BYTES)) {
                Ok(deliveries) => *left = deliveries,
                Err(error) => {
                    report(&error, "could not read the queue");
                    tokio::time::sleep(RETRY.1).await;
                    return None;
                }
            }
        }
        let deliveries = std::mem::take(left);
        let prepared = prepare(deliveries, self.queue.id(), &self.rules, self.threads).await;
        let (prepared, rest) = prepared?;
        *left = rest;
        Some(prepared)
    }

    /// Stores a batch, again and again until the database takes it. `false` if the server stops before.
    async fn store_batch(
        &self,
        prepared: Option<Prepared>,
        mut stop: watch::Receiver<bool>,
    ) -> bool {
        let Some(prepared) = prepared else {
            return true;
        };
        for delivery in &prepared.poisoned {
            self.set_aside(delivery);
        }
        match self.record(&prepared.batch, &mut stop).await {
            Recorded::Yes => self.queue.acknowledge(prepared.position),
            Recorded::Stopped => return false,
            Recorded::Refused => return self.store_one_by_one(prepared, &mut stop).await,
        }
        true
    }

    /// Stores what can be stored of a batch that the database refuses as a whole; the rest is kept aside and counted, so
    /// that one bad request never blocks the others. `false` if the server stops before the end.
    async fn store_one_by_one(&self, whole: Prepared, stop: &mut watch::Receiver<bool>) -> bool {
        for delivery in whole.deliveries {
            let position = delivery.position;
            let Some((one, _)) =
                prepare(vec![delivery.clone()], self.queue.id(), &self.rules, 1).await
            else {
                continue;
            };
            let mut recorded = self.record(&one.batch, stop).await;
            if matches!(recorded, Recorded::Refused) {
                self.set_aside(&delivery);
                recorded = self.record(&one.without_events(), stop).await;
            }
            if matches!(recorded, Recorded::Stopped) {
                return false;
            }
            self.queue.acknowledge(position);
        }
        true
    }

    /// Records a batch; a database that is away is asked until it is back.
    async fn record(&self, batch: &Batch, stop: &mut watch::Receiver<bool>) -> Recorded {
        let mut pause = RETRY.0;
        loop {
            let recorded = self.store.record(batch, UnixMillis::now());
            match tokio::time::timeout(RECORD_PATIENCE, recorded).await {
                Ok(Ok(_)) => return Recorded::Yes,
                Ok(Err(error)) if error.is_refusal() => {
                    report(&error, "the database refused a batch");
                    return Recorded::Refused;
                }
                Ok(Err(error)) => report(&error, "could not store a batch; it stays in the queue"),
                // Whether it was stored all the same, the cursor will tell.
                Err(_) => {
                    tracing::error!("the database did not answer; the batch stays in the queue")
                }
            }
            if !wait(&mut pause, stop).await {
                return Recorded::Stopped;
            }
        }
    }

    fn set_aside(&self, delivery: &Delivery) {
        let position = delivery.position;
        tracing::error!(
            queue.position = position,
            "kept a request aside that could not be processed"
        );
        if let Err(error) = self.queue.set_aside(delivery) {
            report(&error, "could not keep a request aside");
        }
    }
}

/// What became of a batch.
enum Recorded {
    /// It is stored, now or before.
    Yes,
    /// The database will never take it.
    Refused,
    /// The server stops.
    Stopped,
}

/// Waits a little longer each time; `false` if the server stops meanwhile.
async fn wait(pause: &mut Duration, stop: &mut watch::Receiver<bool>) -> bool {
    let stopped = tokio::time::timeout(*pause, stop.wait_for(|stop| *stop)).await;
    *pause = (*pause * 2).min(RETRY.1);
    stopped.is_err()
}

fn report(error: &StoreError, what: &'static str) {
    let cause = std::error::Error::source(error).map(ToString::to_string);
    tracing::error!(%error, cause, "{what}");
}
