//! Sees to it that what was erased is gone from the database's files, too.

use std::time::Duration;

use bugle_protocol::UnixMillis;
use sqlx::SqlitePool;

use crate::db::Db;
use crate::{ClaimedJob, Store, StoreError};

/// How often SQLite is asked to empty its log, which it cannot while somebody reads an older state.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// How long a rewriting of all files may take before another process takes the job for abandoned, in milliseconds.
const COMPACTING_MILLIS: i64 = 6 * 3_600_000;

/// The tables that erasing changes.
const TABLES: &str = "event, event_payload, transaction_event, transaction_payload, attachment, feedback, issue, issue_hash, issue_user, rejection, environment, release, job";

/// What was done to the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleaned {
    /// What was deleted is overwritten in SQLite's file, and its log is emptied.
    Cleaned,
    /// All is rewritten: nothing is left in unused places.
    Compacted,
    /// The log could not be emptied, because somebody read from the database all the time; it is when the server stops.
    LogInUse,
    /// PostgreSQL has marked the places as free, and will use them again.
    Vacuumed,
    /// The user that the server has at PostgreSQL may not do that, or it failed; PostgreSQL does it by itself later.
    NotVacuumed,
}

impl Cleaned {
    /// The name in reports.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Cleaned => "cleaned",
            Self::Compacted => "compacted",
            Self::LogInUse => "log_in_use",
            Self::Vacuumed => "vacuumed",
            Self::NotVacuumed => "not_vacuumed",
        }
    }
}

impl Store {
    /// Removes from the database's files what was deleted from its tables. With `compact` all of it is rewritten, which takes
    /// as long as a copy, needs as much room again, and lets nobody write meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Database`] if SQLite fails.
    pub async fn clean_files(
        &self,
        claimed: &ClaimedJob,
        compact: bool,
        now: UnixMillis,
    ) -> Result<Cleaned, StoreError> {
        if compact {
            let until = UnixMillis(now.0.saturating_add(COMPACTING_MILLIS));
            self.renew_job(claimed, until).await?;
        }
        match &self.db {
            Db::Sqlite { write, .. } => {
                if compact {
                    sqlx::query("VACUUM").execute(write).await?;
                }
                Ok(match (empty_log(write).await?, compact) {
                    (false, _) => Cleaned::LogInUse,
                    (true, false) => Cleaned::Cleaned,
                    (true, true) => Cleaned::Compacted,
                })
            }
            Db::Postgres(pool) => Ok(match vacuum(pool, compact).await {
                Ok(()) if compact => Cleaned::Compacted,
                Ok(()) => Cleaned::Vacuumed,
                Err(error) => {
                    tracing::warn!(%error, "could not vacuum after erasing");
                    Cleaned::NotVacuumed
                }
            }),
        }
    }
}

/// Folds the log into the database and cuts it to nothing; `false` if somebody reads from it all the time.
async fn empty_log(write: &SqlitePool) -> Result<bool, StoreError> {
    for _ in 0..TRIES {
        let (busy, _, _): (i64, i64, i64) = sqlx::query_as("PRAGMA wal_checkpoint(TRUNCATE)")
            .fetch_one(write)
            .await?;
        if busy == 0 {
            return Ok(true);
        }
        tokio::time::sleep(PAUSE).await;
    }
    Ok(false)
}

async fn vacuum(pool: &sqlx::PgPool, compact: bool) -> Result<(), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    // It takes as long as it takes; the connection is not used again, for it would have no patience.
    sqlx::query("SET statement_timeout = 0")
        .execute(&mut *connection)
        .await?;
    let full = if compact { "(FULL) " } else { "" };
    let sql = sqlx::AssertSqlSafe(format!("VACUUM {full}{TABLES}"));
    let done = sqlx::query(sql).execute(&mut *connection).await;
    connection.close_on_drop();
    done.map(drop)
}
