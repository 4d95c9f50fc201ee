//! Are the checksums right? Asked only on demand: offloading cards leave them wrong in captures of the sender.

use std::fmt;
use std::net::IpAddr;

use crate::{Network, Packet, Protocol, Transport};

/// The first layer whose checksum is wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum ChecksumError {
    /// The IPv4 header's.
    Ipv4,
    /// TCP's.
    Tcp,
    /// UDP's.
    Udp,
    /// ICMP's or ICMPv6's.
    Icmp,
}

impl ChecksumError {
    /// A constant short name for counters.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Ipv4 => "ipv4.checksum",
            Self::Tcp => "tcp.checksum",
            Self::Udp => "udp.checksum",
            Self::Icmp => "icmp.checksum",
        }
    }
}

impl fmt::Display for ChecksumError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} is wrong", self.name())
    }
}

impl std::error::Error for ChecksumError {}

/// The internet checksum (RFC 1071) of some bytes: what a header's field has to hold when it was 0 while summing.
#[must_use]
pub fn internet_checksum(bytes: &[u8]) -> u16 {
    !fold(sum(bytes))
}

/// Verify the IPv4 header and, where it can be known, the transport's checksum.
///
/// Pieces of datagrams and packets cut by the capture have no transport checksum that could be verified.
pub(crate) fn verify(packet: &Packet<'_>) -> Result<(), ChecksumError> {
    let Some(network) = &packet.network else { return Ok(()) };
    if let Network::V4(ip) = network {
        if !is_right(sum(ip.header)) {
            return Err(ChecksumError::Ipv4);
        }
    }
    if packet.missing != 0 || network.fragment().is_some() {
        return Ok(());
    }
    verify_transport(network, &packet.transport, packet.payload)
}

fn verify_transport(network: &Network<'_>, transport: &Transport<'_>, payload: &[u8]) -> Result<(), ChecksumError> {
    // A header is a multiple of four bytes, so header and payload can be summed apart.
    let body = |header: &[u8]| sum(header).wrapping_add(sum(payload));
    let length = |header: &[u8]| header.len().saturating_add(payload.len());
    let pseudo = |protocol, header: &[u8]| pseudo_header(network, protocol, length(header)).wrapping_add(body(header));
    let (total, error) = match transport {
        Transport::Tcp(tcp) => (pseudo(Protocol::TCP, tcp.header), ChecksumError::Tcp),
        Transport::Udp(udp) if udp.checksum == 0 && matches!(network, Network::V4(_)) => return Ok(()),
        Transport::Udp(udp) => (pseudo(Protocol::UDP, udp.header), ChecksumError::Udp),
        Transport::Icmp(icmp) => (body(icmp.header), ChecksumError::Icmp),
        Transport::Icmpv6(icmp) => (pseudo(Protocol::ICMPV6, icmp.header), ChecksumError::Icmp),
        Transport::Other(_) | Transport::Fragment(_) | Transport::Unreadable(_) | Transport::None => return Ok(()),
    };
    if is_right(total) { Ok(()) } else { Err(error) }
}

fn pseudo_header(network: &Network<'_>, protocol: Protocol, length: usize) -> u64 {
    let addresses = match (network.source(), network.destination()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => sum(&source.octets()).wrapping_add(sum(&destination.octets())),
        (source, destination) => {
            let octets = |address: IpAddr| match address {
                IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
                IpAddr::V6(v6) => v6.octets(),
            };
            sum(&octets(source)).wrapping_add(sum(&octets(destination)))
        }
    };
    let length = u32::try_from(length).unwrap_or(u32::MAX).to_be_bytes();
    addresses.wrapping_add(sum(&length)).wrapping_add(sum(&[0, protocol.0]))
}

/// The one's complement sum before folding, as 16-bit words in the machine's byte order (RFC 1071 §2 B: the order
/// does not matter until the result is written). 64 bits hold the sum of 2^32 four-byte words.
fn sum(mut bytes: &[u8]) -> u64 {
    let mut lanes = [0u64; 8];
    while let Some((block, rest)) = bytes.split_first_chunk::<32>() {
        for (lane, word) in lanes.iter_mut().zip(block.chunks_exact(4)) {
            if let [a, b, c, d] = *word {
                *lane = lane.wrapping_add(u64::from(u32::from_ne_bytes([a, b, c, d])));
            }
        }
        bytes = rest;
    }
    let mut total = lanes.iter().fold(0u64, |total, lane| total.wrapping_add(*lane));
    while let Some((word, rest)) = bytes.split_first_chunk::<2>() {
        total = total.wrapping_add(u64::from(u16::from_ne_bytes(*word)));
        bytes = rest;
    }
    if let [last] = bytes {
        total = total.wrapping_add(u64::from(u16::from_ne_bytes([*last, 0])));
    }
    total
}

fn is_right(sum: u64) -> bool {
    fold(sum) == 0xffff
}

/// Fold the carries in; the result is in network byte order's value.
fn fold(sum: u64) -> u16 {
    let mut sum = sum;
    // Ends: each turn shortens a number over 16 bits.
    while sum > 0xffff {
        sum = (sum & 0xffff).wrapping_add(sum >> 16);
    }
    u16::from_be(u16::try_from(sum).unwrap_or(u16::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_rfc_1071_sums_as_it_says() {
        assert_eq!(internet_checksum(&[0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]), !0xddf2);
    }

    #[test]
    fn blocks_of_32_bytes_sum_like_single_words() {
        let bytes: Vec<u8> = (0..=200u8).map(|n| n.wrapping_mul(37)).collect();
        for end in 0..bytes.len() {
            let mut words = 0u64;
            for pair in bytes[..end].chunks(2) {
                words += u64::from(u16::from_be_bytes([pair[0], *pair.get(1).unwrap_or(&0)]));
            }
            while words > 0xffff {
                words = (words & 0xffff) + (words >> 16);
            }
            assert_eq!(internet_checksum(&bytes[..end]), !u16::try_from(words).unwrap(), "{end} bytes");
        }
    }
}
