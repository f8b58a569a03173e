//! Stored transactions: their rows and bodies.

use bugle_protocol::{EventId, ProjectId, UnixMillis};

use crate::db::with_reader;
use crate::events::event_id;
use crate::payload::decompress;
use crate::{Store, StoreError};

const BY_EVENT_ID: &str = "
    SELECT t.project_id, t.event_id, t.trace_id, t.span_id, t.name, t.op, t.status, t.started_at, t.timestamp,
        t.duration_us, t.received_at, t.platform, t.environment, t.release, t.user_label, t.tags, t.client_rate,
        t.server_rate, p.codec, p.data
    FROM transaction_event t JOIN transaction_payload p
        ON p.project_id = t.project_id AND p.transaction_row = t.id AND p.day = t.received_at / 86400000
    WHERE t.project_id = $1 AND t.event_id = $2";

const NEWEST: &str = "
    SELECT event_id, name, op, status, timestamp, duration_us, environment, release, client_rate, server_rate
    FROM transaction_event WHERE project_id = $1
    ORDER BY timestamp DESC, id DESC LIMIT $2";

/// A transaction in a list.
#[derive(Clone, Debug, PartialEq)]
pub struct TransactionRow {
    /// Its id, unique among the project's transactions.
    pub event_id: EventId,
    /// Its name.
    pub name: String,
    /// Its operation, such as `http.server`.
    pub op: String,
    /// How it ended: `ok`, `internal_error` …
    pub status: String,
    /// When it ended.
    pub timestamp: UnixMillis,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// Its environment.
    pub environment: Option<String>,
    /// Its release.
    pub release: Option<String>,
    /// How many transactions it stands for, as [`StoredTransaction::weight`] says.
    pub weight: f64,
}

#[derive(sqlx::FromRow)]
struct RowColumns {
    event_id: Vec<u8>,
    name: String,
    op: String,
    status: String,
    timestamp: i64,
    duration_us: i64,
    environment: Option<String>,
    release: Option<String>,
    client_rate: Option<f64>,
    server_rate: f64,
}

impl TryFrom<RowColumns> for TransactionRow {
    type Error = StoreError;

    fn try_from(row: RowColumns) -> Result<Self, StoreError> {
        Ok(Self {
            event_id: event_id(&row.event_id)?,
            name: row.name,
            op: row.op,
            status: row.status,
            timestamp: UnixMillis(row.timestamp),
            duration_us: u64::try_from(row.duration_us).unwrap_or(0),
            environment: row.environment,
            release: row.release,
            weight: weight(row.client_rate, row.server_rate),
        })
    }
}

/// A transaction as it is stored.
#[derive(Clone, Debug, PartialEq)]
pub struct StoredTransaction {
    /// The project.
    pub project_id: ProjectId,
    /// Its id, unique among the project's transactions.
    pub event_id: EventId,
    /// Its trace, 32 hex digits.
    pub trace_id: String,
    /// Its own span, 16 hex digits.
    pub span_id: String,
    /// Its name.
    pub name: String,
    /// Its operation, such as `http.server`.
    pub op: String,
    /// How it ended: `ok`, `internal_error` …
    pub status: String,
    /// When it began.
    pub started_at: UnixMillis,
    /// When it ended.
    pub timestamp: UnixMillis,
    /// How long it took, in microseconds.
    pub duration_us: u64,
    /// When it came in.
    pub received_at: UnixMillis,
    /// Its platform.
    pub platform: String,
    /// Its environment.
    pub environment: Option<String>,
    /// Its release.
    pub release: Option<String>,
    /// The user it happened to: name, e-mail, id or address.
    pub user_label: Option<String>,
    /// Its tags, in order.
    pub tags: Vec<(String, String)>,
    /// The share of transactions that the client sent, if it said so.
    pub client_rate: Option<f64>,
    /// The share of those that came in that sampling rules keep.
    pub server_rate: f64,
    /// The normalised and scrubbed event as JSON text, with `_meta` and `errors`.
    pub body: Vec<u8>,
}

#[derive(sqlx::FromRow)]
struct Columns {
    project_id: i64,
    event_id: Vec<u8>,
    trace_id: String,
    span_id: String,
    name: String,
    op: String,
    status: String,
    started_at: i64,
    timestamp: i64,
    duration_us: i64,
    received_at: i64,
    platform: String,
    environment: Option<String>,
    release: Option<String>,
    user_label: Option<String>,
    tags: String,
    client_rate: Option<f64>,
    server_rate: f64,
    codec: i64,
    data: Vec<u8>,
}

impl StoredTransaction {
    /// How many transactions this one stands for, as far as is known: the others were left out by the client's sampling
    /// and by that of rules.
    #[must_use]
    pub fn weight(&self) -> f64 {
        weight(self.client_rate, self.server_rate)
    }
}

fn weight(client_rate: Option<f64>, server_rate: f64) -> f64 {
    1.0 / (client_rate.unwrap_or(1.0) * server_rate)
}

impl TryFrom<Columns> for StoredTransaction {
    type Error = StoreError;

    fn try_from(row: Columns) -> Result<Self, StoreError> {
        Ok(Self {
            project_id: ProjectId(row.project_id),
            event_id: event_id(&row.event_id)?,
            trace_id: row.trace_id,
            span_id: row.span_id,
            name: row.name,
            op: row.op,
            status: row.status,
            started_at: UnixMillis(row.started_at),
            timestamp: UnixMillis(row.timestamp),
            duration_us: u64::try_from(row.duration_us).unwrap_or(0),
            received_at: UnixMillis(row.received_at),
            platform: row.platform,
            environment: row.environment,
            release: row.release,
            user_label: row.user_label,
            tags: serde_json::from_str(&row.tags)
                .map_err(|_| StoreError::Damaged("a transaction's tags"))?,
            client_rate: row.client_rate,
            server_rate: row.server_rate,
            body: decompress(row.codec, &row.data)?,
        })
    }
}

impl Store {
    /// The newest transactions of a project, newest first, without their bodies.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn transactions(
        &self,
        project: ProjectId,
        limit: u32,
    ) -> Result<Vec<TransactionRow>, StoreError> {
        let rows: Vec<RowColumns> = with_reader!(&self.db, |pool| sqlx::query_as(NEWEST)
            .bind(project.0)
            .bind(i64::from(limit))
            .fetch_all(pool)
            .await)?;
        rows.into_iter().map(TryInto::try_into).collect()
    }

    /// One transaction by its id, with its body.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn transaction(
        &self,
        project: ProjectId,
        event_id: EventId,
    ) -> Result<Option<StoredTransaction>, StoreError> {
        let row: Option<Columns> = with_reader!(&self.db, |pool| sqlx::query_as(BY_EVENT_ID)
            .bind(project.0)
            .bind(&event_id.as_bytes()[..])
            .fetch_optional(pool)
            .await)?;
        row.map(TryInto::try_into).transpose()
    }
}
