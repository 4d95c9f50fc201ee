//! What does the pcapng format say?
//!
//! Source: <https://www.ietf.org/archive/id/draft-ietf-opsawg-pcapng-02.html>. Section headers, interface descriptions and
//! the three kinds of packet blocks are read; every other block is skipped by its length without being held.

use std::io::Read;

use crate::error::{ReadError, ReadProblem};
use crate::reader::{PACKET_LEN_MAX, Record, SNAP_LEN_MAX};
use crate::source::Source;
use crate::{NANOS, index};

/// Block type of a section header: the same in either byte order, and the magic number of the format.
pub(crate) const SECTION_HEADER: [u8; 4] = [0x0a, 0x0d, 0x0d, 0x0a];

const INTERFACE: u32 = 1;
const OLD_PACKET: u32 = 2;
const SIMPLE_PACKET: u32 = 3;
const ENHANCED_PACKET: u32 = 6;

const BYTE_ORDER_MARK: u32 = 0x1a2b_3c4d;
/// Type, length, length again: the smallest block.
const BLOCK_LEN_MIN: u32 = 12;
/// A block we hold in the window: a packet at its longest, with room for its options.
const BLOCK_LEN_MAX: u32 = SNAP_LEN_MAX + 1024 * 1024;
/// Interfaces of one section. More would be a file made to fill our memory.
const INTERFACES_MAX: usize = 65_536;

const OPTION_END: u16 = 0;
const OPTION_TIME_RESOLUTION: u16 = 9;
const OPTION_TIME_OFFSET: u16 = 14;

/// The section being read.
pub(crate) struct Pcapng {
    big_endian: bool,
    interfaces: Vec<Interface>,
    last_ts_ns: u64,
}

#[derive(Clone, Copy)]
struct Interface {
    link: u32,
    snap_len: u32,
    resolution: Resolution,
    offset_s: i64,
}

/// Ticks of a timestamp.
#[derive(Clone, Copy)]
enum Resolution {
    /// 10^-n seconds.
    Decimal(u8),
    /// 2^-n seconds.
    Binary(u8),
}

/// A packet block's fixed part.
struct PacketHead {
    interface: u32,
    ticks: Option<u64>,
    captured_len: u32,
    wire_len: u32,
    head_len: usize,
}

impl Pcapng {
    pub(crate) fn open<R: Read>(source: &mut Source<R>) -> Result<Self, ReadError> {
        let mut section = Self { big_endian: false, interfaces: Vec::new(), last_ts_ns: 0 };
        section.section_header(source)?;
        Ok(section)
    }

    /// Read blocks until one holds a packet.
    #[inline]
    pub(crate) fn next<R: Read>(&mut self, source: &mut Source<R>) -> Result<Option<Record>, ReadError> {
        // Each round takes a whole block of at least 12 bytes, so the file's end comes.
        while !source.at_end()? {
            let [t0, t1, t2, t3, l0, l1, l2, l3] = source.peek_array::<8>()?;
            if [t0, t1, t2, t3] == SECTION_HEADER {
                self.section_header(source)?;
                continue;
            }
            let length = self.u32([l0, l1, l2, l3]);
            check_length(length, source.offset())?;
            match self.u32([t0, t1, t2, t3]) {
                INTERFACE => self.interface(source, length)?,
                kind @ (ENHANCED_PACKET | SIMPLE_PACKET | OLD_PACKET) => {
                    return self.packet(source, kind, length).map(Some);
                }
                _ => source.skip(u64::from(length))?,
            }
        }
        Ok(None)
    }

    fn section_header<R: Read>(&mut self, source: &mut Source<R>) -> Result<(), ReadError> {
        let offset = source.offset();
        let [_, _, _, _, l0, l1, l2, l3, m0, m1, m2, m3] = source.peek_array::<12>()?;
        let mark = [m0, m1, m2, m3];
        self.big_endian = match (u32::from_be_bytes(mark), u32::from_le_bytes(mark)) {
            (BYTE_ORDER_MARK, _) => true,
            (_, BYTE_ORDER_MARK) => false,
            _ => return Err(ReadError { offset, problem: ReadProblem::ByteOrder(mark) }),
        };
        self.interfaces.clear();
        let length = self.u32([l0, l1, l2, l3]);
        check_length(length, offset)?;
        source.skip(u64::from(length))
    }

    fn interface<R: Read>(&mut self, source: &mut Source<R>, length: u32) -> Result<(), ReadError> {
        let offset = source.offset();
        let block = self.block(source, length)?;
        let &[_, _, _, _, _, _, _, _, k0, k1, _, _, s0, s1, s2, s3, ref options @ ..] = block else {
            return Err(ReadError { offset, problem: ReadProblem::BlockLength(length) });
        };
        let order = Order(self.big_endian);
        let mut interface = Interface {
            link: u32::from(order.u16([k0, k1])),
            snap_len: order.u32([s0, s1, s2, s3]),
            resolution: Resolution::Decimal(6),
            offset_s: 0,
        };
        interface.read_options(order, options);
        source.advance(index(length));
        if self.interfaces.len() >= INTERFACES_MAX {
            return Err(ReadError { offset, problem: ReadProblem::UnknownInterface(u32::MAX) });
        }
        self.interfaces.push(interface);
        Ok(())
    }

    fn packet<R: Read>(&mut self, source: &mut Source<R>, kind: u32, length: u32) -> Result<Record, ReadError> {
        let offset = source.offset();
        let wrong = |problem| ReadError { offset, problem };
        let order = Order(self.big_endian);
        let block = self.block(source, length)?;
        let body_len = block.len().saturating_sub(4);
        let mut head = PacketHead::read(order, kind, block).ok_or_else(|| wrong(ReadProblem::BlockLength(length)))?;
        let interface = usize::try_from(head.interface).ok().and_then(|id| self.interfaces.get(id));
        let Some(&interface) = interface else { return Err(wrong(ReadProblem::UnknownInterface(head.interface))) };
        if kind == SIMPLE_PACKET {
            head.captured_len = interface.simple_len(head.wire_len, body_len.saturating_sub(head.head_len));
        }
        let limit = interface.snap_len.clamp(PACKET_LEN_MAX, SNAP_LEN_MAX);
        if head.captured_len > limit {
            return Err(wrong(ReadProblem::PacketTooLong { length: head.captured_len, limit }));
        }
        let data_len = index(head.captured_len);
        if head.head_len.saturating_add(data_len) > body_len {
            return Err(wrong(ReadProblem::PacketBeyondBlock(head.captured_len)));
        }
        if let Some(ticks) = head.ticks {
            self.last_ts_ns = interface.nanos(ticks);
        }
        source.advance(head.head_len);
        Ok(Record {
            ts_ns: self.last_ts_ns,
            link: interface.link,
            interface: head.interface,
            wire_len: head.wire_len,
            data_len,
            rest_len: index(length).saturating_sub(head.head_len),
        })
    }

    /// A whole block in the window; its two lengths agree.
    fn block<'s, R: Read>(&self, source: &'s mut Source<R>, length: u32) -> Result<&'s [u8], ReadError> {
        let offset = source.offset();
        if length > BLOCK_LEN_MAX {
            return Err(ReadError { offset, problem: ReadProblem::BlockLength(length) });
        }
        let block = source.peek(index(length))?;
        match block.last_chunk::<4>() {
            Some(&again) if Order(self.big_endian).u32(again) == length => Ok(block),
            _ => Err(ReadError { offset, problem: ReadProblem::BlockLength(length) }),
        }
    }

    fn u32(&self, bytes: [u8; 4]) -> u32 {
        Order(self.big_endian).u32(bytes)
    }
}

impl PacketHead {
    fn read(order: Order, kind: u32, block: &[u8]) -> Option<Self> {
        if kind == SIMPLE_PACKET {
            let &[w0, w1, w2, w3] = block.get(8..12)?.first_chunk()?;
            let wire_len = order.u32([w0, w1, w2, w3]);
            return Some(Self { interface: 0, ticks: None, captured_len: wire_len, wire_len, head_len: 12 });
        }
        let &[i0, i1, i2, i3, h0, h1, h2, h3, t0, t1, t2, t3, c0, c1, c2, c3, w0, w1, w2, w3] =
            block.get(8..28)?.first_chunk()?;
        let interface = match kind {
            OLD_PACKET => u32::from(order.u16([i0, i1])),
            _ => order.u32([i0, i1, i2, i3]),
        };
        let ticks = u64::from(order.u32([h0, h1, h2, h3])) << 32 | u64::from(order.u32([t0, t1, t2, t3]));
        Some(Self {
            interface,
            ticks: Some(ticks),
            captured_len: order.u32([c0, c1, c2, c3]),
            wire_len: order.u32([w0, w1, w2, w3]),
            head_len: 28,
        })
    }
}

impl Interface {
    fn read_options(&mut self, order: Order, mut rest: &[u8]) {
        // Each round takes four bytes at least. An option that does not fit ends the list: we want two of them only.
        while let Some((&[c0, c1, l0, l1], body)) = rest.split_first_chunk::<4>() {
            let length = usize::from(order.u16([l0, l1]));
            let Some(value) = body.get(..length) else { return };
            match (order.u16([c0, c1]), value) {
                (OPTION_END, _) => return,
                (OPTION_TIME_RESOLUTION, &[value]) => self.resolution = Resolution::of(value),
                (OPTION_TIME_OFFSET, &[a, b, c, d, e, f, g, h]) => {
                    self.offset_s = order.i64([a, b, c, d, e, f, g, h]);
                }
                _ => {}
            }
            rest = body.get(length.next_multiple_of(4)..).unwrap_or_default();
        }
    }

    /// How much of a simple packet was captured: it says only how long it was on the wire.
    fn simple_len(&self, wire_len: u32, room: usize) -> u32 {
        let snap_len = if self.snap_len == 0 { u32::MAX } else { self.snap_len };
        let padded_room = u32::try_from(room).unwrap_or(u32::MAX);
        wire_len.min(snap_len).min(padded_room)
    }

    fn nanos(&self, ticks: u64) -> u64 {
        let nanos =
            self.resolution.nanos(ticks).saturating_add(i128::from(self.offset_s).saturating_mul(i128::from(NANOS)));
        u64::try_from(nanos.max(0)).unwrap_or(u64::MAX)
    }
}

impl Resolution {
    fn of(value: u8) -> Self {
        if value & 0x80 == 0 { Self::Decimal(value) } else { Self::Binary(value & 0x7f) }
    }

    fn nanos(self, ticks: u64) -> i128 {
        let ticks = i128::from(ticks);
        match self {
            Self::Decimal(power @ 0..=9) => {
                ticks.saturating_mul(10_i128.saturating_pow(9_u32.saturating_sub(u32::from(power))))
            }
            Self::Decimal(power) => {
                ticks.checked_div(10_i128.saturating_pow(u32::from(power).saturating_sub(9))).unwrap_or(0)
            }
            // 64 + 30 bits fit; a shift by 127 leaves nothing.
            Self::Binary(power) => ticks.saturating_mul(i128::from(NANOS)).checked_shr(u32::from(power)).unwrap_or(0),
        }
    }
}

/// Byte order of a section; true is big endian.
#[derive(Clone, Copy)]
struct Order(bool);

impl Order {
    fn u32(self, bytes: [u8; 4]) -> u32 {
        if self.0 { u32::from_be_bytes(bytes) } else { u32::from_le_bytes(bytes) }
    }

    fn u16(self, bytes: [u8; 2]) -> u16 {
        if self.0 { u16::from_be_bytes(bytes) } else { u16::from_le_bytes(bytes) }
    }

    fn i64(self, bytes: [u8; 8]) -> i64 {
        if self.0 { i64::from_be_bytes(bytes) } else { i64::from_le_bytes(bytes) }
    }
}

fn check_length(length: u32, offset: u64) -> Result<(), ReadError> {
    if length >= BLOCK_LEN_MIN && length % 4 == 0 {
        return Ok(());
    }
    Err(ReadError { offset, problem: ReadProblem::BlockLength(length) })
}
