//! What does the classic pcap format say?
//!
//! Source: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcap-05.html> and libpcap's habits for old versions.

use std::io::Read;

use crate::error::{ReadError, ReadProblem};
use crate::reader::{PACKET_LEN_MAX, Record, SNAP_LEN_MAX};
use crate::source::Source;
use crate::writer::{FILE_HEADER_LEN, RECORD_HEADER_LEN};
use crate::{NANOS, index};

const MICROSECONDS: u32 = 0xa1b2_c3d4;
const NANOSECONDS: u32 = 0xa1b2_3c4d;
/// The upper six bits of the link type field tell the length of the frame check sequence.
const LINK_MASK: u32 = 0x03ff_ffff;

/// What the file header fixes for all records.
pub(crate) struct Classic {
    big_endian: bool,
    nanos_per_tick: u64,
    link: u32,
    packet_len_max: u32,
    lengths: Lengths,
}

/// Which of a record's two lengths comes first. Files older than version 2.3 have them the other way round, and 2.3
/// itself was written both ways.
enum Lengths {
    CapturedFirst,
    WireFirst,
    SmallerIsCaptured,
}

impl Classic {
    /// None if the magic number is not of this format.
    pub(crate) fn open<R: Read>(source: &mut Source<R>, magic: [u8; 4]) -> Result<Option<Self>, ReadError> {
        let Some((big_endian, nanos_per_tick)) = byte_order(magic) else { return Ok(None) };
        let u32_of = |bytes| if big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) };
        let u16_of = |bytes| if big_endian { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) };
        let [_, _, _, _, j0, j1, n0, n1, _, _, _, _, _, _, _, _, s0, s1, s2, s3, l0, l1, l2, l3] =
            source.peek_array::<FILE_HEADER_LEN>()?;
        source.advance(FILE_HEADER_LEN);
        let lengths = match (u16_of([j0, j1]), u16_of([n0, n1])) {
            (2, 3) => Lengths::SmallerIsCaptured,
            (2, 0..=2) | (543, _) => Lengths::WireFirst,
            _ => Lengths::CapturedFirst,
        };
        Ok(Some(Self {
            big_endian,
            nanos_per_tick,
            link: u32_of([l0, l1, l2, l3]) & LINK_MASK,
            packet_len_max: u32_of([s0, s1, s2, s3]).clamp(PACKET_LEN_MAX, SNAP_LEN_MAX),
            lengths,
        }))
    }

    #[inline]
    pub(crate) fn next<R: Read>(&mut self, source: &mut Source<R>) -> Result<Option<Record>, ReadError> {
        if source.at_end()? {
            return Ok(None);
        }
        let [s0, s1, s2, s3, f0, f1, f2, f3, a0, a1, a2, a3, b0, b1, b2, b3] =
            source.peek_array::<RECORD_HEADER_LEN>()?;
        let seconds = self.u32([s0, s1, s2, s3]);
        let fraction = self.u32([f0, f1, f2, f3]);
        let (captured_len, wire_len) = self.lengths(self.u32([a0, a1, a2, a3]), self.u32([b0, b1, b2, b3]));
        if captured_len > self.packet_len_max {
            let problem = ReadProblem::PacketTooLong { length: captured_len, limit: self.packet_len_max };
            return Err(ReadError { offset: source.offset(), problem });
        }
        let data_len = index(captured_len);
        // Asked for together with its header, so that a truncated record is reported where it starts.
        source.peek(RECORD_HEADER_LEN.saturating_add(data_len))?;
        source.advance(RECORD_HEADER_LEN);
        let ts_ns = u64::from(seconds)
            .saturating_mul(NANOS)
            .saturating_add(u64::from(fraction).saturating_mul(self.nanos_per_tick));
        Ok(Some(Record { ts_ns, link: self.link, interface: 0, wire_len, data_len, rest_len: data_len }))
    }

    #[inline]
    fn u32(&self, bytes: [u8; 4]) -> u32 {
        if self.big_endian { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    #[inline]
    fn lengths(&self, first: u32, second: u32) -> (u32, u32) {
        match self.lengths {
            Lengths::CapturedFirst => (first, second),
            Lengths::WireFirst => (second, first),
            Lengths::SmallerIsCaptured => (first.min(second), first.max(second)),
        }
    }
}

/// Byte order (true: big endian) and nanoseconds per tick.
fn byte_order(magic: [u8; 4]) -> Option<(bool, u64)> {
    for (value, big_endian) in [(u32::from_be_bytes(magic), true), (u32::from_le_bytes(magic), false)] {
        match value {
            MICROSECONDS => return Some((big_endian, 1000)),
            NANOSECONDS => return Some((big_endian, 1)),
            _ => {}
        }
    }
    None
}
