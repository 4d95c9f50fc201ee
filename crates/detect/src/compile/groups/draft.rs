//! In which bucket is a rule found?

use std::collections::HashMap;

use kodkod_inspect::{BufferKind, Service};
use kodkod_literals::{Database, Literal};
use kodkod_rules::{FlowSide, PortSet};

use super::ports::{PortClasses, PortScopes, Role};
use super::{Bucket, Carrier, Groups, Key, LAST_LOW_PORT, MERGED, Scope, Sought, is_body, is_plain};
use crate::compile::{Compiled, Stage};

/// Bucket contents before the databases exist.
pub(crate) struct Draft {
    /// Which bucket a key means; keys with the same rules share one.
    keys: Vec<(Key, u32)>,
    shared: HashMap<Vec<u32>, u32>,
    pub(crate) literals: Vec<Vec<Literal>>,
    rules: Vec<Vec<Vec<u32>>>,
    always: HashMap<Key, Vec<u32>>,
    ports: Ports,
}

/// What is known of ports once all rules are.
struct Ports {
    source: PortClasses,
    destination: PortClasses,
}

impl Ports {
    /// The classes of either end in which a port scope is met.
    fn classes(&self, scope: u32) -> impl Iterator<Item = (Role, u16)> {
        let source = self.source.within(scope).map(|class| (Role::Source, class));
        source.chain(self.destination.within(scope).map(|class| (Role::Destination, class)))
    }
}

impl Draft {
    pub(crate) fn new(compiled: &[Compiled]) -> Self {
        let mut scopes = PortScopes::default();
        let of_rules: Vec<Vec<Option<u32>>> = compiled.iter().map(|rule| scopes.of(rule)).collect();
        let ports = Ports {
            source: PortClasses::new(&scopes, Role::Source),
            destination: PortClasses::new(&scopes, Role::Destination),
        };
        let places = Places { ports: &ports };
        let mut members: Vec<(Key, u32)> = Vec::new();
        for ((rule, scopes), number) in compiled.iter().zip(&of_rules).zip(0..) {
            places.keys(rule, scopes, &mut |key| members.push((key, number)));
        }
        members.sort_unstable();
        members.dedup();
        let mut draft = Self {
            keys: Vec::new(),
            shared: HashMap::new(),
            literals: Vec::new(),
            rules: Vec::new(),
            always: HashMap::new(),
            ports,
        };
        for group in members.chunk_by(|(one, _), (other, _)| one == other) {
            draft.add(group[0].0, group, compiled);
        }
        draft
    }

    fn add(&mut self, key: Key, group: &[(Key, u32)], compiled: &[Compiled]) {
        if key.sought.is_none() {
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
        let Ports { source, destination } = self.ports;
        Groups { buckets, index, always: self.always, source, destination }
    }
}

/// Where rules are found.
struct Places<'a> {
    ports: &'a Ports,
}

impl Places<'_> {
    /// Every place of a rule. scopes: its port scopes, none for any port.
    fn keys(&self, rule: &Compiled, scopes: &[Option<u32>], give: &mut dyn FnMut(Key)) {
        let kind = rule.fast.as_ref().map(|fast| fast.kind);
        let sought = kind.map(|kind| if is_plain(kind) { Sought::Plain } else { Sought::Kind(kind) });
        let common = self.scopes(rule, kind, scopes);
        for carrier in Carrier::ALL {
            let stage = rule.stage_on(carrier);
            if !carrier.fits(rule.protocol, stage) {
                continue;
            }
            for scope in &common {
                place(rule, (stage, carrier), *scope, sought, give);
            }
            let is_in_body = kind.is_some_and(|kind| is_plain(kind) || is_body(kind));
            if stage == Stage::Pdu && carrier == Carrier::Tcp && is_in_body {
                let is_met = common.iter().any(|scope| match scope {
                    Scope::Merged(service) | Scope::Service(service) => *service == Service::Http,
                    _ => false,
                });
                if is_met {
                    place(rule, (stage, carrier), Scope::Merged(Service::Http), Some(Sought::Body), give);
                }
            }
        }
    }

    fn scopes(&self, rule: &Compiled, kind: Option<BufferKind>, scopes: &[Option<u32>]) -> Vec<Scope> {
        let is_of_payload = kind.is_some_and(is_plain);
        let mut found: Vec<Scope> = Vec::new();
        for service in &rule.services {
            let is_merged = is_of_payload && MERGED.contains(service);
            found.extend(is_merged.then_some(Scope::Merged(*service)));
            // HTTP/2 flows meet HTTP rules too and have no merged scope.
            found.extend((!is_merged || *service == Service::Http).then_some(Scope::Service(*service)));
        }
        let is_fallback = !rule.services.is_empty();
        // What only an inspector offers is never met in a flow whose service is not known.
        if rule.by_service || (is_fallback && kind.is_some_and(|kind| !is_plain(kind))) {
            return found;
        }
        for scope in scopes {
            match scope {
                Some(ports) => {
                    for (role, class) in self.ports.classes(*ports) {
                        found.push(Scope::UnknownPorts(role, class));
                        found.extend((!is_fallback).then_some(Scope::Ports(role, class)));
                    }
                }
                None if is_fallback && is_of_payload => found.push(Scope::Merged(Service::Unknown)),
                None if is_fallback => found.push(Scope::AnyFallback),
                None => {
                    found.push(Scope::Any);
                    found.extend(MERGED.iter().filter(|_| is_of_payload).map(|service| Scope::Merged(*service)));
                }
            }
        }
        found
    }
}

/// The keys of one scope.
fn place(
    rule: &Compiled,
    (stage, carrier): (Stage, Carrier),
    scope: Scope,
    sought: Option<Sought>,
    give: &mut dyn FnMut(Key),
) {
    let directions: &[u8] = match (rule.side, stage) {
        (Some(FlowSide::ToServer), _) => &[0],
        (Some(FlowSide::ToClient), _) => &[1],
        (None, Stage::Pdu) => &[0, 1],
        (None, Stage::Packet) => &[0, 1, 2],
    };
    let has_halves = scope.has_halves(sought);
    let halves: &[u8] = if has_halves { &[0, 1, 2, 3] } else { &[0] };
    for half in halves.iter().filter(|half| !has_halves || fits_half(rule, **half, scope)) {
        for direction in directions {
            give(Key { stage: stage as u8, carrier, scope, direction: *direction, half: *half, sought });
        }
    }
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
