//! Who talks to whom behind TLS, and when does the curtain fall?
//!
//! Each record in the clear is a PDU, its header included, so that a rule can tell a record's type (byte 0) and a
//! handshake message's (byte 5). Once both sides encrypt there is nothing more to see.

use kodkod_stream::Direction;

use crate::conversation::{Input, Outcome, Sink};
use crate::{Anomaly, BufferKind, Buffers, Pdu, Service, TlsCertificate, TlsHello, Transaction};

mod certificates;
mod handshakes;
mod hellos;

use certificates::Certificate;
use handshakes::{Handshakes, Told};
use hellos::Hello;

/// Longest contents of a record: 16 KiB and what old ciphers add (RFC 5246 section 6.2.3).
const RECORD_MAX: usize = 16 * 1024 + 2048;
const HEADER_LEN: usize = 5;

const CHANGE_CIPHER_SPEC: u8 = 20;
const HANDSHAKE: u8 = 22;
const APPLICATION_DATA: u8 = 23;

/// Both directions of a TLS connection until it is opaque.
#[derive(Debug, Default)]
pub(crate) struct Session {
    sides: [Side; 2],
}

#[derive(Debug, Default)]
struct Side {
    held: Vec<u8>,
    /// Contents of an encrypted record that are still to come.
    skip: usize,
    message: u64,
    handshakes: Handshakes,
    is_encrypted: bool,
    has_application_data: bool,
    facts: Facts,
}

/// What one side has told so far.
#[derive(Debug, Default)]
struct Facts {
    hello: Option<Hello>,
    certificate: Option<Certificate>,
}

/// What the first bytes of a record say.
enum Record {
    More,
    /// Length with the header.
    Clear(usize),
    /// The same, contents not worth keeping.
    Encrypted(usize),
    Lost,
}

impl Session {
    pub(crate) fn on_stream(&mut self, direction: Direction, input: Input<'_>, sink: &mut dyn Sink) -> Outcome {
        let [to_server, to_client] = &mut self.sides;
        let (side, other) = match direction {
            Direction::ToServer => (to_server, to_client),
            Direction::ToClient => (to_client, to_server),
        };
        match input {
            Input::Data(data) => side.on_data(direction, data, other.is_encrypted, sink),
            Input::Gap(len) => match usize::try_from(len).ok().and_then(|len| side.skip.checked_sub(len)) {
                Some(rest) => {
                    side.skip = rest;
                    Outcome::Stay
                }
                None => Outcome::Unframed(0),
            },
            Input::End => {
                side.flush(direction, sink);
                Outcome::Stay
            }
        }
    }

    /// Bytes that the next input of this direction may skip unseen: encrypted contents.
    pub(crate) fn skippable(&self, direction: Direction) -> u64 {
        let [to_server, to_client] = &self.sides;
        let side = if direction == Direction::ToServer { to_server } else { to_client };
        u64::try_from(side.skip).unwrap_or(0)
    }

    /// What each side has begun to say.
    pub(crate) fn into_held(self) -> [Vec<u8>; 2] {
        self.sides.map(|side| side.held)
    }
}

impl Side {
    fn on_data(
        &mut self,
        direction: Direction,
        mut data: &[u8],
        is_other_encrypted: bool,
        sink: &mut dyn Sink,
    ) -> Outcome {
        // Ends because each turn takes what is skipped, a record, or all the rest.
        loop {
            if self.is_opaque(direction, is_other_encrypted) {
                return Outcome::Opaque;
            }
            let skipped = self.skip.min(data.len());
            self.skip = self.skip.saturating_sub(skipped);
            data = data.get(skipped..).unwrap_or_default();
            if data.is_empty() {
                return Outcome::Stay;
            }
            match self.record(data) {
                Record::Lost => {
                    sink.anomaly(Anomaly::TlsMalformed);
                    return Outcome::Unframed(data.len());
                }
                Record::More => {
                    self.held.extend_from_slice(data);
                    return Outcome::Stay;
                }
                Record::Encrypted(len) => {
                    self.skip = len.saturating_sub(self.held.len());
                    self.held = Vec::new();
                    self.is_encrypted = true;
                    self.has_application_data = true;
                }
                Record::Clear(len) => {
                    let missing = len.saturating_sub(self.held.len());
                    let Some((now, later)) = data.split_at_checked(missing) else {
                        self.held.extend_from_slice(data);
                        return Outcome::Stay;
                    };
                    self.whole_record(direction, now, sink);
                    data = later;
                }
            }
        }
    }

    /// A client may send early data before the server has said a word: its application data alone is no curtain.
    fn is_opaque(&self, direction: Direction, is_other_encrypted: bool) -> bool {
        let both = self.is_encrypted && is_other_encrypted;
        both || (self.has_application_data && direction == Direction::ToClient)
    }

    fn record(&self, data: &[u8]) -> Record {
        let mut first = self.held.iter().chain(data).copied();
        let (Some(kind), Some(second)) = (first.next(), first.next()) else { return Record::More };
        // Only a first message may be in the old framing (RFC 5246 appendix E.2).
        if kind & 0x80 != 0 && self.message == 0 {
            return Record::Clear(usize::from(u16::from_be_bytes([kind & 0x7f, second])).saturating_add(2));
        }
        if !matches!(kind, 20..=24) || second != 3 {
            return Record::Lost;
        }
        let (Some(_), Some(high), Some(low)) = (first.next(), first.next(), first.next()) else { return Record::More };
        let contents = usize::from(u16::from_be_bytes([high, low]));
        let len = contents.saturating_add(HEADER_LEN);
        match kind {
            _ if contents > RECORD_MAX => Record::Lost,
            APPLICATION_DATA => Record::Encrypted(len),
            _ => Record::Clear(len),
        }
    }

    fn whole_record(&mut self, direction: Direction, now: &[u8], sink: &mut dyn Sink) {
        if self.held.is_empty() {
            self.on_record(direction, now, sink);
        } else {
            let mut held = std::mem::take(&mut self.held);
            held.extend_from_slice(now);
            self.on_record(direction, &held, sink);
        }
    }

    fn on_record(&mut self, direction: Direction, record: &[u8], sink: &mut dyn Sink) {
        let contents = record.get(HEADER_LEN..).unwrap_or_default();
        let mut fresh = vec![BufferKind::PktData, BufferKind::RawData];
        let mut told = Vec::new();
        match record.first() {
            Some(&CHANGE_CIPHER_SPEC) => self.is_encrypted = true,
            Some(&HANDSHAKE) if !self.is_encrypted => self.handshakes.take(contents, |one| told.push(one)),
            _ => {}
        }
        let facts = told.into_iter().filter_map(|one| self.learn(direction, one, &mut fresh, sink)).collect::<Vec<_>>();
        let buffers = Buffered { direction, record, facts: &self.facts };
        let message = self.message;
        sink.pdu(&Pdu { direction, service: Service::Tls, message, fresh: &fresh, is_last: true, buffers: &buffers });
        self.message = message.wrapping_add(1);
        facts.into_iter().for_each(|fact| sink.transaction(fact));
    }

    fn learn(
        &mut self,
        direction: Direction,
        told: Result<Told, Anomaly>,
        fresh: &mut Vec<BufferKind>,
        sink: &mut dyn Sink,
    ) -> Option<Transaction> {
        match told {
            Err(anomaly) => {
                sink.anomaly(anomaly);
                None
            }
            Ok(Told::ClientHello(hello)) => {
                fresh.extend([BufferKind::TlsSni, BufferKind::Ja3String, BufferKind::Ja3Hash]);
                let fact = hello_fact(direction, &hello);
                self.facts.hello = Some(hello);
                Some(fact)
            }
            Ok(Told::ServerHello(hello)) => {
                fresh.extend([BufferKind::Ja3sString, BufferKind::Ja3sHash]);
                let fact = hello_fact(direction, &hello);
                self.facts.hello = Some(hello);
                Some(fact)
            }
            Ok(Told::Certificate(certificate)) => {
                fresh.extend([BufferKind::TlsCertSubject, BufferKind::TlsCertIssuer]);
                fresh.extend([BufferKind::TlsCertSerial, BufferKind::TlsCertFingerprint]);
                let fact = Transaction::TlsCertificate(TlsCertificate {
                    subject: text(&certificate.subject),
                    issuer: text(&certificate.issuer),
                    serial: certificate.serial.clone(),
                    fingerprint: certificate.fingerprint.clone(),
                });
                self.facts.certificate = Some(certificate);
                Some(fact)
            }
        }
    }

    /// The stream ends inside a record.
    fn flush(&mut self, direction: Direction, sink: &mut dyn Sink) {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            crate::plain::emit(Service::Tls, direction, self.message, &held, sink);
            self.message = self.message.wrapping_add(1);
        }
    }
}

fn hello_fact(direction: Direction, hello: &Hello) -> Transaction {
    Transaction::TlsHello(TlsHello {
        direction,
        version: hello.version,
        server_name: hello.server_name.as_deref().map(text),
        alpn: hello.alpn.iter().map(|name| text(name)).collect(),
        ja3: hello.ja3_hash.clone(),
    })
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

struct Buffered<'a> {
    direction: Direction,
    record: &'a [u8],
    facts: &'a Facts,
}

impl Buffers for Buffered<'_> {
    fn buffer(&self, kind: BufferKind) -> Option<&[u8]> {
        let is_client = self.direction == Direction::ToServer;
        let hello = self.facts.hello.as_ref();
        let certificate = self.facts.certificate.as_ref();
        match kind {
            BufferKind::PktData | BufferKind::RawData => Some(self.record),
            BufferKind::TlsSni => hello?.server_name.as_deref(),
            BufferKind::Ja3String if is_client => Some(hello?.ja3.as_bytes()),
            BufferKind::Ja3Hash if is_client => Some(hello?.ja3_hash.as_bytes()),
            BufferKind::Ja3sString if !is_client => Some(hello?.ja3.as_bytes()),
            BufferKind::Ja3sHash if !is_client => Some(hello?.ja3_hash.as_bytes()),
            BufferKind::TlsCertSubject => Some(&certificate?.subject),
            BufferKind::TlsCertIssuer => Some(&certificate?.issuer),
            BufferKind::TlsCertSerial => Some(certificate?.serial.as_bytes()),
            BufferKind::TlsCertFingerprint => Some(certificate?.fingerprint.as_bytes()),
            _ => None,
        }
    }

    fn field(&self, _: BufferKind, _: &[u8]) -> Option<&[u8]> {
        None
    }
}
