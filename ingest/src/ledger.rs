//! The outcomes of requests that are refused whole: counted before the answer, and kept with one write for all that wait.

mod pending;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bugle_protocol::{DataCategory, Outcome};
use bugle_store::queue::{Entry, PushError, Queue};
use bugle_store::{NewRejection, queue::Tally};
use tokio::sync::watch;
use tokio::task::JoinSet;

use pending::Pending;

/// How long to wait before a queue that refused a tally is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// Counts what is refused, and puts the sums into the queue as tallies, one at a time.
///
/// An answer waits for the tally that holds its counts; while one is written the next gathers. If the queue cannot write,
/// answers go out at once and the counts stay in memory until it can. Memory is bounded: there is a row per project, key,
/// category and outcome, by hours as long as they are few, and the last rejections of each project.
#[derive(Clone, Debug)]
pub struct Ledger {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    queue: Queue,
    state: Mutex<State>,
    /// The last group of which nobody has to wait any more: it is on disk, or waits for the disk.
    settled: watch::Sender<u64>,
    /// Whether the server ends.
    is_closing: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    /// What is not on its way to the queue yet.
    pending: Pending,
    /// The number of the group that gathers, from 1.
    group: u64,
    /// Somebody writes.
    is_writing: bool,
    /// The last write failed.
    has_failed: bool,
    writers: JoinSet<()>,
}

/// A request that was refused whole.
#[derive(Debug)]
pub(crate) struct Refusal {
    /// How its items ended.
    pub(crate) counts: Vec<(DataCategory, Outcome, u64)>,
    /// Whose it was, and what a person is told.
    pub(crate) rejection: NewRejection,
}

impl Ledger {
    /// A ledger that writes to `queue`.
    #[must_use]
    pub fn new(queue: Queue) -> Self {
        let state = State {
            group: 1,
            ..State::default()
        };
        Self {
            shared: Arc::new(Shared {
                queue,
                state: Mutex::new(state),
                settled: watch::Sender::new(0),
                is_closing: watch::Sender::new(false),
            }),
        }
    }

    /// Counts a refused request, and returns when that is on disk; at once if the queue cannot write.
    pub(crate) async fn count(&self, refusal: Refusal) {
        // Subscribed before the count: the writer may be done before we look.
        let mut settled = self.shared.settled.subscribe();
        let group = {
            let mut state = self.shared.state();
            state.pending.add(refusal);
            if !state.is_writing {
                state.is_writing = true;
                while state.writers.try_join_next().is_some() {}
                state.writers.spawn(Arc::clone(&self.shared).write());
            }
            if state.has_failed {
                return;
            }
            state.group
        };
        // The sender lives as long as this ledger.
        let _ = settled.wait_for(|settled| *settled >= group).await;
    }

    /// Writes what is left, and gives up if the queue does not take it. To be called when no more requests come.
    pub async fn close(&self) {
        self.shared.is_closing.send_replace(true);
        let mut writers = std::mem::take(&mut self.shared.state().writers);
        while writers.join_next().await.is_some() {}
        let lost = self.shared.state().pending.rows();
        if lost > 0 {
            tracing::error!(
                counts = lost,
                "the queue did not take the last counts of refused requests"
            );
        }
    }
}

impl Shared {
    /// Writes until nothing is left.
    async fn write(self: Arc<Self>) {
        let mut closing = self.is_closing.subscribe();
        while let Some((group, tally)) = self.next_group() {
            let entry = Entry::Tally(tally);
            let pushed = self.queue.push(&entry).await;
            let Entry::Tally(tally) = entry else { return };
            if self.settle(group, tally, pushed.map(drop)) {
                continue;
            }
            if *closing.borrow() {
                return;
            }
            // The server may end meanwhile: then there is one last try.
            let _ = tokio::time::timeout(RETRY, closing.wait_for(|is_closing| *is_closing)).await;
        }
    }

    fn next_group(&self) -> Option<(u64, Tally)> {
        let mut state = self.state();
        if state.pending.rows() == 0 {
            state.is_writing = false;
            return None;
        }
        state.group += 1;
        Some((state.group - 1, state.pending.take()))
    }

    /// Ends a group's wait. What could not be written is gathered again. `false` if that is so.
    fn settle(&self, group: u64, tally: Tally, pushed: Result<(), PushError>) -> bool {
        let mut state = self.state();
        let has_failed = pushed.is_err();
        if let Err(error) = pushed {
            if !state.has_failed {
                tracing::error!(%error, "could not write the counts of refused requests; they wait in memory");
            }
            state.pending.put_back(tally);
        }
        state.has_failed = has_failed;
        drop(state);
        self.settled.send_replace(group);
        !has_failed
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
