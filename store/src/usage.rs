//! What the store takes of connections and disks, for metrics.

use std::fs;
use std::io;

use crate::db::{Db, with_reader};
use crate::{Blobs, Store, StoreError};

/// The size of the database with its indexes, as the database sees it; rows that were deleted may still count.
const SQLITE_BYTES: &str =
    "SELECT page_count * page_size FROM pragma_page_count(), pragma_page_size()";
const POSTGRES_BYTES: &str = "SELECT pg_database_size(current_database())";

/// The connections to the database.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Connections {
    /// Open, and at work.
    pub used: usize,
    /// Open, and waiting for work.
    pub idle: usize,
}

impl Store {
    /// The connections that are open now.
    #[must_use]
    pub fn connections(&self) -> Connections {
        let (open, idle) = match &self.db {
            Db::Sqlite { read, write } => {
                let open = read.size() + write.size();
                (open, read.num_idle() + write.num_idle())
            }
            Db::Postgres(pool) => (pool.size(), pool.num_idle()),
        };
        // The two are counted one after the other.
        let used = (open as usize).saturating_sub(idle);
        Connections { used, idle }
    }

    /// Bytes of the database on its disk.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn database_bytes(&self) -> Result<u64, StoreError> {
        let sql = match &self.db {
            Db::Sqlite { .. } => SQLITE_BYTES,
            Db::Postgres(_) => POSTGRES_BYTES,
        };
        let bytes: i64 = with_reader!(&self.db, |pool| sqlx::query_scalar(sql)
            .fetch_one(pool)
            .await)?;
        Ok(u64::try_from(bytes).unwrap_or(0))
    }
}

impl Blobs {
    /// Bytes of all blobs. Looks at each file, and blocks meanwhile.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn bytes(&self) -> Result<u64, StoreError> {
        let add_up = || {
            let mut bytes = 0;
            for folder in entries(&self.folder)? {
                for file in entries(&folder?.path())? {
                    // A file may have been deleted since it was listed.
                    bytes += file?.metadata().map_or(0, |metadata| metadata.len());
                }
            }
            Ok(bytes)
        };
        add_up().map_err(|error| StoreError::io(&self.folder, error))
    }
}

/// The entries of a folder; none if it is missing, or is a file.
fn entries(
    folder: &std::path::Path,
) -> io::Result<impl Iterator<Item = io::Result<fs::DirEntry>> + use<>> {
    match fs::read_dir(folder) {
        Ok(entries) => Ok(Some(entries).into_iter().flatten()),
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(None.into_iter().flatten())
        }
        Err(error) => Err(error),
    }
}
