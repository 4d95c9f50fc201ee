//! What is being said?
//!
//! A wizard names the protocol of a stream from its first bytes; a folder per protocol then cuts PDUs and offers their
//! buffers to rules. Sans I/O, no clock, bounded memory.

mod pdu;
mod service;

pub use pdu::{BufferKind, Buffers, Pdu};
pub use service::Service;
