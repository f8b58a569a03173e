//! `POST …/unreal/{key}/`: a crash of the Unreal Engine, in its own compressed form.

use std::sync::Arc;

use axum::extract::{Path, Request, State};
use bugle_protocol::{EventId, ItemType};

use super::draft::{Draft, shortened};
use super::minidump::report_id;
use super::query::Parameters;
use super::{Arrival, take};
use crate::Rejection;
use crate::receive::Inlet;

/// `POST /api/{project_id}/unreal/{key}/`.
pub(crate) async fn receive_unreal(
    State(inlet): State<Arc<Inlet>>,
    Path((project_id, key)): Path<(String, String)>,
    request: Request,
) -> Result<String, Rejection> {
    let user_id = Parameters::of(request.uri())
        .get("UserID")
        .map(ToOwned::to_owned);
    let arrival = Arrival {
        project_id: &project_id,
        key: Some(&key),
        request,
        max_bytes: inlet.ingest.limits.max_envelope_bytes,
        hides_limits: true,
    };
    let make = move |body: &[u8], _| {
        if body.is_empty() {
            return Err(Rejection::MissingFile("a crash report"));
        }
        let mut draft = Draft::new(Some(EventId::random()));
        let members = [
            ("content_type", "application/octet-stream".into()),
            ("user_id", shortened(user_id.as_deref())),
        ];
        draft.push(ItemType::UnrealReport, members, body);
        Ok(draft)
    };
    Ok(report_id(take(&inlet, arrival, make).await?))
}
