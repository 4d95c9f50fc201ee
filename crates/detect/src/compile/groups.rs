//! Which rules can matter for this buffer, service, direction and port?
//!
//! Rules with a service stand in that service's buckets; flows whose service is not known meet them by port. Rules without
//! one are met by port always. A port range that covers most ports counts as any port.

use std::collections::HashMap;

use kodkod_inspect::{BufferKind, Service};
use kodkod_literals::{Database, Literal};
use kodkod_rules::{FlowSide, PacketTest, PortSet, Protocol};
use kodkod_stream::Direction;
use kodkod_wire::{Network, Packet, Transport};

use super::{Compiled, Stage};
use crate::evaluate::facts;

/// More ports than this are as good as any.
const MANY_PORTS: usize = 20_000;

/// What the transport of a subject can be to a rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) enum Carrier {
    Tcp,
    Udp,
    Icmp,
    Other,
}

impl Carrier {
    const ALL: [Self; 4] = [Self::Tcp, Self::Udp, Self::Icmp, Self::Other];

    fn fits(self, protocol: Protocol, stage: Stage) -> bool {
        // Only these have PDUs.
        if stage == Stage::Pdu && !matches!(self, Self::Tcp | Self::Udp) {
            return false;
        }
        match protocol {
            Protocol::Tcp => self == Self::Tcp,
            Protocol::Udp => self == Self::Udp,
            Protocol::Icmp => self == Self::Icmp,
            Protocol::Ip => true,
        }
    }
}

/// Who meets a bucket.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Scope {
    /// Every flow.
    Any,
    /// Flows of this service.
    Service(Service),
    /// Every flow on these ports (number of a port scope).
    Ports(u32),
    /// Flows of unknown service.
    AnyFallback,
    /// Flows of unknown service on these ports.
    Fallback(u32),
    /// `Any` and what flows of this service (or of none that is known) meet, in one database: the payload of most traffic
    /// is searched once and not twice.
    Merged(Service),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    stage: u8,
    carrier: Carrier,
    scope: Scope,
    /// 0 to server, 1 to client, 2 neither is known.
    direction: u8,
    /// Whether source and destination port are above 1023; only for scopes that name no ports.
    half: u8,
    /// None: rules without a fast pattern.
    kind: Option<BufferKind>,
}

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
    fn may_hold(self, carrier: Carrier, test: PacketTest) -> bool {
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

/// Rules that are found by literals in one kind of buffer.
pub(crate) struct Bucket {
    pub(crate) database: Database,
    /// For each literal where its rules start in `rules`; one more at the end.
    starts: Vec<u32>,
    rules: Vec<u32>,
}

impl Bucket {
    /// The rules behind a hit.
    #[inline]
    pub(crate) fn rules(&self, hit: u32) -> &[u32] {
        let hit = hit as usize;
        match (self.starts.get(hit), self.starts.get(hit + 1)) {
            (Some(from), Some(to)) => self.rules.get(*from as usize..*to as usize).unwrap_or_default(),
            _ => &[],
        }
    }
}

/// What to do with a subject of one sort.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    /// Buckets by kind.
    pub(crate) scans: Vec<(BufferKind, u32)>,
    /// Rules without a fast pattern, ascending.
    pub(crate) always: Vec<u32>,
}

/// The sort of a subject.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct PlanKey {
    pub(crate) stage: Stage,
    pub(crate) carrier: Carrier,
    pub(crate) service: Service,
    pub(crate) direction: Option<Direction>,
    pub(crate) source_class: u16,
    pub(crate) destination_class: u16,
    half: u8,
    pub(crate) traits: Traits,
}

impl PlanKey {
    /// All of it in two numbers, for a quick look-up.
    #[inline]
    pub(crate) fn packed(self) -> (u64, u64) {
        let direction = self.direction.map_or(2, |direction| direction as u8);
        let high = [self.stage as u8, self.carrier as u8, self.service as u8, direction, self.half, 0, 0, 0];
        let [s0, s1] = self.source_class.to_le_bytes();
        let [d0, d1] = self.destination_class.to_le_bytes();
        let Traits { protocol, first, second, odd } = self.traits;
        (u64::from_le_bytes(high), u64::from_le_bytes([s0, s1, d0, d1, protocol, first, second, odd]))
    }
}

/// All buckets of a rule set, and how subjects find theirs.
pub(crate) struct Groups {
    pub(crate) buckets: Vec<Bucket>,
    index: HashMap<Key, u32>,
    always: HashMap<Key, Vec<u32>>,
    source: PortClasses,
    destination: PortClasses,
}

/// Bucket contents before the databases exist.
pub(crate) struct Draft {
    /// Which bucket a key means; keys with the same rules share one.
    keys: Vec<(Key, u32)>,
    shared: HashMap<Vec<u32>, u32>,
    pub(crate) literals: Vec<Vec<Literal>>,
    rules: Vec<Vec<Vec<u32>>>,
    always: HashMap<Key, Vec<u32>>,
    source: PortClasses,
    destination: PortClasses,
}

impl Draft {
    pub(crate) fn new(compiled: &[Compiled]) -> Self {
        let mut scopes = PortScopes::default();
        let mut members: Vec<(Key, u32)> = Vec::new();
        for (rule, number) in compiled.iter().zip(0..) {
            keys(rule, &mut scopes, &mut |key| members.push((key, number)));
        }
        members.sort_unstable();
        let mut draft = Self {
            keys: Vec::new(),
            shared: HashMap::new(),
            literals: Vec::new(),
            rules: Vec::new(),
            always: HashMap::new(),
            source: PortClasses::new(&scopes, Role::Source),
            destination: PortClasses::new(&scopes, Role::Destination),
        };
        for group in members.chunk_by(|(one, _), (other, _)| one == other) {
            draft.add(group[0].0, group, compiled);
        }
        draft
    }

    fn add(&mut self, key: Key, group: &[(Key, u32)], compiled: &[Compiled]) {
        if key.kind.is_none() {
            self.always.insert(key, group.iter().map(|(_, rule)| *rule).collect());
            return;
        }
        let members: Vec<u32> = group.iter().map(|(_, rule)| *rule).collect();
        if let Some(bucket) = self.shared.get(&members) {
            self.keys.push((key, *bucket));
            return;
        }
        let bucket = u32::try_from(self.literals.len()).unwrap_or(u32::MAX);
        self.shared.insert(members, bucket);
        self.keys.push((key, bucket));
        let mut known: HashMap<(&[u8], bool), u32> = HashMap::new();
        let (mut literals, mut rules): (Vec<Literal>, Vec<Vec<u32>>) = (Vec::new(), Vec::new());
        for (_, rule) in group {
            let Some(fast) = &compiled[*rule as usize].fast else { continue };
            let id = *known.entry((&fast.bytes, fast.nocase)).or_insert_with(|| {
                let id = u32::try_from(literals.len()).unwrap_or(u32::MAX);
                literals.push(Literal { id, bytes: fast.bytes.clone(), nocase: fast.nocase });
                rules.push(Vec::new());
                id
            });
            rules[id as usize].push(*rule);
        }
        self.literals.push(literals);
        self.rules.push(rules);
    }

    /// databases: one for each of `literals`.
    pub(crate) fn finish(self, databases: Vec<Database>) -> Groups {
        let mut buckets = Vec::with_capacity(self.literals.len());
        for (database, by_literal) in databases.into_iter().zip(self.rules) {
            let (mut starts, mut rules) = (vec![0], Vec::new());
            for mut of_one in by_literal {
                rules.append(&mut of_one);
                starts.push(u32::try_from(rules.len()).unwrap_or(u32::MAX));
            }
            buckets.push(Bucket { database, starts, rules });
        }
        let index = self.keys.into_iter().collect();
        Groups { buckets, index, always: self.always, source: self.source, destination: self.destination }
    }
}

impl Groups {
    pub(crate) fn key(
        &self,
        stage: Stage,
        carrier: Carrier,
        service: Service,
        direction: Option<Direction>,
        ports: Option<(u16, u16)>,
        traits: Traits,
    ) -> PlanKey {
        let (source, destination) = ports.unwrap_or((0, 0));
        PlanKey {
            stage,
            carrier,
            service,
            direction,
            source_class: self.source.class(source),
            destination_class: self.destination.class(destination),
            half: u8::from(source > LAST_LOW_PORT) << 1 | u8::from(destination > LAST_LOW_PORT),
            traits,
        }
    }

    /// Slow: to be remembered by the caller.
    pub(crate) fn plan(&self, sort: PlanKey, compiled: &[Compiled]) -> Plan {
        let direction = sort.direction.map_or(2, |direction| if direction == Direction::ToServer { 0 } else { 1 });
        let key = |scope: Scope, kind| {
            let half = if scope.has_halves(kind) { sort.half } else { 0 };
            Key { stage: sort.stage as u8, carrier: sort.carrier, scope, direction, half, kind }
        };
        let mut plan = Plan::default();
        for scope in self.scopes(sort) {
            let is_in_merged =
                is_merged(sort.service) && !matches!(scope, Scope::Merged(_) | Scope::Ports(_) | Scope::Fallback(_));
            for kind in KINDS.iter().filter(|kind| !(is_in_merged && is_plain(**kind))) {
                plan.scans.extend(self.index.get(&key(scope, Some(*kind))).map(|bucket| (*kind, *bucket)));
            }
            plan.always.extend(self.always.get(&key(scope, None)).into_iter().flatten());
        }
        plan.always.sort_unstable();
        plan.always.dedup();
        if sort.stage == Stage::Packet {
            plan.always.retain(|rule| {
                let rule = compiled.get(*rule as usize);
                rule.is_some_and(|rule| rule.facts.iter().all(|test| sort.traits.may_hold(sort.carrier, *test)))
            });
        }
        plan
    }

    fn scopes(&self, sort: PlanKey) -> Vec<Scope> {
        let mut scopes = vec![Scope::Any];
        let is_unknown = sort.service == Service::Unknown;
        scopes.push(if is_unknown { Scope::AnyFallback } else { Scope::Service(sort.service) });
        if sort.service == Service::Http2 {
            scopes.push(Scope::Service(Service::Http));
        }
        if is_merged(sort.service) {
            scopes.push(Scope::Merged(sort.service));
        }
        let by_port = [self.source.scopes(sort.source_class), self.destination.scopes(sort.destination_class)];
        for port_scope in by_port.into_iter().flatten() {
            scopes.push(Scope::Ports(*port_scope));
            if is_unknown {
                scopes.push(Scope::Fallback(*port_scope));
            }
        }
        scopes
    }
}

/// The services whose payload is searched most.
fn is_merged(service: Service) -> bool {
    matches!(service, Service::Http | Service::Unknown)
}

impl Scope {
    /// Whether rules of this scope are kept apart by low and high ports. What only an inspector offers is not: its rules go
    /// by service.
    fn has_halves(self, kind: Option<BufferKind>) -> bool {
        matches!(self, Self::Any | Self::AnyFallback | Self::Merged(_)) && kind.is_none_or(is_plain)
    }
}

/// All kinds that fast patterns are searched in.
const KINDS: &[BufferKind] = {
    use BufferKind as K;
    &[
        K::PktData,
        K::RawData,
        K::FileData,
        K::HttpUri,
        K::HttpRawUri,
        K::HttpHeader,
        K::HttpRawHeader,
        K::HttpCookie,
        K::HttpRawCookie,
        K::HttpMethod,
        K::HttpClientBody,
        K::HttpRawBody,
        K::HttpStatCode,
        K::HttpStatMsg,
        K::HttpVersion,
        K::HttpRawRequest,
        K::HttpRawStatus,
        K::HttpTrailer,
        K::HttpRawTrailer,
        K::HttpTrueIp,
        K::HttpHost,
        K::DnsQuery,
        K::TlsSni,
        K::TlsCertSubject,
        K::TlsCertIssuer,
        K::TlsCertSerial,
        K::TlsCertFingerprint,
        K::Ja3String,
        K::Ja3Hash,
        K::Ja3sString,
        K::Ja3sHash,
        K::JsData,
        K::VbaData,
        K::SipHeader,
        K::SipBody,
    ]
};

/// Every place where a rule has to be found.
fn keys(rule: &Compiled, scopes: &mut PortScopes, give: &mut dyn FnMut(Key)) {
    let directions: &[u8] = match (rule.side, rule.stage) {
        (Some(FlowSide::ToServer), _) => &[0],
        (Some(FlowSide::ToClient), _) => &[1],
        (None, Stage::Pdu) => &[0, 1],
        (None, Stage::Packet) => &[0, 1, 2],
    };
    let kind = rule.fast.as_ref().map(|fast| fast.kind);
    let places = places(rule, kind, scopes);
    for scope in places {
        let halves: &[u8] = if scope.has_halves(kind) { &[0, 1, 2, 3] } else { &[0] };
        for half in halves.iter().filter(|half| halves.len() == 1 || fits_half(rule, **half, scope)) {
            for carrier in Carrier::ALL.into_iter().filter(|carrier| carrier.fits(rule.protocol, rule.stage)) {
                for direction in directions {
                    give(Key { stage: rule.stage as u8, carrier, scope, direction: *direction, half: *half, kind });
                }
            }
        }
    }
}

fn places(rule: &Compiled, kind: Option<BufferKind>, scopes: &mut PortScopes) -> Vec<Scope> {
    let is_plain_kind = kind.is_some_and(is_plain);
    let mut places: Vec<Scope> = Vec::new();
    for service in &rule.services {
        places.push(if is_plain_kind && is_merged(*service) {
            Scope::Merged(*service)
        } else {
            Scope::Service(*service)
        });
        if *service == Service::Http && is_plain_kind {
            // HTTP/2 flows meet HTTP rules too and have no merged scope.
            places.push(Scope::Service(Service::Http));
        }
    }
    if rule.by_service {
        return places;
    }
    let is_fallback = !rule.services.is_empty();
    // What only an inspector offers is never met in a flow whose service is not known.
    if is_fallback && kind.is_some_and(|kind| !is_plain(kind)) {
        return places;
    }
    for scope in scopes.of(rule) {
        match (scope, is_fallback) {
            (Some(ports), false) => places.push(Scope::Ports(ports)),
            (Some(ports), true) => places.push(Scope::Fallback(ports)),
            (None, false) if is_plain_kind => {
                places.extend([Scope::Any, Scope::Merged(Service::Http), Scope::Merged(Service::Unknown)]);
            }
            (None, false) => places.push(Scope::Any),
            (None, true) if is_plain_kind => places.push(Scope::Merged(Service::Unknown)),
            (None, true) => places.push(Scope::AnyFallback),
        }
    }
    places
}

/// Whether a packet between ports of these halves could fit the rule's header. A flow of a known service need not.
fn fits_half(rule: &Compiled, half: u8, scope: Scope) -> bool {
    if matches!(scope, Scope::Merged(service) if service != Service::Unknown && rule.names(service)) {
        return true;
    }
    let (source_high, destination_high) = (half & 2 != 0, half & 1 != 0);
    let reaches = |ports: &PortSet, high: bool| {
        ports.ranges().iter().any(|(from, to)| if high { *to > LAST_LOW_PORT } else { *from <= LAST_LOW_PORT })
    };
    let fits = |source: &PortSet, destination: &PortSet| {
        reaches(source, source_high) && reaches(destination, destination_high)
    };
    fits(&rule.source_ports, &rule.destination_ports)
        || (rule.both_ways && fits(&rule.destination_ports, &rule.source_ports))
}

fn is_plain(kind: BufferKind) -> bool {
    matches!(kind, BufferKind::PktData | BufferKind::RawData)
}

/// Ports up to here need a right to be opened, so clients rarely have them.
const LAST_LOW_PORT: u16 = 1023;

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Role {
    Source,
    Destination,
}

/// Distinct sets of ports, numbered from 1.
#[derive(Default)]
struct PortScopes {
    known: Vec<(Role, PortSet)>,
    numbers: HashMap<(Role, PortSet), u32>,
}

impl PortScopes {
    /// The scopes in which a rule's packets are met: its narrower end. Two for a rule that holds both ways; none stands
    /// for any port.
    fn of(&mut self, rule: &Compiled) -> Vec<Option<u32>> {
        let (source, destination) = (&rule.source_ports, &rule.destination_ports);
        let (role, ports) =
            if destination.len() <= source.len() { (Role::Destination, destination) } else { (Role::Source, source) };
        if ports.len() > MANY_PORTS {
            return vec![None];
        }
        let mut found = vec![Some(self.number(role, ports))];
        if rule.both_ways {
            let other = if role == Role::Source { Role::Destination } else { Role::Source };
            found.push(Some(self.number(other, ports)));
        }
        found
    }

    fn number(&mut self, role: Role, ports: &PortSet) -> u32 {
        if let Some(number) = self.numbers.get(&(role, ports.clone())) {
            return *number;
        }
        self.known.push((role, ports.clone()));
        let number = u32::try_from(self.known.len()).unwrap_or(u32::MAX);
        self.numbers.insert((role, ports.clone()), number);
        number
    }
}

/// Ports that are in the same scopes share a class.
struct PortClasses {
    of_port: Vec<u16>,
    scopes: Vec<Vec<u32>>,
}

impl PortClasses {
    fn new(all: &PortScopes, role: Role) -> Self {
        let mut edges: Vec<(u32, u32, bool)> = Vec::new();
        for ((_, ports), number) in all.known.iter().zip(1..).filter(|((of, _), _)| *of == role) {
            for (low, high) in ports.ranges() {
                edges.push((u32::from(*low), number, true));
                edges.push((u32::from(*high) + 1, number, false));
            }
        }
        edges.sort_unstable();
        let mut classes = Self { of_port: vec![0; 65536], scopes: vec![Vec::new()] };
        let mut known: HashMap<Vec<u32>, u16> = HashMap::from([(Vec::new(), 0)]);
        let mut open: Vec<u32> = Vec::new();
        let mut edges = edges.into_iter().peekable();
        while let Some((port, number, opens)) = edges.next() {
            if opens {
                open.push(number)
            } else {
                open.retain(|member| *member != number)
            }
            let next = edges.peek().map_or(65536, |(next, ..)| *next);
            if next == port {
                continue;
            }
            open.sort_unstable();
            let class = *known.entry(open.clone()).or_insert_with(|| {
                classes.scopes.push(open.clone());
                u16::try_from(classes.scopes.len() - 1).unwrap_or(0)
            });
            let from = port.min(65536) as usize;
            classes.of_port[from..next.min(65536) as usize].fill(class);
        }
        classes
    }

    #[inline]
    fn class(&self, port: u16) -> u16 {
        self.of_port.get(usize::from(port)).copied().unwrap_or(0)
    }

    fn scopes(&self, class: u16) -> &[u32] {
        self.scopes.get(usize::from(class)).map_or(&[], Vec::as_slice)
    }
}
