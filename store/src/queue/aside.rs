//! What was set aside for a person to look at: requests that could not be processed, and segments that were damaged.
//!
//! `poisoned/` holds the requests, each in a file of its own. A retry moves a file to `retry/`, from where the server takes
//! it back into the queue. All of it is done with files alone, so it works while the server runs and while it does not.

use std::fs::{self, File};
use std::io::{self, BufRead as _, BufReader};
use std::path::{Path, PathBuf};

use bytes::Bytes;

use super::Entry;
use super::format::Salt;
use super::opening::id_of;
use super::walk::{Step, Walk};
use crate::StoreError;
use crate::durably::{make_private_folder, sync_folder_of, write_durably};

/// Bytes of a segment that are read at once.
const READ_BYTES: usize = 256 * 1024;

/// The folder of the requests, in the queue's folder.
const POISONED: &str = "poisoned";

/// The folder of the requests that are to be processed again.
const RETRY: &str = "retry";

/// Makes the folders as the user of the server: one that a command of another user made could not be read by the server. A file
/// that is moved keeps its owner.
pub(super) fn make_folders(queue: &Path) -> Result<(), StoreError> {
    make_private_folder(&queue.join(POISONED))?;
    make_private_folder(&queue.join(RETRY))
}

/// The files that are to be taken into the queue again, by name.
pub(super) fn retries_of(queue: &Path) -> Result<Vec<PathBuf>, StoreError> {
    let files = files_of(&queue.join(RETRY), ".request")?;
    Ok(files.into_iter().map(|(_, path)| path).collect())
}

/// Moves a file that is no request from those to be retried to those that failed.
pub(super) fn take_back(queue: &Path, path: &Path) -> Result<(), StoreError> {
    let folder = queue.join(POISONED);
    make_private_folder(&folder)?;
    move_to(path, &folder)
}

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
            Err(e) if e.kind() == io::ErrorKind::NotFound => return write_durably(&path, record),
            Err(e) => return Err(StoreError::io(&path, e)),
        }
    }
    Ok(())
}

/// What was set aside in a queue's folder.
#[derive(Clone, Debug)]
pub struct Aside {
    queue: PathBuf,
}

/// What an aside file is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AsideState {
    /// A request that could not be processed.
    Failed,
    /// A request that the server will take into the queue again.
    Retry,
    /// A segment of the queue of which a part could not be read. What could be was processed.
    Damaged,
}

impl AsideState {
    /// `failed`, `retry` or `damaged`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Failed => "failed",
            Self::Retry => "retry",
            Self::Damaged => "damaged",
        }
    }
}

/// A file that was set aside.
#[derive(Clone, Debug)]
pub struct AsideFile {
    /// Its name among the others: `17`, or `17-2` for the second part of a request, or `17.damaged`.
    pub id: String,
    /// What it is.
    pub state: AsideState,
    /// The position that the request had, or the first one of the segment.
    pub position: Option<u64>,
    /// Bytes.
    pub bytes: u64,
    /// The request without its body; `None` if it cannot be read, or for a segment.
    pub entry: Option<Entry>,
    path: PathBuf,
}

impl Aside {
    /// What was set aside in the folder of a queue.
    #[must_use]
    pub fn new(queue: &Path) -> Self {
        let queue = queue.to_owned();
        Self { queue }
    }

    /// The files, requests before segments, by position. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn list(&self) -> Result<Vec<AsideFile>, StoreError> {
        let mut all = Vec::new();
        for (folder, suffix, state) in [
            (self.queue.join(POISONED), ".request", AsideState::Failed),
            (self.queue.join(RETRY), ".request", AsideState::Retry),
            (self.queue.clone(), ".damaged", AsideState::Damaged),
        ] {
            let mut files: Vec<_> = files_of(&folder, suffix)?
                .into_iter()
                .filter_map(|(name, path)| AsideFile::new(&name, path, state))
                .collect();
            files.sort_by(|a, b| (a.position, &a.id).cmp(&(b.position, &b.id)));
            all.append(&mut files);
        }
        Ok(all)
    }

    /// Has the server take a request into the queue again: at once if it runs, else at its next start.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn retry(&self, file: &AsideFile) -> Result<(), StoreError> {
        let folder = self.queue.join(RETRY);
        make_private_folder(&folder)?;
        move_to(&file.path, &folder)
    }
}

impl AsideFile {
    fn new(name: &str, path: PathBuf, state: AsideState) -> Option<Self> {
        // It may have been taken away since the folder was listed.
        let bytes = fs::metadata(&path).ok()?.len();
        let digits = name.find(|c: char| !c.is_ascii_digit());
        let digits = &name[..digits.unwrap_or(name.len())];
        let without_zeros = name[..digits.len().saturating_sub(1)]
            .bytes()
            .take_while(|b| *b == b'0')
            .count();
        let id = &name[without_zeros..];
        Some(Self {
            id: id.strip_suffix(".request").unwrap_or(id).to_owned(),
            position: digits.parse().ok(),
            bytes,
            entry: match state {
                AsideState::Damaged => None,
                AsideState::Failed | AsideState::Retry => first_line(&path),
            },
            state,
            path,
        })
    }

    /// The whole request; `None` if it is none. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn read(&self) -> Result<Option<Entry>, StoreError> {
        let bytes = fs::read(&self.path).map_err(|e| StoreError::io(&self.path, e))?;
        Ok(Entry::from_bytes(&Bytes::from(bytes)))
    }

    /// Shows every whole record of the file to `see`, which is asked whether to go on: the one request, or all that can be read
    /// of a damaged segment, the processed ones too. Blocks.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn for_each(&self, mut see: impl FnMut(Entry) -> bool) -> Result<(), StoreError> {
        if self.state != AsideState::Damaged {
            self.read()?.map(see);
            return Ok(());
        }
        let io_error = |e| StoreError::io(&self.path, e);
        let file = File::open(&self.path).map_err(io_error)?;
        let first = self.position.unwrap_or_default();
        // A header that cannot be read leaves the folder's own salt, which its id tells.
        let id = self.path.parent().map(id_of).transpose()?;
        let salt = Salt::of(&id.unwrap_or_default());
        let walk = Walk::new(file, salt, first..u64::MAX, self.bytes, READ_BYTES);
        let mut walk = walk.map_err(io_error)?;
        loop {
            match walk.step().map_err(io_error)? {
                Step::End => return Ok(()),
                Step::Damaged(_) | Step::Torn(_) => {}
                Step::Record(found) => {
                    let data = walk.data(&found).map_err(io_error)?;
                    let entry = data.and_then(|data| Entry::from_bytes(&data.into()));
                    if entry.is_some_and(|entry| !see(entry)) {
                        return Ok(());
                    }
                }
            }
        }
    }

    /// Deletes the file.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn delete(&self) -> Result<(), StoreError> {
        fs::remove_file(&self.path).map_err(|e| StoreError::io(&self.path, e))
    }
}

/// Reads a request without its body, which may be large.
fn first_line(path: &Path) -> Option<Entry> {
    let mut line = Vec::new();
    let mut file = BufReader::new(File::open(path).ok()?);
    file.read_until(b'\n', &mut line).ok()?;
    Entry::from_bytes(&line.into())
}

/// The files of a folder that end in `suffix`, by name. A folder that is missing has none.
fn files_of(folder: &Path, suffix: &str) -> Result<Vec<(String, PathBuf)>, StoreError> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(e) => return Err(StoreError::io(folder, e)),
    };
    let mut files = Vec::new();
    for entry in entries {
        let entry = entry.map_err(|e| StoreError::io(folder, e))?;
        if let Some(name) = entry.file_name().to_str()
            && name.ends_with(suffix)
        {
            files.push((name.to_owned(), entry.path()));
        }
    }
    files.sort();
    Ok(files)
}

/// Moves a file, and has both names on disk. It never replaces another one.
fn move_to(path: &Path, folder: &Path) -> Result<(), StoreError> {
    let target = folder.join(path.file_name().unwrap_or_default());
    let moved = || {
        if target.exists() {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        fs::rename(path, &target)?;
        // The new name first: between the two the file may have both, never none.
        sync_folder_of(&target)?;
        sync_folder_of(path)
    };
    moved().map_err(|e| StoreError::io(&target, e))
}
