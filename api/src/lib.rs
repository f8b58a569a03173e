#![doc = include_str!("../README.md")]

mod attachments;
mod call;
mod error;
mod events;
mod feedback;
mod filters;
mod issues;
mod keys;
mod organizations;
mod outcomes;
mod paging;
mod projects;
mod range;

use std::sync::Arc;

use axum::Router;
use axum::routing::{MethodRouter, any, get};
use bugle_store::Store;
use bugle_store::queue::Queue;

use crate::call::Call;
use crate::error::ApiError;

/// What the web API needs.
#[derive(Clone, Debug)]
pub struct Api {
    /// Where everything is kept.
    pub store: Store,
    /// Where what comes in waits to be processed.
    pub queue: Queue,
    /// The public address, such as `https://errors.example.com/prefix`, for the links in answers.
    pub base_url: String,
}

/// The routes of the API; all begin with `/api/0/`, and everything below that they do not know is a JSON 404.
pub fn router(api: Arc<Api>) -> Router {
    let organization = "/api/0/organizations/{organization}";
    let mut routes = organization_routes(organization);
    routes.extend(project_routes("/api/0/projects/{organization}/{project}"));
    for parent in ["/api/0", organization] {
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

/// A path without the slash at its end, and its handlers.
type Route = (String, MethodRouter<Arc<Api>>);

fn organization_routes(organization: &str) -> Vec<Route> {
    vec![
        ("/api/0".to_owned(), get(organizations::index)),
        ("/api/0/organizations".to_owned(), get(organizations::list)),
        (organization.to_owned(), get(organizations::detail)),
        (format!("{organization}/projects"), get(projects::list)),
        ("/api/0/projects".to_owned(), get(projects::list)),
        (
            format!("{organization}/issues"),
            get(issues::organization_issues),
        ),
        (
            format!("{organization}/stats_v2"),
            get(outcomes::organization_outcomes),
        ),
    ]
}

fn project_routes(project: &str) -> Vec<Route> {
    let issues = get(issues::project_issues).put(issues::update_project_issues);
    vec![
        (project.to_owned(), get(projects::detail)),
        (
            format!("{project}/keys"),
            get(keys::list).post(keys::create),
        ),
        (
            format!("{project}/keys/{{key}}"),
            get(keys::detail).put(keys::update).delete(keys::remove),
        ),
        (format!("{project}/filters"), get(filters::list)),
        (
            format!("{project}/filters/{{filter}}"),
            get(filters::detail).put(filters::update),
        ),
        (format!("{project}/issues"), issues),
        (format!("{project}/events"), get(events::project_events)),
        (
            format!("{project}/events/{{event}}"),
            get(events::project_event),
        ),
        (
            format!("{project}/events/{{event}}/attachments"),
            get(attachments::list),
        ),
        (
            format!("{project}/events/{{event}}/attachments/{{attachment}}"),
            get(attachments::detail),
        ),
        (
            format!("{project}/user-feedback"),
            get(feedback::list).post(feedback::submit),
        ),
        (format!("{project}/stats"), get(outcomes::project_counts)),
    ]
}

fn issue_routes(issue: &str) -> Vec<Route> {
    let detail = get(issues::detail).put(issues::update);
    vec![
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
