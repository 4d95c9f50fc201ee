//! Which frames has the kernel put into the ring?
#![allow(unsafe_code)] // the ring's memory is shared with the kernel: see `Ring::next_block`

use std::mem::size_of;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::error::RingError;
use crate::filter::{self, FilterRule, Link, Program};
use crate::frame::Block;
use crate::namespace;
use crate::system::{self, Mapping};

/// A block that has something in it is handed to us at the latest after this time.
pub(crate) const RETIRE_MS: u32 = 20;
/// The smallest block that takes any frame of segmentation offload (64 KiB and its headers).
const BLOCK_LEN_MIN: usize = 128 * 1024;
/// Larger blocks would only wait longer to be filled.
const BLOCK_LEN_MAX: usize = 1024 * 1024;
/// We aim at this many blocks: the kernel fills some while we empty others.
const BLOCKS: usize = 8;
/// Only bookkeeping in version 3 of the interface, but the kernel wants it to be plausible.
const FRAME_LEN: usize = 2048;
/// Room before each frame to put a VLAN tag back.
const TAG_ROOM: u32 = 4;
/// Whole frames, also those of segmentation offload: as tcpdump's default.
pub(crate) const SNAP_LEN_WHOLE: u32 = 262_144;

/// Header of a block: what the kernel documents as `tpacket_block_desc`.
pub(crate) const BLOCK_HEADER_LEN: usize = size_of::<libc::tpacket_block_desc>();
const STATUS_OFFSET: usize = 8;

/// What to listen to.
#[derive(Clone, Debug)]
pub struct Config<'a> {
    /// Name of the interface.
    pub interface: &'a str,
    /// Network namespace in which it is; see [`crate::run_in`].
    pub netns: Option<&'a str>,
    /// Memory of the ring. Rounded to whole blocks, two at least (256 KiB).
    pub ring_bytes: usize,
    /// Bytes kept of each frame. 65535 and more mean whole frames, also those beyond 64 KiB that segmentation offload
    /// makes.
    pub snap_len: u32,
    /// Frames to take; none means all.
    pub filters: &'a [FilterRule],
}

/// What a shared ring listens to: every interface of a network namespace, also those that are yet to come.
#[derive(Clone, Debug)]
pub struct SharedConfig<'a> {
    /// The network namespace; see [`crate::run_in`]. None: the caller's.
    pub netns: Option<&'a str>,
    /// As [`Config::ring_bytes`].
    pub ring_bytes: usize,
    /// Kernel indices of interfaces to leave out.
    pub ignored: &'a [u32],
}

/// Counters of a ring since it was opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Statistics {
    /// Frames that passed the filter, dropped ones included.
    pub packets: u64,
    /// Frames for which the ring had no room.
    pub drops: u64,
}

/// A packet socket with its ring. Owned by one thread; may be handed to another.
///
/// The filter is in place before the socket is bound, and an unbound socket receives nothing, so the first frame already
/// passed the filter. No interface is made promiscuous: an endpoint's own interface carries only its own frames. On a
/// loopback interface each frame is given once.
///
/// A shared ring gives the frames of all interfaces, each with its own link layer. A packet that passes several of them
/// is given at each: a routed one where it comes in and where it goes out, one to a bridge's own address on the port
/// and on the bridge, one of a VLAN with its tag on the trunk and without it on the VLAN's interface.
pub struct Ring {
    // Dropped in this order: the mapping before its socket.
    mapping: Mapping,
    socket: OwnedFd,
    block_len: usize,
    next: usize,
    source: Source,
    snap_len: u32,
    statistics: Statistics,
}

/// Whose frames these are.
#[derive(Clone, Copy, Debug)]
enum Source {
    Interface { index: i32, link: Link },
    All,
}

impl Ring {
    /// How long a frame may lie in the ring before it is handed over, twice over for a late timer.
    pub const LAG: Duration = Duration::from_millis(2 * RETIRE_MS as u64);

    /// Open a ring on an interface. Needs `CAP_NET_RAW`, and `CAP_SYS_ADMIN` for another namespace.
    pub fn open(config: &Config<'_>) -> Result<Self, RingError> {
        match config.netns {
            Some(name) => namespace::run_in(name, || Self::open_here(config))?,
            None => Self::open_here(config),
        }
    }

    /// Open a ring on every interface of a namespace at once, those to come included. Needs what [`Self::open`] needs.
    pub fn open_shared(config: &SharedConfig<'_>) -> Result<Self, RingError> {
        match config.netns {
            Some(name) => namespace::run_in(name, || Self::open_shared_here(config))?,
            None => Self::open_shared_here(config),
        }
    }

    fn open_shared_here(config: &SharedConfig<'_>) -> Result<Self, RingError> {
        let socket = system::packet_socket()?;
        prepare(&socket)?;
        system::attach(&socket, &filter::compile_shared(config.ignored, SNAP_LEN_WHOLE)?)?;
        Self::listen(socket, config.ring_bytes, Source::All, SNAP_LEN_WHOLE)
    }

    fn open_here(config: &Config<'_>) -> Result<Self, RingError> {
        let socket = system::packet_socket()?;
        let index = system::interface_index(&socket, config.interface)?;
        let hardware = system::hardware_kind(&socket, config.interface)?;
        let link = link_of(hardware)?;
        let snap_len = if config.snap_len >= 65535 { SNAP_LEN_WHOLE } else { config.snap_len.max(1) };
        prepare(&socket)?;
        if hardware == libc::ARPHRD_LOOPBACK {
            let yes: libc::c_int = 1;
            let option = libc::PACKET_IGNORE_OUTGOING;
            system::set_option(&socket, libc::SOL_PACKET, option, &yes, "leave out frames on their way out")?;
        }
        system::attach(&socket, &filter::compile(config.filters, link, snap_len)?)?;
        Self::listen(socket, config.ring_bytes, Source::Interface { index, link }, snap_len)
    }

    /// Make the ring of a socket that has its filter, and let frames in.
    fn listen(socket: OwnedFd, ring_bytes: usize, source: Source, snap_len: u32) -> Result<Self, RingError> {
        let (block_len, blocks) = shape(ring_bytes);
        request_ring(&socket, block_len, blocks)?;
        let mapping = Mapping::of(&socket, block_len * blocks)?;
        let index = match source {
            Source::Interface { index, .. } => index,
            Source::All => 0,
        };
        system::bind(&socket, index)?;
        Ok(Self { mapping, socket, block_len, next: 0, source, snap_len, statistics: Statistics::default() })
    }

    /// Leave out the frames of these interfaces (kernel indices) from now on, in place of those left out before.
    ///
    /// Frames already in the ring stay there, and the kernel takes some 2,000 indices at most, so whoever reads the ring
    /// leaves out what should not be there. Only for a shared ring; others give one interface's frames anyway.
    pub fn ignore(&mut self, links: &[u32]) -> Result<(), RingError> {
        match self.source {
            Source::All => system::attach(&self.socket, &filter::compile_shared(links, self.snap_len)?),
            Source::Interface { .. } => Ok(()),
        }
    }

    /// Whether the namespace has an interface of this kernel index now.
    #[must_use]
    pub fn has_interface(&self, index: u32) -> bool {
        i32::try_from(index).is_ok_and(|index| system::interface_flags(&self.socket, index).is_ok())
    }

    /// Link type of the frames; none where each has its own.
    #[must_use]
    pub fn link(&self) -> Option<Link> {
        match self.source {
            Source::Interface { link, .. } => Some(link),
            Source::All => None,
        }
    }

    /// Bytes kept of each frame.
    #[must_use]
    pub fn snap_len(&self) -> u32 {
        self.snap_len
    }

    /// Number of blocks.
    #[must_use]
    pub fn blocks(&self) -> usize {
        self.mapping.length() / self.block_len
    }

    /// The next full block of frames, if there is one. It goes back to the kernel when it is dropped.
    pub fn next_block(&mut self) -> Option<Block<'_>> {
        let start = self.next * self.block_len;
        debug_assert!(start + self.block_len <= self.mapping.length());
        // SAFETY: `next` counts modulo the number of blocks, so the block lies in the mapping.
        let base = unsafe { self.mapping.start().add(start) };
        // SAFETY: the status word is four bytes, aligned, inside the block's header; both sides use it atomically.
        let status = unsafe { AtomicU32::from_ptr(base.add(STATUS_OFFSET).cast()) };
        if status.load(Ordering::Acquire) & libc::TP_STATUS_USER == 0 {
            return None;
        }
        // SAFETY: with TP_STATUS_USER set the kernel leaves the block alone until we clear the word. The slice excludes
        // the header with that word, and its lifetime is that of the exclusive borrow of the ring.
        let bytes =
            unsafe { std::slice::from_raw_parts_mut(base.add(BLOCK_HEADER_LEN), self.block_len - BLOCK_HEADER_LEN) };
        // SAFETY: the header's counts lie in the block, are aligned, and are ours to read as above.
        let (frames, first) = unsafe { (base.add(12).cast::<u32>().read(), base.add(16).cast::<u32>().read()) };
        self.next = (start / self.block_len + 1) % self.blocks();
        Some(Block::new(status, bytes, frames, first as usize, self.link(), self.snap_len))
    }

    /// Wait for a block or trouble, at most so long. Owners of several rings poll the descriptor themselves.
    pub fn wait(&self, timeout: Duration) -> Result<bool, RingError> {
        let timeout_ms = i32::try_from(timeout.as_millis()).unwrap_or(i32::MAX);
        system::wait(&self.socket, timeout_ms).map_err(|source| RingError::Kernel { operation: "wait", source })
    }

    /// Whether the interface can still give packets. Ask when polling reports trouble, and now and then. A shared ring
    /// always can: interfaces come and go.
    pub fn health(&self) -> Result<(), RingError> {
        system::take_error(&self.socket);
        let Source::Interface { index, .. } = self.source else { return Ok(()) };
        match system::interface_flags(&self.socket, index) {
            Err(error) if matches!(error.errno(), libc::ENODEV | libc::ENXIO) => Err(RingError::Gone),
            Err(error) => Err(error),
            Ok(flags) if flags & libc::IFF_UP == 0 => Err(RingError::Down),
            Ok(_) => Ok(()),
        }
    }

    /// Take no more frames. Those already taken can be drained; the last of them are handed over within [`Self::LAG`].
    pub fn stop(&mut self) -> Result<(), RingError> {
        system::attach(&self.socket, &Program::nothing())
    }

    /// Counters since the ring was opened.
    pub fn statistics(&mut self) -> Result<Statistics, RingError> {
        // The kernel clears its counters when they are read, so this is the only place that reads them.
        let since = system::ring_statistics(&self.socket)?;
        self.statistics.packets += u64::from(since.tp_packets);
        self.statistics.drops += u64::from(since.tp_drops);
        Ok(self.statistics)
    }
}

impl AsFd for Ring {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.socket.as_fd()
    }
}

fn prepare(socket: &OwnedFd) -> Result<(), RingError> {
    let version = libc::tpacket_versions::TPACKET_V3 as libc::c_int;
    system::set_option(socket, libc::SOL_PACKET, libc::PACKET_VERSION, &version, "choose the ring's version")?;
    system::set_option(socket, libc::SOL_PACKET, libc::PACKET_RESERVE, &TAG_ROOM, "make room for a VLAN tag")
}

/// Length and number of blocks.
fn shape(ring_bytes: usize) -> (usize, usize) {
    let wanted = (ring_bytes / BLOCKS).clamp(BLOCK_LEN_MIN, BLOCK_LEN_MAX);
    // A power of two, as the kernel allocates them.
    let block_len = 1_usize << wanted.ilog2();
    (block_len, (ring_bytes / block_len).max(2))
}

fn request_ring(socket: &OwnedFd, block_len: usize, blocks: usize) -> Result<(), RingError> {
    let too_large = |_| RingError::Kernel {
        operation: "allocate the ring",
        source: std::io::Error::from_raw_os_error(libc::ENOMEM),
    };
    let request = libc::tpacket_req3 {
        tp_block_size: u32::try_from(block_len).map_err(too_large)?,
        tp_block_nr: u32::try_from(blocks).map_err(too_large)?,
        tp_frame_size: FRAME_LEN as u32,
        tp_frame_nr: u32::try_from(block_len / FRAME_LEN * blocks).map_err(too_large)?,
        tp_retire_blk_tov: RETIRE_MS,
        tp_sizeof_priv: 0,
        tp_feature_req_word: 0,
    };
    system::set_option(socket, libc::SOL_PACKET, libc::PACKET_RX_RING, &request, "allocate the ring")
}

/// What a raw packet socket gives on an interface of this kind.
pub(crate) fn link_of(hardware: u16) -> Result<Link, RingError> {
    match hardware {
        libc::ARPHRD_ETHER | libc::ARPHRD_LOOPBACK => Ok(Link::Ethernet),
        // Tunnels without a link layer of their own: tun and WireGuard, IP in IP, SIT, PPP's IP side.
        libc::ARPHRD_NONE | libc::ARPHRD_TUNNEL | libc::ARPHRD_TUNNEL6 | libc::ARPHRD_SIT => Ok(Link::RawIp),
        other => Err(RingError::Link(other)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ring_has_whole_blocks_that_take_any_offloaded_frame() {
        for (ring_bytes, expected) in [
            (0, (128 * 1024, 2)),
            (300_000, (128 * 1024, 2)),
            (2 * 1024 * 1024, (256 * 1024, 8)),
            (3_000_000, (256 * 1024, 11)),
            (64 * 1024 * 1024, (1024 * 1024, 64)),
        ] {
            assert_eq!(shape(ring_bytes), expected, "{ring_bytes}");
        }
    }
}
