//! IPv6 headers and their extension headers (RFC 8200).

use std::net::Ipv6Addr;

use crate::cursor::Cursor;
use crate::{DecodeError, Fragment, Protocol};

/// Extension headers we walk; more is a [`DecodeError`]. RFC 8200 lists seven kinds, of which one may come twice.
const EXTENSIONS_MAX: usize = 16;

const HOP_BY_HOP: u8 = 0;
const ROUTING: u8 = 43;
const FRAGMENT: u8 = 44;
const AUTHENTICATION: u8 = 51;
const DESTINATION: u8 = 60;
const MOBILITY: u8 = 135;

/// One IPv6 header with its chain of extension headers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Ipv6<'a> {
    /// Source address.
    pub source: Ipv6Addr,
    /// Destination address.
    pub destination: Ipv6Addr,
    /// Traffic class (DSCP and ECN).
    pub traffic_class: u8,
    /// Flow label, 20 bits.
    pub flow_label: u32,
    /// Bytes after the fixed header, as stated.
    pub payload_length: u16,
    /// Hop limit.
    pub hop_limit: u8,
    /// What follows the fixed header: the first extension, or `protocol`.
    pub next_header: Protocol,
    /// What follows the extensions we walked. A piece of a datagram other than the first keeps what its fragment
    /// header says.
    pub protocol: Protocol,
    /// Set where a fragment header says that this is one piece of a datagram (not for "atomic" fragments, RFC 6946).
    pub fragment: Option<Fragment>,
    /// The fixed 40 bytes.
    pub header: &'a [u8],
    /// All extension headers, up to and including the fragment header where there is one.
    pub extension_bytes: &'a [u8],
}

impl<'a> Ipv6<'a> {
    /// The extension headers in order.
    #[must_use]
    pub fn extensions(&self) -> Extensions<'a> {
        Extensions { next: self.next_header, rest: self.extension_bytes }
    }

    /// Read a header and its extensions, cut the cursor to the payload; also says how many payload bytes were not
    /// captured.
    ///
    /// A payload length of 0 means "up to the end of the frame", as for jumbograms and segmentation offload.
    #[inline]
    pub(crate) fn read(cursor: &mut Cursor<'a>) -> Result<(Self, usize), DecodeError> {
        let offset = cursor.offset();
        let header: &[u8; 40] = cursor.array("ipv6.header")?;
        let [v, c, f0, f1, l0, l1, next, hop_limit, addresses @ ..] = header;
        let (source, destination) = halves(addresses);
        if v >> 4 != 6 {
            return Err(DecodeError::Impossible { field: "ipv6.version", offset, value: u32::from(v >> 4) });
        }
        let payload_length = u16::from_be_bytes([*l0, *l1]);
        let missing = if payload_length == 0 { 0 } else { cursor.keep(usize::from(payload_length)) };
        let mut read = Self {
            source,
            destination,
            traffic_class: (v << 4) | (c >> 4),
            flow_label: u32::from_be_bytes([0, c & 0x0f, *f0, *f1]),
            payload_length,
            hop_limit: *hop_limit,
            next_header: Protocol(*next),
            protocol: Protocol(*next),
            fragment: None,
            header,
            extension_bytes: &[],
        };
        if is_extension(read.protocol) {
            read.walk(cursor)?;
        }
        Ok((read, missing))
    }

    fn walk(&mut self, cursor: &mut Cursor<'a>) -> Result<(), DecodeError> {
        let start = cursor.rest();
        let offset = cursor.offset();
        // Ends: a bounded number of turns, each of which takes at least eight bytes.
        for _ in 0..EXTENSIONS_MAX {
            if !is_extension(self.protocol) {
                return Ok(());
            }
            let extension = Extension::read(self.protocol, cursor)?;
            self.protocol = extension.next;
            let walked = start.len().saturating_sub(cursor.rest().len());
            self.extension_bytes = start.get(..walked).unwrap_or(&[]);
            if let Some(fragment) = extension.fragment() {
                // The rest belongs to the datagram that the pieces make, extensions after this one included.
                let is_atomic = fragment.offset == 0 && !fragment.more;
                if !is_atomic {
                    self.fragment = Some(fragment);
                    return Ok(());
                }
            }
        }
        if is_extension(self.protocol) {
            let value = u32::try_from(EXTENSIONS_MAX).unwrap_or(u32::MAX);
            return Err(DecodeError::Impossible { field: "ipv6.extensions", offset, value });
        }
        Ok(())
    }
}

fn halves(addresses: &[u8; 32]) -> (Ipv6Addr, Ipv6Addr) {
    let mut source = [0; 16];
    let mut destination = [0; 16];
    let (first, second) = addresses.split_at(16);
    source.copy_from_slice(first);
    destination.copy_from_slice(second);
    (Ipv6Addr::from(source), Ipv6Addr::from(destination))
}

#[inline]
fn is_extension(protocol: Protocol) -> bool {
    matches!(protocol.0, HOP_BY_HOP | ROUTING | FRAGMENT | AUTHENTICATION | DESTINATION | MOBILITY)
}

/// One extension header.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Extension<'a> {
    /// Which one (0 hop-by-hop, 43 routing, 44 fragment, 51 authentication, 60 destination options, 135 mobility).
    pub protocol: Protocol,
    /// What follows it.
    pub next: Protocol,
    /// The whole extension header.
    pub bytes: &'a [u8],
}

impl<'a> Extension<'a> {
    fn read(protocol: Protocol, cursor: &mut Cursor<'a>) -> Result<Self, DecodeError> {
        let mut ahead = *cursor;
        let [next, length] = *ahead.array("ipv6.extension")?;
        let length = match protocol.0 {
            FRAGMENT => 8,
            // RFC 4302: in units of four bytes, less two.
            AUTHENTICATION => usize::from(length).saturating_add(2).saturating_mul(4),
            _ => usize::from(length).saturating_add(1).saturating_mul(8),
        };
        let bytes = cursor.take(length, "ipv6.extension")?;
        Ok(Self { protocol, next: Protocol(next), bytes })
    }

    fn fragment(&self) -> Option<Fragment> {
        let [_, _, f0, f1, id @ ..] = self.bytes.first_chunk::<8>()?;
        let field = u16::from_be_bytes([*f0, *f1]);
        (self.protocol.0 == FRAGMENT).then(|| Fragment {
            offset: u32::from(field & 0xfff8),
            more: field & 1 == 1,
            id: u32::from_be_bytes(*id),
        })
    }
}

/// Iterates over extension headers.
#[derive(Clone, Debug)]
pub struct Extensions<'a> {
    next: Protocol,
    rest: &'a [u8],
}

impl<'a> Iterator for Extensions<'a> {
    type Item = Extension<'a>;

    fn next(&mut self) -> Option<Extension<'a>> {
        if self.rest.is_empty() {
            return None;
        }
        let mut cursor = Cursor::new(self.rest);
        let extension = Extension::read(self.next, &mut cursor).ok()?;
        self.next = extension.next;
        self.rest = cursor.rest();
        Some(extension)
    }
}
