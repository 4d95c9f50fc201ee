//! One frame, read from link to transport.

use std::net::IpAddr;

use crate::cursor::Cursor;
use crate::link::Link;
use crate::{
    ChecksumError, DecodeError, EtherType, Fragment, Icmp, Ipv4, Ipv6, LinkType, Mac, Network, Protocol, Quote, Tcp,
    Udp, Vlans, checksum,
};

/// What a frame says. Borrows from it.
#[derive(Clone, Copy, Debug)]
pub struct Packet<'a> {
    /// Sender's Ethernet address, where the link layer has one.
    pub source_mac: Option<Mac>,
    /// Receiver's Ethernet address, where the link layer has one.
    pub destination_mac: Option<Mac>,
    /// VLAN tags.
    pub vlans: Vlans,
    /// What the frame carries.
    pub ethertype: EtherType,
    /// The IP header; none for ARP and other ethertypes.
    pub network: Option<Network<'a>>,
    /// What follows the IP header.
    pub transport: Transport<'a>,
    /// What follows the transport header; where that is not one we read, what follows the IP header; without IP, what
    /// follows the ethertype. Padding behind the datagram is left out.
    pub payload: &'a [u8],
    /// Payload bytes that the IP header promises and the frame does not have (cut by the snap length).
    pub missing: usize,
}

/// A transport header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Transport<'a> {
    /// TCP.
    Tcp(Tcp<'a>),
    /// UDP.
    Udp(Udp<'a>),
    /// ICMP over IPv4.
    Icmp(Icmp<'a>),
    /// ICMPv6 over IPv6.
    Icmpv6(Icmp<'a>),
    /// A protocol we do not read; [`Packet::payload`] is the whole IP payload.
    Other(Protocol),
    /// A piece of a datagram; the payload is the piece. Any transport header is read after the pieces are joined.
    Fragment(Fragment),
    /// A TCP, UDP or ICMP header that cannot be read; the payload is the whole IP payload.
    Unreadable(DecodeError),
    /// No IP.
    None,
}

/// Read one captured frame.
///
/// Errors are of the link and network layers; a transport header that cannot be read leaves a packet with
/// [`Transport::Unreadable`], because its addresses are known and rules about IP still apply.
#[inline]
pub fn decode(link: LinkType, frame: &[u8]) -> Result<Packet<'_>, DecodeError> {
    let mut cursor = Cursor::new(frame);
    let link = Link::read(link, &mut cursor)?;
    let (network, missing) = match link.ethertype {
        EtherType::IPV4 => {
            let (ip, missing) = Ipv4::read(&mut cursor)?;
            (Some(Network::V4(ip)), missing)
        }
        EtherType::IPV6 => {
            let (ip, missing) = Ipv6::read(&mut cursor)?;
            (Some(Network::V6(ip)), missing)
        }
        _ => (None, 0),
    };
    let transport = match &network {
        Some(network) => Transport::read(network, &mut cursor),
        None => Transport::None,
    };
    Ok(Packet {
        source_mac: link.source,
        destination_mac: link.destination,
        vlans: link.vlans,
        ethertype: link.ethertype,
        network,
        transport,
        payload: cursor.rest(),
        missing,
    })
}

impl<'a> Transport<'a> {
    #[inline]
    fn read(network: &Network<'a>, cursor: &mut Cursor<'a>) -> Self {
        if let Some(fragment) = network.fragment() {
            return Self::Fragment(fragment);
        }
        let before = *cursor;
        let read = match (network.protocol(), network) {
            (Protocol::TCP, _) => Tcp::read(cursor).map(Self::Tcp),
            (Protocol::UDP, _) => Udp::read(cursor).map(Self::Udp),
            (Protocol::ICMP, Network::V4(_)) => Icmp::read("icmp.header", cursor).map(Self::Icmp),
            (Protocol::ICMPV6, Network::V6(_)) => Icmp::read("icmpv6.header", cursor).map(Self::Icmpv6),
            (other, _) => Ok(Self::Other(other)),
        };
        read.unwrap_or_else(|error| {
            *cursor = before;
            Self::Unreadable(error)
        })
    }

    /// Source and destination port, where the protocol has them.
    #[must_use]
    #[inline]
    pub fn ports(&self) -> Option<(u16, u16)> {
        match self {
            Self::Tcp(tcp) => Some((tcp.source_port, tcp.destination_port)),
            Self::Udp(udp) => Some((udp.source_port, udp.destination_port)),
            _ => None,
        }
    }
}

impl Packet<'_> {
    /// Source address, where there is IP.
    #[must_use]
    pub fn source(&self) -> Option<IpAddr> {
        self.network.as_ref().map(Network::source)
    }

    /// Destination address, where there is IP.
    #[must_use]
    pub fn destination(&self) -> Option<IpAddr> {
        self.network.as_ref().map(Network::destination)
    }

    /// Verify the checksums of the IP header and the transport, as far as the packet has them whole.
    ///
    /// Costs a pass over the payload. Not to be asked of packets whose checksum the sender's card had yet to write.
    pub fn verify_checksums(&self) -> Result<(), ChecksumError> {
        checksum::verify(self)
    }

    /// The packet that an ICMP or ICMPv6 error quotes; none for other packets.
    #[must_use]
    pub fn quote(&self) -> Option<Quote> {
        let is_error = match self.transport {
            // Unreachable, source quench, redirect, time exceeded, parameter problem.
            Transport::Icmp(icmp) => matches!(icmp.kind, 3 | 4 | 5 | 11 | 12),
            // RFC 4443 §2.1: errors have the high bit clear.
            Transport::Icmpv6(icmp) => matches!(icmp.kind, 1..=4),
            _ => false,
        };
        if is_error { Quote::read(self.payload) } else { None }
    }
}
