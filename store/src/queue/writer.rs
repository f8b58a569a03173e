//! The one thread that writes: it gathers what waits, writes it with one call, has it synced, and answers all. While a sync
//! runs the next group is gathered, written and begun to be synced too.

use std::collections::VecDeque;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender};
use std::time::Duration;

use super::format::SEGMENT_HEADER_BYTES;
use super::group::{Append, Flight, Group, Waiting};
use super::record::{Record, write_all};
use super::segment::Segment;
use super::shared::Shared;
use super::spare::Spares;
use super::sync::{Files, Syncers, Ticket};
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
    /// A sync has ended.
    Synced {
        ticket: Ticket,
        result: io::Result<()>,
    },
    /// Write what waits and end.
    Close,
}

/// The state of the writing thread.
pub(super) struct Writer {
    shared: Arc<Shared>,
    /// The segment that is written, with the length that is known to be on disk.
    active: Segment,
    files: Files,
    /// The length with what is still being synced.
    written_length: u64,
    /// The last position that was given away.
    last_position: u64,
    inbox: Receiver<Command>,
    spares: Spares,
    syncers: Syncers,
    /// What waits to be written.
    group: Group,
    /// What is written and being synced, the oldest first. They are answered in this order.
    in_flight: VecDeque<Flight>,
    last_ticket: Ticket,
    /// The file has a torn record at its end that could not be cut off: nothing may follow it.
    is_torn: bool,
    is_closing: bool,
}

impl Writer {
    /// `commands` is the other end of `inbox`.
    pub(super) fn new(
        shared: Arc<Shared>,
        active: Segment,
        commands: &Sender<Command>,
        inbox: Receiver<Command>,
    ) -> Result<Self, StoreError> {
        let io_error = |e| StoreError::io(&shared.folder, e);
        let last_position = *shared.durable.borrow();
        Ok(Self {
            files: Files::open(&active.path)?,
            written_length: active.length,
            active,
            last_position,
            inbox,
            spares: Spares::start(Arc::clone(&shared)).map_err(io_error)?,
            syncers: Syncers::start(commands).map_err(io_error)?,
            shared: Arc::clone(&shared),
            group: Group::default(),
            in_flight: VecDeque::new(),
            last_ticket: 0,
            is_torn: false,
            is_closing: false,
        })
    }

    /// Runs until the queue is closed.
    pub(super) fn run(mut self) {
        while !(self.is_closing && self.group.waiting.is_empty() && self.in_flight.is_empty()) {
            if self.may_write() {
                match self.inbox.try_recv() {
                    Ok(command) if self.group.bytes < MAX_GROUP_BYTES => self.take(command),
                    Ok(command) => {
                        self.write_group();
                        self.take(command);
                    }
                    Err(_) => self.write_group(),
                }
                continue;
            }
            match self.wait() {
                Ok(command) => self.take(command),
                Err(RecvTimeoutError::Timeout) => self.use_quiet(),
                Err(RecvTimeoutError::Disconnected) => return,
            }
        }
    }

    /// Whether something waits to be written, and can be. A segment that is full or torn is left only when nothing of it
    /// is being synced, so that what fails can always be cut off.
    fn may_write(&self) -> bool {
        !self.group.waiting.is_empty()
            && self.syncers.has_idle()
            && (self.in_flight.is_empty() || !self.is_to_be_left())
    }

    fn is_to_be_left(&self) -> bool {
        self.is_torn || self.written_length >= self.shared.limits.segment_bytes
    }

    fn wait(&self) -> Result<Command, RecvTimeoutError> {
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
            // Nothing is on its way: positions behind the durable ones were given away and never written.
            self.shared.process(self.last_position);
            self.replace_segment();
            // The thread that makes spares may have looked before the new segment was there, and nobody pushes now.
            self.shared.forget_processed();
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
        let durable = *self.shared.durable.borrow();
        self.shared.processed() >= durable && self.in_flight.is_empty() && !self.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.active.length <= SEGMENT_HEADER_BYTES as u64
    }

    fn take(&mut self, command: Command) {
        match command {
            // Dropping it tells that the queue is closed.
            Command::Append(_) if self.is_closing => {}
            Command::Append(append) => self.group.add(append),
            // Woken to look at the clock: see `wait`.
            Command::Acknowledged => {}
            Command::Synced { ticket, result } => self.land(ticket, result),
            Command::Close => self.is_closing = true,
        }
    }

    /// Writes the group and begins to sync it.
    fn write_group(&mut self) {
        if self.in_flight.is_empty() && self.is_to_be_left() {
            // If the next one is not ready yet this one may grow: nobody waits for it.
            self.replace_segment();
        }
        let mut group = self.group.take_first(MAX_GROUP_BYTES);
        let first_position = self.last_position + 1;
        // Should this fail they are not used again: some of the records may be on disk, and must not be taken for later ones.
        self.last_position += group.records.len() as u64;
        for (position, record) in (first_position..).zip(&mut group.records) {
            record.take_position(position, self.shared.salt);
        }
        if let Err(error) = self.append(&group.records) {
            self.report(&error);
            group.waiting.into_iter().for_each(|one| one.fail(&error));
            self.cut(self.written_length);
            return;
        }
        let bytes = group.bytes as u64;
        self.written_length += bytes;
        self.last_ticket += 1;
        self.syncers.sync(&self.files, self.last_ticket);
        self.in_flight.push_back(Flight {
            ticket: self.last_ticket,
            waiting: group.waiting,
            first_position,
            bytes,
            result: None,
        });
    }

    fn append(&mut self, records: &[Record]) -> io::Result<()> {
        if self.is_torn {
            return Err(io::Error::other(
                "the last segment is torn, and no new one can be made",
            ));
        }
        write_all(&mut self.files.append, records)
    }

    /// Notes the end of a sync, and answers all whose turn it is.
    fn land(&mut self, ticket: Ticket, result: io::Result<()>) {
        self.syncers.ended(ticket);
        let mut in_flight = self.in_flight.iter_mut();
        if let Some(flight) = in_flight.find(|flight| flight.ticket == ticket) {
            flight.result = Some(result);
        }
        while let Some(flight) = self.in_flight.pop_front() {
            match flight.result {
                Some(Ok(())) => self.succeed(flight),
                Some(Err(error)) => self.fail(flight.waiting, &error),
                None => {
                    self.in_flight.push_front(flight);
                    return;
                }
            }
        }
    }

    fn succeed(&mut self, flight: Flight) {
        self.active.length += flight.bytes;
        self.shared
            .backlog_bytes
            .fetch_add(flight.bytes, Ordering::Relaxed);
        self.shared.disk.wrote(flight.bytes);
        self.note_length();
        self.shared.is_writable.store(true, Ordering::Relaxed);
        let end = flight.first_position + flight.waiting.len() as u64;
        self.shared.durable.send_replace(end - 1);
        for (position, waiting) in (flight.first_position..).zip(flight.waiting) {
            // The client may have gone away meanwhile; its request is kept all the same.
            let _ = waiting.done.send(Ok(position));
        }
    }

    /// Takes back what was not synced: a group, and all behind it, which would have to be read over what failed. Syncs of
    /// theirs that still run are for nothing.
    fn fail(&mut self, waiting: Vec<Waiting>, error: &io::Error) {
        self.report(error);
        let behind = self.in_flight.drain(..).flat_map(|flight| flight.waiting);
        waiting
            .into_iter()
            .chain(behind)
            .for_each(|one| one.fail(error));
        self.cut(self.active.length);
        // The old descriptors would each tell of this failure once more, and fail groups that are well.
        match Files::open(&self.active.path) {
            Ok(files) => self.files = files,
            Err(error) => {
                let error: &dyn std::error::Error = &error;
                tracing::warn!(error, "could not open a queue segment again");
            }
        }
    }

    fn report(&self, error: &io::Error) {
        tracing::error!(%error, file = %self.active.path.display(), "could not write to the queue");
        self.shared.is_writable.store(false, Ordering::Relaxed);
    }

    /// Cuts the file, so that the next group does not follow a torn record.
    fn cut(&mut self, length: u64) {
        self.written_length = length;
        let cut = self.files.append.set_len(length);
        self.is_torn = cut.is_err();
        if let Err(error) = cut {
            tracing::error!(%error, file = %self.active.path.display(), "could not cut a torn queue segment");
        }
    }

    fn note_length(&self) {
        if let Some(segment) = self.shared.segments().get_mut(&self.active.first_position) {
            segment.length = self.active.length;
        }
    }

    /// Has what could not be cut off cut off, now or later: the next start would take it for records.
    fn leave_torn(&self) {
        if self.is_torn
            && let Some(segment) = self.shared.segments().get_mut(&self.active.first_position)
        {
            segment.is_torn = true;
            segment.cut_again();
        }
    }

    /// Goes on in the next segment, if there is one; else the old one is used on.
    fn replace_segment(&mut self) {
        if self.is_empty() && !self.is_torn {
            return;
        }
        let first_position = self.last_position + 1;
        match self.spares.take(&self.shared.folder, first_position) {
            Some(Ok((segment, files))) => {
                self.shared
                    .backlog_bytes
                    .fetch_add(segment.length, Ordering::Relaxed);
                self.shared
                    .segments()
                    .insert(first_position, segment.clone());
                self.leave_torn();
                self.written_length = segment.length;
                (self.files, self.active, self.is_torn) = (files, segment, false);
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

#[cfg(test)]
mod tests {
    use std::fs;
    use std::io::Write as _;
    use std::sync::mpsc;

    use tokio::sync::oneshot;

    use super::super::{Entry, Limits, PushError, Tally, opening};
    use super::*;

    type Answer = oneshot::Receiver<Result<u64, PushError>>;

    fn writer(folder: &Path) -> (Writer, Sender<Command>) {
        let (shared, active) = opening::open(folder, Limits::default(), 0).unwrap();
        let (commands, inbox) = mpsc::channel();
        let writer = Writer::new(Arc::new(shared), active, &commands, inbox).unwrap();
        (writer, commands)
    }

    fn push(writer: &mut Writer) -> Answer {
        let (done, durable) = oneshot::channel();
        let memory = Arc::clone(&writer.shared.waiting_bytes);
        writer.take(Command::Append(Append {
            record: Record::new(&Entry::Tally(Tally::default())),
            done,
            memory: memory.try_acquire_owned().unwrap(),
        }));
        durable
    }

    /// Writes what waits, and waits for its sync.
    fn write(writer: &mut Writer) {
        writer.write_group();
        while !writer.in_flight.is_empty() {
            let synced = writer.inbox.recv().unwrap();
            writer.take(synced);
        }
    }

    #[test]
    fn a_failed_sync_fails_no_later_group() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, _commands) = writer(folder.path());
        writer.files.break_syncs();
        let mut first = push(&mut writer);
        write(&mut writer);
        assert!(first.try_recv().unwrap().is_err());
        for position in 2..8 {
            let mut next = push(&mut writer);
            write(&mut writer);
            assert_eq!(next.try_recv().unwrap().unwrap(), position);
        }
    }

    #[test]
    fn a_torn_segment_is_cut_when_it_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let (mut writer, _commands) = writer(folder.path());
        let mut first = push(&mut writer);
        write(&mut writer);
        first.try_recv().unwrap().unwrap();
        let (path, length) = (writer.active.path.clone(), writer.active.length);
        writer.files.append.write_all(b"a torn record").unwrap();
        writer.is_torn = true;
        while writer.active.path == path {
            writer.replace_segment();
            std::thread::yield_now();
        }
        assert_eq!(fs::metadata(&path).unwrap().len(), length);
        let segments = writer.shared.segments();
        assert!(segments.values().all(|segment| !segment.is_torn));
    }

    #[test]
    fn a_torn_segment_is_cut_later_if_it_cannot_be_now() {
        let folder = tempfile::tempdir().unwrap();
        let (writer, _commands) = writer(folder.path());
        let (path, length) = (&writer.active.path, writer.active.length);
        let is_torn = || writer.shared.segments().values().any(|one| one.is_torn);
        // A folder in its place cannot be cut. It is put there and taken away in one step each: a file that is gone would count
        // as cut, and the thread that makes spares looks as well.
        let beside = path.with_extension("beside");
        std::os::unix::fs::symlink(folder.path(), &beside).unwrap();
        fs::rename(&beside, path).unwrap();
        let first_position = writer.active.first_position;
        let mut segments = writer.shared.segments();
        segments.get_mut(&first_position).unwrap().is_torn = true;
        drop(segments);
        writer.shared.forget_processed();
        assert!(is_torn());
        fs::write(&beside, [0; 500]).unwrap();
        fs::rename(&beside, path).unwrap();
        writer.shared.forget_processed();
        assert!(!is_torn());
        assert_eq!(fs::metadata(path).unwrap().len(), length);
    }
}
