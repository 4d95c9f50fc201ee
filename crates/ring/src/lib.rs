//! Where do packets come from?
//!
//! [`Ring`] is a packet socket on one interface whose frames the kernel writes into memory that we share with it
//! (`AF_PACKET`, `TPACKET_V3`; Documentation/networking/packet_mmap.rst). [`FilterRule`]s become a program that the kernel
//! runs on each frame before it costs us anything. All `unsafe` of the capture path is in `ring.rs` and `system.rs`.

mod error;
mod filter;
mod frame;
mod namespace;
mod ring;
mod system;

pub use error::RingError;
pub use filter::{FilterError, FilterRule, Link, Program, compile};
pub use frame::{Block, Frame};
pub use namespace::run_in;
pub use ring::{Config, Ring, SharedConfig, Statistics};
