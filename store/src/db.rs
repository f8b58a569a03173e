//! The database behind the store: SQLite with one writer and some readers, or PostgreSQL.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use sqlx::Connection as _;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgConnection, PgPool, SqlitePool};
use tokio::sync::Notify;

use crate::blobs::Blobs;
use crate::keys::KeyCache;
use crate::rules::RuleChanges;
use crate::{StoreError, migrate};

/// How many connections read from SQLite beside the one that writes.
const SQLITE_READERS: u32 = 4;

/// How many connections a process opens to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 10;

/// How long a statement waits for SQLite's lock, and a caller for a free connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// Nothing waits for ever: not a statement, not for a lock, and no dead client holds the lock of the one writer.
const POSTGRES_PATIENCE: [(&str, &str); 5] = [
    ("statement_timeout", "60s"),
    ("lock_timeout", "30s"),
    ("idle_in_transaction_session_timeout", "60s"),
    ("tcp_keepalives_idle", "30"),
    ("tcp_user_timeout", "60000"),
];

/// How long a health check waits for the database.
const PING_PATIENCE: Duration = Duration::from_secs(1);

/// Which database to open.
#[derive(Clone, Debug)]
pub struct Options {
    /// `sqlite:path/to/file.db` or `postgres://user:password@host/name`.
    pub database_url: String,
    /// Where blobs are kept.
    pub blob_folder: PathBuf,
}

/// A handle to everything durable but the queue. Cheap to clone; all clones share the connections and caches.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) db: Db,
    /// Files that are too large for the database.
    pub blobs: Blobs,
    pub(crate) keys: KeyCache,
    /// Rung when notices were written to the outbox.
    pub(crate) outbox: Arc<Notify>,
    pub(crate) rule_changes: Arc<RuleChanges>,
    /// Rung when a job was made.
    pub(crate) jobs: Arc<Notify>,
}

/// The open database.
#[derive(Clone, Debug)]
pub(crate) enum Db {
    /// One connection writes, so that writers queue up in the process instead of fighting for the file's lock.
    Sqlite { read: SqlitePool, write: SqlitePool },
    /// Reads and writes share one pool.
    Postgres(PgPool),
}

/// Runs `$body` with `$pool` bound to the pool of whichever database is open, for statements that only read.
macro_rules! with_reader {
    ($db:expr, |$pool:ident| $body:expr) => {
        match $db {
            $crate::db::Db::Sqlite { read: $pool, .. } => $body,
            $crate::db::Db::Postgres($pool) => $body,
        }
    };
}

/// Runs `$body` with `$pool` bound to the pool of whichever database is open, for statements that write.
macro_rules! with_writer {
    ($db:expr, |$pool:ident| $body:expr) => {
        match $db {
            $crate::db::Db::Sqlite { write: $pool, .. } => $body,
            $crate::db::Db::Postgres($pool) => $body,
        }
    };
}

pub(crate) use {with_reader, with_writer};

impl Store {
    /// Opens the database, and makes the file if it is SQLite's and missing. Does not migrate: see [`Store::migrate`].
    ///
    /// # Errors
    /// [`StoreError::Url`] for an address that is neither SQLite's nor PostgreSQL's, [`StoreError::Database`] if it
    /// cannot be opened.
    pub async fn open(options: &Options) -> Result<Self, StoreError> {
        let url = options.database_url.as_str();
        let db = if let Some(path) = url.strip_prefix("sqlite:") {
            open_sqlite(PathBuf::from(path.strip_prefix("//").unwrap_or(path))).await?
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            open_postgres(url).await?
        } else {
            return Err(StoreError::Url(
                "expected sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME",
            ));
        };
        Ok(Self {
            db,
            blobs: Blobs::new(&options.blob_folder),
            keys: KeyCache::new(),
            outbox: Arc::default(),
            rule_changes: Arc::default(),
            jobs: Arc::default(),
        })
    }

    /// Brings the schema up to date, under a lock, and returns how many migrations were applied.
    ///
    /// # Errors
    /// [`StoreError::Migrate`] if one fails, or the database knows migrations that this binary does not.
    pub async fn migrate(&self) -> Result<usize, StoreError> {
        migrate::run(&self.db).await
    }

    /// Asks the database for a sign of life, and gives it a second.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn ping(&self) -> Result<(), StoreError> {
        let ping = async {
            with_reader!(&self.db, |pool| sqlx::query("SELECT 1")
                .execute(pool)
                .await
                .map(drop))
        };
        match tokio::time::timeout(PING_PATIENCE, ping).await {
            Ok(answer) => Ok(answer?),
            Err(_) => Err(sqlx::Error::PoolTimedOut.into()),
        }
    }

    /// Closes the connections after their statements have ended; SQLite folds its log into the database file.
    pub async fn close(&self) {
        match &self.db {
            Db::Sqlite { read, write } => {
                read.close().await;
                write.close().await;
            }
            Db::Postgres(pool) => pool.close().await,
        }
    }

    /// `sqlite` or `postgres`, for health answers and logs.
    #[must_use]
    pub fn backend(&self) -> &'static str {
        match self.db {
            Db::Sqlite { .. } => "sqlite",
            Db::Postgres(_) => "postgres",
        }
    }
}

async fn open_sqlite(path: PathBuf) -> Result<Db, StoreError> {
    if path.as_os_str().is_empty() {
        return Err(StoreError::Url("the file is missing behind 'sqlite:'"));
    }
    if let Some(folder) = path
        .parent()
        .filter(|folder| !folder.as_os_str().is_empty())
    {
        std::fs::create_dir_all(folder).map_err(|e| StoreError::io(folder, e))?;
    }
    make_private_file(&path)?;
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: a commit survives power loss. The price is one fdatasync per batch, not per event.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .pragma("cache_size", "-16000")
        .pragma("temp_store", "memory")
        // What is deleted is overwritten: erasing a person must not leave the person's data in the file's free places.
        .pragma("secure_delete", "on");
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
        // A COMMIT that fails for want of space is rolled back by SQLite, but sqlx goes on counting it as open: such a
        // connection refuses every later transaction, so it is replaced.
        .before_acquire(|connection, _| {
            let is_clean = !connection.is_in_transaction();
            Box::pin(async move { Ok(is_clean) })
        })
        .connect_with(options.clone())
        .await?;
    let read = SqlitePoolOptions::new()
        .max_connections(SQLITE_READERS)
        .acquire_timeout(PATIENCE)
        .max_lifetime(None)
        .connect_with(options.read_only(true).create_if_missing(false))
        .await?;
    Ok(Db::Sqlite { read, write })
}

/// Makes the database's file for this user alone; SQLite gives its other files the same permissions.
fn make_private_file(path: &Path) -> Result<(), StoreError> {
    let file = OpenOptions::new()
        .append(true)
        .create(true)
        .mode(0o600)
        .open(path);
    file.map(drop).map_err(|e| StoreError::io(path, e))
}

async fn open_postgres(url: &str) -> Result<Db, StoreError> {
    let options = PgConnectOptions::from_str(url)?
        .application_name("bugle")
        .options(POSTGRES_PATIENCE);
    // The pool would try until its patience ends and then only say so; one connection says at once what is wrong.
    let first = PgConnection::connect_with(&options);
    let first = tokio::time::timeout(PATIENCE, first).await;
    first
        .unwrap_or(Err(sqlx::Error::PoolTimedOut))?
        .close()
        .await?;
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .connect_with(options)
        .await?;
    Ok(Db::Postgres(pool))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Batch;
    use bugle_protocol::UnixMillis;

    /// What is left when the disk is full: SQLite's own limit of pages stands for it.
    async fn limit_pages(write: &SqlitePool, more: i64) {
        let pages: i64 = sqlx::query_scalar("PRAGMA page_count")
            .fetch_one(write)
            .await
            .unwrap();
        let pragma = format!("PRAGMA max_page_count = {}", pages + more);
        sqlx::query(sqlx::AssertSqlSafe(pragma))
            .execute(write)
            .await
            .unwrap();
    }

    #[tokio::test]
    async fn the_writer_recovers_from_a_full_disk() {
        let folder = tempfile::tempdir().unwrap();
        let database_url = format!("sqlite:{}", folder.path().join("bugle.db").display());
        let store = Store::open(&Options {
            database_url,
            blob_folder: folder.path().join("blobs"),
        })
        .await
        .unwrap();
        store.migrate().await.unwrap();
        let Db::Sqlite { write, .. } = &store.db else {
            panic!("not SQLite");
        };
        limit_pages(write, 1).await;
        let long = "x".repeat(100_000);
        let mut tx = write.begin_with("BEGIN IMMEDIATE").await.unwrap();
        let filled = sqlx::query("INSERT INTO setting (name, value) VALUES ('long', $1)")
            .bind(&long)
            .execute(&mut *tx)
            .await;
        let committed = match filled {
            Ok(_) => tx.commit().await,
            Err(error) => {
                drop(tx);
                Err(error)
            }
        };
        assert!(committed.is_err(), "the disk is full");
        store
            .record(&Batch::default(), UnixMillis(1))
            .await
            .unwrap();
        store.set_setting("long", &long).await.unwrap();
    }
}
