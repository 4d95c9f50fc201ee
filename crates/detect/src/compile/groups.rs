//! Which rules can matter for this buffer, service, direction and port?
//!
//! Rules with a service stand in that service's buckets; flows whose service is not known meet them by port. Rules without
//! one are met by port always. A port range that covers most ports counts as any port.

use std::collections::HashMap;

use kodkod_inspect::{BufferKind, Service};
use kodkod_literals::{Database, Literal};
use kodkod_rules::{FlowSide, PortSet, Protocol};
use kodkod_stream::Direction;

use super::{Compiled, Stage};

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

    fn fits(self, protocol: Protocol) -> bool {
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
    /// Flows of this service.
    Service(Service),
    /// Every flow on these ports (index of a port scope).
    Ports(u32),
    /// Flows of unknown service on these ports.
    Fallback(u32),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
struct Key {
    stage: u8,
    carrier: Carrier,
    scope: Scope,
    /// 0 to server, 1 to client, 2 neither is known.
    direction: u8,
    /// None: rules without a fast pattern.
    kind: Option<BufferKind>,
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
    keys: Vec<Key>,
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
        self.keys.push(key);
        self.literals.push(literals);
        self.rules.push(rules);
    }

    /// databases: one for each of `literals`.
    pub(crate) fn finish(self, databases: Vec<Database>) -> Groups {
        let mut index = HashMap::with_capacity(self.keys.len());
        let mut buckets = Vec::with_capacity(self.keys.len());
        for ((key, database), by_literal) in self.keys.into_iter().zip(databases).zip(self.rules) {
            index.insert(key, u32::try_from(buckets.len()).unwrap_or(u32::MAX));
            let (mut starts, mut rules) = (vec![0], Vec::new());
            for mut of_one in by_literal {
                rules.append(&mut of_one);
                starts.push(u32::try_from(rules.len()).unwrap_or(u32::MAX));
            }
            buckets.push(Bucket { database, starts, rules });
        }
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
    ) -> PlanKey {
        let (source, destination) = ports.unwrap_or((0, 0));
        PlanKey {
            stage,
            carrier,
            service,
            direction,
            source_class: self.source.class(source),
            destination_class: self.destination.class(destination),
        }
    }

    /// Slow: to be remembered by the caller.
    pub(crate) fn plan(&self, sort: PlanKey) -> Plan {
        let mut scopes = vec![Scope::Ports(ANY_PORT)];
        if sort.service == Service::Unknown {
            scopes.push(Scope::Fallback(ANY_PORT));
        } else {
            scopes.push(Scope::Service(sort.service));
        }
        if sort.service == Service::Http2 {
            scopes.push(Scope::Service(Service::Http));
        }
        let by_port = [self.source.scopes(sort.source_class), self.destination.scopes(sort.destination_class)];
        for port_scope in by_port.into_iter().flatten() {
            scopes.push(Scope::Ports(*port_scope));
            if sort.service == Service::Unknown {
                scopes.push(Scope::Fallback(*port_scope));
            }
        }
        let direction = sort.direction.map_or(2, |direction| if direction == Direction::ToServer { 0 } else { 1 });
        let key = |scope, kind| Key { stage: sort.stage as u8, carrier: sort.carrier, scope, direction, kind };
        let mut plan = Plan::default();
        for scope in scopes {
            for kind in KINDS {
                plan.scans.extend(self.index.get(&key(scope, Some(*kind))).map(|bucket| (*kind, *bucket)));
            }
            plan.always.extend(self.always.get(&key(scope, None)).into_iter().flatten());
        }
        plan.always.sort_unstable();
        plan.always.dedup();
        plan
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
    let directions: &[u8] = match rule.side {
        Some(FlowSide::ToServer) => &[0],
        Some(FlowSide::ToClient) => &[1],
        None => &[0, 1, 2],
    };
    let mut places: Vec<Scope> = rule.services.iter().map(|service| Scope::Service(*service)).collect();
    if !rule.by_service {
        let wrap: fn(u32) -> Scope = if rule.services.is_empty() { Scope::Ports } else { Scope::Fallback };
        places.extend(scopes.of(rule).into_iter().map(wrap));
    }
    // What only an inspector offers is never met in a flow whose service is not known.
    let only_inspected = rule.fast.as_ref().is_some_and(|fast| !is_plain(fast.kind));
    for scope in places {
        if only_inspected && matches!(scope, Scope::Fallback(_)) {
            continue;
        }
        for carrier in Carrier::ALL.into_iter().filter(|carrier| carrier.fits(rule.protocol)) {
            for direction in directions {
                let kind = rule.fast.as_ref().map(|fast| fast.kind);
                give(Key { stage: rule.stage as u8, carrier, scope, direction: *direction, kind });
            }
        }
    }
}

fn is_plain(kind: BufferKind) -> bool {
    matches!(kind, BufferKind::PktData | BufferKind::RawData)
}

/// The port scope that every port is in.
const ANY_PORT: u32 = 0;

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
    /// The scopes in which a rule's packets are met: its narrower end. Two for a rule that holds both ways.
    fn of(&mut self, rule: &Compiled) -> Vec<u32> {
        let (source, destination) = (&rule.source_ports, &rule.destination_ports);
        let (role, ports) =
            if destination.len() <= source.len() { (Role::Destination, destination) } else { (Role::Source, source) };
        if ports.len() > MANY_PORTS {
            return vec![ANY_PORT];
        }
        let mut found = vec![self.number(role, ports)];
        if rule.both_ways {
            let other = if role == Role::Source { Role::Destination } else { Role::Source };
            found.push(self.number(other, ports));
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
