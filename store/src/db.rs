//! The database behind the store: SQLite with one writer and some readers, or PostgreSQL.

use std::path::PathBuf;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bugle_protocol::PublicKey;
use moka::future::Cache;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{PgPool, SqlitePool};
use tokio::sync::Notify;

use crate::projects::KnownKey;
use crate::{StoreError, migrate};

/// How many connections read from SQLite beside the one that writes.
const SQLITE_READERS: u32 = 4;

/// How many connections a process opens to PostgreSQL.
const POSTGRES_CONNECTIONS: u32 = 10;

/// How long a statement waits for SQLite's lock, and a caller for a free connection.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a health check waits for the database.
const PING_PATIENCE: Duration = Duration::from_secs(1);

/// How many keys, known and unknown ones, are remembered.
const REMEMBERED_KEYS: u64 = 100_000;

/// Which database to open.
#[derive(Clone, Debug)]
pub struct Options {
    /// `sqlite:path/to/file.db` or `postgres://user:password@host/name`.
    pub database_url: String,
}

/// A handle to everything durable but the queue. Cheap to clone; all clones share the connections and caches.
#[derive(Clone, Debug)]
pub struct Store {
    pub(crate) db: Db,
    pub(crate) keys: Cache<PublicKey, KnownKey>,
    /// Rung when notices were written to the outbox.
    pub(crate) outbox: Arc<Notify>,
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
            open_sqlite(PathBuf::from(path.trim_start_matches("//"))).await?
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            open_postgres(url).await?
        } else {
            return Err(StoreError::Url(
                "expected sqlite:FILE or postgres://USER:PASSWORD@HOST/NAME",
            ));
        };
        let keys = Cache::new(REMEMBERED_KEYS);
        Ok(Self {
            db,
            keys,
            outbox: Arc::default(),
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
    let options = SqliteConnectOptions::new()
        .filename(&path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        // FULL: a commit survives power loss. The price is one fdatasync per batch, not per event.
        .synchronous(SqliteSynchronous::Full)
        .foreign_keys(true)
        .busy_timeout(PATIENCE)
        .pragma("cache_size", "-16000")
        .pragma("temp_store", "memory");
    let write = SqlitePoolOptions::new()
        .max_connections(1)
        .acquire_timeout(PATIENCE)
        .idle_timeout(None)
        .max_lifetime(None)
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

async fn open_postgres(url: &str) -> Result<Db, StoreError> {
    let options = PgConnectOptions::from_str(url)?.application_name("bugle");
    let pool = PgPoolOptions::new()
        .max_connections(POSTGRES_CONNECTIONS)
        .acquire_timeout(PATIENCE)
        .connect_with(options)
        .await?;
    Ok(Db::Postgres(pool))
}
