//! Hashing passwords off the async threads, a few at a time.

use std::sync::Arc;

use bugle_store::{PasswordError, PasswordHash};
use tokio::sync::Semaphore;

use crate::problem::Problem;

/// Hashes a new password.
///
/// # Errors
/// The outer error is ours; the inner one says what is wrong with the password.
pub(crate) async fn hash(
    gate: &Arc<Semaphore>,
    password: String,
) -> Result<Result<PasswordHash, PasswordError>, Problem> {
    run(gate, move || PasswordHash::new(&password)).await
}

/// Whether `password` is the one of `hash`; takes as long without one, so that the time does not tell who has an account.
pub(crate) async fn matches(
    gate: &Arc<Semaphore>,
    hash: Option<PasswordHash>,
    password: String,
) -> Result<bool, Problem> {
    run(gate, move || match hash {
        Some(hash) => hash.matches(&password),
        None => {
            PasswordHash::pretend_to_match(&password);
            false
        }
    })
    .await
}

async fn run<T: Send + 'static>(
    gate: &Arc<Semaphore>,
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Problem> {
    let failed = |_| Problem::Broken("a password could not be checked");
    // The permit moves into the thread: a client that hangs up does not free the core that still works for it.
    let permit = Arc::clone(gate)
        .acquire_owned()
        .await
        .map_err(|_| Problem::Broken("the server is shutting down"))?;
    let task = tokio::task::spawn_blocking(move || {
        let result = work();
        drop(permit);
        result
    });
    task.await.map_err(failed)
}
