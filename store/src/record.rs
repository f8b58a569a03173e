//! Stores a batch of processed events: one transaction, a constant number of statements, never twice.
//!
//! Reading aloud what [`Store::record`] does: move the queue's cursor; find which events are known already; find the
//! issues of the others by their hashes; make the missing issues; store hashes, events and bodies; count users, hours,
//! environments and releases; change the issues; store attachments, feedback and transactions; count what rules did, outcomes
//! and what was taken in; write the outbox. Only then commit.
//!
//! What is counted is added up in memory first (`plan`, `ledger`), so each distinct row is written once per batch. The steps are
//! written once and compiled for each database: a generic function would carry a dozen `where` bounds, a macro could not
//! be read.

mod ledger;
mod plan;
mod rows;

use bugle_protocol::UnixMillis;
use plan::{Assignment, Changes};
pub use rows::*;

use crate::db::Db;
use crate::{NoticeKind, Store, StoreError};

mod sqlite {
    use sqlx::Sqlite as Backend;
    /// The transaction has the database to itself.
    const LOCK_ROWS: &str = "";
    include!("record/steps.rs");
    mod ledger {
        include!("record/ledger_steps.rs");
    }
    mod transactions {
        include!("record/transaction_steps.rs");
    }
}

mod postgres {
    use sqlx::Postgres as Backend;
    /// Nobody resolves an issue between our looking and our changing it.
    const LOCK_ROWS: &str = " ORDER BY id FOR UPDATE";
    include!("record/steps.rs");
    mod ledger {
        include!("record/ledger_steps.rs");
    }
    mod transactions {
        include!("record/transaction_steps.rs");
    }
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
        let recording = self.record_counting(batch, now).await?;
        Ok(recording.events)
    }

    /// Does what [`Store::record`] does, and says too what was counted.
    ///
    /// # Errors
    /// [`StoreError::Database`]; the batch can be tried again.
    pub async fn record_counting(
        &self,
        batch: &Batch,
        now: UnixMillis,
    ) -> Result<Recording, StoreError> {
        let recording = self.write_batch(batch, now, true).await?;
        let mut recorded = recording.events.iter();
        if recorded
            .any(|recorded| matches!(recorded, Recorded::NewIssue(_) | Recorded::Regression(_)))
        {
            self.outbox.notify_one();
        }
        Ok(recording)
    }

    /// Finds out whether the database takes a batch: writes it and takes it back.
    ///
    /// # Errors
    /// What [`Store::record`] would say.
    pub async fn try_record(&self, batch: &Batch, now: UnixMillis) -> Result<(), StoreError> {
        self.write_batch(batch, now, false).await.map(|_| ())
    }

    async fn write_batch(
        &self,
        batch: &Batch,
        now: UnixMillis,
        commits: bool,
    ) -> Result<Recording, StoreError> {
        match &self.db {
            // The lock is taken at the beginning: a transaction that reads first could not write after another's commit.
            Db::Sqlite { write, .. } => {
                let tx = write.begin_with("BEGIN IMMEDIATE").await?;
                sqlite::record(tx, batch, now, commits).await
            }
            Db::Postgres(pool) => {
                let days = batch.events.iter().map(|event| event.received_at.day());
                ensure_partitions(pool, "event_payload", days.collect()).await?;
                let transactions = batch.transactions.iter();
                let days = transactions.map(|transaction| transaction.received_at.day());
                ensure_partitions(pool, "transaction_payload", days.collect()).await?;
                let mut tx = pool.begin().await?;
                // One writer at a time: two processors that met the same new hash would make two issues of it.
                sqlx::query("SELECT pg_advisory_xact_lock($1)")
                    .bind(RECORD_LOCK)
                    .execute(&mut *tx)
                    .await?;
                postgres::record(tx, batch, now, commits).await
            }
        }
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
pub(crate) const RECORD_LOCK: i64 = 28453;

/// Makes the partitions of a table of bodies for the given days. Only PostgreSQL has them: dropping one is how retention
/// frees space there.
async fn ensure_partitions(
    pool: &sqlx::PgPool,
    whole: &str,
    mut days: Vec<i64>,
) -> Result<(), StoreError> {
    days.sort_unstable();
    days.dedup();
    for day in days {
        let table = format!("{whole}_{day}");
        let exists: Option<String> = sqlx::query_scalar("SELECT to_regclass($1)::text")
            .bind(&table)
            .fetch_one(pool)
            .await?;
        if exists.is_none() {
            attach_partition(pool, whole, &table, day).await?;
        }
    }
    Ok(())
}

/// Makes a table first and attaches it then, which, unlike making it in place, does not wait for readers of the others
/// (a backup that runs over midnight) and does not make them wait.
async fn attach_partition(
    pool: &sqlx::PgPool,
    whole: &str,
    table: &str,
    day: i64,
) -> Result<(), StoreError> {
    let mut tx = pool.begin().await?;
    for sql in [
        format!("CREATE TABLE {table} (LIKE {whole} INCLUDING ALL)"),
        format!(
            "ALTER TABLE {whole} ATTACH PARTITION {table} FOR VALUES FROM ({day}) TO ({})",
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
