//! Takes requests that were set aside into the queue again.

use std::path::PathBuf;

use super::{Aside, Entry, Queue};
use crate::StoreError;

impl Queue {
    /// Pushes the requests that are to be processed again, see [`Aside::retry`]; how many it were. They are marked as retries
    /// and charged nothing. Where the queue takes no more, the rest waits for the next call.
    ///
    /// A request leaves its file only when the queue has it. A crash between the two makes it come twice, which stores
    /// nothing twice: events are known by their ids.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub async fn take_retries(&self) -> Result<usize, StoreError> {
        let mut taken = 0;
        while let Some((path, entry)) = self.next_retry().await? {
            if let Err(error) = self.push(&as_retry(entry)).await {
                // Said where the queue is watched; here it would be said every second.
                tracing::debug!(%error, "could not retry a request yet");
                break;
            }
            std::fs::remove_file(&path).map_err(|e| StoreError::io(&path, e))?;
            tracing::info!(file = %path.display(), "took a request into the queue again");
            taken += 1;
        }
        Ok(taken)
    }

    async fn next_retry(&self) -> Result<Option<(PathBuf, Entry)>, StoreError> {
        let aside = Aside::new(&self.shared.folder);
        match tokio::task::spawn_blocking(move || aside.next_retry()).await {
            Ok(next) => next,
            // The runtime is ending.
            Err(_) => Ok(None),
        }
    }
}

fn as_retry(mut entry: Entry) -> Entry {
    if let Entry::Request(request) = &mut entry {
        request.head.is_retry = true;
        request.head.charges.clear();
    }
    entry
}
