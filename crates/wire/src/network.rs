//! What IPv4 and IPv6 have in common.

use std::net::IpAddr;

use crate::{Ipv4, Ipv6};

/// An IP protocol number (<https://www.iana.org/assignments/protocol-numbers>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Protocol(pub u8);

impl Protocol {
    /// ICMP.
    pub const ICMP: Self = Self(1);
    /// IPv4 inside IP.
    pub const IPV4: Self = Self(4);
    /// TCP.
    pub const TCP: Self = Self(6);
    /// UDP.
    pub const UDP: Self = Self(17);
    /// IPv6 inside IP.
    pub const IPV6: Self = Self(41);
    /// Generic routing encapsulation.
    pub const GRE: Self = Self(47);
    /// ICMPv6.
    pub const ICMPV6: Self = Self(58);
    /// SCTP.
    pub const SCTP: Self = Self(132);
}

/// A piece of an IP datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Fragment {
    /// Bytes of the datagram's payload before this piece; a multiple of 8.
    pub offset: u32,
    /// Whether pieces follow.
    pub more: bool,
    /// The datagram's id: 16 bits in IPv4, 32 in IPv6.
    pub id: u32,
}

/// An IP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network<'a> {
    /// IPv4.
    V4(Ipv4<'a>),
    /// IPv6 with its extension headers.
    V6(Ipv6<'a>),
}

impl<'a> Network<'a> {
    /// Source address.
    #[must_use]
    #[inline]
    pub fn source(&self) -> IpAddr {
        match self {
            Self::V4(ip) => IpAddr::V4(ip.source),
            Self::V6(ip) => IpAddr::V6(ip.source),
        }
    }

    /// Destination address.
    #[must_use]
    #[inline]
    pub fn destination(&self) -> IpAddr {
        match self {
            Self::V4(ip) => IpAddr::V4(ip.destination),
            Self::V6(ip) => IpAddr::V6(ip.destination),
        }
    }

    /// What the payload is; for IPv6 what follows the extension headers.
    #[must_use]
    #[inline]
    pub fn protocol(&self) -> Protocol {
        match self {
            Self::V4(ip) => ip.protocol,
            Self::V6(ip) => ip.protocol,
        }
    }

    /// Set where this packet is one piece of a datagram; none for a whole one.
    #[must_use]
    #[inline]
    pub fn fragment(&self) -> Option<Fragment> {
        match self {
            Self::V4(ip) => ip.fragment(),
            Self::V6(ip) => ip.fragment,
        }
    }

    /// Time to live, or hop limit.
    #[must_use]
    pub fn ttl(&self) -> u8 {
        match self {
            Self::V4(ip) => ip.ttl,
            Self::V6(ip) => ip.hop_limit,
        }
    }

    /// Type of service, or traffic class.
    #[must_use]
    pub fn tos(&self) -> u8 {
        match self {
            Self::V4(ip) => ip.tos,
            Self::V6(ip) => ip.traffic_class,
        }
    }

    /// The whole header: IPv4 with its options; of IPv6 the fixed 40 bytes (see [`Ipv6::extensions`] for the others).
    #[must_use]
    pub fn header(&self) -> &'a [u8] {
        match self {
            Self::V4(ip) => ip.header,
            Self::V6(ip) => ip.header,
        }
    }

    /// Bytes of the header with what belongs to it: IPv4 options, IPv6 extension headers.
    #[must_use]
    #[inline]
    pub fn header_length(&self) -> usize {
        match self {
            Self::V4(ip) => ip.header.len(),
            Self::V6(ip) => ip.header.len().saturating_add(ip.extension_bytes.len()),
        }
    }

    /// Length of the datagram in bytes, headers included, as its header states it (0: see the `read` of each version).
    #[must_use]
    pub fn total_length(&self) -> u32 {
        match self {
            Self::V4(ip) => u32::from(ip.total_length),
            Self::V6(ip) => u32::from(ip.payload_length).saturating_add(40),
        }
    }
}
