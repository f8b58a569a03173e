//! Bodies in every coding that clients use.

use std::io::{self, Read, Write};

use flate2::Compression;
use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

/// A coding: what the header says, and how bytes are packed.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Packing {
    Identity,
    Gzip,
    Zlib,
    RawDeflate,
    Brotli,
    Zstd,
}

/// A gigabyte of zeros as node's zlib packs it in brotli; there is no encoder among our dependencies.
const BROTLI_ZEROS: &[u8] = include_bytes!("data/gigabyte_of_zeros.br");

impl Packing {
    pub(crate) fn pack(self, data: &[u8]) -> Vec<u8> {
        let fast = Compression::fast();
        match self {
            Self::Identity => data.to_vec(),
            Self::Gzip => written(data, GzEncoder::new(Vec::new(), fast))
                .finish()
                .unwrap(),
            Self::Zlib => written(data, ZlibEncoder::new(Vec::new(), fast))
                .finish()
                .unwrap(),
            Self::RawDeflate => written(data, DeflateEncoder::new(Vec::new(), fast))
                .finish()
                .unwrap(),
            Self::Brotli => stored_brotli(data),
            Self::Zstd => zstd::encode_all(data, 1).unwrap(),
        }
    }

    pub(crate) fn gigabyte_of_zeros(self) -> Vec<u8> {
        match self {
            Self::Identity => vec![0; 1 << 30],
            Self::Gzip => [&b"\x1f\x8b\x08\0\0\0\0\0\0\xff"[..], &deflated_zeros()].concat(),
            Self::Zlib => [&b"\x78\x01"[..], &deflated_zeros()].concat(),
            Self::RawDeflate => deflated_zeros(),
            Self::Brotli => BROTLI_ZEROS.to_vec(),
            Self::Zstd => zstd::encode_all(io::repeat(0).take(1 << 30), 1).unwrap(),
        }
    }
}

fn written<W: Write>(data: &[u8], mut packer: W) -> W {
    packer.write_all(data).unwrap();
    packer
}

/// A gigabyte of zeros, without the checksums that the wrappers have at their end. Behind the first, each flushed
/// mebibyte is packed to the same bytes, so that two of them are enough to know all.
fn deflated_zeros() -> Vec<u8> {
    let mut packer = DeflateEncoder::new(Vec::new(), Compression::fast());
    let mut flushed = || {
        packer.write_all(&vec![0; 1 << 20]).unwrap();
        packer.flush().unwrap();
        packer.get_ref().clone()
    };
    let (first, both) = (flushed(), flushed());
    let second = &both[first.len()..];
    [first.clone(), second.repeat(1023)].concat()
}

/// A brotli stream of uncompressed blocks, RFC 7932 section 9.2, bits from the lowest: a window of 16 bits (one zero, at
/// the beginning only), not the last block (one zero), a length less one of 16 bits (two zeros, then the length), and one
/// for "uncompressed". An empty last block ends it.
fn stored_brotli(data: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    for (at, block) in data.chunks(1 << 16).enumerate() {
        let length = u32::try_from(block.len() - 1).unwrap();
        let header = length << 3 | 1 << 19;
        let header = if at == 0 { header << 1 } else { header };
        out.extend_from_slice(&header.to_le_bytes()[..3]);
        out.extend_from_slice(block);
    }
    out.push(if data.is_empty() { 0b110 } else { 0b11 });
    out
}
