//! Works on jobs in the background: erases persons, applies scrubbing rules to what is stored.
//!
//! A job goes through the tables in small steps. Each step's changes and the place where to go on are written in one
//! transaction, so that a process that dies in the middle leaves nothing half done, and the next one goes on.

mod erase;
mod judge;
mod place;
mod queue;
mod rescrub;
#[cfg(test)]
mod tests;
mod work;

use std::time::Duration;

use bugle_protocol::UnixMillis;
use bugle_store::queue::Queue;
use bugle_store::{JobKind, Store, StoreError};
use tokio::sync::watch;

use work::{End, Work};

/// How often to look for jobs that another process made.
const LOOK_EVERY: Duration = Duration::from_secs(2);

/// How long to wait after the database failed.
const RETRY: Duration = Duration::from_secs(5);

/// Works on jobs, one after the other.
#[derive(Clone, Debug)]
pub struct Jobs {
    store: Store,
    queue: Queue,
    has_processor: bool,
}

impl Jobs {
    /// Jobs on a store, and on the queue in front of it.
    #[must_use]
    pub fn new(store: Store, queue: Queue) -> Self {
        Self {
            store,
            queue,
            has_processor: true,
        }
    }

    /// Jobs while nobody processes what waits in the queue: they do not wait for it.
    #[must_use]
    pub fn without_processor(self) -> Self {
        Self {
            has_processor: false,
            ..self
        }
    }

    /// Runs until `stop` says so. The job that is being worked on is given back then, at the end of a step.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        if let Err(error) = self.take_over().await {
            tracing::error!(%error, "could not take over jobs of before; their leases end by themselves");
        }
        loop {
            let pause = match self.run_next(&stop).await {
                Ok(true) => Duration::ZERO,
                Ok(false) => LOOK_EVERY,
                Err(error) => {
                    let cause = std::error::Error::source(&error).map(ToString::to_string);
                    tracing::error!(%error, cause, "could not work on a job; trying again");
                    RETRY
                }
            };
            tokio::select! {
                () = self.store.job_created(), if pause == LOOK_EVERY => {}
                () = tokio::time::sleep(pause) => {}
                _ = stop.wait_for(|stop| *stop) => {}
            }
            if *stop.borrow() {
                return;
            }
        }
    }

    /// Takes jobs over whose process has died, at once instead of when their leases end. For the one process that has the
    /// queue's folder, before its first job.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn take_over(&self) -> Result<(), StoreError> {
        let jobs = self.store.free_jobs_of_the_dead().await?;
        if jobs > 0 {
            tracing::info!(jobs, "jobs that a process left behind go on");
        }
        Ok(())
    }

    /// Works on the oldest job that waits, to its end or until `stop` says so; `false` if there is none, or another process
    /// works on one.
    ///
    /// # Errors
    /// [`StoreError`] if the database or the disk failed for the moment; the job can be claimed again.
    pub async fn run_next(&self, stop: &watch::Receiver<bool>) -> Result<bool, StoreError> {
        let Some(claimed) = self.store.claim_job(UnixMillis::now()).await? else {
            return Ok(false);
        };
        let (id, kind) = (claimed.job.id.0, claimed.job.kind);
        tracing::info!(job.id = id, job.kind = kind.name(), "working on a job");
        let mut work = Work::new(&self.store, &self.queue, claimed, stop.clone()).await?;
        work.has_processor = self.has_processor;
        let ended = match kind {
            JobKind::Erase => erase::run(&work).await,
            JobKind::Rescrub => rescrub::run(&work).await,
        };
        match ended {
            Ok(End::Done) => {
                let now = UnixMillis::now();
                self.store.finish_job(&work.claimed, None, now).await?;
                tracing::info!(job.id = id, "a job is done");
            }
            Ok(End::Stopped) => self.store.release_job(&work.claimed).await?,
            Ok(End::Lost) => tracing::info!(job.id = id, "a job was cancelled or taken over"),
            Err(error) if error.is_transient() => {
                self.store.release_job(&work.claimed).await?;
                return Err(error);
            }
            Err(error) => {
                let (now, why) = (UnixMillis::now(), error.to_string());
                let failed = self.store.finish_job(&work.claimed, Some(&why), now);
                failed.await?;
                tracing::error!(job.id = id, %error, "a job failed");
            }
        }
        Ok(true)
    }
}
