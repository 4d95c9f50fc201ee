//! Are names, answers and codes told as people write them, and is damage survived?

mod support;

use kodkod_inspect::BufferKind::{DnsQuery, PktData};
use kodkod_inspect::{Anomaly, Conversation, DnsMessage, Limits, Service, Transaction, Transport};
use kodkod_stream::Direction::{ToClient, ToServer};
use support::{Recorder, cut_everywhere, every_prefix};

fn labels(name: &str) -> Vec<u8> {
    let mut out = Vec::new();
    for label in name.split('.').filter(|label| !label.is_empty()) {
        out.push(u8::try_from(label.len()).expect("short"));
        out.extend_from_slice(label.as_bytes());
    }
    out.push(0);
    out
}

fn message(flags: u16, question: &[u8], answers: &[Vec<u8>]) -> Vec<u8> {
    let counts = [1u16, u16::try_from(answers.len()).expect("few"), 0, 0];
    let mut out = vec![0x12, 0x34];
    out.extend_from_slice(&flags.to_be_bytes());
    for count in counts {
        out.extend_from_slice(&count.to_be_bytes());
    }
    out.extend_from_slice(question);
    out.extend(answers.iter().flatten());
    out
}

fn question(name: &str, rtype: u16) -> Vec<u8> {
    [labels(name), rtype.to_be_bytes().to_vec(), vec![0, 1]].concat()
}

/// A record whose name points back at the question's.
fn record(rtype: u16, rdata: &[u8]) -> Vec<u8> {
    let len = u16::try_from(rdata.len()).expect("short");
    [&[0xc0, 12][..], &rtype.to_be_bytes(), &[0, 1, 0, 0, 0, 60], &len.to_be_bytes(), rdata].concat()
}

fn datagram(direction: kodkod_stream::Direction, payload: &[u8]) -> Recorder {
    let mut recorder = Recorder::default();
    Conversation::new(Transport::Udp, 53, &Limits::default()).on_datagram(direction, payload, &mut recorder);
    recorder
}

fn fact(recorder: &Recorder) -> &DnsMessage {
    match &recorder.facts[..] {
        [Transaction::Dns(fact)] => fact,
        other => panic!("one DNS fact, not {other:?}"),
    }
}

#[test]
fn a_query_offers_its_name() {
    let seen = datagram(ToServer, &message(0x0100, &question("www.Evildoer.xyz", 1), &[]));
    assert_eq!(seen.pdus[0].text(DnsQuery), "www.Evildoer.xyz");
    let fact = fact(&seen);
    assert_eq!((fact.id, fact.is_response, &fact.rcode), (0x1234, false, &None));
    assert_eq!((fact.qname.as_str(), fact.qtype.as_str(), fact.qclass.as_str()), ("www.Evildoer.xyz", "A", "IN"));
}

#[test]
fn answers_are_grouped_and_written_as_in_zone_files() {
    let mx = [&[0, 10][..], &[4], b"mail", &[0xc0, 12]].concat();
    let srv = [&[0, 1, 0, 2, 0x13, 0xc4][..], &labels("sip.example.org")].concat();
    let soa =
        [labels("ns.a"), labels("root.a"), [1u32, 2, 3, 4, 5].iter().flat_map(|n| n.to_be_bytes()).collect()].concat();
    let https = [
        &[0, 1, 0][..],
        &[0, 1, 0, 6, 2, b'h', b'2', 2, b'h', b'3'],
        &[0, 3, 0, 2, 0x20, 0xfb],
        &[0, 4, 0, 4, 192, 0, 2, 1],
    ]
    .concat();
    let cases: &[(u16, Vec<u8>, &str, &str)] = &[
        (1, vec![192, 0, 2, 1], "A", "192.0.2.1"),
        (28, [vec![0x20, 1, 0xd, 0xb8], vec![0; 11], vec![1]].concat(), "AAAA", "2001:db8::1"),
        (5, labels("cdn.example.net"), "CNAME", "cdn.example.net"),
        (12, labels("host"), "PTR", "host"),
        (2, vec![0], "NS", "."),
        (15, mx, "MX", "10 mail.example.com"),
        (16, b"\x05a \"b\\\x01\xff".to_vec(), "TXT", r#""a \"b\\" "\255""#),
        (33, srv, "SRV", "1 2 5060 sip.example.org"),
        (6, soa, "SOA", "ns.a root.a 1 2 3 4 5"),
        (257, b"\x00\x05issueca.example".to_vec(), "CAA", r#"0 issue "ca.example""#),
        (65, https, "HTTPS", "1 . alpn=h2,h3 port=8443 ipv4hint=192.0.2.1"),
        (65280, vec![0xab, 0xcd], "TYPE65280", r"\# 2 abcd"),
        (1, vec![1, 2, 3], "A", r"\# 3 010203"),
    ];
    for (rtype, rdata, type_name, text) in cases {
        let answer = message(0x8180, &question("example.com", *rtype), &[record(*rtype, rdata), record(*rtype, rdata)]);
        let seen = datagram(ToClient, &answer);
        let fact = fact(&seen);
        let [set] = &fact.rrsets[..] else { panic!("one set: {fact:?}") };
        assert_eq!((set.name.as_str(), set.rtype.as_str(), set.class.as_str()), ("example.com", *type_name, "IN"));
        assert_eq!(set.rdata, [*text, *text]);
        assert_eq!(fact.rcode.as_deref(), Some("NoError"));
        assert_eq!(seen.pdus[0].text(DnsQuery), "(none)");
        assert!(seen.anomalies.is_empty());
    }
}

#[test]
fn response_codes_have_ianas_names() {
    for (code, name) in [(0, "NoError"), (1, "FormErr"), (2, "ServFail"), (3, "NXDomain"), (5, "Refused"), (15, "15")] {
        let seen = datagram(ToClient, &message(0x8180 | code, &question("a", 1), &[]));
        assert_eq!(fact(&seen).rcode.as_deref(), Some(name));
    }
}

#[test]
fn pointers_go_backwards_only() {
    for pointer in [[0xc0, 12], [0xc0, 14], [0xff, 0xff]] {
        let looping = [&pointer[..], &[0, 1, 0, 1]].concat();
        let seen = datagram(ToServer, &message(0x0100, &looping, &[]));
        assert_eq!(seen.anomalies, [Anomaly::DnsBadPointer]);
        assert!(seen.facts.is_empty());
    }
}

#[test]
fn names_escape_what_would_mislead() {
    let odd = [&[3][..], b"a.b", &[2], b" \x07", &[0, 0, 1, 0, 1]].concat();
    let seen = datagram(ToServer, &message(0x0100, &odd, &[]));
    assert_eq!(fact(&seen).qname, r"a\.b.\032\007");
    assert_eq!(seen.pdus[0].bytes(DnsQuery), b"a.b. \x07");
}

#[test]
fn every_prefix_of_a_datagram_survives() {
    let answer = message(0x8180, &question("example.com", 15), &[record(15, &[0, 1, 1, b'm', 0xc0, 12])]);
    for len in 0..answer.len() {
        let seen = datagram(ToClient, &answer[..len]);
        assert_eq!(seen.anomalies.len(), 1, "cut at {len}");
        assert_eq!(seen.pdus.len(), 1);
    }
}

#[test]
fn over_tcp_each_message_stands_behind_its_length() {
    let framed =
        |message: Vec<u8>| [u16::try_from(message.len()).expect("short").to_be_bytes().to_vec(), message].concat();
    let queries =
        [framed(message(0x0100, &question("a.b", 1), &[])), framed(message(0x0100, &question("c.d", 28), &[]))]
            .concat();
    let answer = framed(message(0x8180, &question("a.b", 1), &[record(1, &[192, 0, 2, 1])]));
    let turns = [(ToServer, &queries[..]), (ToClient, &answer[..])];
    let seen = cut_everywhere(53, &turns);
    let names: Vec<_> = seen.pdus.iter().map(|pdu| (pdu.service, pdu.text(DnsQuery))).collect();
    assert_eq!(names, [("dns", "a.b".into()), ("dns", "c.d".into()), ("dns", "(none)".into())]);
    assert_eq!(seen.pdus[2].bytes(PktData), answer);
    assert_eq!(seen.facts.len(), 3);
    every_prefix(53, &turns);
}

#[test]
fn dns_is_known_on_any_port_by_its_shape() {
    let mut conversation = Conversation::new(Transport::Udp, 5300, &Limits::default());
    conversation.on_datagram(ToServer, &message(0x0100, &question("a.b", 1), &[]), &mut Recorder::default());
    assert_eq!(conversation.service(), Service::Dns);
}

proptest::proptest! {
    #[test]
    fn any_bytes_survive(bytes in proptest::collection::vec(proptest::prelude::any::<u8>(), 0..200)) {
        let seen = datagram(ToClient, &bytes);
        proptest::prop_assert_eq!(seen.pdus.len(), 1);
    }
}
