//! The rows of events and transactions in the order in which they were stored, with their bodies.

use bugle_protocol::{EventId, IssueId, ProjectId, UnixMillis};
use sqlx::{FromRow as _, QueryBuilder, Row as _};

use crate::db::with_reader;
use crate::events::event_id;
use crate::payload::decompress;
use crate::{Store, StoreError};

/// Rows that are read, and may be changed, at once: `examples/erase_load.rs` measures how long that holds the writer.
const ROWS: i64 = 50;

/// No further row joins a page of so many compressed bytes.
const BYTES: i64 = 1024 * 1024;

/// The sizes tell how many of the rows fit; they are read without the bodies.
const EVENT_SIZES: &str = "
    SELECT e.id, CAST(COALESCE(LENGTH(p.data), 0) AS BIGINT) FROM event e LEFT JOIN event_payload p
        ON p.project_id = e.project_id AND p.event_row = e.id AND p.day = e.received_at / 86400000
    WHERE e.id > ";
const TRANSACTION_SIZES: &str = "
    SELECT e.id, CAST(COALESCE(LENGTH(p.data), 0) AS BIGINT) FROM transaction_event e LEFT JOIN transaction_payload p
        ON p.project_id = e.project_id AND p.transaction_row = e.id AND p.day = e.received_at / 86400000
    WHERE e.id > ";
const EVENTS: &str = "
    SELECT e.id, e.project_id, e.event_id, e.issue_id, e.received_at, e.title, e.user_label, e.tags, e.environment,
        e.release, p.codec, p.data
    FROM event e LEFT JOIN event_payload p
        ON p.project_id = e.project_id AND p.event_row = e.id AND p.day = e.received_at / 86400000
    WHERE e.id > ";
const TRANSACTIONS: &str = "
    SELECT e.id, e.project_id, e.event_id, CAST(NULL AS BIGINT) AS issue_id, e.received_at, e.name AS title,
        e.user_label, e.tags, e.environment, e.release, p.codec, p.data
    FROM transaction_event e LEFT JOIN transaction_payload p
        ON p.project_id = e.project_id AND p.transaction_row = e.id AND p.day = e.received_at / 86400000
    WHERE e.id > ";

/// What is walked over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StoredKind {
    /// Errors and messages.
    Event,
    /// Transactions.
    Transaction,
}

/// An event or a transaction as it lies in the database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredRow {
    /// Its row; rising.
    pub row: i64,
    /// The project.
    pub project_id: ProjectId,
    /// Its id.
    pub event_id: EventId,
    /// The issue of an event.
    pub issue_id: Option<IssueId>,
    /// When it came in.
    pub received_at: UnixMillis,
    /// The title of an event, the name of a transaction.
    pub title: String,
    /// What lists show of the user.
    pub user_label: Option<String>,
    /// A JSON list of pairs.
    pub tags: String,
    /// Its environment.
    pub environment: Option<String>,
    /// Its release.
    pub release: Option<String>,
    payload: Option<(i64, Vec<u8>)>,
    is_damaged: bool,
}

impl StoredRow {
    /// A row whose columns cannot be read: it has a number, and no body.
    fn damaged(row: i64) -> Self {
        Self {
            row,
            project_id: ProjectId(0),
            event_id: EventId::from_bytes([0; 16]),
            issue_id: None,
            received_at: UnixMillis(0),
            title: String::new(),
            user_label: None,
            tags: String::new(),
            environment: None,
            release: None,
            payload: None,
            is_damaged: true,
        }
    }

    /// The body as JSON text; `None` if it is gone. Takes its time.
    ///
    /// # Errors
    /// [`StoreError::Damaged`], also of a row whose columns cannot be read.
    pub fn body(&self) -> Result<Option<Vec<u8>>, StoreError> {
        if self.is_damaged {
            return Err(StoreError::Damaged("a row cannot be read"));
        }
        let payload = self.payload.as_ref();
        payload
            .map(|(codec, data)| decompress(*codec, data))
            .transpose()
    }
}

#[derive(sqlx::FromRow)]
struct Columns {
    id: i64,
    project_id: i64,
    event_id: Vec<u8>,
    issue_id: Option<i64>,
    received_at: i64,
    title: String,
    user_label: Option<String>,
    tags: String,
    environment: Option<String>,
    release: Option<String>,
    codec: Option<i64>,
    data: Option<Vec<u8>>,
}

impl TryFrom<Columns> for StoredRow {
    type Error = StoreError;

    fn try_from(row: Columns) -> Result<Self, StoreError> {
        Ok(Self {
            row: row.id,
            project_id: ProjectId(row.project_id),
            event_id: event_id(&row.event_id)?,
            issue_id: row.issue_id.map(IssueId),
            received_at: UnixMillis(row.received_at),
            title: row.title,
            user_label: row.user_label,
            tags: row.tags,
            environment: row.environment,
            release: row.release,
            payload: row.codec.zip(row.data),
            is_damaged: false,
        })
    }
}

impl StoredKind {
    fn sizes(self) -> &'static str {
        match self {
            Self::Event => EVENT_SIZES,
            Self::Transaction => TRANSACTION_SIZES,
        }
    }

    fn rows(self) -> &'static str {
        match self {
            Self::Event => EVENTS,
            Self::Transaction => TRANSACTIONS,
        }
    }
}

impl Store {
    /// The next rows of some projects behind the row `after`, in order; none at the end. At most 50, and no further one
    /// once their compressed bodies have 1 MiB. A row that cannot be read is there with its number only.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn stored_rows(
        &self,
        kind: StoredKind,
        projects: &[ProjectId],
        after: i64,
    ) -> Result<Vec<StoredRow>, StoreError> {
        if projects.is_empty() {
            return Ok(Vec::new());
        }
        let sizes: Vec<(i64, i64)> = with_reader!(&self.db, |pool| {
            let mut query = QueryBuilder::new(kind.sizes());
            query.push_bind(after).push(" AND e.project_id IN (");
            query.push_values(projects, |mut row, project| {
                row.push_bind(project.0);
            });
            query.push(") ORDER BY e.id LIMIT ").push_bind(ROWS);
            let query = query.build_query_as().persistent(false);
            query.fetch_all(pool).await
        })?;
        let Some(last) = last_that_fits(&sizes) else {
            return Ok(Vec::new());
        };
        with_reader!(&self.db, |pool| {
            let mut query = QueryBuilder::new(kind.rows());
            query.push_bind(after).push(" AND e.project_id IN (");
            query.push_values(projects, |mut row, project| {
                row.push_bind(project.0);
            });
            query
                .push(") AND e.id <= ")
                .push_bind(last)
                .push(" ORDER BY e.id");
            let rows = query.build().persistent(false).fetch_all(pool).await?;
            let rows = rows.iter().map(|row| {
                let columns = Columns::from_row(row).map_err(StoreError::from);
                // One row that is damaged must not keep the others from being looked at.
                columns.and_then(StoredRow::try_from).or_else(|_| {
                    let number = row.try_get(0);
                    number.map(StoredRow::damaged).map_err(StoreError::from)
                })
            });
            rows.collect()
        })
    }

    /// How many events of an issue are stored.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn count_stored_of_issue(
        &self,
        project: ProjectId,
        issue: IssueId,
    ) -> Result<u64, StoreError> {
        const COUNT: &str = "SELECT COUNT(*) FROM event WHERE project_id = $1 AND issue_id = $2";
        let count: i64 = with_reader!(&self.db, |pool| sqlx::query_scalar(COUNT)
            .bind(project.0)
            .bind(issue.0)
            .fetch_one(pool)
            .await)?;
        Ok(u64::try_from(count).unwrap_or(0))
    }

    /// A number that rises with all that is stored of any queue: while it stays the same, nothing new was.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn stored_mark(&self) -> Result<i64, StoreError> {
        const MARK: &str = "SELECT CAST(COALESCE(SUM(position), 0) AS BIGINT) FROM queue_cursor";
        let mark = with_reader!(&self.db, |pool| sqlx::query_scalar(MARK)
            .fetch_one(pool)
            .await)?;
        Ok(mark)
    }

    /// How many events and transactions some projects have.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn count_stored(&self, projects: &[ProjectId]) -> Result<u64, StoreError> {
        let mut total = 0;
        for project in projects {
            for sql in [
                "SELECT COUNT(*) FROM event WHERE project_id = $1",
                "SELECT COUNT(*) FROM transaction_event WHERE project_id = $1",
            ] {
                let count: i64 = with_reader!(&self.db, |pool| sqlx::query_scalar(sql)
                    .bind(project.0)
                    .fetch_one(pool)
                    .await)?;
                total += u64::try_from(count).unwrap_or(0);
            }
        }
        Ok(total)
    }
}

/// The last row that still fits; the first one always does.
fn last_that_fits(sizes: &[(i64, i64)]) -> Option<i64> {
    let mut bytes = 0;
    let mut last = None;
    for (row, size) in sizes {
        bytes += size;
        if last.is_some() && bytes > BYTES {
            break;
        }
        last = Some(*row);
    }
    last
}
