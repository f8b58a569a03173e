//! The one thread that writes: it gathers what waits, writes it with one call, syncs once, and answers all.

use std::fs::File;
use std::io::Write;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::sync::{Arc, mpsc};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::segment::{Segment, encode_record};
use super::{PushError, Shared};
use crate::StoreError;

/// A group is closed at this size, so that the first of it does not wait for megabytes of others.
const MAX_GROUP_BYTES: usize = 8 * 1024 * 1024;

/// A buffer that a large group blew up is given back above this size.
const KEEP_BUFFER_BYTES: usize = 1024 * 1024;

/// How long a processed segment may lie before it is replaced by an empty one. Under steady load a segment is closed by
/// its size instead: replacing it costs two syncs.
const QUIET: Duration = Duration::from_millis(100);

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
    pub(super) data: Bytes,
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
    buffer: Vec<u8>,
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
        inbox: mpsc::Receiver<Command>,
    ) -> Result<Self, StoreError> {
        let file = active.open_for_append()?;
        Ok(Self {
            shared,
            active,
            file,
            last_position,
            inbox,
            buffer: Vec::new(),
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
                    self.replace_segment();
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
        let processed = self.shared.processed.load(Ordering::Relaxed);
        if processed >= self.last_position && !self.is_empty() {
            self.inbox.recv_timeout(QUIET)
        } else {
            self.inbox
                .recv()
                .map_err(|_| RecvTimeoutError::Disconnected)
        }
    }

    /// Takes `first` and everything else that waits into the buffer.
    fn gather(&mut self, first: Command) -> Gathered {
        let mut command = first;
        loop {
            match command {
                Command::Append(Append { data, done, memory }) => {
                    let position = self.last_position + 1 + self.waiting.len() as u64;
                    encode_record(position, &data, &mut self.buffer);
                    self.waiting.push(Waiting {
                        position,
                        done,
                        _memory: memory,
                    });
                }
                // Woken to look at the clock: see `next`.
                Command::Acknowledged => {}
                Command::Close => return Gathered::Last,
            }
            if self.buffer.len() >= MAX_GROUP_BYTES {
                return Gathered::Group;
            }
            command = match self.inbox.try_recv() {
                Ok(command) => command,
                Err(TryRecvError::Empty | TryRecvError::Disconnected) => return Gathered::Group,
            };
        }
    }

    /// Makes the group durable and answers everybody in it.
    fn commit(&mut self) {
        if self.waiting.is_empty() {
            return;
        }
        match self.write() {
            Ok(()) => self.succeed(),
            Err(error) => self.fail(&error),
        }
        self.buffer.clear();
        self.buffer.shrink_to(KEEP_BUFFER_BYTES);
        if self.active.length >= self.shared.limits.segment_bytes {
            self.replace_segment();
        }
    }

    fn write(&mut self) -> std::io::Result<()> {
        if self.is_torn {
            self.replace_segment();
        }
        if self.is_torn {
            return Err(std::io::Error::other(
                "the last segment is torn, and no new one can be made",
            ));
        }
        self.file.write_all(&self.buffer)?;
        self.file.sync_data()
    }

    fn succeed(&mut self) {
        let bytes = self.buffer.len() as u64;
        self.active.length += bytes;
        self.shared
            .backlog_bytes
            .fetch_add(bytes, Ordering::Relaxed);
        self.note_length();
        self.shared.is_writable.store(true, Ordering::Relaxed);
        self.last_position += self.waiting.len() as u64;
        self.shared.durable.send_replace(self.last_position);
        for waiting in self.waiting.drain(..) {
            // The client may have gone away meanwhile; its request is kept all the same.
            let _ = waiting.done.send(Ok(waiting.position));
        }
    }

    /// Takes back what may have been written in part, so that the next group does not follow a torn record.
    fn fail(&mut self, error: &std::io::Error) {
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

    fn is_empty(&self) -> bool {
        self.active.length <= super::segment::MAGIC.len() as u64
    }

    fn note_length(&self) {
        if let Some(segment) = self.shared.segments().get_mut(&self.active.first_position) {
            segment.length = self.active.length;
        }
    }

    /// Goes on in a new segment; if none can be made the old one is used on.
    fn replace_segment(&mut self) {
        if self.is_empty() && !self.is_torn {
            return;
        }
        let replaced = Segment::create(&self.shared.folder, self.last_position + 1)
            .and_then(|segment| Ok((segment.open_for_append()?, segment)));
        match replaced {
            Ok((file, segment)) => {
                self.shared
                    .backlog_bytes
                    .fetch_add(segment.length, Ordering::Relaxed);
                self.shared
                    .segments()
                    .insert(segment.first_position, segment.clone());
                (self.file, self.active, self.is_torn) = (file, segment, false);
                self.shared.forget_processed();
            }
            Err(error) => {
                tracing::warn!(%error, "could not begin a new queue segment");
                // A full disk: there is no hurry to try again.
                std::thread::sleep(QUIET);
            }
        }
    }
}
