//! Can a hostile peer hide bytes from the inspectors, or make them work for ever?

mod support;

use kodkod_inspect::BufferKind::{FileData, HttpUri, PktData};
use kodkod_inspect::{Anomaly, Conversation, Input, Limits, Transaction, Transport};
use kodkod_stream::Direction::{self, ToClient, ToServer};
use support::{Recorder, assert_same, cut_everywhere, play_wanting};

#[test]
fn a_request_behind_a_lost_first_segment_is_found() {
    let mut conversation = Conversation::new(Transport::Tcp, 80, &Limits::default());
    let mut recorder = Recorder::default();
    conversation.on_stream(ToServer, Input::Gap(100), &mut recorder);
    conversation.on_stream(ToServer, Input::Data(b"rest: 1\r\n\r\nGET /cmd.exe HTTP/1.1\r\n\r\n"), &mut recorder);
    let uris: Vec<_> = recorder.pdus.iter().map(|pdu| pdu.text(HttpUri)).collect();
    assert_eq!(uris, ["(none)", "/cmd.exe"]);
}

#[test]
fn a_side_that_ends_without_a_word_decides_nothing() {
    let mut conversation = Conversation::new(Transport::Tcp, 4711, &Limits::default());
    let mut recorder = Recorder::default();
    conversation.on_stream(ToServer, Input::End, &mut recorder);
    conversation.on_stream(ToClient, Input::Data(b"HTTP/1.1 200 OK\r\n\r\n"), &mut recorder);
    assert_eq!(conversation.service().name(), "http");
}

#[test]
fn a_server_that_switches_protocols_unasked_hides_no_request() {
    let garbage = b"what? HTTP/1.1\r\nHTTP/1.1 101 Switching\r\n\r\n";
    let request = b"GET /cmd.exe HTTP/1.1\r\n\r\n";
    for blanks in [0, 600] {
        let answer = [&garbage[..], &b" ".repeat(blanks)].concat();
        let seen = cut_everywhere(80, &[(ToClient, &answer), (ToServer, request)]);
        let said: usize = seen.pdus.iter().map(|pdu| pdu.bytes(PktData).len()).sum();
        assert_eq!(said, answer.len() + request.len(), "every byte is judged once: {:?}", seen.pdus);
    }
}

#[test]
fn a_request_line_behind_garbage_is_judged_at_once() {
    let mut conversation = Conversation::new(Transport::Tcp, 80, &Limits::default());
    let mut recorder = Recorder::default();
    let text = b"HEAD /1 HTTP/1.1\r\n\r\n\x01\x02\r\n \r\n GET /cmd.exe\r\n";
    conversation.on_stream(ToServer, Input::Data(text), &mut recorder);
    assert_eq!(recorder.pdus.iter().map(|pdu| pdu.text(HttpUri)).collect::<Vec<_>>(), ["/1", "(none)", "/cmd.exe"]);
}

#[test]
fn a_body_that_none_expects_may_begin_like_a_status_line() {
    for (fields, body) in [
        ("Content-Length: 7", "HTTP? x"),
        ("Transfer-Encoding: chunked", "HTTP is not a size"),
        ("Content-Length: 2", "HT"),
    ] {
        let answer = format!("HTTP/1.1 304 No\r\n{fields}\r\n\r\n{body}");
        let turns = [(ToServer, &b"GET / HTTP/1.1\r\n\r\n"[..]), (ToClient, answer.as_bytes())];
        if body == "HT" {
            // All of it may still be the start of a status line: where the stream ends there, it is judged as it stands.
            cut_everywhere(80, &turns);
            continue;
        }
        assert_eq!(cut_everywhere(80, &turns).pdus.last().map(|pdu| pdu.text(FileData)), Some(body.to_owned()));
    }
}

/// A query whose name is the last of a chain of so many pointers.
fn chained_query(pointers: u16) -> Vec<u8> {
    let questions = [0, 2];
    let mut query = [&[0, 1, 1, 0][..], &questions, &[0; 6]].concat();
    // A first question whose name is a label, and whose type and class the chain's start stands behind.
    query.extend_from_slice(b"\x01a\0\0\x01\0\x01");
    let mut target: u16 = 12;
    // The chain hides in names of questions: each is a pointer to the one before.
    for _ in 0..pointers {
        let here = u16::try_from(query.len()).expect("short");
        query.extend_from_slice(&(0xc000 | target).to_be_bytes());
        query.extend_from_slice(&[0, 1, 0, 1]);
        target = here;
    }
    let [high, low] = (pointers + 1).to_be_bytes();
    query[4..6].copy_from_slice(&[high, low]);
    query
}

#[test]
fn pointers_to_pointers_are_followed_only_so_far() {
    for (pointers, anomalies) in [(127, &[][..]), (128, &[Anomaly::DnsBadPointer][..])] {
        let mut recorder = Recorder::default();
        let mut conversation = Conversation::new(Transport::Udp, 53, &Limits::default());
        conversation.on_datagram(ToServer, &chained_query(pointers), &mut recorder);
        assert_eq!(recorder.anomalies, anomalies, "{pointers}");
        assert!(matches!(&recorder.facts[..], [Transaction::Dns(fact)] if fact.qname == "a"));
    }
}

#[test]
fn fields_that_stand_often_are_joined_once_each() {
    let fields: String = (0..150).map(|n| format!("N{}: {n}\r\n", n % 50)).collect();
    let request = format!("GET / HTTP/1.1\r\n{fields}\r\n");
    let wanted = [(kodkod_inspect::BufferKind::HttpHeader, "n7")];
    let seen = play_wanting(80, &[(ToServer, request.as_bytes())], &wanted, &Limits::default(), |_, _| 1000);
    assert_eq!(seen.fields, [Some(b"7,57,107".to_vec())]);
}

/// Pieces of protocols that, joined at random, begin, break and switch them.
const PIECES: &[&[u8]] = &[
    b"GET /a%2e/../cmd.exe?x=1 HTTP/1.1\r\n",
    b"HEAD /x HTTP/1.1\r\n\r\n",
    b"CONNECT a:22 HTTP/1.1\r\n\r\n",
    b"GET /simple\r\n",
    b"Content-Length: 7\r\n",
    b"Transfer-Encoding: chunked\r\n",
    b"Content-Encoding: gzip\r\n",
    b"\r\n",
    b"\n",
    b"\r",
    b" ",
    b"17\r\n",
    b"0\r\nT: x\r\n\r\n",
    b"HTTP/1.1 200 OK\r\n",
    b"HTTP/1.1 100 Continue\r\n\r\n",
    b"HTTP/1.1 101 Switching\r\n\r\n",
    b"HTTP/1.1 304 No\r\n",
    b"SSH-2.0-x\r\n",
    b"220 ready\r\n",
    b"EHLO a\r\n",
    b"\x00\xff",
    b"\x16\x03\x03\x00\x05\x02\x00\x00\x01\x09",
    b"\x14\x03\x03\x00\x01\x01",
    b"\x17\x03\x03\x00\x04\x01\x02\x03\x04",
    b"\x00\x0c\x01\x02\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00",
    &[b'A'; 520],
    &[b' '; 520],
];

type Turn = (bool, Vec<&'static [u8]>);

fn turns() -> impl proptest::strategy::Strategy<Value = Vec<Turn>> {
    let pieces = proptest::collection::vec(proptest::sample::select(PIECES), 1..8);
    proptest::collection::vec((proptest::prelude::any::<bool>(), pieces), 1..5)
}

proptest::proptest! {
    #[test]
    fn any_conversation_cut_anyhow_gives_the_same(
        turns in turns(),
        port in proptest::sample::select(&[80u16, 443, 53, 21, 25, 4711][..]),
        is_small in proptest::prelude::any::<bool>(),
        steps in proptest::collection::vec(1usize..700, 1..9),
    ) {
        let small = Limits { http_head_max: 1, http_body_depth: 1, ..Limits::default() };
        let limits = if is_small { small } else { Limits::default() };
        let texts: Vec<(Direction, Vec<u8>)> = turns
            .iter()
            .map(|(is_client, pieces)| (if *is_client { ToServer } else { ToClient }, pieces.concat()))
            .collect();
        let turns: Vec<_> = texts.iter().map(|(direction, text)| (*direction, &text[..])).collect();
        let expected = play_wanting(port, &turns, &[], &limits, |_, _| usize::MAX / 2);
        assert_same(&play_wanting(port, &turns, &[], &limits, |_, _| 1), &expected, "byte by byte");
        assert_same(&play_wanting(port, &turns, &[], &limits, |_, at| steps[at % steps.len()]), &expected, "cut");
    }
}
