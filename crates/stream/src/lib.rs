//! Which conversation, and in which order?
//!
//! A flow table with timeouts, IP defragmentation and TCP reassembly. Knows packets (`wire`), no protocol above TCP,
//! no clock: time comes with each packet.

mod direction;

pub use direction::Direction;
