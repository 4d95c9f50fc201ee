//! What is being said?
//!
//! A wizard names the protocol of a stream from its first bytes; a folder per protocol then cuts PDUs and offers their
//! buffers to rules. Sans I/O, no clock, bounded memory.
#![deny(
    unsafe_code,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::as_conversions
)]

mod anomaly;
mod conversation;
mod dns;
mod hex;
mod http;
mod limits;
mod mail;
mod mime;
mod pdu;
mod plain;
mod reader;
mod service;
mod span;
mod tls;
mod transaction;
mod wizard;

pub use anomaly::Anomaly;
pub use conversation::{Conversation, Input, Sink, Transport};
pub use limits::Limits;
pub use pdu::{BufferKind, Buffers, Pdu};
pub use service::Service;
pub use transaction::{
    DataChannel, DnsMessage, DnsRecordSet, HttpRequest, HttpResponse, TlsCertificate, TlsHello, Transaction,
};
