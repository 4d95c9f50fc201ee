//! All flows that are alive, found by key, forgotten by time.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use kodkod_wire::{Packet, Protocol, Quote, Tcp, TcpFlags, Transport, Vlans};

use crate::key::Keyed;
use crate::{Direction, Flow, FlowKey, Identity, Session, Side, Traffic};

/// How long a flow may be silent, in nanoseconds of packet time.
#[derive(Clone, Copy, Debug)]
pub struct Timeouts {
    /// TCP whose handshake is not complete.
    pub opening_ns: u64,
    /// TCP conversations.
    pub established_ns: u64,
    /// TCP after both FINs or a reset: late retransmissions still find their flow.
    pub closed_ns: u64,
    /// UDP.
    pub datagram_ns: u64,
    /// ICMP and everything else.
    pub other_ns: u64,
}

const SECOND: u64 = 1_000_000_000;

impl Default for Timeouts {
    fn default() -> Self {
        Self {
            opening_ns: 30 * SECOND,
            established_ns: 3600 * SECOND,
            closed_ns: 10 * SECOND,
            datagram_ns: 60 * SECOND,
            other_ns: 30 * SECOND,
        }
    }
}

/// Bounds of a table.
#[derive(Clone, Copy, Debug)]
pub struct FlowLimits {
    /// Flows alive at once; one more evicts the one that has been silent longest.
    pub flows_max: usize,
    /// How long each sort of flow may be silent.
    pub timeouts: Timeouts,
    /// Seed of the table's hash, so that nobody can choose addresses that collide.
    pub hash_seed: u64,
}

impl Default for FlowLimits {
    fn default() -> Self {
        Self { flows_max: 262_144, timeouts: Timeouts::default(), hash_seed: 0 }
    }
}

/// How many flows came and went.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FlowTableCounters {
    /// Flows begun.
    pub created: u64,
    /// Flows that were silent too long (or closed).
    pub timed_out: u64,
    /// Flows that had to make room.
    pub evicted: u64,
    /// Flows replaced by a new conversation with the same addresses and ports.
    pub restarted: u64,
}

/// Why a flow is over.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum EndReason {
    /// Silent too long, or closed a while ago.
    TimedOut,
    /// Made room for a newer one.
    Evicted,
    /// A new conversation uses the same addresses and ports.
    Restarted,
    /// The table was emptied, or its tag was.
    Drained,
}

/// A flow that is over, with its state.
#[derive(Debug)]
pub struct Ended<S> {
    /// The flow.
    pub flow: Flow<S>,
    /// Why.
    pub reason: EndReason,
}

/// Where a flow is kept. Good until the next call that may end flows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Slot(u32);

/// The flow of a packet.
#[derive(Clone, Copy, Debug)]
pub struct Tracked {
    /// Where the flow is.
    pub slot: Slot,
    /// Which way the packet goes.
    pub direction: Direction,
    /// This packet began the flow.
    pub is_new: bool,
}

/// The flows of all tags.
///
/// **Client and server.** The sender of a SYN is the client, of a SYN-ACK the server. Where neither was seen, the side
/// with a port below 1024 is the server if the other's is not; for TCP also the side below 32768 if the other's is
/// not (Linux takes ephemeral ports from there up). Otherwise whoever spoke first is the client.
///
/// **Time** is what the packets say, and may go back; then nothing times out. Flows that are over wait in the table
/// until they are taken with [`FlowTable::pop_ended`], because their owner has to finish them.
#[derive(Debug)]
pub struct FlowTable<S> {
    limits: FlowLimits,
    counters: FlowTableCounters,
    slots: HashMap<FlowKey, u32, FixedState>,
    flows: Vec<Option<Flow<S>>>,
    free: Vec<u32>,
    links: Vec<Link>,
    lines: [Line; LINES],
    ended: Vec<Ended<S>>,
}

/// Flows of one sort of timeout stand in line in the order of their latest packet, so the first has waited longest.
#[derive(Clone, Copy, Debug)]
struct Line {
    first: u32,
    last: u32,
}

#[derive(Clone, Copy, Debug)]
struct Link {
    before: u32,
    after: u32,
    /// Time of the packet that gave it this place in line.
    since_ns: u64,
    sort: Sort,
}

/// The sort of a flow's timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Sort {
    Opening,
    Established,
    Closed,
    Datagram,
    Other,
}

const LINES: usize = 5;
const SORTS: [Sort; LINES] = [Sort::Opening, Sort::Established, Sort::Closed, Sort::Datagram, Sort::Other];
const NOBODY: u32 = u32::MAX;

/// A flow keeps its place in line for so long, whatever comes: timeouts are many seconds, and moving touches three
/// cache lines.
const PATIENCE_NS: u64 = SECOND;

impl<S: Default> FlowTable<S> {
    /// An empty table.
    #[must_use]
    pub fn new(limits: FlowLimits) -> Self {
        Self {
            limits,
            counters: FlowTableCounters::default(),
            slots: HashMap::with_hasher(FixedState::with_seed(limits.hash_seed)),
            flows: Vec::new(),
            free: Vec::new(),
            links: Vec::new(),
            lines: [Line { first: NOBODY, last: NOBODY }; LINES],
            ended: Vec::new(),
        }
    }

    /// Find or begin the flow of a packet and count it there. None for packets without IP and for pieces of
    /// datagrams.
    #[inline]
    pub fn track(&mut self, tag: u32, now_ns: u64, packet: &Packet<'_>) -> Option<Tracked> {
        let keyed = Keyed::of(tag, packet)?;
        let tcp = match &packet.transport {
            Transport::Tcp(tcp) => Some(tcp),
            _ => None,
        };
        let (slot, is_new) = match self.slots.get(&keyed.key) {
            Some(&slot) => self.keep_or_restart(slot, &keyed, tcp, &packet.vlans, now_ns),
            None => (self.begin(&keyed, tcp, &packet.vlans, now_ns), true),
        };
        let flow = self.flow_at(slot)?;
        let direction = direction(flow.client_is_low, keyed.source_is_low);
        let [to_server, to_client] = &mut flow.traffic;
        let traffic = if direction == Direction::ToServer { to_server } else { to_client };
        traffic.packets = traffic.packets.wrapping_add(1);
        traffic.bytes = traffic.bytes.wrapping_add(datagram_length(packet));
        flow.last_ns = now_ns;
        self.keep_place(slot, now_ns);
        Some(Tracked { slot: Slot(slot), direction, is_new })
    }

    /// Count an ICMP error at the flow whose packet it quotes; gives that flow, if it is known.
    pub fn note_error(&mut self, tag: u32, vlans: &Vlans, quote: &Quote) -> Option<Slot> {
        let source = (quote.source, quote.ports.0);
        let destination = (quote.destination, quote.ports.1);
        let keyed = Keyed::new(tag, vlans, quote.protocol, source, destination);
        let slot = *self.slots.get(&keyed.key)?;
        let flow = self.flow_at(slot)?;
        flow.icmp_errors = flow.icmp_errors.saturating_add(1);
        Some(Slot(slot))
    }

    /// The flow in a slot; none if it is over.
    #[must_use]
    #[inline]
    pub fn flow_mut(&mut self, slot: Slot) -> Option<&mut Flow<S>> {
        self.flow_at(slot.0)
    }

    /// To be called after a packet changed a flow's stage, so that the right timeout counts.
    #[inline]
    pub fn settle(&mut self, slot: Slot) {
        let Some(flow) = self.flow_at(slot.0) else { return };
        let (sort, last_ns) = (sort_of(flow), flow.last_ns);
        if self.link(slot.0).is_some_and(|link| link.sort != sort) {
            self.leave(slot.0);
            self.join(slot.0, sort, last_ns);
        }
    }

    /// End the flows that have been silent too long. Costs little when there are none.
    pub fn expire(&mut self, now_ns: u64) {
        for sort in SORTS {
            let timeout = self.timeout(sort);
            // Ends: each turn takes the first out of the line, or puts it to its end with a time that is not yet over.
            while let Some(slot) = self.first_in(sort) {
                let Some(since_ns) = self.link(slot).map(|link| link.since_ns) else { break };
                if now_ns.saturating_sub(since_ns) < timeout {
                    break;
                }
                let last_ns = self.flow_at(slot).map_or(0, |flow| flow.last_ns);
                if last_ns > since_ns && now_ns.saturating_sub(last_ns) < timeout {
                    self.leave(slot);
                    self.join(slot, sort, last_ns);
                } else {
                    self.counters.timed_out = self.counters.timed_out.saturating_add(1);
                    self.end(slot, EndReason::TimedOut);
                }
            }
        }
    }

    /// End all flows, in the order of their first packet.
    pub fn drain(&mut self) {
        self.end_where(|_| true);
    }

    /// End the flows of one tag, in the order of their first packet. Looks at every flow.
    pub fn end_tag(&mut self, tag: u32) {
        self.end_where(|identity| identity.tag == tag);
    }

    fn end_where(&mut self, is_meant: impl Fn(&Identity) -> bool) {
        let mut alive: Vec<(u64, u32)> = Vec::new();
        for slot in self.slots.values() {
            let flow = self.flows.get(index(*slot)).and_then(Option::as_ref);
            alive.extend(flow.filter(|flow| is_meant(&flow.identity)).map(|flow| (flow.identity.start_ns, *slot)));
        }
        alive.sort_unstable();
        for (_, slot) in alive {
            self.end(slot, EndReason::Drained);
        }
        // Taken from the back.
        self.ended.reverse();
    }

    /// Take a flow that is over.
    #[inline]
    pub fn pop_ended(&mut self) -> Option<Ended<S>> {
        self.ended.pop()
    }

    /// All flows alive, in no order.
    pub fn iter_mut(&mut self) -> impl Iterator<Item = &mut Flow<S>> {
        self.flows.iter_mut().filter_map(Option::as_mut)
    }

    /// How many flows are alive.
    #[must_use]
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Whether no flow is alive.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    /// How many came and went.
    #[must_use]
    pub fn counters(&self) -> FlowTableCounters {
        self.counters
    }

    #[inline]
    fn keep_or_restart(
        &mut self,
        slot: u32,
        keyed: &Keyed,
        tcp: Option<&Tcp<'_>>,
        vlans: &Vlans,
        now_ns: u64,
    ) -> (u32, bool) {
        let Some(tcp) = tcp.filter(|tcp| tcp.flags.has(TcpFlags::SYN)) else { return (slot, false) };
        let is_restarted = self.flow_at(slot).is_some_and(|flow| {
            let direction = direction(flow.client_is_low, keyed.source_is_low);
            flow.session.as_mut().is_some_and(|session| session.is_restarted_by(direction, tcp))
        });
        if !is_restarted {
            return (slot, false);
        }
        self.counters.restarted = self.counters.restarted.saturating_add(1);
        self.end(slot, EndReason::Restarted);
        (self.begin(keyed, Some(tcp), vlans, now_ns), true)
    }

    fn begin(&mut self, keyed: &Keyed, tcp: Option<&Tcp<'_>>, vlans: &Vlans, now_ns: u64) -> u32 {
        if self.slots.len() >= self.limits.flows_max {
            self.evict();
        }
        self.counters.created = self.counters.created.saturating_add(1);
        let client_is_source = client_is_source(keyed, tcp);
        let side = |(address, port)| Side { address, port };
        let (client, server) = if client_is_source {
            (side(keyed.source), side(keyed.destination))
        } else {
            (side(keyed.destination), side(keyed.source))
        };
        let flow = Flow {
            identity: Identity {
                id: flow_id(&client, &server, keyed.protocol, vlans, now_ns),
                tag: keyed.key.tag(),
                vlan: vlans.outer(),
                protocol: keyed.protocol,
                client,
                server,
                start_ns: now_ns,
            },
            traffic: [Traffic::default(); 2],
            last_ns: now_ns,
            icmp_errors: 0,
            session: tcp.map(|_| Session::default()),
            state: S::default(),
            key: keyed.key,
            client_is_low: client_is_source == keyed.source_is_low,
        };
        let sort = sort_of(&flow);
        let slot = self.put(flow);
        self.slots.insert(keyed.key, slot);
        self.join(slot, sort, now_ns);
        slot
    }

    fn put(&mut self, flow: Flow<S>) -> u32 {
        if let Some(slot) = self.free.pop() {
            if let Some(place) = self.flows.get_mut(index(slot)) {
                *place = Some(flow);
            }
            return slot;
        }
        let slot = u32::try_from(self.flows.len()).unwrap_or(NOBODY);
        self.flows.push(Some(flow));
        self.links.push(Link { before: NOBODY, after: NOBODY, since_ns: 0, sort: Sort::Other });
        slot
    }

    /// End the flow that has waited longest of all lines.
    fn evict(&mut self) {
        let oldest = SORTS
            .into_iter()
            .filter_map(|sort| self.first_in(sort))
            .min_by_key(|slot| self.link(*slot).map(|link| link.since_ns));
        if let Some(slot) = oldest {
            self.counters.evicted = self.counters.evicted.saturating_add(1);
            self.end(slot, EndReason::Evicted);
        }
    }

    fn end(&mut self, slot: u32, reason: EndReason) {
        self.leave(slot);
        if let Some(flow) = self.flows.get_mut(index(slot)).and_then(Option::take) {
            self.slots.remove(&flow.key);
            self.free.push(slot);
            self.ended.push(Ended { flow, reason });
        }
    }

    #[inline]
    fn flow_at(&mut self, slot: u32) -> Option<&mut Flow<S>> {
        self.flows.get_mut(index(slot)).and_then(Option::as_mut)
    }
}

/// The lines.
impl<S> FlowTable<S> {
    fn timeout(&self, sort: Sort) -> u64 {
        let timeouts = &self.limits.timeouts;
        match sort {
            Sort::Opening => timeouts.opening_ns,
            Sort::Established => timeouts.established_ns,
            Sort::Closed => timeouts.closed_ns,
            Sort::Datagram => timeouts.datagram_ns,
            Sort::Other => timeouts.other_ns,
        }
    }

    #[inline]
    fn link(&self, slot: u32) -> Option<&Link> {
        self.links.get(index(slot))
    }

    fn first_in(&self, sort: Sort) -> Option<u32> {
        self.lines.get(sort.index()).map(|line| line.first).filter(|first| *first != NOBODY)
    }

    #[inline]
    fn keep_place(&mut self, slot: u32, now_ns: u64) {
        let Some(link) = self.link(slot) else { return };
        if now_ns.abs_diff(link.since_ns) > PATIENCE_NS {
            let sort = link.sort;
            self.leave(slot);
            self.join(slot, sort, now_ns);
        }
    }

    /// Go to the end of a line.
    fn join(&mut self, slot: u32, sort: Sort, since_ns: u64) {
        let Some(line) = self.lines.get_mut(sort.index()) else { return };
        let before = line.last;
        line.last = slot;
        if before == NOBODY {
            line.first = slot;
        }
        if let Some(link) = self.links.get_mut(index(before)) {
            link.after = slot;
        }
        if let Some(link) = self.links.get_mut(index(slot)) {
            *link = Link { before, after: NOBODY, since_ns, sort };
        }
    }

    /// Step out of a line.
    fn leave(&mut self, slot: u32) {
        let Some(Link { before, after, sort, .. }) = self.link(slot).copied() else { return };
        let Some(line) = self.lines.get_mut(sort.index()) else { return };
        match self.links.get_mut(index(before)) {
            Some(link) => link.after = after,
            None => line.first = after,
        }
        match self.links.get_mut(index(after)) {
            Some(link) => link.before = before,
            None => line.last = before,
        }
    }
}

impl Sort {
    fn index(self) -> usize {
        match self {
            Self::Opening => 0,
            Self::Established => 1,
            Self::Closed => 2,
            Self::Datagram => 3,
            Self::Other => 4,
        }
    }
}

/// `NOBODY` gives an index that no vector has.
#[inline]
fn index(slot: u32) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}

#[inline]
fn sort_of<S>(flow: &Flow<S>) -> Sort {
    match &flow.session {
        Some(session) if session.is_closed() => Sort::Closed,
        Some(session) if session.is_established() => Sort::Established,
        Some(_) => Sort::Opening,
        None if flow.identity.protocol == Protocol::UDP => Sort::Datagram,
        None => Sort::Other,
    }
}

#[inline]
fn direction(client_is_low: bool, source_is_low: bool) -> Direction {
    if client_is_low == source_is_low { Direction::ToServer } else { Direction::ToClient }
}

fn client_is_source(keyed: &Keyed, tcp: Option<&Tcp<'_>>) -> bool {
    let (source, destination) = (keyed.source.1, keyed.destination.1);
    if let Some(tcp) = tcp {
        if tcp.flags.has(TcpFlags::SYN) {
            return !tcp.flags.has(TcpFlags::ACK);
        }
    }
    let mut bounds = match keyed.protocol {
        Protocol::TCP => [1024, 32768].as_slice(),
        Protocol::UDP => [1024].as_slice(),
        _ => return true,
    }
    .iter();
    // The first bound that parts them decides.
    bounds.find(|bound| (source < **bound) != (destination < **bound)).is_none_or(|bound| destination < *bound)
}

fn datagram_length(packet: &Packet<'_>) -> u64 {
    let Some(network) = &packet.network else { return 0 };
    let header = match &packet.transport {
        Transport::Tcp(tcp) => tcp.header.len(),
        Transport::Udp(udp) => udp.header.len(),
        Transport::Icmp(icmp) | Transport::Icmpv6(icmp) => icmp.header.len(),
        _ => 0,
    };
    let captured = network.header_length().saturating_add(header).saturating_add(packet.payload.len());
    u64::try_from(captured.saturating_add(packet.missing)).unwrap_or(u64::MAX)
}

/// A mix (after FNV-1a, by words) of client, server, protocol, VLANs and time: the same in every process and version.
fn flow_id(client: &Side, server: &Side, protocol: Protocol, vlans: &Vlans, start_ns: u64) -> u64 {
    let mut id: u64 = 0xcbf2_9ce4_8422_2325;
    let mut mix = |word: u64| id = (id ^ word).wrapping_mul(0x0000_0100_0000_01b3).rotate_left(29);
    for side in [client, server] {
        let octets = match side.address {
            std::net::IpAddr::V4(v4) => v4.to_ipv6_mapped().octets(),
            std::net::IpAddr::V6(v6) => v6.octets(),
        };
        let (high, low) = octets.split_at(8);
        for half in [high, low] {
            mix(half.first_chunk().map_or(0, |half| u64::from_be_bytes(*half)));
        }
        mix(u64::from(side.port));
    }
    mix(u64::from(protocol.0));
    for vlan in vlans.ids() {
        mix(u64::from(*vlan));
    }
    mix(start_ns);
    (id ^ (id >> 31)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 1 | 1
}
