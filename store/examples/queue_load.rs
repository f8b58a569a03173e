//! Pushes requests of 8 KB from many tasks at once and prints the rate and how long a push takes.
//!
//! `cargo run --release -p bugle-store --example queue_load -- [--tasks 256] [--seconds 10] [--bytes 8192] [--folder DIR]`
//!
//! What a slow disk does to it can be seen with
//! `strace -f -e trace=fdatasync -e inject=fdatasync:delay_exit=5000 -o /dev/null target/release/examples/queue_load`.

#![expect(clippy::unwrap_used, reason = "a measurement ends by panicking")]

use std::path::PathBuf;
use std::time::{Duration, Instant};

use bugle_protocol::body::Encoding;
use bugle_protocol::{Charge, DataCategory, KeyId, ProjectId, UnixMillis};
use bugle_store::queue::{Entry, Limits, Queue, QueuedRequest, RequestHead, RequestKind};
use bytes::Bytes;

struct Load {
    tasks: usize,
    seconds: u64,
    bytes: usize,
    folder: PathBuf,
}

impl Load {
    fn from_arguments() -> Self {
        let mut load = Self {
            tasks: 256,
            seconds: 10,
            bytes: 8192,
            folder: std::env::temp_dir(),
        };
        let mut arguments = std::env::args().skip(1);
        while let Some(name) = arguments.next() {
            let value = arguments.next().expect("every option has a value");
            match name.as_str() {
                "--tasks" => load.tasks = value.parse().unwrap(),
                "--seconds" => load.seconds = value.parse().unwrap(),
                "--bytes" => load.bytes = value.parse().unwrap(),
                "--folder" => load.folder = value.into(),
                other => panic!("unknown option {other}"),
            }
        }
        load
    }

    fn entry(&self) -> Entry {
        let head = RequestHead {
            project_id: ProjectId(1),
            key_id: KeyId(1),
            received_at: UnixMillis::now(),
            kind: RequestKind::Envelope,
            encoding: Encoding::Gzip,
            event_id: None,
            client_ip: Some([127, 0, 0, 1].into()),
            client: Some("sentry.python/2.75.0".to_owned()),
            user_agent: None,
            charges: vec![Charge {
                category: DataCategory::Error,
                quantity: 1,
            }],
            limited: Vec::new(),
            is_retry: false,
        };
        let body = Bytes::from(vec![b'x'; self.bytes]);
        Entry::Request(QueuedRequest { head, body })
    }
}

fn main() {
    let load = Load::from_arguments();
    let folder = tempfile::tempdir_in(&load.folder).unwrap();
    let runtime = tokio::runtime::Builder::new_multi_thread().build().unwrap();
    let queue = Queue::open(folder.path(), Limits::default(), 0).unwrap();
    let began = Instant::now();
    let mut latencies = runtime.block_on(push_all(&load, &queue));
    let seconds = began.elapsed().as_secs_f64();
    latencies.sort_unstable();
    let count = latencies.len();
    println!(
        "{count} pushes in {seconds:.1} s: {:.0}/s",
        count as f64 / seconds
    );
    for (name, share) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)] {
        println!("{name:>6} {:8.2} ms", quantile(&latencies, share));
    }
    println!("   max {:8.2} ms", quantile(&latencies, 1.0));
    let began = Instant::now();
    let charges = queue.unprocessed_charges().unwrap();
    let seconds = began.elapsed().as_secs_f64();
    println!("added up what waits ({charges:?}) in {seconds:.3} s");
    queue.close();
}

/// Pushes for as long as asked; what is pushed is acknowledged in the end, not meanwhile.
async fn push_all(load: &Load, queue: &Queue) -> Vec<Duration> {
    let end = Instant::now() + Duration::from_secs(load.seconds);
    let mut tasks = tokio::task::JoinSet::new();
    for _ in 0..load.tasks {
        let (queue, entry) = (queue.clone(), load.entry());
        tasks.spawn(async move {
            let mut latencies = Vec::new();
            while Instant::now() < end {
                let began = Instant::now();
                queue.push(&entry).await.unwrap();
                latencies.push(began.elapsed());
            }
            latencies
        });
    }
    tasks.join_all().await.concat()
}

fn quantile(sorted: &[Duration], share: f64) -> f64 {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a length is an index"
    )]
    let index = ((sorted.len() - 1) as f64 * share) as usize;
    sorted[index].as_secs_f64() * 1000.0
}
