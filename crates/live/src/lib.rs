//! Who turns the crank?
//!
//! The only crate with threads and a clock. [`Capture`] joins one ring to one set of capture files; [`Live`] joins many
//! rings to a few sensors. Their handles give commands and read counters; the threads behind them own rings, files and
//! sensors, and never wait for a handle or for Python.

#![forbid(unsafe_code)]

mod capture;
mod clock;
mod gatherer;
mod live;
mod mailbox;
mod pieces;
mod tap;
mod wake;
mod worker;
mod writer;

pub use capture::{Capture, CaptureConfig, CaptureCounters, CaptureError};
pub use kodkod_detect::RuleSet;
pub use kodkod_pcap::Limits;
pub use kodkod_ring::{FilterError, FilterRule, RingError};
pub use live::{Attachment, InterfaceCounters, Live, LiveError, SharedAttachment};
pub use mailbox::Facts;
