//! What users wrote: Sentry's user feedback.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::response::Response;
use bugle_protocol::json::{self, Object};
use bugle_protocol::{EventId, Json as Tree, KeyId};
use bugle_store::{Batch, Feedback, FeedbackCursor, FeedbackPage, NewFeedback, Project, Scope};
use serde::Serialize;

use crate::error::shortened;
use crate::paging::{Neighbour, Page, cursor, row_limit};
use crate::{ApiError, Call};

/// What comes in with a token and not with a key is counted under no key.
const NO_KEY: KeyId = KeyId(0);

/// The most characters of a user's name, or of an address.
const MAX_NAME: usize = 255;

/// The most characters of what a user wrote.
const MAX_COMMENTS: usize = 4096;

/// A feedback.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct FeedbackShape {
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
            id: feedback.id.to_string(),
            event_id: event_id.to_string(),
            name: feedback.name,
            email: feedback.email,
            comments: feedback.message,
            date_created: feedback.created_at.to_rfc3339(),
            user: None,
            event: EventShape {
                id: event_id.to_string(),
                event_id: event_id.to_string(),
            },
            issue: None,
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

/// `POST projects/{o}/{p}/user-feedback/`: feedback about an event, which need not be there yet. Who says the same twice
/// is answered twice with the one that is kept.
pub(crate) async fn submit(
    call: Call,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<FeedbackShape>, ApiError> {
    call.require(Scope::ProjectWrite)?;
    let project = call.project().await?;
    let new = read(&call, &project, body).await?;
    let id = new.feedback_id;
    let batch = Batch {
        feedback: vec![new],
        ..Batch::default()
    };
    let store = &call.api.store;
    store.record(&batch, call.now).await?;
    let kept = store.feedback_by_id(project.id, id).await?;
    let kept = kept.ok_or_else(|| ApiError::missing("feedback", &id.to_string()))?;
    Ok(Json(FeedbackShape::new(kept)))
}

/// Reads the body, of whatever content type.
async fn read(
    call: &Call,
    project: &Project,
    body: Result<Bytes, BytesRejection>,
) -> Result<NewFeedback, ApiError> {
    let body = body.map_err(|error| ApiError::Invalid(error.body_text()))?;
    let Ok(Tree::Object(fields)) = json::parse(&body) else {
        return Err(ApiError::Invalid(
            "expected a JSON object with event_id, name, email and comments".to_owned(),
        ));
    };
    let event_id = text(&fields, "event_id", MAX_NAME)?;
    let event_id: EventId = event_id.parse().map_err(|error| {
        ApiError::Invalid(format!("event_id '{}': {error}", shortened(event_id)))
    })?;
    let name = text(&fields, "name", MAX_NAME)?;
    let email = text(&fields, "email", MAX_NAME)?;
    let message = text(&fields, "comments", MAX_COMMENTS)?;
    let event = call.api.store.event(project.id, event_id).await?;
    let event = event.map(|event| event.row);
    Ok(NewFeedback {
        project_id: project.id,
        key_id: NO_KEY,
        feedback_id: NewFeedback::id_of(event_id, name, email, message),
        event_id: Some(event_id),
        name: Some(name.to_owned()),
        email: Some(email.to_owned()),
        message: message.to_owned(),
        url: None,
        source: None,
        environment: event.as_ref().and_then(|event| event.environment.clone()),
        release: event.and_then(|event| event.release),
        created_at: call.now,
        received_at: call.now,
    })
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
