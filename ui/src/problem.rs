//! Everything that keeps a page from being shown, and the page that says so.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use bugle_store::StoreError;
use serde::Serialize;

use crate::{Ui, url};

/// Why a request did not get its page.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Problem {
    /// There is no such thing, or it is somebody else's.
    #[error("{0} not found")]
    NotFound(&'static str),
    /// The setup link was used, or never was one.
    #[error("setup link not valid")]
    SetupLink,
    /// The role does not allow it.
    #[error("not allowed for a viewer")]
    Forbidden,
    /// Only admins and owners may do it.
    #[error("not allowed for this role")]
    NotAdmin,
    /// The request came from another site's page.
    #[error("request of a foreign origin")]
    ForeignOrigin,
    /// The form is of another session.
    #[error("form of another session")]
    StaleForm,
    /// Nobody is signed in; afterwards `next` is wanted.
    #[error("nobody is signed in")]
    SignIn {
        /// A path of ours, empty for the start page.
        next: String,
    },
    /// A request that no page sends.
    #[error("unusable request")]
    Unusable(StatusCode),
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// A template failed.
    #[error("a template failed")]
    Template(#[from] minijinja::Error),
    /// Something that cannot happen happened.
    #[error("{0}")]
    Broken(&'static str),
}

/// What the error page says.
#[derive(Debug, Serialize)]
struct ErrorView {
    status: u16,
    title: &'static str,
    advice: String,
    /// The id that is in the log too; only for errors of ours.
    reference: Option<String>,
}

impl Problem {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound(_) | Self::SetupLink => StatusCode::NOT_FOUND,
            Self::Forbidden | Self::NotAdmin | Self::ForeignOrigin | Self::StaleForm => {
                StatusCode::FORBIDDEN
            }
            Self::SignIn { .. } => StatusCode::SEE_OTHER,
            Self::Unusable(status) => *status,
            Self::Store(_) | Self::Template(_) | Self::Broken(_) => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::NotFound(_) => "Not found",
            Self::SetupLink => "This setup link is not valid",
            Self::Forbidden | Self::NotAdmin => "Not allowed",
            Self::ForeignOrigin => "Request refused",
            Self::StaleForm => "This form is out of date",
            Self::SignIn { .. } => "Please sign in",
            Self::Unusable(_) => "Request not understood",
            Self::Store(_) | Self::Template(_) | Self::Broken(_) => "Something broke on our side",
        }
    }

    fn advice(&self, base_url: &str) -> String {
        match self {
            Self::NotFound(what) => format!(
                "There is no such {what}, or your account cannot see it. It may have been removed."
            ),
            Self::SetupLink => "It was used already, or it is incomplete. If you have no account yet, make one on the \
                                server: bugle user add you@example.com --role owner"
                .to_owned(),
            Self::Forbidden => "Your role is viewer: you can read everything and change nothing. An owner can give you \
                                another role."
                .to_owned(),
            Self::NotAdmin => "Only admins and owners may change a project's settings. An owner can give you another role."
                .to_owned(),
            Self::ForeignOrigin => {
                format!("Changes are only accepted from this site's own pages. Open {base_url} and try again.")
            }
            Self::StaleForm => {
                "You signed in again since this page was loaded. Go back, reload it and repeat what you did.".to_owned()
            }
            Self::SignIn { .. } => "You are not signed in.".to_owned(),
            Self::Unusable(status) => {
                format!("No page of ours sends such a request ({status}). Go back and try again.")
            }
            Self::Store(_) | Self::Template(_) | Self::Broken(_) => {
                "It is in the log under the id below. Nothing you sent was lost; try again in a moment.".to_owned()
            }
        }
    }
}

/// Leaves the page to [`show_problems`], which knows the templates.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status().into_response();
        response.extensions_mut().insert(Arc::new(self));
        response
    }
}

/// Gives every error a page in the design.
pub(crate) async fn show_problems(
    State(ui): State<Arc<Ui>>,
    request: Request,
    next: Next,
) -> Response {
    let method = request.method().clone();
    let path = request.uri().path().to_owned();
    let response = next.run(request).await;
    let Some(problem) = problem_of(&response) else {
        return response;
    };
    if let Problem::SignIn { next } = &*problem {
        let login = url::with_query(&ui.site.link("/login"), &[("next", next)]);
        return Redirect::to(&login).into_response();
    }
    let reference = problem.status().is_server_error().then(reference);
    if let Some(id) = &reference {
        let cause = cause(&*problem);
        tracing::error!(error.id = %id, %method, path, error = %problem, cause, "could not show a page");
    }
    page(&ui, &problem, reference)
}

/// The problem of a response, also of one that a framework's extractor refused with a bare text.
fn problem_of(response: &Response) -> Option<Arc<Problem>> {
    if let Some(problem) = response.extensions().get::<Arc<Problem>>() {
        return Some(Arc::clone(problem));
    }
    let status = response.status();
    let is_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| !kind.as_bytes().starts_with(b"text/plain"));
    let is_error = status.is_client_error() || status.is_server_error();
    (is_error && !is_page).then(|| Arc::new(Problem::Unusable(status)))
}

fn page(ui: &Ui, problem: &Problem, reference: Option<String>) -> Response {
    let view = ErrorView {
        status: problem.status().as_u16(),
        title: problem.title(),
        advice: problem.advice(&ui.base_url),
        reference,
    };
    match ui.templates.plain(ui, "error.html", &view) {
        Ok(html) => (problem.status(), html).into_response(),
        Err(error) => {
            tracing::error!(%error, "could not show the error page");
            (problem.status(), view.title).into_response()
        }
    }
}

fn cause(error: &dyn std::error::Error) -> String {
    let mut text = String::new();
    let mut source = error.source();
    while let Some(error) = source {
        if !text.is_empty() {
            text.push_str(": ");
        }
        text.push_str(&error.to_string());
        source = error.source();
    }
    text
}

fn reference() -> String {
    let id = bugle_protocol::EventId::random().to_string();
    id.chars().take(12).collect()
}
