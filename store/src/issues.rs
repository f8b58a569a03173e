//! Issues: lists, single ones, and what people do to them.

use std::collections::HashMap;

use bugle_protocol::{IssueId, Level, ProjectId, UnixMillis};

use crate::db::{with_reader, with_writer};
use crate::search::{Condition, Piece};
use crate::{Store, StoreError};

/// The columns of [`IssueColumns`], from `issue i JOIN project p`.
const COLUMNS: &str = "
    i.id, i.project_id, p.slug, i.number, i.status, i.substatus, i.level, i.platform, i.event_type, i.title, i.culprit,
    i.metadata, i.is_unhandled, i.first_seen, i.last_seen, i.event_count, i.user_count, i.first_release, i.last_release";

const FROM: &str = " FROM issue i JOIN project p ON p.id = i.project_id";

const SET_STATUS: &str = "
    UPDATE issue SET status = $2, substatus = $3, status_changed_at = $4 WHERE id = $1 AND status <> $2";

const HOURS: &str = "SELECT issue_id, hour, event_count FROM issue_hour WHERE hour >= ";

const STATUS_COUNTS: &str =
    "SELECT status, COUNT(*) FROM issue WHERE project_id = $1 GROUP BY status";

/// Where an issue stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IssueStatus {
    /// Somebody should look.
    Unresolved,
    /// Somebody says it is mended; the next event reopens it.
    Resolved,
    /// Nobody wants to hear of it.
    Archived,
}

impl IssueStatus {
    /// All states, in the order of the tabs.
    pub const ALL: [Self; 3] = [Self::Unresolved, Self::Resolved, Self::Archived];

    /// The name in the database and in searches.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unresolved => "unresolved",
            Self::Resolved => "resolved",
            Self::Archived => "archived",
        }
    }
}

/// Reads Sentry's names, old ones included: `ignored` and `muted` are what `archived` was called.
impl std::str::FromStr for IssueStatus {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        match name {
            "unresolved" => Ok(Self::Unresolved),
            "resolved" => Ok(Self::Resolved),
            "archived" | "ignored" | "muted" => Ok(Self::Archived),
            other => Err(format!(
                "unknown status '{other}': expected unresolved, resolved or archived"
            )),
        }
    }
}

/// How an unresolved issue came to be so.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum IssueSubstatus {
    /// Never touched since its first event.
    New,
    /// Reopened by a person, or not unresolved at all.
    Ongoing,
    /// Resolved once, and reopened by an event.
    Regressed,
}

impl IssueSubstatus {
    /// The name in the database and the API.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::New => "new",
            Self::Ongoing => "ongoing",
            Self::Regressed => "regressed",
        }
    }

    fn parse(name: &str) -> Self {
        match name {
            "new" => Self::New,
            "regressed" => Self::Regressed,
            _ => Self::Ongoing,
        }
    }
}

/// An issue: all events that have the same cause, as far as grouping can tell.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Issue {
    /// The database id, unique over all projects.
    pub id: IssueId,
    /// The project.
    pub project_id: ProjectId,
    /// The short id that people say, such as `SHOP-12`.
    pub short_id: String,
    /// Where it stands.
    pub status: IssueStatus,
    /// How it came to stand there.
    pub substatus: IssueSubstatus,
    /// The newest event's level.
    pub level: Level,
    /// The newest event's platform.
    pub platform: String,
    /// `error`, `default`, `csp` …
    pub event_type: String,
    /// The headline: type and value of the exception, or the message.
    pub title: String,
    /// Where it happens: the transaction or the frame.
    pub culprit: String,
    /// What the title was made of, a JSON object: `type`, `value`, `filename`, `function`.
    pub metadata: String,
    /// Whether the newest event was one that the program did not handle.
    pub is_unhandled: bool,
    /// The first event's time.
    pub first_seen: UnixMillis,
    /// The newest event's time.
    pub last_seen: UnixMillis,
    /// All events ever counted.
    pub event_count: i64,
    /// All users it happened to.
    pub user_count: i64,
    /// The release of the first event that had one.
    pub first_release: Option<String>,
    /// The release of the newest event that had one.
    pub last_release: Option<String>,
}

#[derive(sqlx::FromRow)]
struct IssueColumns {
    id: i64,
    project_id: i64,
    slug: String,
    number: i64,
    status: String,
    substatus: String,
    level: String,
    platform: String,
    event_type: String,
    title: String,
    culprit: String,
    metadata: String,
    is_unhandled: bool,
    first_seen: i64,
    last_seen: i64,
    event_count: i64,
    user_count: i64,
    first_release: Option<String>,
    last_release: Option<String>,
}

impl TryFrom<IssueColumns> for Issue {
    type Error = StoreError;

    fn try_from(row: IssueColumns) -> Result<Self, StoreError> {
        Ok(Self {
            id: IssueId(row.id),
            project_id: ProjectId(row.project_id),
            short_id: format!("{}-{}", row.slug.to_uppercase(), row.number),
            status: row
                .status
                .parse()
                .map_err(|_| StoreError::Damaged("an unknown issue status"))?,
            substatus: IssueSubstatus::parse(&row.substatus),
            level: Level::parse(&row.level).unwrap_or_default(),
            platform: row.platform,
            event_type: row.event_type,
            title: row.title,
            culprit: row.culprit,
            metadata: row.metadata,
            is_unhandled: row.is_unhandled,
            first_seen: UnixMillis(row.first_seen),
            last_seen: UnixMillis(row.last_seen),
            event_count: row.event_count,
            user_count: row.user_count,
            first_release: row.first_release,
            last_release: row.last_release,
        })
    }
}

/// A place in a list that is sorted by last event, newest first: the issue beside the page's edge.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cursor {
    /// That issue's last event.
    pub last_seen: UnixMillis,
    /// That issue.
    pub id: IssueId,
    /// Whether the page before that issue is meant, not the one behind it.
    pub backwards: bool,
}

/// Reads `last_seen:id:backwards`, the form of [`Cursor`]'s `Display`: it looks like Sentry's own cursors.
impl std::str::FromStr for Cursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let invalid = || {
            format!(
                "invalid cursor '{}'",
                text.chars().take(60).collect::<String>()
            )
        };
        let mut parts = text.split(':');
        let mut next = || {
            parts
                .next()
                .and_then(|part| part.parse::<i64>().ok())
                .ok_or_else(invalid)
        };
        let (last_seen, id, backwards) = (UnixMillis(next()?), IssueId(next()?), next()? == 1);
        Ok(Self {
            last_seen,
            id,
            backwards,
        })
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(
            f,
            "{}:{}:{}",
            self.last_seen.0,
            self.id,
            u8::from(self.backwards)
        )
    }
}

/// Which issues, and which page of them.
#[derive(Clone, Debug, Default)]
pub struct IssueFilter {
    /// The projects; none means no issue at all.
    pub projects: Vec<ProjectId>,
    /// Only issues of this status.
    pub status: Option<IssueStatus>,
    /// Only issues that the search matches, see [`IssueFilter::search`].
    pub(crate) conditions: Vec<Condition>,
    /// The page, the first one without it.
    pub cursor: Option<Cursor>,
    /// How many issues a page has.
    pub limit: u32,
}

impl IssueFilter {
    /// The first page of all issues of some projects.
    #[must_use]
    pub fn new(projects: Vec<ProjectId>, limit: u32) -> Self {
        Self {
            projects,
            limit,
            ..Self::default()
        }
    }
}

/// A page of a list of issues.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IssuePage {
    /// Newest last event first.
    pub issues: Vec<Issue>,
    /// The cursor of the page behind this one, if there is one.
    pub next: Option<Cursor>,
    /// The cursor of the page before this one, if there is one.
    pub previous: Option<Cursor>,
}

/// How many issues of a project stand where.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, serde::Serialize)]
#[expect(missing_docs, reason = "the names say it")]
pub struct StatusCounts {
    pub unresolved: i64,
    pub resolved: i64,
    pub archived: i64,
}

impl Store {
    /// A page of issues, newest last event first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn issues(&self, filter: &IssueFilter) -> Result<IssuePage, StoreError> {
        if filter.projects.is_empty() || filter.limit == 0 {
            return Ok(IssuePage {
                issues: Vec::new(),
                next: None,
                previous: None,
            });
        }
        let rows: Vec<IssueColumns> = with_reader!(&self.db, |pool| {
            let mut query =
                sqlx::QueryBuilder::new(format!("SELECT {COLUMNS}{FROM} WHERE i.project_id IN ("));
            let mut ids = query.separated(", ");
            for project in &filter.projects {
                ids.push_bind(project.0);
            }
            query.push(")");
            if let Some(status) = filter.status {
                query.push(" AND i.status = ").push_bind(status.as_str());
            }
            for piece in filter
                .conditions
                .iter()
                .flat_map(|condition| &condition.pieces)
            {
                match piece {
                    Piece::Sql(sql) => query.push(sql),
                    Piece::Text(text) => query.push_bind(text),
                    Piece::Integer(number) => query.push_bind(*number),
                };
            }
            let backwards = filter.cursor.is_some_and(|cursor| cursor.backwards);
            let (behind, order) = if backwards {
                (">", "ASC")
            } else {
                ("<", "DESC")
            };
            if let Some(cursor) = filter.cursor {
                query.push(format!(" AND (i.last_seen, i.id) {behind} ("));
                query
                    .push_bind(cursor.last_seen.0)
                    .push(", ")
                    .push_bind(cursor.id.0)
                    .push(")");
            }
            query.push(format!(
                " ORDER BY i.last_seen {order}, i.id {order} LIMIT "
            ));
            query.push_bind(i64::from(filter.limit) + 1);
            query
                .build_query_as()
                .persistent(false)
                .fetch_all(pool)
                .await
        })?;
        let issues = rows
            .into_iter()
            .map(Issue::try_from)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(page(issues, filter))
    }

    /// One issue.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn issue(&self, id: IssueId) -> Result<Option<Issue>, StoreError> {
        let row: Option<IssueColumns> = with_reader!(&self.db, |pool| {
            let mut query =
                sqlx::QueryBuilder::new(format!("SELECT {COLUMNS}{FROM} WHERE i.id = "));
            query.push_bind(id.0);
            query.build_query_as().fetch_optional(pool).await
        })?;
        row.map(Issue::try_from).transpose()
    }

    /// One issue of the given projects by its short id, in any case.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn issue_by_short_id(
        &self,
        project: ProjectId,
        number: i64,
    ) -> Result<Option<Issue>, StoreError> {
        let row: Option<IssueColumns> = with_reader!(&self.db, |pool| {
            let mut query =
                sqlx::QueryBuilder::new(format!("SELECT {COLUMNS}{FROM} WHERE i.project_id = "));
            query
                .push_bind(project.0)
                .push(" AND i.number = ")
                .push_bind(number);
            query.build_query_as().fetch_optional(pool).await
        })?;
        row.map(Issue::try_from).transpose()
    }

    /// Sets an issue's status; says whether that changed anything.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn set_issue_status(
        &self,
        id: IssueId,
        status: IssueStatus,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let changed = with_writer!(&self.db, |pool| {
            sqlx::query(SET_STATUS)
                .bind(id.0)
                .bind(status.as_str())
                .bind(IssueSubstatus::Ongoing.as_str())
                .bind(now.0)
                .execute(pool)
                .await
                .map(|done| done.rows_affected())
        })?;
        Ok(changed > 0)
    }

    /// How many issues of a project stand where.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn status_counts(&self, project: ProjectId) -> Result<StatusCounts, StoreError> {
        let rows: Vec<(String, i64)> = with_reader!(&self.db, |pool| {
            sqlx::query_as(STATUS_COUNTS)
                .bind(project.0)
                .fetch_all(pool)
                .await
        })?;
        let mut counts = StatusCounts::default();
        for (status, count) in rows {
            match status.parse() {
                Ok(IssueStatus::Unresolved) => counts.unresolved = count,
                Ok(IssueStatus::Resolved) => counts.resolved = count,
                Ok(IssueStatus::Archived) => counts.archived = count,
                Err(_) => return Err(StoreError::Damaged("an unknown issue status")),
            }
        }
        Ok(counts)
    }

    /// Events per hour of each of the given issues since `since`, hours without events left out, oldest first.
    ///
    /// # Errors
    /// [`StoreError::Database`].
    pub async fn issue_hours(
        &self,
        issues: &[(ProjectId, IssueId)],
        since: UnixMillis,
    ) -> Result<HashMap<IssueId, Vec<(UnixMillis, i64)>>, StoreError> {
        if issues.is_empty() {
            return Ok(HashMap::new());
        }
        let rows: Vec<(i64, i64, i64)> = with_reader!(&self.db, |pool| {
            let mut query = sqlx::QueryBuilder::new(HOURS);
            query
                .push_bind(since.hour().0)
                .push(" AND (project_id, issue_id) IN (");
            query.push_values(issues, |mut row, (project, issue)| {
                row.push_bind(project.0).push_bind(issue.0);
            });
            query.push(") ORDER BY hour");
            query
                .build_query_as()
                .persistent(false)
                .fetch_all(pool)
                .await
        })?;
        let mut hours: HashMap<IssueId, Vec<(UnixMillis, i64)>> = HashMap::new();
        for (issue, hour, count) in rows {
            hours
                .entry(IssueId(issue))
                .or_default()
                .push((UnixMillis(hour), count));
        }
        Ok(hours)
    }
}

/// Cuts the extra row that only says whether there is more, and names the neighbours of the page.
fn page(mut issues: Vec<Issue>, filter: &IssueFilter) -> IssuePage {
    let limit = usize::try_from(filter.limit).unwrap_or(usize::MAX);
    let more = issues.len() > limit;
    issues.truncate(limit);
    let backwards = filter.cursor.is_some_and(|cursor| cursor.backwards);
    if backwards {
        issues.reverse();
    }
    let edge = |issue: Option<&Issue>, backwards| {
        issue.map(|issue| Cursor {
            last_seen: issue.last_seen,
            id: issue.id,
            backwards,
        })
    };
    let has_next = if backwards { true } else { more };
    let has_previous = if backwards {
        more
    } else {
        filter.cursor.is_some()
    };
    IssuePage {
        next: edge(issues.last(), false).filter(|_| has_next),
        previous: edge(issues.first(), true).filter(|_| has_previous),
        issues,
    }
}
