//! Which conversation, and in which order?
//!
//! A flow table with timeouts, IP defragmentation and TCP reassembly. Knows packets (`wire`), no protocol above TCP,
//! no clock: time comes with each packet.
//!
//! The three parts do not call each other. Whoever owns them asks the [`Defragmenter`] for whole datagrams, the
//! [`FlowTable`] for the flow of a packet, and the flow's [`Session`] for the bytes of its two streams.

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

mod community;
mod defragment;
mod direction;
mod flow;
mod half;
mod key;
mod queue;
mod session;
mod table;

pub use defragment::{DefragmentCounters, DefragmentLimits, Defragmenter};
pub use direction::Direction;
pub use flow::{Flow, Identity, Side, Traffic};
pub use half::Chunk;
pub use key::FlowKey;
pub use queue::{Reassembly, ReassemblyCounters, ReassemblyLimits};
pub use session::Session;
pub use table::{EndReason, Ended, FlowLimits, FlowTable, FlowTableCounters, Slot, Timeouts, Tracked};
