//! The threads that take requests apart. They run with a lower priority than those that take requests in: under full load the
//! backlog may grow, and clients are still answered at once.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::oneshot;

/// How much lower the priority is: a thread that waits for nothing gets about a tenth of the time of one that takes requests in.
#[cfg(target_os = "linux")]
const NICE: i32 = 10;

type Job = Box<dyn FnOnce() + Send>;

/// Some threads that end when the pool is dropped.
#[derive(Debug)]
pub(crate) struct Pool {
    jobs: Sender<Job>,
    threads: usize,
}

impl Pool {
    /// Starts the threads.
    pub(crate) fn new(threads: usize) -> Self {
        let (jobs, inbox) = channel();
        let inbox = Arc::new(Mutex::new(inbox));
        for number in 0..threads {
            let inbox = Arc::clone(&inbox);
            std::thread::Builder::new()
                .name(format!("prepare-{number}"))
                .spawn(move || work(&inbox))
                .expect("a server that cannot start threads cannot run");
        }
        Self { jobs, threads }
    }

    /// How many threads there are.
    pub(crate) fn threads(&self) -> usize {
        self.threads
    }

    /// Hands a job to the threads; the future waits for what it gives.
    pub(crate) fn run<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> impl Future<Output = T> + Send + 'static {
        let (done, result) = oneshot::channel();
        let job = move || {
            // Whoever asked may be gone at shutdown.
            let _ = done.send(job());
        };
        self.jobs
            .send(Box::new(job))
            .expect("the threads live as long as the pool");
        async {
            result
                .await
                .expect("jobs catch the panics of what they process")
        }
    }
}

fn work(inbox: &Mutex<Receiver<Job>>) {
    lower_priority();
    loop {
        let next = inbox.lock().unwrap_or_else(PoisonError::into_inner).recv();
        let Ok(job) = next else { return };
        // The one who waits for the job hears of a panic; the thread goes on.
        let _ = catch_unwind(AssertUnwindSafe(job));
    }
}

/// On Linux the priority is each thread's own; elsewhere it would be that of the whole process, and is left alone.
#[cfg(target_os = "linux")]
fn lower_priority() {
    if let Err(error) = rustix::process::nice(NICE) {
        tracing::debug!(%error, "could not lower the priority of a thread");
    }
}

#[cfg(not(target_os = "linux"))]
fn lower_priority() {}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn jobs_run_beside_each_other_and_panics_end_only_themselves() {
        let pool = Pool::new(2);
        let mut broken = tokio::task::JoinSet::new();
        broken.spawn(pool.run(|| panic!("a bug")));
        assert!(broken.join_next().await.unwrap().is_err());
        let barrier = Arc::new(std::sync::Barrier::new(2));
        let meet = || {
            let barrier = Arc::clone(&barrier);
            pool.run(move || barrier.wait().is_leader())
        };
        let (one, other) = tokio::join!(meet(), meet());
        assert!(one != other);
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn only_the_threads_of_the_pool_are_nice() {
        let nice = || rustix::process::getpriority_process(None).unwrap();
        let before = nice();
        let pool = Pool::new(1);
        assert_eq!(pool.run(nice).await, (before + NICE).min(19));
        assert_eq!(nice(), before);
    }
}
