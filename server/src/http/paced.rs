//! A socket that does not wait for its peer for ever.

use std::io;
use std::mem::MaybeUninit;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, Sleep, sleep_until};

use super::connection::Room;
use super::exchange::Exchange;

/// A moment that is cheap to move: a timer runs only while somebody waits, and is left alone as long as it is not late.
#[derive(Debug, Default)]
pub(super) struct Deadline {
    at: Option<Instant>,
    timer: Option<Pin<Box<Sleep>>>,
}

impl Deadline {
    pub(super) fn set(&mut self, at: Instant) {
        self.at = Some(at);
    }

    fn set_in(&mut self, duration: Duration) {
        self.set(Instant::now() + duration);
    }

    fn clear(&mut self) {
        self.at = None;
    }

    fn is_set(&self) -> bool {
        self.at.is_some()
    }

    /// Ready when the moment has passed; wakes the task then. Never ready if none is set.
    pub(super) fn poll_passed(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let Some(at) = self.at else {
            return Poll::Pending;
        };
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(at)));
        if at < timer.deadline() {
            timer.as_mut().reset(at);
        }
        ready!(timer.as_mut().poll(cx));
        if Instant::now() < at {
            // It ran for an earlier moment.
            timer.as_mut().reset(at);
            ready!(timer.as_mut().poll(cx));
        }
        Poll::Ready(())
    }
}

/// What the peer is expected to send next.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Expected {
    /// A request, some time.
    Request,
    /// The rest of a request's head.
    Head,
    /// A body, or nothing: the handlers know how long that may take.
    Other,
    /// Nothing that matters: the connection ends.
    Nothing,
}

/// A connection's socket. A read fails when the head of a request does not come in time, a write when nobody takes what is
/// written; shutting down reads on for a while if the peer is still sending.
#[derive(Debug)]
pub(super) struct Paced {
    stream: TcpStream,
    exchange: Arc<Exchange>,
    room: Arc<Room>,
    /// The exchange's step that `expected` follows from.
    step: u64,
    expected: Expected,
    read: Deadline,
    write: Deadline,
}

impl Paced {
    /// Paces a socket whose first bytes are there.
    pub(super) fn new(stream: TcpStream, exchange: Arc<Exchange>, room: Arc<Room>) -> Self {
        let mut read = Deadline::default();
        read.set_in(room.limits.head);
        Self {
            stream,
            step: exchange.step(),
            exchange,
            room,
            expected: Expected::Head,
            read,
            write: Deadline::default(),
        }
    }

    /// Follows the exchange.
    fn look_up(&mut self) {
        let step = self.exchange.step();
        if step == self.step {
            return;
        }
        self.step = step;
        if step % 2 == 1 {
            self.expected = Expected::Other;
            self.read.clear();
        } else {
            self.expected = Expected::Request;
            self.read.set_in(self.room.idle());
        }
    }

    /// Fails a write that has made no progress for too long.
    fn check_write<T>(
        &mut self,
        written: Poll<io::Result<T>>,
        cx: &mut Context<'_>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.write.clear();
            return written;
        }
        if !self.write.is_set() {
            self.write.set_in(self.room.limits.write);
        }
        self.write.poll_passed(cx).map(|()| Err(timed_out()))
    }

    /// Reads and drops what the peer sends until it ends or has had its time.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let mut rubbish = [MaybeUninit::uninit(); 8192];
        loop {
            let mut buffer = ReadBuf::uninit(&mut rubbish);
            match Pin::new(&mut self.stream).poll_read(cx, &mut buffer) {
                Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {}
                // The end, or an error: either way nobody sends any more.
                Poll::Ready(_) => return Poll::Ready(Ok(())),
                Poll::Pending => return self.read.poll_passed(cx).map(Ok),
            }
            if self.read.poll_passed(cx).is_ready() {
                return Poll::Ready(Ok(()));
            }
        }
    }
}

fn timed_out() -> io::Error {
    io::ErrorKind::TimedOut.into()
}

impl AsyncRead for Paced {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        this.look_up();
        let before = buffer.filled().len();
        let read = Pin::new(&mut this.stream).poll_read(cx, buffer);
        if read.is_pending() {
            return this.read.poll_passed(cx).map(|()| Err(timed_out()));
        }
        if this.expected == Expected::Request && buffer.filled().len() > before {
            this.expected = Expected::Head;
            this.read.set_in(this.room.limits.head);
        }
        read
    }
}

impl AsyncWrite for Paced {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write(cx, bytes);
        this.check_write(written, cx)
    }

    fn poll_write_vectored(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let this = self.get_mut();
        let written = Pin::new(&mut this.stream).poll_write_vectored(cx, slices);
        this.check_write(written, cx)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.get_mut().stream).poll_flush(cx)
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let this = self.get_mut();
        if this.expected != Expected::Nothing {
            // Of a head that was refused, too, there may be more to come.
            let is_sending = this.exchange.is_unread() || this.expected == Expected::Head;
            ready!(Pin::new(&mut this.stream).poll_shutdown(cx))?;
            if !is_sending {
                return Poll::Ready(Ok(()));
            }
            this.expected = Expected::Nothing;
            this.read.set_in(this.room.limits.linger);
        }
        this.poll_linger(cx)
    }
}
