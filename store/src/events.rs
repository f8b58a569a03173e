//! Stored events: their rows and bodies.

use std::collections::HashMap;

use bugle_protocol::{EventId, IssueId, Level, ProjectId, UnixMillis};

use crate::db::with_reader;
use crate::payload::decompress;
use crate::{Store, StoreError};

const COLUMNS: &str = "
    e.id, e.project_id, e.event_id, e.issue_id, e.timestamp, e.received_at, e.level, e.platform, e.environment,
    e.release, e.title, e.trace_id, e.user_label, e.tags";

const BY_EVENT_ID: &str = " FROM event e WHERE e.project_id = $1 AND e.event_id = $2";
const NEWEST: &str = "
    FROM event e WHERE e.project_id = $1 AND e.issue_id = $2 ORDER BY e.timestamp DESC, e.id DESC LIMIT 1";
const OLDEST: &str = "
    FROM event e WHERE e.project_id = $1 AND e.issue_id = $2 ORDER BY e.timestamp, e.id LIMIT 1";
const PAGE: &str = "
    FROM event e WHERE e.project_id = $1 AND e.issue_id = $2
    ORDER BY e.timestamp DESC, e.id DESC LIMIT $3 OFFSET $4";
const OLDER: &str = "
    SELECT event_id FROM event WHERE project_id = $1 AND issue_id = $2 AND (timestamp, id) < ($3, $4)
    ORDER BY timestamp DESC, id DESC LIMIT 1";
const NEWER: &str = "
    SELECT event_id FROM event WHERE project_id = $1 AND issue_id = $2 AND (timestamp, id) > ($3, $4)
    ORDER BY timestamp, id LIMIT 1";
const ISSUES_OF_EVENTS: &str = "
    SELECT e.project_id, e.event_id, i.number, p.slug, i.title FROM event e
    JOIN issue i ON i.id = e.issue_id JOIN project p ON p.id = e.project_id WHERE (e.project_id, e.event_id) IN (";
const PAYLOAD: &str =
    "SELECT codec, data FROM event_payload WHERE project_id = $1 AND event_row = $2 AND day = $3";

/// What is known of an event without its body.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct EventRow {
    #[serde(skip)]
    row_id: i64,
    /// The project.
    pub project_id: ProjectId,
    /// The id, unique within the project.
    pub event_id: EventId,
    /// The issue it belongs to.
    pub issue_id: IssueId,
    /// When it happened.
    pub timestamp: UnixMillis,
    /// When it came in.
    pub received_at: UnixMillis,
    /// Its level.
    pub level: Level,
    /// Its platform.
    pub platform: String,
    /// Its environment.
    pub environment: Option<String>,
    /// Its release.
    pub release: Option<String>,
    /// Its title, which may differ from the issue's.
    pub title: String,
    /// The trace it belongs to, 32 hex digits.
    pub trace_id: Option<String>,
    /// The user it happened to, as people would say: name, e-mail, id or address.
    pub user_label: Option<String>,
    /// Its tags, in order.
    pub tags: Vec<(String, String)>,
}

/// An event with its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredEvent {
    /// The row.
    pub row: EventRow,
    /// The normalised and scrubbed event as JSON text, with `_meta` and `errors`.
    pub body: Vec<u8>,
}

/// The events beside one in its issue, in time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct EventNeighbours {
    /// The next older one.
    pub older: Option<EventId>,
    /// The next newer one.
    pub newer: Option<EventId>,
}

/// The issue that an event belongs to, as far as a link needs it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssueOfEvent {
    /// The issue's name for people, such as `SHOP-12`.
    pub short_id: String,
    /// Its title.
    pub title: String,
}

#[derive(sqlx::FromRow)]
struct EventColumns {
    id: i64,
    project_id: i64,
    event_id: Vec<u8>,
    issue_id: i64,
    timestamp: i64,
    received_at: i64,
    level: String,
    platform: String,
    environment: Option<String>,
    release: Option<String>,
    title: String,
    trace_id: Option<String>,
    user_label: Option<String>,
    tags: String,
}

impl TryFrom<EventColumns> for EventRow {
    type Error = StoreError;

    fn try_from(row: EventColumns) -> Result<Self, StoreError> {
        Ok(Self {
            row_id: row.id,
            project_id: ProjectId(row.project_id),
            event_id: event_id(&row.event_id)?,
            issue_id: IssueId(row.issue_id),
            timestamp: UnixMillis(row.timestamp),
            received_at: UnixMillis(row.received_at),
            level: Level::parse(&row.level).unwrap_or_default(),
            platform: row.platform,
            environment: row.environment,
            release: row.release,
            title: row.title,
            trace_id: row.trace_id,
            user_label: row.user_label,
            tags: serde_json::from_str(&row.tags)
                .map_err(|_| StoreError::Damaged("an event's tags"))?,
        })
    }
}

pub(crate) fn event_id(bytes: &[u8]) -> Result<EventId, StoreError> {
    let bytes = bytes
        .try_into()
        .map_err(|_| StoreError::Damaged("an event's id has not 16 bytes"))?;
    Ok(EventId::from_bytes(bytes))
}

impl Store {
    /// One event by its id.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn event(
        &self,
        project: ProjectId,
        event_id: EventId,
    ) -> Result<Option<StoredEvent>, StoreError> {
        let row: Option<EventColumns> = with_reader!(&self.db, |pool| {
            let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS}{BY_EVENT_ID}"));
            sqlx::query_as(sql)
                .bind(project.0)
                .bind(&event_id.as_bytes()[..])
                .fetch_optional(pool)
                .await
        })?;
        self.with_body(row).await
    }

    /// The issues of some events; events that are not stored are left out.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn issues_of_events(
        &self,
        events: &[(ProjectId, EventId)],
    ) -> Result<HashMap<(ProjectId, EventId), IssueOfEvent>, StoreError> {
        if events.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<(i64, Vec<u8>, i64, String, String)> = with_reader!(&self.db, |pool| {
            let mut query = sqlx::QueryBuilder::new(ISSUES_OF_EVENTS);
            query.push_values(events, |mut row, (project, event)| {
                row.push_bind(project.0)
                    .push_bind(event.as_bytes().to_vec());
            });
            query.push(")");
            query
                .build_query_as()
                .persistent(false)
                .fetch_all(pool)
                .await
        })?;
        let read = |(project, event, number, slug, title): (i64, Vec<u8>, i64, String, String)| {
            let short_id = format!("{}-{number}", slug.to_uppercase());
            let issue = IssueOfEvent { short_id, title };
            Ok(((ProjectId(project), event_id(&event)?), issue))
        };
        rows.into_iter().map(read).collect()
    }

    /// The newest event of an issue.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn latest_event(
        &self,
        project: ProjectId,
        issue: IssueId,
    ) -> Result<Option<StoredEvent>, StoreError> {
        self.edge_event(project, issue, NEWEST).await
    }

    /// The oldest event of an issue.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn oldest_event(
        &self,
        project: ProjectId,
        issue: IssueId,
    ) -> Result<Option<StoredEvent>, StoreError> {
        self.edge_event(project, issue, OLDEST).await
    }

    async fn edge_event(
        &self,
        project: ProjectId,
        issue: IssueId,
        rest: &'static str,
    ) -> Result<Option<StoredEvent>, StoreError> {
        let row: Option<EventColumns> = with_reader!(&self.db, |pool| {
            let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS}{rest}"));
            sqlx::query_as(sql)
                .bind(project.0)
                .bind(issue.0)
                .fetch_optional(pool)
                .await
        })?;
        self.with_body(row).await
    }

    async fn with_body(
        &self,
        row: Option<EventColumns>,
    ) -> Result<Option<StoredEvent>, StoreError> {
        let Some(row) = row.map(EventRow::try_from).transpose()? else {
            return Ok(None);
        };
        let payload: Option<(i64, Vec<u8>)> = with_reader!(&self.db, |pool| {
            sqlx::query_as(PAYLOAD)
                .bind(row.project_id.0)
                .bind(row.row_id)
                .bind(row.received_at.day())
                .fetch_optional(pool)
                .await
        })?;
        let (codec, data) = payload.ok_or(StoreError::Damaged("an event has no body"))?;
        Ok(Some(StoredEvent {
            body: decompress(codec, &data)?,
            row,
        }))
    }

    /// Some events of an issue without their bodies, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn issue_events(
        &self,
        project: ProjectId,
        issue: IssueId,
        offset: u32,
        limit: u32,
    ) -> Result<Vec<EventRow>, StoreError> {
        let rows: Vec<EventColumns> = with_reader!(&self.db, |pool| {
            let sql = sqlx::AssertSqlSafe(format!("SELECT {COLUMNS}{PAGE}"));
            sqlx::query_as(sql)
                .bind(project.0)
                .bind(issue.0)
                .bind(i64::from(limit))
                .bind(i64::from(offset))
                .fetch_all(pool)
                .await
        })?;
        rows.into_iter().map(EventRow::try_from).collect()
    }

    /// The events before and after `event` in its issue.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn event_neighbours(&self, event: &EventRow) -> Result<EventNeighbours, StoreError> {
        Ok(EventNeighbours {
            older: self.neighbour(OLDER, event).await?,
            newer: self.neighbour(NEWER, event).await?,
        })
    }

    async fn neighbour(
        &self,
        sql: &'static str,
        event: &EventRow,
    ) -> Result<Option<EventId>, StoreError> {
        let id: Option<Vec<u8>> = with_reader!(&self.db, |pool| {
            sqlx::query_scalar(sql)
                .bind(event.project_id.0)
                .bind(event.issue_id.0)
                .bind(event.timestamp.0)
                .bind(event.row_id)
                .fetch_optional(pool)
                .await
        })?;
        id.map(|id| event_id(&id)).transpose()
    }
}
