//! ICMP (RFC 792) and ICMPv6 (RFC 4443) headers, and the packet that an ICMP error quotes.

use std::net::IpAddr;

use crate::cursor::Cursor;
use crate::{DecodeError, Ipv4, Ipv6, Network, Protocol};

/// One ICMP or ICMPv6 header: type, code, checksum and the four bytes whose meaning depends on the type.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Icmp<'a> {
    /// Type.
    pub kind: u8,
    /// Code.
    pub code: u8,
    /// Checksum as sent.
    pub checksum: u16,
    /// First half of the rest of the header: the id of echoes.
    pub id: u16,
    /// Second half: the sequence number of echoes.
    pub seq: u16,
    /// The eight bytes.
    pub header: &'a [u8],
}

impl<'a> Icmp<'a> {
    #[inline]
    pub(crate) fn read(layer: &'static str, cursor: &mut Cursor<'a>) -> Result<Self, DecodeError> {
        let header: &[u8; 8] = cursor.array(layer)?;
        let [kind, code, c0, c1, i0, i1, s0, s1] = *header;
        Ok(Self {
            kind,
            code,
            checksum: u16::from_be_bytes([c0, c1]),
            id: u16::from_be_bytes([i0, i1]),
            seq: u16::from_be_bytes([s0, s1]),
            header,
        })
    }
}

/// The headers of the packet that an ICMP error is about. It travelled the other way: its source is who gets the error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quote {
    /// Its source address.
    pub source: IpAddr,
    /// Its destination address.
    pub destination: IpAddr,
    /// Its protocol.
    pub protocol: Protocol,
    /// Source and destination port of TCP, UDP and SCTP, where the quote reaches that far; 0 otherwise.
    pub ports: (u16, u16),
}

impl Quote {
    /// Read what follows the header of an ICMP (or ICMPv6) error. None where it is no readable packet, or a piece of
    /// a datagram without its ports.
    pub(crate) fn read(bytes: &[u8]) -> Option<Self> {
        let mut cursor = Cursor::new(bytes);
        let [first] = *cursor.peek::<1>()?;
        let network = match first >> 4 {
            4 => Network::V4(Ipv4::read(&mut cursor).ok()?.0),
            6 => Network::V6(Ipv6::read(&mut cursor).ok()?.0),
            _ => return None,
        };
        if network.fragment().is_some_and(|fragment| fragment.offset != 0) {
            return None;
        }
        let ports = match network.protocol() {
            Protocol::TCP | Protocol::UDP | Protocol::SCTP => {
                let [s0, s1, d0, d1] = *cursor.peek::<4>()?;
                (u16::from_be_bytes([s0, s1]), u16::from_be_bytes([d0, d1]))
            }
            _ => (0, 0),
        };
        Some(Self { source: network.source(), destination: network.destination(), protocol: network.protocol(), ports })
    }
}
