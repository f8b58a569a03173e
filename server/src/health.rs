//! `/healthz` says that the process lives, `/readyz` that it can do its work.

use std::sync::Arc;

use axum::extract::State;
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Json, Router};
use bugle_store::Store;
use bugle_store::queue::Queue;
use serde::Serialize;

/// What the answers are made of.
#[derive(Debug)]
pub(crate) struct Health {
    pub(crate) store: Store,
    pub(crate) queue: Queue,
}

#[derive(Serialize)]
struct Readiness {
    ready: bool,
    database: Dependency,
    queue: QueueState,
}

#[derive(Serialize)]
struct Dependency {
    kind: &'static str,
    ok: bool,
}

#[derive(Serialize)]
struct QueueState {
    ok: bool,
    backlog_bytes: u64,
}

pub(crate) fn router(health: Arc<Health>) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(readiness))
        .with_state(health)
}

/// 503 as long as the database is away, although events are accepted and kept in the queue, or the queue refuses them.
async fn readiness(State(health): State<Arc<Health>>) -> (StatusCode, Json<Readiness>) {
    let ok = health.store.ping().await.is_ok();
    let accepting = health.queue.is_accepting();
    let readiness = Readiness {
        ready: ok && accepting,
        database: Dependency {
            kind: health.store.backend(),
            ok,
        },
        queue: QueueState {
            ok: accepting,
            backlog_bytes: health.queue.backlog_bytes(),
        },
    };
    let status = if ok && accepting {
        StatusCode::OK
    } else {
        StatusCode::SERVICE_UNAVAILABLE
    };
    (status, Json(readiness))
}
