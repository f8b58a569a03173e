//! The list of issues, of one project or of all.

use std::collections::HashMap;
use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Query, State};
use axum::http::request::Parts;
use axum::response::Html;
use bugle_protocol::{ProjectId, UnixMillis};
use bugle_store::{
    Issue, IssueFilter, IssuePage, IssueStatus, IssueSubstatus, Project, StatusCounts,
};
use serde::{Deserialize, Serialize};

use crate::Ui;
use crate::actor::Actor;
use crate::chart::{self, Chart};
use crate::chrome::{Chrome, project_url};
use crate::problem::Problem;
use crate::url::with_query;
use crate::when::When;

/// Issues per page.
const PAGE_SIZE: u32 = 50;
/// The longest line of blanks and marks below a search.
const LONGEST_CARET: usize = 1000;

/// What the address of a list says.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct ListQuery {
    /// The tab.
    status: String,
    /// The search.
    query: String,
    /// The page.
    cursor: String,
}

impl FromRequestParts<Arc<Ui>> for ListQuery {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, ui: &Arc<Ui>) -> Result<Self, Problem> {
        let query = Query::<Self>::from_request_parts(parts, ui).await;
        query
            .map(|Query(query)| query)
            .map_err(|rejection| Problem::Unusable(rejection.status()))
    }
}

/// The model of `issues.html`.
#[derive(Debug, Serialize)]
struct ListView {
    title: String,
    tabs: Vec<Tab>,
    /// The search as it was typed.
    query: String,
    /// The tab, for the search form.
    status: &'static str,
    error: Option<SearchError>,
    rows: Vec<Row>,
    newer: Option<String>,
    older: Option<String>,
    /// This list, to come back to.
    here: String,
    /// Whether the rows have to say which project they are of.
    is_mixed: bool,
    empty: Option<Empty>,
}

/// A tab.
#[derive(Debug, Serialize)]
struct Tab {
    name: &'static str,
    count: i64,
    url: String,
    is_active: bool,
}

/// What is wrong with a search.
#[derive(Debug, Serialize)]
struct SearchError {
    message: String,
    /// Blanks up to what is wrong, then marks below it.
    caret: Option<String>,
}

/// Why there is no row.
#[derive(Debug, Serialize)]
struct Empty {
    /// `projects`, `waiting`, `search`, `page` or `tab`.
    reason: &'static str,
    /// Where to go next.
    url: String,
}

/// An issue.
#[derive(Debug, Serialize)]
struct Row {
    id: i64,
    short_id: String,
    url: String,
    project: String,
    title: String,
    culprit: String,
    level: &'static str,
    is_unhandled: bool,
    badge: Option<&'static str>,
    events: i64,
    users: i64,
    first: When,
    last: When,
    chart: Chart,
}

/// `GET /{project}/issues/`
pub(super) async fn of_project(
    State(ui): State<Arc<Ui>>,
    actor: Actor,
    Path(name): Path<String>,
    query: ListQuery,
) -> Result<Html<String>, Problem> {
    let project = actor.project(&ui, &name).await?;
    page(
        &ui,
        &actor,
        std::slice::from_ref(&project),
        Some(&project),
        query,
    )
    .await
}

/// The list of the issues of `projects`; `project` is the one whose page this is, none for the list over all.
///
/// # Errors
/// [`Problem::Store`].
pub(super) async fn page(
    ui: &Ui,
    actor: &Actor,
    projects: &[Project],
    project: Option<&Project>,
    query: ListQuery,
) -> Result<Html<String>, Problem> {
    let now = UnixMillis::now();
    let list = List::new(ui, projects, project, query, now);
    let page = ui.store.issues(&list.filter).await?;
    let counts = counts(ui, projects).await?;
    let rows = rows(ui, projects, &page.issues, now).await?;
    let view = list.into_view(rows, &page, counts);
    let chrome = Chrome::new(ui, actor, project, "issues").await?;
    ui.templates.page(ui, "issues.html", &chrome, &view)
}

/// A list while it is put together.
struct List {
    path: String,
    title: String,
    query: ListQuery,
    filter: IssueFilter,
    /// The tab; none if the search says which status is wanted.
    status: Option<IssueStatus>,
    error: Option<SearchError>,
    first_steps: Option<Empty>,
    is_mixed: bool,
}

impl List {
    fn new(
        ui: &Ui,
        projects: &[Project],
        project: Option<&Project>,
        query: ListQuery,
        now: UnixMillis,
    ) -> Self {
        let mut filter = IssueFilter::default();
        filter.projects = projects.iter().map(|project| project.id).collect();
        filter.cursor = query.cursor.parse().ok();
        filter.limit = PAGE_SIZE;
        let (status, error) = search(&mut filter, &query, now);
        filter.status = status;
        let path = project.map_or_else(
            || ui.site.link("/"),
            |project| format!("{}issues/", project_url(ui, project)),
        );
        Self {
            path,
            title: project
                .map_or("All projects", |project| &project.name)
                .to_owned(),
            query,
            filter,
            status,
            error,
            first_steps: first_steps(ui, projects, project),
            is_mixed: project.is_none(),
        }
    }

    fn url(&self, status: &str, cursor: &str) -> String {
        let pairs = [
            ("status", status),
            ("query", &self.query.query),
            ("cursor", cursor),
        ];
        with_query(&self.path, &pairs)
    }

    fn status_name(&self) -> &'static str {
        self.status.map_or("", IssueStatus::as_str)
    }

    fn into_view(self, rows: Vec<Row>, page: &IssuePage, counts: StatusCounts) -> ListView {
        let status = self.status_name();
        let turn = |cursor: &bugle_store::Cursor| self.url(status, &cursor.to_string());
        let is_shown = rows.is_empty() && self.error.is_none();
        let empty = is_shown.then(|| self.empty()).flatten();
        ListView {
            tabs: self.tabs(counts),
            status,
            newer: page.previous.as_ref().map(turn),
            older: page.next.as_ref().map(turn),
            here: self.url(status, &self.query.cursor),
            empty: empty.or(self.first_steps),
            rows,
            title: self.title,
            query: self.query.query,
            error: self.error,
            is_mixed: self.is_mixed,
        }
    }

    fn tabs(&self, counts: StatusCounts) -> Vec<Tab> {
        let tab = |status: IssueStatus| Tab {
            name: status.as_str(),
            count: match status {
                IssueStatus::Unresolved => counts.unresolved,
                IssueStatus::Resolved => counts.resolved,
                IssueStatus::Archived => counts.archived,
            },
            // Another tab with the same search; a search that names a status would contradict the tab.
            url: match self.status {
                Some(_) => self.url(status.as_str(), ""),
                None => with_query(&self.path, &[("status", status.as_str())]),
            },
            is_active: self.status == Some(status),
        };
        IssueStatus::ALL.into_iter().map(tab).collect()
    }

    /// Why the list is empty, unless it is because there was never anything.
    fn empty(&self) -> Option<Empty> {
        if self.first_steps.is_some() {
            return None;
        }
        let (reason, url) = if !self.query.cursor.is_empty() {
            ("page", self.url(self.status_name(), ""))
        } else if !self.query.query.trim().is_empty() {
            ("search", self.path.clone())
        } else {
            ("tab", self.path.clone())
        };
        Some(Empty { reason, url })
    }
}

/// Narrows the filter by the search, and says which tab that is and what is wrong with it. A search that cannot be
/// understood matches nothing; one that names a status itself belongs to no tab.
fn search(
    filter: &mut IssueFilter,
    query: &ListQuery,
    now: UnixMillis,
) -> (Option<IssueStatus>, Option<SearchError>) {
    let tab = query.status.parse().unwrap_or(IssueStatus::Unresolved);
    match filter.search(&query.query, now) {
        Ok(true) => (None, None),
        Ok(false) => (Some(tab), None),
        Err(error) => {
            filter.projects.clear();
            let message = error.problem.to_string();
            let error = SearchError::new(message, error.column, error.width);
            (Some(tab), Some(error))
        }
    }
}

impl SearchError {
    /// Marks `width` characters from `column`, counted from 1. A search that is too long to be read is too long for that.
    fn new(message: String, column: usize, width: usize) -> Self {
        let is_near = column.saturating_add(width) <= LONGEST_CARET;
        let before = " ".repeat(column.saturating_sub(1).min(LONGEST_CARET));
        let caret = is_near.then(|| format!("{before}{}", "^".repeat(width.max(1))));
        Self { message, caret }
    }
}

/// What a list without any event says first.
fn first_steps(ui: &Ui, projects: &[Project], project: Option<&Project>) -> Option<Empty> {
    if projects.is_empty() {
        let url = ui.site.link("/projects/");
        return Some(Empty {
            reason: "projects",
            url,
        });
    }
    let project = project.filter(|project| project.first_event_at.is_none())?;
    Some(Empty {
        reason: "waiting",
        url: format!("{}getting-started/", project_url(ui, project)),
    })
}

async fn counts(ui: &Ui, projects: &[Project]) -> Result<StatusCounts, Problem> {
    let mut sum = StatusCounts::default();
    for project in projects {
        let counts = ui.store.status_counts(project.id).await?;
        sum.unresolved += counts.unresolved;
        sum.resolved += counts.resolved;
        sum.archived += counts.archived;
    }
    Ok(sum)
}

async fn rows(
    ui: &Ui,
    projects: &[Project],
    issues: &[Issue],
    now: UnixMillis,
) -> Result<Vec<Row>, Problem> {
    let keys: Vec<_> = issues
        .iter()
        .map(|issue| (issue.project_id, issue.id))
        .collect();
    let hours = ui.store.issue_hours(&keys, chart::since(now)).await?;
    let names: HashMap<ProjectId, &str> = projects
        .iter()
        .map(|project| (project.id, project.name.as_str()))
        .collect();
    let row = |issue: &Issue| {
        let hours = hours.get(&issue.id).map(Vec::as_slice).unwrap_or_default();
        let project = names.get(&issue.project_id).copied().unwrap_or_default();
        Row::new(ui, issue, project, Chart::new(hours, now), now)
    };
    Ok(issues.iter().map(row).collect())
}

impl Row {
    fn new(ui: &Ui, issue: &Issue, project: &str, chart: Chart, now: UnixMillis) -> Self {
        Self {
            id: issue.id.0,
            short_id: issue.short_id.clone(),
            url: ui.site.link(&format!("/issues/{}/", issue.short_id)),
            project: project.to_owned(),
            title: issue.title.clone(),
            culprit: issue.culprit.clone(),
            level: issue.level.as_str(),
            is_unhandled: issue.is_unhandled,
            badge: badge(issue),
            events: issue.event_count,
            users: issue.user_count,
            first: When::new(issue.first_seen, now),
            last: When::new(issue.last_seen, now),
            chart,
        }
    }
}

/// What is worth saying of how an unresolved issue came to be so.
pub(super) fn badge(issue: &Issue) -> Option<&'static str> {
    match (issue.status, issue.substatus) {
        (IssueStatus::Unresolved, IssueSubstatus::New) => Some("new"),
        (IssueStatus::Unresolved, IssueSubstatus::Regressed) => Some("regressed"),
        _ => None,
    }
}
