//! A call: who asks for what. Handlers find the things that a path names through it, and only those they may see.

use std::sync::Arc;

use axum::extract::{FromRequestParts, Path, Query};
use axum::http::request::Parts;
use axum::http::{HeaderMap, header};
use bugle_protocol::{EventId, IssueId, ProjectId, UnixMillis};
use bugle_store::{ApiToken, Issue, Organization, Project, Scope};

use crate::error::shortened;
use crate::{Api, ApiError};

/// An authenticated request without its body.
pub(crate) struct Call {
    pub(crate) api: Arc<Api>,
    /// When the request came in.
    pub(crate) now: UnixMillis,
    /// The path as it was sent, still encoded: what a link to another page repeats.
    pub(crate) path: String,
    /// The organisation of the token.
    pub(crate) organization: Organization,
    token: ApiToken,
    names: Vec<(String, String)>,
    params: Vec<(String, String)>,
}

impl FromRequestParts<Arc<Api>> for Call {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, api: &Arc<Api>) -> Result<Self, ApiError> {
        let now = UnixMillis::now();
        let text = bearer(&parts.headers).ok_or(ApiError::Unauthorized(
            "authentication credentials were not provided",
        ))?;
        let token = api.store.token(text, now).await?;
        let token = token.ok_or(ApiError::Unauthorized("invalid token"))?;
        let Path(names) = Path::from_request_parts(parts, api)
            .await
            .map_err(|error| ApiError::Invalid(error.body_text()))?;
        let Query(params) = Query::try_from_uri(&parts.uri)
            .map_err(|error| ApiError::Invalid(error.body_text()))?;
        let organizations = api.store.organizations().await?;
        let organization = organizations
            .into_iter()
            .find(|organization| organization.id == token.organization_id)
            .ok_or(ApiError::Unauthorized("invalid token"))?;
        let call = Self {
            api: Arc::clone(api),
            now,
            path: parts.uri.path().to_owned(),
            organization,
            token,
            names,
            params,
        };
        call.check_organization()?;
        Ok(call)
    }
}

fn bearer(headers: &HeaderMap) -> Option<&str> {
    let value = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, token) = value.split_once(' ')?;
    scheme.eq_ignore_ascii_case("bearer").then(|| token.trim())
}

impl Call {
    /// A path that names an organisation other than the token's leads nowhere.
    fn check_organization(&self) -> Result<(), ApiError> {
        let Some(name) = self.named("organization") else {
            return Ok(());
        };
        if name == self.organization.slug || name.parse() == Ok(self.organization.id) {
            return Ok(());
        }
        Err(ApiError::missing("organization", name))
    }

    /// Refuses the call if the token may not do this.
    pub(crate) fn require(&self, scope: Scope) -> Result<(), ApiError> {
        if self.token.scopes.contains(&scope) {
            return Ok(());
        }
        Err(ApiError::Forbidden(scope))
    }

    /// What the token may do.
    pub(crate) fn scopes(&self) -> &[Scope] {
        &self.token.scopes
    }

    fn named(&self, place: &str) -> Option<&str> {
        let name = self.names.iter().find(|(key, _)| key == place);
        name.map(|(_, name)| name.as_str())
    }

    /// The first value of a query parameter.
    pub(crate) fn param(&self, key: &str) -> Option<&str> {
        self.all(key).next()
    }

    /// All values of a query parameter.
    pub(crate) fn all(&self, key: &str) -> impl Iterator<Item = &str> {
        self.params
            .iter()
            .filter(move |(name, _)| name == key)
            .map(|(_, value)| value.as_str())
    }

    /// All query parameters in order.
    pub(crate) fn params(&self) -> &[(String, String)] {
        &self.params
    }

    /// The project that the path names by slug or id.
    pub(crate) async fn project(&self) -> Result<Project, ApiError> {
        let name = self.named("project").unwrap_or_default();
        let project = match name.parse::<ProjectId>() {
            Ok(id) => self.own_project(id).await?,
            Err(_) => {
                let organization = self.organization.id;
                self.api.store.project_by_slug(organization, name).await?
            }
        };
        project.ok_or_else(|| ApiError::missing("project", name))
    }

    /// A project of the caller's organisation.
    async fn own_project(&self, id: ProjectId) -> Result<Option<Project>, ApiError> {
        let project = self.api.store.project(id).await?;
        Ok(project.filter(|project| project.organization_id == self.organization.id))
    }

    /// The issue that the path names by id or short id, with its project.
    pub(crate) async fn issue(&self) -> Result<(Project, Issue), ApiError> {
        let name = self.named("issue").unwrap_or_default();
        let found = match name.parse::<IssueId>() {
            Ok(id) => self.issue_by_id(id).await?,
            Err(_) => self.issue_by_short_id(name).await?,
        };
        found.ok_or_else(|| ApiError::missing("issue", name))
    }

    async fn issue_by_id(&self, id: IssueId) -> Result<Option<(Project, Issue)>, ApiError> {
        let Some(issue) = self.api.store.issue(id).await? else {
            return Ok(None);
        };
        let project = self.own_project(issue.project_id).await?;
        Ok(project.map(|project| (project, issue)))
    }

    /// `SHOP-12` is issue 12 of the project `shop`, whose slug may have dashes itself.
    async fn issue_by_short_id(&self, name: &str) -> Result<Option<(Project, Issue)>, ApiError> {
        let Some((slug, number)) = name.rsplit_once('-') else {
            return Ok(None);
        };
        let Ok(number) = number.parse() else {
            return Ok(None);
        };
        let (store, slug) = (&self.api.store, slug.to_lowercase());
        let Some(project) = store.project_by_slug(self.organization.id, &slug).await? else {
            return Ok(None);
        };
        let issue = store.issue_by_short_id(project.id, number).await?;
        Ok(issue.map(|issue| (project, issue)))
    }

    /// What the path says of an event: `latest`, `oldest` or an id.
    pub(crate) fn event_name(&self) -> &str {
        self.named("event").unwrap_or_default()
    }

    /// The event id in the path.
    pub(crate) fn event_id(&self) -> Result<EventId, ApiError> {
        let name = self.event_name();
        name.parse()
            .map_err(|error| ApiError::Invalid(format!("'{}': {error}", shortened(name))))
    }

    /// What the path says of a client key: its public half.
    pub(crate) fn key_name(&self) -> &str {
        self.named("key").unwrap_or_default()
    }

    /// What the path says of a filter: its id.
    pub(crate) fn filter_name(&self) -> &str {
        self.named("filter").unwrap_or_default()
    }

    /// What the path says of an attachment: an id.
    pub(crate) fn attachment_name(&self) -> &str {
        self.named("attachment").unwrap_or_default()
    }
}
