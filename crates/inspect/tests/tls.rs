//! Are hellos and certificates read, however records cut them, and does the curtain fall in time?

mod support;

use kodkod_inspect::BufferKind::{
    Ja3Hash, Ja3String, Ja3sString, PktData, TlsCertFingerprint, TlsCertIssuer, TlsCertSerial, TlsCertSubject, TlsSni,
};
use kodkod_inspect::{Anomaly, Conversation, Input, Limits, Transaction, Transport};
use kodkod_stream::Direction::{ToClient, ToServer};
use support::{Recorder, cut_everywhere, every_prefix};

fn len2(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).expect("short").to_be_bytes()[..], bytes].concat()
}

fn len3(bytes: &[u8]) -> Vec<u8> {
    [&u32::try_from(bytes.len()).expect("short").to_be_bytes()[1..], bytes].concat()
}

fn record(kind: u8, contents: &[u8]) -> Vec<u8> {
    [&[kind, 3, 3][..], &len2(contents)].concat()
}

fn handshake(kind: u8, body: &[u8]) -> Vec<u8> {
    [&[kind][..], &len3(body)].concat()
}

fn extension(kind: u16, value: &[u8]) -> Vec<u8> {
    [&kind.to_be_bytes()[..], &len2(value)].concat()
}

fn client_hello() -> Vec<u8> {
    let name = len2(&[&[0][..], &len2(b"www.example.org")].concat());
    let extensions = [
        extension(0x0a0a, b""),
        extension(0, &name),
        extension(10, &len2(&[0x1a, 0x1a, 0, 29, 0, 23])),
        extension(11, &[1, 0]),
        extension(16, &len2(b"\x02h2\x08http/1.1")),
        extension(43, &[6, 0x2a, 0x2a, 3, 4, 3, 3]),
    ]
    .concat();
    let ciphers = len2(&[0x3a, 0x3a, 0x13, 0x01, 0xc0, 0x2f]);
    handshake(1, &[&[3, 3][..], &[7; 32], &[0], &ciphers, &[1, 0], &len2(&extensions)].concat())
}

fn server_hello() -> Vec<u8> {
    handshake(2, &[&[3, 3][..], &[8; 32], &[0], &[0xc0, 0x2f, 0], &len2(&extension(0xff01, &[0]))].concat())
}

fn der(tag: u8, contents: &[u8]) -> Vec<u8> {
    match u8::try_from(contents.len()) {
        Ok(len @ 0..=127) => [&[tag, len][..], contents].concat(),
        _ => [&[tag, 0x82][..], &len2(contents)].concat(),
    }
}

fn name(parts: &[(u8, &str)]) -> Vec<u8> {
    let one = |(kind, value): &(u8, &str)| {
        der(0x31, &der(0x30, &[der(6, &[0x55, 4, *kind]), der(0x0c, value.as_bytes())].concat()))
    };
    der(0x30, &parts.iter().flat_map(one).collect::<Vec<_>>())
}

fn certificate() -> Vec<u8> {
    let signed = [
        der(0xa0, &der(2, &[2])),
        der(2, &[0x0a, 0x1b, 0xff]),
        der(0x30, &[]),
        name(&[(6, "DE"), (10, "Evil CA")]),
        der(0x30, &[0; 150]),
        name(&[(6, "XX"), (3, "evil.example")]),
    ]
    .concat();
    let whole = der(0x30, &[der(0x30, &signed), der(0x30, &[])].concat());
    handshake(11, &len3(&len3(&whole)))
}

#[test]
fn hellos_and_certificate_are_told() {
    let client = record(22, &client_hello());
    // The server's messages are joined in one record and the certificate is cut in two.
    let (first, second) = (server_hello(), certificate());
    let joined = [&first[..], &second].concat();
    let (one, two) = joined.split_at(first.len() + 9);
    let server = [record(22, one), record(22, two)].concat();
    let turns = [(ToServer, &client[..]), (ToClient, &server[..])];
    let seen = cut_everywhere(443, &turns);
    every_prefix(443, &turns);
    let [hello, answer, rest] = &seen.pdus[..] else { panic!("{:?}", seen.pdus) };
    assert_eq!((hello.service, hello.bytes(PktData)), ("tls", &client[..]));
    assert_eq!(hello.text(TlsSni), "www.example.org");
    assert_eq!(hello.text(Ja3String), "771,4865-49199,0-10-11-16-43,29-23,0");
    assert_eq!(hello.text(Ja3Hash).len(), 32);
    assert_eq!(answer.text(Ja3sString), "771,49199,65281");
    assert_eq!(rest.text(TlsCertSubject), "C=XX, CN=evil.example");
    assert_eq!(rest.text(TlsCertIssuer), "C=DE, O=Evil CA");
    assert_eq!(rest.text(TlsCertSerial), "0A:1B:FF");
    assert_eq!(rest.text(TlsCertFingerprint).len(), 59);
    assert!(rest.fresh.contains(&TlsCertSubject) && !answer.fresh.contains(&TlsCertSubject));
    let [Transaction::TlsHello(asked), Transaction::TlsHello(chosen), Transaction::TlsCertificate(_)] = &seen.facts[..]
    else {
        panic!("{:?}", seen.facts)
    };
    assert_eq!((asked.version, chosen.version), (0x0304, 0x0303));
    assert_eq!(asked.alpn, ["h2", "http/1.1"]);
}

#[test]
fn the_hash_is_md5_of_the_text() {
    let seen = support::whole(443, &[(ToServer, &record(22, &client_hello()))]);
    use md5::{Digest, Md5};
    let expected: String =
        Md5::digest(seen.pdus[0].bytes(Ja3String)).iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(seen.pdus[0].text(Ja3Hash), expected);
}

#[test]
fn nothing_is_looked_at_once_both_sides_encrypt() {
    let ccs = record(20, &[1]);
    let finished = record(22, &[0xff; 40]);
    let client = [record(22, &client_hello()), ccs.clone(), finished.clone(), record(23, &[9; 500])].concat();
    let server = [record(22, &server_hello()), ccs, finished, record(23, &[9; 5000])].concat();
    let seen = cut_everywhere(443, &[(ToServer, &client), (ToClient, &server)]);
    let kinds: Vec<_> = seen.pdus.iter().map(|pdu| pdu.bytes(PktData)[0]).collect();
    assert_eq!(kinds, [22, 20, 22, 22, 20]);
    let mut conversation = Conversation::new(Transport::Tcp, 443, &Limits::default());
    conversation.on_stream(ToServer, Input::Data(&client), &mut Recorder::default());
    assert!(!conversation.is_opaque());
    conversation.on_stream(ToClient, Input::Data(&server), &mut Recorder::default());
    assert!(conversation.is_opaque());
    assert_eq!(conversation.service().name(), "tls");
}

#[test]
fn tls_1_3_is_opaque_with_the_servers_first_encrypted_record() {
    let server = [record(22, &server_hello()), record(23, &[1; 30]), record(21, &[1, 0])].concat();
    let seen = cut_everywhere(443, &[(ToServer, &record(22, &client_hello())), (ToClient, &server)]);
    assert_eq!(seen.pdus.len(), 2);
}

#[test]
fn what_is_no_record_is_read_on_plainly() {
    let client = [record(22, &client_hello()), b"\x16 plain words after all".to_vec()].concat();
    let seen = cut_everywhere(443, &[(ToServer, &client), (ToClient, b"and an answer")]);
    let texts: Vec<_> = seen.pdus[1..].iter().map(|pdu| pdu.text(PktData)).collect();
    assert_eq!(texts, [r"\x16 plain words after all", "and an answer"]);
    assert_eq!(seen.anomalies, [Anomaly::TlsMalformed]);
}

#[test]
fn a_heartbeat_in_the_clear_is_a_pdu() {
    let client = [record(22, &client_hello()), record(24, &[1, 0x40, 0])].concat();
    let seen = cut_everywhere(4711, &[(ToServer, &client)]);
    assert_eq!(seen.pdus[1].bytes(PktData), [24, 3, 3, 0, 3, 1, 0x40, 0]);
}
