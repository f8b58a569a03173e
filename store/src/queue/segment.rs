//! Segment files: a header, then records of length, checksum, position and data.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read};
use std::path::{Path, PathBuf};

use crate::StoreError;
use crate::durably::write_durably;

/// The first bytes of every segment; the digit is the format's version.
pub(super) const MAGIC: &[u8; 8] = b"BUGLEQ1\n";

/// Length (4 bytes), CRC-32 of position and data (4), position (8); all little-endian.
pub(super) const RECORD_HEADER_BYTES: usize = 16;

/// A segment on disk.
#[derive(Clone, Debug)]
pub(super) struct Segment {
    pub(super) path: PathBuf,
    pub(super) first_position: u64,
    /// Bytes of the file that hold whole records.
    pub(super) length: u64,
}

/// What reading the next record came to.
pub(super) enum Next {
    /// A record.
    Record { position: u64, data: Vec<u8> },
    /// A record whose checksum does not fit; the next one may be whole.
    Damaged,
    /// The end, or a place from which nothing more can be read.
    End,
}

impl Segment {
    /// Makes an empty segment whose first record will have `first_position`; its name is on disk when this returns.
    pub(super) fn create(folder: &Path, first_position: u64) -> Result<Self, StoreError> {
        let path = folder.join(format!("{first_position:020}.log"));
        write_durably(&path, MAGIC)?;
        Ok(Self {
            path,
            first_position,
            length: MAGIC.len() as u64,
        })
    }

    /// Opens the file for appending behind its last whole record.
    pub(super) fn open_for_append(&self) -> Result<File, StoreError> {
        OpenOptions::new()
            .append(true)
            .open(&self.path)
            .map_err(|e| StoreError::io(&self.path, e))
    }

    /// Finds the end of the last whole record, cuts the rest off, and returns the last position that is taken.
    ///
    /// A file that does not begin as a segment does is renamed and left for a person to look at.
    pub(super) fn recover(&mut self) -> Result<u64, StoreError> {
        let mut last = self.first_position.saturating_sub(1);
        match self
            .whole_records(&mut last)
            .map_err(|e| StoreError::io(&self.path, e))?
        {
            Some(length) if length < self.length => {
                let cut_bytes = self.length - length;
                tracing::warn!(file = %self.path.display(), cut_bytes, "cut the torn tail of a queue segment");
                let file = OpenOptions::new()
                    .write(true)
                    .open(&self.path)
                    .map_err(|e| StoreError::io(&self.path, e))?;
                file.set_len(length)
                    .and_then(|()| file.sync_all())
                    .map_err(|e| StoreError::io(&self.path, e))?;
                self.length = length;
            }
            Some(_) => {}
            None => {
                let aside = self.path.with_extension("damaged");
                tracing::error!(file = %aside.display(), "set a queue segment aside that cannot be read");
                fs::rename(&self.path, &aside).map_err(|e| StoreError::io(&self.path, e))?;
                write_durably(&self.path, MAGIC)?;
                self.length = MAGIC.len() as u64;
            }
        }
        Ok(last)
    }

    /// The length up to the end of the last whole record, whose position goes to `last`; `None` if the file is no segment.
    fn whole_records(&self, last: &mut u64) -> io::Result<Option<u64>> {
        let mut reader = BufReader::new(File::open(&self.path)?);
        let mut magic = [0; MAGIC.len()];
        reader.read_exact(&mut magic)?;
        if &magic != MAGIC {
            return Ok(None);
        }
        let mut at = MAGIC.len() as u64;
        let mut length = at;
        loop {
            match read_record(&mut reader, self.length - at)? {
                (Next::Record { position, .. }, bytes) => {
                    at += bytes;
                    (*last, length) = (position, at);
                }
                (Next::Damaged, bytes) => at += bytes,
                (Next::End, _) => return Ok(Some(length)),
            }
        }
    }

    /// Deletes the file; if that fails the next start tries again.
    pub(super) fn delete(&self) {
        if let Err(error) = fs::remove_file(&self.path) {
            tracing::warn!(file = %self.path.display(), %error, "could not delete a processed queue segment");
        }
    }
}

/// The segments of a folder by their first position.
pub(super) fn list(folder: &Path) -> Result<BTreeMap<u64, Segment>, StoreError> {
    let mut segments = BTreeMap::new();
    for entry in fs::read_dir(folder).map_err(|e| StoreError::io(folder, e))? {
        let entry = entry.map_err(|e| StoreError::io(folder, e))?;
        let name = entry.file_name();
        let Some(number) = name.to_str().and_then(|name| name.strip_suffix(".log")) else {
            continue;
        };
        let Ok(first_position) = number.parse() else {
            continue;
        };
        let path = entry.path();
        let length = entry
            .metadata()
            .map_err(|e| StoreError::io(&path, e))?
            .len();
        let segment = Segment {
            path,
            first_position,
            length,
        };
        if length < MAGIC.len() as u64 {
            // It never held a record, and its name must not hide those of the segment before it.
            segment.delete();
        } else {
            segments.insert(first_position, segment);
        }
    }
    Ok(segments)
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

/// Appends a record to `buffer`.
pub(super) fn encode_record(position: u64, data: &[u8], buffer: &mut Vec<u8>) {
    let length = u32::try_from(data.len()).expect("a request is bounded far below 4 GiB");
    buffer.extend_from_slice(&length.to_le_bytes());
    buffer.extend_from_slice(&checksum(position, data).to_le_bytes());
    buffer.extend_from_slice(&position.to_le_bytes());
    buffer.extend_from_slice(data);
}

/// Reads a record of a file that has `remaining` more bytes; the second value is how many of them it took.
pub(super) fn read_record(reader: &mut impl Read, remaining: u64) -> io::Result<(Next, u64)> {
    if remaining < RECORD_HEADER_BYTES as u64 {
        return Ok((Next::End, 0));
    }
    let mut header = [0; RECORD_HEADER_BYTES];
    reader.read_exact(&mut header)?;
    let (length, rest) = header.split_at(4);
    let (stored_checksum, position) = rest.split_at(4);
    let length = u64::from(u32::from_le_bytes(length.try_into().unwrap_or_default()));
    let bytes = RECORD_HEADER_BYTES as u64 + length;
    if bytes > remaining {
        return Ok((Next::End, 0));
    }
    let stored_checksum = u32::from_le_bytes(stored_checksum.try_into().unwrap_or_default());
    let position = u64::from_le_bytes(position.try_into().unwrap_or_default());
    let mut data = vec![0; usize::try_from(length).unwrap_or_default()];
    reader.read_exact(&mut data)?;
    if checksum(position, &data) != stored_checksum {
        return Ok((Next::Damaged, bytes));
    }
    Ok((Next::Record { position, data }, bytes))
}

fn checksum(position: u64, data: &[u8]) -> u32 {
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&position.to_le_bytes());
    hasher.update(data);
    hasher.finalize()
}
