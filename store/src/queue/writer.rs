//! The one thread that writes: it gathers what waits, writes it with one call, syncs once, and answers all.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::PushError;
use super::format::SEGMENT_HEADER_BYTES;
use super::record::{Record, write_all};
use super::segment::Segment;
use super::shared::Shared;
use super::spare::Spares;
use crate::StoreError;
use crate::durably::write_durably;

/// A group is closed at this size, so that the first of it does not wait for megabytes of others.
const MAX_GROUP_BYTES: usize = 8 * 1024 * 1024;

/// How long a processed segment may lie before it is replaced by an empty one. Under steady load a segment is closed by
/// its size instead.
const QUIET: Duration = Duration::from_millis(100);

/// How often a disk that refused a write is tried while nobody pushes.
const PROBE_EVERY: Duration = Duration::from_secs(1);

/// What a probe writes: enough to need a block of the disk.
const PROBE: [u8; 4096] = [0; 4096];

/// What the handles ask of the writer.
pub(super) enum Command {
    /// Append this and answer when it is on disk.
    Append(Append),
    /// Everything on disk is processed.
    Acknowledged,
    /// Write what waits and end.
    Close,
}

/// A record that is to be appended, and who waits for it.
pub(super) struct Append {
    pub(super) record: Record,
    pub(super) done: oneshot::Sender<Result<u64, PushError>>,
    /// The record's share of the memory that may wait. It belongs to the record, not to the client, who may go away.
    pub(super) memory: OwnedSemaphorePermit,
}

/// The state of the writing thread.
pub(super) struct Writer {
    shared: Arc<Shared>,
    active: Segment,
    file: File,
    last_position: u64,
    inbox: Receiver<Command>,
    spares: Spares,
    group: Vec<Record>,
    group_bytes: usize,
    waiting: Vec<Waiting>,
    /// The file has a torn record at its end that could not be cut off: nothing may follow it.
    is_torn: bool,
}

/// Who waits for a record of the group.
struct Waiting {
    position: u64,
    done: oneshot::Sender<Result<u64, PushError>>,
    _memory: OwnedSemaphorePermit,
}

/// Why gathering a group ended.
enum Gathered {
    /// Nothing else waits.
    Group,
    /// The queue is to end after this group.
    Last,
}

impl Writer {
    pub(super) fn new(
        shared: Arc<Shared>,
        active: Segment,
        last_position: u64,
        inbox: Receiver<Command>,
    ) -> Result<Self, StoreError> {
        let file = active.open_for_append()?;
        let spares = Spares::start(Arc::clone(&shared));
        let spares = spares.map_err(|e| StoreError::io(&shared.folder, e))?;
        Ok(Self {
            shared,
            active,
            file,
            last_position,
            inbox,
            spares,
            group: Vec::new(),
            group_bytes: 0,
            waiting: Vec::new(),
            is_torn: false,
        })
    }

    /// Runs until the queue is closed or all its handles are gone.
    pub(super) fn run(mut self) {
        loop {
            let first = match self.next() {
                Ok(command) => command,
                Err(RecvTimeoutError::Timeout) => {
                    self.use_quiet();
                    continue;
                }
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let gathered = self.gather(first);
            self.commit();
            if matches!(gathered, Gathered::Last) {
                return;
            }
        }
    }

    fn next(&self) -> Result<Command, RecvTimeoutError> {
        if self.is_processed() {
            self.inbox.recv_timeout(QUIET)
        } else if !self.is_writable() {
            self.inbox.recv_timeout(PROBE_EVERY)
        } else {
            let command = self.inbox.recv();
            command.map_err(|_| RecvTimeoutError::Disconnected)
        }
    }

    /// Does what can wait until nobody pushes.
    fn use_quiet(&mut self) {
        if self.is_processed() {
            self.replace_segment();
        }
        if !self.is_writable() {
            probe(&self.shared);
        }
    }

    fn is_writable(&self) -> bool {
        self.shared.is_writable.load(Ordering::Relaxed)
    }

    /// Whether the active segment holds records, and all of them are processed.
    fn is_processed(&self) -> bool {
        self.shared.processed() >= self.last_position && !self.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.active.length <= SEGMENT_HEADER_BYTES as u64
    }

    /// Takes `first` and everything else that waits into the group.
    fn gather(&mut self, first: Command) -> Gathered {
        let mut command = first;
        loop {
            match command {
                Command::Append(append) => self.add(append),
                // Woken to look at the clock: see `next`.
                Command::Acknowledged => {}
                Command::Close => return Gathered::Last,
            }
            if self.group_bytes >= MAX_GROUP_BYTES {
                return Gathered::Group;
            }
            command = match self.inbox.try_recv() {
                Ok(command) => command,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Gathered::Group,
            };
        }
    }

    fn add(&mut self, append: Append) {
        let mut record = append.record;
        let position = self.last_position + 1 + self.waiting.len() as u64;
        record.take_position(position, self.shared.salt);
        self.group_bytes += record.len();
        self.group.push(record);
        self.waiting.push(Waiting {
            position,
            done: append.done,
            _memory: append.memory,
        });
    }

    /// Makes the group durable and answers everybody in it.
    fn commit(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        let written = self.write();
        let bytes = std::mem::take(&mut self.group_bytes) as u64;
        self.group.clear();
        match written {
            Ok(()) => self.succeed(bytes),
            Err(error) => self.fail(&error),
        }
    }

    fn write(&mut self) -> io::Result<()> {
        if self.is_torn {
            self.replace_segment();
        }
        if self.is_torn {
            return Err(io::Error::other(
                "the last segment is torn, and no new one can be made",
            ));
        }
        write_all(&mut self.file, &self.group)?;
        self.file.sync_data()
    }

    fn succeed(&mut self, bytes: u64) {
        self.active.length += bytes;
        self.shared
            .backlog_bytes
            .fetch_add(bytes, Ordering::Relaxed);
        self.shared.disk.wrote(bytes);
        self.note_length();
        self.shared.is_writable.store(true, Ordering::Relaxed);
        self.last_position += self.waiting.len() as u64;
        self.shared.durable.send_replace(self.last_position);
        for waiting in self.waiting.drain(..) {
            // The client may have gone away meanwhile; its request is kept all the same.
            let _ = waiting.done.send(Ok(waiting.position));
        }
        // If the next segment is not ready yet this one may grow: nobody waits for it.
        if self.active.length >= self.shared.limits.segment_bytes {
            self.replace_segment();
        }
    }

    /// Takes back what may have been written in part, so that the next group does not follow a torn record.
    fn fail(&mut self, error: &io::Error) {
        tracing::error!(%error, file = %self.active.path.display(), "could not write to the queue");
        self.shared.is_writable.store(false, Ordering::Relaxed);
        // Their positions are not used again: some of them may be on disk, and must not be taken for later records.
        self.last_position += self.waiting.len() as u64;
        for waiting in self.waiting.drain(..) {
            let _ = waiting.done.send(Err(PushError::Write(error.to_string())));
        }
        if let Err(error) = self.file.set_len(self.active.length) {
            tracing::error!(%error, file = %self.active.path.display(), "could not cut a torn queue segment");
            self.is_torn = true;
        }
    }

    fn note_length(&self) {
        if let Some(segment) = self.shared.segments().get_mut(&self.active.first_position) {
            segment.length = self.active.length;
        }
    }

    /// Goes on in the next segment, if there is one; else the old one is used on.
    fn replace_segment(&mut self) {
        if self.is_empty() && !self.is_torn {
            return;
        }
        let first_position = self.last_position + 1;
        match self.spares.take(&self.shared.folder, first_position) {
            Some(Ok((segment, file))) => {
                self.shared
                    .backlog_bytes
                    .fetch_add(segment.length, Ordering::Relaxed);
                self.shared
                    .segments()
                    .insert(first_position, segment.clone());
                (self.file, self.active, self.is_torn) = (file, segment, false);
            }
            Some(Err(error)) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "could not begin a new queue segment");
            }
            None => {}
        }
    }
}

/// Finds out whether a disk that refused a write takes one again, so that clients who stay away because of
/// [`super::Queue::is_accepting`] come back.
fn probe(shared: &Shared) {
    let path: &Path = &shared.folder.join("probe");
    if write_durably(path, &PROBE).is_ok() {
        shared.is_writable.store(true, Ordering::Relaxed);
        tracing::info!("the disk of the queue takes writes again");
    }
    // It may never have been made.
    let _ = std::fs::remove_file(path);
}
