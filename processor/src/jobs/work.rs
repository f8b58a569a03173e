//! What all jobs work with.

use std::time::{Duration, Instant};

use bugle_protocol::{ProjectId, UnixMillis};
use bugle_store::queue::Queue;
use bugle_store::{Applied, Changes, Checkpoint, ClaimedJob, Store, StoreError};
use tokio::sync::watch;

/// How often progress is written while there is nothing to change.
const NOTE_EVERY: Duration = Duration::from_millis(500);

/// How working on a job ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum End {
    /// There is nothing left to do.
    Done,
    /// The process stops.
    Stopped,
    /// The job was cancelled, or somebody else works on it.
    Lost,
}

/// A claimed job and what it needs.
#[derive(Debug)]
pub(super) struct Work<'s> {
    pub(super) store: &'s Store,
    pub(super) queue: &'s Queue,
    pub(super) claimed: ClaimedJob,
    /// Whose data it is about.
    pub(super) projects: Vec<ProjectId>,
    /// Whether what waits in the queue is being processed meanwhile.
    pub(super) has_processor: bool,
    stop: watch::Receiver<bool>,
}

impl<'s> Work<'s> {
    pub(super) async fn new(
        store: &'s Store,
        queue: &'s Queue,
        claimed: ClaimedJob,
        stop: watch::Receiver<bool>,
    ) -> Result<Self, StoreError> {
        let projects = match claimed.job.project_id {
            Some(project) => vec![project],
            None => {
                let projects = store.projects(claimed.job.organization_id).await?;
                projects.into_iter().map(|project| project.id).collect()
            }
        };
        Ok(Self {
            store,
            queue,
            claimed,
            projects,
            has_processor: true,
            stop,
        })
    }

    /// How many rows there are to look at, for showing progress; 0 if that is not known: counting many takes PostgreSQL longer
    /// than it lets a statement take, and the job can be done without.
    pub(super) async fn total(&self) -> u64 {
        match self.claimed.job.total {
            0 => self.store.count_stored(&self.projects).await,
            total => Ok(total),
        }
        .unwrap_or_else(|error| {
            tracing::warn!(%error, "could not count what a job has to look at");
            0
        })
    }

    pub(super) fn is_dry_run(&self) -> bool {
        self.claimed.job.parameters.dry_run
    }

    pub(super) fn is_stopped(&self) -> bool {
        *self.stop.borrow()
    }

    /// Waits; less if the process stops meanwhile.
    pub(super) async fn pause(&self, duration: Duration) {
        let mut stop = self.stop.clone();
        let _ = tokio::time::timeout(duration, stop.wait_for(|stop| *stop)).await;
    }

    /// Writes changes and progress; `None` if the job is not ours any more.
    pub(super) async fn apply(
        &self,
        changes: &Changes,
        checkpoint: impl FnOnce(&Applied) -> Checkpoint + Send,
    ) -> Result<Option<Applied>, StoreError> {
        let now = UnixMillis::now();
        let applied = self
            .store
            .apply_changes(&self.claimed, changes, now, checkpoint);
        applied.await
    }

    /// Writes progress alone; `false` if the job is not ours any more.
    pub(super) async fn note(&self, checkpoint: &Checkpoint) -> Result<bool, StoreError> {
        let now = UnixMillis::now();
        self.store
            .checkpoint_job(&self.claimed, checkpoint, now)
            .await
    }
}

/// Does what takes the processor on a thread that may take its time.
pub(super) async fn aside<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, StoreError> {
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::Io {
        path: "a thread of a job".to_owned(),
        source: error.into(),
    })
}

/// Says when progress is to be written again.
#[derive(Debug)]
pub(super) struct Rhythm(Option<Instant>);

impl Rhythm {
    pub(super) fn new() -> Self {
        Self(None)
    }

    pub(super) fn is_due(&mut self) -> bool {
        let is_due = self.0.is_none_or(|last| last.elapsed() >= NOTE_EVERY);
        if is_due {
            self.0 = Some(Instant::now());
        }
        is_due
    }
}
