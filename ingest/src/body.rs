//! Bodies: received within bounds of size, time and memory, and decoded likewise.

use std::future::poll_fn;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, header};
use bugle_protocol::body::{BodyError, Encoding, decode, pack};
use bytes::{Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout, timeout_at};

use crate::authenticate::text;
use crate::{Limits, Rejection, metrics};

/// Bodies up to this size, packed and unpacked, are decoded where they were received: that takes less than a
/// millisecond, and handing them to another thread would cost more than it saves.
const INLINE_BYTES: usize = 256 * 1024;

/// A buffer is made for so many times what has come, if as much is announced: one is enough for a usual body, and who
/// announces much and sends little gets little.
const TRUST: usize = 4;

/// Bodies up to this size are received within a budget of their own: nearly all events are smaller, and must not wait for
/// crash dumps.
const SMALL_BYTES: usize = 1024 * 1024;

/// The part of the memory for receiving that is kept for small bodies: one of so many.
const SMALL_PART: usize = 4;

/// Waiting for memory takes at most one of so many parts of the time for a body; the rest is left for sending it.
const WAITING_PART: u32 = 4;

/// Envelopes made here are queued packed if they are larger.
const PACK_BYTES: usize = 256 * 1024;

/// The memory that all bodies share. Receiving and decoding have budgets of their own, so that a decoder never waits for
/// a client, and always ends.
///
/// Who waits for a share of a budget holds none of it: a large body takes all that it announces before its first byte is
/// read, and a share that turns out too small grows at once or not at all. So whoever was admitted can finish.
#[derive(Debug)]
pub(crate) struct Memory {
    /// For receiving bodies up to [`SMALL_BYTES`], and for what is made of small ones.
    small: Arc<Semaphore>,
    /// For receiving larger ones.
    large: Arc<Semaphore>,
    decoding: Arc<Semaphore>,
    /// The size of `decoding` in bytes.
    budget: usize,
    /// How long a request waits for its share, and a large share for the request's next bytes.
    max_wait: Duration,
}

/// A share of the memory, held until it is dropped.
#[derive(Debug)]
pub(crate) struct Share(OwnedSemaphorePermit);

impl Share {
    /// Gives back all but so many bytes.
    pub(crate) fn shrink_to(mut self, bytes: usize) -> Self {
        self.0.split(bytes).map_or(self, Self)
    }
}

/// A body as it came, and its share of the memory.
#[derive(Debug)]
pub(crate) struct Received {
    pub(crate) bytes: Bytes,
    pub(crate) encoding: Encoding,
    _memory: Option<OwnedSemaphorePermit>,
}

impl Received {
    /// Bytes that were made here, packed if they are many; the request they were made of holds the memory, for both forms.
    ///
    /// # Errors
    /// [`Rejection::Internal`].
    pub(crate) async fn made(bytes: Vec<u8>) -> Result<Self, Rejection> {
        if bytes.len() <= PACK_BYTES {
            return Ok(Self::of(bytes, Encoding::Identity));
        }
        let packing = spawn_blocking(move || match pack(&bytes) {
            Ok(packed) if packed.len() < bytes.len() => Self::of(packed, Encoding::Zstd),
            _ => Self::of(bytes, Encoding::Identity),
        });
        packing.await.map_err(|_| Rejection::Internal)
    }

    fn of(bytes: Vec<u8>, encoding: Encoding) -> Self {
        Self {
            bytes: bytes.into(),
            encoding,
            _memory: None,
        }
    }
}

impl Memory {
    pub(crate) fn new(limits: &Limits) -> Self {
        let largest = limits.max_envelope_bytes.max(limits.max_store_bytes);
        let budget = limits.max_in_flight_bytes.max(largest);
        let budget = budget.min(u32::MAX as usize);
        let small = (budget / SMALL_PART).max(largest.min(SMALL_BYTES));
        let large = (budget - budget / SMALL_PART).max(largest.min(budget));
        Self {
            small: Arc::new(Semaphore::new(small)),
            large: Arc::new(Semaphore::new(large)),
            decoding: Arc::new(Semaphore::new(budget)),
            budget,
            max_wait: limits.max_body_time / WAITING_PART,
        }
    }

    /// Receives a body of at most `max_bytes`, in any coding.
    ///
    /// # Errors
    /// [`Rejection`] if its coding is unknown, if it is larger, or is not there in time; an announced length above the
    /// limit is refused before the first byte.
    pub(crate) async fn receive(
        &self,
        headers: &HeaderMap,
        mut body: Body,
        max_bytes: usize,
        limits: &Limits,
    ) -> Result<Received, Rejection> {
        let encoding = encoding(headers)?;
        let announced = usize::try_from(body.size_hint().lower()).unwrap_or(usize::MAX);
        if announced > max_bytes {
            return Err(too_large(max_bytes));
        }
        let deadline = Instant::now() + limits.max_body_time;
        let mut bytes = BytesMut::new();
        let mut memory = None;
        if announced > SMALL_BYTES {
            memory = Some(self.take(&self.large, announced).await?);
        }
        while let Some(chunk) = self
            .next_chunk(&mut body, deadline, &memory, limits)
            .await?
        {
            if bytes.len() + chunk.len() > max_bytes {
                return Err(too_large(max_bytes));
            }
            let length = bytes.len() + chunk.len();
            let room = room(length, bytes.capacity(), announced, max_bytes);
            self.hold(&mut memory, length, room).await?;
            if length > bytes.capacity() {
                bytes.reserve(room - bytes.len());
            }
            bytes.extend_from_slice(&chunk);
        }
        metrics::received(encoding, bytes.len());
        Ok(Received {
            bytes: bytes.freeze(),
            encoding,
            _memory: memory,
        })
    }

    /// Decodes a body to at most `max_bytes` and returns what `read` makes of it; the decoded bytes are gone then.
    ///
    /// # Errors
    /// [`Rejection`] if the stream is broken, if more comes out, or what `read` says.
    pub(crate) async fn decode<T: Send + 'static>(
        &self,
        received: &Received,
        max_bytes: usize,
        read: impl Fn(&[u8]) -> Result<T, Rejection> + Send + 'static,
    ) -> Result<T, Rejection> {
        let (encoding, bytes) = (received.encoding, received.bytes.clone());
        if bytes.len() <= INLINE_BYTES {
            let decode_here = || match decode(encoding, &bytes, max_bytes.min(INLINE_BYTES)) {
                Ok(decoded) => read(&decoded).map(Some),
                Err(BodyError::TooLarge { .. }) if max_bytes > INLINE_BYTES => Ok(None),
                Err(error) => Err(error.into()),
            };
            if let Some(done) = guarded(decode_here)? {
                return Ok(done);
            }
        }
        let memory = self.take(&self.decoding, max_bytes).await?;
        let decoding = spawn_blocking(move || {
            let _memory = memory;
            read(&decode(encoding, &bytes, max_bytes)?)
        });
        // The only way not to join is a panic, and its message is in the log.
        decoding.await.map_err(|_| Rejection::Internal)?
    }

    /// Decodes a body to at most `max_bytes` and returns what `make` makes of it, which may be as large again, with its
    /// share of the memory. What is made of a small one has none yet: see [`Memory::share`].
    ///
    /// `make` is given how many bytes it may unpack; it is called again, with a larger number, if it says that they are too
    /// few.
    ///
    /// # Errors
    /// [`Rejection`] if the stream is broken, if more comes out, or what `make` says.
    pub(crate) async fn make<T: Send + 'static>(
        &self,
        received: &Received,
        max_bytes: usize,
        make: impl Fn(&[u8], usize) -> Result<T, Rejection> + Send + 'static,
    ) -> Result<(T, Option<Share>), Rejection> {
        let (encoding, bytes) = (received.encoding, received.bytes.clone());
        let both = move |max_bytes| make(&decode(encoding, &bytes, max_bytes)?, max_bytes);
        if received.bytes.len() <= INLINE_BYTES {
            match guarded(|| both(max_bytes.min(INLINE_BYTES))) {
                Err(Rejection::TooLarge { .. }) if max_bytes > INLINE_BYTES => {}
                made => return made.map(|made| (made, None)),
            }
        }
        let memory = (2 * max_bytes).min(self.budget);
        let memory = self.take(&self.decoding, memory).await?;
        let making =
            spawn_blocking(move || both(max_bytes).map(|made| (made, Some(Share(memory)))));
        making.await.map_err(|_| Rejection::Internal)?
    }

    /// A share for so many bytes that were made of a small body. Does not wait: the request may hold others.
    ///
    /// # Errors
    /// [`Rejection::OutOfMemory`].
    pub(crate) fn share(&self, bytes: usize) -> Result<Share, Rejection> {
        try_take(&self.small, bytes).map(Share)
    }

    /// Waits for the next bytes of a body. Who holds much memory has to make use of it.
    async fn next_chunk(
        &self,
        body: &mut Body,
        deadline: Instant,
        memory: &Option<OwnedSemaphorePermit>,
        limits: &Limits,
    ) -> Result<Option<Bytes>, Rejection> {
        let is_large = memory
            .as_ref()
            .is_some_and(|m| m.num_permits() > SMALL_BYTES);
        let stalled = Instant::now() + self.max_wait;
        let (until, time) = match is_large && stalled < deadline {
            true => (stalled, self.max_wait),
            false => (deadline, limits.max_body_time),
        };
        let too_slow = |_| Rejection::TooSlow {
            seconds: time.as_secs(),
        };
        timeout_at(until, next_chunk(body))
            .await
            .map_err(too_slow)?
    }

    /// Sees to it that `memory` holds `length` bytes, and in that case `room` of them. The first share is waited for.
    async fn hold(
        &self,
        memory: &mut Option<OwnedSemaphorePermit>,
        length: usize,
        room: usize,
    ) -> Result<(), Rejection> {
        let budget = if room > SMALL_BYTES {
            &self.large
        } else {
            &self.small
        };
        match memory {
            None => *memory = Some(self.take(budget, room).await?),
            Some(share) if length <= share.num_permits() => {}
            Some(share) if Arc::ptr_eq(share.semaphore(), budget) => {
                share.merge(try_take(budget, room - share.num_permits())?);
            }
            Some(share) => *share = try_take(budget, room)?,
        }
        Ok(())
    }

    /// Waits for a share of a budget, but not for ever.
    async fn take(
        &self,
        budget: &Arc<Semaphore>,
        bytes: usize,
    ) -> Result<OwnedSemaphorePermit, Rejection> {
        let share = Arc::clone(budget).acquire_many_owned(permits(bytes));
        match timeout(self.max_wait, share).await {
            Ok(share) => share.map_err(|_| Rejection::Internal),
            Err(_) => Err(Rejection::OutOfMemory),
        }
    }
}

/// Takes a share of a budget if it is there.
fn try_take(budget: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, Rejection> {
    let share = Arc::clone(budget).try_acquire_many_owned(permits(bytes));
    share.map_err(|_| Rejection::OutOfMemory)
}

fn permits(bytes: usize) -> u32 {
    u32::try_from(bytes).unwrap_or(u32::MAX)
}

/// The room to make for a body of which `length` bytes have come and that has outgrown `old` ones. One that announces
/// nothing gets twice as much each time.
fn room(length: usize, old: usize, announced: usize, max_bytes: usize) -> usize {
    let room = if announced > 0 {
        announced.min(length * TRUST)
    } else if length <= SMALL_BYTES {
        (2 * old).min(SMALL_BYTES)
    } else {
        2 * old
    };
    room.min(max_bytes).max(length)
}

/// Runs what might panic, which then costs only this request; the panic's message is in the log.
fn guarded<T>(run: impl FnOnce() -> Result<T, Rejection>) -> Result<T, Rejection> {
    // What a panic leaves half done is dropped with the request.
    catch_unwind(AssertUnwindSafe(run)).unwrap_or(Err(Rejection::Internal))
}

/// The coding that a body's headers name; a list of several is one that is not known.
fn encoding(headers: &HeaderMap) -> Result<Encoding, BodyError> {
    match headers.get(header::CONTENT_ENCODING) {
        Some(value) => Encoding::from_header(&text(value)),
        None => Ok(Encoding::Identity),
    }
}

/// The next bytes of a body; `None` at its end.
async fn next_chunk(body: &mut Body) -> Result<Option<Bytes>, Rejection> {
    loop {
        match poll_fn(|context| Pin::new(&mut *body).poll_frame(context)).await {
            None => return Ok(None),
            Some(Err(_)) => return Err(Rejection::Disconnected),
            Some(Ok(frame)) => {
                // Trailers carry nothing for us.
                if let Ok(chunk) = frame.into_data() {
                    return Ok(Some(chunk));
                }
            }
        }
    }
}

fn too_large(limit_bytes: usize) -> Rejection {
    Rejection::TooLarge { limit_bytes }
}

#[cfg(test)]
mod tests;
