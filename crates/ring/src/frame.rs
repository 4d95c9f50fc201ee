//! What does one frame in the ring say?

use std::sync::atomic::{AtomicU32, Ordering};

use crate::filter::Link;
use crate::ring::{BLOCK_HEADER_LEN, link_of};

/// The fixed part of a frame's header: `tpacket3_hdr`, then `sockaddr_ll` up to the kind of hardware.
const FRAME_HEADER_LEN: usize = 60;
/// Where a frame's bytes start at the earliest: header, padding.
const TAG_LEN: usize = 4;
const MACS_LEN: usize = 12;
const TPID_DEFAULT: u16 = 0x8100;

/// One captured frame, whole from its link layer on, VLAN tag included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame<'a> {
    /// When the kernel saw it, nanoseconds since 1970 UTC.
    pub ts_ns: u64,
    /// Length on the wire, VLAN tag included.
    pub wire_len: u32,
    /// The captured bytes.
    pub data: &'a [u8],
    /// The sender's kernel has left checksums to the hardware, so those in the frame are unfinished.
    pub is_checksum_partial: bool,
    /// Kernel index of the interface on which it was seen.
    pub interface: u32,
    /// What the bytes start with; none for a link layer that we cannot read, which only a shared ring gives.
    pub link: Option<Link>,
}

/// Frames that the kernel handed over together. Goes back to the kernel when dropped.
pub struct Block<'r> {
    status: &'r AtomicU32,
    bytes: &'r mut [u8],
    frames_left: u32,
    /// Of the next frame's header in `bytes`.
    offset: usize,
    /// None: each frame says its own.
    link: Option<Link>,
    snap_len: u32,
}

impl<'r> Block<'r> {
    /// first: offset of the first frame from the start of the block, header included.
    pub(crate) fn new(
        status: &'r AtomicU32,
        bytes: &'r mut [u8],
        frames: u32,
        first: usize,
        link: Option<Link>,
        snap_len: u32,
    ) -> Self {
        let offset = first.saturating_sub(BLOCK_HEADER_LEN);
        Self { status, bytes, frames_left: frames, offset, link, snap_len }
    }

    /// The next frame. An offset that leaves the block, which the kernel never writes, ends it.
    pub fn next_frame(&mut self) -> Option<Frame<'_>> {
        self.frames_left = self.frames_left.checked_sub(1)?;
        let start = self.offset;
        let header = Header::read(self.bytes.get(start..)?)?;
        self.offset = start.checked_add(header.next)?;
        let (from, to) = (start.checked_add(header.mac)?, start.checked_add(header.mac)?.checked_add(header.captured)?);
        let link = self.link.or_else(|| link_of(header.hardware).ok());
        let tag = header.tag.filter(|_| link == Some(Link::Ethernet) && header.captured >= MACS_LEN);
        let Some(tag) = tag else {
            let data = self.bytes.get(from..to)?;
            return Some(header.frame(data, 0, link));
        };
        let data = put_back(self.bytes.get_mut(from.checked_sub(TAG_LEN)?..to)?, tag);
        let data = &data[..data.len().min(self.snap_len as usize)];
        Some(header.frame(data, TAG_LEN as u32, link))
    }
}

impl Drop for Block<'_> {
    fn drop(&mut self) {
        self.status.store(libc::TP_STATUS_KERNEL, Ordering::Release);
    }
}

/// Move the addresses to the front and write the tag behind them.
///
/// frame: four spare bytes, then the frame of twelve bytes at least.
fn put_back(frame: &mut [u8], tag: [u8; TAG_LEN]) -> &[u8] {
    frame.copy_within(TAG_LEN..TAG_LEN + MACS_LEN, 0);
    frame[MACS_LEN..MACS_LEN + TAG_LEN].copy_from_slice(&tag);
    frame
}

struct Header {
    next: usize,
    mac: usize,
    captured: usize,
    ts_ns: u64,
    wire_len: u32,
    status: u32,
    tag: Option<[u8; TAG_LEN]>,
    interface: u32,
    hardware: u16,
}

impl Header {
    fn read(bytes: &[u8]) -> Option<Self> {
        let fields: &[u8; FRAME_HEADER_LEN] = bytes.first_chunk()?;
        let u32_at = |at: usize| u32::from_ne_bytes([fields[at], fields[at + 1], fields[at + 2], fields[at + 3]]);
        let u16_at = |at: usize| u16::from_ne_bytes([fields[at], fields[at + 1]]);
        let status = u32_at(20);
        Some(Self {
            next: u32_at(0) as usize,
            ts_ns: u64::from(u32_at(4)) * 1_000_000_000 + u64::from(u32_at(8)),
            captured: u32_at(12) as usize,
            wire_len: u32_at(16),
            status,
            mac: usize::from(u16_at(24)),
            tag: (status & libc::TP_STATUS_VLAN_VALID != 0).then(|| {
                let tpid = if status & libc::TP_STATUS_VLAN_TPID_VALID != 0 { u16_at(36) } else { TPID_DEFAULT };
                let [p0, p1] = tpid.to_be_bytes();
                let [t0, t1] = (u32_at(32) as u16).to_be_bytes();
                [p0, p1, t0, t1]
            }),
            interface: u32_at(52),
            hardware: u16_at(56),
        })
    }

    fn frame<'a>(&self, data: &'a [u8], tag_len: u32, link: Option<Link>) -> Frame<'a> {
        Frame {
            ts_ns: self.ts_ns,
            wire_len: self.wire_len.saturating_add(tag_len),
            data,
            is_checksum_partial: self.status & libc::TP_STATUS_CSUMNOTREADY != 0,
            interface: self.interface,
            link,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERFACE: u32 = 70_000;
    const HARDWARE: u16 = libc::ARPHRD_NONE;

    /// A block as the kernel would write it: header, frames one after another.
    fn frame_bytes(status: u32, vlan: (u32, u16), mac_offset: u16, next: u32, data: &[u8]) -> Vec<u8> {
        let mut bytes = Vec::new();
        for field in [next, 7, 9, data.len() as u32, data.len() as u32 + 100, status] {
            bytes.extend(field.to_ne_bytes());
        }
        bytes.extend(mac_offset.to_ne_bytes());
        bytes.extend((mac_offset + 14).to_ne_bytes());
        bytes.extend(0_u32.to_ne_bytes());
        bytes.extend(vlan.0.to_ne_bytes());
        bytes.extend(vlan.1.to_ne_bytes());
        bytes.resize(52, 0);
        bytes.extend(INTERFACE.to_ne_bytes());
        bytes.extend(HARDWARE.to_ne_bytes());
        bytes.resize(usize::from(mac_offset), 0);
        bytes.extend(data);
        bytes.resize((next as usize).max(bytes.len()), 0);
        bytes
    }

    fn read(mut bytes: Vec<u8>, frames: u32, link: Link, snap_len: u32) -> Vec<(u64, u32, Vec<u8>, bool)> {
        let status = AtomicU32::new(libc::TP_STATUS_USER);
        let mut seen = Vec::new();
        let mut block = Block::new(&status, &mut bytes, frames, BLOCK_HEADER_LEN, Some(link), snap_len);
        while let Some(frame) = block.next_frame() {
            seen.push((frame.ts_ns, frame.wire_len, frame.data.to_vec(), frame.is_checksum_partial));
        }
        drop(block);
        assert_eq!(status.load(Ordering::Acquire), libc::TP_STATUS_KERNEL);
        seen
    }

    #[test]
    fn frames_follow_each_other_and_the_block_goes_back() {
        let bytes = [
            frame_bytes(1, (0, 0), 82, 128, b"first frame's bytes"),
            frame_bytes(1 | libc::TP_STATUS_CSUMNOTREADY, (0, 0), 82, 0, b"second"),
        ]
        .concat();
        assert_eq!(
            read(bytes, 2, Link::Ethernet, 65535),
            [
                (7_000_000_009, 119, b"first frame's bytes".to_vec(), false),
                (7_000_000_009, 106, b"second".to_vec(), true)
            ]
        );
    }

    #[test]
    fn a_tag_that_the_kernel_took_off_is_put_back() {
        let valid = libc::TP_STATUS_VLAN_VALID;
        let both = valid | libc::TP_STATUS_VLAN_TPID_VALID;
        for (name, status, vlan, expected) in [
            ("plain", valid, (7, 0), &b"aaaaaabbbbbb\x81\x00\x00\x07\x08\x00xyz"[..]),
            ("outer of QinQ", both, (0x6064, 0x88a8), b"aaaaaabbbbbb\x88\xa8\x60\x64\x08\x00xyz"),
            ("priority only", both, (0, 0x8100), b"aaaaaabbbbbb\x81\x00\x00\x00\x08\x00xyz"),
            ("none", 0, (7, 0x8100), b"aaaaaabbbbbb\x08\x00xyz"),
        ] {
            let seen = read(frame_bytes(status, vlan, 82, 0, b"aaaaaabbbbbb\x08\x00xyz"), 1, Link::Ethernet, 65535);
            assert_eq!(seen[0].2, expected, "{name}");
            assert_eq!(seen[0].1 as usize, expected.len() + 100, "{name}");
        }
    }

    #[test]
    fn a_frame_knows_its_interface_and_what_it_starts_with() {
        for (given, expected) in [(Some(Link::Ethernet), Link::Ethernet), (None, Link::RawIp)] {
            let status = AtomicU32::new(libc::TP_STATUS_USER);
            let mut bytes = frame_bytes(0, (0, 0), 82, 0, b"abc");
            let mut block = Block::new(&status, &mut bytes, 1, BLOCK_HEADER_LEN, given, 65535);
            let frame = block.next_frame().unwrap();
            assert_eq!((frame.interface, frame.link), (INTERFACE, Some(expected)));
        }
    }

    #[test]
    fn a_tag_does_not_lengthen_a_frame_beyond_the_snap_length() {
        let seen = read(frame_bytes(libc::TP_STATUS_VLAN_VALID, (7, 0), 82, 0, &[1; 64]), 1, Link::Ethernet, 64);
        assert_eq!(seen[0].2.len(), 64);
    }

    #[test]
    fn offsets_that_leave_the_block_end_it() {
        for (name, bytes) in [
            ("no header", vec![0; 20]),
            ("frame beyond the end", frame_bytes(0, (0, 0), 82, 0, b"abc")[..84].to_vec()),
            ("next beyond the end", frame_bytes(0, (0, 0), 82, 4000, b"")[..82].to_vec()),
        ] {
            assert!(read(bytes, 9, Link::Ethernet, 65535).len() <= 1, "{name}");
        }
    }
}
