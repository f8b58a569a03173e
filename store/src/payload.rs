//! Event bodies as they lie in the database.

use crate::StoreError;

/// zstd without a dictionary: the only codec so far. Rows name theirs, so that others can follow.
pub(crate) const CODEC_ZSTD: i64 = 1;

/// Level 3 costs a fifth more time than level 1 and saves a few percent; beyond it the price explodes.
const LEVEL: i32 = 1;

/// No stored body is larger; a damaged row must not take all memory.
const MAX_BYTES: usize = 256 * 1024 * 1024;

thread_local! {
    // A compressor's tables are larger than most events: one per thread, used again and again.
    static COMPRESSOR: std::cell::RefCell<Option<zstd::bulk::Compressor<'static>>> =
        const { std::cell::RefCell::new(None) };
}

/// Compresses a body for the database.
///
/// # Errors
/// [`StoreError::Io`] if zstd has no memory.
pub fn compress(body: &[u8]) -> Result<Vec<u8>, StoreError> {
    let failed = |source| StoreError::Io {
        path: "the event's body".to_owned(),
        source,
    };
    COMPRESSOR.with_borrow_mut(|slot| {
        let compressor = match slot {
            Some(compressor) => compressor,
            None => slot.insert(zstd::bulk::Compressor::new(LEVEL).map_err(failed)?),
        };
        let mut packed = compressor.compress(body).map_err(failed)?;
        // It was made large enough for a body that does not compress, and waits for its batch.
        packed.shrink_to_fit();
        Ok(packed)
    })
}

/// Reads a body from the database.
///
/// # Errors
/// [`StoreError::Damaged`] if the codec is unknown or the bytes are broken.
pub fn decompress(codec: i64, data: &[u8]) -> Result<Vec<u8>, StoreError> {
    if codec != CODEC_ZSTD {
        return Err(StoreError::Damaged("an event's body has an unknown codec"));
    }
    let size = zstd::zstd_safe::get_frame_content_size(data).ok().flatten();
    let size = size
        .and_then(|size| usize::try_from(size).ok())
        .filter(|size| *size <= MAX_BYTES);
    let size = size.ok_or(StoreError::Damaged("an event's body has no size"))?;
    zstd::bulk::decompress(data, size).map_err(|_| StoreError::Damaged("an event's body is broken"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_survives_and_damage_is_noticed() {
        let body = "{\"message\":\"hello\"}".repeat(100);
        let packed = compress(body.as_bytes()).unwrap();
        assert!(packed.len() < body.len() / 10);
        assert_eq!(decompress(CODEC_ZSTD, &packed).unwrap(), body.as_bytes());
        assert_eq!(
            decompress(CODEC_ZSTD, &compress(b"").unwrap()).unwrap(),
            b""
        );
        assert!(decompress(CODEC_ZSTD, &packed[..packed.len() - 3]).is_err());
        assert!(decompress(CODEC_ZSTD, b"garbage").is_err());
        assert!(decompress(9, &packed).is_err());
    }
}
