//! Finds what an earlier process left, and begins where it ended.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::sync::{Arc, Mutex};

use tokio::sync::{Semaphore, watch};

use super::aside;
use super::disk::Disk;
use super::format::Salt;
use super::retry::Retries;
use super::segment::{self, Segment};
use super::shared::Shared;
use super::{Damage, Limits, MAX_WAITING_BYTES};
use crate::StoreError;
use crate::durably::{make_private_folder, write_durably};

/// What a folder holds.
struct Found {
    segments: BTreeMap<u64, Segment>,
    last_position: u64,
    damage: Damage,
}

/// Opens the queue of a folder, with a new segment to write to.
pub(super) fn open(
    folder: &Path,
    limits: Limits,
    processed: u64,
) -> Result<(Shared, Segment), StoreError> {
    let id = id_of(folder)?;
    let salt = Salt::of(&id);
    let lock = segment::lock(folder)?;
    aside::make_folders(folder)?;
    let mut found = find(folder, salt, processed)?;
    let active = Segment::create(folder, found.last_position + 1, salt)?;
    found.segments.insert(active.first_position, active.clone());
    let backlog: u64 = found.segments.values().map(|segment| segment.length).sum();
    let shared = Shared {
        folder: folder.to_owned(),
        id,
        salt,
        limits,
        segments: Mutex::new(found.segments),
        durable: watch::Sender::new(found.last_position),
        backlog_bytes: AtomicU64::new(backlog),
        waiting_bytes: Arc::new(Semaphore::new(MAX_WAITING_BYTES as usize)),
        is_writable: AtomicBool::new(true),
        processed: AtomicU64::new(processed),
        gap: Mutex::new(None),
        damage: Mutex::new(found.damage),
        disk: Disk::new(folder),
        retries: Mutex::new(Retries::default()),
        _lock: lock,
    };
    shared.forget_processed();
    Ok((shared, active))
}

/// Lists the segments and recovers the newest one that holds anything.
fn find(folder: &Path, salt: Salt, processed: u64) -> Result<Found, StoreError> {
    let old = segment::list(folder)?;
    old.values().try_for_each(Segment::refuse_old_format)?;
    let newest = segment::list(folder)?.keys().next_back().copied();
    segment::adopt_spare(folder, salt, newest.unwrap_or_default().max(processed))?;
    let mut found = Found {
        segments: segment::list(folder)?,
        last_position: processed,
        damage: Damage::default(),
    };
    found.drop_empty();
    while let Some(mut newest) = found.segments.last_entry() {
        let recovered = newest.get_mut().recover(salt)?;
        found.last_position = found.last_position.max(recovered.last_position);
        if let Some(torn) = recovered.torn {
            found.damage.stretches += 1;
            found.damage.bytes += torn.bytes;
            tracing::warn!(
                file = %newest.get().path.display(),
                offset = torn.offset,
                bytes = torn.bytes,
                "left out the torn tail of a queue segment"
            );
        }
        if recovered.is_kept {
            break;
        }
        newest.remove();
    }
    Ok(found)
}

impl Found {
    /// Leaves out files without a byte: they never held a record, or all of them are gone, and their names must not hide
    /// those of the segments before them.
    fn drop_empty(&mut self) {
        let Self {
            segments, damage, ..
        } = self;
        segments.retain(|_, segment| {
            if segment.length == 0 {
                tracing::error!(file = %segment.path.display(), "a segment of the queue is empty");
                damage.stretches += 1;
                segment.forget();
            }
            segment.length > 0
        });
    }
}

/// The queue's own name, made on first use.
pub(super) fn id_of(folder: &Path) -> Result<String, StoreError> {
    make_private_folder(folder)?;
    let path = folder.join("id");
    match fs::read_to_string(&path) {
        Ok(id) if !id.trim().is_empty() => return Ok(id.trim().to_owned()),
        Ok(_) => {}
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => {}
        Err(e) => return Err(StoreError::io(&path, e)),
    }
    let mut random = [0; 16];
    getrandom::fill(&mut random).map_err(|e| StoreError::io(&path, std::io::Error::other(e)))?;
    let id = random
        .iter()
        .fold(String::new(), |id, byte| id + &format!("{byte:02x}"));
    write_durably(&path, id.as_bytes())?;
    Ok(id)
}
