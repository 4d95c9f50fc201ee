//! One flow: who talks to whom, how much, and what its owner keeps about it.

use std::net::IpAddr;

use kodkod_wire::Protocol;

use crate::{Direction, FlowKey, Session, community};

/// One end of a flow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Side {
    /// Its address.
    pub address: IpAddr,
    /// Its port; for ICMP see [`FlowKey`], for other protocols 0.
    pub port: u16,
}

/// What does not change in a flow's life.
#[derive(Clone, Copy, Debug)]
pub struct Identity {
    /// A number made of the 5-tuple, the VLANs and the first packet's time, so that two processes that see the same
    /// packets agree on it. 63 bits, never 0.
    pub id: u64,
    /// Whose interface it was seen on; each tag's flows are apart.
    pub tag: u32,
    /// Outermost VLAN id.
    pub vlan: Option<u16>,
    /// IP protocol.
    pub protocol: Protocol,
    /// Who opened it (see [`FlowTable`](crate::FlowTable) for how that is decided).
    pub client: Side,
    /// The other side.
    pub server: Side,
    /// Time of the first packet, nanoseconds since 1970.
    pub start_ns: u64,
}

impl Identity {
    /// The sender of a direction.
    #[must_use]
    pub fn source(&self, direction: Direction) -> Side {
        match direction {
            Direction::ToServer => self.client,
            Direction::ToClient => self.server,
        }
    }

    /// The receiver of a direction.
    #[must_use]
    pub fn destination(&self, direction: Direction) -> Side {
        self.source(direction.reversed())
    }

    /// Whether `Side::port` means a port.
    #[must_use]
    pub fn has_ports(&self) -> bool {
        matches!(self.protocol, Protocol::TCP | Protocol::UDP)
    }

    /// Community ID, version 1 with seed 0 (<https://github.com/corelight/community-id-spec>). Hashes each time it is
    /// asked.
    #[must_use]
    pub fn community_id(&self) -> String {
        community::id(self.protocol, self.client, self.server)
    }
}

/// What went one way.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Packets.
    pub packets: u64,
    /// Bytes of IP datagrams, headers included.
    pub bytes: u64,
}

/// One flow with its owner's state `S`.
#[derive(Debug)]
pub struct Flow<S> {
    /// What does not change.
    pub identity: Identity,
    /// What went to the server and to the client, by [`Direction::index`].
    pub traffic: [Traffic; 2],
    /// Time of the latest packet, nanoseconds since 1970.
    pub last_ns: u64,
    /// ICMP errors about this flow's packets.
    pub icmp_errors: u32,
    /// The TCP conversation; none for other protocols.
    pub session: Option<Session>,
    /// What the table's owner keeps.
    pub state: S,
    pub(crate) key: FlowKey,
    pub(crate) client_is_low: bool,
}

impl<S> Flow<S> {
    /// Whether both sides have agreed to talk: for TCP the handshake or, where that was missed, a conversation under
    /// way; for other protocols that both have spoken.
    #[must_use]
    pub fn is_established(&self) -> bool {
        match &self.session {
            Some(session) => session.is_established(),
            None => self.traffic.iter().all(|traffic| traffic.packets != 0),
        }
    }
}
