//! Records that go to the disk together, and who waits for them.

use std::io;

use tokio::sync::{OwnedSemaphorePermit, oneshot};

use super::PushError;
use super::record::Record;
use super::sync::Ticket;

/// A record that is to be appended, and who waits for it.
pub(super) struct Append {
    pub(super) record: Record,
    pub(super) done: oneshot::Sender<Result<u64, PushError>>,
    /// The record's share of the memory that may wait. It belongs to the record, not to the client, who may go away.
    pub(super) memory: OwnedSemaphorePermit,
}

/// Records that are written with one call and synced together.
#[derive(Default)]
pub(super) struct Group {
    pub(super) records: Vec<Record>,
    pub(super) waiting: Vec<Waiting>,
    pub(super) bytes: usize,
}

/// Who waits for a record.
pub(super) struct Waiting {
    pub(super) done: oneshot::Sender<Result<u64, PushError>>,
    _memory: OwnedSemaphorePermit,
}

/// A group that is being synced.
pub(super) struct Flight {
    pub(super) ticket: Ticket,
    pub(super) waiting: Vec<Waiting>,
    pub(super) first_position: u64,
    pub(super) bytes: u64,
    /// How the sync ended, once it has.
    pub(super) result: Option<io::Result<()>>,
}

impl Group {
    pub(super) fn add(&mut self, append: Append) {
        self.bytes += append.record.len();
        self.records.push(append.record);
        self.waiting.push(Waiting {
            done: append.done,
            _memory: append.memory,
        });
    }
}

impl Waiting {
    pub(super) fn fail(self, error: &io::Error) {
        // The client may have gone away.
        let _ = self.done.send(Err(PushError::Write(error.to_string())));
    }
}
