//! Events: lists and single ones.

mod detail;
mod entries;
mod recent;
mod row;
mod stacktrace;

use axum::Json;
use axum::response::{IntoResponse, Response};
use bugle_protocol::Event;
use bugle_store::{Scope, StoredEvent};

use detail::EventDetail;
use recent::recent_events;
use row::EventListRow;

use crate::paging::Stretch;
use crate::{ApiError, Call};

/// `GET issues/{i}/events/`: newest first.
pub(crate) async fn issue_events(call: Call) -> Result<Response, ApiError> {
    call.require(Scope::EventRead)?;
    let (project, issue) = call.issue().await?;
    let stretch = Stretch::of(&call)?;
    let limit = stretch.limit_and_one();
    let store = &call.api.store;
    let rows = store
        .issue_events(project.id, issue.id, stretch.offset, limit)
        .await?;
    let rows = rows.iter().map(EventListRow::new).collect();
    Ok(stretch.page(rows).answer(&call))
}

/// `GET issues/{i}/events/{latest, oldest or id}/`.
pub(crate) async fn issue_event(call: Call) -> Result<Response, ApiError> {
    call.require(Scope::EventRead)?;
    let (project, issue) = call.issue().await?;
    let store = &call.api.store;
    let found = match call.event_name() {
        "latest" => store.latest_event(project.id, issue.id).await?,
        "oldest" => store.oldest_event(project.id, issue.id).await?,
        _ => {
            let event = store.event(project.id, call.event_id()?).await?;
            event.filter(|event| event.row.issue_id == issue.id)
        }
    };
    answer(&call, found).await
}

/// `GET projects/{o}/{p}/events/`: newest first.
pub(crate) async fn project_events(call: Call) -> Result<Response, ApiError> {
    call.require(Scope::EventRead)?;
    let project = call.project().await?;
    let stretch = Stretch::of(&call)?;
    let rows = recent_events(&call.api.store, project.id, stretch).await?;
    let rows = rows.iter().map(EventListRow::new).collect();
    Ok(stretch.page(rows).answer(&call))
}

/// `GET projects/{o}/{p}/events/{id}/`.
pub(crate) async fn project_event(call: Call) -> Result<Response, ApiError> {
    call.require(Scope::EventRead)?;
    let project = call.project().await?;
    let found = call.api.store.event(project.id, call.event_id()?).await?;
    answer(&call, found).await
}

async fn answer(call: &Call, found: Option<StoredEvent>) -> Result<Response, ApiError> {
    let found = found.ok_or_else(|| ApiError::missing("event", call.event_name()))?;
    let neighbours = call.api.store.event_neighbours(&found.row).await?;
    let event = Event::parse(&found.body)?;
    let detail = EventDetail::new(&event, &found, neighbours);
    Ok(Json(detail).into_response())
}
