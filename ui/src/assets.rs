//! The static files, embedded, under URLs that change with their content.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::{HeaderValue, header};
use axum::response::{IntoResponse, Response};
use sha2::{Digest, Sha256};

use crate::Ui;
use crate::problem::Problem;

/// A file with its type.
struct File {
    name: &'static str,
    kind: &'static str,
    body: &'static str,
}

const FILES: [File; 4] = [
    File {
        name: "bugle.css",
        kind: "text/css; charset=utf-8",
        body: include_str!("../static/bugle.css"),
    },
    File {
        name: "bugle.js",
        kind: "text/javascript; charset=utf-8",
        body: include_str!("../static/bugle.js"),
    },
    File {
        name: "logo.svg",
        kind: "image/svg+xml",
        body: include_str!("../static/logo.svg"),
    },
    File {
        name: "favicon.svg",
        kind: "image/svg+xml",
        body: include_str!("../static/favicon.svg"),
    },
];

/// What the pages need to know of the files.
#[derive(Debug)]
pub(crate) struct Assets {
    /// A hash over all files, 12 hex digits: files change with releases, and then all of them may.
    pub(crate) version: String,
}

impl Assets {
    /// Hashes the files.
    pub(crate) fn new() -> Self {
        let mut hash = Sha256::new();
        for file in &FILES {
            hash.update(file.body);
        }
        Self {
            version: hex(&hash.finalize()[..6]),
        }
    }
}

/// Lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// `GET /static/{version}/{name}`. During an upgrade a page may ask for a version that is gone: it gets today's file, but
/// must ask again.
pub(crate) async fn file(
    State(ui): State<Arc<Ui>>,
    Path((version, name)): Path<(String, String)>,
) -> Result<Response, Problem> {
    let file = FILES.iter().find(|file| file.name == name);
    let file = file.ok_or(Problem::NotFound("file"))?;
    let caching = if version == ui.assets.version {
        "public, max-age=31536000, immutable"
    } else {
        "no-cache"
    };
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(file.kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
    ];
    Ok((headers, file.body).into_response())
}
