//! Feedback: what users wrote, by itself or about an event.

use bugle_protocol::{EventId, ProjectId, UnixMillis};

use crate::db::with_reader;
use crate::events::event_id;
use crate::{Store, StoreError};

const COLUMNS: &str = "
    SELECT id, project_id, feedback_id, event_id, name, email, message, url, source, environment, release, created_at,
        received_at FROM feedback WHERE ";

/// What a user wrote.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Feedback {
    /// The database id, unique over all projects and rising.
    pub id: i64,
    /// The project.
    pub project_id: ProjectId,
    /// Its own event id, or one made of what it says.
    pub feedback_id: EventId,
    /// The event it is about, which need not be stored.
    pub event_id: Option<EventId>,
    /// The user's name.
    pub name: Option<String>,
    /// The user's address.
    pub email: Option<String>,
    /// What the user wrote, of at most 4096 characters.
    pub message: String,
    /// The page it was written on, as the client said: it may be any text.
    pub url: Option<String>,
    /// What the user wrote it in, such as `widget`.
    pub source: Option<String>,
    /// Its environment.
    pub environment: Option<String>,
    /// Its release.
    pub release: Option<String>,
    /// When it was written.
    pub created_at: UnixMillis,
    /// When it came in.
    pub received_at: UnixMillis,
}

/// A place in a list of feedback: before or behind one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FeedbackCursor {
    /// When that one came in.
    pub received_at: UnixMillis,
    /// Its id.
    pub id: i64,
    /// Whether the page before it is meant, not the one behind it.
    pub backwards: bool,
}

/// A page of a list of feedback.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FeedbackPage {
    /// Newest first.
    pub feedback: Vec<Feedback>,
    /// The cursor of the page behind this one, if there is one.
    pub next: Option<FeedbackCursor>,
    /// The cursor of the page before this one, if there is one.
    pub previous: Option<FeedbackCursor>,
}

impl FeedbackCursor {
    /// The place beside a feedback.
    #[must_use]
    pub fn beside(feedback: &Feedback, backwards: bool) -> Self {
        Self {
            received_at: feedback.received_at,
            id: feedback.id,
            backwards,
        }
    }
}

/// Reads `received_at:id:backwards`, the form of [`FeedbackCursor`]'s `Display`.
impl std::str::FromStr for FeedbackCursor {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let read = || {
            let (received_at, rest) = text.split_once(':')?;
            let (id, backwards) = rest.split_once(':')?;
            Some(Self {
                received_at: UnixMillis(received_at.parse().ok()?),
                id: id.parse().ok()?,
                backwards: match backwards {
                    "0" => false,
                    "1" => true,
                    _ => return None,
                },
            })
        };
        read().ok_or_else(|| {
            let start: String = text.chars().take(60).collect();
            format!("invalid cursor '{start}'")
        })
    }
}

impl std::fmt::Display for FeedbackCursor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let backwards = u8::from(self.backwards);
        write!(f, "{}:{}:{backwards}", self.received_at.0, self.id)
    }
}

#[derive(sqlx::FromRow)]
struct Columns {
    id: i64,
    project_id: i64,
    feedback_id: Vec<u8>,
    event_id: Option<Vec<u8>>,
    name: Option<String>,
    email: Option<String>,
    message: String,
    url: Option<String>,
    source: Option<String>,
    environment: Option<String>,
    release: Option<String>,
    created_at: i64,
    received_at: i64,
}

impl TryFrom<Columns> for Feedback {
    type Error = StoreError;

    fn try_from(row: Columns) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            project_id: ProjectId(row.project_id),
            feedback_id: event_id(&row.feedback_id)?,
            event_id: row.event_id.as_deref().map(event_id).transpose()?,
            name: row.name,
            email: row.email,
            message: row.message,
            url: row.url,
            source: row.source,
            environment: row.environment,
            release: row.release,
            created_at: UnixMillis(row.created_at),
            received_at: UnixMillis(row.received_at),
        })
    }
}

impl Store {
    /// A page of the feedback of some projects, what came in last first; `limit` is how many a page has.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn feedback(
        &self,
        projects: &[ProjectId],
        cursor: Option<FeedbackCursor>,
        limit: u32,
    ) -> Result<FeedbackPage, StoreError> {
        if projects.is_empty() || limit == 0 {
            return Ok(FeedbackPage::default());
        }
        let rows: Vec<Columns> = with_reader!(&self.db, |pool| {
            let mut query = sqlx::QueryBuilder::new(COLUMNS);
            query.push("project_id IN (");
            let mut ids = query.separated(", ");
            for project in projects {
                ids.push_bind(project.0);
            }
            query.push(")");
            let backwards = cursor.is_some_and(|cursor| cursor.backwards);
            let (behind, order) = if backwards {
                (">", "ASC")
            } else {
                ("<", "DESC")
            };
            if let Some(cursor) = cursor {
                query.push(format!(" AND (received_at, id) {behind} ("));
                query
                    .push_bind(cursor.received_at.0)
                    .push(", ")
                    .push_bind(cursor.id)
                    .push(")");
            }
            query.push(format!(" ORDER BY received_at {order}, id {order} LIMIT "));
            query.push_bind(i64::from(limit) + 1);
            query
                .build_query_as()
                .persistent(false)
                .fetch_all(pool)
                .await
        })?;
        let rows = rows.into_iter().map(Feedback::try_from);
        Ok(page(rows.collect::<Result<_, _>>()?, cursor, limit))
    }

    /// One feedback by the id that it brought, see [`crate::NewFeedback::feedback_id`].
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn feedback_by_id(
        &self,
        project: ProjectId,
        feedback_id: EventId,
    ) -> Result<Option<Feedback>, StoreError> {
        let row: Option<Columns> = with_reader!(&self.db, |pool| {
            let mut query = sqlx::QueryBuilder::new(COLUMNS);
            query.push("project_id = ").push_bind(project.0);
            query
                .push(" AND feedback_id = ")
                .push_bind(feedback_id.as_bytes().to_vec());
            query.build_query_as().fetch_optional(pool).await
        })?;
        row.map(Feedback::try_from).transpose()
    }

    /// What users wrote about an event, newest first.
    ///
    /// # Errors
    /// [`StoreError::Database`], [`StoreError::Damaged`].
    pub async fn feedback_of_event(
        &self,
        project: ProjectId,
        event_id: EventId,
        limit: u32,
    ) -> Result<Vec<Feedback>, StoreError> {
        let rows: Vec<Columns> = with_reader!(&self.db, |pool| {
            let mut query = sqlx::QueryBuilder::new(COLUMNS);
            query.push("project_id = ").push_bind(project.0);
            query
                .push(" AND event_id = ")
                .push_bind(event_id.as_bytes().to_vec())
                .push(" ORDER BY received_at DESC, id DESC LIMIT ")
                .push_bind(i64::from(limit));
            query.build_query_as().fetch_all(pool).await
        })?;
        rows.into_iter().map(Feedback::try_from).collect()
    }
}

/// Cuts the extra row that only says whether there is more, and names the neighbours of the page.
fn page(mut feedback: Vec<Feedback>, cursor: Option<FeedbackCursor>, limit: u32) -> FeedbackPage {
    let limit = usize::try_from(limit).unwrap_or(usize::MAX);
    let more = feedback.len() > limit;
    feedback.truncate(limit);
    let backwards = cursor.is_some_and(|cursor| cursor.backwards);
    if backwards {
        feedback.reverse();
    }
    let edge =
        |one: Option<&Feedback>, backwards| one.map(|one| FeedbackCursor::beside(one, backwards));
    let (has_previous, has_next) = if backwards {
        (more, true)
    } else {
        (cursor.is_some(), more)
    };
    FeedbackPage {
        next: edge(feedback.last(), false).filter(|_| has_next),
        previous: edge(feedback.first(), true).filter(|_| has_previous),
        feedback,
    }
}
