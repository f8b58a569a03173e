#![doc = include_str!("../README.md")]

use std::time::Duration;

use bugle_store::{Notice, NoticeKind, Store, StoreError};
use tokio::sync::watch;

/// Notices that are read at once.
const BATCH: u32 = 100;

/// How often the outbox is looked at although nobody rang, for notices that another process wrote.
const LOOK_EVERY: Duration = Duration::from_secs(30);

/// Delivers notices.
#[derive(Debug)]
pub struct Dispatcher {
    store: Store,
    base_url: String,
}

impl Dispatcher {
    /// A dispatcher whose messages link to `base_url`, which has no slash at its end.
    #[must_use]
    pub fn new(store: Store, base_url: String) -> Self {
        Self { store, base_url }
    }

    /// Runs until `stop` says so.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        loop {
            let delivered = tokio::select! {
                delivered = self.deliver_all() => delivered,
                _ = stop.wait_for(|stop| *stop) => return,
            };
            if let Err(error) = delivered {
                let cause = std::error::Error::source(&error).map(ToString::to_string);
                tracing::error!(%error, cause, "could not read the outbox");
            }
            tokio::select! {
                () = self.store.outbox_written() => {}
                () = tokio::time::sleep(LOOK_EVERY) => {}
                _ = stop.wait_for(|stop| *stop) => return,
            }
        }
    }

    /// Delivers what waits; returns how many notices that were.
    ///
    /// # Errors
    /// [`StoreError`] if the outbox cannot be read.
    pub async fn deliver_all(&self) -> Result<usize, StoreError> {
        let mut delivered = 0;
        loop {
            let notices = self.store.notices(BATCH).await?;
            if notices.is_empty() {
                return Ok(delivered);
            }
            for notice in &notices {
                self.deliver(notice).await?;
                delivered += 1;
            }
        }
    }

    async fn deliver(&self, notice: &Notice) -> Result<(), StoreError> {
        // An issue that was deleted meanwhile is no news.
        if let Some(issue) = self.store.issue(notice.issue_id).await? {
            let url = format!("{}/issues/{}/", self.base_url, issue.short_id);
            match notice.kind {
                NoticeKind::NewIssue => tracing::info!(issue = issue.short_id, url, "new issue"),
                NoticeKind::Regression => {
                    tracing::info!(issue = issue.short_id, url, "an issue regressed")
                }
            }
        }
        self.store.remove_notice(notice.id).await?;
        Ok(())
    }
}
