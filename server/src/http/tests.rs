use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::body::{Body, Bytes};
use axum::http::StatusCode;
use axum::routing::{get, post};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::task::JoinSet;

use super::{Limits, listen, serve};

/// Longer than any of these limits, shorter than a test may take.
const PATIENCE: Duration = Duration::from_secs(30);

fn hasty() -> Limits {
    Limits {
        max_connections: 4,
        head: Duration::from_millis(100),
        idle: Duration::from_millis(400),
        idle_when_crowded: Duration::from_millis(50),
        body: Duration::from_millis(100),
        write: Duration::from_millis(100),
        linger: PATIENCE,
        grace: Duration::from_millis(100),
    }
}

/// Limits that no test waits for, but those that it sets.
fn calm() -> Limits {
    let long = Duration::from_secs(600);
    Limits {
        max_connections: 4,
        head: long,
        idle: long,
        idle_when_crowded: long,
        body: long,
        write: long,
        linger: long,
        grace: long,
    }
}

struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    serving: JoinSet<()>,
}

impl Server {
    fn start(limits: Limits) -> Self {
        let app = Router::new()
            .route("/", get(|| async { "hello" }))
            .route("/echo", post(|body: Bytes| async { body }))
            .route("/refuse", post(|| async { StatusCode::PAYLOAD_TOO_LARGE }))
            .route("/large", get(|| async { Body::from(vec![b'x'; 64 << 20]) }))
            .route("/never", get(std::future::pending::<()>));
        let listener = listen((Ipv4Addr::LOCALHOST, 0).into()).unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = watch::channel(false);
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, app, limits, stopped));
        Self {
            address,
            stop,
            serving,
        }
    }

    async fn connect(&self) -> TcpStream {
        TcpStream::connect(self.address).await.unwrap()
    }

    /// Sends bytes over a connection of their own and returns all that comes back until the server closes it.
    async fn send(&self, request: &str) -> String {
        let mut stream = self.connect().await;
        stream.write_all(request.as_bytes()).await.unwrap();
        rest(&mut stream).await
    }
}

/// What comes until the end, however the peer makes it.
async fn rest(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let end = tokio::time::timeout(PATIENCE, stream.read_to_end(&mut bytes)).await;
    let _ = end.expect("the server should close the connection");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The answer to a request over a connection that stays open; the answer's body is known.
async fn exchange(stream: &mut TcpStream, request: &str, body: &str) {
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    while !answer.ends_with(body.as_bytes()) {
        let mut some = [0; 1000];
        let read = tokio::time::timeout(PATIENCE, stream.read(&mut some)).await;
        let length = read.expect("an answer").unwrap();
        assert_ne!(length, 0, "{}", String::from_utf8_lossy(&answer));
        answer.extend_from_slice(&some[..length]);
    }
}

const GET: &str = "GET / HTTP/1.1\r\nHost: x\r\n\r\n";

#[tokio::test]
async fn who_says_nothing_or_half_a_head_is_cut_off() {
    for said in ["", "G", "GET / HTTP/1.1\r\nHost: x\r\nX-Slow: "] {
        let server = Server::start(Limits {
            head: hasty().head,
            ..calm()
        });
        assert_eq!(server.send(said).await, "", "{said:?}");
    }
}

#[tokio::test]
async fn a_head_may_not_be_dripped() {
    let server = Server::start(Limits {
        head: hasty().head,
        ..calm()
    });
    let mut stream = server.connect().await;
    exchange(&mut stream, GET, "hello").await;
    let (mut reader, mut writer) = stream.into_split();
    let drip = async {
        while writer.write_all(b"G").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let mut answer = Vec::new();
    let end = tokio::time::timeout(PATIENCE, reader.read_to_end(&mut answer));
    let (end, ()) = tokio::join!(end, drip);
    let _ = end.expect("the server should close the connection");
}

#[tokio::test]
async fn a_connection_may_be_idle_for_longer_than_a_head_may_take() {
    let server = Server::start(Limits {
        head: Duration::from_millis(50),
        idle: Duration::from_secs(2),
        ..calm()
    });
    let mut stream = server.connect().await;
    for _ in 0..3 {
        exchange(&mut stream, GET, "hello").await;
        tokio::time::sleep(Duration::from_millis(150)).await;
    }
    assert_eq!(rest(&mut stream).await, "");
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let server = Server::start(Limits {
        body: hasty().body,
        ..calm()
    });
    for body in [
        "Content-Length: 10\r\n\r\n12345",
        "Transfer-Encoding: chunked\r\n\r\n5\r\n12345\r\n",
    ] {
        let request = format!("POST /echo HTTP/1.1\r\nHost: x\r\n{body}");
        let answer = server.send(&request).await;
        assert!(answer.starts_with("HTTP/1.1 400"), "{body}: {answer}");
    }
}

#[tokio::test]
async fn an_answer_that_nobody_takes_is_given_up() {
    let server = Server::start(Limits {
        write: hasty().write,
        max_connections: 1,
        ..calm()
    });
    let mut stream = server.connect().await;
    let large = b"GET /large HTTP/1.1\r\nHost: x\r\n\r\n";
    stream.write_all(large).await.unwrap();
    // There is one place: the next is served when the first is given up.
    exchange(&mut server.connect().await, GET, "hello").await;
}

#[tokio::test]
async fn a_refused_body_does_not_take_the_answer_away() {
    let server = Server::start(calm());
    let mut stream = server.connect().await;
    let head = b"POST /refuse HTTP/1.1\r\nHost: x\r\nContent-Length: 100000000\r\n\r\n";
    stream.write_all(head).await.unwrap();
    // More than the buffers of both ends hold: it goes through only if the server reads it.
    for _ in 0..400 {
        stream.write_all(&[b'x'; 65_536]).await.unwrap();
    }
    let mut start = [0; 12];
    stream.read_exact(&mut start).await.unwrap();
    assert_eq!(&start, b"HTTP/1.1 413");
}

#[tokio::test]
async fn who_finds_no_place_waits_and_idle_connections_make_room() {
    let server = Server::start(Limits {
        idle_when_crowded: hasty().idle_when_crowded,
        ..calm()
    });
    let mut idle = Vec::new();
    for _ in 0..12 {
        let mut stream = server.connect().await;
        exchange(&mut stream, GET, "hello").await;
        idle.push(stream);
    }
}

#[tokio::test]
async fn heads_are_bounded_and_malformed_requests_refused() {
    let server = Server::start(calm());
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(100_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "X: y\r\n".repeat(101));
    let twice =
        "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345";
    let not_last =
        "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n";
    for (request, status) in [
        (long.as_str(), "431"),
        (many.as_str(), "431"),
        (twice, "400"),
        (not_last, "400"),
        ("GET / HTTP/1.1\r\nHost : x\r\n\r\n", "400"),
        ("GET / HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n", "400"),
        ("GET /\r\n\r\n", "400"),
        ("\0\u{1}\u{2}\r\n\r\n", "400"),
        (
            "POST /echo HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
            "400",
        ),
        (
            "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
            "400",
        ),
        (
            "POST /echo HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n",
            "400",
        ),
    ] {
        let answer = server.send(request).await;
        assert_eq!(answer.get(9..12), Some(status), "{request:.100}: {answer}");
    }
}

#[tokio::test]
async fn a_length_beside_chunks_smuggles_nothing() {
    for (first, second) in [
        ("Content-Length: 44", "Transfer-Encoding: chunked"),
        ("Transfer-Encoding: chunked", "Content-Length: 44"),
    ] {
        let server = Server::start(hasty());
        let hidden = "GET /never HTTP/1.1\r\nHost: x\r\n\r\n";
        let head = format!("POST /echo HTTP/1.1\r\nHost: x\r\n{first}\r\n{second}\r\n\r\n");
        let answer = server.send(&format!("{head}0\r\n\r\n{hidden}{GET}")).await;
        // Chunks count, or the request is refused; either way the length is not what says where the next one begins.
        let answers = answer.matches("HTTP/1.1 ").count();
        assert_eq!(answers, 1, "{answer}");
    }
}

#[tokio::test]
async fn stopping_ends_idle_connections_at_once_and_requests_after_a_while() {
    let mut server = Server::start(Limits {
        grace: hasty().grace,
        ..calm()
    });
    let mut silent = server.connect().await;
    let mut idle = server.connect().await;
    exchange(&mut idle, GET, "hello").await;
    let mut busy = server.connect().await;
    let never = b"GET /never HTTP/1.1\r\nHost: x\r\n\r\n";
    busy.write_all(never).await.unwrap();
    server.stop.send_replace(true);
    for stream in [&mut silent, &mut idle, &mut busy] {
        assert_eq!(rest(stream).await, "");
    }
    let ended = tokio::time::timeout(PATIENCE, server.serving.join_next()).await;
    ended.unwrap().unwrap().unwrap();
    assert!(TcpStream::connect(server.address).await.is_err());
}
