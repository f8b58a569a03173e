//! What surrounds every page: security headers, the check of a form's origin, and error pages.

use std::any::Any;
use std::sync::Arc;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::middleware::{Next, from_fn, from_fn_with_state};
use axum::response::{IntoResponse, Response};
use tower_http::catch_panic::CatchPanicLayer;

use crate::Ui;
use crate::problem::{Problem, show_problems};
use crate::site::Site;

/// Forms are small; a list of 100 issues takes some 2 kB.
const MAX_FORM_BYTES: usize = 64 * 1024;

const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
                                       connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 5] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "same-origin"),
    (
        HeaderName::from_static("cross-origin-opener-policy"),
        "same-origin",
    ),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// Puts the layers around the routes, the outermost last.
pub(crate) fn protect(routes: Router<Arc<Ui>>, ui: &Arc<Ui>) -> Router<Arc<Ui>> {
    routes
        .layer(DefaultBodyLimit::max(MAX_FORM_BYTES))
        .layer(from_fn_with_state(Arc::clone(ui), refuse_foreign_forms))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(from_fn_with_state(Arc::clone(ui), show_problems))
        .layer(from_fn(add_headers))
}

fn panicked(_panic: Box<dyn Any + Send + 'static>) -> Response {
    Problem::Broken("a page panicked").into_response()
}

async fn add_headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        // What a page says itself is stricter.
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    headers
        .entry(header::CACHE_CONTROL)
        .or_insert(HeaderValue::from_static("no-store"));
    response
}

async fn refuse_foreign_forms(
    State(ui): State<Arc<Ui>>,
    request: Request,
    next: Next,
) -> Result<Response, Problem> {
    if request.method().is_safe() || is_own(request.headers(), &ui.site) {
        return Ok(next.run(request).await);
    }
    Err(Problem::ForeignOrigin)
}

/// Whether one of our own pages sent the request. Browsers send `Sec-Fetch-Site` to trustworthy origins (TLS, localhost)
/// and `Origin` with every form; a page cannot forge either.
fn is_own(headers: &HeaderMap, site: &Site) -> bool {
    if let Some(fetch_site) = headers.get("sec-fetch-site") {
        return matches!(fetch_site.as_bytes(), b"same-origin" | b"none");
    }
    let origin = headers.get(header::ORIGIN);
    origin.is_some_and(|origin| {
        origin
            .as_bytes()
            .eq_ignore_ascii_case(site.origin.as_bytes())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn own(pairs: &[(&'static str, &'static str)]) -> bool {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(*name, HeaderValue::from_static(value));
        }
        is_own(&headers, &Site::of("http://h:9000/bugle"))
    }

    #[test]
    fn only_our_own_pages_may_change_things() {
        assert!(own(&[("sec-fetch-site", "same-origin")]));
        assert!(own(&[("sec-fetch-site", "none")]));
        assert!(own(&[("origin", "http://h:9000")]));
        assert!(!own(&[]));
        assert!(!own(&[("origin", "http://h")]));
        assert!(!own(&[("origin", "null")]));
        assert!(!own(&[("sec-fetch-site", "same-site")]));
        assert!(!own(&[
            ("sec-fetch-site", "cross-site"),
            ("origin", "http://h:9000")
        ]));
    }
}
