//! The bytes of a segment file: a header, then records of a header and data. All numbers are little-endian.
//!
//! | bytes | of the file | | bytes | of a record |
//! | --- | --- | --- | --- | --- |
//! | 8 | [`MAGIC`] | | 4 | length of the data |
//! | 4 | salt | | 8 | position |
//! | 4 | CRC-32 of the salt | | 4 | CRC-32 of the data |
//! | | | | 4 | CRC-32 of the 16 bytes before it, begun with the salt |

/// The first bytes of every segment; the digit is the format's version.
pub(super) const MAGIC: &[u8; 8] = b"BUGLEQ2\n";

/// The first bytes of a segment of the format before, which had no salt; all that an empty one held.
pub(super) const OLD_MAGIC: &[u8; 8] = b"BUGLEQ1\n";

/// Bytes before the first record.
pub(super) const SEGMENT_HEADER_BYTES: usize = 16;

/// Bytes before the data of a record.
pub(super) const RECORD_HEADER_BYTES: usize = 20;

/// What the checksums of record headers begin with. It comes from the queue's random id, so that no client can send bytes
/// that would be taken for a record where a damaged file has to be searched for the next one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Salt(u32);

impl Salt {
    pub(super) fn of(queue_id: &str) -> Self {
        Self(crc32fast::hash(queue_id.as_bytes()))
    }

    /// The first bytes of a segment. They repeat the salt: a queue that lost its id can still be read.
    pub(super) fn segment_header(self) -> [u8; SEGMENT_HEADER_BYTES] {
        let salt = self.0.to_le_bytes();
        let mut bytes = [0; SEGMENT_HEADER_BYTES];
        bytes[..8].copy_from_slice(MAGIC);
        bytes[8..12].copy_from_slice(&salt);
        bytes[12..].copy_from_slice(&crc32fast::hash(&salt).to_le_bytes());
        bytes
    }

    /// Reads the first bytes of a segment; `None` if they are damaged, or not of a segment.
    pub(super) fn from_segment_header(bytes: &[u8]) -> Option<Self> {
        let rest = bytes.strip_prefix(MAGIC)?;
        let (salt, rest) = rest.split_first_chunk::<4>()?;
        let checksum = u32::from_le_bytes(*rest.first_chunk::<4>()?);
        (crc32fast::hash(salt) == checksum).then_some(Self(u32::from_le_bytes(*salt)))
    }
}

/// What a record says of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct RecordHeader {
    /// Bytes of the data.
    pub(super) length: u32,
    /// Its place in the queue.
    pub(super) position: u64,
    /// CRC-32 of the data.
    pub(super) checksum: u32,
}

impl RecordHeader {
    pub(super) fn to_bytes(self, salt: Salt) -> [u8; RECORD_HEADER_BYTES] {
        let mut bytes = [0; RECORD_HEADER_BYTES];
        bytes[..4].copy_from_slice(&self.length.to_le_bytes());
        bytes[4..12].copy_from_slice(&self.position.to_le_bytes());
        bytes[12..16].copy_from_slice(&self.checksum.to_le_bytes());
        let checksum = header_checksum(&bytes[..16], salt);
        bytes[16..].copy_from_slice(&checksum.to_le_bytes());
        bytes
    }

    /// Reads the header that `bytes` begin with; `None` if there is none.
    pub(super) fn from_bytes(bytes: &[u8], salt: Salt) -> Option<Self> {
        let bytes = bytes.first_chunk::<RECORD_HEADER_BYTES>()?;
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (position, rest) = rest.split_first_chunk::<8>()?;
        let (checksum, own_checksum) = rest.split_first_chunk::<4>()?;
        let is_whole = header_checksum(&bytes[..16], salt).to_le_bytes().as_slice() == own_checksum;
        is_whole.then(|| Self {
            length: u32::from_le_bytes(*length),
            position: u64::from_le_bytes(*position),
            checksum: u32::from_le_bytes(*checksum),
        })
    }
}

fn header_checksum(bytes: &[u8], salt: Salt) -> u32 {
    let mut hasher = crc32fast::Hasher::new_with_initial(salt.0);
    hasher.update(bytes);
    hasher.finalize()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_header_survives_whole_or_not_at_all() {
        let salt = Salt::of("some queue");
        let bytes = salt.segment_header();
        assert_eq!(Salt::from_segment_header(&bytes), Some(salt));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(Salt::from_segment_header(&flipped), None, "bit {bit}");
        }
        assert_eq!(Salt::from_segment_header(&bytes[..15]), None);
    }

    #[test]
    fn a_record_header_survives_whole_or_not_at_all() {
        let salt = Salt::of("some queue");
        let header = RecordHeader {
            length: 8192,
            position: 77,
            checksum: 0xdead_beef,
        };
        let bytes = header.to_bytes(salt);
        assert_eq!(RecordHeader::from_bytes(&bytes, salt), Some(header));
        for bit in 0..bytes.len() * 8 {
            let mut flipped = bytes;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(RecordHeader::from_bytes(&flipped, salt), None, "bit {bit}");
        }
        assert_eq!(RecordHeader::from_bytes(&bytes[..19], salt), None);
        assert_eq!(
            RecordHeader::from_bytes(&bytes, Salt::of("another queue")),
            None
        );
    }
}
