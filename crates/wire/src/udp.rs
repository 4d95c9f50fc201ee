//! UDP headers (RFC 768).

use crate::DecodeError;
use crate::cursor::Cursor;

/// One UDP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Udp<'a> {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Header and payload in bytes, as stated; 0 in jumbograms.
    pub length: u16,
    /// Checksum as sent; 0 means none (IPv4 only).
    pub checksum: u16,
    /// The eight bytes.
    pub header: &'a [u8],
}

impl<'a> Udp<'a> {
    /// Read a header and cut the cursor to the payload it states. A length that goes beyond the IP datagram is left
    /// as it is: the payload is then what is there.
    #[inline]
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, DecodeError> {
        let offset = cursor.offset();
        let header: &[u8; 8] = cursor.array("udp.header")?;
        let [s0, s1, d0, d1, l0, l1, c0, c1] = *header;
        let length = u16::from_be_bytes([l0, l1]);
        match usize::from(length).checked_sub(8) {
            Some(payload_length) => {
                cursor.keep(payload_length);
            }
            None if length == 0 => {}
            None => return Err(DecodeError::Impossible { field: "udp.length", offset, value: u32::from(length) }),
        }
        Ok(Self {
            source_port: u16::from_be_bytes([s0, s1]),
            destination_port: u16::from_be_bytes([d0, d1]),
            length,
            checksum: u16::from_be_bytes([c0, c1]),
            header,
        })
    }
}
