//! Link layers: who put the packet on the wire, and what follows.

use std::fmt;

use crate::DecodeError;
use crate::cursor::Cursor;

/// A link type as capture files number them (<https://www.tcpdump.org/linktypes.html>).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct LinkType(pub u32);

impl LinkType {
    /// BSD loopback: a four-byte address family in the byte order of the capturing host.
    pub const NULL: Self = Self(0);
    /// Ethernet.
    pub const ETHERNET: Self = Self(1);
    /// Raw IP on some BSDs.
    pub const RAW_BSD: Self = Self(12);
    /// Raw IP on OpenBSD.
    pub const RAW_OPENBSD: Self = Self(14);
    /// Raw IP, version 4 or 6.
    pub const RAW: Self = Self(101);
    /// OpenBSD loopback: as `NULL`, in network byte order.
    pub const LOOP: Self = Self(108);
    /// Linux "cooked" capture.
    pub const LINUX_SLL: Self = Self(113);
    /// Raw IPv4.
    pub const IPV4: Self = Self(228);
    /// Raw IPv6.
    pub const IPV6: Self = Self(229);
    /// Linux "cooked" capture, version 2.
    pub const LINUX_SLL2: Self = Self(276);
}

/// What a frame carries, as Ethernet numbers it. Values below 0x600 are 802.3 lengths of frames with no SNAP header.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct EtherType(pub u16);

impl EtherType {
    /// IPv4.
    pub const IPV4: Self = Self(0x0800);
    /// ARP.
    pub const ARP: Self = Self(0x0806);
    /// 802.1Q tag.
    pub const VLAN: Self = Self(0x8100);
    /// IPv6.
    pub const IPV6: Self = Self(0x86dd);
    /// 802.1ad outer tag.
    pub const QINQ: Self = Self(0x88a8);
    /// The outer tag of older switches.
    pub const QINQ_OLD: Self = Self(0x9100);
    /// MPLS, unicast.
    pub const MPLS: Self = Self(0x8847);
    /// PPPoE session.
    pub const PPPOE_SESSION: Self = Self(0x8864);

    fn is_tag(self) -> bool {
        matches!(self, Self::VLAN | Self::QINQ | Self::QINQ_OLD)
    }
}

/// An Ethernet address.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Mac(pub [u8; 6]);

impl fmt::Display for Mac {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self([a, b, c, d, e, g]) = self;
        write!(f, "{a:02x}:{b:02x}:{c:02x}:{d:02x}:{e:02x}:{g:02x}")
    }
}

/// VLAN ids (12 bits) of a frame, outermost first. The first two are kept; further tags, up to
/// [`Vlans::TAGS_MAX`], are read and counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Vlans {
    ids: [u16; 2],
    count: u8,
}

impl Vlans {
    /// Tags we read; a frame with more is left at that layer. Real networks use two, some carriers three.
    pub const TAGS_MAX: u8 = 8;

    /// The id of the outermost tag.
    #[must_use]
    pub fn outer(&self) -> Option<u16> {
        self.ids().first().copied()
    }

    /// The ids kept, outermost first: none, one or two.
    #[must_use]
    pub fn ids(&self) -> &[u16] {
        self.ids.get(..usize::from(self.count.min(2))).unwrap_or(&[])
    }

    /// How many tags the frame has.
    #[must_use]
    pub fn count(&self) -> u8 {
        self.count
    }

    fn push(&mut self, id: u16) {
        if let Some(slot) = self.ids.get_mut(usize::from(self.count)) {
            *slot = id;
        }
        self.count = self.count.saturating_add(1);
    }
}

/// What the link layer said.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Link {
    pub(crate) source: Option<Mac>,
    pub(crate) destination: Option<Mac>,
    pub(crate) vlans: Vlans,
    pub(crate) ethertype: EtherType,
}

impl Link {
    fn bare(ethertype: EtherType) -> Self {
        Self { source: None, destination: None, vlans: Vlans::default(), ethertype }
    }

    /// Read the link header; the cursor is left at the network header.
    #[inline]
    pub(crate) fn read(link: LinkType, cursor: &mut Cursor<'_>) -> Result<Self, DecodeError> {
        let mut read = match link {
            LinkType::ETHERNET => ethernet(cursor)?,
            LinkType::LINUX_SLL => sll(cursor)?,
            LinkType::LINUX_SLL2 => sll2(cursor)?,
            LinkType::RAW | LinkType::RAW_BSD | LinkType::RAW_OPENBSD => return raw(cursor),
            LinkType::IPV4 => return Ok(Self::bare(EtherType::IPV4)),
            LinkType::IPV6 => return Ok(Self::bare(EtherType::IPV6)),
            LinkType::NULL | LinkType::LOOP => return loopback(cursor),
            other => return Err(DecodeError::UnknownLink(other)),
        };
        if read.ethertype != EtherType::IPV4 {
            read.read_shims(cursor)?;
        }
        Ok(read)
    }

    /// What may stand between the link and the network header: tags, 802.3 with SNAP, PPPoE, MPLS labels.
    fn read_shims(&mut self, cursor: &mut Cursor<'_>) -> Result<(), DecodeError> {
        // Ends: each turn counts a tag, and the count is bounded.
        while self.ethertype.is_tag() && self.vlans.count < Vlans::TAGS_MAX {
            let [control0, control1, type0, type1] = *cursor.array("vlan.tag")?;
            self.vlans.push(u16::from_be_bytes([control0, control1]) & 0x0fff);
            self.ethertype = EtherType(u16::from_be_bytes([type0, type1]));
        }
        match self.ethertype {
            EtherType(length) if length < 0x600 => self.read_snap(cursor),
            EtherType::PPPOE_SESSION => self.read_pppoe(cursor)?,
            EtherType::MPLS => self.read_mpls(cursor)?,
            _ => {}
        }
        Ok(())
    }

    /// 802.3: a length instead of a type; a SNAP header may bring the type after all.
    fn read_snap(&mut self, cursor: &mut Cursor<'_>) {
        let mut ahead = *cursor;
        if let Ok([0xaa, 0xaa, 0x03, 0, 0, 0, type0, type1]) = ahead.array::<8>("snap") {
            self.ethertype = EtherType(u16::from_be_bytes([*type0, *type1]));
            *cursor = ahead;
        }
    }

    fn read_pppoe(&mut self, cursor: &mut Cursor<'_>) -> Result<(), DecodeError> {
        let [_, _, _, _, length0, length1, protocol0, protocol1] = *cursor.array("pppoe.header")?;
        // The length counts the two bytes of the PPP protocol.
        cursor.keep(usize::from(u16::from_be_bytes([length0, length1])).saturating_sub(2));
        match u16::from_be_bytes([protocol0, protocol1]) {
            0x0021 => self.ethertype = EtherType::IPV4,
            0x0057 => self.ethertype = EtherType::IPV6,
            _ => {}
        }
        Ok(())
    }

    fn read_mpls(&mut self, cursor: &mut Cursor<'_>) -> Result<(), DecodeError> {
        // Ends: each turn takes four bytes of the frame.
        loop {
            let [_, _, bottom, _] = *cursor.array("mpls.label")?;
            if bottom & 1 == 1 {
                break;
            }
        }
        // MPLS does not say what it carries; like everybody we look at the version nibble.
        match cursor.peek::<1>().map(|[first]| first >> 4) {
            Some(4) => self.ethertype = EtherType::IPV4,
            Some(6) => self.ethertype = EtherType::IPV6,
            _ => {}
        }
        Ok(())
    }
}

#[inline]
fn ethernet(cursor: &mut Cursor<'_>) -> Result<Link, DecodeError> {
    let [d0, d1, d2, d3, d4, d5, s0, s1, s2, s3, s4, s5, type0, type1] = *cursor.array("ethernet.header")?;
    Ok(Link {
        source: Some(Mac([s0, s1, s2, s3, s4, s5])),
        destination: Some(Mac([d0, d1, d2, d3, d4, d5])),
        vlans: Vlans::default(),
        ethertype: EtherType(u16::from_be_bytes([type0, type1])),
    })
}

fn sll(cursor: &mut Cursor<'_>) -> Result<Link, DecodeError> {
    let [_, _, _, _, len0, len1, a0, a1, a2, a3, a4, a5, _, _, type0, type1] = *cursor.array("sll.header")?;
    let mut link = Link::bare(EtherType(u16::from_be_bytes([type0, type1])));
    if [len0, len1] == [0, 6] {
        link.source = Some(Mac([a0, a1, a2, a3, a4, a5]));
    }
    Ok(link)
}

fn sll2(cursor: &mut Cursor<'_>) -> Result<Link, DecodeError> {
    let [type0, type1, _, _, _, _, _, _, _, _, _, len, a0, a1, a2, a3, a4, a5, _, _] = *cursor.array("sll2.header")?;
    let mut link = Link::bare(EtherType(u16::from_be_bytes([type0, type1])));
    if len == 6 {
        link.source = Some(Mac([a0, a1, a2, a3, a4, a5]));
    }
    Ok(link)
}

fn raw(cursor: &mut Cursor<'_>) -> Result<Link, DecodeError> {
    let offset = cursor.offset();
    let mut ahead = *cursor;
    let [first] = *ahead.array("ip.version")?;
    match first >> 4 {
        4 => Ok(Link::bare(EtherType::IPV4)),
        6 => Ok(Link::bare(EtherType::IPV6)),
        version => Err(DecodeError::Impossible { field: "ip.version", offset, value: u32::from(version) }),
    }
}

/// The family number of IPv6 differs between systems: Linux 10, NetBSD and OpenBSD 24, FreeBSD 28, macOS 30.
fn loopback(cursor: &mut Cursor<'_>) -> Result<Link, DecodeError> {
    let offset = cursor.offset();
    let family = u32::from_be_bytes(*cursor.array("loopback.family")?);
    // Families are small numbers, so a big one was written in the other byte order.
    let family = if family > 0xffff { family.swap_bytes() } else { family };
    match family {
        2 => Ok(Link::bare(EtherType::IPV4)),
        10 | 24 | 28 | 30 => Ok(Link::bare(EtherType::IPV6)),
        value => Err(DecodeError::Impossible { field: "loopback.family", offset, value }),
    }
}
