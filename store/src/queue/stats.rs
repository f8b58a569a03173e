//! What the queue says of itself.

use bugle_protocol::UnixMillis;

use super::Entry;
use super::cursor::Cursor;
use super::walk::Walk;
use crate::StoreError;

/// What could not be read since the start: torn tails, damaged records, files that are missing or no segments.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Damage {
    /// Stretches; each may have held several records.
    pub stretches: u64,
    /// Their bytes, as far as there are any.
    pub bytes: u64,
}

/// The state of a queue.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stats {
    /// Records that are not processed.
    pub waiting_records: u64,
    /// Bytes of the segment files.
    pub backlog_bytes: u64,
    /// When the oldest request that is not processed came in.
    pub oldest_received_at: Option<UnixMillis>,
    /// Whether pushes are taken.
    pub is_accepting: bool,
    /// Bytes that are free on the queue's disk; `None` if it does not say.
    pub free_disk_bytes: Option<u64>,
    /// What could not be read since the start.
    pub damage: Damage,
}

/// Finds the oldest record that is not processed. It remembers its place, so that each record is passed only once.
#[derive(Debug)]
pub(super) struct Oldest {
    cursor: Cursor,
    found: Option<(u64, UnixMillis)>,
}

impl Oldest {
    pub(super) fn new(cursor: Cursor) -> Self {
        let found = None;
        Self { cursor, found }
    }

    pub(super) fn received_at(&mut self, processed: u64) -> Result<Option<UnixMillis>, StoreError> {
        if self.found.is_none_or(|(position, _)| position <= processed) {
            self.cursor.position = self.cursor.position.max(processed);
            self.found = None;
            while self.found.is_none()
                && let Some((position, line)) = self.cursor.next(Walk::first_line)?
            {
                self.found = received_at(line).map(|at| (position, at));
            }
        }
        Ok(self.found.map(|(_, received_at)| received_at))
    }
}

fn received_at(line: Vec<u8>) -> Option<UnixMillis> {
    match Entry::from_bytes(&line.into())? {
        Entry::Request(request) => Some(request.head.received_at),
        Entry::Tally(tally) => tally.outcomes.first().map(|count| count.received_at),
    }
}
