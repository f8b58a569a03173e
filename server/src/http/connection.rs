//! One connection, from its first byte to its end.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{ConnectInfo, Request};
use axum::response::Response;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use metrics::Gauge;
use tokio::net::TcpStream;
use tokio::sync::{Semaphore, watch};
use tower::ServiceExt as _;

use super::Limits;
use super::exchange::{Answer, Exchange, Upload};
use super::paced::Paced;

/// The largest head of a request, and the most that is read at once. Beyond it the answer is 431.
const MAX_HEAD_BYTES: usize = 64 * 1024;

/// The most header lines of a request. Beyond it the answer is 431.
const MAX_HEADERS: usize = 100;

/// What the connections of a listener share.
#[derive(Debug)]
pub(super) struct Room {
    pub(super) limits: Limits,
    /// A permit for each connection that may still be accepted.
    pub(super) places: Arc<Semaphore>,
    http: http1::Builder,
}

impl Room {
    pub(super) fn new(limits: Limits) -> Arc<Self> {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            // `Paced` tells an idle connection from a slow head, which this cannot. But only with a timeout is the socket
            // asked for the next request, and thereby its deadline set, as soon as an answer is out.
            .header_read_timeout(limits.idle + limits.head)
            .max_buf_size(MAX_HEAD_BYTES)
            .max_header_size(MAX_HEAD_BYTES)
            .max_headers(MAX_HEADERS);
        Arc::new(Self {
            limits,
            places: Arc::new(Semaphore::new(limits.max_connections)),
            http,
        })
    }

    /// How long a connection may wait for its next request.
    pub(super) fn idle(&self) -> Duration {
        if self.places.available_permits() * 4 < self.limits.max_connections {
            self.limits.idle_when_crowded
        } else {
            self.limits.idle
        }
    }
}

/// Serves a connection until either side ends it, or the server stops.
pub(super) async fn handle(
    stream: TcpStream,
    peer: SocketAddr,
    app: Router,
    room: Arc<Room>,
    mut stopped: watch::Receiver<bool>,
) {
    let _counted = Counted::new();
    // Whoever has said nothing yet gets no buffers either.
    let spoken = tokio::time::timeout(room.limits.head, stream.readable());
    tokio::select! {
        spoken = spoken => if !matches!(spoken, Ok(Ok(()))) { return },
        _ = stopped.wait_for(|stop| *stop) => return,
    }
    let exchange = Arc::new(Exchange::default());
    let io = TokioIo::new(Paced::new(stream, Arc::clone(&exchange), Arc::clone(&room)));
    let body_limit = room.limits.body;
    let service = service_fn(move |request| {
        let exchange = Arc::clone(&exchange);
        answer(app.clone(), request, peer, exchange, body_limit)
    });
    let mut connection = pin!(room.http.serve_connection(io, service));
    // An error is the peer's: it went away, was too slow, or does not speak HTTP and has been told so.
    tokio::select! {
        _ = connection.as_mut() => return,
        _ = stopped.wait_for(|stop| *stop) => connection.as_mut().graceful_shutdown(),
    }
    let _ = connection.await;
}

/// Has a request answered, and notes when it begins and ends.
async fn answer(
    app: Router,
    request: Request<Incoming>,
    peer: SocketAddr,
    exchange: Arc<Exchange>,
    body_limit: Duration,
) -> Result<Response<Answer>, Infallible> {
    exchange.begin();
    let body = |body| Body::new(Upload::new(body, Arc::clone(&exchange), body_limit));
    let mut request = request.map(body);
    request.extensions_mut().insert(ConnectInfo(peer));
    let response = app.oneshot(request).await?;
    Ok(response.map(|body| Answer::new(body, exchange)))
}

/// Counts a connection as long as it lives.
struct Counted(Gauge);

impl Counted {
    fn new() -> Self {
        let open = ::metrics::gauge!("bugle_http_connections");
        open.increment(1);
        Self(open)
    }
}

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.decrement(1);
    }
}
