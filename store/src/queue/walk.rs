//! A walk through the records of a segment file, over whatever damage it finds.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;

use super::format::{RECORD_HEADER_BYTES, RecordHeader, SEGMENT_HEADER_BYTES, Salt};

/// Bytes that are searched at once for the next record behind damage.
const SEARCH_BYTES: usize = 256 * 1024;

/// The least that a disk gives or not.
const PAGE_BYTES: usize = 4096;

/// What the system says of a sector that cannot be read.
const EIO: i32 = rustix::io::Errno::IO.raw_os_error();

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
    /// Where the last page ends that the disk could not give; 0 if there was none.
    unreadable_to: u64,
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
            unreadable_to: 0,
        };
        // Behind a header that cannot be read the first step searches for the first record.
        if let Some(salt) = Salt::from_segment_header(walk.bytes(0, SEGMENT_HEADER_BYTES)?) {
            (walk.salt, walk.offset) = (salt, SEGMENT_HEADER_BYTES as u64);
        }
        Ok(walk)
    }

    /// Whether the disk could not give a part of the file at or behind `offset`, as far as it was read.
    pub(super) fn is_unreadable_behind(&self, offset: u64) -> bool {
        self.unreadable_to > offset
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
            let file = &self.file;
            let read = read_at(|b, at| file.read_at(b, at), found.data_offset(), &mut data)?;
            data.truncate(read.bytes);
            self.unreadable_to = self.unreadable_to.max(read.unreadable_to);
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
        let file = &self.file;
        let read = read_at(|b, at| file.read_at(b, at), offset, &mut self.window.bytes);
        let kept = read.as_ref().map_or(0, |read| read.bytes);
        self.window.bytes.truncate(kept);
        self.unreadable_to = self.unreadable_to.max(read?.unreadable_to);
        Ok(())
    }
}

/// What a read came to.
#[derive(Debug, PartialEq, Eq)]
struct Read {
    bytes: usize,
    /// Where the last page ends that the disk could not give; 0 if there was none.
    unreadable_to: u64,
}

/// Reads until the buffer is full or the file ends. `read` reads some bytes from an offset.
///
/// A page that the disk cannot give is filled with zeros: no record is whole over it, so it is passed over like any other
/// damage, and costs only what was in it. Any other failure may pass, and is returned.
fn read_at(
    mut read: impl FnMut(&mut [u8], u64) -> io::Result<usize>,
    offset: u64,
    buffer: &mut [u8],
) -> io::Result<Read> {
    let mut filled = 0;
    let mut unreadable_to = 0;
    // After a failure: which of the pages it was is not said.
    let mut is_by_page = false;
    while filled < buffer.len() {
        let at = offset + filled as u64;
        let left_of_page = PAGE_BYTES - usize::try_from(at % PAGE_BYTES as u64).unwrap_or_default();
        let end = match is_by_page {
            true => buffer.len().min(filled + left_of_page),
            false => buffer.len(),
        };
        match read(&mut buffer[filled..end], at) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) if error.raw_os_error() != Some(EIO) => return Err(error),
            Err(_) if !is_by_page => is_by_page = true,
            Err(_) => {
                buffer[filled..end].fill(0);
                filled = end;
                unreadable_to = offset + end as u64;
            }
        }
    }
    Ok(Read {
        bytes: filled,
        unreadable_to,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Reads from a disk of `0xab` bytes that cannot give `bad` of it.
    fn disk(
        length: u64,
        bad: std::ops::Range<u64>,
        errno: i32,
    ) -> impl Fn(&mut [u8], u64) -> io::Result<usize> {
        move |buffer, at| {
            let end = length.min(at + buffer.len() as u64);
            if at < bad.end && end > bad.start {
                return Err(io::Error::from_raw_os_error(errno));
            }
            let read = usize::try_from(end.saturating_sub(at)).unwrap();
            buffer[..read].fill(0xab);
            Ok(read)
        }
    }

    #[test]
    fn an_unreadable_sector_costs_its_page() {
        let mut buffer = vec![1; 30_000];
        let read = read_at(disk(25_000, 9_000..9_001, EIO), 100, &mut buffer).unwrap();
        let expected = Read {
            bytes: 24_900,
            unreadable_to: 12_288,
        };
        assert_eq!(read, expected);
        assert!(buffer[..8_092].iter().all(|b| *b == 0xab), "before it");
        assert!(buffer[8_092..12_188].iter().all(|b| *b == 0), "its page");
        assert!(buffer[12_188..24_900].iter().all(|b| *b == 0xab), "behind");
    }

    #[test]
    fn a_file_may_end_in_an_unreadable_page() {
        let mut buffer = vec![1; 5_000];
        let read = read_at(disk(5_000, 4_999..5_000, EIO), 0, &mut buffer).unwrap();
        assert_eq!((read.bytes, read.unreadable_to), (5_000, 5_000));
        assert!(buffer[..4_096].iter().all(|b| *b == 0xab));
        assert!(buffer[4_096..].iter().all(|b| *b == 0));
    }

    #[test]
    fn other_failures_are_told() {
        const EACCES: i32 = 13;
        let read = read_at(disk(9_000, 0..1, EACCES), 0, &mut [0; 10]);
        assert_eq!(read.unwrap_err().raw_os_error(), Some(EACCES));
    }
}
