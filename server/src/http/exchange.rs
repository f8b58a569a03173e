//! What the two ends of a connection, the socket and the handlers, know of each other.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::{Body, Bytes};
use http_body::{Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::Instant;

use super::paced::Deadline;

/// Where a connection stands between its requests and answers.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    /// Odd while a request is answered; grows at each beginning and each end.
    steps: AtomicU64,
    /// The last answer was made before its request was read to the end.
    is_unread: AtomicBool,
}

impl Exchange {
    pub(super) fn begin(&self) {
        self.is_unread.store(false, Ordering::Relaxed);
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    fn end(&self) {
        self.steps.fetch_add(1, Ordering::Relaxed);
    }

    /// Changes with every beginning and every end; odd in between.
    pub(super) fn step(&self) -> u64 {
        self.steps.load(Ordering::Relaxed)
    }

    pub(super) fn is_unread(&self) -> bool {
        self.is_unread.load(Ordering::Relaxed)
    }
}

/// A request's body, which has to be there in time.
pub(super) struct Upload {
    body: Incoming,
    exchange: Arc<Exchange>,
    is_read: bool,
    deadline: Deadline,
}

impl Upload {
    pub(super) fn new(body: Incoming, exchange: Arc<Exchange>, limit: Duration) -> Self {
        let mut deadline = Deadline::default();
        deadline.set(Instant::now() + limit);
        Self {
            body,
            exchange,
            is_read: false,
            deadline,
        }
    }
}

impl http_body::Body for Upload {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        let this = self.get_mut();
        match Pin::new(&mut this.body).poll_frame(cx) {
            Poll::Ready(None) => {
                this.is_read = true;
                Poll::Ready(None)
            }
            Poll::Ready(Some(frame)) => Poll::Ready(Some(frame.map_err(axum::Error::new))),
            Poll::Pending if this.deadline.poll_passed(cx).is_ready() => {
                let late = io::Error::new(io::ErrorKind::TimedOut, "the body took too long");
                Poll::Ready(Some(Err(axum::Error::new(late))))
            }
            Poll::Pending => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if !self.is_read && !http_body::Body::is_end_stream(&self.body) {
            self.exchange.is_unread.store(true, Ordering::Relaxed);
        }
    }
}

/// An answer's body; the exchange ends with it.
pub(super) struct Answer {
    body: Body,
    exchange: Arc<Exchange>,
}

impl Answer {
    pub(super) fn new(body: Body, exchange: Arc<Exchange>) -> Self {
        Self { body, exchange }
    }
}

impl http_body::Body for Answer {
    type Data = Bytes;
    type Error = axum::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, axum::Error>>> {
        Pin::new(&mut self.get_mut().body).poll_frame(cx)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Answer {
    fn drop(&mut self) {
        self.exchange.end();
    }
}
