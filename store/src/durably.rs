//! Files and folders that survive a power loss.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::Path;

use crate::StoreError;

/// Makes a folder that only this user can look into, since it holds what clients sent, unscrubbed; and those above it, if
/// they are missing. Their names survive a power loss.
///
/// # Errors
/// [`StoreError::Io`].
pub fn make_private_folder(folder: &Path) -> Result<(), StoreError> {
    if folder.as_os_str().is_empty() || folder.is_dir() {
        return Ok(());
    }
    if let Some(parent) = folder.parent() {
        make_private_folder(parent)?;
    }
    let made = match fs::DirBuilder::new().mode(0o700).create(folder) {
        // Somebody else made it meanwhile, and may not have synced it yet.
        Err(e) if e.kind() != io::ErrorKind::AlreadyExists || !folder.is_dir() => Err(e),
        _ => sync_folder_of(folder),
    };
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
pub(crate) fn sync_folder_of(path: &Path) -> io::Result<()> {
    match path.parent() {
        // The parent of a bare name.
        Some(folder) if folder.as_os_str().is_empty() => sync_folder(Path::new(".")),
        Some(folder) => sync_folder(folder),
        None => Ok(()),
    }
}

/// Makes what was done to the names in a folder survive a power loss.
pub(crate) fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn private_folders_are_made_with_those_above_them() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path().join("a/b/c");
        make_private_folder(&folder).unwrap();
        make_private_folder(&folder).unwrap();
        for made in ["a", "a/b", "a/b/c"] {
            let mode = fs::metadata(root.path().join(made))
                .unwrap()
                .permissions()
                .mode();
            assert_eq!(mode & 0o777, 0o700, "{made}");
        }
        fs::write(folder.join("file"), "").unwrap();
        let error = make_private_folder(&folder.join("file")).unwrap_err();
        assert!(error.to_string().contains("a/b/c/file"), "{error}");
        make_private_folder(&folder.join("file/below")).unwrap_err();
    }
}
