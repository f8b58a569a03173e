//! What the handles, the writer and the readers know together.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Semaphore, watch};

use super::disk::Disk;
use super::format::Salt;
use super::retry::Retries;
use super::segment::Segment;
use super::walk::Stretch;
use super::{Damage, Limits, PushError};

#[derive(Debug)]
pub(super) struct Shared {
    pub(super) folder: PathBuf,
    pub(super) id: String,
    pub(super) salt: Salt,
    pub(super) limits: Limits,
    /// The segments by their first position; the last one is being written.
    pub(super) segments: Mutex<BTreeMap<u64, Segment>>,
    /// The last position that is on disk.
    pub(super) durable: watch::Sender<u64>,
    pub(super) backlog_bytes: AtomicU64,
    pub(super) waiting_bytes: Arc<Semaphore>,
    /// Whether the last write succeeded.
    pub(super) is_writable: AtomicBool,
    /// The last position that the database has.
    pub(super) processed: AtomicU64,
    /// Positions from behind the first to the second that no record has.
    pub(super) gap: Mutex<Option<(u64, u64)>>,
    pub(super) damage: Mutex<Damage>,
    pub(super) disk: Disk,
    pub(super) retries: Mutex<Retries>,
    /// Held as long as the queue lives: two processes in one folder would overwrite each other's records.
    pub(super) _lock: File,
}

impl Shared {
    pub(super) fn segments(&self) -> MutexGuard<'_, BTreeMap<u64, Segment>> {
        self.segments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn backlog_bytes(&self) -> u64 {
        self.backlog_bytes.load(Ordering::Relaxed)
    }

    pub(super) fn processed(&self) -> u64 {
        self.processed.load(Ordering::Relaxed)
    }

    /// Why nothing may be pushed now.
    pub(super) fn refusal(&self) -> Option<PushError> {
        let backlog_bytes = self.backlog_bytes();
        let limit_bytes = self.limits.max_backlog_bytes;
        if backlog_bytes > limit_bytes {
            return Some(PushError::Full { limit_bytes });
        }
        let floor_bytes = self.limits.min_free_bytes;
        if floor_bytes == 0 {
            return None;
        }
        self.disk.free()?.refusal(floor_bytes, backlog_bytes)
    }

    /// Notes that the database has everything up to `position`.
    pub(super) fn process(&self, position: u64) {
        self.processed.fetch_max(position, Ordering::Relaxed);
        self.close_gap();
    }

    /// Notes that no record lies behind `from` up to `to`: what was there cannot be read, or was never written.
    pub(super) fn note_gap(&self, from: u64, to: u64) {
        *self.gap.lock().unwrap_or_else(PoisonError::into_inner) = Some((from, to));
        self.close_gap();
    }

    /// Nobody will ever say that records which are not there are processed.
    fn close_gap(&self) {
        let gap = *self.gap.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((from, to)) = gap
            && self.processed() >= from
        {
            self.processed.fetch_max(to, Ordering::Relaxed);
        }
    }

    /// Deletes the segments that are processed to their end; the newest one stays, it is being written.
    pub(super) fn forget_processed(&self) {
        let processed = self.processed();
        let mut forgotten = Vec::new();
        let mut segments = self.segments();
        // Should deleting fail, the next start must not take what is torn for records.
        segments.values_mut().for_each(Segment::cut_again);
        while let Some(&next) = segments.keys().nth(1)
            && next <= processed + 1
        {
            forgotten.extend(segments.pop_first().map(|(_, segment)| segment));
        }
        drop(segments);
        for segment in forgotten {
            self.backlog_bytes
                .fetch_sub(segment.length, Ordering::Relaxed);
            segment.forget();
        }
    }

    /// Counts and logs a stretch that cannot be read, once; the segment is then kept for a person to look at.
    pub(super) fn note_damage(&self, first_position: u64, stretch: Stretch) {
        let mut segments = self.segments();
        let Some(segment) = segments.get_mut(&first_position) else {
            return;
        };
        let is_known = segment.damaged.iter().any(|s| s.offset == stretch.offset);
        if !is_known {
            segment.damaged.push(stretch);
            self.count_damage(stretch.bytes);
            tracing::error!(
                file = %segment.path.display(),
                offset = stretch.offset,
                bytes = stretch.bytes,
                "a part of the queue cannot be read"
            );
        }
    }

    /// Counts and logs that the records between two segments are gone, once.
    pub(super) fn note_missing(&self, last_position: u64, next_segment: u64) {
        let mut segments = self.segments();
        let Some(segment) = segments.get_mut(&next_segment) else {
            return;
        };
        if last_position + 1 < next_segment && !std::mem::replace(&mut segment.is_joined, true) {
            self.count_damage(0);
            tracing::error!(
                from_position = last_position + 1,
                to_position = next_segment - 1,
                "a segment of the queue is missing"
            );
        }
    }

    /// Gives up a segment whose file is gone.
    pub(super) fn note_lost(&self, first_position: u64) {
        let mut segments = self.segments();
        let Some(segment) = segments.remove(&first_position) else {
            return;
        };
        if let Some((_, next)) = segments.range_mut(first_position..).next() {
            next.is_joined = true;
        }
        drop(segments);
        self.backlog_bytes
            .fetch_sub(segment.length, Ordering::Relaxed);
        self.count_damage(segment.length);
        tracing::error!(file = %segment.path.display(), bytes = segment.length, "a segment of the queue is gone");
    }

    pub(super) fn count_damage(&self, bytes: u64) {
        let mut damage = self.damage.lock().unwrap_or_else(PoisonError::into_inner);
        damage.stretches += 1;
        damage.bytes += bytes;
    }
}
