//! Projects.

use axum::Json;
use axum::response::Response;
use bugle_store::{Project, Scope};
use serde::Serialize;

use crate::organizations::OrganizationShape;
use crate::paging::Stretch;
use crate::{ApiError, Call};

/// A project.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct ProjectShape {
    id: String,
    slug: String,
    name: String,
    platform: Option<String>,
    date_created: String,
    first_event: Option<String>,
    is_bookmarked: bool,
    is_member: bool,
    has_access: bool,
    is_internal: bool,
    is_public: bool,
    status: &'static str,
    features: [&'static str; 0],
    /// There are no teams; sentry-cli wants the keys.
    team: Option<()>,
    teams: [(); 0],
    organization: OrganizationShape,
}

impl ProjectShape {
    fn new(project: Project, call: &Call) -> Self {
        Self {
            id: project.id.to_string(),
            slug: project.slug,
            name: project.name,
            platform: project.platform,
            date_created: project.created_at.to_rfc3339(),
            first_event: project.first_event_at.map(|at| at.to_rfc3339()),
            is_bookmarked: false,
            is_member: true,
            has_access: true,
            is_internal: false,
            is_public: false,
            status: "active",
            features: [],
            team: None,
            teams: [],
            organization: OrganizationShape::new(&call.organization, &call.api.base_url),
        }
    }
}

/// `GET organizations/{o}/projects/` and the older `GET projects/`.
pub(crate) async fn list(call: Call) -> Result<Response, ApiError> {
    call.require(Scope::ProjectRead)?;
    let projects = call.api.store.projects(call.organization.id).await?;
    let shapes = projects.into_iter().map(|p| ProjectShape::new(p, &call));
    Ok(Stretch::of(&call)?.cut(shapes).answer(&call))
}

/// `GET projects/{o}/{p}/`.
pub(crate) async fn detail(call: Call) -> Result<Json<ProjectShape>, ApiError> {
    call.require(Scope::ProjectRead)?;
    let project = call.project().await?;
    Ok(Json(ProjectShape::new(project, &call)))
}
