//! A TCP conversation: handshake, both directions' bytes, and its end.

use kodkod_wire::{Tcp, TcpFlags};

use crate::half::{Chunk, Half};
use crate::{Direction, Reassembly};

/// Where a conversation stands.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    /// The handshake is under way.
    #[default]
    Opening,
    /// Both sides have agreed, or we came later.
    Established,
    /// Both sides have said that they are done, or one has reset it.
    Closed,
}

/// The TCP part of a flow.
///
/// Overlapping segments: the bytes that came first stay, in the queue as in what has been delivered. Data on a SYN is
/// kept until the other side acknowledges it. A hole is given up when the other side has acknowledged beyond it, when
/// a bound of [`ReassemblyLimits`](crate::ReassemblyLimits) is hit, or at the end. Where the handshake was missed, a
/// direction starts at the first sequence number that either side mentions.
#[derive(Debug, Default)]
pub struct Session {
    stage: Stage,
    halves: [Half; 2],
    /// A SYN with a new sequence number while the conversation was open; believed once the other side answers it.
    challenger: Option<u32>,
    is_mid_stream: bool,
}

impl Session {
    /// Both sides have agreed to talk, or we came into a conversation under way.
    #[must_use]
    #[inline]
    pub fn is_established(&self) -> bool {
        self.stage != Stage::Opening
    }

    /// Both sides are done, or one has reset it.
    #[must_use]
    #[inline]
    pub fn is_closed(&self) -> bool {
        self.stage == Stage::Closed
    }

    /// The handshake was missed.
    #[must_use]
    pub fn is_mid_stream(&self) -> bool {
        self.is_mid_stream
    }

    /// Take one segment; chunks of either direction are delivered in order, at most until this segment's.
    ///
    /// missing: bytes at the end of the payload that were not captured.
    #[inline]
    pub fn segment(
        &mut self,
        direction: Direction,
        tcp: &Tcp<'_>,
        payload: &[u8],
        missing: usize,
        shared: &mut Reassembly,
        mut deliver: impl FnMut(Direction, Chunk<'_>),
    ) {
        if self.is_closed() {
            return;
        }
        let flags = tcp.flags;
        if flags.has(TcpFlags::SYN) {
            self.synchronise(direction, tcp, payload, shared, &mut deliver);
            return;
        }
        if flags.has(TcpFlags::RST) {
            self.reset(direction, tcp.seq, shared, &mut deliver);
            return;
        }
        if flags.has(TcpFlags::ACK) {
            self.agree(direction);
            let other = direction.reversed();
            let half = self.half(other);
            half.acknowledge(tcp.ack, shared, &mut |chunk| deliver(other, chunk));
            half.end_if_complete(shared, &mut |chunk| deliver(other, chunk));
        }
        let half = self.half(direction);
        let is_fin = flags.has(TcpFlags::FIN);
        if !payload.is_empty() || missing != 0 || is_fin || !half.is_known {
            half.accept(tcp.seq, payload, missing, shared, &mut |chunk| deliver(direction, chunk));
        }
        if is_fin {
            let sent = u32::try_from(payload.len().saturating_add(missing)).unwrap_or(u32::MAX);
            half.finish_at(tcp.seq.wrapping_add(sent), shared);
        }
        half.end_if_complete(shared, &mut |chunk| deliver(direction, chunk));
        if self.halves.iter().all(|half| half.is_ended) {
            self.stage = Stage::Closed;
        }
    }

    /// The flow is over (timeout, eviction, end of the capture): deliver what waits, and both ends.
    pub fn close(&mut self, shared: &mut Reassembly, mut deliver: impl FnMut(Direction, Chunk<'_>)) {
        for direction in [Direction::ToServer, Direction::ToClient] {
            self.half(direction).end(shared, &mut |chunk| deliver(direction, chunk));
        }
        self.stage = Stage::Closed;
    }

    /// Nobody wants the bytes any more: no further data or gap is delivered, only the ends.
    pub fn stop(&mut self, shared: &mut Reassembly) {
        for half in &mut self.halves {
            half.stop(shared);
        }
    }

    /// Whether this segment opens another conversation with the same addresses and ports.
    pub(crate) fn is_restarted_by(&mut self, direction: Direction, tcp: &Tcp<'_>) -> bool {
        if !tcp.flags.has(TcpFlags::SYN) || tcp.flags.has(TcpFlags::RST) {
            return false;
        }
        if tcp.flags.has(TcpFlags::ACK) {
            return self.challenger.is_some_and(|isn| isn.wrapping_add(1) == tcp.ack);
        }
        let is_repeated = self.half(direction).isn == Some(tcp.seq);
        if is_repeated {
            return false;
        }
        if self.stage == Stage::Established {
            self.challenger = Some(tcp.seq);
            return false;
        }
        // A simultaneous open is rare enough to be counted as two flows only where we have seen a SYN of this side.
        self.stage == Stage::Closed || self.half(direction).isn.is_some()
    }

    fn half(&mut self, direction: Direction) -> &mut Half {
        let [to_server, to_client] = &mut self.halves;
        match direction {
            Direction::ToServer => to_server,
            Direction::ToClient => to_client,
        }
    }

    fn synchronise(
        &mut self,
        direction: Direction,
        tcp: &Tcp<'_>,
        payload: &[u8],
        shared: &mut Reassembly,
        deliver: &mut impl FnMut(Direction, Chunk<'_>),
    ) {
        let half = self.half(direction);
        if !half.is_known {
            half.isn = Some(tcp.seq);
            half.start(tcp.seq.wrapping_add(1));
            if !payload.is_empty() {
                half.hold(payload, shared);
            }
        }
        if tcp.flags.has(TcpFlags::ACK) {
            let other = direction.reversed();
            let half = self.half(other);
            half.release(tcp.ack, shared);
            half.acknowledge(tcp.ack, shared, &mut |chunk| deliver(other, chunk));
        }
    }

    /// A segment that acknowledges without SYN: the client's completes the handshake, anybody's says it was missed.
    #[inline]
    fn agree(&mut self, direction: Direction) {
        if self.stage == Stage::Opening {
            let [to_server, to_client] = &self.halves;
            let saw_syn = to_server.isn.is_some() || to_client.isn.is_some();
            if !saw_syn || direction == Direction::ToServer || to_server.isn.is_none() {
                self.stage = Stage::Established;
                self.is_mid_stream = !saw_syn;
            } else if to_client.isn.is_none() {
                // The server speaks, and its SYN was missed.
                self.stage = Stage::Established;
            }
        }
    }

    /// A reset ends both directions, if its receiver would take it: anybody can send one.
    fn reset(
        &mut self,
        direction: Direction,
        seq: u32,
        shared: &mut Reassembly,
        deliver: &mut impl FnMut(Direction, Chunk<'_>),
    ) {
        let is_refusal = self.stage == Stage::Opening;
        if is_refusal || self.half(direction).accepts_reset(seq) {
            self.close(shared, deliver);
        } else {
            shared.counters.strays = shared.counters.strays.saturating_add(1);
        }
    }
}

#[cfg(test)]
mod sequence_tests {
    use crate::half::distance;

    #[test]
    fn sequence_numbers_wrap_around() {
        assert_eq!(distance(u32::MAX, 4), 5);
        assert_eq!(distance(4, u32::MAX), -5);
    }
}
