//! From a prepared batch to the database, whatever it says.

use std::time::{Duration, Instant};

use bugle_protocol::UnixMillis;
use bugle_store::queue::{Delivery, Entry};
use bugle_store::{Batch, StoreError};
use tokio::sync::watch;

use super::{Processor, RETRY, report, wait};
use crate::batch::{Aside, Prepared, Single};
use crate::measure;
use crate::refused::candidates;

/// How long the database may take for a batch. A connection that died without a word would take for ever.
const RECORD_PATIENCE: Duration = Duration::from_secs(90);

/// What the database says to a batch.
#[derive(Debug)]
enum Answer {
    /// It is stored, now or before.
    Yes,
    /// The database will never take it.
    No,
    /// The server stops.
    Stopped,
}

impl Processor {
    /// Stores a batch, again and again until the database takes it. `false` if the server stops before.
    pub(super) async fn store_batch(
        &self,
        prepared: Option<Prepared>,
        mut stop: watch::Receiver<bool>,
    ) -> bool {
        let Some(prepared) = prepared else {
            return true;
        };
        for aside in &prepared.aside {
            if !self.set_aside(aside, &mut stop).await {
                return false;
            }
        }
        match self.record(&prepared.batch, &mut stop).await {
            Answer::Yes => self.queue.acknowledge(prepared.position),
            Answer::Stopped => return false,
            Answer::No => {
                let (first, last) = (prepared.first_position, prepared.position);
                drop(prepared);
                return self.store_singly(first, last, &mut stop).await;
            }
        }
        true
    }

    /// Reads the requests of a batch again, and stores them one by one. `false` if the server stops before the end.
    async fn store_singly(&self, first: u64, last: u64, stop: &mut watch::Receiver<bool>) -> bool {
        let mut reader = self.queue.reader(first.saturating_sub(1));
        let mut pause = RETRY.0;
        loop {
            let read = tokio::task::block_in_place(|| reader.read(1, usize::MAX));
            let next = match read {
                Ok(deliveries) => deliveries.into_iter().next(),
                Err(error) => {
                    report(&error, "could not read the queue");
                    if !wait(&mut pause, stop).await {
                        return false;
                    }
                    continue;
                }
            };
            match next.filter(|delivery| delivery.position <= last) {
                Some(delivery) if !self.store_single(&delivery, stop).await => return false,
                Some(_) => {}
                None => return true,
            }
        }
    }

    /// Stores what can be stored of one request of a batch that the database refuses as a whole; what it refuses of it is set
    /// aside and counted, so that one bad item never blocks the others. `false` if the server stops before the end.
    async fn store_single(&self, delivery: &Delivery, stop: &mut watch::Receiver<bool>) -> bool {
        let Some(whole) = self.single(delivery, Vec::new(), stop).await else {
            return false;
        };
        let mut answer = self.record(&whole.batch, stop).await;
        let mut candidates = candidates(&whole.suspects).into_iter();
        while matches!(answer, Answer::No) {
            let Some(refused) = candidates.next() else {
                // Not even the counts: the next request's transaction moves the cursor on.
                if !self.set_aside(&Aside::Whole(delivery.clone()), stop).await {
                    return false;
                }
                break;
            };
            let Some(rest) = self.single(delivery, refused, stop).await else {
                return false;
            };
            answer = self.try_record(&rest.batch, stop).await;
            if matches!(answer, Answer::Yes) {
                // It is set aside first: a crash in between must not lose it.
                if let Some(aside) = &rest.aside
                    && !self.set_aside(aside, stop).await
                {
                    return false;
                }
                answer = self.record(&rest.batch, stop).await;
            }
        }
        if matches!(answer, Answer::Stopped) {
            return false;
        }
        self.queue.acknowledge(delivery.position);
        true
    }

    /// Prepares one request alone; `None` if the server stops before its files are kept.
    async fn single(
        &self,
        delivery: &Delivery,
        refused: Vec<usize>,
        stop: &mut watch::Receiver<bool>,
    ) -> Option<Single> {
        let mut pause = RETRY.0;
        loop {
            let single = self.workshop.prepare_single(delivery, refused.clone());
            match single.await {
                Ok(single) => return Some(single),
                Err(error) => report(
                    &error,
                    "could not keep a file; its request stays in the queue",
                ),
            }
            if !wait(&mut pause, stop).await {
                return None;
            }
        }
    }

    /// Records a batch; a database that is away is asked until it is back.
    async fn record(&self, batch: &Batch, stop: &mut watch::Receiver<bool>) -> Answer {
        self.insist(batch, true, stop).await
    }

    /// Asks the database whether it takes a batch.
    async fn try_record(&self, batch: &Batch, stop: &mut watch::Receiver<bool>) -> Answer {
        self.insist(batch, false, stop).await
    }

    /// Asks until the database says yes or no.
    async fn insist(
        &self,
        batch: &Batch,
        stores: bool,
        stop: &mut watch::Receiver<bool>,
    ) -> Answer {
        let mut pause = RETRY.0;
        loop {
            match tokio::time::timeout(RECORD_PATIENCE, self.ask(batch, stores)).await {
                Ok(Ok(())) => return Answer::Yes,
                Ok(Err(error)) if error.is_refusal() => {
                    report(&error, "the database refused a batch");
                    return Answer::No;
                }
                Ok(Err(error)) => report(&error, "could not store a batch; it stays in the queue"),
                // Whether it was stored all the same, the cursor will tell.
                Err(_) => {
                    tracing::error!("the database did not answer; the batch stays in the queue")
                }
            }
            if !wait(&mut pause, stop).await {
                return Answer::Stopped;
            }
        }
    }

    /// Writes a batch, or only tries to.
    async fn ask(&self, batch: &Batch, stores: bool) -> Result<(), StoreError> {
        let (started, now) = (Instant::now(), UnixMillis::now());
        if !stores {
            return self.store.try_record(batch, now).await;
        }
        let recording = self.store.record_counting(batch, now).await?;
        measure::stage("record", started.elapsed());
        measure::recorded(batch, &recording, UnixMillis::now());
        Ok(())
    }

    /// Keeps something out of the way, again and again until the disk takes it. `false` if the server stops before.
    async fn set_aside(&self, aside: &Aside, stop: &mut watch::Receiver<bool>) -> bool {
        let mut pause = RETRY.0;
        loop {
            let (position, kept) = match aside {
                Aside::Part(position, part) => {
                    let entry = Entry::Request(part.clone());
                    (*position, self.queue.set_aside_entry(*position, &entry))
                }
                Aside::Whole(delivery) => (delivery.position, self.queue.set_aside(delivery)),
            };
            match kept {
                Ok(()) => {
                    tracing::error!(
                        queue.position = position,
                        "set aside what could not be processed"
                    );
                    measure::set_aside();
                    return true;
                }
                Err(error) => report(&error, "could not set a request aside"),
            }
            if !wait(&mut pause, stop).await {
                return false;
            }
        }
    }
}
