//! Stores a batch of processed events: one transaction, a constant number of statements, never twice.
//!
//! Reading aloud what [`Store::record`] does: move the queue's cursor; find which events are known already; find the
//! issues of the others by their hashes; make the missing issues; store hashes, events and bodies; count users, hours,
//! environments, releases and outcomes; change the issues; write the outbox. Only then commit.
//!
//! What is counted is added up in memory first (`plan`), so each distinct row is written once per batch. The steps are
//! written once and compiled for each database: a generic function would carry a dozen `where` bounds, a macro could not
//! be read.

mod plan;

use bugle_protocol::{
    Charge, DataCategory, EventId, IssueId, KeyId, Level, Outcome, ProjectId, UnixMillis,
};
use plan::{Assignment, Changes};
use serde::{Deserialize, Serialize};

use crate::blobs::BlobId;
use crate::db::Db;
use crate::{NoticeKind, Store, StoreError};

mod sqlite {
    use sqlx::Sqlite as Backend;
    /// The transaction has the database to itself.
    const LOCK_ROWS: &str = "";
    include!("record/steps.rs");
}

mod postgres {
    use sqlx::Postgres as Backend;
    /// Nobody resolves an issue between our looking and our changing it.
    const LOCK_ROWS: &str = " ORDER BY id FOR UPDATE";
    include!("record/steps.rs");
}

/// What one pull from the queue became.
#[derive(Clone, Debug, Default)]
pub struct Batch {
    /// How far the queue is processed once this batch is stored; without it the batch came from no queue.
    pub cursor: Option<QueueCursor>,
    /// The events in the order of the queue.
    pub events: Vec<NewEvent>,
    /// The attachments.
    pub attachments: Vec<NewAttachment>,
    /// What users wrote.
    pub feedback: Vec<NewFeedback>,
    /// What became of the other items, and of those that were dropped.
    pub outcomes: Vec<OutcomeCount>,
    /// What the requests were charged.
    pub intake: Vec<IntakeCount>,
    /// What was not taken, for people to look at.
    pub rejections: Vec<NewRejection>,
}

/// A place in a queue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueCursor {
    /// Which queue.
    pub queue_id: String,
    /// The last record that is processed.
    pub position: u64,
}

/// An event that is ready to be stored.
#[derive(Clone, Debug)]
pub struct NewEvent {
    /// The project.
    pub project_id: ProjectId,
    /// The key it came with.
    pub key_id: KeyId,
    /// What it counts as: an error, or a browser's security report.
    pub category: DataCategory,
    /// Its id.
    pub event_id: EventId,
    /// When it happened.
    pub timestamp: UnixMillis,
    /// When it came in.
    pub received_at: UnixMillis,
    /// Its level.
    pub level: Level,
    /// Its platform.
    pub platform: String,
    /// `error`, `default`, `csp` …
    pub event_type: String,
    /// Its environment.
    pub environment: Option<String>,
    /// Its release.
    pub release: Option<String>,
    /// The headline.
    pub title: String,
    /// Whether the headline only says that there is none, so that it must not replace a better one of the issue.
    pub title_is_placeholder: bool,
    /// Where it happened.
    pub culprit: String,
    /// What the title was made of, a JSON object.
    pub metadata: String,
    /// Whether the program did not handle it.
    pub is_unhandled: bool,
    /// Its trace, 32 hex digits.
    pub trace_id: Option<String>,
    /// The user it happened to.
    pub user: Option<NewUser>,
    /// Its tags, a JSON list of pairs.
    pub tags: String,
    /// The algorithm that made the hashes.
    pub grouping_version: &'static str,
    /// The hashes in the order in which issues are looked up; at least one.
    pub hashes: Vec<NewHash>,
    /// The compressed body, see [`crate::compress`].
    pub payload: Vec<u8>,
}

/// A user as far as counting and listing goes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewUser {
    /// 64 bits of a hash of the identity: two users of one issue meet by chance once in 2^32 users.
    pub hash: i64,
    /// What lists show.
    pub label: String,
}

/// A grouping hash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewHash {
    /// The hash.
    pub hash: [u8; 32],
    /// The values it was made of, a JSON list.
    pub leaf_values: String,
}

/// A number of items that ended in one way.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct OutcomeCount {
    /// The project.
    pub project_id: ProjectId,
    /// The key they came with.
    pub key_id: KeyId,
    /// When they came in; only the hour is kept.
    pub received_at: UnixMillis,
    /// What they count as.
    pub category: DataCategory,
    /// How they ended.
    pub outcome: Outcome,
    /// How many. Below zero where a second try takes the outcome of the first one back.
    pub quantity: i64,
}

/// What a request was charged when it was taken in; quotas are filled again from these after a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct IntakeCount {
    /// The project.
    pub project_id: ProjectId,
    /// The key it came with.
    pub key_id: KeyId,
    /// When it came in; only the minute is kept.
    pub received_at: UnixMillis,
    /// What, and how much of it.
    pub charge: Charge,
}

/// A request or an item that was not taken, for people to look at. Nothing of its payload is kept.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NewRejection {
    /// The project.
    pub project_id: ProjectId,
    /// The key it came with.
    pub key_id: KeyId,
    /// When it came in.
    pub received_at: UnixMillis,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The type of the item on the wire, empty for a whole request.
    pub item_type: String,
    /// How it ended.
    pub outcome: Outcome,
    /// What exactly is wrong, in a sentence that names the limit or the place.
    pub detail: String,
    /// The client library, empty if it did not say.
    pub client: String,
    /// Bytes of the request or the item, as received.
    pub size: u64,
}

/// A file that came with an event, or for one. Its bytes are in the blob folder before the batch is recorded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewAttachment {
    /// The project.
    pub project_id: ProjectId,
    /// The key it came with.
    pub key_id: KeyId,
    /// The event it belongs to, which need not be stored.
    pub event_id: EventId,
    /// When it came in.
    pub received_at: UnixMillis,
    /// The name of the file, of at most 255 characters.
    pub name: String,
    /// The media type as the client named it.
    pub content_type: Option<String>,
    /// `event.attachment`, `event.minidump` …
    pub attachment_type: String,
    /// The name of the blob.
    pub blob: BlobId,
    /// Bytes.
    pub size: u64,
}

/// What a user wrote, by itself or about an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NewFeedback {
    /// The project.
    pub project_id: ProjectId,
    /// The key it came with.
    pub key_id: KeyId,
    /// Its own event id, or one made of what it says, so that a second delivery is a duplicate.
    pub feedback_id: EventId,
    /// The event it is about.
    pub event_id: Option<EventId>,
    /// The user's name.
    pub name: Option<String>,
    /// The user's address.
    pub email: Option<String>,
    /// What the user wrote.
    pub message: String,
    /// The page it was written on.
    pub url: Option<String>,
    /// What the user wrote it in, such as `widget`.
    pub source: Option<String>,
    /// Its environment.
    pub environment: Option<String>,
    /// Its release.
    pub release: Option<String>,
    /// When it was written.
    pub created_at: UnixMillis,
    /// When it came in.
    pub received_at: UnixMillis,
}

/// What storing made of an event, in the order of [`Batch::events`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Recorded {
    /// The project has an event of this id: nothing was stored, nothing counted but the outcome.
    Duplicate,
    /// The first event of a new issue.
    NewIssue(IssueId),
    /// An event of an issue that was resolved and is open again.
    Regression(IssueId),
    /// An event of a known issue.
    Seen(IssueId),
}

impl Store {
    /// Stores a batch whole, or not at all. A batch whose cursor was passed before is left alone: its events are all
    /// [`Recorded::Duplicate`] and count nothing, so that a batch may be tried again after an answer that got lost.
    ///
    /// # Errors
    /// [`StoreError::Database`]; the batch can be tried again.
    pub async fn record(
        &self,
        batch: &Batch,
        now: UnixMillis,
    ) -> Result<Vec<Recorded>, StoreError> {
        let recorded = match &self.db {
            // The lock is taken at the beginning: a transaction that reads first could not write after another's commit.
            Db::Sqlite { write, .. } => {
                sqlite::record(write.begin_with("BEGIN IMMEDIATE").await?, batch, now).await
            }
            Db::Postgres(pool) => {
                let days = batch.events.iter().map(|event| event.received_at.day());
                ensure_partitions(pool, days.collect()).await?;
                let mut tx = pool.begin().await?;
                // One writer at a time: two processors that met the same new hash would make two issues of it.
                sqlx::query("SELECT pg_advisory_xact_lock($1)")
                    .bind(RECORD_LOCK)
                    .execute(&mut *tx)
                    .await?;
                postgres::record(tx, batch, now).await
            }
        }?;
        if recorded
            .iter()
            .any(|recorded| matches!(recorded, Recorded::NewIssue(_) | Recorded::Regression(_)))
        {
            self.outbox.notify_one();
        }
        Ok(recorded)
    }

    /// How far a queue is processed; 0 if nothing of it ever was.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn queue_position(&self, queue_id: &str) -> Result<u64, StoreError> {
        const GET: &str = "SELECT position FROM queue_cursor WHERE queue_id = $1";
        let position: Option<i64> = crate::db::with_reader!(&self.db, |pool| {
            sqlx::query_scalar(GET)
                .bind(queue_id)
                .fetch_optional(pool)
                .await
        })?;
        Ok(position
            .and_then(|position| u64::try_from(position).ok())
            .unwrap_or(0))
    }
}

/// The advisory lock of PostgreSQL that the one writer holds; the number means "bugle" in a phone's letters.
const RECORD_LOCK: i64 = 28453;

/// Makes the partitions of bodies for the given days. Only PostgreSQL has them: dropping one is how retention frees
/// space there.
async fn ensure_partitions(pool: &sqlx::PgPool, mut days: Vec<i64>) -> Result<(), StoreError> {
    days.sort_unstable();
    days.dedup();
    for day in days {
        let table = format!("event_payload_{day}");
        let exists: Option<String> = sqlx::query_scalar("SELECT to_regclass($1)::text")
            .bind(&table)
            .fetch_one(pool)
            .await?;
        if exists.is_none() {
            attach_partition(pool, &table, day).await?;
        }
    }
    Ok(())
}

/// Makes a table first and attaches it then, which, unlike making it in place, does not wait for readers of the others
/// (a backup that runs over midnight) and does not make them wait.
async fn attach_partition(pool: &sqlx::PgPool, table: &str, day: i64) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    for sql in [
        format!("CREATE TABLE {table} (LIKE event_payload INCLUDING ALL)"),
        format!(
            "ALTER TABLE event_payload ATTACH PARTITION {table} FOR VALUES FROM ({day}) TO ({})",
            day + 1
        ),
    ] {
        sqlx::query(sqlx::AssertSqlSafe(sql))
            .execute(&mut *tx)
            .await?;
    }
    tx.commit().await?;
    Ok(())
}
