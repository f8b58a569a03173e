//! Every answer that is not a success.

use std::error::Error;

use axum::Json;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use bugle_protocol::body::BodyError;
use bugle_protocol::json::ParseError;
use bugle_protocol::multipart::MultipartError;
use bugle_protocol::{AuthError, DiscardReason, EnvelopeError, LimitReason, Outcome, ProjectId};
use bugle_store::StoreError;
use bugle_store::queue::PushError;

use crate::items::ItemOverflow;
use crate::limiter::HoldBack;

/// What clients are asked to wait after a 503, in seconds.
const RETRY_AFTER: HeaderValue = HeaderValue::from_static("10");

/// Characters of what is kept of a rejection.
const MAX_DETAIL_CHARS: usize = 500;

/// Why a request was not accepted. The text is the answer's `detail`, the sources its `causes`.
#[derive(Debug, thiserror::Error)]
pub enum Rejection {
    /// The key is missing, malformed or ambiguous.
    #[error(transparent)]
    Auth(#[from] AuthError),
    /// Nothing but the envelope's header could name the key, and it cannot be read.
    #[error("bad envelope authentication header")]
    EnvelopeAuth,
    /// The path names a project by something else than a number.
    #[error("bad sentry project id")]
    ProjectShape,
    /// The key does not exist or is switched off, or it belongs to another project than the path names.
    #[error("event submission rejected with_reason: ProjectId")]
    Project,
    /// The envelope's header names another sender than the request; the field says by what they differ.
    #[error("invalid event envelope")]
    Mismatch(#[source] HeaderMismatch),
    /// The framing is broken.
    #[error("invalid event envelope")]
    Envelope(#[from] EnvelopeError),
    /// The body of `/store/` is not a JSON object.
    #[error("invalid JSON data")]
    Json(#[from] ParseError),
    /// The body's coding is unknown or its stream broken.
    #[error("invalid request body")]
    Coding(#[source] BodyError),
    /// The client went away in the middle of its body.
    #[error("the request body ended early")]
    Disconnected,
    /// The client took too long.
    #[error("the request body was not received within {seconds} s")]
    TooSlow {
        /// How long the server waited.
        seconds: u64,
    },
    /// The body is too large.
    #[error("envelope exceeded size limits: more than {limit_bytes} bytes")]
    TooLarge {
        /// The limit.
        limit_bytes: usize,
    },
    /// An item is too large, or there are too many of its kind.
    #[error(transparent)]
    Item(#[from] ItemOverflow),
    /// Everything in the request is over a limit.
    #[error("Sentry dropped data due to a quota or internal rate limit being reached")]
    RateLimited(HoldBack),
    /// There was no memory for the body within the time that clients are given.
    #[error("failed to queue envelope")]
    OutOfMemory,
    /// The queue is full, or its disk.
    #[error("failed to queue envelope")]
    Queue(#[from] PushError),
    /// The database is away and the key is not known from memory.
    #[error("failed to look up the project key")]
    Store(#[from] StoreError),
    /// A parameter of the query or a member of the body is missing or malformed.
    #[error("missing or invalid '{name}': expected {expected}")]
    Parameter {
        /// Which.
        name: &'static str,
        /// What it has to be.
        expected: &'static str,
    },
    /// The body is not a form of several parts.
    #[error("invalid multipart data")]
    Multipart(#[from] MultipartError),
    /// The form lacks a file; the field says which.
    #[error("missing file: expected {0}")]
    MissingFile(&'static str),
    /// The file is not a minidump, nor a compressed one.
    #[error("invalid minidump")]
    Minidump,
    /// The body is JSON, but not a browser's report.
    #[error("invalid report: expected a JSON object, or a list of objects")]
    Report,
    /// The endpoint takes other content types; the field lists them.
    #[error("unsupported media type: expected {0}")]
    MediaType(&'static str),
    /// The path belongs to Sentry's protocol, but not to the part that is here.
    #[error("'{0}' is not supported by this server")]
    NotSupported(String),
    /// Nothing has this path.
    #[error("there is nothing at this path")]
    NotFound,
    /// The path takes other methods.
    #[error("method not allowed")]
    Method,
    /// A bug.
    #[error("internal server error")]
    Internal,
}

/// Envelope and request name different senders.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{0} header mismatch between envelope and request")]
pub struct HeaderMismatch(pub &'static str);

/// The body of an error answer.
#[derive(serde::Serialize)]
struct Fault {
    detail: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    causes: Vec<String>,
}

impl From<BodyError> for Rejection {
    fn from(error: BodyError) -> Self {
        match error {
            BodyError::TooLarge { limit_bytes } => Self::TooLarge { limit_bytes },
            BodyError::UnknownEncoding(_) | BodyError::Broken { .. } => Self::Coding(error),
        }
    }
}

impl Rejection {
    /// The status it is answered with.
    #[must_use]
    pub fn status(&self) -> StatusCode {
        match self {
            Self::Auth(AuthError::KeyShape | AuthError::Version(_)) => StatusCode::BAD_REQUEST,
            Self::Auth(_) | Self::EnvelopeAuth => StatusCode::UNAUTHORIZED,
            Self::Project => StatusCode::FORBIDDEN,
            Self::ProjectShape
            | Self::Mismatch(_)
            | Self::Envelope(_)
            | Self::Json(_)
            | Self::Coding(_)
            | Self::Disconnected
            | Self::Parameter { .. }
            | Self::Multipart(_)
            | Self::MissingFile(_)
            | Self::Minidump
            | Self::Report => StatusCode::BAD_REQUEST,
            Self::MediaType(_) => StatusCode::UNSUPPORTED_MEDIA_TYPE,
            Self::NotSupported(_) | Self::NotFound => StatusCode::NOT_FOUND,
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::TooSlow { .. } => StatusCode::REQUEST_TIMEOUT,
            Self::TooLarge { .. } | Self::Item(_) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::RateLimited(_) => StatusCode::TOO_MANY_REQUESTS,
            Self::OutOfMemory | Self::Queue(_) | Self::Store(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal => StatusCode::INTERNAL_SERVER_ERROR,
        }
    }

    /// How the items of the request end that it refuses, if its sender is known.
    pub(crate) fn outcome(&self) -> Outcome {
        Outcome::Invalid(match self {
            Self::Item(_) | Self::TooLarge { .. } => DiscardReason::TooLarge,
            Self::Coding(_) => DiscardReason::InvalidCompression,
            Self::Json(_) => DiscardReason::InvalidJson,
            Self::Multipart(_) | Self::MissingFile(_) => DiscardReason::InvalidMultipart,
            Self::Minidump => DiscardReason::InvalidMinidump,
            Self::Report => DiscardReason::SecurityReport,
            Self::Parameter { .. } => DiscardReason::NoData,
            Self::Internal => DiscardReason::Internal,
            Self::OutOfMemory | Self::Queue(_) | Self::Store(_) | Self::RateLimited(_) => {
                return Outcome::RateLimited(LimitReason::Overload);
            }
            Self::Auth(_)
            | Self::EnvelopeAuth
            | Self::ProjectShape
            | Self::Project
            | Self::Mismatch(_)
            | Self::Envelope(_)
            | Self::Disconnected
            | Self::TooSlow { .. }
            | Self::MediaType(_)
            | Self::NotSupported(_)
            | Self::NotFound
            | Self::Method => DiscardReason::InvalidEnvelope,
        })
    }

    /// The text with those of all its sources, for the people of the project; at most [`MAX_DETAIL_CHARS`] long.
    pub(crate) fn detail(&self) -> String {
        let sources = std::iter::successors(self.source(), |&error| error.source());
        let text = sources.fold(self.to_string(), |text, source| format!("{text}: {source}"));
        text.chars().take(MAX_DETAIL_CHARS).collect()
    }

    /// The sources' texts, outermost first. What is wrong with the server is not the client's to know.
    fn causes(&self) -> Vec<String> {
        if self.status().is_server_error() {
            return Vec::new();
        }
        std::iter::successors(self.source(), |&error| error.source())
            .map(ToString::to_string)
            .collect()
    }

    /// Writes a fault of the server's to the log; a client's faults are the client's.
    pub(crate) fn log(&self, project_id: Option<ProjectId>) {
        if self.status().is_server_error() {
            let error: &(dyn Error + 'static) = self;
            tracing::error!(
                project.id = project_id.map(|id| id.0),
                error,
                "could not take a request"
            );
        }
    }
}

impl IntoResponse for Rejection {
    fn into_response(self) -> Response {
        let fault = Fault {
            detail: self.to_string(),
            causes: self.causes(),
        };
        let mut response = (self.status(), Json(fault)).into_response();
        let headers = response.headers_mut();
        if let Self::RateLimited(hold_back) = &self {
            headers.extend(hold_back.header());
            let seconds = HeaderValue::from(hold_back.retry_after_seconds);
            headers.insert(header::RETRY_AFTER, seconds);
        } else if self.status() == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, RETRY_AFTER);
        }
        response
    }
}
