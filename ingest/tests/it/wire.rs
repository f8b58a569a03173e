//! What only a real connection shows: chunks, slowness, and clients that go away.

use std::net::SocketAddr;
use std::time::Duration;

use bugle_ingest::Limits;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

use crate::support::{Bench, KEY};

const ENVELOPE: &str =
    "{\"event_id\":\"9ec79c33ec9942ab8353589fcb2e04dc\"}\n{\"type\":\"event\"}\n{}\n";

/// A server that lives as long as the value.
struct Server {
    bench: Bench,
    address: SocketAddr,
    _tasks: JoinSet<()>,
}

impl Server {
    async fn start(limits: Limits) -> Self {
        let bench = Bench::with(limits, Default::default()).await;
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let router = bench.router.clone();
        let service = router.into_make_service_with_connect_info::<SocketAddr>();
        let mut tasks = JoinSet::new();
        tasks.spawn(async move { axum::serve(listener, service).await.unwrap() });
        Self {
            bench,
            address,
            _tasks: tasks,
        }
    }

    /// Begins a request with further headers, each with its line end.
    async fn begin(&self, headers: &str) -> TcpStream {
        let mut stream = TcpStream::connect(self.address).await.unwrap();
        let head = format!(
            "POST /api/1/envelope/?sentry_key={KEY} HTTP/1.1\r\nHost: test\r\nConnection: close\r\n{headers}\r\n"
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream
    }

    async fn send(&self, body: &str) -> String {
        let mut stream = self
            .begin(&format!("Content-Length: {}\r\n", body.len()))
            .await;
        stream.write_all(body.as_bytes()).await.unwrap();
        answer(stream).await
    }
}

/// The answer as text, status line first.
async fn answer(mut stream: TcpStream) -> String {
    let mut text = String::new();
    stream.read_to_string(&mut text).await.unwrap();
    text
}

/// An envelope of so many bytes.
fn sized(bytes: usize) -> String {
    let head = "{}\n{\"type\":\"novelty\"}\n";
    format!("{head}{}", "x".repeat(bytes - head.len()))
}

/// Limits under which the bodies of this module fill the memory.
fn cramped(max_body_time: Duration) -> Limits {
    Limits {
        max_envelope_bytes: 1000,
        max_store_bytes: 1000,
        max_in_flight_bytes: 1000,
        max_body_time,
        ..Limits::default()
    }
}

#[tokio::test]
async fn a_chunked_body_without_type_or_length_is_taken() {
    let mut server = Server::start(Limits::default()).await;
    let mut stream = server.begin("Transfer-Encoding: chunked\r\n").await;
    let (first, second) = ENVELOPE.split_at(20);
    for chunk in [first, second, ""] {
        let chunk = format!("{:x}\r\n{chunk}\r\n", chunk.len());
        stream.write_all(chunk.as_bytes()).await.unwrap();
        stream.flush().await.unwrap();
    }
    let answer = answer(stream).await;
    assert!(answer.starts_with("HTTP/1.1 200 "), "{answer}");
    assert!(
        answer.ends_with(r#"{"id":"9ec79c33ec9942ab8353589fcb2e04dc"}"#),
        "{answer}"
    );
    let queued = server.bench.queued();
    assert_eq!(queued[0].body, ENVELOPE.as_bytes());
    assert_eq!(queued[0].head.client_ip, "127.0.0.1".parse().ok());
}

#[tokio::test]
async fn an_announced_length_above_the_limit_is_refused_at_once() {
    let server = Server::start(Limits::default()).await;
    let stream = server.begin("Content-Length: 209715201\r\n").await;
    let answer = answer(stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_chunked_body_is_refused_where_it_passes_the_limit() {
    let server = Server::start(cramped(Duration::from_secs(60))).await;
    let mut stream = server.begin("Transfer-Encoding: chunked\r\n").await;
    let chunk = format!("3e9\r\n{}\r\n", sized(1001));
    stream.write_all(chunk.as_bytes()).await.unwrap();
    let answer = answer(stream).await;
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
}

#[tokio::test]
async fn a_slow_client_loses_its_place() {
    let mut server = Server::start(cramped(Duration::from_millis(500))).await;
    let mut slow = server.begin("Content-Length: 1000\r\n").await;
    slow.write_all(&sized(1000).as_bytes()[..999])
        .await
        .unwrap();
    let answer = answer(slow).await;
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(server.send(&sized(1000)).await.starts_with("HTTP/1.1 200 "));
    assert_eq!(server.bench.queued().len(), 1);
}

#[tokio::test]
async fn a_client_that_goes_away_returns_its_memory() {
    let mut server = Server::start(cramped(Duration::from_secs(60))).await;
    let mut gone = server.begin("Content-Length: 1000\r\n").await;
    gone.write_all(&sized(1000).as_bytes()[..999])
        .await
        .unwrap();
    drop(gone);
    for _ in 0..3 {
        assert!(server.send(&sized(1000)).await.starts_with("HTTP/1.1 200 "));
    }
    assert_eq!(server.bench.queued().len(), 3);
}
