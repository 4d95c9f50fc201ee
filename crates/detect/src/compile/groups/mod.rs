//! Which rules can matter for this buffer, service, direction and port?
//!
//! Rules with a service stand in that service's buckets; flows whose service is not known meet them by port. Rules without
//! one are met by port always. A port range that covers most ports counts as any port. Each byte should be searched as few
//! times as can be: the payload of a flow is met by one bucket for its service and one for each end's ports, and an HTTP
//! body, which has many names, by one for them all.

mod draft;
mod ports;
mod traits;

use std::collections::HashMap;

use kodkod_inspect::{BufferKind, Service};
use kodkod_literals::Database;
use kodkod_rules::Protocol;
use kodkod_stream::Direction;

pub(crate) use draft::Draft;
use ports::{PortClasses, Role};
pub(crate) use traits::Traits;

use super::{Compiled, Stage};

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
    /// Flows of unknown service.
    AnyFallback,
    /// Every flow of a known service whose port at one end is of a class.
    Ports(Role, u16),
    /// The same where the service is unknown.
    UnknownPorts(Role, u16),
    /// `Any` and what flows of this service (or of none that is known) meet, in one database. Only of payload.
    Merged(Service),
}

/// The services whose payload is searched most.
const MERGED: &[Service] = &[Service::Unknown, Service::Http, Service::Smtp, Service::Tls];

impl Scope {
    /// Whether rules of this scope are kept apart by low and high ports. What only an inspector offers is not: its rules go
    /// by service.
    fn has_halves(self, sought: Option<Sought>) -> bool {
        let is_common = matches!(self, Self::Any | Self::AnyFallback | Self::Merged(_));
        is_common && !matches!(sought, Some(Sought::Kind(_)))
    }
}

/// What is searched in one go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
enum Sought {
    /// The payload. Inspectors normalise none, so as it came and as it is are the same bytes.
    Plain,
    /// A buffer of another kind.
    Kind(BufferKind),
    /// An HTTP body by all its names: payload, file, body of a message. The same bytes, unless they came packed.
    Body,
}

pub(crate) fn is_plain(kind: BufferKind) -> bool {
    matches!(kind, BufferKind::PktData | BufferKind::RawData)
}

/// The names of an HTTP body beside the payload's.
pub(crate) fn is_body(kind: BufferKind) -> bool {
    matches!(kind, BufferKind::FileData | BufferKind::HttpClientBody | BufferKind::HttpRawBody)
}

/// Ports up to here need a right to be opened, so clients rarely have them.
const LAST_LOW_PORT: u16 = 1023;

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
    sought: Option<Sought>,
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
    /// Buckets for the payload.
    pub(crate) plain: Vec<u32>,
    /// In place of the first of them and of those of an HTTP body, where these are the same bytes.
    pub(crate) body: Option<u32>,
    /// Buckets by kind.
    pub(crate) kinds: Vec<(BufferKind, u32)>,
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
    /// Whether a packet of this sort could have all facts that a rule asks for.
    fn may_hold(self, rule: &Compiled) -> bool {
        rule.facts.iter().all(|test| self.traits.may_hold(self.carrier, *test))
    }

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
        let scopes = self.scopes(sort);
        let mut plan = Plan { plain: self.plain(sort, compiled), ..Plan::default() };
        // It takes the place of the service's own bucket, so there has to be one.
        let has_own = self.bucket(sort, Scope::Merged(sort.service), Sought::Plain).is_some();
        plan.body = self.bucket(sort, Scope::Merged(sort.service), Sought::Body).filter(|_| has_own);
        for scope in &scopes {
            for kind in KINDS {
                plan.kinds.extend(self.bucket(sort, *scope, Sought::Kind(*kind)).map(|bucket| (*kind, bucket)));
            }
            plan.always.extend(self.always.get(&key(sort, *scope, None)).into_iter().flatten());
        }
        plan.always.sort_unstable();
        plan.always.dedup();
        if sort.stage == Stage::Packet {
            plan.always.retain(|rule| compiled.get(*rule as usize).is_some_and(|rule| sort.may_hold(rule)));
        }
        plan
    }

    fn bucket(&self, sort: PlanKey, scope: Scope, sought: Sought) -> Option<u32> {
        self.index.get(&key(sort, scope, Some(sought))).copied()
    }

    /// Buckets for the payload; that of the service first. Of a packet, only those that hold a rule for its headers.
    fn plain(&self, sort: PlanKey, compiled: &[Compiled]) -> Vec<u32> {
        let common = if MERGED.contains(&sort.service) {
            vec![Scope::Merged(sort.service)]
        } else {
            let as_http = (sort.service == Service::Http2).then_some(Scope::Service(Service::Http));
            [Scope::Any, Scope::Service(sort.service)].into_iter().chain(as_http).collect()
        };
        let scopes = common.into_iter().chain(ports(sort));
        let mut buckets: Vec<u32> = scopes.filter_map(|scope| self.bucket(sort, scope, Sought::Plain)).collect();
        if sort.stage == Stage::Packet {
            let may_hold = |rule: &u32| compiled.get(*rule as usize).is_some_and(|rule| sort.may_hold(rule));
            buckets.retain(|bucket| self.buckets.get(*bucket as usize).is_some_and(|of| of.rules.iter().any(may_hold)));
        }
        buckets
    }

    fn scopes(&self, sort: PlanKey) -> Vec<Scope> {
        let is_unknown = sort.service == Service::Unknown;
        let own = if is_unknown { Scope::AnyFallback } else { Scope::Service(sort.service) };
        let as_http = (sort.service == Service::Http2).then_some(Scope::Service(Service::Http));
        [Scope::Any, own].into_iter().chain(as_http).chain(ports(sort)).collect()
    }
}

fn key(sort: PlanKey, scope: Scope, sought: Option<Sought>) -> Key {
    let direction = sort.direction.map_or(2, |direction| if direction == Direction::ToServer { 0 } else { 1 });
    let half = if scope.has_halves(sought) { sort.half } else { 0 };
    Key { stage: sort.stage as u8, carrier: sort.carrier, scope, direction, half, sought }
}

/// The scopes of both ends' ports.
fn ports(sort: PlanKey) -> [Scope; 2] {
    let scope = if sort.service == Service::Unknown { Scope::UnknownPorts } else { Scope::Ports };
    [scope(Role::Source, sort.source_class), scope(Role::Destination, sort.destination_class)]
}

/// All kinds that fast patterns are searched in, but for the payload.
const KINDS: &[BufferKind] = {
    use BufferKind as K;
    &[
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
