//! A walk through the records of a segment file, over whatever damage it finds.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::format::{RECORD_HEADER_BYTES, RecordHeader, SEGMENT_HEADER_BYTES, Salt};

/// Bytes that are searched at once for the next record behind damage.
const SEARCH_BYTES: usize = 256 * 1024;

/// Positions rise by one, and by a group where a write failed: a leap as long as this is no position.
pub(super) const MAX_LEAP: u64 = 1 << 32;

/// What was found at a place of a file.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// A record, whose data may still be damaged.
    Record(Found),
    /// Bytes that are no record; one follows.
    Damaged(Stretch),
    /// Bytes that are no record; nothing follows.
    Torn(Stretch),
    /// The end.
    End,
}

/// A record of which only the header is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Found {
    pub(super) header: RecordHeader,
    /// Where it begins.
    offset: u64,
}

/// A part of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stretch {
    /// Where it begins.
    pub(super) offset: u64,
    pub(super) bytes: u64,
}

impl Found {
    pub(super) fn stretch(&self) -> Stretch {
        Stretch {
            offset: self.offset,
            bytes: RECORD_HEADER_BYTES as u64 + u64::from(self.header.length),
        }
    }

    fn data_offset(&self) -> u64 {
        self.offset + RECORD_HEADER_BYTES as u64
    }
}

/// A place in a segment file.
#[derive(Debug)]
pub(super) struct Walk {
    file: File,
    salt: Salt,
    /// The position of the last record.
    last: u64,
    /// The first position that cannot be in this file.
    before: u64,
    offset: u64,
    end: u64,
    window: Window,
    read_bytes: usize,
}

/// A part of the file that is in memory.
#[derive(Debug, Default)]
struct Window {
    offset: u64,
    bytes: Vec<u8>,
}

impl Walk {
    /// Begins at the first record. `salt` is used if the file does not say its own, `positions` are those that the file may
    /// hold, and `read_bytes` are read from the disk at once. Nothing behind `end` is read before [`Walk::go_on_to`].
    pub(super) fn new(
        file: File,
        salt: Salt,
        positions: std::ops::Range<u64>,
        end: u64,
        read_bytes: usize,
    ) -> io::Result<Self> {
        let mut walk = Self {
            file,
            salt,
            last: positions.start.saturating_sub(1),
            before: positions.end,
            offset: 0,
            end,
            window: Window::default(),
            read_bytes,
        };
        // Behind a header that cannot be read the first step searches for the first record.
        if let Some(salt) = Salt::from_segment_header(walk.bytes(0, SEGMENT_HEADER_BYTES)?) {
            (walk.salt, walk.offset) = (salt, SEGMENT_HEADER_BYTES as u64);
        }
        Ok(walk)
    }

    /// Moves the end: more of the file is on disk. What lies behind the end may still be taken back by the writer, and
    /// must not get into memory.
    pub(super) fn go_on_to(&mut self, end: u64) {
        self.end = end;
    }

    /// Goes over the next record, or over what lies between here and the next one.
    pub(super) fn step(&mut self) -> io::Result<Step> {
        if self.offset >= self.end {
            return Ok(Step::End);
        }
        let here = self.offset;
        let bytes = self.bytes(here, RECORD_HEADER_BYTES)?.to_vec();
        if let Some(found) = self.record(&bytes, here) {
            self.last = found.header.position;
            self.offset = here + found.stretch().bytes;
            return Ok(Step::Record(found));
        }
        let next = self.search(here + 1)?;
        self.offset = next.unwrap_or(self.end);
        let stretch = Stretch {
            offset: here,
            bytes: self.offset - here,
        };
        Ok(match next {
            Some(_) => Step::Damaged(stretch),
            None => Step::Torn(stretch),
        })
    }

    /// The data of a record; `None` if it is damaged.
    pub(super) fn data(&mut self, found: &Found) -> io::Result<Option<Vec<u8>>> {
        let length = usize::try_from(found.header.length).unwrap_or(usize::MAX);
        let data = if length <= self.read_bytes {
            self.bytes(found.data_offset(), length)?.to_vec()
        } else {
            // It fits into the file, so a lie about its length costs no more memory than there are bytes.
            let mut data = vec![0; length];
            let read = read_at(&self.file, found.data_offset(), &mut data)?;
            data.truncate(read);
            data
        };
        let is_whole = data.len() == length && crc32fast::hash(&data) == found.header.checksum;
        Ok(is_whole.then_some(data))
    }

    /// The data of a record up to its first line's end, unchecked; `None` if no line ends.
    pub(super) fn first_line(&mut self, found: &Found) -> io::Result<Option<Vec<u8>>> {
        let whole = usize::try_from(found.header.length).unwrap_or(usize::MAX);
        for length in [whole.min(self.read_bytes / 2), whole] {
            let bytes = self.bytes(found.data_offset(), length)?;
            if let Some(end) = memchr::memchr(b'\n', bytes) {
                return Ok(Some(bytes[..=end].to_vec()));
            }
        }
        Ok(None)
    }

    /// The record whose header `bytes` begin with, if there can be such a record here.
    fn record(&self, bytes: &[u8], offset: u64) -> Option<Found> {
        let position = u64::from_le_bytes(*bytes.get(4..)?.first_chunk::<8>()?);
        let before = self.before.min(self.last.saturating_add(MAX_LEAP));
        if position <= self.last || position >= before {
            return None;
        }
        let header = RecordHeader::from_bytes(bytes, self.salt)?;
        let found = Found { header, offset };
        (offset + found.stretch().bytes <= self.end).then_some(found)
    }

    /// Where the next record begins, from `from` on.
    fn search(&mut self, from: u64) -> io::Result<Option<u64>> {
        let mut at = from;
        loop {
            // Taken out, so that the walk can be asked about the bytes.
            self.bytes(at, SEARCH_BYTES)?;
            let window = std::mem::take(&mut self.window);
            let skipped = usize::try_from(at - window.offset).unwrap_or(usize::MAX);
            let bytes = window.bytes.get(skipped..).unwrap_or_default();
            let starts = bytes.len().saturating_sub(RECORD_HEADER_BYTES - 1);
            let next = (0..starts).find(|&i| self.record(&bytes[i..], at + i as u64).is_some());
            self.window = window;
            match next {
                Some(i) => return Ok(Some(at + i as u64)),
                None if starts == 0 => return Ok(None),
                None => at += starts as u64,
            }
        }
    }

    /// `length` bytes of the file, fewer at its end.
    fn bytes(&mut self, offset: u64, length: usize) -> io::Result<&[u8]> {
        let left = usize::try_from(self.end.saturating_sub(offset)).unwrap_or(usize::MAX);
        let length = length.min(left);
        let held = offset
            .checked_sub(self.window.offset)
            .and_then(|skipped| usize::try_from(skipped).ok())
            .filter(|skipped| skipped + length <= self.window.bytes.len());
        let start = match held {
            Some(start) => start,
            None => {
                self.fill(offset, length.max(self.read_bytes).min(left))?;
                0
            }
        };
        let end = (start + length).min(self.window.bytes.len());
        Ok(&self.window.bytes[start..end])
    }

    fn fill(&mut self, offset: u64, length: usize) -> io::Result<()> {
        self.window.bytes.clear();
        self.window.bytes.shrink_to(SEARCH_BYTES);
        self.window.bytes.resize(length, 0);
        self.window.offset = offset;
        let read = read_at(&self.file, offset, &mut self.window.bytes);
        self.window.bytes.truncate(*read.as_ref().unwrap_or(&0));
        read.map(|_| ())
    }
}

/// Reads until the buffer is full or the file ends; how much it was.
fn read_at(file: &File, offset: u64, buffer: &mut [u8]) -> io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match file.read_at(&mut buffer[filled..], offset + filled as u64) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}
