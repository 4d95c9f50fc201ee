//! Writing frames: small and right, for tests of this and other rooms (feature `compose`).

use std::net::{IpAddr, SocketAddr};

use crate::{Protocol, TcpFlags, checksum};

/// Sender and receiver of a packet; of the same IP version.
#[derive(Clone, Copy, Debug)]
pub struct Ends {
    /// Sender.
    pub source: SocketAddr,
    /// Receiver.
    pub destination: SocketAddr,
}

impl Ends {
    /// From texts such as `10.0.0.1:1234` or `[2001:db8::1]:53`; none if they are not addresses with ports.
    #[must_use]
    pub fn parse(source: &str, destination: &str) -> Option<Self> {
        Some(Self { source: source.parse().ok()?, destination: destination.parse().ok()? })
    }

    /// The other way.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self { source: self.destination, destination: self.source }
    }
}

/// What a TCP segment says beside its ports.
#[derive(Clone, Copy, Debug, Default)]
pub struct Segment<'a> {
    /// Sequence number.
    pub seq: u32,
    /// Acknowledgement number.
    pub ack: u32,
    /// Control bits.
    pub flags: TcpFlags,
    /// Payload.
    pub payload: &'a [u8],
}

/// An Ethernet frame around an IP packet.
#[must_use]
pub fn ethernet(ip: &[u8]) -> Vec<u8> {
    let ethertype: [u8; 2] = if ip.first().is_some_and(|first| first >> 4 == 6) { [0x86, 0xdd] } else { [0x08, 0x00] };
    let mut frame = vec![2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1];
    frame.extend_from_slice(&ethertype);
    frame.extend_from_slice(ip);
    frame
}

/// An IP packet with a TCP segment (no options, window 64,240).
#[must_use]
pub fn tcp(ends: Ends, segment: Segment<'_>) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(segment.payload.len().saturating_add(20));
    bytes.extend_from_slice(&ends.source.port().to_be_bytes());
    bytes.extend_from_slice(&ends.destination.port().to_be_bytes());
    bytes.extend_from_slice(&segment.seq.to_be_bytes());
    bytes.extend_from_slice(&segment.ack.to_be_bytes());
    bytes.extend_from_slice(&[0x50, segment.flags.0]);
    bytes.extend_from_slice(&64_240u16.to_be_bytes());
    bytes.extend_from_slice(&[0; 4]);
    bytes.extend_from_slice(segment.payload);
    fill_checksum(&mut bytes, 16, ends, Protocol::TCP);
    ip(ends, Protocol::TCP, &bytes)
}

/// An IP packet with a UDP datagram.
#[must_use]
pub fn udp(ends: Ends, payload: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(payload.len().saturating_add(8));
    bytes.extend_from_slice(&ends.source.port().to_be_bytes());
    bytes.extend_from_slice(&ends.destination.port().to_be_bytes());
    bytes.extend_from_slice(&stated(payload.len().saturating_add(8)));
    bytes.extend_from_slice(&[0; 2]);
    bytes.extend_from_slice(payload);
    fill_checksum(&mut bytes, 6, ends, Protocol::UDP);
    ip(ends, Protocol::UDP, &bytes)
}

/// An IP packet with an ICMP (or ICMPv6) message; `rest` is the second half of its header.
#[must_use]
pub fn icmp(ends: Ends, kind: u8, code: u8, rest: [u8; 4], payload: &[u8]) -> Vec<u8> {
    let mut bytes = vec![kind, code, 0, 0];
    bytes.extend_from_slice(&rest);
    bytes.extend_from_slice(payload);
    if ends.source.is_ipv4() {
        let sum = checksum::internet_checksum(&bytes).to_be_bytes();
        put(&mut bytes, 2, sum);
        return ip(ends, Protocol::ICMP, &bytes);
    }
    fill_checksum(&mut bytes, 2, ends, Protocol::ICMPV6);
    ip(ends, Protocol::ICMPV6, &bytes)
}

/// An IP packet with any payload. Time to live 64, id 1, don't fragment.
#[must_use]
pub fn ip(ends: Ends, protocol: Protocol, payload: &[u8]) -> Vec<u8> {
    match (ends.source.ip(), ends.destination.ip()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => {
            let mut packet = vec![0x45, 0];
            packet.extend_from_slice(&stated(payload.len().saturating_add(20)));
            packet.extend_from_slice(&[0, 1, 0x40, 0, 64, protocol.0, 0, 0]);
            packet.extend_from_slice(&source.octets());
            packet.extend_from_slice(&destination.octets());
            let sum = checksum::internet_checksum(&packet).to_be_bytes();
            put(&mut packet, 10, sum);
            packet.extend_from_slice(payload);
            packet
        }
        (source, destination) => {
            let mut packet = vec![0x60, 0, 0, 0];
            packet.extend_from_slice(&stated(payload.len()));
            packet.extend_from_slice(&[protocol.0, 64]);
            packet.extend_from_slice(&octets(source));
            packet.extend_from_slice(&octets(destination));
            packet.extend_from_slice(payload);
            packet
        }
    }
}

/// The pieces of an IP packet without extension headers, each with at most `piece` (a multiple of 8) payload bytes.
#[must_use]
pub fn fragments(packet: &[u8], piece: usize, id: u32) -> Vec<Vec<u8>> {
    let is_v6 = packet.first().is_some_and(|first| first >> 4 == 6);
    let (header, payload) = packet.split_at_checked(if is_v6 { 40 } else { 20 }).unwrap_or((packet, &[]));
    let count = payload.chunks(piece.max(8)).count();
    let mut pieces = Vec::with_capacity(count);
    for (index, bytes) in payload.chunks(piece.max(8)).enumerate() {
        let offset = u16::try_from(index.saturating_mul(piece)).unwrap_or(u16::MAX);
        let is_last = index.saturating_add(1) == count;
        pieces.push(if is_v6 {
            v6_piece(header, bytes, offset, is_last, id)
        } else {
            v4_piece(header, bytes, offset, is_last, id)
        });
    }
    pieces
}

fn v4_piece(header: &[u8], bytes: &[u8], offset: u16, is_last: bool, id: u32) -> Vec<u8> {
    let mut packet = header.to_vec();
    let [.., id0, id1] = id.to_be_bytes();
    let field = (offset >> 3) | if is_last { 0 } else { 0x2000 };
    put(&mut packet, 2, stated(header.len().saturating_add(bytes.len())));
    put(&mut packet, 4, [id0, id1]);
    put(&mut packet, 6, field.to_be_bytes());
    put(&mut packet, 10, [0, 0]);
    let sum = checksum::internet_checksum(&packet).to_be_bytes();
    put(&mut packet, 10, sum);
    packet.extend_from_slice(bytes);
    packet
}

fn v6_piece(header: &[u8], bytes: &[u8], offset: u16, is_last: bool, id: u32) -> Vec<u8> {
    let mut packet = header.to_vec();
    let protocol = header.get(6).copied().unwrap_or(0);
    put(&mut packet, 4, stated(bytes.len().saturating_add(8)));
    put(&mut packet, 6, [44]);
    packet.extend_from_slice(&[protocol, 0]);
    packet.extend_from_slice(&((offset & 0xfff8) | u16::from(!is_last)).to_be_bytes());
    packet.extend_from_slice(&id.to_be_bytes());
    packet.extend_from_slice(bytes);
    packet
}

/// A length field; what it cannot hold is written as 0, as segmentation offload does.
fn stated(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(0).to_be_bytes()
}

fn octets(address: IpAddr) -> [u8; 16] {
    match address {
        IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
        IpAddr::V6(v6) => v6.octets(),
    }
}

fn put<const N: usize>(bytes: &mut [u8], at: usize, value: [u8; N]) {
    if let Some(field) = bytes.get_mut(at..at.saturating_add(N)) {
        field.copy_from_slice(&value);
    }
}

fn fill_checksum(bytes: &mut [u8], at: usize, ends: Ends, protocol: Protocol) {
    let mut summed = match (ends.source.ip(), ends.destination.ip()) {
        (IpAddr::V4(source), IpAddr::V4(destination)) => [source.octets(), destination.octets()].concat(),
        (source, destination) => [octets(source), octets(destination)].concat(),
    };
    summed.extend_from_slice(&u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_be_bytes());
    summed.extend_from_slice(&[0, protocol.0]);
    summed.extend_from_slice(bytes);
    let sum = match checksum::internet_checksum(&summed) {
        0 => 0xffff, // UDP's 0 means "no checksum"
        sum => sum,
    };
    put(bytes, at, sum.to_be_bytes());
}
