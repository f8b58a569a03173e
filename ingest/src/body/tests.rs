//! Shares of memory, and who gets them.

use std::task::{Context, Poll};

use http_body::{Frame, SizeHint};

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
    for (length, old, announced, expected) in [
        (2, 0, 100_000_000, 8),
        (8_000, 0, 24_000, 24_000),
        (8_000, 0, 8_000, 8_000),
        (8_000, 0, 0, 8_000),
        (9_000, 8_000, 0, 16_000),
        (900_000, 800_000, 0, SMALL_BYTES),
        (SMALL_BYTES + 1, SMALL_BYTES, 0, 2 * SMALL_BYTES),
        (SMALL_BYTES + 2, 2, 0, SMALL_BYTES + 2),
        (6 * SMALL_BYTES, 5 * SMALL_BYTES, 0, 8 * SMALL_BYTES),
    ] {
        let room = room(length, old, announced, 8 * SMALL_BYTES);
        assert_eq!(room, expected, "{length} of {announced}");
    }
}

/// Room for two large bodies, and three mebibytes for small ones.
fn narrow() -> Limits {
    Limits {
        max_envelope_bytes: 5 << 20,
        max_in_flight_bytes: 12 << 20,
        max_body_time: Duration::from_millis(200),
        ..Limits::default()
    }
}

/// A body without a length, of so many chunks of 512 KiB.
fn chunked(chunks: usize) -> Body {
    Body::new(Chunks {
        chunks,
        announced: None,
    })
}

/// A body that announces so many bytes and sends none.
fn stalled(announced: u64) -> Body {
    Body::new(Chunks {
        chunks: 0,
        announced: Some(announced),
    })
}

struct Chunks {
    chunks: usize,
    announced: Option<u64>,
}

impl HttpBody for Chunks {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        if self.announced.is_some() {
            return Poll::Pending;
        }
        let Some(rest) = self.chunks.checked_sub(1) else {
            return Poll::Ready(None);
        };
        self.chunks = rest;
        Poll::Ready(Some(Ok(Frame::data(vec![0; 512 * 1024].into()))))
    }

    fn size_hint(&self) -> SizeHint {
        self.announced.map(SizeHint::with_exact).unwrap_or_default()
    }
}

#[tokio::test]
async fn small_bodies_do_not_wait_for_large_ones() {
    let limits = narrow();
    let memory = Memory::new(&limits);
    let headers = HeaderMap::new();
    let max_bytes = limits.max_envelope_bytes;
    let receive = |bytes| memory.receive(&headers, Body::from(vec![0; bytes]), max_bytes, &limits);
    let _held = receive(5 << 20).await.unwrap();
    // It gets its share and sends nothing.
    let stalled = memory.receive(&headers, stalled(4 << 20), max_bytes, &limits);
    let others = async {
        assert!(matches!(
            receive(5 << 20).await,
            Err(Rejection::OutOfMemory)
        ));
        let mut small = Vec::new();
        for _ in 0..3 {
            small.push(receive(SMALL_BYTES).await.unwrap());
        }
    };
    let (stalled, ()) = tokio::join!(stalled, others);
    assert!(matches!(stalled, Err(Rejection::TooSlow { .. })));
    assert!(receive(4 << 20).await.is_ok());
}

#[tokio::test]
async fn a_large_share_is_lost_sooner_by_sending_nothing() {
    let limits = Limits {
        max_body_time: Duration::from_secs(4),
        ..Limits::default()
    };
    let memory = Memory::new(&limits);
    let headers = HeaderMap::new();
    let received = memory.receive(&headers, stalled(2 << 20), 5 << 20, &limits);
    match received.await {
        Err(Rejection::TooSlow { seconds }) => assert_eq!(seconds, 1),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn who_holds_memory_never_waits_for_more() {
    let limits = Limits {
        max_body_time: Duration::from_secs(3600),
        ..narrow()
    };
    let memory = Memory::new(&limits);
    let headers = HeaderMap::new();
    let receive = |body| memory.receive(&headers, body, limits.max_envelope_bytes, &limits);
    let first = receive(chunked(10)).await.unwrap();
    assert_eq!(first.bytes.len(), 5 << 20);
    let small = memory.small.available_permits();
    assert_eq!(small, 3 << 20, "the share for small ones was given back");
    let _second = receive(chunked(3)).await.unwrap();
    let third = receive(chunked(10)).await;
    assert!(matches!(third, Err(Rejection::OutOfMemory)));
    assert_eq!(memory.small.available_permits(), small);
    drop(first);
    assert!(receive(chunked(10)).await.is_ok());
}

#[tokio::test]
async fn a_panic_costs_the_request_alone() {
    let memory = Memory::new(&Limits::default());
    for bytes in [10, 2 * INLINE_BYTES] {
        let received = Received::of(vec![0; bytes], Encoding::Identity);
        let decoded = memory.decode(&received, 1 << 20, |bytes| match bytes {
            [] => Ok(()),
            _ => panic!("as bugs do"),
        });
        assert!(matches!(decoded.await, Err(Rejection::Internal)));
        let made = memory.make(&received, 1 << 20, |bytes, _| match bytes {
            [] => Ok(()),
            _ => panic!("as bugs do"),
        });
        assert!(matches!(made.await, Err(Rejection::Internal)));
    }
    assert_eq!(memory.decoding.available_permits(), memory.budget);
}

#[tokio::test]
async fn decoding_is_not_waited_for_for_ever() {
    let limits = narrow();
    let memory = Memory::new(&limits);
    let _all = memory.take(&memory.decoding, memory.budget).await.unwrap();
    let received = Received::of(vec![0; 2 * INLINE_BYTES], Encoding::Identity);
    let decoded = memory.decode(&received, 1 << 20, |_| Ok(()));
    assert!(matches!(decoded.await, Err(Rejection::OutOfMemory)));
}

#[tokio::test]
async fn what_is_made_is_packed_if_that_makes_it_smaller() {
    let noise: Vec<u8> = std::iter::repeat_with(bugle_protocol::EventId::random)
        .take(PACK_BYTES / 8)
        .flat_map(|id| id.0.into_bytes())
        .collect();
    for (bytes, encoding) in [
        (vec![0; PACK_BYTES], Encoding::Identity),
        (vec![0; PACK_BYTES + 1], Encoding::Zstd),
        (noise, Encoding::Identity),
    ] {
        let made = Received::made(bytes.clone()).await.unwrap();
        if bytes[0] == 0 {
            assert_eq!(made.encoding, encoding);
        }
        let unpacked = decode(made.encoding, &made.bytes, bytes.len()).unwrap();
        assert!(unpacked == bytes, "{encoding:?}");
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
