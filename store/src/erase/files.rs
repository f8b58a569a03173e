//! Deletes files that nobody needs any more.

use crate::blobs::BlobId;
use crate::db::{Db, with_reader};
use crate::record::RECORD_LOCK;
use crate::{Store, StoreError};

/// What became of files that were to go.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RemovedBlobs {
    /// How many files are gone now.
    pub removed: u64,
    /// Files that were sent again a moment ago, by a request that is not recorded yet: whether they are needed is not known.
    pub undecided: Vec<BlobId>,
}

impl Store {
    /// Deletes those of some files that no attachment refers to. No batch is recorded meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Io`].
    pub async fn remove_unused_blobs(&self, blobs: &[BlobId]) -> Result<RemovedBlobs, StoreError> {
        if blobs.is_empty() {
            return Ok(RemovedBlobs::default());
        }
        match &self.db {
            Db::Sqlite { write, .. } => {
                let mut tx = write.begin_with("BEGIN IMMEDIATE").await?;
                let mut unused = Vec::new();
                for blob in blobs {
                    let used: Option<i64> = sqlx::query_scalar(USED)
                        .bind(&blob.0[..])
                        .fetch_optional(&mut *tx)
                        .await?;
                    unused.extend(used.is_none().then_some(*blob));
                }
                let removed = self.unlink(unused).await;
                tx.rollback().await?;
                removed
            }
            Db::Postgres(pool) => {
                let mut tx = pool.begin().await?;
                sqlx::query("SELECT pg_advisory_xact_lock($1)")
                    .bind(RECORD_LOCK)
                    .execute(&mut *tx)
                    .await?;
                let mut unused = Vec::new();
                for blob in blobs {
                    let used: Option<i64> = sqlx::query_scalar(USED)
                        .bind(&blob.0[..])
                        .fetch_optional(&mut *tx)
                        .await?;
                    unused.extend(used.is_none().then_some(*blob));
                }
                let removed = self.unlink(unused).await;
                tx.rollback().await?;
                removed
            }
        }
    }

    /// How many attachments have a file.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn attachments_with_blob(&self, blob: BlobId) -> Result<u64, StoreError> {
        const COUNT: &str = "SELECT COUNT(*) FROM attachment WHERE sha256 = $1";
        let count: i64 = with_reader!(&self.db, |pool| sqlx::query_scalar(COUNT)
            .bind(&blob.0[..])
            .fetch_one(pool)
            .await)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    async fn unlink(&self, unused: Vec<BlobId>) -> Result<RemovedBlobs, StoreError> {
        let blobs = self.blobs.clone();
        let work = move || {
            let mut done = RemovedBlobs::default();
            for blob in unused {
                match blobs.remove(blob)? {
                    Some(removed) => done.removed += u64::from(removed),
                    None => done.undecided.push(blob),
                }
            }
            Ok(done)
        };
        let done = tokio::task::spawn_blocking(work).await;
        done.map_err(|error| StoreError::Io {
            path: "the folder of blobs".to_owned(),
            source: error.into(),
        })?
    }
}

const USED: &str = "SELECT id FROM attachment WHERE sha256 = $1 LIMIT 1";
