//! How much room the queue's disk has left.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::PushError;

/// A measure is good for this long …
const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// … or for as many bytes written.
const MEASURE_EVERY_BYTES: u64 = 16 * 1024 * 1024;

/// Files that must still fit: segments, what is set aside, the database's and attachments. A file system may have bytes left
/// and no room for the name of a file.
const MIN_FREE_FILES: u64 = 1000;

/// What this user may still write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Free {
    pub(super) bytes: u64,
    /// `None` if the file system has no such limit.
    files: Option<u64>,
}

impl Free {
    /// Why nothing may be pushed with so little room; `backlog_bytes` will be stored on the same disk.
    pub(super) fn refusal(self, floor_bytes: u64, backlog_bytes: u64) -> Option<PushError> {
        if let Some(free_files) = self.files.filter(|files| *files < MIN_FREE_FILES) {
            return Some(PushError::FilesLow {
                free_files,
                floor_files: MIN_FREE_FILES,
            });
        }
        let needed_bytes = floor_bytes.saturating_add(backlog_bytes);
        (self.bytes < needed_bytes).then_some(PushError::DiskLow {
            free_bytes: self.bytes,
            floor_bytes,
        })
    }
}

/// The free room of the file system of a folder, measured now and then by whoever asks: it needs no thread, and sees that
/// room came back also while nothing is written.
#[derive(Debug)]
pub(super) struct Disk {
    folder: PathBuf,
    gauge: Mutex<Gauge>,
}

/// The last measure.
#[derive(Debug, Default)]
struct Gauge {
    measured_at: Option<Instant>,
    /// `None` if the file system does not say.
    free: Option<Free>,
    written_since: u64,
}

impl Disk {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            gauge: Mutex::default(),
        }
    }

    /// What this user may still write; `None` if the file system does not say.
    pub(super) fn free(&self) -> Option<Free> {
        let mut gauge = self.gauge.lock().unwrap_or_else(PoisonError::into_inner);
        gauge.free(Instant::now(), || measure(&self.folder))
    }

    /// Notes that bytes were written.
    pub(super) fn wrote(&self, bytes: u64) {
        let mut gauge = self.gauge.lock().unwrap_or_else(PoisonError::into_inner);
        gauge.written_since += bytes;
    }
}

impl Gauge {
    fn free(&mut self, now: Instant, measure: impl FnOnce() -> Option<Free>) -> Option<Free> {
        let is_fresh = self
            .measured_at
            .is_some_and(|at| now.saturating_duration_since(at) < MEASURE_EVERY);
        if !is_fresh || self.written_since >= MEASURE_EVERY_BYTES {
            *self = Self {
                measured_at: Some(now),
                free: measure(),
                written_since: 0,
            };
        }
        let written = self.written_since;
        self.free.map(|free| Free {
            bytes: free.bytes.saturating_sub(written),
            ..free
        })
    }
}

fn measure(folder: &Path) -> Option<Free> {
    match rustix::fs::statvfs(folder) {
        Ok(found) => Some(Free {
            bytes: found.f_bavail.saturating_mul(found.f_frsize),
            // Some make the room for files as they need it, and report none at all.
            files: (found.f_files > 0).then_some(found.f_favail),
        }),
        Err(error) => {
            tracing::warn!(folder = %folder.display(), %error, "could not measure the free space of the queue's disk");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_measure_is_taken_again_after_a_second_or_after_many_bytes() {
        let start = Instant::now();
        let mut gauge = Gauge::default();
        let at = |seconds: f64| start + Duration::from_secs_f64(seconds);
        let read = |gauge: &mut Gauge, now, measured: Option<u64>| {
            let files = None;
            let measured = measured.map(|bytes| Free { bytes, files });
            gauge.free(now, || measured).map(|free| free.bytes)
        };
        assert_eq!(read(&mut gauge, at(0.0), Some(100 << 20)), Some(100 << 20));
        gauge.written_since += 1 << 20;
        assert_eq!(read(&mut gauge, at(0.9), None), Some(99 << 20));
        assert_eq!(read(&mut gauge, at(1.0), Some(50)), Some(50));
        gauge.written_since += 1 << 10;
        assert_eq!(read(&mut gauge, at(1.1), None), Some(0));
        gauge.written_since += MEASURE_EVERY_BYTES;
        assert_eq!(read(&mut gauge, at(1.2), Some(7)), Some(7));
        assert_eq!(read(&mut gauge, at(9.0), None), None);
    }

    #[test]
    fn a_disk_without_room_for_files_refuses() {
        let refusal = |bytes, files| Free { bytes, files }.refusal(100, 20);
        assert!(refusal(120, None).is_none());
        assert!(refusal(120, Some(1000)).is_none());
        assert!(matches!(
            refusal(120, Some(999)),
            Some(PushError::FilesLow {
                free_files: 999,
                floor_files: 1000
            })
        ));
        assert!(matches!(
            refusal(119, None),
            Some(PushError::DiskLow {
                free_bytes: 119,
                floor_bytes: 100
            })
        ));
    }

    #[test]
    fn a_real_disk_has_room() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Disk::new(folder.path()).free().unwrap().bytes > 0);
        assert_eq!(Disk::new(&folder.path().join("missing")).free(), None);
    }
}
