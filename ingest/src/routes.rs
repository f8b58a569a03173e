//! Which path leads where.

use std::any::Any;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{MethodRouter, any, get, post};
use axum::{Json, Router, middleware};
use tower::ServiceExt as _;
use tower_http::catch_panic::CatchPanicLayer;

use crate::endpoints::{attachments, cron, loader, minidump, reports, store, unknown, unreal};
use crate::receive::{Inlet, receive_envelope, receive_store, receive_store_of_key};
use crate::{Ingest, Rejection, cors, metrics};

const GET: &str = "GET";
const POST: &str = "POST";
const BOTH: &str = "GET, POST";

/// The routes of ingestion. The slash at the end is optional, doubled slashes count as one: a DSN whose host ends with a
/// slash makes clients send to `//api/1/envelope/`.
///
/// The service wants the peer's address as [`ConnectInfo`]; without it, requests carry no client address.
pub fn router(ingest: Arc<Ingest>) -> Router {
    let routes = routes().into_iter().fold(Router::new(), with_route);
    let routes = routes
        .method_not_allowed_fallback(unknown::wrong_method)
        .with_state(Arc::new(Inlet::new(ingest)));
    with_doubled_slashes(routes)
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn(metrics::measure))
        .layer(middleware::map_response(cors::open))
}

/// A path without the slash at its end, the methods that a preflight allows, and the handlers.
type Route = (&'static str, &'static str, MethodRouter<Arc<Inlet>>);

fn routes() -> Vec<Route> {
    let store = post(receive_store).get(store::receive_image).head(no_head);
    let store_of_key = post(receive_store_of_key)
        .get(store::receive_image_of_key)
        .head(no_head);
    let check_in = post(cron::receive_check_in)
        .get(cron::receive_check_in)
        .head(no_head);
    let check_in_by_key = post(cron::receive_check_in_by_key)
        .get(cron::receive_check_in_by_key)
        .head(no_head);
    let security = post(reports::receive_security);
    let attachments = post(attachments::receive_attachments);
    vec![
        ("/api/{project_id}/envelope", POST, post(receive_envelope)),
        ("/api/{project_id}/store", BOTH, store),
        ("/api/store", BOTH, store_of_key),
        ("/api/{project_id}/security", POST, security.clone()),
        ("/api/{project_id}/csp-report", POST, security),
        ("/api/{project_id}/nel", POST, post(reports::receive_nel)),
        (
            "/api/{project_id}/minidump",
            POST,
            post(minidump::receive_minidump),
        ),
        (
            "/api/{project_id}/unreal/{key}",
            POST,
            post(unreal::receive_unreal),
        ),
        (
            "/api/{project_id}/events/{event_id}/attachments",
            POST,
            attachments,
        ),
        ("/api/{project_id}/cron/{slug}", BOTH, check_in),
        ("/api/{project_id}/cron/{slug}/{key}", BOTH, check_in_by_key),
        ("/js-sdk-loader/{file}", GET, get(loader::serve)),
        ("/api/relay/healthcheck/live", GET, get(live)),
        ("/api/relay/healthcheck/ready", GET, get(ready)),
        ("/_health", GET, get(|| async { "ok" })),
        ("/api/{project_id}", POST, any(unknown::unknown)),
        (
            "/api/{project_id}/{*rest}",
            POST,
            any(unknown::unknown_path),
        ),
    ]
}

fn with_route(routes: Router<Arc<Inlet>>, (path, methods, handlers): Route) -> Router<Arc<Inlet>> {
    let handlers = handlers.options(move || async move { cors::preflight(methods) });
    let routes = routes.route(path, handlers.clone());
    if path.contains("{*") {
        return routes;
    }
    routes.route(&format!("{path}/"), handlers)
}

/// Adds the forms of the routes' paths that hold doubled slashes; they are routed again as the paths they mean.
fn with_doubled_slashes(routes: Router) -> Router {
    let again = any(route_again).with_state(routes.clone());
    routes
        .route("//{*rest}", again.clone())
        .route("/api//{*rest}", again.clone())
        .route("/api/{project_id}//{*rest}", again)
}

async fn route_again(State(routes): State<Router>, request: Request) -> Response {
    let (mut parts, body) = request.into_parts();
    parts.uri = collapse_slashes(&parts.uri);
    // The parameters of the first routing must not be taken for those of the second.
    let peer = parts.extensions.remove::<ConnectInfo<SocketAddr>>();
    parts.extensions.clear();
    if let Some(peer) = peer {
        parts.extensions.insert(peer);
    }
    match routes.oneshot(Request::from_parts(parts, body)).await {
        Ok(response) => response,
        Err(never) => match never {},
    }
}

/// The path and query of an address, with every run of slashes replaced by one and none at the end.
fn collapse_slashes(uri: &Uri) -> Uri {
    let segments = uri.path().split('/').filter(|segment| !segment.is_empty());
    let path = segments.fold(String::new(), |path, segment| path + "/" + segment);
    let query = uri.query().map(|query| format!("?{query}"));
    let collapsed = path + query.as_deref().unwrap_or_default();
    // What is left of a valid address is one; only an empty path has no form.
    collapsed.parse().unwrap_or_default()
}

/// `HEAD` where `GET` records something: asking what an answer would look like must not.
async fn no_head() -> impl IntoResponse {
    ([(header::ALLOW, BOTH)], Rejection::Method)
}

async fn live() -> Json<Health> {
    Json(Health { is_healthy: true })
}

/// Ready means that keys can be looked up; the queue says so itself when it is full.
async fn ready(State(inlet): State<Arc<Inlet>>) -> (StatusCode, Json<Health>) {
    let is_healthy = inlet.ingest.store.ping().await.is_ok();
    let status = if is_healthy {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(Health { is_healthy }))
}

/// The answer of the health routes, as clients of Sentry's ingestion know it.
#[derive(serde::Serialize)]
struct Health {
    is_healthy: bool,
}

/// A bug costs the request that met it, and nothing else. The panic's message is in the log already.
fn panicked(_: Box<dyn Any + Send>) -> Response {
    Rejection::Internal.into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_panic_is_answered_and_told_to_nobody() {
        let routes = Router::new().route("/", get(|| async { panic!("secret") as () }));
        let routes = routes.layer(CatchPanicLayer::custom(panicked));
        let request = Request::get("/").body(axum::body::Body::empty()).unwrap();
        let response = routes.oneshot(request).await.unwrap();
        assert_eq!(response.status(), StatusCode::INTERNAL_SERVER_ERROR);
        let body = axum::body::to_bytes(response.into_body(), 1000)
            .await
            .unwrap();
        assert_eq!(body, r#"{"detail":"internal server error"}"#);
    }

    #[test]
    fn slashes_are_collapsed_in_the_path_alone() {
        for (uri, collapsed) in [
            ("//api///1/envelope//?a=//b", "/api/1/envelope?a=//b"),
            ("//", "/"),
            ("//?x", "/"),
        ] {
            assert_eq!(collapse_slashes(&uri.parse().unwrap()), collapsed, "{uri}");
        }
    }
}
