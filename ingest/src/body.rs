//! Bodies: received within bounds of size, time and memory, and decoded likewise.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::{Body, HttpBody};
use axum::http::{HeaderMap, header};
use bugle_protocol::body::{BodyError, Encoding, decode};
use bytes::{Bytes, BytesMut};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::task::spawn_blocking;
use tokio::time::{Instant, timeout_at};

use crate::authenticate::text;
use crate::{Limits, Rejection, metrics};

/// Bodies up to this size, packed and unpacked, are decoded where they were received: that takes less than a
/// millisecond, and handing them to another thread would cost more than it saves.
const INLINE_BYTES: usize = 256 * 1024;

/// A buffer is made for so many times what has come, if as much is announced: one is enough for a usual body, and who
/// announces much and sends little gets little.
const TRUST: usize = 4;

/// The memory that all bodies share. Receiving and decoding have budgets of their own, so that a decoder never waits for
/// a client, and always ends.
#[derive(Debug)]
pub(crate) struct Memory {
    receiving: Arc<Semaphore>,
    decoding: Arc<Semaphore>,
    /// The size of each of them in bytes.
    budget: usize,
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
    /// Bytes that were made here; the request they were made of holds the memory.
    pub(crate) fn made(bytes: Vec<u8>) -> Self {
        Self {
            bytes: bytes.into(),
            encoding: Encoding::Identity,
            _memory: None,
        }
    }
}

impl Memory {
    pub(crate) fn new(limits: &Limits) -> Self {
        let largest = limits.max_envelope_bytes.max(limits.max_store_bytes);
        let budget = limits.max_in_flight_bytes.max(largest);
        let budget = budget.min(u32::MAX as usize);
        Self {
            receiving: Arc::new(Semaphore::new(budget)),
            decoding: Arc::new(Semaphore::new(budget)),
            budget,
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
        let mut memory: Option<OwnedSemaphorePermit> = None;
        while let Some(chunk) = timeout_at(deadline, next_chunk(&mut body))
            .await
            .map_err(|_| too_slow(limits))??
        {
            if bytes.len() + chunk.len() > max_bytes {
                return Err(too_large(max_bytes));
            }
            let share = timeout_at(deadline, take(&self.receiving, chunk.len())).await;
            let share = share.map_err(|_| Rejection::OutOfMemory)??;
            match &mut memory {
                Some(memory) => memory.merge(share),
                None => memory = Some(share),
            }
            make_room(&mut bytes, chunk.len(), announced);
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
            match decode(encoding, &bytes, max_bytes.min(INLINE_BYTES)) {
                Ok(decoded) => return read(&decoded),
                Err(BodyError::TooLarge { .. }) if max_bytes > INLINE_BYTES => {}
                Err(error) => return Err(error.into()),
            }
        }
        let memory = take(&self.decoding, max_bytes).await?;
        let decoding = spawn_blocking(move || {
            let _memory = memory;
            read(&decode(encoding, &bytes, max_bytes)?)
        });
        // The only way not to join is a panic, and its message is in the log.
        decoding.await.map_err(|_| Rejection::Internal)?
    }

    /// Decodes a body to at most `max_bytes` and returns what `make` makes of it, which may be as large again, with its
    /// share of the memory. Small ones have none: they are about as large as the body, which has its own.
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
            match both(max_bytes.min(INLINE_BYTES)) {
                Err(Rejection::TooLarge { .. }) if max_bytes > INLINE_BYTES => {}
                made => return made.map(|made| (made, None)),
            }
        }
        let memory = take(&self.decoding, (2 * max_bytes).min(self.budget)).await?;
        let making =
            spawn_blocking(move || both(max_bytes).map(|made| (made, Some(Share(memory)))));
        making.await.map_err(|_| Rejection::Internal)?
    }
}

/// Makes room for a chunk, and for what is to follow it.
fn make_room(bytes: &mut BytesMut, chunk: usize, announced: usize) {
    let length = bytes.len() + chunk;
    if length > bytes.capacity() {
        let enough = announced.min(length * TRUST).max(length);
        bytes.reserve(enough - bytes.len());
    }
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

/// Waits for a share of a budget.
async fn take(budget: &Arc<Semaphore>, bytes: usize) -> Result<OwnedSemaphorePermit, Rejection> {
    let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
    let permit = Arc::clone(budget).acquire_many_owned(bytes).await;
    permit.map_err(|_| Rejection::Internal)
}

fn too_large(limit_bytes: usize) -> Rejection {
    Rejection::TooLarge { limit_bytes }
}

fn too_slow(limits: &Limits) -> Rejection {
    Rejection::TooSlow {
        seconds: limits.max_body_time.as_secs(),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn cramped() -> Limits {
        Limits {
            max_envelope_bytes: 10,
            max_store_bytes: 10,
            max_in_flight_bytes: 10,
            max_body_time: Duration::from_millis(20),
            ..Limits::default()
        }
    }

    #[tokio::test]
    async fn who_finds_no_memory_in_time_is_told_to_come_again() {
        let limits = cramped();
        let memory = Memory::new(&limits);
        let headers = HeaderMap::new();
        let receive = || memory.receive(&headers, Body::from("12345678"), 10, &limits);
        let held = receive().await.unwrap();
        assert!(matches!(receive().await, Err(Rejection::OutOfMemory)));
        drop(held);
        assert!(receive().await.is_ok());
    }

    #[tokio::test]
    async fn bodies_of_other_requests_do_not_keep_one_from_being_decoded() {
        let limits = cramped();
        let memory = Memory::new(&limits);
        let headers = HeaderMap::new();
        let receive = || memory.receive(&headers, Body::from("12345"), 10, &limits);
        let (one, _other) = (receive().await.unwrap(), receive().await.unwrap());
        let length = memory.decode(&one, 10, |bytes| Ok(bytes.len())).await;
        assert_eq!(length.unwrap(), 5);
    }

    #[test]
    fn room_is_made_for_what_came_and_not_for_what_is_announced() {
        for (chunk, announced, capacity) in [
            (2, 100_000_000, 8),
            (8_000, 24_000, 24_000),
            (8_000, 8_000, 8_000),
            (8_000, 0, 8_000),
        ] {
            let mut bytes = BytesMut::new();
            make_room(&mut bytes, chunk, announced);
            assert_eq!(bytes.capacity(), capacity, "{chunk} of {announced}");
        }
    }

    #[tokio::test]
    async fn a_large_body_is_decoded_within_its_own_budget() {
        let limits = Limits::default();
        let memory = Memory::new(&limits);
        let body = vec![0; 3 * INLINE_BYTES];
        let headers = HeaderMap::new();
        let received = memory.receive(&headers, Body::from(body), 1 << 20, &limits);
        let received = received.await.unwrap();
        let free = memory.decoding.available_permits();
        let decode = |limit| memory.decode(&received, limit, |bytes| Ok(bytes.len()));
        assert_eq!(decode(1 << 20).await.unwrap(), 3 * INLINE_BYTES);
        assert!(matches!(
            decode(1000).await,
            Err(Rejection::TooLarge { limit_bytes: 1000 })
        ));
        assert_eq!(memory.decoding.available_permits(), free);
    }
}
