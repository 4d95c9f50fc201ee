//! Joining the pieces of IP datagrams.

use std::collections::HashMap;
use std::net::IpAddr;

use kodkod_wire::{Fragment, Network, Packet, Protocol, internet_checksum};

/// Bounds on pieces that wait.
#[derive(Clone, Copy, Debug)]
pub struct DefragmentLimits {
    /// Bytes of all pieces, bookkeeping included.
    pub memory_bytes: usize,
    /// Datagrams that wait for pieces.
    pub datagrams_max: usize,
    /// Pieces of one datagram. The largest datagram over the smallest usual MTU (576) has 119.
    pub pieces_max: usize,
    /// Time from the first piece, as Linux has it (`ipfrag_time`).
    pub timeout_ns: u64,
}

impl Default for DefragmentLimits {
    fn default() -> Self {
        Self { memory_bytes: 8 << 20, datagrams_max: 4096, pieces_max: 1024, timeout_ns: 30_000_000_000 }
    }
}

/// What became of pieces.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct DefragmentCounters {
    /// Pieces seen.
    pub pieces: u64,
    /// Datagrams joined.
    pub joined: u64,
    /// Datagrams whose pieces did not all come in time.
    pub timed_out: u64,
    /// Datagrams dropped to keep a bound.
    pub evicted: u64,
    /// Pieces that overlap others with a part of themselves (repeated ones are not counted).
    pub overlaps: u64,
    /// Pieces that cannot be: of a length that is no multiple of 8 in the middle, beyond 65,535 bytes, after the
    /// end, cut by the capture, or more than `pieces_max`.
    pub impossible: u64,
}

/// Datagrams in pieces, of all tags.
///
/// Overlap: in IPv4 the bytes that came first stay; an IPv6 datagram with overlapping pieces is dropped as RFC 5722
/// asks. Each is counted.
#[derive(Debug, Default)]
pub struct Defragmenter {
    limits: DefragmentLimits,
    counters: DefragmentCounters,
    waiting: HashMap<Key, Pieces>,
    memory_used: usize,
    joined: Vec<u8>,
    /// No datagram times out before this time.
    next_timeout_ns: u64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
struct Key {
    tag: u32,
    vlan: Option<u16>,
    source: IpAddr,
    destination: IpAddr,
    id: u32,
    protocol: Protocol,
}

/// The pieces of one datagram, in order and without overlap.
#[derive(Debug, Default)]
struct Pieces {
    first_ns: u64,
    /// Headers of the first piece: fixed part and, of IPv6, the extensions without the fragment header.
    header: Option<Vec<u8>>,
    pieces: Vec<(u32, Box<[u8]>)>,
    /// Length of the datagram's payload, once its last piece is known.
    length: Option<u32>,
    is_dropped: bool,
}

/// A piece's bookkeeping and the allocator's share.
const PIECE_BYTES: usize = 64;
/// What a datagram that waits costs beside its pieces.
const DATAGRAM_BYTES: usize = 160;
const DATAGRAM_MAX: usize = 65_535;

impl Defragmenter {
    /// Nothing waits.
    #[must_use]
    pub fn new(limits: DefragmentLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Take a piece (other packets are ignored). Where it completes its datagram: that datagram from its IP header on,
    /// to be decoded as raw IP. The header says what the whole datagram's would: no fragment fields, right length and
    /// checksum.
    pub fn add(&mut self, tag: u32, now_ns: u64, packet: &Packet<'_>) -> Option<&[u8]> {
        let network = packet.network.as_ref()?;
        let fragment = network.fragment()?;
        self.counters.pieces = self.counters.pieces.saturating_add(1);
        self.expire(now_ns);
        let key = key(tag, packet, network, fragment);
        if !self.waiting.contains_key(&key) {
            self.make_room();
            self.memory_used = self.memory_used.saturating_add(DATAGRAM_BYTES);
            self.next_timeout_ns = self.next_timeout_ns.min(now_ns.saturating_add(self.limits.timeout_ns));
        }
        let pieces = self.waiting.entry(key).or_insert_with(|| Pieces { first_ns: now_ns, ..Pieces::default() });
        let before = pieces.cost();
        pieces.take(network, fragment, packet, &self.limits, &mut self.counters);
        let is_complete = pieces.is_complete();
        self.memory_used = self.memory_used.saturating_sub(before).saturating_add(pieces.cost());
        if !is_complete {
            self.keep_memory();
            return None;
        }
        let pieces = self.remove(&key)?;
        if !pieces.join(&mut self.joined) {
            self.counters.impossible = self.counters.impossible.saturating_add(1);
            return None;
        }
        self.counters.joined = self.counters.joined.saturating_add(1);
        Some(&self.joined)
    }

    /// Drop the datagrams whose pieces did not all come in time.
    pub fn expire(&mut self, now_ns: u64) {
        if now_ns < self.next_timeout_ns || self.waiting.is_empty() {
            return;
        }
        let timeout_ns = self.limits.timeout_ns;
        let mut freed = 0usize;
        let mut timed_out = 0u64;
        self.waiting.retain(|_, pieces| {
            let is_kept = now_ns.saturating_sub(pieces.first_ns) < timeout_ns;
            if !is_kept {
                freed = freed.saturating_add(pieces.cost()).saturating_add(DATAGRAM_BYTES);
                timed_out = timed_out.saturating_add(u64::from(!pieces.is_dropped));
            }
            is_kept
        });
        self.memory_used = self.memory_used.saturating_sub(freed);
        self.counters.timed_out = self.counters.timed_out.saturating_add(timed_out);
        let earliest = self.waiting.values().map(|pieces| pieces.first_ns).min();
        self.next_timeout_ns = earliest.map_or(u64::MAX, |first_ns| first_ns.saturating_add(timeout_ns));
    }

    /// What became of the pieces so far.
    #[must_use]
    pub fn counters(&self) -> DefragmentCounters {
        self.counters
    }

    fn make_room(&mut self) {
        if self.waiting.is_empty() {
            self.next_timeout_ns = u64::MAX;
        } else if self.waiting.len() >= self.limits.datagrams_max {
            self.evict_oldest();
        }
    }

    fn keep_memory(&mut self) {
        // Ends: each turn drops a datagram.
        while self.memory_used > self.limits.memory_bytes && !self.waiting.is_empty() {
            self.evict_oldest();
        }
    }

    /// Looks at all that wait: a flood of pieces costs that much each, and the bound keeps it small.
    fn evict_oldest(&mut self) {
        let oldest = self.waiting.iter().min_by_key(|(_, pieces)| pieces.first_ns).map(|(key, _)| *key);
        if let Some(key) = oldest {
            self.counters.evicted = self.counters.evicted.saturating_add(1);
            self.remove(&key);
        }
    }

    fn remove(&mut self, key: &Key) -> Option<Pieces> {
        let pieces = self.waiting.remove(key)?;
        self.memory_used = self.memory_used.saturating_sub(pieces.cost()).saturating_sub(DATAGRAM_BYTES);
        Some(pieces)
    }
}

fn key(tag: u32, packet: &Packet<'_>, network: &Network<'_>, fragment: Fragment) -> Key {
    // RFC 8200 §4.5: the protocol is not part of the key, and pieces other than the first may lie about it.
    let protocol = match network {
        Network::V4(ip) => ip.protocol,
        Network::V6(_) => Protocol::IPV6,
    };
    Key {
        tag,
        vlan: packet.vlans.outer(),
        source: network.source(),
        destination: network.destination(),
        id: fragment.id,
        protocol,
    }
}

impl Pieces {
    fn cost(&self) -> usize {
        let bytes = self.pieces.iter().fold(0usize, |sum, (_, bytes)| sum.saturating_add(bytes.len()));
        bytes.saturating_add(self.pieces.len().saturating_mul(PIECE_BYTES))
    }

    fn take(
        &mut self,
        network: &Network<'_>,
        fragment: Fragment,
        packet: &Packet<'_>,
        limits: &DefragmentLimits,
        counters: &mut DefragmentCounters,
    ) {
        if self.is_dropped {
            return;
        }
        let length = u32::try_from(packet.payload.len()).unwrap_or(u32::MAX);
        let end = fragment.offset.saturating_add(length);
        let is_ragged = fragment.more && length % 8 != 0;
        let is_beyond = usize::try_from(end).is_ok_and(|end| end > DATAGRAM_MAX);
        let is_after_end = self.length.is_some_and(|length| end > length || (!fragment.more && end != length));
        let is_too_many = self.pieces.len() >= limits.pieces_max;
        if length == 0 || is_ragged || is_beyond || is_after_end || is_too_many || packet.missing != 0 {
            counters.impossible = counters.impossible.saturating_add(1);
            return;
        }
        if !fragment.more {
            self.length = Some(end);
        }
        if fragment.offset == 0 && self.header.is_none() {
            self.header = Some(header_of_whole(network));
        }
        let is_overlapping = self.insert(fragment.offset, packet.payload);
        if is_overlapping {
            counters.overlaps = counters.overlaps.saturating_add(1);
            if matches!(network, Network::V6(_)) {
                self.is_dropped = true;
                self.pieces = Vec::new();
            }
        }
    }

    /// Keep what is new of a piece; says whether a part of it was there, and a part was not or was different.
    fn insert(&mut self, start: u32, bytes: &[u8]) -> bool {
        let end = start.saturating_add(size(bytes));
        let mut at = start;
        let mut index = self.pieces.partition_point(|(from, piece)| from.saturating_add(size(piece)) <= start);
        let (mut is_new, mut is_old, mut is_different) = (false, false, false);
        // Ends: each turn moves `at` to the end of a piece.
        while at < end {
            let until = match self.pieces.get(index) {
                Some((from, piece)) if *from <= at => {
                    is_old = true;
                    is_different |= *from != start || **piece != *bytes;
                    at = from.saturating_add(size(piece));
                    index = index.saturating_add(1);
                    continue;
                }
                Some((from, _)) => (*from).min(end),
                None => end,
            };
            let place = |at: u32| usize::try_from(at.saturating_sub(start)).unwrap_or(usize::MAX);
            let new = bytes.get(place(at)..place(until)).unwrap_or(&[]);
            self.pieces.insert(index, (at, new.into()));
            index = index.saturating_add(1);
            at = until;
            is_new = true;
        }
        is_old && (is_new || is_different)
    }

    fn is_complete(&self) -> bool {
        let Some(length) = self.length else { return false };
        let mut at = 0u32;
        for (start, bytes) in &self.pieces {
            if *start != at {
                return false;
            }
            at = at.saturating_add(size(bytes));
        }
        at >= length && self.header.is_some()
    }

    /// Write the whole datagram; says whether its header can state its length.
    fn join(&self, joined: &mut Vec<u8>) -> bool {
        let (Some(header), Some(length)) = (&self.header, self.length) else { return false };
        joined.clear();
        joined.extend_from_slice(header);
        for (_, bytes) in &self.pieces {
            joined.extend_from_slice(bytes);
        }
        let payload = usize::try_from(length).unwrap_or(usize::MAX);
        joined.truncate(header.len().saturating_add(payload));
        finish_header(joined, header.len())
    }
}

fn size(bytes: &[u8]) -> u32 {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX)
}

/// The header of the first piece without what makes it a piece. Length and checksum come when all is known.
fn header_of_whole(network: &Network<'_>) -> Vec<u8> {
    match network {
        Network::V4(ip) => {
            let mut header = ip.header.to_vec();
            if let Some([flags, offset]) = header.get_mut(6..8) {
                *flags &= 0x40; // of flags and offset, only "don't fragment" stays
                *offset = 0;
            }
            header
        }
        Network::V6(ip) => {
            let mut header = ip.header.to_vec();
            // Where the header that comes before the fragment header says what follows it.
            let mut next_at = 6;
            for extension in ip.extensions() {
                if extension.next == Protocol(44) {
                    next_at = header.len();
                }
                if extension.protocol != Protocol(44) {
                    header.extend_from_slice(extension.bytes);
                }
            }
            if let Some(next) = header.get_mut(next_at) {
                *next = ip.protocol.0;
            }
            header
        }
    }
}

fn finish_header(datagram: &mut [u8], header_length: usize) -> bool {
    let total = datagram.len();
    match datagram {
        [first, _, length0, length1, ..] if *first >> 4 == 4 => {
            let Ok(stated) = u16::try_from(total) else { return false };
            [*length0, *length1] = stated.to_be_bytes();
            write_checksum(datagram, header_length);
            true
        }
        [_, _, _, _, length0, length1, ..] => {
            let Ok(stated) = u16::try_from(total.saturating_sub(40)) else { return false };
            [*length0, *length1] = stated.to_be_bytes();
            true
        }
        _ => false,
    }
}

fn write_checksum(datagram: &mut [u8], header_length: usize) {
    let Some(header) = datagram.get_mut(..header_length) else { return };
    if let Some(field) = header.get_mut(10..12) {
        field.fill(0);
    }
    let checksum = internet_checksum(header).to_be_bytes();
    if let Some(field) = header.get_mut(10..12) {
        field.copy_from_slice(&checksum);
    }
}
