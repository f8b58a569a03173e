//! The loop from the queue to the store.

mod following;
mod storing;

use std::sync::Arc;
use std::time::{Duration, Instant};

use bugle_store::queue::{Delivery, Queue, Reader};
use bugle_store::{Store, StoreError};
use tokio::sync::watch;

use crate::batch::{Hold, Preparation, Prepared, Workshop};
use crate::measure;
use following::Follower;

/// Requests in a batch at most; a transaction of so many is written in some 15 ms. Each takes up to 80 KB of memory on its way,
/// all copies counted, those that wait in the allocator too.
const BATCH_REQUESTS: usize = 250;

/// No further request joins a batch of so many received bytes.
const BATCH_BYTES: usize = 4 * 1024 * 1024;

/// How long to wait before a batch is tried again: doubled from the first to the second.
const RETRY: (Duration, Duration) = (Duration::from_millis(100), Duration::from_secs(5));

/// Takes requests from the queue and stores what is in them.
#[derive(Debug)]
pub struct Processor {
    store: Store,
    queue: Queue,
    workshop: Arc<Workshop>,
}

/// What comes next.
struct Source {
    reader: Reader,
    /// What was read and is not prepared yet.
    left: Vec<Delivery>,
    /// How long to wait where files cannot be kept.
    pause: Duration,
    rules: Follower,
}

impl Processor {
    /// A processor with a thread per core.
    #[must_use]
    pub fn new(store: Store, queue: Queue) -> Self {
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let workshop = Workshop::new(store.blobs.clone(), queue.id(), threads);
        Self {
            workshop: Arc::new(workshop),
            store,
            queue,
        }
    }

    /// Runs until `stop` says so. The batch that is being stored then is finished; the rest stays in the queue.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let Some(position) = self.position(&mut stop).await else {
            return;
        };
        let Some(rules) = self.first_rules(&mut stop).await else {
            return;
        };
        let mut source = Source {
            reader: self.queue.reader(position),
            left: Vec::new(),
            pause: RETRY.0,
            rules,
        };
        let mut prepared = None;
        loop {
            if prepared.is_none() && source.left.is_empty() {
                let waiting = tokio::select! {
                    waiting = source.reader.wait() => waiting,
                    _ = stop.wait_for(|stop| *stop) => false,
                };
                if !waiting {
                    return;
                }
            }
            // While one batch is written, the next one is read and taken apart: there are never more than these two.
            let (stored, next) = tokio::join!(
                self.store_batch(prepared, stop.clone()),
                self.next(&mut source, stop.clone())
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

    /// Prepares what was left of the last deliveries, or the next ones of the queue. Where the disk takes no files, the
    /// requests that bring some wait as they do for a database that is away.
    async fn next(&self, source: &mut Source, mut stop: watch::Receiver<bool>) -> Option<Prepared> {
        if source.left.is_empty() {
            // Reading blocks on the disk, but its pages are still in memory unless there is a backlog.
            let read = || source.reader.read(BATCH_REQUESTS, BATCH_BYTES);
            match tokio::task::block_in_place(read) {
                Ok(deliveries) => source.left = deliveries,
                Err(error) => {
                    report(&error, "could not read the queue");
                    wait(&mut RETRY.1.clone(), &mut stop).await;
                    return None;
                }
            }
        }
        source.rules = self.follow_rules(source.rules, &mut stop).await?;
        let started = Instant::now();
        let deliveries = std::mem::take(&mut source.left);
        let Preparation {
            prepared,
            left,
            blocked,
        } = self.workshop.prepare(deliveries).await;
        source.left = left;
        match (&prepared, blocked) {
            (Some(_), _) => {
                source.pause = RETRY.0;
                measure::stage("prepare", started.elapsed());
            }
            (None, Some(Hold::NewProject(project))) => {
                if let Some(rules) = self.meet_project(project, &mut stop).await {
                    source.rules = rules;
                }
            }
            (None, Some(Hold::Storage(error))) => {
                report(
                    &error,
                    "could not keep a file; its request stays in the queue",
                );
                wait(&mut source.pause, &mut stop).await;
            }
            (None, None) => {}
        }
        prepared
    }
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
