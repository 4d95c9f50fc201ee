//! What leaves the engine: owned, in the order it was found.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use kodkod_detect::{RuleSet, Signature, Why};
use kodkod_inspect::{Anomaly, DnsRecordSet, Service};
use kodkod_stream::{Direction, Identity};
use kodkod_wire::Protocol;

/// What was found since the last drain.
#[derive(Debug, Default)]
pub struct Facts {
    /// Signatures that fired.
    pub alerts: Vec<Alert>,
    /// Flow records: of flows that are over, and of open ones when they were flushed.
    pub flows: Vec<FlowRecord>,
    /// DNS exchanges.
    pub dns: Vec<Dns>,
    /// What was odd, by tag and kind.
    pub anomalies: Vec<AnomalyCount>,
}

impl Facts {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty() && self.flows.is_empty() && self.dns.is_empty() && self.anomalies.is_empty()
    }
}

/// One signature firing on one packet or PDU.
#[derive(Clone)]
pub struct Alert {
    /// Time of that packet, nanoseconds since 1970.
    pub ts_ns: u64,
    /// Number of the frame that completed the match.
    pub packet: u64,
    /// Endpoint at which it was seen.
    pub tag: u32,
    /// The rule set that judged.
    pub rules: Arc<RuleSet>,
    /// The signature's number in it.
    pub rule: u32,
    /// Each option that was satisfied; empty unless explanations are on.
    pub why: Vec<Why>,
    /// IP protocol.
    pub protocol: Protocol,
    /// Sender of the packet or PDU; the port where the protocol has one.
    pub source: (IpAddr, Option<u16>),
    /// Receiver.
    pub destination: (IpAddr, Option<u16>),
    /// Which way it went; none where it belongs to no flow.
    pub direction: Option<Direction>,
    /// The protocol above, as far as it was known then.
    pub service: Service,
    /// Its flow; none for pieces of datagrams.
    pub flow: Option<Identity>,
    /// Outermost VLAN id.
    pub vlan: Option<u16>,
}

impl Alert {
    /// Which signature it is.
    #[must_use]
    pub fn signature(&self) -> &Signature {
        self.rules.signature(self.rule)
    }
}

impl fmt::Debug for Alert {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Signature { gid, sid, rev, msg, .. } = self.signature();
        let Self { packet, source, destination, service, .. } = self;
        let (from, to) = ((source.0, source.1.unwrap_or(0)), (destination.0, destination.1.unwrap_or(0)));
        write!(f, "[{gid}:{sid}:{rev}] {msg} frame {packet} {from:?} -> {to:?} {}", service.name())
    }
}

/// One flow over one interval.
#[derive(Clone, Debug)]
pub struct FlowRecord {
    /// Who talks to whom, since when; `tag`, id and Community ID are in there.
    pub identity: Identity,
    /// Time of the first packet of the interval, nanoseconds since 1970.
    pub start_ns: u64,
    /// Time of the last packet of the interval.
    pub end_ns: u64,
    /// Packets of the interval, to the server and to the client.
    pub packets: [u64; 2],
    /// Bytes of IP datagrams of the interval, to the server and to the client.
    pub bytes: [u64; 2],
    /// The flow's first packet lies in this interval.
    pub started: bool,
    /// The flow's last packet lies in this interval.
    pub ended: bool,
    /// The protocol, as far as known.
    pub service: Service,
}

/// One DNS exchange: a query with its answer, a query that stayed unanswered, or an answer whose query was missed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Dns {
    /// Endpoint at which it was seen.
    pub tag: u32,
    /// Time of the query; of the answer where the query was missed.
    pub ts_ns: u64,
    /// Who asked.
    pub client: (IpAddr, u16),
    /// Who was asked.
    pub server: (IpAddr, u16),
    /// Queried name without the final dot.
    pub qname: String,
    /// Type mnemonic.
    pub qtype: String,
    /// Class mnemonic.
    pub qclass: String,
    /// Of the answer; none where it did not come.
    pub rcode: Option<String>,
    /// Answer section.
    pub rrsets: Vec<DnsRecordSet>,
    /// Time from query to answer; none where either is missing.
    pub latency_ns: Option<u64>,
}

/// How often something odd was seen since the last drain.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnomalyCount {
    /// Endpoint at which it was seen.
    pub tag: u32,
    /// What.
    pub kind: Anomaly,
    /// How often.
    pub count: u64,
}
