//! Serves HTTP/1.1 over TCP within bounds: of connections, of time, and of the memory that a peer may hold without having
//! paid for it in bytes.

mod connection;
mod exchange;
mod paced;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};
use tokio::task::JoinSet;

use connection::{Room, handle};

/// Connections that wait in the kernel until they are accepted; the kernel has a limit of its own.
const BACKLOG: u32 = 4096;

/// Connections that are served at a time.
const MAX_CONNECTIONS: usize = 8192;

/// File descriptors that are kept for files, the database and outgoing connections.
const OTHER_FILES: u64 = 512;

/// How long accepting rests when the kernel has no file descriptor or memory left; others may give some back meanwhile.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// How patient the server is with a peer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Limits {
    /// Connections at a time. Further ones wait in the kernel's backlog.
    pub(crate) max_connections: usize,
    /// From a connection's first byte of a request, or from its start, until the head is whole.
    pub(crate) head: Duration,
    /// Between an answer and the next request's first byte.
    pub(crate) idle: Duration,
    /// The same when three quarters of the connections are taken.
    pub(crate) idle_when_crowded: Duration,
    /// From a request's head to the end of its body; routes may have less patience.
    pub(crate) body: Duration,
    /// Between two moments in which the peer takes some of an answer.
    pub(crate) write: Duration,
    /// How long what the peer still sends is read and dropped after an answer that did not need it. Closing at once would
    /// reset the connection, and could take the answer from the peer before it is read.
    pub(crate) linger: Duration,
    /// How long requests may take to end when the server stops.
    pub(crate) grace: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            max_connections: MAX_CONNECTIONS,
            head: Duration::from_secs(10),
            idle: Duration::from_secs(75),
            idle_when_crowded: Duration::from_secs(2),
            body: Duration::from_secs(300),
            write: Duration::from_secs(30),
            linger: Duration::from_secs(10),
            grace: Duration::from_secs(5),
        }
    }
}

impl Limits {
    /// Limits of a listener that few have a use for.
    pub(crate) fn few() -> Self {
        Self {
            max_connections: 64,
            ..Self::default()
        }
    }

    /// The default limits, with no more connections than the process may have files open. The soft limit of open files is
    /// raised to the hard one first.
    pub(crate) fn for_this_process() -> Self {
        let mut limits = Self::default();
        if let Some(files) = raise_open_files() {
            let left = usize::try_from(files.saturating_sub(OTHER_FILES)).unwrap_or(usize::MAX);
            limits.max_connections = left.clamp(64, MAX_CONNECTIONS);
        }
        if limits.max_connections < MAX_CONNECTIONS {
            tracing::warn!(
                connections = limits.max_connections,
                "the limit of open files (ulimit -n) allows few connections"
            );
        }
        limits
    }
}

/// Raises the number of files that may be open as far as it goes, and returns it; `None` is no limit.
fn raise_open_files() -> Option<u64> {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit {
        current: limit.maximum,
        maximum: limit.maximum,
    };
    if limit.current == limit.maximum || setrlimit(Resource::Nofile, raised).is_err() {
        return limit.current;
    }
    limit.maximum
}

/// Listens on an address; port 0 takes a free one.
///
/// # Errors
/// What the system says, such as that the address is taken.
pub(crate) fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() {
        TcpSocket::new_v4()?
    } else {
        TcpSocket::new_v6()?
    };
    // A restart must not wait for the connections of the last life.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Serves until stopped, then lets requests end for a while.
pub(crate) async fn serve(
    listener: TcpListener,
    app: Router,
    limits: Limits,
    mut stopped: watch::Receiver<bool>,
) {
    let room = Room::new(limits);
    let places = Arc::clone(&room.places);
    let mut connections = JoinSet::new();
    loop {
        let (stream, peer, place) = tokio::select! {
            accepted = accept(&listener, &places) => accepted,
            Some(_) = connections.join_next() => continue,
            // The sender lives as long as the server: an error means the same as the signal.
            _ = stopped.wait_for(|stop| *stop) => break,
        };
        let served = handle(
            stream,
            peer,
            app.clone(),
            Arc::clone(&room),
            stopped.clone(),
        );
        connections.spawn(async move {
            served.await;
            drop(place);
        });
    }
    drop(listener);
    let ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.grace, ended).await.is_err() {
        tracing::warn!("cut off requests that did not end in time");
    }
}

/// The next connection, as soon as there is a place for it. Faults of the network and of the kernel are outlived.
async fn accept(
    listener: &TcpListener,
    places: &Arc<Semaphore>,
) -> (TcpStream, SocketAddr, Option<OwnedSemaphorePermit>) {
    // The semaphore is never closed.
    let place = Arc::clone(places).acquire_owned().await.ok();
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => {
                // Answers are written whole: there is nothing to gather.
                let _ = stream.set_nodelay(true);
                return (stream, peer, place);
            }
            Err(error) if is_of_the_connection(&error) => {}
            Err(error) => {
                tracing::error!(%error, "could not accept a connection");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
}

/// Whether an error of accepting concerns only the connection that was to be accepted.
fn is_of_the_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

#[cfg(test)]
mod tests;
