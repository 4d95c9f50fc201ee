//! How does a packet look in a classic pcap file of ours?
//!
//! Little endian, microseconds: what every reader since 1998 understands.

use crate::{MICROS, NANOS};

/// Length of the header of a file.
pub const FILE_HEADER_LEN: usize = 24;
/// Length of the header of a packet.
pub const RECORD_HEADER_LEN: usize = 16;

/// The first bytes of a file.
#[must_use]
pub fn file_header(link: u32, snap_len: u32) -> [u8; FILE_HEADER_LEN] {
    let [s0, s1, s2, s3] = snap_len.to_le_bytes();
    let [l0, l1, l2, l3] = link.to_le_bytes();
    [0xd4, 0xc3, 0xb2, 0xa1, 2, 0, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, s0, s1, s2, s3, l0, l1, l2, l3]
}

/// The bytes before a packet's own. Times before 1970 or after 2106 cannot be told; they stop at the ends.
#[must_use]
pub fn record_header(ts_ns: u64, captured_len: u32, wire_len: u32) -> [u8; RECORD_HEADER_LEN] {
    let seconds = u32::try_from(ts_ns.checked_div(NANOS).unwrap_or(0)).unwrap_or(u32::MAX);
    let micros = ts_ns.checked_div(NANOS.checked_div(MICROS).unwrap_or(1)).unwrap_or(0);
    let fraction = u32::try_from(micros.checked_rem(MICROS).unwrap_or(0)).unwrap_or(0);
    let [s0, s1, s2, s3] = seconds.to_le_bytes();
    let [f0, f1, f2, f3] = fraction.to_le_bytes();
    let [c0, c1, c2, c3] = captured_len.to_le_bytes();
    let [w0, w1, w2, w3] = wire_len.to_le_bytes();
    [s0, s1, s2, s3, f0, f1, f2, f3, c0, c1, c2, c3, w0, w1, w2, w3]
}
