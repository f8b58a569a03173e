//! The newest events and transactions of a project with their bodies, for trying rules on them.

use bugle_protocol::{EventId, IssueId, ProjectId, UnixMillis};

use crate::db::with_reader;
use crate::events::event_id;
use crate::payload::decompress;
use crate::{Store, StoreError};

/// Bodies that one statement reads: a page is held compressed and unpacked at once.
const PAGE: usize = 50;

/// Decoded bytes after which no further page is read.
const MAX_BYTES: usize = 64 * 1024 * 1024;

/// The day of a body is that of its event's arrival; events that came before 1970 there are none.
const EVENTS: &str = "
    SELECT e.id, e.received_at AS at, e.event_id, e.received_at, e.title, e.issue_id, p.codec, p.data
    FROM event e JOIN event_payload p
        ON p.project_id = e.project_id AND p.event_row = e.id AND p.day = e.received_at / 86400000
    WHERE e.project_id = $1 AND (e.received_at, e.id) < ($2, $3)
    ORDER BY e.received_at DESC, e.id DESC LIMIT $4";

const TRANSACTIONS: &str = "
    SELECT t.id, t.timestamp AS at, t.event_id, t.received_at, t.name AS title, CAST(NULL AS BIGINT) AS issue_id, p.codec, p.data
    FROM transaction_event t JOIN transaction_payload p
        ON p.project_id = t.project_id AND p.transaction_row = t.id AND p.day = t.received_at / 86400000
    WHERE t.project_id = $1 AND (t.timestamp, t.id) < ($2, $3)
    ORDER BY t.timestamp DESC, t.id DESC LIMIT $4";

/// An event or a transaction as it is stored: normalised, scrubbed, with what rules noted in `_meta` and `_bugle`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredBody {
    /// Its id.
    pub event_id: EventId,
    /// When it came in.
    pub received_at: UnixMillis,
    /// The title of an event, the name of a transaction.
    pub title: String,
    /// The issue that an event belongs to; transactions have none.
    pub issue: Option<IssueId>,
    /// JSON text.
    pub body: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct Columns {
    id: i64,
    at: i64,
    event_id: Vec<u8>,
    received_at: i64,
    title: String,
    issue_id: Option<i64>,
    codec: i64,
    data: Vec<u8>,
}

impl Columns {
    fn unpack(self) -> Result<StoredBody, StoreError> {
        Ok(StoredBody {
            event_id: event_id(&self.event_id)?,
            received_at: UnixMillis(self.received_at),
            title: self.title,
            issue: self.issue_id.map(IssueId),
            body: decompress(self.codec, &self.data)?,
        })
    }
}

impl Store {
    /// The events of a project that came in last, newest first: as many as asked for, or until their bodies have 64 MiB.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn recent_events(
        &self,
        project: ProjectId,
        limit: u32,
    ) -> Result<Vec<StoredBody>, StoreError> {
        self.recent(EVENTS, project, limit).await
    }

    /// The transactions of a project that ended last, newest first: as many as asked for, or until their bodies have
    /// 64 MiB.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn recent_transactions(
        &self,
        project: ProjectId,
        limit: u32,
    ) -> Result<Vec<StoredBody>, StoreError> {
        self.recent(TRANSACTIONS, project, limit).await
    }

    async fn recent(
        &self,
        sql: &'static str,
        project: ProjectId,
        limit: u32,
    ) -> Result<Vec<StoredBody>, StoreError> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let (mut found, mut bytes) = (Vec::new(), 0);
        let mut before = (i64::MAX, i64::MAX);
        while found.len() < limit && bytes < MAX_BYTES {
            let wanted = PAGE.min(limit - found.len());
            let rows: Vec<Columns> = with_reader!(&self.db, |pool| sqlx::query_as(sql)
                .bind(project.0)
                .bind(before.0)
                .bind(before.1)
                .bind(i64::try_from(wanted).unwrap_or(i64::MAX))
                .fetch_all(pool)
                .await)?;
            let is_last = rows.len() < wanted;
            if let Some(oldest) = rows.last() {
                before = (oldest.at, oldest.id);
            }
            for body in unpack(rows).await? {
                bytes += body.body.len();
                found.push(body);
            }
            if is_last {
                break;
            }
        }
        Ok(found)
    }
}

/// Unpacks a page on a thread that may take its time.
async fn unpack(rows: Vec<Columns>) -> Result<Vec<StoredBody>, StoreError> {
    let work = move || rows.into_iter().map(Columns::unpack).collect();
    let done = tokio::task::spawn_blocking(work).await;
    done.map_err(|error| StoreError::Io {
        path: "the bodies of recent events".to_owned(),
        source: error.into(),
    })?
}
