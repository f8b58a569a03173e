//! What users wrote: Sentry's user feedback.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use bugle_protocol::body::Encoding;
use bugle_protocol::json::{self, Object};
use bugle_protocol::{EventId, Json as Tree, UnixMillis};
use bugle_store::queue::{Entry, QueuedRequest, RequestHead, RequestKind};
use bugle_store::{
    Feedback, FeedbackCursor, FeedbackPage, NewFeedback, Project, ProjectKey, Scope,
};
use serde::Serialize;

use crate::error::shortened;
use crate::paging::{Neighbour, Page, cursor, row_limit};
use crate::{ApiError, Call};

/// The most characters of a user's name, or of an address.
const MAX_NAME: usize = 255;

/// The most characters of what a user wrote.
const MAX_COMMENTS: usize = 4096;

/// A feedback.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FeedbackShape {
    /// Its own id, which it has before it is stored.
    id: String,
    /// The event it is about. Feedback about none is an event by itself.
    #[serde(rename = "eventID")]
    event_id: String,
    name: Option<String>,
    email: Option<String>,
    comments: String,
    date_created: String,
    user: Option<()>,
    event: EventShape,
    issue: Option<()>,
}

#[derive(Serialize)]
struct EventShape {
    id: String,
    #[serde(rename = "eventID")]
    event_id: String,
}

impl FeedbackShape {
    fn new(feedback: Feedback) -> Self {
        let event_id = feedback.event_id.unwrap_or(feedback.feedback_id);
        Self {
            id: feedback.feedback_id.to_string(),
            event_id: event_id.to_string(),
            name: feedback.name,
            email: feedback.email,
            comments: feedback.message,
            date_created: feedback.created_at.to_rfc3339(),
            user: None,
            event: EventShape::new(event_id),
            issue: None,
        }
    }
}

impl EventShape {
    fn new(id: EventId) -> Self {
        Self {
            id: id.to_string(),
            event_id: id.to_string(),
        }
    }
}

/// `GET projects/{o}/{p}/user-feedback/`: what came in last first.
pub(crate) async fn list(call: Call) -> Result<Response, ApiError> {
    call.require(Scope::ProjectRead)?;
    let project = call.project().await?;
    let asked = cursor(&call).map(str::parse::<FeedbackCursor>).transpose();
    let asked = asked.map_err(ApiError::Invalid)?;
    let store = &call.api.store;
    let found = store
        .feedback(&[project.id], asked, row_limit(&call)?)
        .await?;
    let previous = neighbour(&found, found.previous, asked, true);
    let next = neighbour(&found, found.next, asked, false);
    let rows = found.feedback.into_iter().map(FeedbackShape::new).collect();
    let page = Page {
        rows,
        previous,
        next,
        hits: None,
    };
    Ok(page.answer(&call))
}

/// The cursor beside a page. Where there is nothing yet it still leads from the page's edge.
fn neighbour(
    page: &FeedbackPage,
    found: Option<FeedbackCursor>,
    asked: Option<FeedbackCursor>,
    backwards: bool,
) -> Neighbour {
    let edge = if backwards {
        page.feedback.first()
    } else {
        page.feedback.last()
    };
    let edge = edge.map(|feedback| FeedbackCursor::beside(feedback, backwards));
    let asked = asked.map(|cursor| FeedbackCursor {
        backwards,
        ..cursor
    });
    let cursor = found.or(edge).or(asked);
    Neighbour {
        cursor: cursor.map_or_else(|| format!("0:0:{}", u8::from(backwards)), |c| c.to_string()),
        has_results: found.is_some(),
    }
}

/// What comes in: Sentry's old form of feedback, which is also that of an envelope's item.
#[derive(Serialize)]
struct Report<'t> {
    event_id: EventId,
    name: &'t str,
    email: &'t str,
    comments: &'t str,
}

/// `POST projects/{o}/{p}/user-feedback/`: feedback about an event, which need not be there yet.
///
/// It goes the way of what clients send, through the queue, so that it is scrubbed and counted like theirs. Who says the
/// same twice is answered twice, and it is kept once.
pub(crate) async fn submit(
    call: Call,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<FeedbackShape>, ApiError> {
    call.require(Scope::ProjectWrite)?;
    let project = call.project().await?;
    let body = body.map_err(|error| ApiError::Invalid(error.body_text()))?;
    let Ok(Tree::Object(fields)) = json::parse(&body) else {
        return Err(ApiError::Invalid(
            "expected a JSON object with event_id, name, email and comments".to_owned(),
        ));
    };
    let report = Report::read(&fields)?;
    let known = call.api.store.feedback_by_id(project.id, report.id());
    if let Some(known) = known.await? {
        return Ok(Json(FeedbackShape::new(known)));
    }
    let head = report.head(&call, active_key(&call, &project).await?);
    let request = QueuedRequest {
        head,
        body: report.envelope().into(),
    };
    call.api.queue.push(&Entry::Request(request)).await?;
    Ok(Json(report.shape(call.now)))
}

/// The key under which feedback is counted that came with a token.
async fn active_key(call: &Call, project: &Project) -> Result<ProjectKey, ApiError> {
    let keys = call.api.store.project_keys(project.id).await?;
    let mut active = keys.into_iter().filter(|key| key.is_active);
    let missing =
        || ApiError::Invalid("the project has no active key to count it under".to_owned());
    active.next().ok_or_else(missing)
}

impl<'t> Report<'t> {
    fn read(fields: &'t Object<'_>) -> Result<Self, ApiError> {
        let event_id = text(fields, "event_id", MAX_NAME)?;
        Ok(Self {
            event_id: event_id.parse().map_err(|error| {
                ApiError::Invalid(format!("event_id '{}': {error}", shortened(event_id)))
            })?,
            name: text(fields, "name", MAX_NAME)?,
            email: text(fields, "email", MAX_NAME)?,
            comments: text(fields, "comments", MAX_COMMENTS)?,
        })
    }

    /// The id that processing gives it.
    fn id(&self) -> EventId {
        NewFeedback::id_of(self.event_id, self.name, self.email, self.comments)
    }

    fn head(&self, call: &Call, key: ProjectKey) -> RequestHead {
        RequestHead {
            project_id: key.project_id,
            key_id: key.id,
            received_at: call.now,
            kind: RequestKind::Envelope,
            encoding: Encoding::default(),
            event_id: Some(self.event_id),
            client_ip: None,
            client: None,
            user_agent: None,
            // What comes with a token is not limited, so no limit may count it when it starts again.
            charges: Vec::new(),
            limited: Vec::new(),
            is_retry: false,
        }
    }

    /// An envelope with the report as its only item.
    fn envelope(&self) -> Vec<u8> {
        let report = serde_json::to_vec(self).expect("texts always have a JSON form");
        let length = report.len();
        let head = format!("{{}}\n{{\"type\":\"user_report\",\"length\":{length}}}\n");
        [head.as_bytes(), &report].concat()
    }

    /// The report as it was sent: what is kept of it is scrubbed.
    fn shape(&self, now: UnixMillis) -> FeedbackShape {
        FeedbackShape {
            id: self.id().to_string(),
            event_id: self.event_id.to_string(),
            name: Some(self.name.to_owned()),
            email: Some(self.email.to_owned()),
            comments: self.comments.to_owned(),
            date_created: now.to_rfc3339(),
            user: None,
            event: EventShape::new(self.event_id),
            issue: None,
        }
    }
}

/// A field that must be there and say something.
fn text<'t>(fields: &'t Object<'_>, key: &str, max_chars: usize) -> Result<&'t str, ApiError> {
    let text = fields.get(key).and_then(Tree::as_str).unwrap_or_default();
    let text = text.trim();
    if text.is_empty() {
        return Err(ApiError::Invalid(format!("{key} is missing or empty")));
    }
    if text.chars().count() > max_chars {
        return Err(ApiError::Invalid(format!(
            "{key} is longer than {max_chars} characters"
        )));
    }
    Ok(text)
}
