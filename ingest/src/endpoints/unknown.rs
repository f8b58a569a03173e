//! Paths and methods that lead nowhere.

use axum::extract::Path;

use crate::Rejection;

/// Beginnings of paths that other servers of the protocol know.
const NOT_SUPPORTED: [&str; 4] = ["integration/", "otlp/", "upload", "playstation"];

/// Any other path under `/api/{project_id}/`.
pub(crate) async fn unknown_path(Path((_, rest)): Path<(String, String)>) -> Rejection {
    if NOT_SUPPORTED.iter().any(|start| rest.starts_with(start)) {
        return Rejection::NotSupported(format!("/{}/", rest.trim_end_matches('/')));
    }
    Rejection::NotFound
}

/// A project's path with nothing behind it.
pub(crate) async fn unknown() -> Rejection {
    Rejection::NotFound
}

/// A path that is known, called by another method; the answer gets its `Allow` header from the route.
pub(crate) async fn wrong_method() -> Rejection {
    Rejection::Method
}
