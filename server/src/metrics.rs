//! `/metrics`: what the rooms count, in the classic text format of Prometheus.
//!
//! Each room counts where it works, through the crate `metrics`. Here are the recorder, the descriptions of all series, the
//! gauges that are read when somebody asks, and the question of who may ask.

mod access;
mod gauges;
mod requests;
mod series;

use std::sync::Arc;

use anyhow::Context as _;
use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bugle_store::Store;
use bugle_store::queue::Queue;
use metrics_exporter_prometheus::PrometheusHandle;
use tokio::sync::watch;

use access::Access;
use gauges::Gauges;
pub(crate) use requests::measure;

use crate::config::Secret;

/// The format's media type.
const TEXT: HeaderValue = HeaderValue::from_static("text/plain; version=0.0.4; charset=utf-8");

/// What `/metrics` is made of.
#[derive(Debug)]
pub(crate) struct Metrics {
    recorded: PrometheusHandle,
    gauges: Arc<Gauges>,
    access: Access,
}

/// Starts counting. What was counted before is lost, so this comes first.
///
/// # Errors
/// If it was called before.
pub(crate) fn install() -> anyhow::Result<PrometheusHandle> {
    let recorder = series::recorder()?;
    let recorded = recorder.handle();
    ::metrics::set_global_recorder(recorder)
        .map_err(|_| anyhow::anyhow!("metrics are counted already"))
        .context("could not start counting metrics")?;
    series::describe();
    Ok(recorded)
}

impl Metrics {
    /// Metrics of a server. `token` opens them besides the API's tokens.
    pub(crate) fn new(
        recorded: PrometheusHandle,
        store: &Store,
        queue: &Queue,
        token: Option<&Secret>,
    ) -> Arc<Self> {
        Arc::new(Self {
            recorded,
            gauges: Arc::new(Gauges::new(store.clone(), queue.clone())),
            access: Access::new(store.clone(), token),
        })
    }

    /// Keeps what is counted small and the slow gauges fresh until stopped.
    pub(crate) async fn keep_up(self: Arc<Self>, stopped: watch::Receiver<bool>) {
        tokio::join!(
            series::keep_up(&self.recorded, stopped.clone()),
            self.gauges.keep_up(stopped)
        );
    }

    /// The route for those who have a token.
    pub(crate) fn guarded(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/metrics", get(guarded))
            .with_state(Arc::clone(self))
    }

    /// The route for all who can connect.
    pub(crate) fn open(self: &Arc<Self>) -> Router {
        Router::new()
            .route("/metrics", get(open))
            .with_state(Arc::clone(self))
    }

    async fn render(&self) -> Response {
        self.gauges.refresh().await;
        let recorded = self.recorded.clone();
        // Large enough to hold others up.
        match tokio::task::spawn_blocking(move || recorded.render()).await {
            Ok(text) => ([(header::CONTENT_TYPE, TEXT)], text).into_response(),
            // The panic's message is in the log.
            Err(_) => axum::http::StatusCode::INTERNAL_SERVER_ERROR.into_response(),
        }
    }
}

async fn guarded(State(metrics): State<Arc<Metrics>>, headers: HeaderMap) -> Response {
    match metrics.access.check(&headers).await {
        Ok(()) => metrics.render().await,
        Err(refusal) => refusal.into_response(),
    }
}

async fn open(State(metrics): State<Arc<Metrics>>) -> Response {
    metrics.render().await
}
