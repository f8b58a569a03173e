//! Segment files: their names, how they begin, are recovered and deleted.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

use super::format::{OLD_MAGIC, SEGMENT_HEADER_BYTES, Salt};
use super::walk::{MAX_LEAP, Step, Stretch, Walk};
use crate::StoreError;
use crate::durably::{sync_folder_of, write_durably};

/// Bytes read at once where a whole segment is read.
const READ_BYTES: usize = 256 * 1024;

/// The name of a segment that is ready to be written, and has no position yet: see [`super::spare`].
const SPARE: &str = "next.spare";

/// A segment on disk.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) first_position: u64,
    /// Bytes of the file that hold whole records.
    pub(super) length: u64,
    /// What could not be read of it, as far as it was read.
    pub(super) damaged: Vec<Stretch>,
    /// Whether it is known to follow the segment before it, or its absence was noted.
    pub(super) is_joined: bool,
    /// Whether more follows behind `length` that was never acknowledged, and could not be cut off yet.
    pub(super) is_torn: bool,
}

/// What recovering the newest segment came to.
pub(super) struct Recovered {
    /// The last position that is taken.
    pub(super) last_position: u64,
    /// What was behind the last record.
    pub(super) torn: Option<Stretch>,
    /// Whether the segment can be used on; if not, its file was set aside.
    pub(super) is_kept: bool,
}

/// How a segment ends.
struct Tail {
    /// The position of its last record; of the one before it if it holds none.
    last_position: u64,
    /// What is behind the last record.
    torn: Option<Stretch>,
    /// Whether the disk could not give a part of that.
    is_unreadable: bool,
}

/// Whether a record of the format before follows: a damaged file of ours may begin like one of that format, too.
fn is_old_record(file: &mut File, file_length: u64) -> io::Result<bool> {
    let mut header = [0; 16];
    file.read_exact(&mut header)?;
    let (length, rest) = header.split_at(4);
    let (checksum, position) = rest.split_at(4);
    let length = u64::from(u32::from_le_bytes(length.try_into().unwrap_or_default()));
    let mut data = Vec::new();
    file.take(length.min(file_length)).read_to_end(&mut data)?;
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(position);
    hasher.update(&data);
    Ok(hasher.finalize().to_le_bytes() == checksum)
}

impl Segment {
    pub(super) fn new(path: PathBuf, first_position: u64, length: u64) -> Self {
        Self {
            path,
            first_position,
            length,
            damaged: Vec::new(),
            is_joined: false,
            is_torn: false,
        }
    }

    /// Makes an empty segment whose first record will have `first_position`; its name is on disk when this returns.
    pub(super) fn create(
        folder: &Path,
        first_position: u64,
        salt: Salt,
    ) -> Result<Self, StoreError> {
        let path = path_of(folder, first_position);
        write_durably(&path, &salt.segment_header())?;
        let mut segment = Self::new(path, first_position, SEGMENT_HEADER_BYTES as u64);
        segment.is_joined = true;
        Ok(segment)
    }

    /// Refuses a segment of the format before that holds records, which would be taken for damage; an empty one is deleted.
    pub(super) fn refuse_old_format(&self) -> Result<(), StoreError> {
        let refuse = || {
            let mut file = File::open(&self.path)?;
            let mut magic = [0; OLD_MAGIC.len()];
            // What cannot be read is of no known format, and recovered like any other damage.
            if file.read_exact(&mut magic).is_err() || &magic != OLD_MAGIC {
                return Ok(());
            }
            if self.length == OLD_MAGIC.len() as u64 {
                return fs::remove_file(&self.path);
            }
            if !is_old_record(&mut file, self.length).unwrap_or(false) {
                return Ok(());
            }
            Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "this queue segment has the format of the previous version and holds requests: start the previous version \
                 on this data folder and let it finish its queue first",
            ))
        };
        refuse().map_err(|e| StoreError::io(&self.path, e))
    }

    /// Begins a walk through the records. `before` is the first position that cannot be in this segment.
    pub(super) fn walk(&self, salt: Salt, before: u64, read_bytes: usize) -> io::Result<Walk> {
        let positions = self.first_position..before;
        Walk::new(
            File::open(&self.path)?,
            salt,
            positions,
            self.length,
            read_bytes,
        )
    }

    /// Finds the end of the last whole record, and cuts off what is behind it: a crash in the middle of a write leaves such
    /// a tail. A tail that the disk cannot give is left: it may hold records that were acknowledged. A file of which nothing
    /// can be read is renamed and left for a person to look at.
    pub(super) fn recover(&mut self, salt: Salt) -> Result<Recovered, StoreError> {
        let tail = self.find_tail(salt);
        let tail = tail.map_err(|e| StoreError::io(&self.path, e))?;
        self.settle(tail)
    }

    fn settle(&mut self, tail: Tail) -> Result<Recovered, StoreError> {
        let Tail {
            last_position,
            torn,
            is_unreadable,
        } = tail;
        let holds_records = last_position >= self.first_position;
        let is_kept = torn.is_none_or(|torn| torn.offset > 0 && (holds_records || !is_unreadable));
        match torn {
            Some(_) if !is_kept => self.set_aside()?,
            Some(torn) if is_unreadable => {
                self.length = torn.offset;
                self.damaged.push(torn);
            }
            Some(torn) => self.cut(torn.offset)?,
            None => {}
        }
        Ok(Recovered {
            last_position,
            torn,
            is_kept,
        })
    }

    fn find_tail(&self, salt: Salt) -> io::Result<Tail> {
        let mut walk = self.walk(salt, u64::MAX, READ_BYTES)?;
        let mut last_position = self.first_position.saturating_sub(1);
        let torn = loop {
            match walk.step()? {
                Step::Record(found) => last_position = found.header.position,
                Step::Damaged(_) => {}
                Step::Torn(stretch) => break Some(stretch),
                Step::End => break None,
            }
        };
        Ok(Tail {
            last_position,
            torn,
            is_unreadable: torn.is_some_and(|torn| walk.is_unreadable_behind(torn.offset)),
        })
    }

    /// Cuts off again what could not be cut off. A file that is gone needs it no more.
    pub(super) fn cut_again(&mut self) {
        if self.is_torn {
            let cut = self.cut(self.length);
            self.is_torn = cut.is_err() && self.path.exists();
        }
    }

    fn cut(&mut self, length: u64) -> Result<(), StoreError> {
        let cut = || {
            let file = OpenOptions::new().write(true).open(&self.path)?;
            file.set_len(length)?;
            file.sync_all()
        };
        cut().map_err(|e| StoreError::io(&self.path, e))?;
        self.length = length;
        Ok(())
    }

    /// Renames the file, so that it is no segment any more and a person can look at it.
    fn set_aside(&self) -> Result<(), StoreError> {
        let aside = (1_u32..)
            .map(|n| match n {
                1 => self.path.with_extension("damaged"),
                n => self.path.with_extension(format!("{n}.damaged")),
            })
            .find(|path| !path.exists())
            .unwrap_or_default();
        tracing::error!(file = %aside.display(), "set a damaged queue segment aside");
        let renamed = fs::rename(&self.path, &aside).and_then(|()| sync_folder_of(&self.path));
        renamed.map_err(|e| StoreError::io(&self.path, e))
    }

    /// Deletes the file, or sets it aside if a part of it could not be read. If that fails the next start tries again.
    pub(super) fn forget(&self) {
        let forgotten = if self.damaged.is_empty() {
            fs::remove_file(&self.path).map_err(|e| StoreError::io(&self.path, e))
        } else {
            self.set_aside()
        };
        if let Err(error) = forgotten {
            let error: &dyn std::error::Error = &error;
            tracing::warn!(error, "could not delete a processed queue segment");
        }
    }
}

pub(super) fn path_of(folder: &Path, first_position: u64) -> PathBuf {
    folder.join(format!("{first_position:020}.log"))
}

pub(super) fn spare_path(folder: &Path) -> PathBuf {
    folder.join(SPARE)
}

pub(super) fn open_for_append(path: &Path) -> Result<File, StoreError> {
    let opened = OpenOptions::new().append(true).open(path);
    opened.map_err(|e| StoreError::io(path, e))
}

/// The segments of a folder by their first position.
pub(super) fn list(folder: &Path) -> Result<BTreeMap<u64, Segment>, StoreError> {
    let mut segments = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(|e| StoreError::io(folder, e))? {
        let entry = entry.map_err(|e| StoreError::io(folder, e))?;
        let path = entry.path();
        let name = entry.file_name();
        let number = name.to_str().and_then(|name| name.strip_suffix(".log"));
        let Some(first_position) = number.and_then(|number| number.parse().ok()) else {
            continue;
        };
        if path != path_of(folder, first_position) {
            continue;
        }
        let metadata = entry.metadata().map_err(|e| StoreError::io(&path, e))?;
        let segment = Segment::new(path, first_position, metadata.len());
        segments.insert(first_position, segment);
    }
    Ok(segments)
}

/// Gives a spare its name as a segment if records were written to it: the power went before its renaming was on disk.
/// `near` is a position that is not far from its records'.
pub(super) fn adopt_spare(folder: &Path, salt: Salt, near: u64) -> Result<(), StoreError> {
    let path = spare_path(folder);
    let io_error = |e| StoreError::io(&path, e);
    let length = match fs::metadata(&path) {
        Ok(metadata) => metadata.len(),
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(e) => return Err(io_error(e)),
    };
    let spare = Segment::new(path.clone(), near.saturating_sub(MAX_LEAP / 2), length);
    match first_position(&spare, salt).map_err(io_error)? {
        Some(first) if !path_of(folder, first).exists() => {
            let renamed = fs::rename(&path, path_of(folder, first));
            renamed
                .and_then(|()| sync_folder_of(&path))
                .map_err(io_error)
        }
        _ if length > SEGMENT_HEADER_BYTES as u64 => spare.set_aside(),
        _ => fs::remove_file(&path).map_err(io_error),
    }
}

fn first_position(segment: &Segment, salt: Salt) -> io::Result<Option<u64>> {
    let mut walk = segment.walk(salt, u64::MAX, READ_BYTES)?;
    loop {
        match walk.step()? {
            Step::Record(found) => return Ok(Some(found.header.position)),
            Step::Damaged(_) => {}
            Step::Torn(_) | Step::End => return Ok(None),
        }
    }
}

/// Takes the folder for this process alone.
pub(super) fn lock(folder: &Path) -> Result<File, StoreError> {
    let path = folder.join("lock");
    let file = File::create(&path).map_err(|e| StoreError::io(&path, e))?;
    match file.try_lock() {
        Ok(()) => Ok(file),
        Err(fs::TryLockError::WouldBlock) => {
            let error = io::Error::new(
                io::ErrorKind::ResourceBusy,
                "another bugle uses this data folder",
            );
            Err(StoreError::io(&path, error))
        }
        Err(fs::TryLockError::Error(error)) => Err(StoreError::io(&path, error)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tail_that_the_disk_cannot_give_is_left() {
        let folder = tempfile::tempdir().unwrap();
        let salt = Salt::of("some queue");
        for (last_position, is_kept) in [(9, true), (6, false)] {
            let mut segment = Segment::create(folder.path(), 7, salt).unwrap();
            fs::write(&segment.path, [1; 9_000]).unwrap();
            segment.length = 9_000;
            let torn = Stretch {
                offset: 5_000,
                bytes: 4_000,
            };
            let tail = Tail {
                last_position,
                torn: Some(torn),
                is_unreadable: true,
            };
            let recovered = segment.settle(tail).unwrap();
            assert_eq!(recovered.is_kept, is_kept);
            if is_kept {
                assert_eq!((segment.length, &segment.damaged[..]), (5_000, &[torn][..]));
                segment.forget();
            }
        }
        for name in ["damaged", "2.damaged"] {
            let path = path_of(folder.path(), 7).with_extension(name);
            assert_eq!(fs::metadata(path).unwrap().len(), 9_000);
        }
    }
}
