//! Which rules can a packet's headers alone rule out?

use kodkod_rules::PacketTest;
use kodkod_wire::{Network, Packet, Transport};

use super::Carrier;
use crate::evaluate::facts;

/// What is told of a packet by a few bytes of its headers; rules that cannot hold for it are left out of its plan.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub(crate) struct Traits {
    /// IP protocol number.
    pub(crate) protocol: u8,
    /// TCP: control bits. ICMP: type.
    pub(crate) first: u8,
    /// ICMP: code.
    pub(crate) second: u8,
    /// IPv4: fragment bits as rules count them (3 bits), then whether there are options, whether the offset is not 0.
    pub(crate) odd: u8,
}

impl Traits {
    pub(crate) fn of(packet: &Packet<'_>) -> Self {
        let (protocol, odd) = match &packet.network {
            Some(Network::V4(ip)) => {
                let odd =
                    ip.flags & 7 | u8::from(!ip.options().is_empty()) << 3 | u8::from(ip.fragment_offset != 0) << 4;
                (ip.protocol.0, odd)
            }
            Some(Network::V6(ip)) => (ip.protocol.0, Self::IS_V6),
            None => (0, 0),
        };
        let (first, second) = match &packet.transport {
            Transport::Tcp(tcp) => (tcp.flags.0, 0),
            Transport::Icmp(icmp) | Transport::Icmpv6(icmp) => (icmp.kind, icmp.code),
            _ => (0, 0),
        };
        Self { protocol, first, second, odd }
    }

    const IS_V6: u8 = 1 << 5;

    /// Whether a packet with these traits could have the fact. True where they do not tell.
    pub(super) fn may_hold(self, carrier: Carrier, test: PacketTest) -> bool {
        match test {
            PacketTest::Flags(test) => {
                carrier == Carrier::Tcp && facts::bits(self.first & !test.ignored, test.bits & !test.ignored, test.how)
            }
            PacketTest::Seq(_) | PacketTest::Ack(_) | PacketTest::Window(_) => carrier == Carrier::Tcp,
            PacketTest::Itype(range) => carrier == Carrier::Icmp && range.contains(i64::from(self.first)),
            PacketTest::Icode(range) => carrier == Carrier::Icmp && range.contains(i64::from(self.second)),
            PacketTest::IcmpId(_) | PacketTest::IcmpSeq(_) => carrier == Carrier::Icmp,
            PacketTest::IpProto(range) => range.contains(i64::from(self.protocol)),
            PacketTest::FragBits(test) if self.odd & Self::IS_V6 == 0 => facts::bits(self.odd & 7, test.bits, test.how),
            PacketTest::IpOption(_) => self.odd & 8 != 0,
            PacketTest::FragOffset(range) if self.odd & (16 | Self::IS_V6) == 0 => range.contains(0),
            _ => true,
        }
    }
}
