//! Which frames does the kernel let through?
//!
//! A list of [`FilterRule`]s becomes one program of the classic Berkeley packet filter
//! (Documentation/networking/filter.rst). Rules are OR-ed; within a rule, protocol and ports are AND-ed; ports match source
//! or destination. What the program looks at:
//!
//! - Ethernet with up to two VLAN tags in the frame, besides one that the kernel keeps beside it; raw IP.
//! - IPv4 with options, IPv6 with up to six extension headers. A frame with more matches by the number of the header
//!   where we stopped.
//! - **Fragments**: a piece other than the first carries no ports. It is let through if its protocol could match, whatever
//!   the ports, so that a datagram is recorded whole or not at all except for strangers' tails. The first piece, which has
//!   the ports, is judged by them.
//! - A frame too short for what a rule asks about does not match.
//! - Packets inside tunnels are not looked at.

mod assembler;
mod compiler;
#[cfg(test)]
mod interpreter;
mod shared;

use std::fmt;

pub use assembler::Program;
pub use compiler::compile;
pub(crate) use shared::compile_shared;

/// Most instructions that the kernel takes (`BPF_MAXINSNS`).
pub(crate) const INSTRUCTIONS_MAX: usize = 4096;

/// What frames start with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Ethernet.
    Ethernet,
    /// No link layer: IPv4 or IPv6 at once.
    RawIp,
}

impl Link {
    /// Number in capture files (<https://www.tcpdump.org/linktypes.html>).
    #[must_use]
    pub fn number(self) -> u32 {
        match self {
            Self::Ethernet => 1,
            Self::RawIp => 101,
        }
    }
}

/// One entry of a capture's filters. An empty rule matches everything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FilterRule {
    /// IP protocol number. None: with ports TCP, UDP and SCTP; without, any frame.
    pub protocol: Option<u8>,
    /// Inclusive ranges; empty means any.
    pub ports: Vec<(u16, u16)>,
}

/// Why filters cannot become a program: the move is of their author.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum FilterError {
    /// Ports were asked for with a protocol that has none.
    NoPorts(u8),
    /// A range that ends before it starts.
    Range(u16, u16),
    /// More ports and rules than the kernel's 4096 instructions can hold.
    TooLong(usize),
}

impl fmt::Display for FilterError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoPorts(protocol) => write!(f, "protocol {protocol} has no ports"),
            Self::Range(low, high) => write!(f, "port range {low}:{high} ends before it starts"),
            Self::TooLong(needed) => {
                write!(
                    f,
                    "the filters need {needed} instructions, the kernel takes {INSTRUCTIONS_MAX}: use fewer port ranges"
                )
            }
        }
    }
}

impl std::error::Error for FilterError {}
