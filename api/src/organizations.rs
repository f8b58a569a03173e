//! The root of the API, and the one organisation that a token sees.

use axum::Json;
use axum::response::Response;
use bugle_store::{Organization, Scope};
use serde::Serialize;

use crate::paging::Stretch;
use crate::{ApiError, Call};

/// `GET /api/0/`.
#[derive(Serialize)]
pub(crate) struct Index {
    version: &'static str,
    auth: Auth,
    /// A token speaks for an organisation, not for a person.
    user: Option<()>,
}

#[derive(Serialize)]
struct Auth {
    scopes: Vec<&'static str>,
}

/// An organisation; sentry-cli refuses one without any of the fields up to `features`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct OrganizationShape {
    id: String,
    slug: String,
    name: String,
    date_created: String,
    is_early_adopter: bool,
    require_email_verification: bool,
    #[serde(rename = "require2FA")]
    require_2fa: bool,
    features: [&'static str; 0],
    status: Status,
    links: Links,
}

#[derive(Serialize)]
struct Status {
    id: &'static str,
    name: &'static str,
}

#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct Links {
    organization_url: String,
    region_url: String,
}

impl OrganizationShape {
    /// The organisation as seen at `base_url`.
    pub(crate) fn new(organization: &Organization, base_url: &str) -> Self {
        let base_url = base_url.trim_end_matches('/');
        Self {
            id: organization.id.to_string(),
            slug: organization.slug.clone(),
            name: organization.name.clone(),
            date_created: organization.created_at.to_rfc3339(),
            is_early_adopter: false,
            require_email_verification: false,
            require_2fa: false,
            features: [],
            status: Status {
                id: "active",
                name: "active",
            },
            links: Links {
                organization_url: base_url.to_owned(),
                region_url: base_url.to_owned(),
            },
        }
    }

    fn of(call: &Call) -> Self {
        Self::new(&call.organization, &call.api.base_url)
    }
}

/// `GET /api/0/`: what sentry-cli asks to try a token.
pub(crate) async fn index(call: Call) -> Json<Index> {
    let scopes = call.scopes().iter().map(|scope| scope.as_str()).collect();
    Json(Index {
        version: "0",
        auth: Auth { scopes },
        user: None,
    })
}

/// `GET organizations/`.
pub(crate) async fn list(call: Call) -> Result<Response, ApiError> {
    call.require(Scope::OrgRead)?;
    let page = Stretch::of(&call)?.cut([OrganizationShape::of(&call)]);
    Ok(page.answer(&call))
}

/// `GET organizations/{o}/`.
pub(crate) async fn detail(call: Call) -> Result<Json<OrganizationShape>, ApiError> {
    call.require(Scope::OrgRead)?;
    Ok(Json(OrganizationShape::of(&call)))
}
