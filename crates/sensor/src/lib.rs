//! The whole way from packet to facts, without input or output.
//!
//! [`Sensor::packet`] takes frames in any mix of tags, [`Sensor::tick`] tells the time when there are none, and
//! [`Sensor::drain`] gives what was found since it was last asked. Live traffic, a capture file and a test run this very
//! code; it looks at no clock, so the same packets give the same facts.
//!
//! A frame goes: decode → verify checksums → join pieces → find its flow → put streams in order → inspect → judge PDUs
//! → judge the packet.

#![forbid(unsafe_code)]
#![deny(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

mod config;
mod counters;
mod dns;
mod ears;
mod facts;
mod judge;
mod sensor;
mod tags;
mod talk;

pub use config::{Checksums, FactKinds, SensorConfig};
pub use counters::{Counters, TagCounters};
pub use facts::{Alert, AnomalyCount, Dns, Facts, FlowRecord};
pub use sensor::{PacketMeta, Sensor};
