//! The queue between ingest and processor: a log of requests on the local disk.
//!
//! [`Queue::push`] returns when the bytes are on disk. All requests that wait at the same time share one `fdatasync`
//! (group commit); there is no timer: while one sync runs, the next group gathers. The backlog lies in segment files and
//! is read back from them, so memory stays bounded however long the processor is away.
//!
//! What is processed is known to the database, not to the queue: the cursor moves in the transaction that stores a batch.
//! A segment is deleted as soon as all of it is processed, because only here do unscrubbed bytes exist.

mod aside;
mod charges;
mod entry;
mod reader;
mod segment;
mod writer;

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;

use bytes::Bytes;
use tokio::sync::{Semaphore, oneshot, watch};

pub use entry::{Entry, LimitedItem, QueuedRequest, RequestHead, RequestKind, Tally};
pub use reader::{Delivery, Reader};
use segment::Segment;
use writer::{Append, Command, Writer};

use crate::durably::{make_private_folder, write_durably};
use crate::{IntakeCount, StoreError};

/// Bytes that wait for the disk at one time; more have to wait for memory first.
const MAX_WAITING_BYTES: u32 = 256 * 1024 * 1024;

/// How large a queue may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// A segment is closed at this size; what is processed is deleted by segments.
    pub segment_bytes: u64,
    /// Pushes are refused while the backlog is larger than this.
    pub max_backlog_bytes: u64,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            segment_bytes: 16 * 1024 * 1024,
            max_backlog_bytes: 10 * 1024 * 1024 * 1024,
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
}

/// What the handles, the writer and the readers know together.
#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    id: String,
    limits: Limits,
    /// The segments by their first position; the last one is being written.
    segments: Mutex<BTreeMap<u64, Segment>>,
    /// The last position that is on disk.
    durable: watch::Sender<u64>,
    backlog_bytes: AtomicU64,
    waiting_bytes: Arc<Semaphore>,
    /// Whether the last write succeeded.
    is_writable: AtomicBool,
    /// The last position that the database has.
    processed: AtomicU64,
    /// Held as long as the queue lives: two processes in one folder would overwrite each other's records.
    _lock: File,
}

#[derive(Debug)]
struct WriterHandle {
    commands: mpsc::Sender<Command>,
    thread: Mutex<Option<JoinHandle<()>>>,
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
        let id = Self::id_of(folder)?;
        let lock = segment::lock(folder)?;
        let mut segments = segment::list(folder)?;
        let mut last = processed;
        if let Some(mut newest) = segments.last_entry() {
            last = last.max(newest.get_mut().recover()?);
        }
        let active = Segment::create(folder, last + 1)?;
        segments.insert(active.first_position, active.clone());
        let backlog: u64 = segments.values().map(|segment| segment.length).sum();
        let shared = Arc::new(Shared {
            folder: folder.to_owned(),
            id,
            limits,
            segments: Mutex::new(segments),
            durable: watch::Sender::new(last),
            backlog_bytes: AtomicU64::new(backlog),
            waiting_bytes: Arc::new(Semaphore::new(MAX_WAITING_BYTES as usize)),
            is_writable: AtomicBool::new(true),
            processed: AtomicU64::new(processed),
            _lock: lock,
        });
        shared.forget_processed();
        let (commands, inbox) = mpsc::channel();
        let writer = Writer::new(Arc::clone(&shared), active, last, inbox)?;
        let thread = std::thread::Builder::new()
            .name("queue-writer".to_owned())
            .spawn(move || writer.run())
            .map_err(|e| StoreError::io(folder, e))?;
        Ok(Self {
            shared,
            writer: Arc::new(WriterHandle {
                commands,
                thread: Mutex::new(Some(thread)),
            }),
        })
    }

    /// The name under which the database remembers the cursor of the queue in `folder`; made on first use.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn id_of(folder: &Path) -> Result<String, StoreError> {
        make_private_folder(folder)?;
        let path = folder.join("id");
        match fs::read_to_string(&path) {
            Ok(id) if !id.trim().is_empty() => return Ok(id.trim().to_owned()),
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
            Err(e) => return Err(StoreError::io(&path, e)),
        }
        let mut random = [0; 16];
        getrandom::fill(&mut random)
            .map_err(|e| StoreError::io(&path, std::io::Error::other(e)))?;
        let id = random
            .iter()
            .fold(String::new(), |id, byte| id + &format!("{byte:02x}"));
        write_durably(&path, id.as_bytes())?;
        Ok(id)
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
        let backlog = self.shared.backlog_bytes.load(Ordering::Relaxed);
        if backlog > self.shared.limits.max_backlog_bytes {
            return Err(PushError::Full {
                limit_bytes: self.shared.limits.max_backlog_bytes,
            });
        }
        let data = Bytes::from(entry.to_bytes());
        let size = u32::try_from(data.len())
            .unwrap_or(u32::MAX)
            .min(MAX_WAITING_BYTES);
        let memory = Arc::clone(&self.shared.waiting_bytes).acquire_many_owned(size);
        let memory = memory.await.map_err(|_| PushError::Closed)?;
        let (done, durable) = oneshot::channel();
        let append = Append { data, done, memory };
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
        self.shared.processed.fetch_max(position, Ordering::Relaxed);
        self.shared.forget_processed();
        if position >= *self.shared.durable.borrow() {
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

    /// What the requests were charged that are not processed yet, added up by project, key, minute and category. Blocks on
    /// the disk: a start reads it once, to fill the quotas again.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn unprocessed_charges(&self) -> Result<Vec<IntakeCount>, StoreError> {
        let processed = self.shared.processed.load(Ordering::Relaxed);
        charges::add_up(self.reader(processed))
    }

    /// The last position that is on disk.
    #[must_use]
    pub fn last_position(&self) -> u64 {
        *self.shared.durable.borrow()
    }

    /// Whether the last write succeeded and the backlog is below its limit.
    #[must_use]
    pub fn is_accepting(&self) -> bool {
        self.shared.is_writable.load(Ordering::Relaxed)
            && self.backlog_bytes() <= self.shared.limits.max_backlog_bytes
    }

    /// Bytes of the segment files.
    #[must_use]
    pub fn backlog_bytes(&self) -> u64 {
        self.shared.backlog_bytes.load(Ordering::Relaxed)
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

impl Shared {
    fn segments(&self) -> std::sync::MutexGuard<'_, BTreeMap<u64, Segment>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Deletes the segments that are processed to their end; the newest one stays, it is being written.
    fn forget_processed(&self) {
        let processed = self.processed.load(Ordering::Relaxed);
        let mut segments = self.segments();
        while segments.len() > 1 {
            let mut firsts = segments.keys();
            let (Some(&oldest), Some(&next)) = (firsts.next(), firsts.next()) else {
                return;
            };
            if next > processed + 1 {
                return;
            }
            if let Some(segment) = segments.remove(&oldest) {
                self.backlog_bytes
                    .fetch_sub(segment.length, Ordering::Relaxed);
                segment.delete();
            }
        }
    }
}
