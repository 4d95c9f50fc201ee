//! One direction of a TCP conversation: segments in, bytes in order out.

use crate::queue::{Queue, Reassembly, length};

/// What comes out of a stream, in order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Chunk<'a> {
    /// Bytes that follow what came before. Borrowed from the packet where they came in order.
    Data(&'a [u8]),
    /// So many bytes were never seen.
    Gap(u64),
    /// Nothing more follows. Delivered once.
    End,
}

/// Stray segments in a row after which we believe them: what lies between was lost, and nobody acknowledged it.
const STRAYS_MAX: u8 = 8;

/// One direction.
#[derive(Debug, Default)]
pub(crate) struct Half {
    /// The first sequence number, of the SYN; none where that was missed.
    pub(crate) isn: Option<u32>,
    /// Highest acknowledgement by the other side.
    acked: Option<u32>,
    /// Sequence number of the byte that comes next; meaningless until `is_known`.
    pub(crate) next: u32,
    /// Place of that byte in the stream.
    position: u64,
    /// Place where the sender said its stream ends.
    fin: Option<u64>,
    queue: Queue,
    strays: u8,
    pub(crate) is_known: bool,
    pub(crate) is_ended: bool,
    /// Nobody wants the bytes any more; only the position is kept.
    is_stopped: bool,
}

impl Half {
    /// The stream's next byte has this sequence number.
    pub(crate) fn start(&mut self, next: u32) {
        self.next = next;
        self.is_known = true;
    }

    /// Whether the sender's next sequence number (of a reset) is one that the receiver would take.
    pub(crate) fn accepts_reset(&self, seq: u32) -> bool {
        let after_queue = self.queue.end().map(|end| self.seq_at(end));
        let after_fin = self.fin.map(|fin| self.seq_at(fin.saturating_add(1)));
        !self.is_known
            || seq == self.next
            || self.acked == Some(seq)
            || after_queue == Some(seq)
            || after_fin == Some(seq)
    }

    /// Keep the data of a SYN until the other side says whether it took it.
    pub(crate) fn hold(&mut self, bytes: &[u8], shared: &mut Reassembly) {
        if !self.is_stopped {
            self.queue.insert(self.position, bytes, shared);
        }
    }

    /// The other side's answer to a SYN: held data that it did not acknowledge will come again.
    pub(crate) fn release(&mut self, ack: u32, shared: &mut Reassembly) {
        if distance(self.next, ack) <= 0 {
            self.queue.clear(shared);
        }
    }

    /// The other side has all bytes before `ack`: what we still miss of them will not come again.
    #[inline]
    pub(crate) fn acknowledge(&mut self, ack: u32, shared: &mut Reassembly, deliver: &mut impl FnMut(Chunk<'_>)) {
        if !self.is_known {
            self.start(ack);
        }
        // What was never sent cannot be acknowledged; if so much was lost, the next segments tell.
        if distance(self.next, ack) > i64::from(shared.limits.window_bytes) {
            return;
        }
        if self.acked.is_none_or(|acked| distance(acked, ack) > 0) {
            self.acked = Some(ack);
        }
        if distance(self.next, ack) > 0 && !self.queue.is_empty() {
            // Ends: each turn takes at least one entry out of the queue.
            while self.queue.start().is_some_and(|start| start < self.place(ack)) {
                self.skip_hole(shared, deliver);
            }
        }
    }

    /// Take the bytes of a segment. `missing` bytes at its end were not captured.
    #[inline]
    pub(crate) fn accept(
        &mut self,
        seq: u32,
        bytes: &[u8],
        missing: usize,
        shared: &mut Reassembly,
        deliver: &mut impl FnMut(Chunk<'_>),
    ) {
        if self.is_ended {
            return;
        }
        if !self.is_known {
            self.start(seq);
        }
        let ahead = distance(self.next, seq);
        if self.is_stopped {
            self.follow(ahead, bytes.len().saturating_add(missing));
        } else if ahead == 0 && self.queue.is_empty() {
            self.deliver(bytes, deliver);
        } else if ahead <= 0 {
            self.fill(ahead.unsigned_abs(), bytes, shared, deliver);
        } else {
            self.accept_early(seq, ahead, bytes, shared, deliver);
        }
        let is_next = self.place(seq).saturating_add(length(bytes)) == self.position;
        if missing != 0 && is_next {
            self.gap(u64::try_from(missing).unwrap_or(u64::MAX), shared, deliver);
        }
    }

    /// The sender's stream ends before this sequence number.
    pub(crate) fn finish_at(&mut self, seq: u32, shared: &mut Reassembly) {
        let ahead = distance(self.next, seq);
        if ahead < 0 || ahead > i64::from(shared.limits.window_bytes) {
            shared.counters.strays = shared.counters.strays.saturating_add(1);
        } else if self.fin.is_none() {
            self.fin = Some(self.position.saturating_add(ahead.unsigned_abs()));
        }
    }

    /// Deliver the end, once everything before it has been delivered.
    #[inline]
    pub(crate) fn end_if_complete(&mut self, shared: &mut Reassembly, deliver: &mut impl FnMut(Chunk<'_>)) {
        if self.fin.is_some_and(|fin| fin <= self.position) {
            self.end(shared, deliver);
        }
    }

    /// Nothing more will come: give up the holes, deliver what waits, and the end.
    pub(crate) fn end(&mut self, shared: &mut Reassembly, deliver: &mut impl FnMut(Chunk<'_>)) {
        if self.is_ended {
            return;
        }
        // Ends: each turn takes at least one entry out of the queue.
        while !self.queue.is_empty() {
            self.skip_hole(shared, deliver);
        }
        self.give_up_acknowledged(shared, deliver);
        self.is_ended = true;
        deliver(Chunk::End);
    }

    /// Nobody wants the bytes any more.
    pub(crate) fn stop(&mut self, shared: &mut Reassembly) {
        self.queue.clear(shared);
        self.is_stopped = true;
    }

    /// A segment after a hole.
    fn accept_early(
        &mut self,
        seq: u32,
        ahead: i64,
        bytes: &[u8],
        shared: &mut Reassembly,
        deliver: &mut impl FnMut(Chunk<'_>),
    ) {
        let is_acknowledged = self.acked.is_some_and(|acked| distance(seq, acked) >= 0);
        let is_stray = ahead > i64::from(shared.limits.window_bytes) && !is_acknowledged;
        if is_stray {
            self.strays = self.strays.saturating_add(1);
            shared.counters.strays = shared.counters.strays.saturating_add(1);
            if self.strays < STRAYS_MAX {
                return;
            }
        }
        self.strays = 0;
        if bytes.is_empty() {
            return;
        }
        let start = self.position.saturating_add(ahead.unsigned_abs());
        self.queue.insert(start, bytes, shared);
        if is_acknowledged || is_stray {
            self.skip_hole(shared, deliver);
        }
        // Data held from a SYN waits at the very place that is next.
        self.drain(shared, deliver);
        self.keep_bounds(shared, deliver);
    }

    /// Where a bound is hit, holes are given up from the front until it holds again.
    fn keep_bounds(&mut self, shared: &mut Reassembly, deliver: &mut impl FnMut(Chunk<'_>)) {
        // Ends: each turn takes at least one entry out of the queue.
        while !self.queue.is_empty() {
            if self.queue.cost() > shared.limits.stream_bytes {
                shared.counters.stream_full = shared.counters.stream_full.saturating_add(1);
            } else if shared.memory_used() > shared.limits.memory_bytes {
                shared.counters.memory_full = shared.counters.memory_full.saturating_add(1);
            } else {
                return;
            }
            self.skip_hole(shared, deliver);
        }
    }

    /// A segment that starts `behind` bytes before the next one: deliver what is new of it and what waited for it.
    fn fill(&mut self, behind: u64, bytes: &[u8], shared: &mut Reassembly, deliver: &mut impl FnMut(Chunk<'_>)) {
        let Some(new) = length(bytes).checked_sub(behind).filter(|new| *new != 0) else {
            let is_old = u64::from(!bytes.is_empty());
            shared.counters.retransmissions = shared.counters.retransmissions.saturating_add(is_old);
            return;
        };
        let end = self.position.saturating_add(new);
        // Ends: each turn delivers up to the next waiting entry and takes that out.
        while self.position < end {
            let until = self.queue.start().map_or(end, |start| start.min(end));
            let from_end = |place: u64| usize::try_from(end.saturating_sub(place)).unwrap_or(usize::MAX);
            let from = bytes.len().saturating_sub(from_end(self.position));
            let to = bytes.len().saturating_sub(from_end(until));
            self.deliver(bytes.get(from..to).unwrap_or(&[]), deliver);
            self.drain(shared, deliver);
        }
    }

    /// Give up the hole before the first waiting entry.
    fn skip_hole(&mut self, shared: &mut Reassembly, deliver: &mut impl FnMut(Chunk<'_>)) {
        if let Some(hole) = self.queue.start().and_then(|start| start.checked_sub(self.position)) {
            self.gap(hole, shared, deliver);
        }
        self.drain(shared, deliver);
    }

    /// Deliver the waiting entries whose turn it is.
    fn drain(&mut self, shared: &mut Reassembly, deliver: &mut impl FnMut(Chunk<'_>)) {
        // Ends: each turn takes an entry out of the queue.
        while self.queue.start().is_some_and(|start| start <= self.position) {
            let Some(entry) = self.queue.pop(shared) else { return };
            let old = usize::try_from(self.position.saturating_sub(entry.start)).unwrap_or(usize::MAX);
            self.deliver(entry.bytes.get(old..).unwrap_or(&[]), deliver);
        }
    }

    /// At the end: bytes that the receiver had and we never saw.
    fn give_up_acknowledged(&mut self, shared: &mut Reassembly, deliver: &mut impl FnMut(Chunk<'_>)) {
        let Some(acked) = self.acked.filter(|_| self.is_known && !self.is_stopped) else { return };
        let end = self.fin.unwrap_or(u64::MAX).min(self.place(acked));
        // One byte may be the acknowledgement of a FIN that we did not see.
        if let Some(hole) = end.checked_sub(self.position).filter(|hole| *hole > 1) {
            self.gap(hole, shared, deliver);
        }
    }

    #[inline]
    fn deliver(&mut self, bytes: &[u8], deliver: &mut impl FnMut(Chunk<'_>)) {
        if !bytes.is_empty() {
            self.advance(length(bytes));
            self.strays = 0;
            deliver(Chunk::Data(bytes));
        }
    }

    fn gap(&mut self, hole: u64, shared: &mut Reassembly, deliver: &mut impl FnMut(Chunk<'_>)) {
        if hole == 0 || self.is_ended {
            return;
        }
        shared.counters.gaps = shared.counters.gaps.saturating_add(1);
        shared.counters.gap_bytes = shared.counters.gap_bytes.saturating_add(hole);
        self.advance(hole);
        if !self.is_stopped {
            deliver(Chunk::Gap(hole));
        }
    }

    /// Keep the position of a stream that nobody wants.
    fn follow(&mut self, ahead: i64, len: usize) {
        let end = ahead.saturating_add(i64::try_from(len).unwrap_or(i64::MAX));
        if end > 0 {
            self.advance(end.unsigned_abs());
        }
    }

    #[inline]
    fn advance(&mut self, bytes: u64) {
        self.position = self.position.saturating_add(bytes);
        self.next = self.next.wrapping_add(low(bytes));
    }

    /// Place of a sequence number in the stream; 0 for those before its start.
    fn place(&self, seq: u32) -> u64 {
        self.position.saturating_add_signed(distance(self.next, seq))
    }

    fn seq_at(&self, place: u64) -> u32 {
        self.next.wrapping_add(low(place.wrapping_sub(self.position)))
    }
}

/// The low half of a number of bytes: sequence numbers count modulo 2^32.
#[inline]
fn low(bytes: u64) -> u32 {
    u32::try_from(bytes & 0xffff_ffff).unwrap_or(0)
}

/// From one sequence number to another, the shorter way round: -2^31 to 2^31 - 1.
#[inline]
pub(crate) fn distance(from: u32, to: u32) -> i64 {
    i64::from(i32::from_ne_bytes(to.wrapping_sub(from).to_ne_bytes()))
}
