//! The one HTTP error of this crate.

use axum::Json;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use bugle_store::queue::PushError;
use bugle_store::{Scope, StoreError};

/// Why a call has no answer; always told as `{"detail": "..."}`.
#[derive(Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// 401: no token, or one that nobody was given.
    #[error("{0}")]
    Unauthorized(&'static str),
    /// 403: the token may not do this.
    #[error("the token lacks the scope {}", .0.as_str())]
    Forbidden(Scope),
    /// 404: it does not exist, or belongs to somebody else, which must look the same.
    #[error("{0}")]
    NotFound(String),
    /// 405: the path exists, but not with this method.
    #[error("method not allowed")]
    MethodNotAllowed,
    /// 400: the caller can do better.
    #[error("{0}")]
    Invalid(String),
    /// 503 if trying again may help, else 500.
    #[error("the server could not answer")]
    Store(#[from] StoreError),
    /// 500: the system has no random numbers.
    #[error("the server could not make a key")]
    NoRandomness,
    /// 503: what was sent could not be kept.
    #[error("the server cannot take anything in")]
    Queue(#[from] PushError),
    /// 500: a stored body is no event.
    #[error("the stored event cannot be read")]
    Damaged(#[from] bugle_protocol::event::EventError),
}

impl ApiError {
    /// What was asked for is not there, such as `issue 'SHOP-7'`.
    pub(crate) fn missing(kind: &str, name: &str) -> Self {
        Self::NotFound(format!("{kind} '{}' not found", shortened(name)))
    }

    fn status(&self) -> StatusCode {
        match self {
            Self::Unauthorized(_) => StatusCode::UNAUTHORIZED,
            Self::Forbidden(_) => StatusCode::FORBIDDEN,
            Self::NotFound(_) => StatusCode::NOT_FOUND,
            Self::MethodNotAllowed => StatusCode::METHOD_NOT_ALLOWED,
            Self::Invalid(_) => StatusCode::BAD_REQUEST,
            Self::Store(error) if error.is_transient() => StatusCode::SERVICE_UNAVAILABLE,
            Self::Queue(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Store(_) | Self::Damaged(_) | Self::NoRandomness => {
                StatusCode::INTERNAL_SERVER_ERROR
            }
        }
    }
}

/// The first characters of what a caller sent, to be repeated in an answer.
pub(crate) fn shortened(text: &str) -> String {
    text.chars().take(100).collect()
}

#[derive(serde::Serialize)]
struct Detail {
    detail: String,
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let status = self.status();
        if status.is_server_error() {
            tracing::error!(error = ?self, "an API call failed");
        }
        let detail = Detail {
            detail: self.to_string(),
        };
        let mut response = (status, Json(detail)).into_response();
        if status == StatusCode::UNAUTHORIZED {
            let scheme = header::HeaderValue::from_static("Bearer");
            response
                .headers_mut()
                .insert(header::WWW_AUTHENTICATE, scheme);
        }
        response
    }
}
