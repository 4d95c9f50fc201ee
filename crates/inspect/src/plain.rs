//! Which bytes belong together where no inspector knows the protocol?
//!
//! A direction's bytes are one PDU until the other side speaks, the stream pauses, ends or has a hole, or a fixed size
//! is reached. Framed protocols are cut at their frames, line protocols at their lines. Segment edges never matter.

use kodkod_stream::Direction;

use crate::conversation::{Input, Sink};
use crate::{Anomaly, BufferKind, Buffers, Limits, Pdu, Service};

mod framing;

use framing::{Cut, Framing};

/// The kinds a plain PDU offers.
const FRESH: &[BufferKind] = &[BufferKind::PktData, BufferKind::RawData];
/// Those of a file transfer.
const FRESH_FILE: &[BufferKind] = &[BufferKind::PktData, BufferKind::RawData, BufferKind::FileData];

/// Both directions of a stream without an inspector of its own.
#[derive(Debug)]
pub(crate) struct Plain {
    service: Service,
    pdu_max: usize,
    sides: [Side; 2],
}

#[derive(Debug, Default)]
struct Side {
    held: Vec<u8>,
    message: u64,
    framing: Framing,
}

impl Plain {
    pub(crate) fn new(service: Service, limits: &Limits) -> Self {
        let pdu_max = usize::try_from(limits.plain_pdu_max).unwrap_or(usize::MAX).max(1);
        let side = |direction| Side { framing: Framing::of(service, direction), ..Side::default() };
        Self { service, pdu_max, sides: [side(Direction::ToServer), side(Direction::ToClient)] }
    }

    /// Without frames and lines, where those of the protocol are lost.
    pub(crate) fn unframed(service: Service, limits: &Limits) -> Self {
        Self { service, ..Self::new(Service::Unknown, limits) }
    }

    pub(crate) fn service(&self) -> Service {
        self.service
    }

    /// Take the next input of one direction; what the other side had said so far is a PDU now.
    pub(crate) fn on_stream(&mut self, direction: Direction, input: Input<'_>, sink: &mut dyn Sink) {
        match input {
            Input::Data([]) => {}
            Input::Data(data) => {
                self.flush(direction.reversed(), sink);
                self.on_data(direction, data, sink);
            }
            Input::Gap(_) => {
                self.flush(direction, sink);
                self.side(direction).framing.restart();
                sink.anomaly(Anomaly::Gap);
            }
            Input::End => self.flush(direction, sink),
        }
    }

    /// Hand out what is held: nobody has spoken for a while.
    pub(crate) fn on_idle(&mut self, sink: &mut dyn Sink) {
        self.flush(Direction::ToServer, sink);
        self.flush(Direction::ToClient, sink);
    }

    /// Cut this direction at lines again, if its service has them.
    pub(crate) fn read_lines(&mut self, direction: Direction, service: Service) {
        self.side(direction).framing = Framing::of(service, direction);
    }

    /// Cut this direction only at turns and sizes: what comes is no command.
    pub(crate) fn read_turns(&mut self, direction: Direction) {
        self.side(direction).framing = Framing::Turns;
    }

    /// Hand out a PDU beside the stream's own, with one kind of bytes.
    pub(crate) fn emit_file(&mut self, direction: Direction, file: &[u8], sink: &mut dyn Sink) {
        let service = self.service;
        let side = self.side(direction);
        let (message, fresh) = (side.message, &[BufferKind::FileData]);
        sink.pdu(&Pdu { direction, service, message, fresh, is_last: true, buffers: &File(file) });
        side.message = message.wrapping_add(1);
    }

    fn side(&mut self, direction: Direction) -> &mut Side {
        let [to_server, to_client] = &mut self.sides;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    fn on_data(&mut self, direction: Direction, mut data: &[u8], sink: &mut dyn Sink) {
        let (service, pdu_max) = (self.service, self.pdu_max);
        let side = self.side(direction);
        // Ends because each turn takes at least one byte of data or holds all of it.
        while !data.is_empty() {
            let room = pdu_max.saturating_sub(side.held.len()).max(1);
            let window = data.get(..room.min(data.len())).unwrap_or(data);
            match side.framing.cut(&side.held, window) {
                Cut::After(taken) => {
                    let (now, later) = data.split_at_checked(taken.max(1)).unwrap_or((data, &[]));
                    side.emit(service, direction, now, sink);
                    side.framing.restart();
                    data = later;
                }
                Cut::Lost => {
                    sink.anomaly(Anomaly::FrameLost);
                    side.framing = Framing::Turns;
                }
                Cut::More if window.len() == room => {
                    let (now, later) = data.split_at_checked(room).unwrap_or((data, &[]));
                    side.framing.skipped(&side.held, now);
                    side.emit(service, direction, now, sink);
                    data = later;
                }
                Cut::More => {
                    side.held.extend_from_slice(data);
                    data = &[];
                }
            }
        }
    }

    /// Hand out what this direction holds.
    pub(crate) fn flush(&mut self, direction: Direction, sink: &mut dyn Sink) {
        let service = self.service;
        let side = self.side(direction);
        if !side.held.is_empty() {
            side.framing.skipped(&side.held, &[]);
            side.emit(service, direction, &[], sink);
            // A quiet flow keeps no buffer.
            side.held = Vec::new();
        }
    }
}

impl Side {
    fn emit(&mut self, service: Service, direction: Direction, now: &[u8], sink: &mut dyn Sink) {
        if self.held.is_empty() {
            emit(service, direction, self.message, now, sink);
        } else {
            self.held.extend_from_slice(now);
            emit(service, direction, self.message, &self.held, sink);
            self.held.clear();
        }
        self.message = self.message.wrapping_add(1);
    }
}

/// Offer bytes as one PDU without further buffers.
pub(crate) fn emit(service: Service, direction: Direction, message: u64, bytes: &[u8], sink: &mut dyn Sink) {
    let is_file = service == Service::FtpData;
    let fresh = if is_file { FRESH_FILE } else { FRESH };
    let buffers = Bytes { bytes, is_file };
    sink.pdu(&Pdu { direction, service, message, fresh, is_last: true, buffers: &buffers });
}

/// The same where the bytes are a file, or may be.
pub(crate) fn emit_file(service: Service, direction: Direction, message: u64, bytes: &[u8], sink: &mut dyn Sink) {
    let buffers = Bytes { bytes, is_file: true };
    sink.pdu(&Pdu { direction, service, message, fresh: FRESH_FILE, is_last: true, buffers: &buffers });
}

struct Bytes<'a> {
    bytes: &'a [u8],
    is_file: bool,
}

impl Buffers for Bytes<'_> {
    fn buffer(&self, kind: BufferKind) -> Option<&[u8]> {
        match kind {
            BufferKind::PktData | BufferKind::RawData => Some(self.bytes),
            BufferKind::FileData if self.is_file => Some(self.bytes),
            _ => None,
        }
    }

    fn field(&self, _: BufferKind, _: &[u8]) -> Option<&[u8]> {
        None
    }
}

/// A file without the stream it came in.
struct File<'a>(&'a [u8]);

impl Buffers for File<'_> {
    fn buffer(&self, kind: BufferKind) -> Option<&[u8]> {
        (kind == BufferKind::FileData).then_some(self.0)
    }

    fn field(&self, _: BufferKind, _: &[u8]) -> Option<&[u8]> {
        None
    }
}
