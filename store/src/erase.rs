//! Changes what is stored already: erases what is a person's, and rewrites what others wrote of it or what rules remove.
//!
//! A job walks the tables row by row ([`Store::stored_rows`], [`Store::texts`]), decides what becomes of each row, and has
//! a batch of it written with its own progress in one transaction ([`Store::apply_changes`]). So nothing is half written,
//! and a job goes on where it was.

mod clean;
mod columns;
mod export;
mod files;
mod report;
mod texts;
mod walk;

use bugle_protocol::{EventId, IssueId, ProjectId, UnixMillis};

pub use clean::Cleaned;
pub use columns::TextColumn;
pub use export::ExportCursor;
pub use files::RemovedBlobs;
pub use report::{ErasureReport, Mentioned, QueueReport, RescrubReport};
pub use texts::TextRow;
pub use walk::{StoredKind, StoredRow};

use crate::blobs::BlobId;
use crate::db::Db;
use crate::jobs::{Checkpoint, ClaimedJob};
use crate::record::RECORD_LOCK;
use crate::{Store, StoreError};

mod sqlite {
    use sqlx::Sqlite as Backend;
    include!("erase/steps.rs");
}

mod postgres {
    use sqlx::Postgres as Backend;
    include!("erase/steps.rs");
}

/// An event or a transaction that goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Gone {
    /// Its row.
    pub row: i64,
    /// The project.
    pub project_id: ProjectId,
    /// Its id; what came with it or is about it goes, too.
    pub event_id: EventId,
    /// The issue of an event.
    pub issue_id: Option<IssueId>,
    /// When it came in.
    pub received_at: UnixMillis,
    /// Whom it was counted for.
    pub user_hash: Option<i64>,
}

/// An event or a transaction that is written anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rewrite {
    /// Its row.
    pub row: i64,
    /// The project.
    pub project_id: ProjectId,
    /// When it came in.
    pub received_at: UnixMillis,
    /// The title of an event, the name of a transaction.
    pub title: String,
    /// What lists show of the user.
    pub user_label: Option<String>,
    /// A JSON list of pairs.
    pub tags: String,
    /// Its environment.
    pub environment: Option<String>,
    /// Its release.
    pub release: Option<String>,
    /// The compressed body, see [`crate::compress`]; `None` if it stays as it is.
    pub payload: Option<Vec<u8>>,
}

/// A text of another table that is written anew, if nobody changed it meanwhile.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TextChange {
    /// Which one.
    pub column: TextColumn,
    /// The row.
    pub row: TextRow,
    /// What it becomes.
    pub new: String,
}

/// A user who is not counted any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct CountedUser {
    /// The project.
    pub project_id: ProjectId,
    /// The issue.
    pub issue_id: IssueId,
    /// See [`crate::user_hash`].
    pub user_hash: i64,
}

/// What one transaction changes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Events that go, with their bodies, attachments and what users wrote about them.
    pub gone_events: Vec<Gone>,
    /// Transactions that go in the same way.
    pub gone_transactions: Vec<Gone>,
    /// Feedback that goes: its row, its project, its own id.
    pub gone_feedback: Vec<(i64, ProjectId, EventId)>,
    /// Users who are not counted any more, beside those of the events.
    pub gone_users: Vec<CountedUser>,
    /// Events that are written anew.
    pub events: Vec<Rewrite>,
    /// Transactions that are written anew.
    pub transactions: Vec<Rewrite>,
    /// Texts of other tables.
    pub texts: Vec<TextChange>,
}

/// What a transaction came to, beside what it was told.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The rows of the attachments that went.
    pub attachments: Vec<i64>,
    /// The rows of the feedback that went, with the events it was about or by itself.
    pub feedback: Vec<i64>,
    /// Users who are not counted any more.
    pub users: Vec<CountedUser>,
    /// Issues whose last event went: their title, culprit and metadata, and the values of their hashes, went with it.
    pub issues: Vec<IssueId>,
    /// Texts that were changed; the others had been changed by somebody else since they were read.
    pub texts: u64,
    /// Their files, one for each attachment: they may not be needed any more, see [`Store::remove_unused_blobs`].
    pub blobs: Vec<BlobId>,
}

impl Changes {
    /// Whether there is nothing to do.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

impl Store {
    /// Writes changes and the job's progress, which `checkpoint` makes of what the changes came to, in one transaction.
    /// `None` if the job is not this process's any more: then nothing is written. Of a dry run only the progress is kept.
    ///
    /// Keep it small: on SQLite nothing else is written meanwhile. `stored_rows` gives as much as fits.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn apply_changes(
        &self,
        claimed: &ClaimedJob,
        changes: &Changes,
        now: UnixMillis,
        checkpoint: impl FnOnce(&Applied) -> Checkpoint + Send,
    ) -> Result<Option<Applied>, StoreError> {
        match &self.db {
            Db::Sqlite { write, .. } => {
                let tx = write.begin_with("BEGIN IMMEDIATE").await?;
                sqlite::apply(tx, claimed, changes, now, checkpoint).await
            }
            Db::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                // Recording changes the same issues: one after the other, they cannot wait for each other in a circle.
                sqlx::query("SELECT pg_advisory_xact_lock($1)")
                    .bind(RECORD_LOCK)
                    .execute(&mut *tx)
                    .await?;
                postgres::apply(tx, claimed, changes, now, checkpoint).await
            }
        }
    }
}
