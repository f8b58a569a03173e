//! Lists of issues, of a project and of an organisation.

use std::collections::HashMap;

use axum::response::Response;
use bugle_protocol::{ProjectId, UnixMillis};
use bugle_store::{Cursor, IssueFilter, IssuePage, IssueStatus, Project, Scope, StoreError};

use super::shape::IssueShape;
use super::stats::{Span, hours_of};
use crate::paging::{Neighbour, Page, cursor, row_limit};
use crate::range::{bad_period, parse_period, time};
use crate::{ApiError, Call};

/// What a list without `query` shows.
const DEFAULT_QUERY: &str = "is:unresolved";

/// `GET projects/{o}/{p}/issues/`: `statsPeriod` only sets the length of the charts.
pub(crate) async fn project_issues(call: Call) -> Result<Response, ApiError> {
    call.require(Scope::EventRead)?;
    let project = call.project().await?;
    if let Some(period) = call
        .param("statsPeriod")
        .filter(|period| !period.is_empty())
    {
        parse_period(period).ok_or_else(|| bad_period(period))?;
    }
    let filter = filter(&call, vec![project.id])?;
    let hits = hits(&call, project.id).await?;
    let mut page = page(&call, &[project], &filter, "statsPeriod").await?;
    page.hits = hits;
    Ok(page.answer(&call))
}

/// `GET organizations/{o}/issues/`: `statsPeriod`, or `start` and `end`, also leave out issues that had no event then.
pub(crate) async fn organization_issues(call: Call) -> Result<Response, ApiError> {
    call.require(Scope::EventRead)?;
    let projects = chosen_projects(&call).await?;
    let mut filter = filter(&call, projects.iter().map(|project| project.id).collect())?;
    narrow_to_period(&call, &mut filter)?;
    let page = page(&call, &projects, &filter, "groupStatsPeriod").await?;
    Ok(page.answer(&call))
}

/// The projects that `project=` names by id or slug; all without it, or for Sentry's -1.
pub(crate) async fn chosen_projects(call: &Call) -> Result<Vec<Project>, ApiError> {
    let all = call.api.store.projects(call.organization.id).await?;
    let names: Vec<_> = call
        .all("project")
        .filter(|name| !name.is_empty())
        .collect();
    if names.is_empty() || names.contains(&"-1") {
        return Ok(all);
    }
    let is = |project: &Project, name: &str| project.slug == name || name.parse() == Ok(project.id);
    if let Some(name) = names.iter().find(|name| !all.iter().any(|p| is(p, name))) {
        return Err(ApiError::missing("project", name));
    }
    let chosen = |project: &Project| names.iter().any(|name| is(project, name));
    Ok(all.into_iter().filter(chosen).collect())
}

/// What is asked for beside the project and the time.
fn filter(call: &Call, projects: Vec<ProjectId>) -> Result<IssueFilter, ApiError> {
    refuse_what_is_not_kept(call)?;
    let cursor = cursor(call).map(str::parse::<Cursor>).transpose();
    let mut filter = super::all_issues(projects);
    filter.cursor = cursor.map_err(ApiError::Invalid)?;
    filter.limit = row_limit(call)?;
    let query = call.param("query").unwrap_or(DEFAULT_QUERY);
    filter
        .search(query, call.now)
        .map_err(|error| ApiError::Invalid(format!("invalid query: {error}")))?;
    Ok(filter)
}

/// An order or a subset that is not kept must not look as if it were.
fn refuse_what_is_not_kept(call: &Call) -> Result<(), ApiError> {
    if call
        .param("sort")
        .is_some_and(|sort| !matches!(sort, "" | "date"))
    {
        return Err(ApiError::Invalid(
            "issues can only be sorted by date".to_owned(),
        ));
    }
    if call.all("environment").any(|name| !name.is_empty()) {
        return Err(ApiError::Invalid(
            "issues cannot be filtered by environment".to_owned(),
        ));
    }
    Ok(())
}

fn narrow_to_period(call: &Call, filter: &mut IssueFilter) -> Result<(), ApiError> {
    let given = |key| call.param(key).filter(|text| !text.is_empty());
    if let Some(text) = given("statsPeriod") {
        let period = parse_period(text).ok_or_else(|| bad_period(text))?;
        narrow(filter, "lastSeen:>=", call.now.before(period), call.now)?;
    }
    if let Some(text) = given("start") {
        narrow(filter, "lastSeen:>=", time(text)?, call.now)?;
    }
    if let Some(text) = given("end") {
        narrow(filter, "firstSeen:<=", time(text)?, call.now)?;
    }
    Ok(())
}

fn narrow(
    filter: &mut IssueFilter,
    condition: &str,
    time: UnixMillis,
    now: UnixMillis,
) -> Result<(), ApiError> {
    filter
        .search(&format!("{condition}{time}"), now)
        .map(drop)
        .map_err(|error| ApiError::Invalid(error.to_string()))
}

/// Reads the issues and their charts, whose length the parameter `period` sets.
async fn page(
    call: &Call,
    projects: &[Project],
    filter: &IssueFilter,
    period: &str,
) -> Result<Page<IssueShape>, ApiError> {
    let span = Span::of(call.param(period));
    let found = call.api.store.issues(filter).await?;
    let hours = hours_of(call, &found.issues, span).await?;
    let projects: HashMap<_, _> = projects.iter().map(|p| (p.id, p)).collect();
    let shapes = found.issues.iter().filter_map(|issue| {
        let stats = span.stats(hours.get(&issue.id), call.now);
        let project = projects.get(&issue.project_id)?;
        Some(IssueShape::new(issue, project, stats, &call.api.base_url))
    });
    let rows = shapes.collect();
    let (previous, next) = neighbours(&found, filter.cursor);
    Ok(Page {
        rows,
        previous,
        next,
        hits: None,
    })
}

/// The cursors beside a page. Where there is nothing yet they still lead from its edge, so that a client can poll for
/// what is new.
fn neighbours(page: &IssuePage, asked: Option<Cursor>) -> (Neighbour, Neighbour) {
    let edge = |found: Option<Cursor>, issue: Option<&bugle_store::Issue>, backwards| {
        let edge = issue.map(|issue| Cursor {
            last_seen: issue.last_seen,
            id: issue.id,
            backwards,
        });
        let cursor = found.or(edge).or(asked.map(|cursor| Cursor {
            backwards,
            ..cursor
        }));
        Neighbour {
            cursor: cursor
                .map_or_else(|| format!("0:0:{}", u8::from(backwards)), |c| c.to_string()),
            has_results: found.is_some(),
        }
    };
    (
        edge(page.previous, page.issues.first(), true),
        edge(page.next, page.issues.last(), false),
    )
}

/// The number of issues of all pages, for the searches that need no counting: none, or a status alone.
async fn hits(call: &Call, project: ProjectId) -> Result<Option<i64>, StoreError> {
    let query = call.param("query").unwrap_or(DEFAULT_QUERY).trim();
    let status = match query.strip_prefix("is:").map(str::parse::<IssueStatus>) {
        None if query.is_empty() => None,
        Some(Ok(status)) => Some(status),
        _ => return Ok(None),
    };
    let counts = call.api.store.status_counts(project).await?;
    Ok(Some(match status {
        None => counts.unresolved + counts.resolved + counts.archived,
        Some(IssueStatus::Unresolved) => counts.unresolved,
        Some(IssueStatus::Resolved) => counts.resolved,
        Some(IssueStatus::Archived) => counts.archived,
    }))
}
