//! What is judged: a packet or a PDU, with what its flow is known to be.

use std::net::IpAddr;

use kodkod_inspect::{Pdu, Service};
use kodkod_stream::Direction;
use kodkod_wire::Packet;

/// What is known of a flow when one of its packets or PDUs is judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FlowFacts {
    /// Address and port of the client.
    pub client: (IpAddr, u16),
    /// Address and port of the server.
    pub server: (IpAddr, u16),
    /// Seen on both sides: for TCP a whole handshake or a stream taken up in the middle, for UDP an answer.
    pub established: bool,
    /// Payload bytes seen so far, by sender: `[client, server]`.
    pub bytes: [u64; 2],
    /// The protocol as known now, this packet or PDU included.
    pub service: Service,
}

/// One packet to judge against rules about packets.
///
/// Judge it after its payload was given to the inspector, so that a service told by the first datagram counts for it.
pub struct PacketSubject<'a> {
    /// The packet.
    pub packet: &'a Packet<'a>,
    /// Its flow and the side that sent it; none where it belongs to no flow (fragments, other protocols).
    pub flow: Option<(&'a FlowFacts, Direction)>,
    /// Capture time, nanoseconds since 1970.
    pub ts_ns: u64,
    /// The endpoint at which it was seen; thresholds of different tags do not mix.
    pub tag: u32,
}

/// One PDU to judge against rules about streams and messages.
pub struct PduSubject<'a> {
    /// The PDU.
    pub pdu: &'a Pdu<'a>,
    /// Its flow.
    pub flow: &'a FlowFacts,
    /// True over TCP, false over UDP.
    pub is_tcp: bool,
    /// Capture time of the packet that completed it, nanoseconds since 1970.
    pub ts_ns: u64,
    /// The endpoint at which it was seen; thresholds of different tags do not mix.
    pub tag: u32,
}
