//! Which packets does this file hold?

use std::io::Read;

use crate::classic::Classic;
use crate::error::{ReadError, ReadProblem};
use crate::pcapng::Pcapng;
use crate::source::Source;
use crate::{classic, pcapng};

/// The longest packet we believe whatever the file's snap length says. As libpcap's `MAXIMUM_SNAPLEN`.
pub(crate) const PACKET_LEN_MAX: u32 = 262_144;
/// The longest packet a file may ask us to believe by its own snap length: what bounds our memory.
pub(crate) const SNAP_LEN_MAX: u32 = 16 * 1024 * 1024;

/// One captured frame, as long as the next is not asked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// 1-based position in the file.
    pub number: u64,
    /// Nanoseconds since 1970 UTC. A pcapng simple packet has no time: it gets that of the packet before it.
    pub ts_ns: u64,
    /// Link type as <https://www.tcpdump.org/linktypes.html> numbers it. In pcapng it may differ from packet to packet.
    pub link: u32,
    /// Interface within the section; 0 in classic pcap.
    pub interface: u32,
    /// Length on the wire.
    pub wire_len: u32,
    /// The captured bytes.
    pub data: &'a [u8],
}

/// Reads a capture file of either format from first byte to last; never seeks, so a pipe will do.
///
/// Memory: one window of 256 KiB, or the longest packet or block (bounded by 16 MiB).
pub struct Reader<R> {
    source: Source<R>,
    format: Format,
    packets: u64,
}

enum Format {
    Classic(Classic),
    Pcapng(Box<Pcapng>),
}

/// What a format's reader leaves: the frame's fields, with its bytes at the front of the source.
#[derive(Clone, Copy)]
pub(crate) struct Record {
    pub ts_ns: u64,
    pub link: u32,
    pub interface: u32,
    pub wire_len: u32,
    /// Captured bytes, at the front of the source.
    pub data_len: usize,
    /// Bytes of the source that belong to the record from there on, padding and trailer included.
    pub rest_len: usize,
}

impl<R: Read> Reader<R> {
    /// Read the file header and so learn the format.
    pub fn open(reader: R) -> Result<Self, ReadError> {
        let mut source = Source::new(reader);
        let magic = source.peek_array::<4>()?;
        let format = if magic == pcapng::SECTION_HEADER {
            Format::Pcapng(Box::new(Pcapng::open(&mut source)?))
        } else {
            match Classic::open(&mut source, magic)? {
                Some(classic) => Format::Classic(classic),
                None => return Err(ReadError { offset: 0, problem: ReadProblem::UnknownFormat(magic) }),
            }
        };
        Ok(Self { source, format, packets: 0 })
    }

    /// The next packet; none at a clean end. After an error the file cannot be read on.
    #[inline]
    pub fn next_frame(&mut self) -> Result<Option<Frame<'_>>, ReadError> {
        let record = match &mut self.format {
            Format::Classic(format) => classic::Classic::next(format, &mut self.source)?,
            Format::Pcapng(format) => format.next(&mut self.source)?,
        };
        let Some(record) = record else { return Ok(None) };
        self.packets = self.packets.saturating_add(1);
        let number = self.packets;
        // The whole rest is in the window already; moving past it first lets the bytes be lent out.
        let bytes = self.source.take(record.rest_len)?;
        let data = bytes.get(..record.data_len).unwrap_or(bytes);
        let Record { ts_ns, link, interface, wire_len, .. } = record;
        Ok(Some(Frame { number, ts_ns, link, interface, wire_len, data }))
    }

    /// Bytes of the file read so far, headers included: where the next record starts.
    #[must_use]
    pub fn offset(&self) -> u64 {
        self.source.offset()
    }

    /// Whether this is pcapng.
    #[must_use]
    pub fn is_pcapng(&self) -> bool {
        matches!(self.format, Format::Pcapng(_))
    }
}
