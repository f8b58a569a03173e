//! One file per page: handler and view model.

mod attachments;
mod change_status;
mod erasure;
mod events;
mod feedback;
mod getting_started;
mod home;
mod issue;
mod issues;
mod keys;
mod limits;
mod login;
mod projects;
mod rules;
mod settings;
mod setup;
mod stats;
mod transactions;

use std::sync::Arc;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{MethodRouter, get, post};

use crate::problem::Problem;
use crate::{Ui, assets};

/// All routes; a slash at the end of a path is optional.
pub(crate) fn routes() -> Router<Arc<Ui>> {
    let pages: [(&str, MethodRouter<Arc<Ui>>); 22] = [
        ("/setup/{token}", get(setup::show).post(setup::submit)),
        ("/login", get(login::show).post(login::submit)),
        ("/logout", post(login::sign_out)),
        ("/projects", get(projects::show)),
        ("/issues/status", post(change_status::of_many)),
        ("/issues/{issue}", get(issue::latest)),
        ("/issues/{issue}/status", post(change_status::of_one)),
        ("/issues/{issue}/events", get(events::list)),
        ("/issues/{issue}/events/{event}", get(issue::one)),
        (
            "/issues/{issue}/events/{event}/attachments/{attachment}",
            get(attachments::download),
        ),
        ("/feedback", get(feedback::of_all)),
        ("/{project}", get(home::project)),
        ("/{project}/issues", get(issues::of_project)),
        ("/{project}/feedback", get(feedback::of_project)),
        ("/{project}/stats", get(stats::show)),
        ("/{project}/settings", get(settings::show)),
        ("/{project}/settings/keys/{key}", post(keys::switch)),
        (
            "/{project}/settings/limits",
            get(limits::show).post(limits::set),
        ),
        (
            "/{project}/settings/limits/spike-protection",
            post(limits::set_spike_protection),
        ),
        (
            "/{project}/settings/limits/{limit}/remove",
            post(limits::remove),
        ),
        ("/{project}/getting-started", get(getting_started::show)),
        (
            "/{project}/getting-started/first-issue",
            get(getting_started::first_issue),
        ),
    ];
    let routes = Router::new()
        .route("/", get(home::all))
        .route("/static/{version}/{name}", get(assets::file))
        .route("/issues/{issue}/events/{event}/json", get(events::json))
        .fallback(unknown)
        .method_not_allowed_fallback(wrong_method);
    let pages = pages.map(|(path, handlers)| (path.to_owned(), handlers));
    let pages = pages.into_iter().chain(rules::routes());
    let pages = pages.chain(erasure::routes());
    let pages = pages.chain(transactions::routes());
    pages.fold(routes, |routes, (path, handlers)| {
        routes
            .route(&path, handlers.clone())
            .route(&format!("{path}/"), handlers)
    })
}

async fn unknown() -> Problem {
    Problem::NotFound("page")
}

async fn wrong_method() -> Problem {
    Problem::Unusable(StatusCode::METHOD_NOT_ALLOWED)
}
