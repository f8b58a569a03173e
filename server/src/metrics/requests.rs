//! Counts requests by what they asked for, never by what they wrote: labels are routes and names that are known beforehand.

use std::time::Instant;

use axum::extract::{MatchedPath, Request};
use axum::http::Method;
use axum::middleware::Next;
use axum::response::Response;

/// The label of whatever is not known beforehand.
const OTHER: &str = "_other";

/// Counts and times a request. Goes around the routes, inside of the router that matches them.
pub(crate) async fn measure(request: Request, next: Next) -> Response {
    let route = match request.extensions().get::<MatchedPath>() {
        Some(path) => path.as_str().to_owned(),
        None => OTHER.to_owned(),
    };
    let method = method(request.method());
    let started = Instant::now();
    let response = next.run(request).await;
    ::metrics::histogram!("bugle_http_request_duration_seconds", "route" => route.clone())
        .record(started.elapsed());
    ::metrics::counter!(
        "bugle_http_requests_total",
        "route" => route,
        "method" => method,
        "status" => response.status().as_str().to_owned()
    )
    .increment(1);
    response
}

fn method(method: &Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "POST" => "POST",
        "PUT" => "PUT",
        "PATCH" => "PATCH",
        "DELETE" => "DELETE",
        "HEAD" => "HEAD",
        "OPTIONS" => "OPTIONS",
        _ => OTHER,
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::body::Body;
    use axum::extract::Path;
    use axum::http::StatusCode;
    use axum::middleware;
    use axum::routing::any;
    use tower::ServiceExt as _;

    use super::super::series;
    use super::*;

    async fn status(Path((_, status)): Path<(String, u16)>) -> StatusCode {
        StatusCode::from_u16(status).unwrap()
    }

    /// A thousand requests, no two alike.
    async fn ask_for_anything() {
        let routes = Router::new()
            .route("/issues/{id}/{status}", any(status))
            .layer(middleware::from_fn(measure));
        for number in 0..1000 {
            let method = ["GET", "POST", "BREW", "X-1", "X-2"][number % 5];
            let path = match number % 2 {
                0 => format!("/issues/{number}/{}", [200, 404, 500][number % 3]),
                _ => format!("/\u{22}{number}\u{22}/{number}").replace('"', "%22"),
            };
            let request = Request::builder().method(method).uri(path);
            let request = request.body(Body::empty()).unwrap();
            routes.clone().oneshot(request).await.unwrap();
        }
    }

    #[test]
    fn whatever_is_asked_for_the_series_are_few() {
        let recorder = series::recorder().unwrap();
        let recorded = recorder.handle();
        let runtime = tokio::runtime::Builder::new_current_thread().build();
        ::metrics::with_local_recorder(&recorder, || {
            runtime.unwrap().block_on(ask_for_anything());
        });
        let text = recorded.render();
        let count = |name: &str| text.lines().filter(|line| line.starts_with(name)).count();
        // The route with three methods and three statuses, and one for all the rest.
        assert_eq!(count("bugle_http_requests_total{"), 3 * 3 + 3, "{text}");
        assert_eq!(count("bugle_http_request_duration_seconds_count{"), 2);
    }
}
