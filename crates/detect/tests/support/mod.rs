//! Small real subjects: a PDU with given buffers, a packet made of bytes.
#![allow(dead_code, unreachable_pub, missing_docs, reason = "each test file uses its part")]

use std::net::IpAddr;

use kodkod_detect::{Alert, Detector, FlowFacts, FlowState, Options, PacketSubject, PduSubject, RuleSet, Source};
use kodkod_inspect::{BufferKind, Buffers, Pdu, Service};
use kodkod_rules::Dialect;
use kodkod_stream::Direction;
use kodkod_wire::{LinkType, decode};

pub const CLIENT: (IpAddr, u16) = (IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 1)), 40000);
pub const SERVER: (IpAddr, u16) = (IpAddr::V4(std::net::Ipv4Addr::new(10, 0, 0, 2)), 80);

pub fn rules(dialect: Dialect, text: &str) -> RuleSet {
    let options = Options { dialect: Some(dialect), ..Options::default() };
    let rules = RuleSet::compile(&[Source { name: "test.rules".into(), text: text.into() }], &options);
    for receipt in rules.receipts() {
        assert!(receipt.reasons.is_empty(), "{text}: {:?}", receipt.reasons);
    }
    assert!(!rules.is_empty(), "no rule in {text}");
    rules
}

pub fn flow(service: Service) -> FlowFacts {
    FlowFacts { client: CLIENT, server: SERVER, established: true, bytes: [100, 2000], service }
}

/// Buffers by kind, fields by kind and name.
#[derive(Default)]
pub struct Held {
    pub buffers: Vec<(BufferKind, Vec<u8>)>,
    pub fields: Vec<(BufferKind, &'static str, Vec<u8>)>,
}

impl Held {
    pub fn of(buffers: &[(BufferKind, &[u8])]) -> Self {
        Self { buffers: buffers.iter().map(|(kind, bytes)| (*kind, bytes.to_vec())).collect(), fields: Vec::new() }
    }

    pub fn payload(bytes: &[u8]) -> Self {
        Self::of(&[(BufferKind::PktData, bytes), (BufferKind::RawData, bytes)])
    }
}

impl Buffers for Held {
    fn buffer(&self, kind: BufferKind) -> Option<&[u8]> {
        self.buffers.iter().find(|(known, _)| *known == kind).map(|(_, bytes)| bytes.as_slice())
    }

    fn field(&self, kind: BufferKind, name: &[u8]) -> Option<&[u8]> {
        self.fields
            .iter()
            .find(|(known, field, _)| *known == kind && field.as_bytes() == name)
            .map(|(_, _, bytes)| bytes.as_slice())
    }
}

/// One stage of a message.
pub struct Stage<'a> {
    pub direction: Direction,
    pub service: Service,
    pub message: u64,
    pub is_last: bool,
    pub held: &'a Held,
    pub fresh: Vec<BufferKind>,
}

impl<'a> Stage<'a> {
    pub fn whole(service: Service, held: &'a Held) -> Self {
        let fresh = held.buffers.iter().map(|(kind, _)| *kind).collect();
        Self { direction: Direction::ToServer, service, message: 0, is_last: true, held, fresh }
    }
}

pub struct Judge {
    pub rules: RuleSet,
    pub detector: Detector,
    pub state: FlowState,
    pub now_s: u64,
}

impl Judge {
    pub fn new(rules: RuleSet) -> Self {
        Self { rules, detector: Detector::new(), state: FlowState::default(), now_s: 0 }
    }

    pub fn pdu(&mut self, stage: &Stage<'_>) -> Vec<Alert> {
        self.pdu_in(&flow(stage.service), stage)
    }

    pub fn pdu_in(&mut self, flow: &FlowFacts, stage: &Stage<'_>) -> Vec<Alert> {
        let pdu = Pdu {
            direction: stage.direction,
            service: stage.service,
            message: stage.message,
            fresh: &stage.fresh,
            is_last: stage.is_last,
            buffers: stage.held,
        };
        let ts_ns = self.now_s * 1_000_000_000;
        let mut alerts = Vec::new();
        let subject = PduSubject { pdu: &pdu, flow, is_tcp: true, ts_ns, tag: 0 };
        self.detector.pdu(&self.rules, &subject, &mut self.state, &mut alerts);
        alerts
    }

    pub fn sids(&self, alerts: &[Alert]) -> Vec<u32> {
        alerts.iter().map(|alert| self.rules.signature(alert.rule).sid).collect()
    }

    /// A packet from the client, in the flow of `flow(Unknown)` where it has ports.
    pub fn packet(&mut self, ip: &[u8]) -> Vec<Alert> {
        let packet = decode(LinkType::RAW, ip).unwrap();
        let facts = flow(Service::Unknown);
        let flow = packet.transport.ports().map(|_| (&facts, Direction::ToServer));
        let ts_ns = self.now_s * 1_000_000_000;
        let mut alerts = Vec::new();
        let subject = PacketSubject { packet: &packet, flow, ts_ns, tag: 0 };
        self.detector.packet(&self.rules, &subject, Some(&mut self.state), &mut alerts);
        alerts
    }
}

/// Whether a rule with these options fires on a payload of a TCP stream.
pub fn fires(dialect: Dialect, options: &str, payload: &[u8]) -> bool {
    fires_on(dialect, options, Service::Unknown, &Held::payload(payload))
}

pub fn fires_on(dialect: Dialect, options: &str, service: Service, held: &Held) -> bool {
    let text = format!("alert tcp any any -> any any ({options} sid:1; rev:1;)");
    let mut judge = Judge::new(rules(dialect, &text));
    !judge.pdu(&Stage::whole(service, held)).is_empty()
}

/// An IPv4 packet without checksums.
pub struct Ip {
    pub ttl: u8,
    pub tos: u8,
    pub id: u16,
    pub fragment: u16,
    pub protocol: u8,
    pub options: Vec<u8>,
    pub source: [u8; 4],
    pub payload: Vec<u8>,
}

impl Ip {
    pub fn new(protocol: u8, payload: Vec<u8>) -> Self {
        Self { ttl: 64, tos: 0, id: 7, fragment: 0, protocol, options: Vec::new(), source: [10, 0, 0, 1], payload }
    }

    pub fn bytes(&self) -> Vec<u8> {
        let words = 5 + u8::try_from(self.options.len() / 4).unwrap();
        let total = u16::try_from(usize::from(words) * 4 + self.payload.len()).unwrap();
        let mut bytes = vec![0x40 | words, self.tos];
        bytes.extend(total.to_be_bytes());
        bytes.extend(self.id.to_be_bytes());
        bytes.extend(self.fragment.to_be_bytes());
        bytes.extend([self.ttl, self.protocol, 0, 0]);
        bytes.extend(self.source);
        bytes.extend([10, 0, 0, 2]);
        bytes.extend(&self.options);
        bytes.extend(&self.payload);
        bytes
    }
}

pub fn icmp(kind: u8, code: u8, id: u16, seq: u16, payload: &[u8]) -> Ip {
    let mut bytes = vec![kind, code, 0, 0];
    bytes.extend(id.to_be_bytes());
    bytes.extend(seq.to_be_bytes());
    bytes.extend(payload);
    Ip::new(1, bytes)
}

pub fn tcp(flags: u8, seq: u32, ack: u32, window: u16, payload: &[u8]) -> Ip {
    let mut bytes = Vec::new();
    bytes.extend(CLIENT.1.to_be_bytes());
    bytes.extend(SERVER.1.to_be_bytes());
    bytes.extend(seq.to_be_bytes());
    bytes.extend(ack.to_be_bytes());
    bytes.extend([0x50, flags]);
    bytes.extend(window.to_be_bytes());
    bytes.extend([0, 0, 0, 0]);
    bytes.extend(payload);
    Ip::new(6, bytes)
}

pub fn udp(payload: &[u8]) -> Ip {
    let mut bytes = Vec::new();
    bytes.extend(CLIENT.1.to_be_bytes());
    bytes.extend(SERVER.1.to_be_bytes());
    bytes.extend(u16::try_from(payload.len() + 8).unwrap().to_be_bytes());
    bytes.extend([0, 0]);
    bytes.extend(payload);
    Ip::new(17, bytes)
}
