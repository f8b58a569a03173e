#![doc = include_str!("../README.md")]

mod call;
mod error;
mod events;
mod issues;
mod organizations;
mod paging;
mod projects;

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, any, get};
use bugle_store::Store;

use crate::call::Call;
use crate::error::ApiError;

/// What the web API needs.
#[derive(Clone, Debug)]
pub struct Api {
    /// Where everything is kept.
    pub store: Store,
    /// The public address, such as `https://errors.example.com/prefix`, for the links in answers.
    pub base_url: String,
}

/// The routes of the API; all begin with `/api/0/`, and everything below that they do not know is a JSON 404.
pub fn router(api: Arc<Api>) -> Router {
    let project = "/api/0/projects/{organization}/{project}";
    let issues = get(issues::project_issues).put(issues::update_project_issues);
    let mut routes = vec![
        ("/api/0".to_owned(), get(organizations::index)),
        ("/api/0/organizations".to_owned(), get(organizations::list)),
        (
            "/api/0/organizations/{organization}".to_owned(),
            get(organizations::detail),
        ),
        (
            "/api/0/organizations/{organization}/projects".to_owned(),
            get(projects::list),
        ),
        (
            "/api/0/organizations/{organization}/issues".to_owned(),
            get(issues::organization_issues),
        ),
        ("/api/0/projects".to_owned(), get(projects::list)),
        (project.to_owned(), get(projects::detail)),
        (format!("{project}/keys"), get(projects::keys)),
        (format!("{project}/issues"), issues),
        (format!("{project}/events"), get(events::project_events)),
        (
            format!("{project}/events/{{event}}"),
            get(events::project_event),
        ),
    ];
    for parent in ["/api/0", "/api/0/organizations/{organization}"] {
        routes.extend(issue_routes(&format!("{parent}/issues/{{issue}}")));
    }
    routes
        .into_iter()
        .fold(Router::new(), |router, (path, methods)| {
            router
                .route(&path, methods.clone())
                .route(&format!("{path}/"), methods)
        })
        .route("/api/0/{*unknown}", any(unknown_path))
        .method_not_allowed_fallback(wrong_method)
        .with_state(api)
}

fn issue_routes(issue: &str) -> [(String, MethodRouter<Arc<Api>>); 3] {
    let detail = get(issues::detail).put(issues::update);
    [
        (issue.to_owned(), detail),
        (format!("{issue}/events"), get(events::issue_events)),
        (
            format!("{issue}/events/{{event}}"),
            get(events::issue_event),
        ),
    ]
}

async fn unknown_path() -> ApiError {
    ApiError::NotFound("there is nothing at this path".to_owned())
}

async fn wrong_method() -> ApiError {
    ApiError::MethodNotAllowed
}
