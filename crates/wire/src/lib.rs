//! What do these bytes say?
//!
//! [`decode`] reads one captured frame from its link layer up to its transport header and gives a [`Packet`] that borrows
//! from the frame. It copies nothing, keeps no state between frames and never panics: what cannot be read is a
//! [`DecodeError`] that names the layer and the offset, what is merely unknown keeps its number.
//!
//! Tunnels: a packet inside a packet is read by decoding [`Packet::payload`] again, as [`LinkType::RAW`] or
//! [`LinkType::ETHERNET`]. That is the caller's choice, so the depth is bounded where the decision is made.

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

mod checksum;
#[cfg(feature = "compose")]
pub mod compose;
mod cursor;
mod error;
mod icmp;
mod ipv4;
mod ipv6;
mod link;
mod network;
mod packet;
mod tcp;
mod udp;

pub use checksum::{ChecksumError, internet_checksum};
pub use error::DecodeError;
pub use icmp::{Icmp, Quote};
pub use ipv4::Ipv4;
pub use ipv6::{Extension, Extensions, Ipv6};
pub use link::{EtherType, LinkType, Mac, Vlans};
pub use network::{Fragment, Network, Protocol};
pub use packet::{Packet, Transport, decode};
pub use tcp::{Tcp, TcpFlags, TcpOption, TcpOptions};
pub use udp::Udp;
