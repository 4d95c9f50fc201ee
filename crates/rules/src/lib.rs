//! What does the author of a rule ask?
//!
//! Rule text of three dialects (Snort 3, Snort 2.9, Suricata) → one tree, with a column for everything that may need a
//! word to its author. Knows no packet: a consumer (`kodkod-detect`) decides what it can evaluate.
//!
//! Bounds, checked before anything is parsed: a rule is at most [`MAX_RULE_BYTES`] long, lists nest at most
//! [`MAX_LIST_DEPTH`] deep and a rule has at most [`MAX_OPTIONS`] options. What crosses them is refused with its reason.

#![forbid(unsafe_code)]

mod address;
mod ast;
mod buffer;
mod classification;
mod dialect;
mod header;
mod options;
mod ports;
mod range;
mod reader;
mod receipt;
mod scan;
mod split;
mod suricata;
mod variables;

pub use address::AddressSet;
pub use ast::{Action, Header, Protocol, Rule, RuleOption, Spelled};
pub use buffer::{Buffer, BufferChoice, Transform};
pub use classification::{Class, Classification};
pub use dialect::Dialect;
pub use options::{
    Amount, Base64Decode, BerSkip, ByteExtract, ByteJump, ByteMath, ByteTest, Comparison, Content, DigestAlgorithm,
    Encoding, Endian, FastPattern, FlagMatch, FlagTest, Flow, FlowEstablished, FlowSide, FlowbitAction, Flowbits,
    FragBits, HashMatch, IpOption, IsDataAt, JumpBase, MathOperator, NumberBase, PacketTest, Pcre, Rate, StreamScope,
    Threshold, Track,
};
pub use ports::PortSet;
pub use range::Range;
pub use reader::{Entry, Reader};
pub use receipt::{Consequence, Reason, Receipt, Status};
pub use variables::Variables;

/// Longest rule that is read; the longest of the public sets has 3,301 bytes.
pub const MAX_RULE_BYTES: usize = 64 * 1024;
/// Deepest nesting of address and port lists, variables included.
pub const MAX_LIST_DEPTH: usize = 16;
/// Most members of one resolved list.
pub const MAX_LIST_MEMBERS: usize = 100_000;
/// Most options in one rule; the public sets stay below 120.
pub const MAX_OPTIONS: usize = 512;
