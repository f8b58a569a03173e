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

    /// Takes the first records out, up to `max_bytes` but at least one.
    pub(super) fn take_first(&mut self, max_bytes: usize) -> Self {
        let (mut taken, mut bytes) = (0, 0);
        for record in &self.records {
            if taken > 0 && bytes + record.len() > max_bytes {
                break;
            }
            taken += 1;
            bytes += record.len();
        }
        let rest = Self {
            records: self.records.split_off(taken),
            waiting: self.waiting.split_off(taken),
            bytes: self.bytes - bytes,
        };
        let mut first = std::mem::replace(self, rest);
        first.bytes = bytes;
        first
    }
}

impl Waiting {
    pub(super) fn fail(self, error: &io::Error) {
        // The client may have gone away.
        let _ = self.done.send(Err(PushError::Write(error.to_string())));
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::super::{Entry, Tally};
    use super::*;

    #[test]
    fn a_group_takes_what_fits_and_at_least_one() {
        let memory = Arc::new(tokio::sync::Semaphore::new(5));
        let mut group = Group::default();
        for _ in 0..5 {
            group.add(Append {
                record: Record::new(&Entry::Tally(Tally::default())),
                done: oneshot::channel().0,
                memory: Arc::clone(&memory).try_acquire_owned().unwrap(),
            });
        }
        let size = group.bytes / 5;
        for (max_bytes, taken) in [(size * 2 + 1, 2), (1, 1), (usize::MAX, 2), (1, 0)] {
            let first = group.take_first(max_bytes);
            assert_eq!(first.records.len(), taken);
            assert_eq!(first.waiting.len(), taken);
            assert_eq!(first.bytes, taken * size);
        }
        assert_eq!(group.bytes, 0);
    }
}
