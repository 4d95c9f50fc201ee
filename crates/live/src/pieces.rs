//! How do packets get from the ring to the disk without the one waiting for the other?
//!
//! In pieces of many packets, through a queue that is bounded in bytes: for one capture, and for all of the process
//! together. What finds no room is the newest, and is counted by whoever wanted to put it there.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::time::Duration;

use crate::capture::Command;

/// Bytes gathered before they are handed over: a disk takes them in one go, and a slow one costs few wake-ups.
pub(crate) const PIECE_LEN: usize = 256 * 1024;
/// What one capture may have waiting: half a second at 1 Gbit/s.
const BACKLOG_MAX: usize = 64 * 1024 * 1024;
/// What all captures of the process may have waiting together: they mostly wait for the same disk.
const BACKLOGS_MAX: usize = 128 * 1024 * 1024;
/// Empty pieces kept for use; memory that has been written once is quicker to write again.
const SPARE_MAX: usize = 4;

/// Bytes that wait in all backlogs of this process. A bound of the machine's memory, so it is the process's own.
static WAITING: AtomicUsize = AtomicUsize::new(0);

/// Before each packet: time, length on the wire, captured length.
const HEAD_LEN: usize = 16;

/// Packets one after another.
#[derive(Debug, Default)]
pub(crate) struct Piece {
    bytes: Vec<u8>,
    packets: u64,
}

impl Piece {
    pub(crate) fn push(&mut self, ts_ns: u64, wire_len: u32, data: &[u8]) {
        let captured = u32::try_from(data.len()).unwrap_or(u32::MAX);
        self.bytes.reserve(HEAD_LEN + data.len());
        self.bytes.extend_from_slice(&ts_ns.to_ne_bytes());
        self.bytes.extend_from_slice(&wire_len.to_ne_bytes());
        self.bytes.extend_from_slice(&captured.to_ne_bytes());
        self.bytes.extend_from_slice(data);
        self.packets += 1;
    }

    pub(crate) fn is_full(&self) -> bool {
        self.bytes.len() >= PIECE_LEN
    }

    pub(crate) fn packets(&self) -> u64 {
        self.packets
    }

    /// Time, length on the wire and bytes of each packet.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u64, u32, &[u8])> {
        let mut rest = self.bytes.as_slice();
        std::iter::from_fn(move || {
            let time = u64::from_ne_bytes(take(&mut rest)?);
            let wire_len = u32::from_ne_bytes(take(&mut rest)?);
            let captured = u32::from_ne_bytes(take(&mut rest)?) as usize;
            let (data, after) = rest.split_at_checked(captured)?;
            rest = after;
            Some((time, wire_len, data))
        })
    }

    fn clear(&mut self) {
        self.bytes.clear();
        self.packets = 0;
    }
}

fn take<const N: usize>(rest: &mut &[u8]) -> Option<[u8; N]> {
    let (head, after) = rest.split_first_chunk()?;
    *rest = after;
    Some(*head)
}

/// What the writer is given, in order.
pub(crate) enum Job {
    Write(Piece),
    Obey(Command),
}

/// A new queue: the gatherer's end and the writer's.
pub(crate) fn backlog() -> (Backlog, Jobs) {
    let (jobs, waiting) = channel();
    let (spare, spares) = channel();
    let own = Arc::<AtomicUsize>::default();
    (Backlog { jobs, spares, own: Arc::clone(&own) }, Jobs { waiting, spare, own })
}

/// The end that puts.
pub(crate) struct Backlog {
    jobs: Sender<Job>,
    spares: Receiver<Piece>,
    own: Arc<AtomicUsize>,
}

impl Backlog {
    /// Hand over a piece and get an empty one; the number of packets that found no room. Never waits.
    pub(crate) fn put(&self, piece: &mut Piece) -> u64 {
        let length = piece.bytes.len();
        let (packets, own) = (piece.packets, self.own.load(Ordering::Relaxed));
        // One thread adds to `own`; several add to the sum, which may be passed by one piece a capture.
        if own + length > BACKLOG_MAX || WAITING.load(Ordering::Relaxed) + length > BACKLOGS_MAX {
            piece.clear();
            return packets;
        }
        let full = std::mem::replace(piece, self.spares.try_recv().unwrap_or_default());
        self.own.fetch_add(length, Ordering::Relaxed);
        WAITING.fetch_add(length, Ordering::Relaxed);
        if self.jobs.send(Job::Write(full)).is_ok() {
            return 0;
        }
        release(&self.own, length);
        packets
    }

    /// A command for the writer, after all that was put before. False: there is no writer any more.
    pub(crate) fn tell(&self, command: Command) -> bool {
        self.jobs.send(Job::Obey(command)).is_ok()
    }
}

/// The end that takes.
pub(crate) struct Jobs {
    waiting: Receiver<Job>,
    spare: Sender<Piece>,
    own: Arc<AtomicUsize>,
}

impl Jobs {
    pub(crate) fn next(&self, timeout: Duration) -> Result<Job, RecvTimeoutError> {
        self.waiting.recv_timeout(timeout)
    }

    /// A piece has been dealt with.
    pub(crate) fn done(&self, mut piece: Piece) {
        release(&self.own, piece.bytes.len());
        piece.clear();
        if self.own.load(Ordering::Relaxed) <= SPARE_MAX * PIECE_LEN {
            // Where the gatherer is gone nobody needs it.
            let _ = self.spare.send(piece);
        }
    }
}

impl Drop for Jobs {
    fn drop(&mut self) {
        // What a writer that ended by a fault of ours has left.
        release(&self.own, self.own.load(Ordering::Relaxed));
    }
}

fn release(own: &AtomicUsize, length: usize) {
    for count in [own, &WAITING] {
        let _ = count.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |bytes| Some(bytes.saturating_sub(length)));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn piece(packets: &[&[u8]]) -> Piece {
        let mut piece = Piece::default();
        for (number, data) in packets.iter().enumerate() {
            piece.push(number as u64, 99, data);
        }
        piece
    }

    fn next(jobs: &Jobs) -> Option<Piece> {
        match jobs.next(Duration::ZERO) {
            Ok(Job::Write(piece)) => Some(piece),
            _ => None,
        }
    }

    #[test]
    fn packets_come_out_as_they_went_in() {
        let piece = piece(&[b"first", b"", b"third"]);
        assert_eq!(piece.iter().collect::<Vec<_>>(), [(0, 99, &b"first"[..]), (1, 99, b""), (2, 99, b"third")]);
        assert_eq!(piece.packets(), 3);
    }

    #[test]
    fn the_newest_finds_no_room_and_is_counted_until_the_oldest_is_done() {
        let (backlog, jobs) = backlog();
        let large = vec![0; PIECE_LEN];
        let mut put = 0;
        let refused = loop {
            let refused = backlog.put(&mut piece(&[&large, b"and a second"]));
            if refused > 0 {
                break refused;
            }
            put += 1;
        };
        assert_eq!((refused, put), (2, BACKLOG_MAX / (PIECE_LEN + 2 * HEAD_LEN + 12)));
        let oldest = next(&jobs).unwrap();
        jobs.done(oldest);
        assert_eq!(backlog.put(&mut piece(&[&large])), 0);
        assert_eq!(backlog.put(&mut piece(&[&large])), 1);
    }

    #[test]
    fn without_a_writer_nothing_is_taken() {
        let (backlog, jobs) = backlog();
        backlog.put(&mut piece(&[b"abc"]));
        drop(jobs);
        assert_eq!(backlog.put(&mut piece(&[b"abc"])), 1);
        assert_eq!(backlog.own.load(Ordering::Relaxed), 0);
    }
}
