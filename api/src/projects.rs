//! Projects and their keys.

use axum::Json;
use axum::response::Response;
use bugle_protocol::Dsn;
use bugle_store::{Project, ProjectKey, Scope};
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

/// A client key.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct KeyShape {
    /// Sentry's id of a key is its public half.
    id: String,
    name: String,
    label: String,
    public: String,
    /// Keys have had no second half for years; the field stays.
    secret: Option<()>,
    project_id: i64,
    is_active: bool,
    rate_limit: Option<()>,
    date_created: String,
    dsn: DsnShape,
}

#[derive(Serialize)]
struct DsnShape {
    public: String,
    secret: String,
}

impl KeyShape {
    fn new(key: ProjectKey, base_url: &str) -> Self {
        // A base that is no web address cannot be part of a DSN.
        let dsn = Dsn::new(base_url, key.public_key, key.project_id);
        let dsn = dsn.map(|dsn| dsn.to_string()).unwrap_or_default();
        Self {
            id: key.public_key.to_string(),
            name: key.label.clone(),
            label: key.label,
            public: key.public_key.to_string(),
            secret: None,
            project_id: key.project_id.0,
            is_active: key.is_active,
            rate_limit: None,
            date_created: key.created_at.to_rfc3339(),
            dsn: DsnShape {
                public: dsn.clone(),
                secret: dsn,
            },
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

/// `GET projects/{o}/{p}/keys/`.
pub(crate) async fn keys(call: Call) -> Result<Response, ApiError> {
    call.require(Scope::ProjectRead)?;
    let project = call.project().await?;
    let keys = call.api.store.project_keys(project.id).await?;
    let shapes = keys
        .into_iter()
        .map(|key| KeyShape::new(key, &call.api.base_url));
    Ok(Stretch::of(&call)?.cut(shapes).answer(&call))
}
