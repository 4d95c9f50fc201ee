//! One thread's judge.

use std::collections::HashMap;
use std::hash::{BuildHasherDefault, Hasher};
use std::net::IpAddr;
use std::sync::Arc;

use kodkod_inspect::{BufferKind, Service};
use kodkod_literals::Scratch;
use kodkod_rules::{FlowEstablished, FlowSide, FlowbitAction};
use kodkod_stream::Direction;
use kodkod_wire::Transport;

use crate::compile::{Carrier, Compiled, Plan, PlanKey, Stage, Traits};
use crate::evaluate::{self, Context, Material, Verdict, facts};
use crate::filters::Counted;
use crate::{Alert, Counters, Filters, FlowFacts, FlowState, PacketSubject, PduSubject, RuleSet};

/// Plans remembered at once; sorts of subjects are few (services × directions × port classes).
const MAX_PLANS: usize = 16_384;

/// Owns scratch memory and counters; used by one thread. Flow states belong to the caller.
#[derive(Default)]
pub struct Detector {
    scratch: Scratch,
    fitted: Vec<u64>,
    plans: Vec<Plan>,
    plan_of: HashMap<(u64, u64, u64), usize, BuildHasherDefault<Mixing>>,
    candidates: Vec<u32>,
    hits: Vec<u32>,
    filters: Arc<Filters>,
    counters: Counters,
    explains: bool,
}

/// The two ends of a subject as its sender sees them.
#[derive(Clone, Copy)]
struct Ends {
    source: Option<IpAddr>,
    destination: Option<IpAddr>,
    ports: Option<(u16, u16)>,
}

impl Detector {
    /// A detector with filters of its own.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A detector that shares thresholds with those of other threads.
    #[must_use]
    pub fn sharing(filters: Arc<Filters>) -> Self {
        Self { filters, ..Self::default() }
    }

    /// Whether alerts carry their `why`. Off by default; it costs a second evaluation per alert.
    pub fn explain(&mut self, explains: bool) {
        self.explains = explains;
    }

    /// Work done so far.
    #[must_use]
    pub fn counters(&self) -> Counters {
        self.counters
    }

    /// Judge one packet; alerts are added to `alerts`.
    pub fn packet(
        &mut self,
        rules: &RuleSet,
        subject: &PacketSubject<'_>,
        mut state: Option<&mut FlowState>,
        alerts: &mut Vec<Alert>,
    ) {
        let packet = subject.packet;
        let carrier = match packet.transport {
            Transport::Tcp(_) => Carrier::Tcp,
            Transport::Udp(_) => Carrier::Udp,
            Transport::Icmp(_) | Transport::Icmpv6(_) => Carrier::Icmp,
            Transport::None => return,
            _ => Carrier::Other,
        };
        let service = subject.flow.map_or(Service::Unknown, |(flow, _)| flow.service);
        let direction = subject.flow.map(|(_, direction)| direction);
        let ends = Ends { source: packet.source(), destination: packet.destination(), ports: packet.transport.ports() };
        let traits = Traits::of(packet);
        let number = self.plan(rules, rules.groups.key(Stage::Packet, carrier, service, direction, ends.ports, traits));
        let plan = std::mem::take(&mut self.plans[number]);
        self.candidates.clear();
        self.candidates.extend_from_slice(&plan.always);
        if !packet.payload.is_empty() {
            for (_, bucket) in &plan.scans {
                self.scan(rules, *bucket, packet.payload);
            }
        }
        self.plans[number] = plan;
        if self.candidates.is_empty() {
            return;
        }
        self.settle();
        let before = alerts.len();
        let candidates = std::mem::take(&mut self.candidates);
        for number in &candidates {
            let Some(rule) = rules.rules.get(*number as usize) else { continue };
            let has_facts = rule.facts.iter().all(|test| facts::holds(*test, packet));
            if !has_facts || !header_holds(rule, service, ends, subject.flow) {
                continue;
            }
            let context = Context { material: Material::Packet(packet), flow: subject.flow, state: state.as_deref() };
            if self.judge(rule, &context) != Verdict::Match {
                continue;
            }
            let counted = counted(rules, *number, subject.tag, ends, subject.flow.map(|(flow, _)| flow));
            let alert = self.alert(rule, *number, &context, counted, subject.ts_ns);
            self.mark(rule, state.as_deref_mut());
            if !keep(rule, alert, before, alerts) {
                break;
            }
        }
        self.candidates = candidates;
    }

    /// Judge one PDU, or one more stage of it; alerts are added to `alerts`.
    pub fn pdu(&mut self, rules: &RuleSet, subject: &PduSubject<'_>, state: &mut FlowState, alerts: &mut Vec<Alert>) {
        let (pdu, flow) = (subject.pdu, subject.flow);
        let carrier = if subject.is_tcp { Carrier::Tcp } else { Carrier::Udp };
        let ends = ends_of(flow, pdu.direction);
        let traits = Traits::default();
        let sort = rules.groups.key(Stage::Pdu, carrier, pdu.service, Some(pdu.direction), ends.ports, traits);
        let number = self.plan(rules, sort);
        let plan = std::mem::take(&mut self.plans[number]);
        self.candidates.clear();
        self.candidates.extend_from_slice(&plan.always);
        for kind in pdu.fresh {
            self.scan_kind(rules, &plan, *kind, pdu.buffers.buffer(*kind));
        }
        self.plans[number] = plan;
        if let Some(waiting) = state.message(pdu.direction, rules.generation, pdu.message) {
            self.candidates.append(&mut waiting.pending);
        }
        self.settle();
        let before = alerts.len();
        let candidates = std::mem::take(&mut self.candidates);
        for number in &candidates {
            let Some(rule) = rules.rules.get(*number as usize) else { continue };
            if !header_holds(rule, pdu.service, ends, Some((flow, pdu.direction))) {
                continue;
            }
            if state
                .message(pdu.direction, rules.generation, pdu.message)
                .is_some_and(|message| message.fired.contains(number))
            {
                continue;
            }
            let context =
                Context { material: Material::Pdu(pdu.buffers), flow: Some((flow, pdu.direction)), state: Some(state) };
            match self.judge(rule, &context) {
                Verdict::Match => {
                    let counted = counted(rules, *number, subject.tag, ends, Some(flow));
                    let alert = self.alert(rule, *number, &context, counted, subject.ts_ns);
                    self.mark(rule, Some(state));
                    if !pdu.is_last {
                        state.message_mut(pdu.direction, rules.generation, pdu.message).fired.push(*number);
                    }
                    if !keep(rule, alert, before, alerts) {
                        break;
                    }
                }
                // A buffer may come later, a body may come in pieces.
                Verdict::Silent { waits } if !pdu.is_last && rule.fast.is_some() && (waits || rule.grows) => {
                    let message = state.message_mut(pdu.direction, rules.generation, pdu.message);
                    self.counters.not_waiting += u64::from(!message.wait(*number));
                }
                Verdict::Silent { .. } => {}
            }
        }
        self.candidates = candidates;
    }

    /// The plan for a sort of subjects, by its number.
    fn plan(&mut self, rules: &RuleSet, sort: PlanKey) -> usize {
        let (high, low) = sort.packed();
        if let Some(known) = self.plan_of.get(&(rules.generation, high, low)) {
            return *known;
        }
        self.fit(rules);
        if self.plans.len() >= MAX_PLANS {
            self.plans.clear();
            self.plan_of.clear();
        }
        self.plans.push(rules.groups.plan(sort, &rules.rules));
        self.plan_of.insert((rules.generation, high, low), self.plans.len() - 1);
        self.plans.len() - 1
    }

    /// Grow the scratch for the databases of a rule set met for the first time.
    fn fit(&mut self, rules: &RuleSet) {
        if self.fitted.contains(&rules.generation) {
            return;
        }
        for bucket in &rules.groups.buckets {
            self.scratch.fit(&bucket.database);
        }
        self.fitted.push(rules.generation);
    }

    fn scan_kind(&mut self, rules: &RuleSet, plan: &Plan, kind: BufferKind, bytes: Option<&[u8]>) {
        let Some(bytes) = bytes.filter(|bytes| !bytes.is_empty()) else { return };
        for (_, bucket) in plan.scans.iter().filter(|(of, _)| *of == kind) {
            self.scan(rules, *bucket, bytes);
        }
    }

    fn scan(&mut self, rules: &RuleSet, bucket: u32, bytes: &[u8]) {
        let Some(bucket) = rules.groups.buckets.get(bucket as usize) else { return };
        self.counters.scanned_bytes += bytes.len() as u64;
        self.hits.clear();
        let hits = &mut self.hits;
        bucket.database.scan(&mut self.scratch, bytes, |id, _| hits.push(id));
        for hit in &self.hits {
            self.candidates.extend_from_slice(bucket.rules(*hit));
        }
    }

    /// Candidates in the order of the rules, each once: the same for every way they were found.
    fn settle(&mut self) {
        self.candidates.sort_unstable();
        self.candidates.dedup();
        self.counters.candidates += self.candidates.len() as u64;
    }

    fn judge(&mut self, rule: &Compiled, context: &Context<'_>) -> Verdict {
        self.counters.evaluations += 1;
        evaluate::evaluate(rule, context, &mut self.counters, None)
    }

    /// The alert, unless the rule only marks, or its filter holds it back.
    fn alert(
        &mut self,
        rule: &Compiled,
        number: u32,
        context: &Context<'_>,
        mut counted: Counted,
        now_ns: u64,
    ) -> Option<Alert> {
        for (filter, place) in rule.filter.iter().zip(0..) {
            counted.place = place;
            if !self.filters.passes(*filter, counted, now_ns) {
                self.counters.filtered += 1;
                return None;
            }
        }
        if rule.noalert {
            return None;
        }
        let mut why = Vec::new();
        if self.explains {
            evaluate::evaluate(rule, context, &mut self.counters, Some(&mut why));
        }
        Some(Alert { rule: number, why })
    }

    fn mark(&mut self, rule: &Compiled, state: Option<&mut FlowState>) {
        let Some(state) = state.filter(|_| !rule.marks.is_empty()) else { return };
        for bits in &rule.marks {
            for mark in &bits.marks {
                let sets = match bits.action {
                    FlowbitAction::Unset => false,
                    FlowbitAction::Toggle => !state.has(*mark),
                    _ => true,
                };
                if sets {
                    self.counters.marks_refused += u64::from(!state.set(*mark));
                } else {
                    state.unset(*mark);
                }
            }
        }
    }
}

/// Add the alert. A `pass` rule silences the subject instead; false: nothing more is to be judged.
fn keep(rule: &Compiled, alert: Option<Alert>, before: usize, alerts: &mut Vec<Alert>) -> bool {
    if rule.is_pass {
        alerts.truncate(before);
        return false;
    }
    alerts.extend(alert);
    true
}

fn ends_of(flow: &FlowFacts, direction: Direction) -> Ends {
    let (from, to) = match direction {
        Direction::ToServer => (flow.client, flow.server),
        Direction::ToClient => (flow.server, flow.client),
    };
    Ends { source: Some(from.0), destination: Some(to.0), ports: Some((from.1, to.1)) }
}

fn counted(rules: &RuleSet, number: u32, tag: u32, ends: Ends, flow: Option<&FlowFacts>) -> Counted {
    let signature = rules.signature(number);
    let flow = flow.map_or(0, |flow| u64::from(flow.client.1) << 16 | u64::from(flow.server.1));
    Counted {
        gid: signature.gid,
        sid: signature.sid,
        place: 0,
        tag,
        flow,
        source: ends.source,
        destination: ends.destination,
    }
}

/// What costs least is asked first. Where the flow's service is known, a rule with services goes by them and not by port.
fn header_holds(rule: &Compiled, service: Service, ends: Ends, flow: Option<(&FlowFacts, Direction)>) -> bool {
    let mut by_port = true;
    if !rule.services.is_empty() && (service != Service::Unknown || rule.by_service) {
        if !rule.names(service) {
            return false;
        }
        by_port = false;
    }
    if let Some(side) = rule.side {
        let speaks = match side {
            FlowSide::ToServer => Direction::ToServer,
            FlowSide::ToClient => Direction::ToClient,
        };
        if flow.is_none_or(|(_, direction)| direction != speaks) {
            return false;
        }
    }
    let state_holds = match rule.established {
        Some(FlowEstablished::Established) => flow.is_some_and(|(flow, _)| flow.established),
        Some(FlowEstablished::NotEstablished) => flow.is_none_or(|(flow, _)| !flow.established),
        Some(FlowEstablished::Stateless) | None => true,
    };
    state_holds && (ends_hold(rule, ends, by_port) || (rule.both_ways && ends_hold(rule, swapped(ends), by_port)))
}

fn swapped(ends: Ends) -> Ends {
    Ends { source: ends.destination, destination: ends.source, ports: ends.ports.map(|(one, other)| (other, one)) }
}

fn ends_hold(rule: &Compiled, ends: Ends, by_port: bool) -> bool {
    let ports_hold = !by_port
        || match ends.ports {
            Some((source, destination)) => {
                rule.source_ports.contains(source) && rule.destination_ports.contains(destination)
            }
            None => true,
        };
    let holds = |set: &kodkod_rules::AddressSet, address: Option<IpAddr>| {
        set.is_any() || address.is_some_and(|address| set.contains(address))
    };
    ports_hold && holds(&rule.source, ends.source) && holds(&rule.destination, ends.destination)
}

/// A quick hash for packed keys of our own making; nobody outside chooses more of them than [`MAX_PLANS`].
#[derive(Default)]
struct Mixing(u64);

impl Hasher for Mixing {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }

    fn write_u64(&mut self, number: u64) {
        self.0 = (self.0.rotate_left(5) ^ number).wrapping_mul(0x517c_c1b7_2722_0a95);
    }
}
