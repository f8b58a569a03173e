//! What users wrote: a list of a project's or of all projects', and the part of an event's page.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{Path, Query, State};
use axum::response::Html;
use bugle_protocol::{EventId, ProjectId, UnixMillis};
use bugle_store::{Feedback, FeedbackPage, IssueOfEvent, Project};
use serde::{Deserialize, Serialize};

use crate::Ui;
use crate::actor::Actor;
use crate::chrome::{Chrome, ProjectLink, project_url};
use crate::problem::Problem;
use crate::url::{as_link, with_query};
use crate::when::When;

/// Entries per page.
const PAGE_SIZE: u32 = 50;
/// The most that an event's page shows.
const MOST_OF_EVENT: u32 = 50;

/// What the address of the list says.
#[derive(Debug, Deserialize)]
pub(super) struct FeedbackQuery {
    /// Where the page begins; empty for the newest.
    #[serde(default)]
    cursor: String,
}

/// The model of `feedback.html`.
#[derive(Debug, Serialize)]
struct FeedbackView {
    title: String,
    rows: Vec<FeedbackRow>,
    /// Whether it is a page behind the first, which may be empty although there is feedback.
    is_later: bool,
    first: String,
    newer: Option<String>,
    older: Option<String>,
}

/// What a user wrote.
#[derive(Debug, Serialize)]
pub(super) struct FeedbackRow {
    message: String,
    name: Option<String>,
    email: Option<String>,
    when: When,
    source: Option<String>,
    environment: Option<String>,
    release: Option<String>,
    /// The page it was written on, as the client said.
    page: Option<String>,
    /// The same if it may become a link.
    page_href: Option<String>,
    /// Its project, in a list over several.
    project: Option<ProjectLink>,
    /// The event it is about, as a link if that is stored.
    event: Option<About>,
}

/// An event that feedback is about.
#[derive(Debug, Serialize)]
struct About {
    id: String,
    issue: Option<IssueLink>,
}

/// An event's issue.
#[derive(Debug, Serialize)]
struct IssueLink {
    url: String,
    short_id: String,
    title: String,
}

/// `GET /{project}/feedback/`
pub(super) async fn of_project(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path(name): Path<String>,
    Query(query): Query<FeedbackQuery>,
) -> Result<Html<String>, Problem> {
    let project = actor.project(&ui, &name).await?;
    let projects = std::slice::from_ref(&project);
    page(&ui, &actor, projects, Some(&project), query).await
}

/// `GET /feedback/`
pub(super) async fn of_all(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Query(query): Query<FeedbackQuery>,
) -> Result<Html<String>, Problem> {
    let projects = ui.store.projects(actor.organization.id).await?;
    page(&ui, &actor, &projects, None, query).await
}

async fn page(
    ui: &Ui,
    actor: &Actor,
    projects: &[Project],
    project: Option<&Project>,
    query: FeedbackQuery,
) -> Result<Html<String>, Problem> {
    let ids: Vec<ProjectId> = projects.iter().map(|project| project.id).collect();
    let cursor = query.cursor.parse().ok();
    let page = ui.store.feedback(&ids, cursor, PAGE_SIZE).await?;
    let path = project.map_or_else(
        || ui.site.link("/feedback/"),
        |project| format!("{}feedback/", project_url(ui, project)),
    );
    let turn = |cursor: String| with_query(&path, &[("cursor", &cursor)]);
    let view = FeedbackView {
        title: project
            .map_or("all projects", |project| &project.name)
            .to_owned(),
        newer: page.previous.map(|cursor| turn(cursor.to_string())),
        older: page.next.map(|cursor| turn(cursor.to_string())),
        rows: rows(ui, page, projects, project.is_none()).await?,
        is_later: cursor.is_some(),
        first: path,
    };
    let chrome = Chrome::new(ui, actor, project, "feedback").await?;
    ui.templates.page(ui, "feedback.html", &chrome, &view)
}

async fn rows(
    ui: &Ui,
    page: FeedbackPage,
    projects: &[Project],
    is_mixed: bool,
) -> Result<Vec<FeedbackRow>, Problem> {
    let now = UnixMillis::now();
    let events: Vec<(ProjectId, EventId)> = page
        .feedback
        .iter()
        .filter_map(|one| Some((one.project_id, one.event_id?)))
        .collect();
    let issues = ui.store.issues_of_events(&events).await?;
    let row = |one: Feedback| {
        let project = projects.iter().find(|p| is_mixed && p.id == one.project_id);
        let project = project.map(|project| ProjectLink::new(ui, project));
        let event = one
            .event_id
            .map(|id| About::new(ui, one.project_id, id, &issues));
        FeedbackRow::new(one, project, event, now)
    };
    Ok(page.feedback.into_iter().map(row).collect())
}

/// What users wrote about an event.
///
/// # Errors
/// [`Problem::Store`].
pub(super) async fn of_event(
    ui: &Ui,
    project: ProjectId,
    event: EventId,
    now: UnixMillis,
) -> Result<Vec<FeedbackRow>, Problem> {
    let found = ui
        .store
        .feedback_of_event(project, event, MOST_OF_EVENT)
        .await?;
    let found = found.into_iter();
    Ok(found
        .map(|one| FeedbackRow::new(one, None, None, now))
        .collect())
}

impl About {
    fn new(
        ui: &Ui,
        project: ProjectId,
        event: EventId,
        issues: &HashMap<(ProjectId, EventId), IssueOfEvent>,
    ) -> Self {
        let issue = issues.get(&(project, event)).cloned();
        Self {
            issue: issue.map(|issue| IssueLink {
                url: ui
                    .site
                    .link(&format!("/issues/{}/events/{event}/", issue.short_id)),
                short_id: issue.short_id,
                title: issue.title,
            }),
            id: event.to_string(),
        }
    }
}

impl FeedbackRow {
    fn new(
        feedback: Feedback,
        project: Option<ProjectLink>,
        event: Option<About>,
        now: UnixMillis,
    ) -> Self {
        Self {
            when: When::new(feedback.created_at, now),
            name: told(feedback.name),
            email: told(feedback.email),
            source: told(feedback.source),
            environment: told(feedback.environment),
            release: told(feedback.release),
            page_href: feedback.url.as_deref().and_then(as_link).map(str::to_owned),
            page: told(feedback.url),
            message: feedback.message,
            project,
            event,
        }
    }
}

/// Nothing where the text is blank.
fn told(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}
