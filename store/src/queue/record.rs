//! A record on its way to the disk.

use std::fs::File;
use std::io::{self, IoSlice, Write as _};

use bytes::Bytes;

use super::Entry;
use super::format::{RECORD_HEADER_BYTES, RecordHeader, Salt};

/// A record in two pieces, so that the body is never copied.
pub(super) struct Record {
    /// Room for the record's header, and the first line.
    start: Vec<u8>,
    body: Bytes,
    /// CRC-32 of line and body.
    checksum: u32,
}

impl Record {
    pub(super) fn new(entry: &Entry) -> Self {
        let mut start = Vec::with_capacity(512);
        start.resize(RECORD_HEADER_BYTES, 0);
        entry.write_line(&mut start);
        let body = entry.body();
        let mut hasher = crc32fast::Hasher::new();
        hasher.update(&start[RECORD_HEADER_BYTES..]);
        hasher.update(&body);
        Self {
            start,
            body,
            checksum: hasher.finalize(),
        }
    }

    /// Fills in the record's header.
    pub(super) fn take_position(&mut self, position: u64, salt: Salt) {
        let length = self.len() - RECORD_HEADER_BYTES;
        let header = RecordHeader {
            length: u32::try_from(length).expect("a request is bounded far below 4 GiB"),
            position,
            checksum: self.checksum,
        };
        self.start[..RECORD_HEADER_BYTES].copy_from_slice(&header.to_bytes(salt));
    }

    /// Bytes in the file.
    pub(super) fn len(&self) -> usize {
        self.start.len() + self.body.len()
    }
}

/// Writes all records, in as few calls as the system allows.
pub(super) fn write_all(file: &mut File, records: &[Record]) -> io::Result<()> {
    let pieces = records.iter();
    let mut pieces: Vec<IoSlice<'_>> = pieces
        .flat_map(|record| [IoSlice::new(&record.start), IoSlice::new(&record.body)])
        .collect();
    let mut pieces = &mut pieces[..];
    // Without this a group of nothing but empty pieces would look like a disk that takes nothing.
    IoSlice::advance_slices(&mut pieces, 0);
    while !pieces.is_empty() {
        match file.write_vectored(pieces) {
            Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
            Ok(written) => IoSlice::advance_slices(&mut pieces, written),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}
