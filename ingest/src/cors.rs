//! What browsers want to hear before they send, and before they show an answer to the SDK.

use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use axum::response::Response;

/// How long a browser may remember a preflight's answer, in seconds.
const MAX_AGE_SECONDS: &str = "3600";

/// The request headers that an SDK may set.
const ALLOWED_HEADERS: &str = "x-sentry-auth,x-requested-with,x-forwarded-for,origin,referer,accept,content-type,\
     authentication,authorization,content-encoding,transfer-encoding";

/// The response headers that an SDK may read: without them a browser's SDK cannot see rate limits.
const EXPOSED_HEADERS: &str = "x-sentry-error,x-sentry-rate-limits,retry-after";

/// Answers a preflight of a path that takes these methods.
pub(crate) fn preflight(methods: &'static str) -> HeaderMap {
    HeaderMap::from_iter([
        text(header::ACCESS_CONTROL_ALLOW_METHODS, methods),
        text(header::ACCESS_CONTROL_ALLOW_HEADERS, ALLOWED_HEADERS),
        text(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE_SECONDS),
    ])
}

/// Opens an answer, errors included, to pages of any origin.
pub(crate) async fn open(mut response: Response) -> Response {
    response.headers_mut().extend([
        text(header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"),
        text(header::ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED_HEADERS),
        text(
            HeaderName::from_static("cross-origin-resource-policy"),
            "cross-origin",
        ),
    ]);
    response
}

fn text(name: HeaderName, value: &'static str) -> (HeaderName, HeaderValue) {
    (name, HeaderValue::from_static(value))
}
