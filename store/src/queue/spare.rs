//! The next segment, made before it is needed: beginning one costs three syncs, and those who push must not wait for them.
//!
//! A spare has its own name on disk before it is used. When it is, it is renamed, and nobody waits for the new name to be on
//! disk: should the power go first, the next start finds the records under the old name, see [`super::segment::adopt_spare`].

use std::fs;
use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, Sender};
use std::thread::JoinHandle;
use std::time::Duration;

use super::format::SEGMENT_HEADER_BYTES;
use super::segment::{Segment, path_of, spare_path};
use super::shared::Shared;
use super::sync::Files;
use crate::StoreError;
use crate::durably::{sync_folder_of, write_durably};

/// How long after a failure the next attempt is made: a full disk.
const RETRY: Duration = Duration::from_secs(1);

/// The thread that makes spares, one at a time. Before each it deletes what is processed.
#[derive(Debug)]
pub(super) struct Spares {
    /// `None` once it is to end.
    wanted: Option<Sender<()>>,
    ready: Receiver<Files>,
    thread: Option<JoinHandle<()>>,
}

impl Spares {
    pub(super) fn start(shared: Arc<Shared>) -> std::io::Result<Self> {
        let (wanted, wishes) = mpsc::channel();
        let (sender, ready) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("queue-spare".to_owned())
            .spawn(move || run(&shared, &wishes, &sender))?;
        let spares = Self {
            wanted: Some(wanted),
            ready,
            thread: Some(thread),
        };
        spares.ask();
        Ok(spares)
    }

    /// Makes the spare the segment of `first_position`, and has the next one made. `None` as long as there is none.
    pub(super) fn take(
        &self,
        folder: &Path,
        first_position: u64,
    ) -> Option<Result<(Segment, Files), StoreError>> {
        let files = self.ready.try_recv().ok()?;
        let path = path_of(folder, first_position);
        let renamed = fs::rename(spare_path(folder), &path);
        self.ask();
        Some(match renamed {
            Ok(()) => {
                let length = SEGMENT_HEADER_BYTES as u64;
                let mut segment = Segment::new(path, first_position, length);
                segment.is_joined = true;
                Ok((segment, files))
            }
            Err(e) => Err(StoreError::io(&path, e)),
        })
    }

    fn ask(&self) {
        if let Some(wanted) = &self.wanted {
            // The thread ends only with us.
            let _ = wanted.send(());
        }
    }
}

impl Drop for Spares {
    fn drop(&mut self) {
        self.wanted = None;
        if let Some(thread) = self.thread.take() {
            // A panic has been reported by its thread; there is nothing left to end.
            let _ = thread.join();
        }
    }
}

/// Makes a spare for each wish.
fn run(shared: &Shared, wishes: &Receiver<()>, ready: &Sender<Files>) {
    while wishes.recv().is_ok() {
        shared.forget_processed();
        loop {
            match make(shared) {
                Ok(files) => {
                    // The writer may have ended meanwhile.
                    let _ = ready.send(files);
                    break;
                }
                Err(error) => {
                    let error: &dyn std::error::Error = &error;
                    tracing::warn!(error, "could not prepare the next queue segment");
                }
            }
            if let Err(RecvTimeoutError::Disconnected) = wishes.recv_timeout(RETRY) {
                return;
            }
        }
    }
}

fn make(shared: &Shared) -> Result<Files, StoreError> {
    let path = spare_path(&shared.folder);
    // First the new name of the last spare: it must not be overwritten on disk by this one.
    sync_folder_of(&path).map_err(|e| StoreError::io(&path, e))?;
    write_durably(&path, &shared.salt.segment_header())?;
    Files::open(&path)
}
