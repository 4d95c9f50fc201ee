//! IPv4 headers (RFC 791).

use std::net::Ipv4Addr;

use crate::cursor::Cursor;
use crate::{DecodeError, Fragment, Protocol};

/// One IPv4 header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv4<'a> {
    /// Source address.
    pub source: Ipv4Addr,
    /// Destination address.
    pub destination: Ipv4Addr,
    /// Type of service (DSCP and ECN).
    pub tos: u8,
    /// Header and payload in bytes, as stated.
    pub total_length: u16,
    /// Identification.
    pub id: u16,
    /// Three bits as rules count them: 4 reserved, 2 don't fragment, 1 more fragments.
    pub flags: u8,
    /// Bytes of the datagram's payload before this piece.
    pub fragment_offset: u16,
    /// Time to live.
    pub ttl: u8,
    /// What the payload is.
    pub protocol: Protocol,
    /// The whole header, options included: 20 to 60 bytes.
    pub header: &'a [u8],
}

impl<'a> Ipv4<'a> {
    /// The `flags` bit that says more fragments follow.
    pub const MORE_FRAGMENTS: u8 = 1;
    /// The `flags` bit that forbids fragmentation.
    pub const DONT_FRAGMENT: u8 = 2;
    /// The `flags` bit that has no meaning ("evil bit", RFC 3514).
    pub const RESERVED: u8 = 4;

    /// Options and padding: 0 to 40 bytes.
    #[must_use]
    pub fn options(&self) -> &'a [u8] {
        self.header.get(20..).unwrap_or(&[])
    }

    /// Set where this packet is one piece of a datagram.
    #[must_use]
    #[inline]
    pub fn fragment(&self) -> Option<Fragment> {
        let more = self.flags & Self::MORE_FRAGMENTS != 0;
        let offset = u32::from(self.fragment_offset);
        (more || offset != 0).then(|| Fragment { offset, more, id: u32::from(self.id) })
    }

    /// Read a header and cut the cursor to the datagram's payload; also says how many payload bytes were not captured.
    ///
    /// A total length of 0 means "up to the end of the frame": segmentation offload leaves it so for datagrams over
    /// 64 KiB, and Linux hands them to captures like that.
    #[inline]
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<(Self, usize), DecodeError> {
        let offset = cursor.offset();
        let whole = cursor.rest();
        let [v, tos, l0, l1, i0, i1, f0, f1, ttl, protocol, _, _, s0, s1, s2, s3, d0, d1, d2, d3] =
            *cursor.array("ipv4.header")?;
        if v >> 4 != 4 {
            return Err(DecodeError::Impossible { field: "ipv4.version", offset, value: u32::from(v >> 4) });
        }
        let header_length = usize::from(v & 0x0f).saturating_mul(4);
        let Some(options_length) = header_length.checked_sub(20) else {
            return Err(DecodeError::Impossible { field: "ipv4.header_length", offset, value: u32::from(v & 0x0f) });
        };
        if options_length != 0 {
            cursor.take(options_length, "ipv4.options")?;
        }
        let total_length = u16::from_be_bytes([l0, l1]);
        let missing = match usize::from(total_length).checked_sub(header_length) {
            Some(payload_length) => cursor.keep(payload_length),
            None if total_length == 0 => 0,
            None => {
                return Err(DecodeError::Impossible {
                    field: "ipv4.total_length",
                    offset,
                    value: u32::from(total_length),
                });
            }
        };
        let fragment = u16::from_be_bytes([f0, f1]);
        let header = Self {
            source: Ipv4Addr::new(s0, s1, s2, s3),
            destination: Ipv4Addr::new(d0, d1, d2, d3),
            tos,
            total_length,
            id: u16::from_be_bytes([i0, i1]),
            flags: f0 >> 5,
            fragment_offset: (fragment & 0x1fff) << 3,
            ttl,
            protocol: Protocol(protocol),
            header: whole.get(..header_length).unwrap_or(&[]),
        };
        Ok((header, missing))
    }
}
