//! What does a packed body contain?
//!
//! Undoes gzip, zlib, bare deflate and brotli, up to a bound. Damaged data gives what came before the damage: an
//! evasion that breaks a checksum or a length must not hide the rest.

use brotli_decompressor::{BrotliDecompressStream, BrotliResult, BrotliState, StandardAlloc};
use flate2::{Decompress, FlushDecompress, Status};

use super::head::Coding;

/// What came out.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Unpacked {
    pub(crate) bytes: Vec<u8>,
    /// More was there than the bound allows.
    pub(crate) is_cut: bool,
    /// The data broke off or made no sense.
    pub(crate) is_damaged: bool,
}

/// Undo one coding; at most `max` bytes come out.
pub(crate) fn unpack(packed: &[u8], coding: Coding, max: usize) -> Unpacked {
    match coding {
        // An empty line too many between head and body is an evasion that browsers forgive.
        Coding::Gzip => match gzip_payload(packed.trim_ascii_start()) {
            Some(deflated) => inflate(deflated, false, max),
            None => Unpacked { is_damaged: true, ..Unpacked::default() },
        },
        Coding::Deflate => deflate(packed, max),
        Coding::Brotli => brotli(packed, max),
    }
}

/// `deflate` means zlib by the standard (RFC 9110 section 8.4.1.2), and bare deflate to many servers.
fn deflate(packed: &[u8], max: usize) -> Unpacked {
    let is_zlib = match packed.first_chunk::<2>() {
        Some([method, flags]) => method & 0x0f == 8 && u16::from_be_bytes([*method, *flags]) % 31 == 0,
        None => false,
    };
    let unpacked = inflate(packed, is_zlib, max);
    if is_zlib && unpacked.bytes.is_empty() { inflate(packed, false, max) } else { unpacked }
}

fn inflate(deflated: &[u8], has_zlib_header: bool, max: usize) -> Unpacked {
    let mut inflater = Decompress::new(has_zlib_header);
    // One byte more than allowed tells whether there is more.
    let mut bytes = Vec::with_capacity(max.saturating_add(1));
    let status = inflater.decompress_vec(deflated, &mut bytes, FlushDecompress::Sync);
    let is_cut = bytes.len() > max;
    bytes.truncate(max);
    Unpacked { bytes, is_cut, is_damaged: !is_cut && !matches!(status, Ok(Status::StreamEnd)) }
}

/// The deflated bytes behind a gzip header (RFC 1952 section 2.3).
fn gzip_payload(packed: &[u8]) -> Option<&[u8]> {
    let ([0x1f, 0x8b, 8, flags, ..], mut rest) = packed.split_first_chunk::<10>()? else { return None };
    if flags & 0x04 != 0 {
        let (len, after) = rest.split_first_chunk::<2>()?;
        rest = after.get(usize::from(u16::from_le_bytes(*len))..)?;
    }
    for is_text_there in [flags & 0x08 != 0, flags & 0x10 != 0] {
        if is_text_there {
            rest = rest.get(memchr::memchr(0, rest)?.saturating_add(1)..)?;
        }
    }
    if flags & 0x02 != 0 { rest.get(2..) } else { Some(rest) }
}

/// Output up to which a brotli stream may be read with [`small_window`]: distances reach as far back there.
const BROTLI_SMALL_WINDOW: usize = (1 << 18) - 16;

fn brotli(packed: &[u8], max: usize) -> Unpacked {
    let Some((first, rest)) = packed.split_first() else {
        return Unpacked { is_damaged: true, ..Unpacked::default() };
    };
    let first = if max < BROTLI_SMALL_WINDOW { small_window(*first) } else { *first };
    let alloc = StandardAlloc::default;
    let mut state = BrotliState::new(alloc(), alloc(), alloc());
    let mut bytes = vec![0; max.saturating_add(1)];
    let (mut available_out, mut offset_out, mut total_out) = (bytes.len(), 0, 0);
    let mut result = BrotliResult::NeedsMoreInput;
    for part in [&[first][..], rest] {
        let (mut available_in, mut offset_in) = (part.len(), 0);
        result = BrotliDecompressStream(
            &mut available_in,
            &mut offset_in,
            part,
            &mut available_out,
            &mut offset_out,
            &mut bytes,
            &mut total_out,
            &mut state,
        );
    }
    bytes.truncate(offset_out.min(max));
    let is_cut = offset_out > max;
    Unpacked { bytes, is_cut, is_damaged: !is_cut && !matches!(result, BrotliResult::ResultSuccess) }
}

/// The first byte of a brotli stream with its window made 256 KiB where it is larger (RFC 7932 section 9.1: a set bit, then
/// three bits for 18 to 24). The decoder sets the whole window up in advance, which is 16 MiB for a body of some bytes; as long
/// as less than that comes out, a smaller one gives the same bytes.
fn small_window(first: u8) -> u8 {
    if first & 0b0001 != 0 && first & 0b1110 != 0 { first & 0xf0 | 0b0011 } else { first }
}

#[cfg(test)]
pub(crate) mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail loudly")]

    use std::io::Write;

    use flate2::Compression;
    use flate2::write::{DeflateEncoder, GzEncoder, ZlibEncoder};

    use super::*;

    const TEXT: &[u8] = b"the quick brown fox jumps over the lazy dog, the quick brown fox jumps again";

    pub(crate) fn gzip(text: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn zlib(text: &[u8]) -> Vec<u8> {
        let mut encoder = ZlibEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    fn bare(text: &[u8]) -> Vec<u8> {
        let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(text).unwrap();
        encoder.finish().unwrap()
    }

    #[test]
    fn every_coding_gives_the_text_back() {
        for (packed, coding) in
            [(gzip(TEXT), Coding::Gzip), (zlib(TEXT), Coding::Deflate), (bare(TEXT), Coding::Deflate)]
        {
            let unpacked = unpack(&packed, coding, 1000);
            assert_eq!(unpacked, Unpacked { bytes: TEXT.to_vec(), is_cut: false, is_damaged: false });
        }
    }

    #[test]
    fn stored_brotli_gives_the_text_back() {
        // One uncompressed metablock of four bytes, then the empty last one (RFC 7932 section 9.2).
        let packed = [0x30, 0x00, 0x10, b'a', b'b', b'a', b'b', 0x03];
        let unpacked = unpack(&packed, Coding::Brotli, 1000);
        assert_eq!(unpacked.bytes.escape_ascii().to_string(), "abab");
    }

    #[test]
    fn brotli_with_a_window_of_any_size_gives_the_text_back() {
        // Windows of 18 to 24 bits: the same metablock behind four bits of window size.
        for first in [0x83, 0x85, 0x87, 0x89, 0x8b, 0x8d, 0x8f] {
            let packed = [first, 0x01, 0x80, b'a', b'b', b'a', b'b', 0x03];
            let unpacked = unpack(&packed, Coding::Brotli, 1000);
            assert_eq!(unpacked, Unpacked { bytes: b"abab".to_vec(), is_cut: false, is_damaged: false });
            assert_eq!(small_window(first), 0x83);
        }
        // A window of 16 bits, of 17, and of 10 have other forms and are small enough.
        assert_eq!([0x30, 0x01, 0x21].map(small_window), [0x30, 0x01, 0x21]);
    }

    #[test]
    fn every_prefix_gives_a_prefix_of_the_text() {
        let packed = gzip(TEXT);
        for len in 0..packed.len() {
            let unpacked = unpack(packed.get(..len).unwrap(), Coding::Gzip, 1000);
            assert!(TEXT.starts_with(&unpacked.bytes));
            // The checksum behind the data is not needed.
            assert!(unpacked.is_damaged || len + 8 >= packed.len());
        }
    }

    #[test]
    fn a_bomb_is_cut() {
        let bomb = gzip(&vec![0; 10_000_000]);
        let unpacked = unpack(&bomb, Coding::Gzip, 65_536);
        assert_eq!((unpacked.bytes.len(), unpacked.is_cut), (65_536, true));
    }

    #[test]
    fn damage_after_the_text_does_not_hide_it() {
        let mut packed = bare(TEXT);
        packed.truncate(packed.len() - 1);
        packed.extend_from_slice(&[0xff; 20]);
        assert!(unpack(&packed, Coding::Deflate, 1000).bytes.len() > TEXT.len() / 2);
    }
}
