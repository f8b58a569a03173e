//! Requests that cannot be processed: each lies in a file of its own until a person has looked at it.
//!
//! `poisoned/` holds them. A retry moves a file to `retry/`, from where the server takes it back into the queue.

use std::fs;
use std::path::Path;

use crate::StoreError;
use crate::durably::{make_private_folder, write_durably};

/// The folder of what was set aside, in the queue's folder.
const POISONED: &str = "poisoned";

/// Writes a record to a file of its own. A record that lies there already, since the processor was stopped between
/// setting it aside and moving on, is not written twice.
pub(super) fn set_aside(queue: &Path, position: u64, record: &[u8]) -> Result<(), StoreError> {
    let folder = queue.join(POISONED);
    make_private_folder(&folder)?;
    for n in 1_u32.. {
        let name = match n {
            1 => format!("{position:020}.request"),
            n => format!("{position:020}-{n}.request"),
        };
        let path = folder.join(name);
        match fs::read(&path) {
            Ok(found) if found == record => break,
            Ok(_) => {}
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => {
                return write_durably(&path, record);
            }
            Err(e) => return Err(StoreError::io(&path, e)),
        }
    }
    Ok(())
}
