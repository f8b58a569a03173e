//! Takes requests that were set aside into the queue again.

use std::collections::BTreeSet;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError};

use super::aside::{retries_of, take_back};
use super::shared::Shared;
use super::{Entry, Queue};
use crate::StoreError;
use crate::durably::sync_folder_of;

/// What this process remembers of the files that are to be retried.
#[derive(Debug, Default)]
pub(super) struct Retries {
    /// Those whose requests the queue has, and that could not be deleted: they must not be pushed again.
    pushed: BTreeSet<PathBuf>,
    /// Those of which a failure was logged.
    reported: BTreeSet<PathBuf>,
}

impl Queue {
    /// Pushes the requests that are to be processed again, see [`super::Aside::retry`]; how many it were. They are marked as retries
    /// and charged nothing. Where the queue takes no more, the rest waits for the next call. A file that cannot be read,
    /// moved or deleted is logged once and does not keep those behind it waiting.
    ///
    /// A request leaves its file only when the queue has it. A crash between the two makes it come twice, which stores
    /// nothing twice: events are known by their ids.
    ///
    /// # Errors
    /// [`StoreError::Io`] if the folder cannot be read.
    pub async fn take_retries(&self) -> Result<usize, StoreError> {
        let mut taken = 0;
        for path in self.on_disk(list).await.unwrap_or(Ok(Vec::new()))? {
            let file = path.clone();
            let entry = self.on_disk(move |shared| shared.read_retry(&file)).await;
            let Some(entry) = entry.flatten() else {
                continue;
            };
            if let Err(error) = self.push(&as_retry(entry)).await {
                // Said where the queue is watched; here it would be said every second.
                tracing::debug!(%error, "could not retry a request yet");
                break;
            }
            taken += 1;
            tracing::info!(file = %path.display(), "took a request into the queue again");
            // Remembered before anything can fail, or be given up.
            self.shared.retries().pushed.insert(path.clone());
            self.on_disk(move |shared| shared.delete_retry(&path)).await;
        }
        Ok(taken)
    }

    /// Runs what blocks; `None` if the runtime is ending.
    async fn on_disk<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Shared) -> T + Send + 'static,
    ) -> Option<T> {
        let shared = Arc::clone(&self.shared);
        let done = tokio::task::spawn_blocking(move || work(&shared)).await;
        done.ok()
    }
}

impl Shared {
    fn retries(&self) -> std::sync::MutexGuard<'_, Retries> {
        self.retries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The request of a file; `None` if there is nothing to push. What is no request goes back to the others.
    fn read_retry(&self, path: &Path) -> Option<Entry> {
        if self.retries().pushed.contains(path) {
            self.delete_retry(path);
            return None;
        }
        let read = fs::read(path).map_err(|e| StoreError::io(path, e));
        let bytes = self.or_report(path, read)?;
        let entry = Entry::from_bytes(&bytes.into());
        if entry.is_none()
            && self
                .or_report(path, take_back(&self.folder, path))
                .is_some()
        {
            tracing::error!(file = %path.display(), "cannot retry what is no request");
        }
        entry
    }

    /// Deletes a file whose request the queue has, and has that on disk.
    fn delete_retry(&self, path: &Path) {
        let deleted = match fs::remove_file(path) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => Err(e),
            _ => sync_folder_of(path),
        };
        if self
            .or_report(path, deleted.map_err(|e| StoreError::io(path, e)))
            .is_some()
        {
            self.retries().pushed.remove(path);
        }
    }

    /// Logs a failure of a file once.
    fn or_report<T>(&self, path: &Path, result: Result<T, StoreError>) -> Option<T> {
        match result {
            Ok(done) => Some(done),
            Err(error) => {
                if self.retries().reported.insert(path.to_owned()) {
                    let error: &dyn std::error::Error = &error;
                    tracing::error!(error, "could not take a request to be retried");
                }
                None
            }
        }
    }
}

/// The files that are to be retried. What is known of others is forgotten: a file of the same name may come later.
fn list(shared: &Shared) -> Result<Vec<PathBuf>, StoreError> {
    let files = retries_of(&shared.folder)?;
    let mut retries = shared.retries();
    retries
        .pushed
        .retain(|path| files.binary_search(path).is_ok());
    retries
        .reported
        .retain(|path| files.binary_search(path).is_ok());
    Ok(files)
}

fn as_retry(mut entry: Entry) -> Entry {
    if let Entry::Request(request) = &mut entry {
        request.head.is_retry = true;
        request.head.charges.clear();
    }
    entry
}

#[cfg(test)]
mod tests {
    use super::super::{Limits, Tally};
    use super::*;

    fn files(folder: &Path) -> Vec<PathBuf> {
        retries_of(folder).unwrap()
    }

    #[tokio::test]
    async fn what_could_not_be_deleted_is_not_pushed_again() {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::open(folder.path(), Limits::default(), 0).unwrap();
        let path = folder.path().join("retry/00000000000000000003.request");
        let bytes = Entry::Tally(Tally::default()).to_bytes();
        fs::write(&path, &bytes).unwrap();
        queue.shared.retries().pushed.insert(path.clone());
        assert_eq!(queue.take_retries().await.unwrap(), 0);
        assert_eq!(queue.last_position(), 0);
        assert!(!path.exists(), "it is deleted as soon as it can be");

        fs::write(&path, &bytes).unwrap();
        assert_eq!(queue.take_retries().await.unwrap(), 1, "another request");
        assert_eq!(files(folder.path()), [""; 0].map(PathBuf::from));
    }

    #[tokio::test]
    async fn an_unreadable_file_does_not_block_those_behind_it() {
        let folder = tempfile::tempdir().unwrap();
        let queue = Queue::open(folder.path(), Limits::default(), 0).unwrap();
        let unreadable = folder.path().join("retry/00000000000000000003.request");
        fs::create_dir(&unreadable).unwrap();
        let foreign = folder.path().join("retry/00000000000000000004.request");
        fs::write(&foreign, "no request").unwrap();
        fs::write(
            folder.path().join("poisoned/00000000000000000004.request"),
            "its name is taken",
        )
        .unwrap();
        let good = folder.path().join("retry/00000000000000000005.request");
        fs::write(&good, Entry::Tally(Tally::default()).to_bytes()).unwrap();
        assert_eq!(queue.take_retries().await.unwrap(), 1);
        assert_eq!(queue.take_retries().await.unwrap(), 0);
        assert_eq!(files(folder.path()), [unreadable, foreign]);
    }
}
