//! Sees to it that what was erased is gone from the database's files, too.

use std::time::Duration;

use bugle_protocol::UnixMillis;
use sqlx::{Connection as _, PgPool, SqliteConnection, SqlitePool};

use crate::db::Db;
use crate::jobs::lease;
use crate::{ClaimedJob, Store, StoreError};

/// How often SQLite is asked to empty its log, which it cannot while somebody reads an older state.
const TRIES: u32 = 50;
const PAUSE: Duration = Duration::from_millis(100);

/// How long emptying the log waits for readers: next to nothing, for nobody writes meanwhile.
const LOG_PATIENCE: Duration = Duration::from_millis(20);

/// How often a job says that it lives while PostgreSQL vacuums.
const SIGN_OF_LIFE: Duration = Duration::from_secs(10);

/// The tables that erasing changes.
const TABLES: &str = "event, event_payload, transaction_event, transaction_payload, attachment, feedback, issue, issue_hash, issue_user, rejection, environment, release, job";

/// What was done to the files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cleaned {
    /// What was deleted is overwritten in SQLite's file, and its log is emptied.
    Cleaned,
    /// All is rewritten: nothing is left in unused places.
    Compacted,
    /// What was deleted is overwritten, but writing all anew failed, mostly for want of room.
    NotCompacted,
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
            Self::NotCompacted => "not_compacted",
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
        match &self.db {
            Db::Sqlite { write, .. } => {
                let compacted = match compact {
                    true => compact_sqlite(write).await,
                    false => Ok(()),
                };
                self.renew_job(claimed, UnixMillis(lease(UnixMillis::now().max(now))))
                    .await?;
                if let Err(error) = compacted {
                    // Mostly for want of room: trying again would hold the writer again, for nothing.
                    tracing::warn!(%error, "could not compact the database after erasing");
                    empty_log(write).await?;
                    return Ok(Cleaned::NotCompacted);
                }
                Ok(match (empty_log(write).await?, compact) {
                    (false, _) => Cleaned::LogInUse,
                    (true, false) => Cleaned::Cleaned,
                    (true, true) => Cleaned::Compacted,
                })
            }
            Db::Postgres(pool) => Ok(match self.vacuum(pool, claimed, compact).await {
                Ok(true) if compact => Cleaned::Compacted,
                Ok(true) => Cleaned::Vacuumed,
                Ok(false) => Cleaned::NotVacuumed,
                Err(error) => {
                    tracing::warn!(%error, "could not vacuum after erasing");
                    Cleaned::NotVacuumed
                }
            }),
        }
    }

    /// Vacuums, and says now and then that the job's runner lives; `false` if this user may not vacuum all the tables:
    /// PostgreSQL only warns of that.
    async fn vacuum(
        &self,
        pool: &PgPool,
        claimed: &ClaimedJob,
        compact: bool,
    ) -> Result<bool, sqlx::Error> {
        if !may_vacuum(pool).await? {
            return Ok(false);
        }
        let mut vacuum = std::pin::pin!(vacuum(pool, compact));
        loop {
            tokio::select! {
                done = &mut vacuum => return done.map(|()| true),
                () = tokio::time::sleep(SIGN_OF_LIFE) => {}
            }
            // It waits while the table of jobs is being written anew, which is short; the vacuum must go on meanwhile.
            let until = UnixMillis(lease(UnixMillis::now()));
            tokio::select! {
                done = &mut vacuum => return done.map(|()| true),
                renewed = self.renew_job(claimed, until) => match renewed {
                    Ok(true) => {}
                    Ok(false) => return Ok(false),
                    Err(error) => tracing::warn!(%error, "could not renew a job's lease"),
                },
            }
        }
    }
}

/// Writes the whole database anew. Nobody can claim the job meanwhile, for nobody can write; a process that dies in the middle
/// is known to be dead at the next start, see `Store::free_jobs_of_the_dead`. The copy is made in a file, not in memory.
async fn compact_sqlite(write: &SqlitePool) -> Result<(), sqlx::Error> {
    let options = (*write.connect_options())
        .clone()
        .pragma("temp_store", "file");
    let _writer = write.acquire().await?;
    let mut own = SqliteConnection::connect_with(&options).await?;
    sqlx::query("VACUUM").execute(&mut own).await?;
    own.close().await
}

/// Folds the log into the database and cuts it to nothing; `false` if somebody reads from it all the time.
///
/// Most of the work is done beside writers (`PASSIVE`). Only the cut needs that nobody writes, and it does not wait for
/// readers: a connection of its own has the patience for that, so that those of writers keep theirs.
async fn empty_log(write: &SqlitePool) -> Result<bool, StoreError> {
    let options = (*write.connect_options()).clone();
    let mut own = SqliteConnection::connect_with(&options.busy_timeout(LOG_PATIENCE)).await?;
    for _ in 0..TRIES {
        checkpoint(&mut own, "PRAGMA wal_checkpoint(PASSIVE)").await?;
        let busy = {
            // While this is held, no writer of this process is in the way.
            let _writer = write.acquire().await?;
            checkpoint(&mut own, "PRAGMA wal_checkpoint(TRUNCATE)").await?
        };
        if !busy {
            own.close().await?;
            return Ok(true);
        }
        tokio::time::sleep(PAUSE).await;
    }
    own.close().await?;
    Ok(false)
}

/// Says whether somebody was in the way.
async fn checkpoint(
    connection: &mut SqliteConnection,
    pragma: &'static str,
) -> Result<bool, StoreError> {
    let (busy, _, _): (i64, i64, i64) = sqlx::query_as(pragma).fetch_one(connection).await?;
    Ok(busy != 0)
}

/// Whether PostgreSQL lets this user vacuum all the tables: it does if they or the database are the user's own, and from
/// version 17 on by a privilege.
async fn may_vacuum(pool: &PgPool) -> Result<bool, sqlx::Error> {
    const OTHERS: &str = "
        SELECT c.oid::BIGINT FROM unnest(string_to_array($1, ', ')) AS t (name) JOIN pg_class c ON c.oid = to_regclass(t.name)
        WHERE NOT pg_has_role(c.relowner, 'USAGE') AND NOT EXISTS (
            SELECT 1 FROM pg_database d WHERE d.datname = current_database() AND pg_has_role(d.datdba, 'USAGE'))";
    const VERSION: &str = "SELECT current_setting('server_version_num')::BIGINT";
    let others: Vec<i64> = sqlx::query_scalar(OTHERS)
        .bind(TABLES)
        .fetch_all(pool)
        .await?;
    if others.is_empty() {
        return Ok(true);
    }
    let version: i64 = sqlx::query_scalar(VERSION).fetch_one(pool).await?;
    if version < 170_000 {
        return Ok(false);
    }
    const MAY: &str =
        "SELECT bool_and(has_table_privilege(t.id::OID, 'MAINTAIN')) FROM unnest($1) AS t (id)";
    sqlx::query_scalar(MAY).bind(others).fetch_one(pool).await
}

async fn vacuum(pool: &PgPool, compact: bool) -> Result<(), sqlx::Error> {
    let mut connection = pool.acquire().await?;
    // It takes as long as it takes; the connection is not used again, for it would have no patience.
    connection.close_on_drop();
    sqlx::query("SET statement_timeout = 0")
        .execute(&mut *connection)
        .await?;
    let full = if compact { "(FULL) " } else { "" };
    let sql = sqlx::AssertSqlSafe(format!("VACUUM {full}{TABLES}"));
    sqlx::query(sql).execute(&mut *connection).await.map(drop)
}
