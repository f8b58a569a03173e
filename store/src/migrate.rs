//! The schema's history: two folders of paired files, compiled into the binary.

use sqlx::migrate::Migrator;

use crate::StoreError;
use crate::db::Db;

static SQLITE: Migrator = sqlx::migrate!("../migrations/sqlite");
static POSTGRES: Migrator = sqlx::migrate!("../migrations/postgres");

/// Applies what is missing; returns how many migrations that were.
pub(crate) async fn run(db: &Db) -> Result<usize, StoreError> {
    match db {
        Db::Sqlite { write, .. } => {
            let before = applied(
                sqlx::query_scalar("SELECT COUNT(*) FROM _sqlx_migrations")
                    .fetch_one(write)
                    .await,
            );
            SQLITE.run(write).await?;
            Ok(SQLITE.iter().count().saturating_sub(before))
        }
        Db::Postgres(pool) => {
            let before = applied(
                sqlx::query_scalar("SELECT COUNT(*) FROM _sqlx_migrations")
                    .fetch_one(pool)
                    .await,
            );
            POSTGRES.run(pool).await?;
            Ok(POSTGRES.iter().count().saturating_sub(before))
        }
    }
}

/// No table of migrations means that none was applied.
fn applied(count: Result<i64, sqlx::Error>) -> usize {
    count
        .ok()
        .and_then(|n| usize::try_from(n).ok())
        .unwrap_or(0)
}
