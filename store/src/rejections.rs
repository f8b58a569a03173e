//! The newest requests and items of each project that were not taken, and why.

use bugle_protocol::{KeyId, ProjectId, UnixMillis};

use crate::db::with_reader;
use crate::{Store, StoreError};

/// How many a project keeps.
pub(crate) const KEPT_PER_PROJECT: i64 = 100;

const NEWEST: &str = "
    SELECT key_id, received_at, status, item_type, outcome, reason, detail, client, size FROM rejection
    WHERE project_id = $1 ORDER BY id DESC LIMIT $2";

/// A request or an item that was not taken. Nothing of its payload is kept.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Rejection {
    /// The key it came with.
    pub key_id: KeyId,
    /// When it came in.
    pub received_at: UnixMillis,
    /// The HTTP status of the answer.
    pub status: u16,
    /// The type of the item on the wire, empty for a whole request.
    pub item_type: String,
    /// How it ended, such as `invalid`.
    pub outcome: String,
    /// The reason's name, empty where the outcome says it all.
    pub reason: String,
    /// What exactly is wrong.
    pub detail: String,
    /// The client library, empty if it did not say.
    pub client: String,
    /// Bytes of the request or the item, as received.
    pub size: u64,
}

type Columns = (i64, i64, i64, String, String, String, String, String, i64);

fn read(row: Columns) -> Rejection {
    let (key_id, received_at, status, item_type, outcome, reason, detail, client, size) = row;
    Rejection {
        key_id: KeyId(key_id),
        received_at: UnixMillis(received_at),
        status: u16::try_from(status).unwrap_or(0),
        item_type,
        outcome,
        reason,
        detail,
        client,
        size: u64::try_from(size).unwrap_or(0),
    }
}

impl Store {
    /// The newest rejections of a project, the last one first. No project keeps more than 100.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn rejections(
        &self,
        project: ProjectId,
        limit: u32,
    ) -> Result<Vec<Rejection>, StoreError> {
        let rows: Vec<Columns> = with_reader!(&self.db, |pool| {
            sqlx::query_as(NEWEST)
                .bind(project.0)
                .bind(i64::from(limit))
                .fetch_all(pool)
                .await
        })?;
        Ok(rows.into_iter().map(read).collect())
    }
}
