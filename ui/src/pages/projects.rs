//! The list of projects.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::State;
use axum::response::Html;
use bugle_protocol::UnixMillis;
use bugle_store::{Project, StatusCounts};
use serde::Serialize;

use crate::Ui;
use crate::actor::Actor;
use crate::chrome::{Chrome, project_url};
use crate::problem::Problem;
use crate::when::When;

/// One day.
pub(super) const DAY: Duration = Duration::from_secs(24 * 3600);

/// The model of `projects.html`.
#[derive(Debug, Serialize)]
struct ProjectsView {
    rows: Vec<Row>,
}

/// A project.
#[derive(Debug, Serialize)]
struct Row {
    name: String,
    slug: String,
    url: String,
    counts: StatusCounts,
    /// Errors of the last 24 hours that were stored.
    accepted: i64,
    /// Errors of the last 24 hours that were not.
    dropped: i64,
    first_event: Option<When>,
}

/// `GET /projects/`
pub(super) async fn show(State(ui): State<Arc<Ui>>, actor: Actor) -> Result<Html<String>, Problem> {
    let now = UnixMillis::now();
    let mut rows = Vec::new();
    for project in ui.store.projects(actor.organization.id).await? {
        rows.push(row(&ui, project, now).await?);
    }
    let chrome = Chrome::new(&ui, &actor, None, "projects").await?;
    ui.templates
        .page(&ui, "projects.html", &chrome, &ProjectsView { rows })
}

async fn row(ui: &Ui, project: Project, now: UnixMillis) -> Result<Row, Problem> {
    let outcomes = ui.store.outcome_totals(project.id, now.before(DAY)).await?;
    let sum = |is_accepted: bool| {
        let errors = outcomes.iter().filter(|total| total.category == "error");
        let wanted = errors.filter(|total| (total.outcome == "accepted") == is_accepted);
        wanted.map(|total| total.quantity).sum()
    };
    Ok(Row {
        url: project_url(ui, &project),
        counts: ui.store.status_counts(project.id).await?,
        accepted: sum(true),
        dropped: sum(false),
        first_event: project.first_event_at.map(|time| When::new(time, now)),
        name: project.name,
        slug: project.slug,
    })
}
