//! Resolving, archiving and reopening issues.

use std::sync::Arc;

use axum::extract::{Form, Path, State};
use axum::http::StatusCode;
use axum::response::Redirect;
use bugle_protocol::UnixMillis;
use bugle_store::IssueStatus;
use serde::Deserialize;

use crate::Ui;
use crate::actor::Actor;
use crate::problem::Problem;

/// The most issues one form may change: more than a page lists.
const MOST_ISSUES: usize = 100;

/// The form on an issue's page.
#[derive(Debug, Deserialize)]
pub(super) struct OneForm {
    form_token: String,
    status: String,
}

/// `POST /issues/{issue}/status`
pub(super) async fn of_one(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path(name): Path<String>,
    Form(form): Form<OneForm>,
) -> Result<Redirect, Problem> {
    actor.may_change(&form.form_token)?;
    let (_, issue) = actor.issue(&ui, &name).await?;
    let status = status(&form.status)?;
    let now = UnixMillis::now();
    ui.store.set_issue_status(issue.id, status, now).await?;
    Ok(Redirect::to(
        &ui.site.link(&format!("/issues/{}/", issue.short_id)),
    ))
}

/// `POST /issues/status`, with a field `issue` for each issue and the list to go back to in `back`.
pub(super) async fn of_many(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Redirect, Problem> {
    let field = |name: &str| {
        let field = fields.iter().find(|(key, _)| key == name);
        field.map_or("", |(_, value)| value.as_str())
    };
    actor.may_change(field("form_token"))?;
    let status = status(field("status"))?;
    let now = UnixMillis::now();
    let chosen = fields.iter().filter(|(key, _)| key == "issue");
    for (_, id) in chosen.take(MOST_ISSUES) {
        let (_, issue) = actor.issue(&ui, id).await?;
        ui.store.set_issue_status(issue.id, status, now).await?;
    }
    let start = ui.site.link("/");
    Ok(Redirect::to(
        ui.site.own_page(field("back")).unwrap_or(&start),
    ))
}

fn status(name: &str) -> Result<IssueStatus, Problem> {
    name.parse()
        .map_err(|_| Problem::Unusable(StatusCode::UNPROCESSABLE_ENTITY))
}
