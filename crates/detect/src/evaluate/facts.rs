//! Facts of packets and flows.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use kodkod_rules::{FlagMatch, FlowbitAction, IpOption, PacketTest, Range};
use kodkod_wire::{Network, Packet, Transport};

use super::{Context, Material};
use crate::compile::Flowbits;
use crate::state::FlowState;

pub(super) fn packet(test: PacketTest, context: &Context<'_>) -> bool {
    let Material::Packet(packet) = &context.material else { return false };
    holds(test, packet)
}

/// Whether a packet has that fact.
pub(crate) fn holds(test: PacketTest, packet: &Packet<'_>) -> bool {
    match test {
        PacketTest::Dsize(range) => range.contains(i64::try_from(packet.payload.len()).unwrap_or(i64::MAX)),
        PacketTest::Ttl(_)
        | PacketTest::Tos(_)
        | PacketTest::Id(_)
        | PacketTest::IpProto(_)
        | PacketTest::FragOffset(_)
        | PacketTest::FragBits(_)
        | PacketTest::IpOption(_)
        | PacketTest::SameIp => packet.network.as_ref().is_some_and(|network| ip(test, network)),
        PacketTest::Flags(_) | PacketTest::Seq(_) | PacketTest::Ack(_) | PacketTest::Window(_) => tcp(test, packet),
        PacketTest::Itype(_) | PacketTest::Icode(_) | PacketTest::IcmpId(_) | PacketTest::IcmpSeq(_) => {
            icmp(test, packet)
        }
    }
}

fn ip(test: PacketTest, network: &Network<'_>) -> bool {
    match (test, network) {
        (PacketTest::Ttl(range), _) => range.contains(i64::from(network.ttl())),
        (PacketTest::Tos(range), _) => range.contains(i64::from(network.tos())),
        (PacketTest::IpProto(range), _) => range.contains(i64::from(network.protocol().0)),
        (PacketTest::SameIp, _) => network.source() == network.destination(),
        (PacketTest::Id(range), Network::V4(ip)) => range.contains(i64::from(ip.id)),
        (PacketTest::Id(range), Network::V6(ip)) => {
            ip.fragment.is_some_and(|piece| range.contains(i64::from(piece.id)))
        }
        // Rules count in units of 8 bytes, as the header does.
        (PacketTest::FragOffset(range), _) => {
            range.contains(network.fragment().map_or(0, |piece| i64::from(piece.offset / 8)))
        }
        (PacketTest::FragBits(test), Network::V4(ip)) => bits(ip.flags & 7, test.bits, test.how),
        (PacketTest::FragBits(test), Network::V6(ip)) => {
            bits(u8::from(ip.fragment.is_some_and(|piece| piece.more)), test.bits, test.how)
        }
        (PacketTest::IpOption(option), Network::V4(ip)) => ip_option(option, ip.options()),
        _ => false,
    }
}

/// Options are `kind`, or `kind length value`; 0 ends them, 1 is padding.
fn ip_option(wanted: IpOption, options: &[u8]) -> bool {
    let IpOption::Kind(kind) = wanted else { return !options.is_empty() };
    let mut rest = options;
    // Ends: each turn takes at least one byte.
    while let [first, tail @ ..] = rest {
        if *first == kind {
            return true;
        }
        rest = match (first, tail) {
            (0, _) => return false,
            (1, _) => tail,
            (_, [length, ..]) if *length >= 2 => rest.get(usize::from(*length)..).unwrap_or_default(),
            _ => return false,
        };
    }
    false
}

pub(crate) fn bits(found: u8, wanted: u8, how: FlagMatch) -> bool {
    match how {
        FlagMatch::Exactly => found == wanted,
        FlagMatch::All => found & wanted == wanted,
        FlagMatch::Any => found & wanted != 0,
        FlagMatch::Not => found & wanted == 0,
    }
}

fn tcp(test: PacketTest, packet: &Packet<'_>) -> bool {
    let Transport::Tcp(tcp) = &packet.transport else { return false };
    match test {
        PacketTest::Flags(test) => bits(tcp.flags.0 & !test.ignored, test.bits & !test.ignored, test.how),
        PacketTest::Seq(range) => range.contains(i64::from(tcp.seq)),
        PacketTest::Ack(range) => range.contains(i64::from(tcp.ack)),
        PacketTest::Window(range) => range.contains(i64::from(tcp.window)),
        _ => false,
    }
}

fn icmp(test: PacketTest, packet: &Packet<'_>) -> bool {
    let (Transport::Icmp(icmp) | Transport::Icmpv6(icmp)) = &packet.transport else { return false };
    let has_echo = matches!(
        (&packet.transport, icmp.kind),
        (Transport::Icmp(_), 0 | 8 | 13..=18) | (Transport::Icmpv6(_), 128 | 129)
    );
    match test {
        PacketTest::Itype(range) => range.contains(i64::from(icmp.kind)),
        PacketTest::Icode(range) => range.contains(i64::from(icmp.code)),
        PacketTest::IcmpId(range) => has_echo && range.contains(i64::from(icmp.id)),
        PacketTest::IcmpSeq(range) => has_echo && range.contains(i64::from(icmp.seq)),
        _ => false,
    }
}

pub(super) fn stream_size(range: Range, (client, server): (bool, bool), both: bool, context: &Context<'_>) -> bool {
    let Some((flow, _)) = context.flow else { return false };
    let holds = |bytes: u64| range.contains(i64::try_from(bytes).unwrap_or(i64::MAX));
    let [from_client, from_server] = flow.bytes;
    if both {
        return holds(from_client) && holds(from_server);
    }
    (client && holds(from_client)) || (server && holds(from_server))
}

/// Marks that are asked for. A subject without a flow has none.
pub(super) fn flowbits(bits: &Flowbits, state: Option<&FlowState>) -> bool {
    let has = |mark: &u64| state.is_some_and(|state| state.has(*mark));
    let wanted = bits.action == FlowbitAction::IsSet;
    let mut answers = bits.marks.iter().map(|mark| has(mark) == wanted);
    if bits.any { answers.any(|answer| answer) } else { answers.all(|answer| answer) }
}

/// `PORT a,b,c,d,p,q` behind the cursor that names a host other than the one speaking.
pub(super) fn ftp_bounce(buffer: &[u8], at: usize, context: &Context<'_>) -> bool {
    let rest = buffer.get(at..).unwrap_or_default();
    let mut octets = [0_u8; 4];
    let line = rest.split(|byte| matches!(byte, b'\r' | b'\n')).next().unwrap_or_default();
    let mut parts = line.trim_ascii().split(|byte| *byte == b',');
    for octet in &mut octets {
        let number =
            parts.next().and_then(|part| std::str::from_utf8(part).ok()).and_then(|part| part.trim().parse().ok());
        let Some(number) = number else { return false };
        *octet = number;
    }
    let speaker = match (&context.material, context.flow) {
        (Material::Packet(packet), _) => packet.source(),
        (_, Some((flow, direction))) => {
            Some(if direction == kodkod_stream::Direction::ToServer { flow.client.0 } else { flow.server.0 })
        }
        _ => None,
    };
    speaker.is_some_and(|speaker| speaker != IpAddr::V4(Ipv4Addr::from(octets)))
}

/// What the first TLS or SSL record in the bytes is.
fn ssl(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let version = |major: u8, minor: u8| match (major, minor) {
        (2, _) | (0, 2) => Some("sslv2"),
        (3, 0) => Some("sslv3"),
        (3, 1) => Some("tls1.0"),
        (3, 2) => Some("tls1.1"),
        (3, 3) => Some("tls1.2"),
        (3, 4) => Some("tls1.3"),
        _ => None,
    };
    match bytes {
        [22, record_major, record_minor, _, _, kind, _, _, _, major, minor, ..] => {
            let (state, version) = match kind {
                1 => ("client_hello", version(*major, *minor)),
                2 => ("server_hello", version(*major, *minor)),
                16 => ("client_keyx", version(*record_major, *record_minor)),
                _ => ("unknown", version(*record_major, *record_minor)),
            };
            version.map(|version| (state, version))
        }
        // SSL 2: two length bytes with the high bit, then the message type and version.
        [first, _, 1, major, minor, ..] if first & 0x80 != 0 => {
            version(*major, *minor).map(|version| ("client_hello", version))
        }
        [first, _, 4, _, _, major, minor, ..] if first & 0x80 != 0 => {
            version(*major, *minor).map(|version| ("server_hello", version))
        }
        _ => None,
    }
}

pub(super) fn ssl_state(words: &[Arc<str>], bytes: &[u8]) -> bool {
    named(words, ssl(bytes).map(|(state, _)| state))
}

pub(super) fn ssl_version(words: &[Arc<str>], bytes: &[u8]) -> bool {
    named(words, ssl(bytes).map(|(_, version)| version))
}

fn named(words: &[Arc<str>], found: Option<&str>) -> bool {
    let Some(found) = found else { return false };
    words.iter().any(|word| match word.strip_prefix('!') {
        Some(other) => other != found,
        None => **word == *found,
    })
}
