//! Where people land: the only project's issues, or those of all.

use std::sync::Arc;

use axum::extract::{Path, RawQuery, State};
use axum::response::{IntoResponse, Redirect, Response};

use super::issues;
use crate::Ui;
use crate::actor::Actor;
use crate::chrome::project_url;
use crate::problem::Problem;

/// `GET /`
pub(super) async fn all(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    query: issues::ListQuery,
    RawQuery(raw): RawQuery,
) -> Result<Response, Problem> {
    let projects = ui.store.projects(actor.organization.id).await?;
    if let ([only], None) = (&projects[..], raw) {
        let url = format!("{}issues/", project_url(&ui, only));
        return Ok(Redirect::to(&url).into_response());
    }
    issues::page(&ui, &actor, &projects, None, query)
        .await
        .map(IntoResponse::into_response)
}

/// `GET /{project}/`
pub(super) async fn project(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path(name): Path<String>,
) -> Result<Redirect, Problem> {
    let project = actor.project(&ui, &name).await?;
    let url = format!("{}issues/", project_url(&ui, &project));
    Ok(Redirect::to(&url))
}
