//! Which rules does it break?

use std::net::IpAddr;
use std::sync::Arc;

use kodkod_detect::{Detector, FlowFacts, FlowState, PacketSubject, PduSubject, RuleSet};
use kodkod_inspect::{Pdu, Service};
use kodkod_stream::{Direction, Identity, Side};
use kodkod_wire::{Packet, Protocol};

use crate::facts::Alert;
use crate::talk::Moment;

/// One thread's detector, with what it needs again and again.
pub(crate) struct Judge {
    detector: Detector,
    found: Vec<kodkod_detect::Alert>,
}

/// A flow as its rules see it.
pub(crate) struct Case<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) is_established: bool,
    pub(crate) payload: [u64; 2],
    pub(crate) service: Service,
}

impl Judge {
    pub(crate) fn new(detector: Detector) -> Self {
        Self { detector, found: Vec::new() }
    }

    pub(crate) fn counters(&self) -> kodkod_detect::Counters {
        self.detector.counters()
    }

    /// Judge a PDU that was complete at `moment`.
    #[inline]
    pub(crate) fn pdu(
        &mut self,
        rules: &Arc<RuleSet>,
        case: &Case<'_>,
        pdu: &Pdu<'_>,
        moment: Moment,
        state: &mut FlowState,
        alerts: &mut Vec<Alert>,
    ) {
        let identity = case.identity;
        let flow = case.facts();
        let is_tcp = identity.protocol == Protocol::TCP;
        let subject = PduSubject { pdu, flow: &flow, is_tcp, ts_ns: moment.ts_ns, tag: identity.tag };
        self.detector.pdu(rules, &subject, state, &mut self.found);
        for found in self.found.drain(..) {
            alerts.push(Alert {
                ts_ns: moment.ts_ns,
                packet: moment.frame_number,
                tag: identity.tag,
                rules: Arc::clone(rules),
                rule: found.rule,
                why: found.why,
                protocol: identity.protocol,
                source: ends(identity.source(pdu.direction), identity.has_ports()),
                destination: ends(identity.destination(pdu.direction), identity.has_ports()),
                direction: Some(pdu.direction),
                service: case.service,
                flow: Some(*identity),
                vlan: identity.vlan,
            });
        }
    }

    /// Judge a packet; `flow` is none for pieces of datagrams.
    #[inline]
    pub(crate) fn packet(
        &mut self,
        rules: &Arc<RuleSet>,
        packet: &Packet<'_>,
        at: (u32, Moment),
        flow: Option<(Case<'_>, Direction, &mut FlowState)>,
        alerts: &mut Vec<Alert>,
    ) {
        let (tag, moment) = at;
        let Some(network) = &packet.network else { return };
        let (case, state) = match flow {
            Some((case, direction, state)) => (Some((case, direction)), Some(state)),
            None => (None, None),
        };
        let facts = case.as_ref().map(|(case, direction)| (case.facts(), *direction));
        let flow = facts.as_ref().map(|(facts, direction)| (facts, *direction));
        let subject = PacketSubject { packet, flow, ts_ns: moment.ts_ns, tag };
        self.detector.packet(rules, &subject, state, &mut self.found);
        for found in self.found.drain(..) {
            let ports = packet.transport.ports();
            alerts.push(Alert {
                ts_ns: moment.ts_ns,
                packet: moment.frame_number,
                tag,
                rules: Arc::clone(rules),
                rule: found.rule,
                why: found.why,
                protocol: network.protocol(),
                source: (network.source(), ports.map(|(source, _)| source)),
                destination: (network.destination(), ports.map(|(_, destination)| destination)),
                direction: case.as_ref().map(|(_, direction)| *direction),
                service: case.as_ref().map_or(Service::Unknown, |(case, _)| case.service),
                flow: case.as_ref().map(|(case, _)| *case.identity),
                vlan: packet.vlans.outer(),
            });
        }
    }
}

impl Case<'_> {
    fn facts(&self) -> FlowFacts {
        let pair = |side: Side| (side.address, side.port);
        FlowFacts {
            client: pair(self.identity.client),
            server: pair(self.identity.server),
            established: self.is_established,
            bytes: self.payload,
            service: self.service,
        }
    }
}

fn ends(side: Side, has_ports: bool) -> (IpAddr, Option<u16>) {
    (side.address, has_ports.then_some(side.port))
}
