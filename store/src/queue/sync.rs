//! The threads that wait for the disk, so that the writer can go on while a sync runs.
//!
//! Several syncs run at a time. A slow disk then costs a push little more than one sync, where it would have to wait for most
//! of the one before it too.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, Sender};
use std::thread::JoinHandle;

use super::segment::open_for_append;
use super::writer::Command;
use crate::StoreError;

/// Syncs that run at a time. Measured with 256 clients on two cores: 1 took 28,000 pushes of 8 KB a second, 2 took 45,000,
/// 4 took 70,000; and 11,000, 18,000 and 25,000 where each sync was made 5 ms longer.
const SYNCS: usize = 4;

/// The descriptors of a segment that is being written.
#[derive(Debug)]
pub(super) struct Files {
    pub(super) append: File,
    /// Each thread has a descriptor of its own: the system reports a failed write once to each, and a failure that another
    /// thread was told of must not look like a success.
    syncs: Vec<Arc<File>>,
}

impl Files {
    pub(super) fn open(path: &Path) -> Result<Self, StoreError> {
        let syncs = (0..SYNCS).map(|_| open_for_append(path).map(Arc::new));
        Ok(Self {
            append: open_for_append(path)?,
            syncs: syncs.collect::<Result<_, _>>()?,
        })
    }
}

#[cfg(test)]
impl Files {
    /// Replaces the descriptors that are synced by ones that cannot be.
    pub(super) fn break_syncs(&mut self) {
        let broken = File::open("/dev/null").expect("every system has it");
        self.syncs.fill(Arc::new(broken));
    }
}

/// Which sync of the writer's.
pub(super) type Ticket = u64;

#[derive(Debug)]
pub(super) struct Syncers {
    slots: Vec<Slot>,
}

#[derive(Debug)]
struct Slot {
    /// `None` once the thread is to end.
    jobs: Option<Sender<(Arc<File>, Ticket)>>,
    /// What runs in the thread.
    running: Option<Ticket>,
    thread: Option<JoinHandle<()>>,
}

impl Syncers {
    /// Starts the threads; each sync's end is told by [`Command::Synced`].
    pub(super) fn start(done: &Sender<Command>) -> io::Result<Self> {
        let slots = (0..SYNCS).map(|_| Slot::start(done.clone()));
        let slots = slots.collect::<Result<_, _>>()?;
        Ok(Self { slots })
    }

    pub(super) fn has_idle(&self) -> bool {
        self.slots.iter().any(|slot| slot.running.is_none())
    }

    /// Begins a sync of all that was written to the files. Only if a thread is idle.
    pub(super) fn sync(&mut self, files: &Files, ticket: Ticket) {
        let mut slots = self.slots.iter_mut().zip(&files.syncs);
        if let Some((slot, file)) = slots.find(|(slot, _)| slot.running.is_none()) {
            slot.running = Some(ticket);
            if let Some(jobs) = &slot.jobs {
                // The thread ends only with us.
                let _ = jobs.send((Arc::clone(file), ticket));
            }
        }
    }

    /// Notes that a sync has ended.
    pub(super) fn ended(&mut self, ticket: Ticket) {
        for slot in &mut self.slots {
            slot.running = slot.running.filter(|running| *running != ticket);
        }
    }
}

impl Slot {
    fn start(done: Sender<Command>) -> io::Result<Self> {
        let (jobs, inbox) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("queue-sync".to_owned())
            .spawn(move || run(&inbox, &done))?;
        Ok(Self {
            jobs: Some(jobs),
            running: None,
            thread: Some(thread),
        })
    }
}

impl Drop for Slot {
    fn drop(&mut self) {
        self.jobs = None;
        if let Some(thread) = self.thread.take() {
            // A panic has been reported by its thread; there is nothing left to end.
            let _ = thread.join();
        }
    }
}

fn run(jobs: &Receiver<(Arc<File>, Ticket)>, done: &Sender<Command>) {
    while let Ok((file, ticket)) = jobs.recv() {
        let result = file.sync_data();
        // A writer that has ended waits for nothing.
        let _ = done.send(Command::Synced { ticket, result });
    }
}
