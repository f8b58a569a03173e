//! How to send the first event, and the wait for it.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::response::Html;
use bugle_protocol::Dsn;
use bugle_store::{IssueFilter, Project, ProjectKey};
use serde::Serialize;

use crate::Ui;
use crate::actor::Actor;
use crate::chrome::{Chrome, project_url};
use crate::problem::Problem;

/// The model of `getting_started.html`.
#[derive(Debug, Serialize)]
struct StartView {
    name: String,
    slug: String,
    /// None if all keys are off.
    dsn: Option<String>,
    /// Where the page asks for the first issue.
    poll_url: String,
    first_issue: FirstIssue,
}

/// The first issue, once there is one. Also the answer to the waiting page.
#[derive(Debug, Default, Serialize)]
pub(super) struct FirstIssue {
    url: Option<String>,
    title: Option<String>,
}

/// `GET /{project}/getting-started/`
pub(super) async fn show(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path(name): Path<String>,
) -> Result<Html<String>, Problem> {
    let project = actor.project(&ui, &name).await?;
    let keys = ui.store.project_keys(project.id).await?;
    let key = keys.iter().find(|key| key.is_active);
    let view = StartView {
        name: project.name.clone(),
        slug: project.slug.clone(),
        dsn: key.map(|key| dsn(&ui, key)),
        poll_url: format!("{}getting-started/first-issue", project_url(&ui, &project)),
        first_issue: FirstIssue::of(&ui, &project).await?,
    };
    let chrome = Chrome::new(&ui, &actor, Some(&project), "start").await?;
    ui.templates
        .page(&ui, "getting_started.html", &chrome, &view)
}

/// `GET /{project}/getting-started/first-issue`: `{"url": "/issues/SHOP-1/", "title": ".."}`, nulls until there is one.
pub(super) async fn first_issue(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path(name): Path<String>,
) -> Result<Json<FirstIssue>, Problem> {
    let project = actor.project(&ui, &name).await?;
    Ok(Json(FirstIssue::of(&ui, &project).await?))
}

impl FirstIssue {
    async fn of(ui: &Ui, project: &Project) -> Result<Self, Problem> {
        let mut filter = IssueFilter::default();
        filter.projects.push(project.id);
        filter.limit = 1;
        let issues = ui.store.issues(&filter).await?.issues;
        let Some(issue) = issues.into_iter().next() else {
            return Ok(Self::default());
        };
        Ok(Self {
            url: Some(ui.site.link(&format!("/issues/{}/", issue.short_id))),
            title: Some(issue.title),
        })
    }
}

/// The DSN of a key; the bare key if the public URL is no web address, which the server refuses earlier.
pub(super) fn dsn(ui: &Ui, key: &ProjectKey) -> String {
    let dsn = Dsn::new(&ui.base_url, key.public_key, key.project_id);
    dsn.map_or_else(|_| key.public_key.to_string(), |dsn| dsn.to_string())
}
