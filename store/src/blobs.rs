//! Files that are too large for the database, by the hash of what is in them.

use std::collections::HashMap;
use std::fmt;
use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use sha2::{Digest as _, Sha256};

use crate::StoreError;
use crate::durably::{make_private_folder, sync_folder, sync_folder_of, write_durably};

/// The name of a blob: the SHA-256 of its bytes. Equal files are kept once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BlobId(pub [u8; 32]);

impl BlobId {
    /// The name that these bytes have.
    #[must_use]
    pub fn of(bytes: &[u8]) -> Self {
        Self(Sha256::digest(bytes).into())
    }
}

/// 64 lower-case hex digits.
impl fmt::Display for BlobId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// How long a request that brought a file again has to be recorded, before its file counts as not needed by it.
const RECORDING: Duration = Duration::from_secs(60);

/// Reads what `Display` writes.
impl std::str::FromStr for BlobId {
    type Err = StoreError;

    fn from_str(text: &str) -> Result<Self, StoreError> {
        const WRONG: StoreError = StoreError::Damaged("the name of a blob has not 64 hex digits");
        let mut id = [0; 32];
        if text.len() != 64 || !text.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(WRONG);
        }
        for (index, byte) in id.iter_mut().enumerate() {
            let digits = &text[index * 2..index * 2 + 2];
            *byte = u8::from_str_radix(digits, 16).map_err(|_| WRONG)?;
        }
        Ok(Self(id))
    }
}

/// The folder of blobs: `ab/cdef…`, two digits and the other 62.
#[derive(Clone, Debug)]
pub struct Blobs {
    pub(crate) folder: PathBuf,
    /// One for each folder of two digits: whether its name and the names in it are known to be on disk. Who writes into it
    /// holds the lock, for the same file often comes with many events at once, and two writers of one name would spoil each
    /// other's. Who only looks holds it too: a name can be seen before it is on disk.
    folders: Arc<[Mutex<bool>; 256]>,
    /// When this process was last given bytes that were there already. Their rows follow in a moment: until then nobody can
    /// tell whether the file is needed.
    again: Arc<Mutex<HashMap<BlobId, Instant>>>,
}

impl Blobs {
    /// Blobs in `folder`, which is made when the first is written.
    #[must_use]
    pub fn new(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            folders: Arc::new([const { Mutex::new(false) }; 256]),
            again: Arc::default(),
        }
    }

    /// Keeps bytes; they are on disk when this returns. Blocks. Keeping what is there already costs no write.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn put(&self, bytes: &[u8]) -> Result<BlobId, StoreError> {
        let id = BlobId::of(bytes);
        let path = self.path(id);
        let Some(folder) = path.parent() else {
            return Ok(id);
        };
        let synced = &self.folders[usize::from(id.0[0])];
        let mut is_synced = synced.lock().unwrap_or_else(PoisonError::into_inner);
        make_private_folder(folder)?;
        if !*is_synced {
            // An earlier process may have ended, or an earlier sync failed, between a file's name and the sync of it.
            self.sync(folder)?;
            *is_synced = true;
        }
        // A file has its name only when it is whole: see `write_durably`.
        if fs::metadata(&path).is_ok_and(|found| found.len() == bytes.len() as u64) {
            self.note_again(id);
            return Ok(id);
        }
        *is_synced = false;
        write_durably(&path, bytes)?;
        *is_synced = true;
        Ok(id)
    }

    /// Has the names in a folder of two digits on disk, and its own.
    fn sync(&self, folder: &Path) -> Result<(), StoreError> {
        let io_error = |e| StoreError::io(folder, e);
        sync_folder(folder).map_err(io_error)?;
        sync_folder(&self.folder).map_err(io_error)?;
        sync_folder_of(&self.folder).map_err(io_error)
    }

    fn note_again(&self, id: BlobId) {
        let mut again = self.again.lock().unwrap_or_else(PoisonError::into_inner);
        // Not each time: that would take as long as there are files.
        if again.len().is_power_of_two() {
            again.retain(|_, at| at.elapsed() < RECORDING);
        }
        again.insert(id, Instant::now());
    }

    /// Deletes a blob and says whether there was one; `None` if it was given to this process again less than a minute ago, so
    /// that a row may be about to refer to it. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub(crate) fn remove(&self, id: BlobId) -> Result<Option<bool>, StoreError> {
        let folder = &self.folders[usize::from(id.0[0])];
        let _nobody_writes = folder.lock().unwrap_or_else(PoisonError::into_inner);
        let again = self.again.lock().unwrap_or_else(PoisonError::into_inner);
        if again.get(&id).is_some_and(|at| at.elapsed() < RECORDING) {
            return Ok(None);
        }
        let path = self.path(id);
        match fs::remove_file(&path) {
            Ok(()) => Ok(Some(true)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Some(false)),
            Err(error) => Err(StoreError::io(&path, error)),
        }
    }

    /// Opens a blob; `None` if there is none of that name. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn open(&self, id: BlobId) -> Result<Option<File>, StoreError> {
        let path = self.path(id);
        match File::open(&path) {
            Ok(file) => Ok(Some(file)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(StoreError::io(&path, error)),
        }
    }

    fn path(&self, id: BlobId) -> PathBuf {
        let name = id.to_string();
        let (folder, rest) = name.split_at(2);
        self.folder.join(folder).join(rest)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read as _;

    use super::*;

    #[test]
    fn what_is_kept_is_found_again() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(&folder.path().join("blobs"));
        for bytes in [&b""[..], b"one", b"\0\xff"] {
            let id = blobs.put(bytes).unwrap();
            assert_eq!(blobs.put(bytes).unwrap(), id);
            assert_eq!(id.to_string().parse::<BlobId>().unwrap(), id);
            let mut found = Vec::new();
            blobs
                .open(id)
                .unwrap()
                .unwrap()
                .read_to_end(&mut found)
                .unwrap();
            assert_eq!(found, bytes);
        }
        assert!(blobs.open(BlobId([0; 32])).unwrap().is_none());
        assert!("+1".repeat(32).parse::<BlobId>().is_err());
    }

    #[test]
    fn a_file_goes_unless_it_was_brought_again_a_moment_ago() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(&folder.path().join("blobs"));
        let id = blobs.put(b"one").unwrap();
        assert_eq!(blobs.remove(id).unwrap(), Some(true));
        assert_eq!(blobs.remove(id).unwrap(), Some(false));
        blobs.put(b"one").unwrap();
        blobs.put(b"one").unwrap();
        assert_eq!(blobs.remove(id).unwrap(), None);
        assert!(blobs.open(id).unwrap().is_some());
    }

    #[test]
    fn many_keep_the_same_bytes_at_once() {
        let folder = tempfile::tempdir().unwrap();
        let blobs = Blobs::new(&folder.path().join("blobs"));
        for round in 0..20_u8 {
            let bytes = vec![round; 100_000];
            std::thread::scope(|scope| {
                for _ in 0..8 {
                    scope.spawn(|| blobs.put(&bytes).unwrap());
                }
            });
            let mut found = Vec::new();
            let mut file = blobs.open(BlobId::of(&bytes)).unwrap().unwrap();
            file.read_to_end(&mut found).unwrap();
            assert_eq!(found, bytes);
        }
    }

    #[test]
    fn a_file_is_trusted_only_in_a_synced_folder() {
        let folder = tempfile::tempdir().unwrap();
        let folder = folder.path().join("blobs");
        let first = Blobs::new(&folder);
        let id = first.put(b"one").unwrap();
        let path = first.path(id);
        let is_synced = |blobs: &Blobs| *blobs.folders[usize::from(id.0[0])].lock().unwrap();
        assert!(is_synced(&first));

        let second = Blobs::new(&folder);
        assert!(!is_synced(&second));
        second.put(b"one").unwrap();
        assert!(is_synced(&second), "before the file was trusted");

        // A folder in the way: the file cannot get its name.
        fs::remove_file(&path).unwrap();
        fs::create_dir(&path).unwrap();
        second.put(b"one").unwrap_err();
        assert!(!is_synced(&second));
        fs::remove_dir(&path).unwrap();
        second.put(b"one").unwrap();
        assert!(is_synced(&second));
    }
}
