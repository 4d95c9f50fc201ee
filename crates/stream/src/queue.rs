//! Segments that came too early, and the memory that all streams share for them.

use std::collections::VecDeque;

/// Bounds on what waits for missing bytes.
#[derive(Clone, Copy, Debug)]
pub struct ReassemblyLimits {
    /// Bytes of all streams together, bookkeeping included.
    pub memory_bytes: usize,
    /// Bytes of one direction of one flow. Linux' default receive window grows to 6 MiB; a hole that long is loss.
    pub stream_bytes: usize,
    /// How far ahead of the expected byte a segment may start. More is a stray, unless the other side acknowledges it.
    pub window_bytes: u32,
}

impl Default for ReassemblyLimits {
    fn default() -> Self {
        Self { memory_bytes: 64 << 20, stream_bytes: 1 << 20, window_bytes: 16 << 20 }
    }
}

/// How often a bound was met, or traffic was odd.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ReassemblyCounters {
    /// Holes given up: the receiver had acknowledged them, a bound was hit, or the flow ended.
    pub gaps: u64,
    /// Their bytes.
    pub gap_bytes: u64,
    /// Of these, holes given up because one stream's bound was hit.
    pub stream_full: u64,
    /// Of these, holes given up because the memory for all streams was used up.
    pub memory_full: u64,
    /// Segments that brought nothing new.
    pub retransmissions: u64,
    /// Segments whose bytes differ from earlier ones for the same place, where both were at hand.
    pub conflicts: u64,
    /// Segments and resets outside the window.
    pub strays: u64,
}

/// What all streams share: limits, memory in use, counters.
#[derive(Debug, Default)]
pub struct Reassembly {
    /// The bounds.
    pub limits: ReassemblyLimits,
    /// How often they were met.
    pub counters: ReassemblyCounters,
    memory_used: usize,
}

impl Reassembly {
    /// Nothing waits yet.
    #[must_use]
    pub fn new(limits: ReassemblyLimits) -> Self {
        Self { limits, ..Self::default() }
    }

    /// Bytes that wait in all streams, bookkeeping included.
    #[must_use]
    pub fn memory_used(&self) -> usize {
        self.memory_used
    }
}

/// What an entry costs beside its bytes: the entry and the allocator's share.
const ENTRY_BYTES: usize = 64;

/// Bytes that wait, at their place in the stream.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) start: u64,
    pub(crate) bytes: Box<[u8]>,
}

impl Entry {
    fn end(&self) -> u64 {
        self.start.saturating_add(length(&self.bytes))
    }

    fn cost(&self) -> usize {
        self.bytes.len().saturating_add(ENTRY_BYTES)
    }
}

pub(crate) fn length(bytes: &[u8]) -> u64 {
    u64::try_from(bytes.len()).unwrap_or(u64::MAX)
}

/// The segments of one direction that wait, in order and without overlap. Where segments overlap, the bytes that came
/// first stay.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    entries: VecDeque<Entry>,
    cost: usize,
}

impl Queue {
    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Where the first waiting byte is.
    #[inline]
    pub(crate) fn start(&self) -> Option<u64> {
        self.entries.front().map(|entry| entry.start)
    }

    /// Where the last waiting byte ends.
    pub(crate) fn end(&self) -> Option<u64> {
        self.entries.back().map(Entry::end)
    }

    /// Bytes that wait, bookkeeping included.
    pub(crate) fn cost(&self) -> usize {
        self.cost
    }

    pub(crate) fn pop(&mut self, shared: &mut Reassembly) -> Option<Entry> {
        let entry = self.entries.pop_front()?;
        self.cost = self.cost.saturating_sub(entry.cost());
        shared.memory_used = shared.memory_used.saturating_sub(entry.cost());
        Some(entry)
    }

    pub(crate) fn clear(&mut self, shared: &mut Reassembly) {
        shared.memory_used = shared.memory_used.saturating_sub(self.cost);
        self.cost = 0;
        self.entries = VecDeque::new();
    }

    /// Keep what is new of these bytes.
    pub(crate) fn insert(&mut self, start: u64, bytes: &[u8], shared: &mut Reassembly) {
        let end = start.saturating_add(length(bytes));
        let mut at = start;
        let mut index = self.entries.partition_point(|entry| entry.end() <= start);
        let (mut is_new, mut is_conflict) = (false, false);
        // Ends: each turn moves `at` to the end of an entry or of a new piece, and `index` with it.
        while at < end {
            let piece_end = match self.entries.get(index) {
                Some(entry) if entry.start <= at => {
                    is_conflict |= differs(entry, start, bytes);
                    at = entry.end();
                    index = index.saturating_add(1);
                    continue;
                }
                Some(entry) => entry.start.min(end),
                None => end,
            };
            let entry = Entry { start: at, bytes: slice(bytes, start, at, piece_end).into() };
            self.cost = self.cost.saturating_add(entry.cost());
            shared.memory_used = shared.memory_used.saturating_add(entry.cost());
            self.entries.insert(index, entry);
            index = index.saturating_add(1);
            at = piece_end;
            is_new = true;
        }
        shared.counters.retransmissions = shared.counters.retransmissions.saturating_add(u64::from(!is_new));
        shared.counters.conflicts = shared.counters.conflicts.saturating_add(u64::from(is_conflict));
    }
}

/// The bytes of the places `from..to`, of bytes that start at place `start`.
fn slice(bytes: &[u8], start: u64, from: u64, to: u64) -> &[u8] {
    let index = |place: u64| usize::try_from(place.saturating_sub(start)).unwrap_or(usize::MAX);
    bytes.get(index(from)..index(to)).unwrap_or(&[])
}

/// Whether the bytes say something else than the entry where both have a say.
fn differs(entry: &Entry, start: u64, bytes: &[u8]) -> bool {
    let from = entry.start.max(start);
    let to = entry.end().min(start.saturating_add(length(bytes)));
    slice(&entry.bytes, entry.start, from, to) != slice(bytes, start, from, to)
}
