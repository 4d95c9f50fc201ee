//! What makes two packets belong to one flow.

use std::net::IpAddr;

use kodkod_wire::{Icmp, Packet, Protocol, Transport, Vlans};

/// Both directions of one conversation: tag, VLANs, protocol, and the two sides in a fixed order.
///
/// ICMP has no ports; type and code stand for them as Community ID does it, so that an echo request and its reply
/// are one flow and errors are flows of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct FlowKey {
    low: u128,
    high: u128,
    low_port: u16,
    high_port: u16,
    tag: u32,
    vlans: [u16; 2],
    protocol: u8,
    is_v6: bool,
}

impl FlowKey {
    pub(crate) fn tag(&self) -> u32 {
        self.tag
    }
}

/// A key, and how the packet it was made from relates to it.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Keyed {
    pub(crate) key: FlowKey,
    /// The packet's source is the key's low side.
    pub(crate) source_is_low: bool,
    pub(crate) source: (IpAddr, u16),
    pub(crate) destination: (IpAddr, u16),
    pub(crate) protocol: Protocol,
}

impl Keyed {
    /// None for packets without IP and for pieces of datagrams: a piece has no ports.
    #[inline]
    pub(crate) fn of(tag: u32, packet: &Packet<'_>) -> Option<Self> {
        let network = packet.network.as_ref()?;
        let (source_port, destination_port) = match &packet.transport {
            Transport::Tcp(tcp) => (tcp.source_port, tcp.destination_port),
            Transport::Udp(udp) => (udp.source_port, udp.destination_port),
            Transport::Icmp(icmp) => icmp_ports(icmp, icmp_counterpart),
            Transport::Icmpv6(icmp) => icmp_ports(icmp, icmpv6_counterpart),
            Transport::Fragment(_) | Transport::None => return None,
            Transport::Other(_) | Transport::Unreadable(_) => (0, 0),
        };
        let source = (network.source(), source_port);
        let destination = (network.destination(), destination_port);
        Some(Self::new(tag, &packet.vlans, network.protocol(), source, destination))
    }

    #[inline]
    pub(crate) fn new(
        tag: u32,
        vlans: &Vlans,
        protocol: Protocol,
        source: (IpAddr, u16),
        destination: (IpAddr, u16),
    ) -> Self {
        let from = (number(source.0), source.1);
        let to = (number(destination.0), destination.1);
        let source_is_low = from <= to;
        let ((low, low_port), (high, high_port)) = if source_is_low { (from, to) } else { (to, from) };
        let vlans = match vlans.ids() {
            [outer, inner, ..] => [*outer, *inner],
            [only] => [*only, u16::MAX],
            [] => [u16::MAX, u16::MAX],
        };
        let is_v6 = source.0.is_ipv6();
        let key = FlowKey { low, high, low_port, high_port, tag, vlans, protocol: protocol.0, is_v6 };
        Self { key, source_is_low, source, destination, protocol }
    }
}

#[inline]
fn number(address: IpAddr) -> u128 {
    match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    }
}

fn icmp_ports(icmp: &Icmp<'_>, counterpart: fn(u8) -> Option<u8>) -> (u16, u16) {
    let second = counterpart(icmp.kind).unwrap_or(icmp.code);
    (u16::from(icmp.kind), u16::from(second))
}

/// The type that answers (or asks for) an ICMP type; none for messages that go one way.
pub(crate) fn icmp_counterpart(kind: u8) -> Option<u8> {
    Some(match kind {
        0 => 8,
        8 => 0,
        9 => 10,
        10 => 9,
        13 => 14,
        14 => 13,
        15 => 16,
        16 => 15,
        17 => 18,
        18 => 17,
        _ => return None,
    })
}

/// The same for ICMPv6.
pub(crate) fn icmpv6_counterpart(kind: u8) -> Option<u8> {
    Some(match kind {
        128 => 129,
        129 => 128,
        130 => 131,
        131 => 130,
        133 => 134,
        134 => 133,
        135 => 136,
        136 => 135,
        144 => 145,
        145 => 144,
        _ => return None,
    })
}
