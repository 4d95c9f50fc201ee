//! What did the conversation find, and does the cut into segments change it?
#![allow(dead_code, reason = "each test file uses its part")]

use kodkod_inspect::{Anomaly, BufferKind, Conversation, Input, Limits, Pdu, Sink, Transaction, Transport};
use kodkod_stream::Direction::{self, ToClient, ToServer};

/// Kinds that a recorded PDU is asked for.
pub(crate) const KINDS: &[BufferKind] = &[
    BufferKind::PktData,
    BufferKind::RawData,
    BufferKind::FileData,
    BufferKind::HttpUri,
    BufferKind::HttpRawUri,
    BufferKind::HttpHeader,
    BufferKind::HttpRawHeader,
    BufferKind::HttpCookie,
    BufferKind::HttpRawCookie,
    BufferKind::HttpMethod,
    BufferKind::HttpClientBody,
    BufferKind::HttpRawBody,
    BufferKind::HttpStatCode,
    BufferKind::HttpStatMsg,
    BufferKind::HttpVersion,
    BufferKind::HttpRawRequest,
    BufferKind::HttpRawStatus,
    BufferKind::HttpTrailer,
    BufferKind::HttpTrueIp,
    BufferKind::HttpHost,
    BufferKind::DnsQuery,
    BufferKind::TlsSni,
    BufferKind::TlsCertSubject,
    BufferKind::TlsCertIssuer,
    BufferKind::TlsCertSerial,
    BufferKind::TlsCertFingerprint,
    BufferKind::Ja3String,
    BufferKind::Ja3Hash,
    BufferKind::Ja3sString,
    BufferKind::Ja3sHash,
];

/// One PDU, copied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub direction: Direction,
    pub service: &'static str,
    pub message: u64,
    pub is_last: bool,
    pub fresh: Vec<BufferKind>,
    pub buffers: Vec<(BufferKind, Vec<u8>)>,
}

impl Seen {
    pub(crate) fn text(&self, kind: BufferKind) -> String {
        let found = self.buffers.iter().find(|(of, _)| *of == kind);
        found.map_or_else(|| "(none)".to_owned(), |(_, bytes)| bytes.escape_ascii().to_string())
    }

    pub(crate) fn bytes(&self, kind: BufferKind) -> &[u8] {
        self.buffers.iter().find(|(of, _)| *of == kind).map_or(&[], |(_, bytes)| bytes)
    }
}

/// Keeps everything. `fields` asks each PDU for these named parts too.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Recorder {
    pub pdus: Vec<Seen>,
    pub fields: Vec<Option<Vec<u8>>>,
    pub facts: Vec<Transaction>,
    pub anomalies: Vec<Anomaly>,
    pub wanted: Vec<(BufferKind, &'static str)>,
}

impl Sink for Recorder {
    fn pdu(&mut self, pdu: &Pdu<'_>) {
        let copy = |kind: &BufferKind| pdu.buffers.buffer(*kind).map(|bytes| (*kind, bytes.to_vec()));
        self.pdus.push(Seen {
            direction: pdu.direction,
            service: pdu.service.name(),
            message: pdu.message,
            is_last: pdu.is_last,
            fresh: pdu.fresh.to_vec(),
            buffers: KINDS.iter().filter_map(copy).collect(),
        });
        let field = |(kind, name): &(BufferKind, &str)| pdu.buffers.field(*kind, name.as_bytes()).map(<[u8]>::to_vec);
        self.fields.extend(self.wanted.iter().map(field));
    }

    fn transaction(&mut self, fact: Transaction) {
        self.facts.push(fact);
    }

    fn wants_http(&self) -> bool {
        true
    }

    fn anomaly(&mut self, anomaly: Anomaly) {
        self.anomalies.push(anomaly);
    }
}

/// What one side says, in the order of speaking.
pub(crate) type Said<'a> = (Direction, &'a [u8]);

/// Play the turns in pieces: `piece(turn, said so far)` gives the next piece's length.
pub(crate) fn play(port: u16, turns: &[Said<'_>], piece: impl Fn(usize, usize) -> usize) -> Recorder {
    play_wanting(port, turns, &[], &Limits::default(), piece)
}

pub(crate) fn play_wanting(
    port: u16,
    turns: &[Said<'_>],
    wanted: &[(BufferKind, &'static str)],
    limits: &Limits,
    piece: impl Fn(usize, usize) -> usize,
) -> Recorder {
    let mut conversation = Conversation::new(Transport::Tcp, port, limits);
    let mut recorder = Recorder { wanted: wanted.to_vec(), ..Recorder::default() };
    for (turn, (direction, bytes)) in turns.iter().enumerate() {
        let mut at = 0;
        while at < bytes.len() {
            let end = (at + piece(turn, at).max(1)).min(bytes.len());
            conversation.on_stream(*direction, Input::Data(&bytes[at..end]), &mut recorder);
            at = end;
        }
    }
    conversation.on_stream(ToServer, Input::End, &mut recorder);
    conversation.on_stream(ToClient, Input::End, &mut recorder);
    recorder
}

pub(crate) fn whole(port: u16, turns: &[Said<'_>]) -> Recorder {
    play(port, turns, |_, _| usize::MAX / 2)
}

/// Play the turns whole, byte by byte, and cut in two at every place of every turn: all must find the same.
pub(crate) fn cut_everywhere(port: u16, turns: &[Said<'_>]) -> Recorder {
    let expected = whole(port, turns);
    assert_same(&play(port, turns, |_, _| 1), &expected, "byte by byte");
    for (turn, (_, bytes)) in turns.iter().enumerate() {
        for cut in 1..bytes.len() {
            let piece = |of: usize, at: usize| if of == turn && at == 0 { cut } else { usize::MAX / 2 };
            assert_same(&play(port, turns, piece), &expected, &format!("turn {turn} cut at {cut}"));
        }
    }
    expected
}

pub(crate) fn assert_same(found: &Recorder, expected: &Recorder, how: &str) {
    for (found, expected) in found.pdus.iter().zip(&expected.pdus) {
        assert_eq!(found, expected, "{how}");
    }
    assert_eq!(found, expected, "{how}");
}

/// Play every prefix of the last turn: whatever is found, nothing breaks.
pub(crate) fn every_prefix(port: u16, turns: &[Said<'_>]) {
    let Some(((direction, last), before)) = turns.split_last() else { return };
    for len in 0..last.len() {
        let mut cut = before.to_vec();
        cut.push((*direction, &last[..len]));
        whole(port, &cut);
    }
}
