//! A segment file of the queue with anything in it: what was acknowledged is read as far as it holds.

use std::fs;

use bugle_store::queue::{Entry, Limits, Queue};

use crate::captures::Captures;

const MAGIC: &[u8] = b"BUGLEQ2\n";

/// How segments of the format before begin.
const OLD_MAGIC: &[u8] = b"BUGLEQ1\n";

/// Magic, salt, and the salt's checksum.
const SEGMENT_HEADER: usize = 16;

/// Length, position, the data's checksum, the header's.
const RECORD_HEADER: usize = 20;

/// Segments of a few records.
pub fn seeds(captures: &Captures) -> Vec<Vec<u8>> {
    let records = super::queue_record::seeds(captures);
    let segment = |records: &[Vec<u8>]| {
        let mut bytes = MAGIC.to_vec();
        bytes.resize(SEGMENT_HEADER, 7);
        for (position, record) in (1_u64..).zip(records) {
            let length = u32::try_from(record.len()).unwrap_or(u32::MAX);
            bytes.extend_from_slice(&length.to_le_bytes());
            bytes.extend_from_slice(&position.to_le_bytes());
            bytes.extend_from_slice(&[0; 8]);
            bytes.extend_from_slice(record);
        }
        seal(&mut bytes);
        bytes
    };
    records.chunks(5).map(segment).collect()
}

/// Opens a queue over the bytes and reads it to its end, twice: as they are, and with checksums that fit, so that what lies behind them
/// is reached too.
pub fn run(input: &[u8]) {
    let mut sealed = input.to_vec();
    seal(&mut sealed);
    open(input);
    open(&sealed);
}

fn open(segment: &[u8]) {
    let folder = temporary_folder();
    let path = folder.path().join("00000000000000000001.log");
    fs::write(&path, segment).expect("there is room for temporary files");
    let queue = match Queue::open(folder.path(), Limits::default(), 0) {
        Ok(queue) => queue,
        // Whole records of the format before are refused, for the previous version to finish.
        Err(error) => {
            assert!(
                segment.starts_with(OLD_MAGIC),
                "any segment is recovered: {error:?}"
            );
            return;
        }
    };
    let mut reader = queue.reader(0);
    let mut last = 0;
    loop {
        let deliveries = reader.read(7, 64 * 1024).expect("any segment is read");
        if deliveries.is_empty() {
            break;
        }
        for delivery in deliveries {
            assert!(delivery.position > last, "positions rise");
            assert!(delivery.position <= queue.last_position());
            last = delivery.position;
            let _ = Entry::from_bytes(&delivery.data);
        }
    }
    let _ = queue.unprocessed_charges();
    queue.close();
}

/// In memory where that is possible: a disk syncs some dozen times a second.
fn temporary_folder() -> tempfile::TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_| tempfile::tempdir())
        .expect("there is a folder for temporary files")
}

/// Writes checksums over those that do not fit, as far as the lengths lead.
fn seal(segment: &mut [u8]) {
    let Some(header) = segment.get_mut(..SEGMENT_HEADER) else {
        return;
    };
    let salt = u32::from_le_bytes(header[8..12].try_into().expect("4 bytes"));
    let checksum = crc32fast::hash(&header[8..12]);
    header[12..].copy_from_slice(&checksum.to_le_bytes());
    let mut at = SEGMENT_HEADER;
    while let Some(header) = segment.get(at..at + RECORD_HEADER) {
        let length = u32::from_le_bytes(header[..4].try_into().expect("4 bytes"));
        let start = at + RECORD_HEADER;
        let end = start + usize::try_from(length).unwrap_or(usize::MAX >> 1);
        let Some(data) = segment.get(start..end) else {
            return;
        };
        let checksum = crc32fast::hash(data);
        segment[at + 12..at + 16].copy_from_slice(&checksum.to_le_bytes());
        let mut hasher = crc32fast::Hasher::new_with_initial(salt);
        hasher.update(&segment[at..at + 16]);
        segment[at + 16..start].copy_from_slice(&hasher.finalize().to_le_bytes());
        at = end;
    }
}
