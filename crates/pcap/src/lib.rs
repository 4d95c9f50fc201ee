//! How are packets kept in a file?
//!
//! [`Reader`] takes pcap and pcapng from anything that can be read, in one pass and bounded memory; [`Recording`] keeps a
//! set of rotated classic pcap files in one directory. Neither looks at a clock: time comes with packets and ticks.

#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]
#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        clippy::panic,
        clippy::indexing_slicing,
        clippy::arithmetic_side_effects,
        clippy::as_conversions
    )
)]

mod classic;
mod compression;
mod error;
mod names;
mod pcapng;
mod reader;
mod recording;
mod source;
mod writer;

pub use compression::Unpacked;
pub use error::{ReadError, ReadProblem, RecordError};
pub use reader::{Frame, Reader};
pub use recording::{Counters, Limits, Recording};
pub use writer::{FILE_HEADER_LEN, RECORD_HEADER_LEN, file_header, record_header};

const NANOS: u64 = 1_000_000_000;
const MICROS: u64 = 1_000_000;

/// A length as a file size.
fn size(length: usize) -> u64 {
    u64::try_from(length).unwrap_or(u64::MAX)
}

/// A 32-bit length as an index. Lossless on the platforms we build for.
fn index(length: u32) -> usize {
    usize::try_from(length).unwrap_or(usize::MAX)
}
