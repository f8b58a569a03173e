//! Request bodies: decompression with a hard bound on what comes out.

use std::borrow::Cow;
use std::cell::RefCell;
use std::io::Read;

use base64::Engine as _;
use flate2::read::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use memchr::memmem;
use serde::{Deserialize, Serialize};

/// How a body is compressed, from its `Content-Encoding` header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encoding {
    /// Not at all. An empty header and `utf-8` mean this too: old Ruby and Android clients send them.
    #[default]
    Identity,
    /// RFC 1952.
    Gzip,
    /// RFC 1950, and RFC 1951 without its wrapper, which some clients call by the same name.
    Deflate,
    /// Brotli.
    Br,
    /// Zstandard.
    Zstd,
}

/// Why a body cannot be decoded.
#[derive(Debug, thiserror::Error)]
pub enum BodyError {
    /// The coding's name is not known.
    #[error("unsupported content encoding '{0}'")]
    UnknownEncoding(String),
    /// The stream is broken.
    #[error("invalid {encoding} body")]
    Broken {
        /// The coding that was named.
        encoding: &'static str,
        /// What the decoder said.
        #[source]
        source: std::io::Error,
    },
    /// More came out than is allowed.
    #[error("body exceeds {limit_bytes} bytes after decompression")]
    TooLarge {
        /// The limit in bytes.
        limit_bytes: usize,
    },
}

impl Encoding {
    /// Reads a `Content-Encoding` value.
    ///
    /// # Errors
    /// [`BodyError::UnknownEncoding`].
    pub fn from_header(value: &str) -> Result<Self, BodyError> {
        Ok(match value.trim().to_ascii_lowercase().as_str() {
            "" | "identity" | "utf-8" | "utf8" => Self::Identity,
            "gzip" | "x-gzip" => Self::Gzip,
            "deflate" => Self::Deflate,
            "br" => Self::Br,
            "zstd" => Self::Zstd,
            other => return Err(BodyError::UnknownEncoding(other.chars().take(40).collect())),
        })
    }

    /// The name in the header.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Identity => "identity",
            Self::Gzip => "gzip",
            Self::Deflate => "deflate",
            Self::Br => "br",
            Self::Zstd => "zstd",
        }
    }
}

/// Decodes a body, and stops as soon as more than `limit_bytes` come out.
///
/// # Errors
/// [`BodyError::Broken`] or [`BodyError::TooLarge`].
pub fn decode(
    encoding: Encoding,
    body: &[u8],
    limit_bytes: usize,
) -> Result<Cow<'_, [u8]>, BodyError> {
    let broken = |source| BodyError::Broken {
        encoding: encoding.name(),
        source,
    };
    let decoded = match encoding {
        Encoding::Identity if body.len() > limit_bytes => {
            return Err(BodyError::TooLarge { limit_bytes });
        }
        Encoding::Identity => return Ok(Cow::Borrowed(body)),
        Encoding::Gzip => match gunzip_whole(body, limit_bytes) {
            Some(bytes) => return Ok(Cow::Owned(bytes)),
            None => read_bounded(MultiGzDecoder::new(body), body.len(), limit_bytes),
        },
        Encoding::Deflate if looks_like_zlib(body) => {
            read_bounded(ZlibDecoder::new(body), body.len(), limit_bytes)
        }
        Encoding::Deflate => read_bounded(DeflateDecoder::new(body), body.len(), limit_bytes),
        Encoding::Br => read_bounded(
            brotli_decompressor::Decompressor::new(body, 8 * 1024),
            body.len(),
            limit_bytes,
        ),
        Encoding::Zstd => {
            let mut decoder = zstd::stream::read::Decoder::new(body).map_err(broken)?;
            decoder
                .window_log_max(MAX_ZSTD_WINDOW_LOG)
                .map_err(broken)?;
            read_bounded(decoder, body.len(), limit_bytes)
        }
    };
    match decoded.map_err(broken)? {
        Some(bytes) => Ok(Cow::Owned(bytes)),
        None => Err(BodyError::TooLarge { limit_bytes }),
    }
}

/// Packs bytes by Zstandard at its fastest, for [`decode`] to unpack: half a mebibyte to look back in, some more for tables.
///
/// # Errors
/// What the encoder says, which is that it got no memory.
pub fn pack(bytes: &[u8]) -> std::io::Result<Vec<u8>> {
    zstd::stream::encode_all(bytes, 1)
}

/// Unpacks the body of `/store/`: JSON as it is, else base64 of JSON, else base64 of zlib of JSON, as the old raven
/// clients send it without saying so in a header.
///
/// # Errors
/// [`BodyError::Broken`] or [`BodyError::TooLarge`].
pub fn unpack_store(body: &[u8], limit_bytes: usize) -> Result<Cow<'_, [u8]>, BodyError> {
    let body = body.trim_ascii();
    if matches!(body, [] | [b'{', ..]) {
        return decode(Encoding::Identity, body, limit_bytes);
    }
    let unpadded: Vec<u8> = body
        .iter()
        .copied()
        .filter(|b| !b.is_ascii_whitespace() && *b != b'=')
        .collect();
    let engine = base64::engine::general_purpose::STANDARD_NO_PAD;
    let Ok(bytes) = engine.decode(&unpadded) else {
        // Not base64 either: the JSON parser will say what is wrong with it.
        return decode(Encoding::Identity, body, limit_bytes);
    };
    if bytes.first() == Some(&b'{') {
        return Ok(Cow::Owned(
            decode(Encoding::Identity, &bytes, limit_bytes)?.into_owned(),
        ));
    }
    Ok(Cow::Owned(
        decode(Encoding::Deflate, &bytes, limit_bytes)?.into_owned(),
    ))
}

/// RFC 1950: the low half of the first byte is 8, and the first two bytes are a multiple of 31.
fn looks_like_zlib(body: &[u8]) -> bool {
    matches!(body, [a, b, ..] if a & 0x0f == 8 && (u16::from(*a) << 8 | u16::from(*b)) % 31 == 0)
}

/// The binary logarithm of the memory that a Zstandard stream may ask for to look back in: 8 MiB, which is what RFC 9659
/// allows over HTTP. Ten bytes could ask for sixteen times as much otherwise.
const MAX_ZSTD_WINDOW_LOG: u32 = 23;

/// How every member of a gzip body begins.
const GZIP_MEMBER: &[u8] = b"\x1f\x8b\x08";

/// No deflate stream unpacks to more than this many times its size.
const MAX_DEFLATE_RATIO: usize = 1032;

thread_local! {
    /// The decoder's tables take longer to make than a small body to unpack.
    static GUNZIP: RefCell<libdeflater::Decompressor> = RefCell::new(libdeflater::Decompressor::new());
}

/// Unpacks a gzip body in one go, which takes less than half the time of a stream. Its last four bytes say how much comes
/// out; `None` if they cannot be trusted, as with several members in a row: a stream finds out what is the matter then.
fn gunzip_whole(body: &[u8], limit_bytes: usize) -> Option<Vec<u8>> {
    let announced = u32::from_le_bytes(*body.last_chunk()?);
    let announced = usize::try_from(announced).ok()?;
    if announced > limit_bytes.min(body.len().saturating_mul(MAX_DEFLATE_RATIO)) {
        return None;
    }
    // The decoder stops behind the first member, and a later one of the same length would go unnoticed.
    if memmem::find(body.get(1..)?, GZIP_MEMBER).is_some() {
        return None;
    }
    let mut out = vec![0; announced];
    let unpacked = GUNZIP.with_borrow_mut(|gunzip| gunzip.gzip_decompress(body, &mut out));
    (unpacked == Ok(announced)).then_some(out)
}

/// Reads to the end; `None` if there is more than `limit_bytes`.
fn read_bounded(
    reader: impl Read,
    packed_len: usize,
    limit_bytes: usize,
) -> std::io::Result<Option<Vec<u8>>> {
    let mut out = Vec::with_capacity((packed_len * 4).min(limit_bytes));
    let read = reader.take(limit_bytes as u64 + 1).read_to_end(&mut out)?;
    Ok((read <= limit_bytes).then_some(out))
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use std::io::Write;

    fn packed(encoding: Encoding, text: &[u8]) -> Vec<u8> {
        match encoding {
            Encoding::Identity => text.to_vec(),
            Encoding::Gzip => {
                let mut out = GzEncoder::new(Vec::new(), Compression::fast());
                out.write_all(text).unwrap();
                out.finish().unwrap()
            }
            Encoding::Deflate => {
                let mut out = ZlibEncoder::new(Vec::new(), Compression::fast());
                out.write_all(text).unwrap();
                out.finish().unwrap()
            }
            Encoding::Zstd => zstd::encode_all(text, 1).unwrap(),
            Encoding::Br => {
                unreachable!("covered by the captures: the brotli crate we use only decodes")
            }
        }
    }

    #[test]
    fn a_zstandard_stream_may_not_ask_for_any_amount_of_memory() {
        for (window_log, is_allowed) in [(20, true), (23, true), (24, false), (27, false)] {
            let mut packer = zstd::Encoder::new(Vec::new(), 1).unwrap();
            packer.window_log(window_log).unwrap();
            packer.write_all(b"{}").unwrap();
            let packed = packer.finish().unwrap();
            let decoded = decode(Encoding::Zstd, &packed, 100);
            assert_eq!(decoded.is_ok(), is_allowed, "2^{window_log} bytes");
        }
    }

    #[test]
    fn every_coding_decodes_up_to_the_limit_and_no_further() {
        let text = b"hello ".repeat(1000);
        for encoding in [
            Encoding::Identity,
            Encoding::Gzip,
            Encoding::Deflate,
            Encoding::Zstd,
        ] {
            let body = packed(encoding, &text);
            assert_eq!(decode(encoding, &body, text.len()).unwrap().as_ref(), text);
            assert!(matches!(
                decode(encoding, &body, text.len() - 1),
                Err(BodyError::TooLarge { .. })
            ));
        }
    }

    #[test]
    fn what_is_packed_can_be_unpacked() {
        for bytes in [b"".to_vec(), b"hello ".repeat(1 << 20)] {
            let packed = pack(&bytes).unwrap();
            let decoded = decode(Encoding::Zstd, &packed, bytes.len()).unwrap();
            assert!(decoded == bytes, "{} bytes", bytes.len());
            assert!(packed.len() <= bytes.len().max(32));
        }
    }

    #[test]
    fn several_gzip_members_are_one_body() {
        // The last one's length is all that a body says of itself, and may be that of the first.
        for (first, second) in [("hello ", "there, world"), ("hello ", "world!"), ("a", "a")] {
            let mut body = packed(Encoding::Gzip, first.as_bytes());
            body.extend(packed(Encoding::Gzip, second.as_bytes()));
            let decoded = decode(Encoding::Gzip, &body, 1000).unwrap();
            assert_eq!(decoded, format!("{first}{second}").as_bytes());
        }
    }

    #[test]
    fn a_gzip_trailer_that_lies_is_not_believed() {
        let text = b"hello ".repeat(100);
        for announced in [0, 5, 700, u32::MAX] {
            let mut body = packed(Encoding::Gzip, &text);
            let end = body.len() - 4;
            body[end..].copy_from_slice(&announced.to_le_bytes());
            assert!(decode(Encoding::Gzip, &body, 1000).is_err(), "{announced}");
        }
    }

    #[test]
    fn raw_deflate_is_read_too() {
        let mut out = DeflateEncoder::new(Vec::new(), Compression::fast());
        out.write_all(b"hello").unwrap();
        assert_eq!(
            decode(Encoding::Deflate, &out.finish().unwrap(), 100)
                .unwrap()
                .as_ref(),
            b"hello"
        );
    }

    #[test]
    fn broken_streams_name_the_coding() {
        for encoding in [
            Encoding::Gzip,
            Encoding::Deflate,
            Encoding::Br,
            Encoding::Zstd,
        ] {
            let error = decode(encoding, b"this is not compressed", 1000).unwrap_err();
            assert_eq!(
                error.to_string(),
                format!("invalid {} body", encoding.name())
            );
        }
        let mut cut = packed(Encoding::Gzip, b"hello hello hello");
        cut.truncate(cut.len() - 6);
        assert!(decode(Encoding::Gzip, &cut, 1000).is_err());
    }

    #[test]
    fn store_bodies_are_unpacked_in_every_form() {
        let json = br#"{"message":"hi"}"#;
        let base64 = base64::engine::general_purpose::STANDARD.encode(json);
        let zlib =
            base64::engine::general_purpose::STANDARD.encode(packed(Encoding::Deflate, json));
        for body in [&json[..], base64.as_bytes(), zlib.as_bytes()] {
            assert_eq!(unpack_store(body, 1000).unwrap().as_ref(), json);
        }
        assert_eq!(
            unpack_store(b"[nonsense", 1000).unwrap().as_ref(),
            b"[nonsense"
        );
    }
}
