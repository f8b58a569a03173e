//! Builds every room's state once, starts them, and ends them in order.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use axum::extract::{ConnectInfo, Request};
use axum::http::Uri;
use axum::http::uri::PathAndQuery;
use axum::{Router, middleware};
use bugle_alerts::Dispatcher;
use bugle_api::Api;
use bugle_ingest::{Ingest, Ledger, Limiter, watch_spikes};
use bugle_processor::{Jobs, Processor};
use bugle_protocol::UnixMillis;
use bugle_store::Store;
use bugle_store::queue::Queue;
use bugle_ui::Ui;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tower::Layer as _;
use tower::util::MapRequestLayer;

use crate::commands::open;
use crate::config::Config;
use crate::health::{self, Health};
use crate::http;
use crate::metrics::{self, Metrics};
use crate::queue_commands::retries;
use crate::setup;

/// How long everything may take to end after SIGTERM; requests have a part of it, see [`http::Limits::grace`].
const END: Duration = Duration::from_secs(9);

/// Runs the server until SIGTERM or Ctrl-C.
pub(crate) async fn run(config: Config) -> anyhow::Result<()> {
    let recorded = metrics::install()?;
    let store = open(&config).await?;
    store.migrate().await?;
    let queue = open_queue(&config, &store).await?;
    let listener = http::listen(config.listen);
    let listener = listener.with_context(|| format!("could not listen on {}", config.listen))?;
    let metrics_listener = config.metrics_listen.map(listen_for_metrics).transpose()?;
    let address = listener.local_addr()?;
    let base_url = config.public_url(address);
    if let Some(welcome) = setup::prepare(&store, &base_url, UnixMillis::now()).await? {
        println!("DSN: {}\nSetup: {}", welcome.dsn, welcome.setup_url);
    }
    tracing::info!(%address, url = %base_url, database = store.backend(), "listening");

    let limiter = Limiter::new(store.clone(), queue.clone());
    // Before anything is processed: see there.
    limiter.restore(UnixMillis::now()).await?;
    let ledger = Ledger::new(queue.clone());

    // Before anybody can see that the server runs, and stop it.
    let terminated = terminated()?;

    let (stop, stopped) = watch::channel(false);
    let (mut tasks, mut doors) = (JoinSet::new(), JoinSet::new());
    let processor = Processor::new(store.clone(), queue.clone());
    tasks.spawn(processor.run(stopped.clone()));
    tasks.spawn(Dispatcher::new(store.clone(), base_url.clone()).run(stopped.clone()));
    tasks.spawn(watch_spikes(store.clone(), stopped.clone()));
    tasks.spawn(retries(queue.clone(), stopped.clone()));
    tasks.spawn(Jobs::new(store.clone(), queue.clone()).run(stopped.clone()));
    let ingest = Ingest {
        store: store.clone(),
        queue: queue.clone(),
        limiter,
        ledger: ledger.clone(),
        limits: bugle_ingest::Limits::default(),
        trusted_proxies: config.trusted_proxies.clone(),
        base_url: base_url.clone(),
        js_sdk_url: config.js_sdk_url.clone(),
    };
    let metrics = Metrics::new(recorded, &store, &queue, config.metrics_token.as_ref());
    tasks.spawn(Arc::clone(&metrics).keep_up(stopped.clone()));
    if let Some(listener) = metrics_listener {
        let limits = http::Limits::few();
        doors.spawn(http::serve(
            listener,
            metrics.open(),
            limits,
            stopped.clone(),
        ));
    }
    let app = app(&config, ingest, &base_url, &metrics);
    let limits = http::Limits::for_this_process();
    doors.spawn(http::serve(listener, app, limits, stopped));

    let failure = tokio::select! {
        () = terminated => None,
        // None of them ends by itself unless something is wrong beyond repair.
        Some(ended) = tasks.join_next() => Some(early(ended)),
        Some(ended) = doors.join_next() => Some(early(ended)),
    };
    tracing::info!("stopping");
    stop.send_replace(true);
    let ended = async {
        let doors = async {
            while doors.join_next().await.is_some() {}
            // Nobody is refused any more: what is counted can be written, however long the last batch takes.
            ledger.close().await;
        };
        let others = async { while tasks.join_next().await.is_some() {} };
        tokio::join!(doors, others);
        let closed = tokio::task::spawn_blocking(move || queue.close()).await;
        store.close().await;
        closed
    };
    // What is not finished by then is in the queue, on disk: nothing is lost by leaving.
    match tokio::time::timeout(END, ended).await {
        Ok(closed) => closed?,
        Err(_) => tracing::warn!("left before everything had ended"),
    }
    tracing::info!("stopped");
    failure.map_or(Ok(()), Err)
}

/// Why a part of the server ended that never should.
fn early(ended: Result<(), tokio::task::JoinError>) -> anyhow::Error {
    match ended {
        Ok(()) => anyhow::anyhow!("a part of the server ended"),
        Err(error) => error.into(),
    }
}

async fn open_queue(config: &Config, store: &Store) -> anyhow::Result<Queue> {
    let folder = config.data.join("queue");
    let processed = store.queue_position(&Queue::id_of(&folder)?).await?;
    let queue = Queue::open(&folder, config.queue, processed)?;
    let waiting = queue.last_position() - processed;
    if waiting > 0 {
        tracing::info!(
            requests = waiting,
            "found requests in the queue that are not processed yet"
        );
    }
    Ok(queue)
}

fn listen_for_metrics(address: SocketAddr) -> anyhow::Result<TcpListener> {
    let listener = http::listen(address);
    let listener = listener.with_context(|| format!("could not listen on {address}"))?;
    // Port 0 takes a free one.
    tracing::info!(address = %listener.local_addr()?, "serving metrics");
    Ok(listener)
}

fn app(config: &Config, ingest: Ingest, base_url: &str, metrics: &Arc<Metrics>) -> Router {
    let (store, queue) = (ingest.store.clone(), ingest.queue.clone());
    let router = Router::new()
        .merge(bugle_ingest::router(Arc::new(ingest)))
        .merge(bugle_api::router(Arc::new(Api {
            store: store.clone(),
            queue: queue.clone(),
            base_url: base_url.to_owned(),
        })))
        .merge(health::router(Arc::new(Health {
            store: store.clone(),
            queue: queue.clone(),
        })))
        .merge(metrics.guarded())
        .merge(pages(config, &store, base_url))
        .layer(middleware::from_fn(metrics::measure));
    let prefix = base_url
        .splitn(4, '/')
        .nth(3)
        .map(|path| format!("/{path}"))
        .unwrap_or_default();
    let layer = MapRequestLayer::new(move |request| tidy_path(request, &prefix));
    // The layer has to see the request before the router matches its path.
    Router::new().fallback_service(layer.layer(router))
}

/// The pages, which throttle sign-ins by address, and so have to see the client's and not the proxy's.
fn pages(config: &Config, store: &Store, base_url: &str) -> Router {
    let proxies = config.trusted_proxies.clone();
    let see_client = MapRequestLayer::new(move |mut request: Request| {
        let peer = request
            .extensions()
            .get::<ConnectInfo<SocketAddr>>()
            .map(|info| info.0);
        let client = proxies.client_ip(peer.map(|peer| peer.ip()), request.headers());
        if let (Some(peer), Some(client)) = (peer, client) {
            let address = SocketAddr::new(client, peer.port());
            request.extensions_mut().insert(ConnectInfo(address));
        }
        request
    });
    bugle_ui::router(Arc::new(Ui::new(store.clone(), base_url))).layer(see_client)
}

/// Takes the public path prefix off, so that proxies may keep it or strip it, and makes one slash of several, as SDKs
/// with a slash too many in their DSN need it.
fn tidy_path(mut request: Request, prefix: &str) -> Request {
    let path = request.uri().path();
    let collapsed = collapse_slashes(path);
    let behind = collapsed
        .strip_prefix(prefix)
        .filter(|rest| rest.is_empty() || rest.starts_with('/'))
        .unwrap_or(&collapsed);
    if behind == path {
        return request;
    }
    let mut tidy = if behind.is_empty() { "/" } else { behind }.to_owned();
    if let Some(query) = request.uri().query() {
        tidy.push('?');
        tidy.push_str(query);
    }
    if let Ok(path_and_query) = PathAndQuery::try_from(tidy) {
        let mut parts = request.uri().clone().into_parts();
        parts.path_and_query = Some(path_and_query);
        if let Ok(uri) = Uri::from_parts(parts) {
            *request.uri_mut() = uri;
        }
    }
    request
}

/// Makes one slash of several.
fn collapse_slashes(path: &str) -> Cow<'_, str> {
    if !path.contains("//") {
        return Cow::Borrowed(path);
    }
    let mut collapsed = String::with_capacity(path.len());
    for c in path.chars() {
        if c != '/' || !collapsed.ends_with('/') {
            collapsed.push(c);
        }
    }
    Cow::Owned(collapsed)
}

/// Waits for SIGTERM or Ctrl-C. From this call on, not from the first poll, neither of them ends the process by itself.
fn terminated() -> anyhow::Result<impl Future<Output = ()>> {
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::body::Body;

    #[test]
    fn paths_lose_the_prefix_and_doubled_slashes() {
        for (prefix, path, tidy) in [
            ("", "/api/1/envelope/", "/api/1/envelope/"),
            ("", "//api//1/envelope/?a=//b", "/api/1/envelope/?a=//b"),
            ("/bugle", "/bugle/api/1/store/?x=1", "/api/1/store/?x=1"),
            (
                "/bugle",
                "//bugle//api/1/cron/a/?status=ok",
                "/api/1/cron/a/?status=ok",
            ),
            (
                "/bugle",
                "/bugle//js-sdk-loader/x.js",
                "/js-sdk-loader/x.js",
            ),
            ("/a/b", "/a//b/api/1/nel/", "/api/1/nel/"),
            ("", "//", "/"),
            ("/bugle", "/bugle", "/"),
            ("/bugle", "/bugler/", "/bugler/"),
            ("/bugle", "/login", "/login"),
        ] {
            let request = Request::builder().uri(path).body(Body::empty()).unwrap();
            assert_eq!(tidy_path(request, prefix).uri().to_string(), tidy);
        }
    }
}
