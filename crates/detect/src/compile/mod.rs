//! Rule trees → what the evaluator runs.

mod cache;
mod fast;
mod groups;
mod offer;
mod ops;

use std::path::PathBuf;
use std::sync::Arc;

use kodkod_inspect::Service;
use kodkod_rules::{
    Action, AddressSet, Classification, Consequence, Dialect, FlowEstablished, FlowSide, PacketTest, PortSet, Protocol,
    Rate, Reason, Rule, Threshold, Variables,
};

pub(crate) use cache::{Store, hex};
pub(crate) use fast::{FastLiteral, choose as choose_literals};
pub(crate) use groups::{Carrier, Draft, Groups, Plan, PlanKey, Traits};
pub(crate) use ops::{Content, Flowbits, Op, Pcre, Place, Step};

use crate::Signature;

/// One rule file.
#[derive(Clone, Debug)]
pub struct Source {
    /// Shown in receipts.
    pub name: String,
    /// Its text.
    pub text: Vec<u8>,
}

/// How rule files are read.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// Force a dialect; none to tell it for each file.
    pub dialect: Option<Dialect>,
    /// What `$HOME_NET` and the like stand for.
    pub variables: Variables,
    /// Classes, their texts and priorities.
    pub classification: Classification,
    /// Where compiled databases are kept; none to keep none.
    pub cache_dir: Option<PathBuf>,
}

/// What a rule looks at.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Stage {
    Packet,
    Pdu,
}

/// How often a rule may fire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Filter {
    Detection(Rate),
    Threshold(Threshold),
}

/// One compiled rule.
pub(crate) struct Compiled {
    pub(crate) stage: Stage,
    pub(crate) protocol: Protocol,
    pub(crate) by_service: bool,
    pub(crate) services: Vec<Service>,
    pub(crate) source: AddressSet,
    pub(crate) source_ports: PortSet,
    pub(crate) destination: AddressSet,
    pub(crate) destination_ports: PortSet,
    pub(crate) both_ways: bool,
    pub(crate) side: Option<FlowSide>,
    pub(crate) established: Option<FlowEstablished>,
    /// Facts of packets, asked before anything is set up.
    pub(crate) facts: Vec<PacketTest>,
    /// Conditions and searches, in order.
    pub(crate) steps: Vec<Step>,
    /// Marks that a match changes.
    pub(crate) marks: Vec<Flowbits>,
    pub(crate) filter: Vec<Filter>,
    pub(crate) noalert: bool,
    pub(crate) is_pass: bool,
    pub(crate) has_variables: bool,
    /// Later stages of a message may bring more of a buffer it looks into.
    pub(crate) grows: bool,
    /// Chosen when all rules of the set are known.
    pub(crate) fast: Option<FastLiteral>,
}

impl Compiled {
    /// Whether the flow's protocol is one the rule names.
    #[inline]
    pub(crate) fn names(&self, service: Service) -> bool {
        self.services.contains(&service) || (service == Service::Http2 && self.services.contains(&Service::Http))
    }
}

/// Compile one rule. Reasons are added to `reasons`; none where one of them is fatal.
pub(crate) fn rule(rule: &Rule, reasons: &mut Vec<Reason>) -> Option<Compiled> {
    let built = ops::build(rule, reasons);
    let services = offer::services(rule, &built, reasons);
    offer::check(&services, &built, reasons);
    if reasons.iter().any(|reason| reason.consequence == Consequence::Fatal) {
        return None;
    }
    let stage = stage(rule, &built);
    Some(Compiled {
        stage,
        protocol: rule.header.protocol,
        by_service: rule.header.by_service,
        services,
        source: rule.header.source.clone(),
        source_ports: rule.header.source_ports.clone(),
        destination: rule.header.destination.clone(),
        destination_ports: rule.header.destination_ports.clone(),
        both_ways: rule.header.both_ways,
        side: built.flow.side,
        established: built.flow.state,
        facts: built.facts,
        steps: built.steps,
        marks: built.marks,
        filter: built.filter,
        noalert: built.noalert,
        is_pass: rule.action == Action::Pass,
        has_variables: !rule.variables.is_empty(),
        grows: built.grows,
        fast: None,
    })
}

/// Packet or PDU? What looks into payload looks at the reassembled stream, unless it asks for packets or for facts that
/// only packets have. A datagram is judged as a packet unless a rule wants a buffer that only an inspector has.
fn stage(rule: &Rule, built: &ops::Built) -> Stage {
    let no_stream = built.flow.scope == Some(kodkod_rules::StreamScope::NoStream);
    match rule.header.protocol {
        Protocol::Icmp => Stage::Packet,
        Protocol::Ip if rule.header.by_service => Stage::Pdu,
        Protocol::Ip => Stage::Packet,
        Protocol::Udp if built.uses_inspected => Stage::Pdu,
        Protocol::Udp => Stage::Packet,
        Protocol::Tcp if built.uses_inspected => Stage::Pdu,
        Protocol::Tcp if no_stream || built.uses_packet || !built.uses_payload => Stage::Packet,
        Protocol::Tcp => Stage::Pdu,
    }
}

/// What alerts show of a rule.
pub(crate) fn signature(rule: &Rule, classification: &Classification) -> Signature {
    let class = rule.classtype.as_ref().and_then(|name| classification.class(name));
    Signature {
        gid: rule.gid,
        sid: rule.sid,
        rev: rule.rev,
        msg: Arc::clone(&rule.msg),
        classtype: rule.classtype.clone(),
        class_text: class.map(|class| Arc::clone(&class.text)),
        // A rule without class or priority of its own is of middling urgency, as in other sensors.
        priority: rule.priority.or(class.map(|class| class.priority)).unwrap_or(3),
        action: rule.action,
        references: rule.references.clone(),
        metadata: rule.metadata.clone(),
        text: Arc::clone(&rule.text),
        file: Arc::clone(&rule.file),
        line: rule.line,
    }
}
