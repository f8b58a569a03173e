//! How much room the queue's disk has left.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// A measure is good for this long …
const MEASURE_EVERY: Duration = Duration::from_secs(1);

/// … or for as many bytes written.
const MEASURE_EVERY_BYTES: u64 = 16 * 1024 * 1024;

/// The free bytes of the file system of a folder, measured now and then by whoever asks: it needs no thread, and sees that
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
    free_bytes: Option<u64>,
    written_since: u64,
}

impl Disk {
    pub(super) fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            gauge: Mutex::default(),
        }
    }

    /// Bytes that this user may still write; `None` if the file system does not say.
    pub(super) fn free_bytes(&self) -> Option<u64> {
        let mut gauge = self.gauge.lock().unwrap_or_else(PoisonError::into_inner);
        gauge.free_bytes(Instant::now(), || measure(&self.folder))
    }

    /// Notes that bytes were written.
    pub(super) fn wrote(&self, bytes: u64) {
        let mut gauge = self.gauge.lock().unwrap_or_else(PoisonError::into_inner);
        gauge.written_since += bytes;
    }
}

impl Gauge {
    fn free_bytes(&mut self, now: Instant, measure: impl FnOnce() -> Option<u64>) -> Option<u64> {
        let is_fresh = self
            .measured_at
            .is_some_and(|at| now.saturating_duration_since(at) < MEASURE_EVERY);
        if !is_fresh || self.written_since >= MEASURE_EVERY_BYTES {
            *self = Self {
                measured_at: Some(now),
                free_bytes: measure(),
                written_since: 0,
            };
        }
        let written = self.written_since;
        self.free_bytes.map(|free| free.saturating_sub(written))
    }
}

fn measure(folder: &Path) -> Option<u64> {
    match rustix::fs::statvfs(folder) {
        Ok(found) => Some(found.f_bavail.saturating_mul(found.f_frsize)),
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
        assert_eq!(
            gauge.free_bytes(at(0.0), || Some(100 << 20)),
            Some(100 << 20)
        );
        gauge.written_since += 1 << 20;
        assert_eq!(gauge.free_bytes(at(0.9), || None), Some(99 << 20));
        assert_eq!(gauge.free_bytes(at(1.0), || Some(50)), Some(50));
        gauge.written_since += 1 << 10;
        assert_eq!(gauge.free_bytes(at(1.1), || None), Some(0));
        gauge.written_since += MEASURE_EVERY_BYTES;
        assert_eq!(gauge.free_bytes(at(1.2), || Some(7)), Some(7));
        assert_eq!(gauge.free_bytes(at(9.0), || None), None);
    }

    #[test]
    fn a_real_disk_has_room() {
        let folder = tempfile::tempdir().unwrap();
        assert!(Disk::new(folder.path()).free_bytes().unwrap() > 0);
        assert_eq!(Disk::new(&folder.path().join("missing")).free_bytes(), None);
    }
}
