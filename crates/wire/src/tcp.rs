//! TCP headers (RFC 9293).

use crate::DecodeError;
use crate::cursor::Cursor;

/// The control bits of a segment, in the order of the header.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct TcpFlags(pub u8);

impl TcpFlags {
    /// No more data from the sender.
    pub const FIN: Self = Self(0x01);
    /// Synchronise sequence numbers.
    pub const SYN: Self = Self(0x02);
    /// Reset.
    pub const RST: Self = Self(0x04);
    /// Push.
    pub const PSH: Self = Self(0x08);
    /// The acknowledgement number counts.
    pub const ACK: Self = Self(0x10);
    /// The urgent pointer counts.
    pub const URG: Self = Self(0x20);
    /// ECN echo.
    pub const ECE: Self = Self(0x40);
    /// Congestion window reduced.
    pub const CWR: Self = Self(0x80);

    /// Whether all bits of `other` are set.
    #[must_use]
    #[inline]
    pub fn has(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// One TCP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tcp<'a> {
    /// Source port.
    pub source_port: u16,
    /// Destination port.
    pub destination_port: u16,
    /// Sequence number of the first byte (of the SYN, where that is set).
    pub seq: u32,
    /// Acknowledgement number; meaningless without `ACK`.
    pub ack: u32,
    /// Control bits.
    pub flags: TcpFlags,
    /// Window as sent, without scaling.
    pub window: u16,
    /// Checksum as sent.
    pub checksum: u16,
    /// Urgent pointer; meaningless without `URG`.
    pub urgent: u16,
    /// The whole header, options included: 20 to 60 bytes.
    pub header: &'a [u8],
}

impl<'a> Tcp<'a> {
    /// Options as bytes, padding included: 0 to 40.
    #[must_use]
    pub fn option_bytes(&self) -> &'a [u8] {
        self.header.get(20..).unwrap_or(&[])
    }

    /// Options one by one.
    #[must_use]
    pub fn options(&self) -> TcpOptions<'a> {
        TcpOptions { rest: self.option_bytes() }
    }

    #[inline]
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<Self, DecodeError> {
        let offset = cursor.offset();
        let whole = cursor.rest();
        let [s0, s1, d0, d1, q0, q1, q2, q3, a0, a1, a2, a3, data, flags, w0, w1, c0, c1, u0, u1] =
            *cursor.array("tcp.header")?;
        let header_length = usize::from(data >> 4).saturating_mul(4);
        let Some(options_length) = header_length.checked_sub(20) else {
            return Err(DecodeError::Impossible { field: "tcp.data_offset", offset, value: u32::from(data >> 4) });
        };
        cursor.take(options_length, "tcp.options")?;
        Ok(Self {
            source_port: u16::from_be_bytes([s0, s1]),
            destination_port: u16::from_be_bytes([d0, d1]),
            seq: u32::from_be_bytes([q0, q1, q2, q3]),
            ack: u32::from_be_bytes([a0, a1, a2, a3]),
            flags: TcpFlags(flags),
            window: u16::from_be_bytes([w0, w1]),
            checksum: u16::from_be_bytes([c0, c1]),
            urgent: u16::from_be_bytes([u0, u1]),
            header: whole.get(..header_length).unwrap_or(&[]),
        })
    }
}

/// One TCP option.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TcpOption<'a> {
    /// Kind (2 maximum segment size, 3 window scale, 4 SACK permitted, 5 SACK, 8 timestamps).
    pub kind: u8,
    /// What follows kind and length.
    pub value: &'a [u8],
}

/// Iterates over TCP options up to the end-of-list option, the end, or the first one that cannot be read.
#[derive(Clone, Debug)]
pub struct TcpOptions<'a> {
    rest: &'a [u8],
}

impl<'a> Iterator for TcpOptions<'a> {
    type Item = TcpOption<'a>;

    fn next(&mut self) -> Option<TcpOption<'a>> {
        // Ends: each turn takes at least one byte.
        loop {
            match self.rest {
                [] | [0, ..] => return None,
                [1, rest @ ..] => self.rest = rest,
                [kind, length, ..] if *length >= 2 => {
                    let (option, rest) = self.rest.split_at_checked(usize::from(*length))?;
                    self.rest = rest;
                    return Some(TcpOption { kind: *kind, value: option.get(2..).unwrap_or(&[]) });
                }
                _ => return None,
            }
        }
    }
}
