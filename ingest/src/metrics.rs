//! What is counted of ingestion, by the names that `/metrics` shows.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;
use bugle_protocol::body::Encoding;

/// Counts and times the requests that bring something.
pub(crate) async fn measure(request: Request, next: Next) -> Response {
    let path = request.extensions().get::<MatchedPath>();
    let endpoint = path.and_then(|path| endpoint(path.as_str()));
    let Some(endpoint) = endpoint.filter(|_| request.method() != Method::OPTIONS) else {
        return next.run(request).await;
    };
    let started = Instant::now();
    let response = next.run(request).await;
    ::metrics::counter!(
        "bugle_ingest_requests_total",
        "endpoint" => endpoint,
        "status" => response.status().as_str().to_owned()
    )
    .increment(1);
    ::metrics::histogram!("bugle_ingest_request_duration_seconds", "endpoint" => endpoint)
        .record(started.elapsed());
    response
}

/// Counts a body that was received whole, as it came.
pub(crate) fn received(encoding: Encoding, bytes: usize) {
    ::metrics::counter!("bugle_ingest_bytes_total", "encoding" => encoding.name())
        .increment(bytes as u64);
}

/// The endpoint that a route's path belongs to; `None` if nothing is sent there.
fn endpoint(path: &str) -> Option<&'static str> {
    let mut segments = path.split('/').filter(|segment| !segment.is_empty());
    let name = match (segments.next(), segments.next()?, segments.next()) {
        (Some("api"), "store", None) => "store",
        (Some("api"), "{project_id}", name) => name.unwrap_or_default(),
        _ => return None,
    };
    Some(match name {
        "envelope" => "envelope",
        "store" => "store",
        "security" | "csp-report" => "security",
        "nel" => "nel",
        "minidump" => "minidump",
        "unreal" => "unreal",
        "events" => "attachments",
        "cron" => "cron",
        _ => "unknown",
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endpoints_have_the_names_of_their_routes() {
        for (path, name) in [
            ("/api/{project_id}/envelope", Some("envelope")),
            ("/api/{project_id}/envelope/", Some("envelope")),
            ("/api/store/", Some("store")),
            ("/api/{project_id}/csp-report/", Some("security")),
            ("/api/{project_id}/unreal/{key}", Some("unreal")),
            (
                "/api/{project_id}/events/{event_id}/attachments",
                Some("attachments"),
            ),
            ("/api/{project_id}/cron/{slug}/{key}/", Some("cron")),
            ("/api/{project_id}/{*rest}", Some("unknown")),
            ("/api/{project_id}", Some("unknown")),
            ("/api/relay/healthcheck/live", None),
            ("/js-sdk-loader/{file}", None),
            ("/_health", None),
        ] {
            assert_eq!(endpoint(path), name, "{path}");
        }
    }
}
