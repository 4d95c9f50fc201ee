//! Which names does this flow ask for, and what is it told?

use kodkod_stream::Direction;

use crate::conversation::{Input, Outcome, Sink};
use crate::{Anomaly, BufferKind, Buffers, Pdu, Service, Transaction};

mod codes;
mod messages;
mod names;
mod rdata;

use messages::message;

const FRESH: &[BufferKind] = &[BufferKind::PktData, BufferKind::RawData, BufferKind::DnsQuery];

/// Hand out one message. `packet` is what rules see as the packet: with the length before it where TCP carried it.
pub(crate) fn emit(direction: Direction, count: u64, packet: &[u8], body: &[u8], sink: &mut dyn Sink) {
    let parsed = message(body);
    let query = parsed.as_ref().filter(|parsed| !parsed.fact.is_response).and_then(|parsed| parsed.query.as_deref());
    let buffers = Message { packet, query };
    sink.pdu(&Pdu { direction, service: Service::Dns, message: count, fresh: FRESH, is_last: true, buffers: &buffers });
    match parsed {
        None => sink.anomaly(Anomaly::DnsMalformed),
        Some(parsed) => {
            if let Some(anomaly) = parsed.anomaly {
                sink.anomaly(anomaly);
            }
            // Without a question there is nothing that pairs query and answer.
            if parsed.query.is_some() {
                sink.transaction(Transaction::Dns(parsed.fact));
            }
        }
    }
}

struct Message<'a> {
    packet: &'a [u8],
    query: Option<&'a [u8]>,
}

impl Buffers for Message<'_> {
    fn buffer(&self, kind: BufferKind) -> Option<&[u8]> {
        match kind {
            BufferKind::PktData | BufferKind::RawData => Some(self.packet),
            BufferKind::DnsQuery => self.query,
            _ => None,
        }
    }

    fn field(&self, _: BufferKind, _: &[u8]) -> Option<&[u8]> {
        None
    }
}

/// DNS over TCP: each message behind its length in two bytes (RFC 1035 section 4.2.2). A message is at most 64 KiB long,
/// so that no other bound is needed.
#[derive(Debug, Default)]
pub(crate) struct Stream {
    sides: [Side; 2],
}

#[derive(Debug, Default)]
struct Side {
    held: Vec<u8>,
    message: u64,
}

impl Stream {
    pub(crate) fn on_stream(&mut self, direction: Direction, input: Input<'_>, sink: &mut dyn Sink) -> Outcome {
        let [to_server, to_client] = &mut self.sides;
        let side = if direction == Direction::ToServer { to_server } else { to_client };
        match input {
            Input::Data(data) => side.on_data(direction, data, sink),
            Input::End => side.flush(direction, sink),
            // Where the next message begins is unknown for good: nothing in DNS marks it.
            Input::Gap(_) => return Outcome::Unframed(0),
        }
        Outcome::Stay
    }

    /// What each side has begun to say.
    pub(crate) fn into_held(self) -> [Vec<u8>; 2] {
        self.sides.map(|side| side.held)
    }
}

impl Side {
    fn on_data(&mut self, direction: Direction, mut data: &[u8], sink: &mut dyn Sink) {
        // Ends because each turn takes a whole message or holds the rest.
        while !data.is_empty() {
            let mut first = self.held.iter().chain(data);
            let needed = match (first.next(), first.next()) {
                (Some(high), Some(low)) => usize::from(u16::from_be_bytes([*high, *low])).saturating_add(2),
                _ => usize::MAX,
            };
            let missing = needed.saturating_sub(self.held.len());
            let Some((now, later)) = data.split_at_checked(missing) else {
                self.held.extend_from_slice(data);
                return;
            };
            if self.held.is_empty() {
                emit(direction, self.message, now, now.get(2..).unwrap_or_default(), sink);
            } else {
                self.held.extend_from_slice(now);
                emit(direction, self.message, &self.held, self.held.get(2..).unwrap_or_default(), sink);
                self.held = Vec::new();
            }
            self.message = self.message.wrapping_add(1);
            data = later;
        }
    }

    fn flush(&mut self, direction: Direction, sink: &mut dyn Sink) {
        let held = std::mem::take(&mut self.held);
        if !held.is_empty() {
            sink.anomaly(Anomaly::DnsMalformed);
            crate::plain::emit(Service::Dns, direction, self.message, &held, sink);
            self.message = self.message.wrapping_add(1);
        }
    }
}
