//! Who turns the crank?
//!
//! The only crate with threads and a clock. [`Capture`] joins one ring to one set of capture files. Its handle gives
//! commands and reads counters; the thread behind it owns ring and files and never waits for the handle.

#![forbid(unsafe_code)]

mod capture;
mod clock;
mod wake;

pub use capture::{Capture, CaptureConfig, CaptureCounters, CaptureError};
pub use kodkod_pcap::Limits;
pub use kodkod_ring::{FilterError, FilterRule, RingError};
