//! Issues: lists, single ones, and their status.

mod list;
mod shape;
mod stats;
mod update;

use axum::Json;
use bugle_protocol::ProjectId;
use bugle_store::{Issue, IssueFilter, Project, Scope};

pub(crate) use list::{chosen_projects, organization_issues, project_issues};
pub(crate) use shape::Release;
use shape::{IssueDetail, IssueShape};
use stats::{Span, hours_of};
pub(crate) use update::{update, update_project_issues};

use crate::paging::MAX_ROWS;
use crate::{ApiError, Call};

/// `GET issues/{i}/`.
pub(crate) async fn detail(call: Call) -> Result<Json<IssueDetail>, ApiError> {
    call.require(Scope::EventRead)?;
    let (project, issue) = call.issue().await?;
    detail_of(&call, &project, &issue).await
}

async fn detail_of(
    call: &Call,
    project: &Project,
    issue: &Issue,
) -> Result<Json<IssueDetail>, ApiError> {
    let span = Span::Day;
    let hours = hours_of(call, std::slice::from_ref(issue), span).await?;
    let stats = span.stats(hours.get(&issue.id), call.now);
    let shape = IssueShape::new(issue, project, stats, &call.api.base_url);
    Ok(Json(IssueDetail::new(shape, issue)))
}

/// A filter that lets all issues of some projects pass, a hundred at a time.
pub(crate) fn all_issues(projects: Vec<ProjectId>) -> IssueFilter {
    let mut filter = IssueFilter::default();
    filter.projects = projects;
    filter.limit = MAX_ROWS;
    filter
}
