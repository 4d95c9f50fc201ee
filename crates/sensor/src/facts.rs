//! What leaves the engine: owned, in the order it was found.

use std::net::IpAddr;

use kodkod_inspect::{Anomaly, DnsRecordSet, Service};
use kodkod_stream::Identity;

/// What was found since the last drain.
#[derive(Debug, Default)]
pub struct Facts {
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
        self.flows.is_empty() && self.dns.is_empty() && self.anomalies.is_empty()
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
