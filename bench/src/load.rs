//! Sends prepared requests over kept connections and measures each answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::Context as _;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// How a server is loaded.
#[derive(Clone)]
pub(crate) struct Plan {
    pub(crate) target: Target,
    pub(crate) connections: usize,
    pub(crate) idle: usize,
    pub(crate) duration: Duration,
    /// Requests per second over all connections; closed loop without it.
    pub(crate) rate: Option<f64>,
}

/// Where requests go.
#[derive(Clone)]
pub(crate) struct Target {
    address: String,
    /// The request's head up to the length of the body.
    head: String,
}

/// The answers of a run.
#[derive(Default)]
pub(crate) struct Answers {
    /// Milliseconds of each answered request.
    pub(crate) latencies: Vec<f64>,
    /// How often each status was answered.
    pub(crate) statuses: std::collections::BTreeMap<u16, usize>,
    /// Connections that broke.
    pub(crate) broken: usize,
}

impl Target {
    /// Reads `http://KEY@HOST:PORT[/prefix]/PROJECT`.
    pub(crate) fn of_dsn(dsn: &str) -> anyhow::Result<Self> {
        let wrong = || format!("invalid DSN '{dsn}': expected http://KEY@HOST:PORT/PROJECT");
        let rest = dsn.strip_prefix("http://").with_context(wrong)?;
        let (key, rest) = rest.split_once('@').with_context(wrong)?;
        let (host, path) = rest.split_once('/').with_context(wrong)?;
        let (prefix, project) = path.rsplit_once('/').unwrap_or(("", path));
        let slash = if prefix.is_empty() { "" } else { "/" };
        let head = format!(
            "POST {slash}{prefix}/api/{project}/envelope/ HTTP/1.1\r\nHost: {host}\r\n\
             X-Sentry-Auth: Sentry sentry_key={key}, sentry_version=7, sentry_client=sentry.python.django/2.75.0\r\n\
             User-Agent: sentry.python.django/2.75.0\r\nContent-Type: application/x-sentry-envelope\r\n\
             Content-Encoding: gzip\r\nContent-Length: "
        );
        let address = host.to_owned();
        Ok(Self { address, head })
    }
}

/// Runs the plan; bodies are sent once each, in order, and the run ends early when there are no more.
pub(crate) async fn run(plan: &Plan, bodies: Vec<Vec<u8>>) -> anyhow::Result<(Answers, Duration)> {
    let mut idle = Vec::new();
    for _ in 0..plan.idle {
        idle.push(TcpStream::connect(&plan.target.address).await?);
    }
    let (plan, bodies) = (Arc::new(plan.clone()), Arc::new(bodies));
    let next = Arc::new(AtomicUsize::new(0));
    let start = Instant::now();
    let mut senders: JoinSet<Answers> = (0..plan.connections)
        .map(|_| {
            send(
                Arc::clone(&plan),
                Arc::clone(&bodies),
                Arc::clone(&next),
                start,
            )
        })
        .collect();
    let mut all = Answers::default();
    while let Some(answers) = senders.join_next().await {
        let answers = answers?;
        all.latencies.extend(answers.latencies);
        all.broken += answers.broken;
        for (status, count) in answers.statuses {
            *all.statuses.entry(status).or_default() += count;
        }
    }
    let took = start.elapsed();
    drop(idle);
    Ok((all, took))
}

/// One connection: takes the next body until time or bodies are over.
async fn send(
    plan: Arc<Plan>,
    bodies: Arc<Vec<Vec<u8>>>,
    next: Arc<AtomicUsize>,
    start: Instant,
) -> Answers {
    let mut answers = Answers::default();
    let mut connection = None;
    let mut request = Vec::new();
    loop {
        let number = next.fetch_add(1, Ordering::Relaxed);
        let Some(body) = bodies.get(number) else {
            return answers;
        };
        let due = plan
            .rate
            .map(|rate| start + Duration::from_secs_f64(number as f64 / rate));
        if let Some(due) = due {
            tokio::time::sleep_until(due.into()).await;
        }
        let began = due.unwrap_or_else(Instant::now);
        if began.duration_since(start) >= plan.duration {
            return answers;
        }
        request.clear();
        request.extend_from_slice(plan.target.head.as_bytes());
        request.extend_from_slice(format!("{}\r\n\r\n", body.len()).as_bytes());
        request.extend_from_slice(body);
        match exchange(&mut connection, &plan.target.address, &request).await {
            Ok(status) => {
                *answers.statuses.entry(status).or_default() += 1;
                answers
                    .latencies
                    .push(began.elapsed().as_secs_f64() * 1000.0);
            }
            Err(_) => {
                answers.broken += 1;
                connection = None;
            }
        }
    }
}

/// Sends a request and returns the status of its answer.
async fn exchange(
    connection: &mut Option<TcpStream>,
    address: &str,
    request: &[u8],
) -> anyhow::Result<u16> {
    let stream = match connection {
        Some(stream) => stream,
        None => {
            let stream = TcpStream::connect(address).await?;
            stream.set_nodelay(true)?;
            connection.insert(stream)
        }
    };
    stream.write_all(request).await?;
    let mut answer = Vec::with_capacity(1024);
    loop {
        if stream.read_buf(&mut answer).await? == 0 {
            anyhow::bail!("the connection was closed");
        }
        if let Some(status) = whole(&answer)? {
            return Ok(status);
        }
    }
}

/// The status of an answer, once all of it is there.
fn whole(answer: &[u8]) -> anyhow::Result<Option<u16>> {
    let Some(end) = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n") else {
        return Ok(None);
    };
    let head = std::str::from_utf8(&answer[..end])?.to_ascii_lowercase();
    let status = head.split(' ').nth(1).context("no status")?.parse()?;
    let length = head
        .lines()
        .find_map(|line| line.strip_prefix("content-length:"));
    let length: usize = length.map_or(Ok(0), |length| length.trim().parse())?;
    Ok((answer.len() >= end + 4 + length).then_some(status))
}
