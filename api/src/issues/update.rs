//! Changes of an issue's status, one by one or many at once.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use bugle_protocol::{IssueId, Json as Tree, json};
use bugle_store::{Issue, IssueFilter, IssueStatus, Project, Scope};
use serde::Serialize;

use super::shape::{IssueDetail, status_name};
use crate::error::shortened;
use crate::{ApiError, Call};

/// How many issues one call may change; each costs a write.
const MAX_ISSUES: usize = 1000;

/// What a call without a body that can be read hears.
const EXPECTED: &str = "expected a JSON object such as {\"status\": \"resolved\"}";

/// `PUT issues/{i}/`: answers with the issue as it is then.
pub(crate) async fn update(
    call: Call,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<IssueDetail>, ApiError> {
    call.require(Scope::EventWrite)?;
    let (project, issue) = call.issue().await?;
    if let Some(status) = wanted_status(body)? {
        call.api
            .store
            .set_issue_status(issue.id, status, call.now)
            .await?;
    }
    let changed = call.api.store.issue(issue.id).await?.unwrap_or(issue);
    super::detail_of(&call, &project, &changed).await
}

/// What many issues have in common now.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Updated {
    #[serde(skip_serializing_if = "Option::is_none")]
    status: Option<&'static str>,
    status_details: StatusDetails,
}

/// `{}`.
#[derive(Serialize)]
struct StatusDetails {}

/// `PUT projects/{o}/{p}/issues/`: the issues named by `id=`, else those that `status=` and `query=` match, else all.
pub(crate) async fn update_project_issues(
    call: Call,
    body: Result<Bytes, BytesRejection>,
) -> Result<Json<Updated>, ApiError> {
    call.require(Scope::EventWrite)?;
    let project = call.project().await?;
    let status = wanted_status(body)?;
    if let Some(status) = status {
        // All are found before the first is changed, so that a call which fails for its caller's fault changes nothing.
        for issue in chosen_issues(&call, &project).await? {
            call.api
                .store
                .set_issue_status(issue, status, call.now)
                .await?;
        }
    }
    Ok(Json(Updated {
        status: status.map(status_name),
        status_details: StatusDetails {},
    }))
}

/// Reads the body, of whatever content type; fields that only Sentry has are passed over.
fn wanted_status(body: Result<Bytes, BytesRejection>) -> Result<Option<IssueStatus>, ApiError> {
    let body = body.map_err(|error| ApiError::Invalid(error.body_text()))?;
    let Ok(Tree::Object(fields)) = json::parse(&body) else {
        return Err(ApiError::Invalid(EXPECTED.to_owned()));
    };
    let Some(status) = fields.get("status") else {
        return Ok(None);
    };
    let name = status.as_str().unwrap_or_default();
    name.parse().map(Some).map_err(|_| {
        ApiError::Invalid(format!(
            "unknown status '{}': expected unresolved, resolved, archived or ignored",
            shortened(name)
        ))
    })
}

async fn chosen_issues(call: &Call, project: &Project) -> Result<Vec<IssueId>, ApiError> {
    if call.all("id").next().is_some() {
        return named_issues(call, project).await;
    }
    let mut filter = super::all_issues(vec![project.id]);
    if let Some(name) = call.param("status").filter(|name| !name.is_empty()) {
        filter.status = Some(name.parse().map_err(ApiError::Invalid)?);
    }
    filter
        .search(call.param("query").unwrap_or_default(), call.now)
        .map_err(|error| ApiError::Invalid(format!("invalid query: {error}")))?;
    matching_issues(call, filter).await
}

async fn named_issues(call: &Call, project: &Project) -> Result<Vec<IssueId>, ApiError> {
    let mut ids = Vec::new();
    for name in call.all("id") {
        let id = name.parse::<IssueId>();
        let id = id.map_err(|_| ApiError::missing("issue", name))?;
        let issue = call.api.store.issue(id).await?;
        let is_here = |issue: &Issue| issue.project_id == project.id;
        if !issue.as_ref().is_some_and(is_here) {
            return Err(ApiError::missing("issue", name));
        }
        ids.push(id);
        refuse_too_many(&ids)?;
    }
    Ok(ids)
}

async fn matching_issues(call: &Call, mut filter: IssueFilter) -> Result<Vec<IssueId>, ApiError> {
    let mut ids = Vec::new();
    loop {
        let page = call.api.store.issues(&filter).await?;
        ids.extend(page.issues.iter().map(|issue| issue.id));
        refuse_too_many(&ids)?;
        if page.next.is_none() {
            return Ok(ids);
        }
        filter.cursor = page.next;
    }
}

fn refuse_too_many(ids: &[IssueId]) -> Result<(), ApiError> {
    if ids.len() <= MAX_ISSUES {
        return Ok(());
    }
    Err(ApiError::Invalid(format!(
        "more than {MAX_ISSUES} issues match: choose fewer by id, status or query"
    )))
}
