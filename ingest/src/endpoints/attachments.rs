//! `POST …/events/{event_id}/attachments/`: files for an event that was or will be sent.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use axum::http::StatusCode;
use bugle_protocol::{EventId, multipart};

use super::draft::Draft;
use super::{Arrival, content_type, take};
use crate::Rejection;
use crate::receive::Inlet;

/// `POST /api/{project_id}/events/{event_id}/attachments/`.
pub(crate) async fn receive_attachments(
    State(inlet): State<Arc<Inlet>>,
    Path((project_id, event_id)): Path<(String, String)>,
    request: Request,
) -> Result<StatusCode, Rejection> {
    let content_type = content_type(&request);
    let arrival = Arrival {
        project_id: &project_id,
        key: None,
        request,
        max_bytes: inlet.ingest.limits.max_envelope_bytes,
        hides_limits: false,
    };
    let make = move |body: &[u8], _| draft(body, &content_type, &event_id);
    take(&inlet, arrival, make).await?;
    Ok(StatusCode::CREATED)
}

fn draft(body: &[u8], content_type: &str, event_id: &str) -> Result<Draft, Rejection> {
    let event_id: EventId = event_id.parse().map_err(|_| Rejection::Parameter {
        name: "event_id",
        expected: "32 hex digits or a dashed UUID",
    })?;
    let parts = multipart::parse(body, multipart::boundary(content_type)?)?;
    let mut draft = Draft::new(Some(event_id));
    for file in parts.iter().filter(|part| part.filename.is_some()) {
        draft.push_file(file, "event.attachment");
    }
    if draft.is_empty() {
        return Err(Rejection::MissingFile("at least one file"));
    }
    Ok(draft)
}
