//! What is not counted but looked at: the process, the queue, the connections, the disks.

use std::time::Duration;

use bugle_protocol::UnixMillis;
use bugle_store::Store;
use bugle_store::queue::Queue;
use metrics::{counter, gauge};
use metrics_process::Collector;
use tokio::sync::watch;
use tokio::time::{interval, timeout};

/// How often the database's size is asked for.
const DATABASE_EVERY: Duration = Duration::from_secs(60);

/// How often the blobs are added up: each file is looked at.
const BLOBS_EVERY: Duration = Duration::from_secs(600);

/// How long the database may take to tell its size.
const PATIENCE: Duration = Duration::from_secs(5);

/// The label of the one queue there is.
const QUEUE: &str = "ingest";

/// Where to look.
#[derive(Debug)]
pub(super) struct Gauges {
    store: Store,
    queue: Queue,
    process: Collector,
}

impl Gauges {
    pub(super) fn new(store: Store, queue: Queue) -> Self {
        Self {
            store,
            queue,
            process: Collector::default(),
        }
    }

    /// Looks at all that is cheap.
    pub(super) async fn refresh(&self) {
        let connections = self.store.connections();
        gauge!("bugle_db_pool_connections", "state" => "used").set(connections.used as f64);
        gauge!("bugle_db_pool_connections", "state" => "idle").set(connections.idle as f64);
        let (queue, process) = (self.queue.clone(), self.process.clone());
        // Both read files. A panic's message is in the log.
        let _ = tokio::task::spawn_blocking(move || {
            process.collect();
            look_at_queue(&queue, UnixMillis::now());
        })
        .await;
    }

    /// Looks at what is not cheap, now and then.
    pub(super) async fn keep_up(&self, mut stopped: watch::Receiver<bool>) {
        let (mut database, mut blobs) = (interval(DATABASE_EVERY), interval(BLOBS_EVERY));
        let looking = async {
            loop {
                tokio::select! {
                    _ = database.tick() => self.look_at_database().await,
                    _ = blobs.tick() => self.look_at_blobs().await,
                }
            }
        };
        tokio::select! {
            () = looking => {}
            _ = stopped.wait_for(|stop| *stop) => {}
        }
    }

    async fn look_at_database(&self) {
        // Otherwise it is away, which others tell.
        if let Ok(Ok(bytes)) = timeout(PATIENCE, self.store.database_bytes()).await {
            storage("database", bytes);
        }
    }

    async fn look_at_blobs(&self) {
        let blobs = self.store.blobs.clone();
        match tokio::task::spawn_blocking(move || blobs.bytes()).await {
            Ok(Ok(bytes)) => storage("blobs", bytes),
            Ok(Err(error)) => tracing::warn!(%error, "could not add up the blobs"),
            // The panic's message is in the log.
            Err(_) => {}
        }
    }
}

fn look_at_queue(queue: &Queue, now: UnixMillis) {
    let stats = match queue.stats() {
        Ok(stats) => stats,
        Err(error) => {
            tracing::warn!(%error, "could not look at the queue");
            return;
        }
    };
    let oldest = stats.oldest_received_at;
    let age_millis = oldest.map_or(0, |oldest| now.0.saturating_sub(oldest.0).max(0));
    gauge!("bugle_queue_depth", "queue" => QUEUE).set(stats.waiting_records as f64);
    gauge!("bugle_queue_bytes", "queue" => QUEUE).set(stats.backlog_bytes as f64);
    gauge!("bugle_queue_oldest_age_seconds", "queue" => QUEUE).set(age_millis as f64 / 1000.0);
    gauge!("bugle_queue_accepting", "queue" => QUEUE).set(f64::from(u8::from(stats.is_accepting)));
    counter!("bugle_queue_damaged_total", "queue" => QUEUE).absolute(stats.damage.stretches);
    counter!("bugle_queue_damaged_bytes_total", "queue" => QUEUE).absolute(stats.damage.bytes);
    storage("queue", stats.backlog_bytes);
    if let Some(free) = stats.free_disk_bytes {
        gauge!("bugle_storage_free_bytes", "kind" => "queue").set(free as f64);
    }
}

fn storage(kind: &'static str, bytes: u64) {
    gauge!("bugle_storage_bytes", "kind" => kind).set(bytes as f64);
}
