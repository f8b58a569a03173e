//! Files and folders that survive a power loss.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::StoreError;

/// Makes a folder that only this user can look into: it holds what clients sent, unscrubbed.
pub(crate) fn make_private_folder(folder: &Path) -> Result<(), StoreError> {
    let made = fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder);
    made.map_err(|e| StoreError::io(folder, e))
}

/// Writes a file so that it is there whole or not at all, and survives a power loss.
pub(crate) fn write_durably(path: &Path, bytes: &[u8]) -> Result<(), StoreError> {
    let unfinished = path.with_extension("unfinished");
    let write = || {
        let mut file = OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&unfinished)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        fs::rename(&unfinished, path)?;
        sync_folder_of(path)
    };
    write().map_err(|e| {
        // Whatever is left of it is no segment and no id: nobody reads it.
        let _ = fs::remove_file(&unfinished);
        StoreError::io(path, e)
    })
}

/// Makes what was done to the name of a file survive a power loss.
pub(crate) fn sync_folder_of(path: &Path) -> std::io::Result<()> {
    match path.parent() {
        // The parent of a bare name.
        Some(folder) if folder.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(folder) => File::open(folder)?.sync_all(),
        None => Ok(()),
    }
}
