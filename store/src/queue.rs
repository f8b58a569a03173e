//! The queue between ingest and processor: a log of requests on the local disk.
//!
//! [`Queue::push`] returns when the bytes are on disk. All requests that wait at the same time share one `fdatasync`
//! (group commit); there is no timer: while syncs run, the next group gathers. The backlog lies in segment files and
//! is read back from them, so memory stays bounded however long the processor is away.
//!
//! What is processed is known to the database, not to the queue: the cursor moves in the transaction that stores a batch.
//! A segment is deleted as soon as all of it is processed, because only here do unscrubbed bytes exist.
//!
//! Of a damaged file every record is delivered that is still whole: see [`Damage`].

mod aside;
mod charges;
mod cursor;
mod disk;
mod entry;
mod format;
mod group;
mod opening;
mod reader;
mod record;
mod retry;
mod segment;
mod shared;
mod spare;
mod stats;
mod sync;
mod walk;
mod writer;

use std::path::Path;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use tokio::sync::oneshot;

pub use aside::{Aside, AsideFile, AsideState};
use cursor::Cursor;
pub use entry::{Entry, LimitedItem, QueuedRequest, RequestHead, RequestKind, Tally};
use group::Append;
pub use reader::{Delivery, Reader};
use record::Record;
use shared::Shared;
use stats::Oldest;
pub use stats::{Damage, Stats};
use writer::{Command, Writer};

use crate::{IntakeCount, StoreError};

/// Bytes that wait for the disk at one time; more have to wait for memory first.
const MAX_WAITING_BYTES: u32 = 256 * 1024 * 1024;

/// Bytes read at once where only the heads of records are read: most heads are shorter than half of it.
const HEAD_BYTES: usize = 2 * 1024;

/// How large a queue may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A segment is closed at this size; what is processed is deleted by segments.
    pub segment_bytes: u64,
    /// Pushes are refused while the backlog is larger than this.
    pub max_backlog_bytes: u64,
    /// Pushes are refused while the disk has less room than this and as much again as the backlog, which will be stored
    /// on the same disk; or for less than a thousand files. 0 switches both off.
    pub min_free_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            segment_bytes: 64 * 1024 * 1024,
            max_backlog_bytes: 10 * 1024 * 1024 * 1024,
            min_free_bytes: 512 * 1024 * 1024,
        }
    }
}

/// Why a push was refused. Nothing of it was kept; the client may try again.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// The backlog is at its limit.
    #[error("the queue holds more than {limit_bytes} bytes")]
    Full {
        /// The limit.
        limit_bytes: u64,
    },
    /// The disk is nearly full, and the database needs the rest.
    #[error(
        "the queue's disk has {free_bytes} bytes free, less than the floor of {floor_bytes} bytes and the room for what waits"
    )]
    DiskLow {
        /// What is free.
        free_bytes: u64,
        /// The floor, without what waits.
        floor_bytes: u64,
    },
    /// The file system has hardly room for more files, however small.
    #[error(
        "the queue's disk has room for {free_files} files, less than the floor of {floor_files}"
    )]
    FilesLow {
        /// How many it has room for.
        free_files: u64,
        /// The floor.
        floor_files: u64,
    },
    /// The disk refused the bytes.
    #[error("could not write to the queue: {0}")]
    Write(String),
    /// The queue is shutting down.
    #[error("the queue is closed")]
    Closed,
}

/// A handle to the queue; all clones share it.
#[derive(Clone, Debug)]
pub struct Queue {
    shared: Arc<Shared>,
    writer: Arc<WriterHandle>,
    oldest: Arc<Mutex<Oldest>>,
}

#[derive(Debug)]
struct WriterHandle {
    commands: mpsc::Sender<Command>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Drop for WriterHandle {
    fn drop(&mut self) {
        // It may be closed already.
        let _ = self.commands.send(Command::Close);
    }
}

impl Queue {
    /// Opens the queue of a folder, and makes it if it is missing. A torn tail, left by a crash in the middle of a write
    /// that was never acknowledged, is cut off.
    ///
    /// `processed` is the last position that the database knows as processed; see [`Queue::id_of`].
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn open(folder: &Path, limits: Limits, processed: u64) -> Result<Self, StoreError> {
        let (shared, active) = opening::open(folder, limits, processed)?;
        let shared = Arc::new(shared);
        let (commands, inbox) = mpsc::channel();
        let writer = Writer::new(Arc::clone(&shared), active, &commands, inbox)?;
        let thread = std::thread::Builder::new()
            .name("queue-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|e| StoreError::io(folder, e))?;
        let oldest = Oldest::new(Cursor::new(Arc::clone(&shared), processed, HEAD_BYTES));
        Ok(Self {
            shared,
            writer: Arc::new(WriterHandle {
                commands,
                thread: Mutex::new(Some(thread)),
            }),
            oldest: Arc::new(Mutex::new(oldest)),
        })
    }

    /// The name under which the database remembers the cursor of the queue in `folder`; made on first use.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn id_of(folder: &Path) -> Result<String, StoreError> {
        opening::id_of(folder)
    }

    /// The name under which the database remembers this queue's cursor.
    #[must_use]
    pub fn id(&self) -> &str {
        &self.shared.id
    }

    /// Appends an entry and returns its position once it is on disk.
    ///
    /// # Errors
    /// [`PushError`]; then the request will not be delivered.
    pub async fn push(&self, entry: &Entry) -> Result<u64, PushError> {
        if let Some(refusal) = self.shared.refusal() {
            return Err(refusal);
        }
        let record = Record::new(entry);
        let size = u32::try_from(record.len())
            .unwrap_or(u32::MAX)
            .min(MAX_WAITING_BYTES);
        let memory = Arc::clone(&self.shared.waiting_bytes).acquire_many_owned(size);
        let memory = memory.await.map_err(|_| PushError::Closed)?;
        let (done, durable) = oneshot::channel();
        let append = Append {
            record,
            done,
            memory,
        };
        self.writer
            .commands
            .send(Command::Append(append))
            .map_err(|_| PushError::Closed)?;
        durable.await.map_err(|_| PushError::Closed)?
    }

    /// A reader that begins behind `position`, which is usually the database's cursor.
    #[must_use]
    pub fn reader(&self, position: u64) -> Reader {
        Reader::new(Arc::clone(&self.shared), position)
    }

    /// Tells the queue that everything up to `position` is processed, so that it can forget it.
    pub fn acknowledge(&self, position: u64) {
        self.shared.process(position);
        self.shared.forget_processed();
        if self.shared.processed() >= self.last_position() {
            // The writer may be gone at shutdown; the next start forgets the rest.
            let _ = self.writer.commands.send(Command::Acknowledged);
        }
    }

    /// Keeps a request that cannot be processed out of the way, in a file of its own, for a person to look at.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn set_aside(&self, delivery: &Delivery) -> Result<(), StoreError> {
        aside::set_aside(&self.shared.folder, delivery.position, &delivery.data)
    }

    /// Keeps the part of the request at `position` that cannot be processed, as [`Queue::set_aside`] does. Keeping the same
    /// entry of a position twice is the same as once; different ones get a file each.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn set_aside_entry(&self, position: u64, entry: &Entry) -> Result<(), StoreError> {
        aside::set_aside(&self.shared.folder, position, &entry.to_bytes())
    }

    /// What was set aside.
    #[must_use]
    pub fn aside(&self) -> Aside {
        Aside::new(&self.shared.folder)
    }

    /// What the requests were charged that are not processed yet, added up by project, key, minute and category. Blocks on
    /// the disk: a start reads it once, to fill the quotas again.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn unprocessed_charges(&self) -> Result<Vec<IntakeCount>, StoreError> {
        let shared = Arc::clone(&self.shared);
        let processed = shared.processed();
        charges::add_up(Cursor::new(shared, processed, HEAD_BYTES))
    }

    /// The last position that is on disk.
    #[must_use]
    pub fn last_position(&self) -> u64 {
        *self.shared.durable.borrow()
    }

    /// Whether the last write succeeded, the backlog is below its limit, and the disk has room.
    #[must_use]
    pub fn is_accepting(&self) -> bool {
        self.shared.is_writable.load(Ordering::Relaxed) && self.shared.refusal().is_none()
    }

    /// Bytes of the segment files.
    #[must_use]
    pub fn backlog_bytes(&self) -> u64 {
        self.shared.backlog_bytes()
    }

    /// What could not be read since the start.
    #[must_use]
    pub fn damage(&self) -> Damage {
        let damage = self.shared.damage.lock();
        *damage.unwrap_or_else(PoisonError::into_inner)
    }

    /// The state of the queue, for metrics. Blocks on the disk for a moment: the oldest request's head is read from there.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn stats(&self) -> Result<Stats, StoreError> {
        let processed = self.shared.processed();
        let mut oldest = self.oldest.lock().unwrap_or_else(PoisonError::into_inner);
        Ok(Stats {
            waiting_records: self.last_position().saturating_sub(processed),
            backlog_bytes: self.backlog_bytes(),
            oldest_received_at: oldest.received_at(processed)?,
            is_accepting: self.is_accepting(),
            free_disk_bytes: self.shared.disk.free().map(|free| free.bytes),
            damage: self.damage(),
        })
    }

    /// Writes what waits, refuses everything after it, and ends the writer. Blocks until that is done.
    pub fn close(&self) {
        let _ = self.writer.commands.send(Command::Close);
        let thread = self
            .writer
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            // A panic of the writer has been reported by its thread; there is nothing left to end.
            let _ = thread.join();
        }
    }
}
