//! What does one ring give, and what came of each interface in it?

use std::collections::BTreeMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kodkod_ring::{Ring, RingError};
use kodkod_sensor::{PacketMeta, Sensor};
use kodkod_wire::LinkType;

use crate::live::InterfaceCounters;

/// Names the shared ring among the rings: no interface has this index.
pub(crate) const SHARED: u32 = 0;
/// Tags from here on are free for rings of one interface while a shared ring is open: interfaces with a higher index,
/// of which a machine would have to make sixteen million first, are counted as `interface`.
pub(crate) const OWN_TAGS: u32 = 1 << 24;
/// Blocks taken from one ring before the next gets its turn.
const BLOCKS_PER_TURN: usize = 16;
/// How often the interfaces of a shared ring are looked for.
const LOOK: Duration = Duration::from_secs(5);
/// A shared ring's interface that is gone or ignored is forgotten after this time: late facts still find its tag.
const GONE: Duration = Duration::from_secs(60);
/// So many of them are remembered at most; the one that has been gone longest goes first.
const GONE_MAX: usize = 1024;

/// Counters by tag, for whoever asks.
pub(crate) type Board = Arc<Mutex<BTreeMap<u32, InterfaceCounters>>>;

/// One ring and what is known of its interfaces.
pub(crate) struct Tap {
    ring: Ring,
    board: Board,
    frames: u64,
    kernel_drops: u64,
    error: Option<RingError>,
    whose: Whose,
}

enum Whose {
    One(u32),
    All(Crowd),
}

/// The interfaces of a shared ring.
struct Crowd {
    /// Sorted.
    ignored: Vec<u32>,
    /// Since when an interface is gone or ignored; none while it is there.
    seen: BTreeMap<u32, Option<Instant>>,
    /// Frames that belong to no tag.
    drops: BTreeMap<&'static str, u64>,
    looked: Instant,
}

impl Tap {
    /// A ring of one interface.
    pub(crate) fn of(ring: Ring, tag: u32, board: Board) -> Self {
        Self::new(ring, board, Whose::One(tag))
    }

    /// A ring of all interfaces, whose tags are their indices.
    pub(crate) fn shared(ring: Ring, ignored: Vec<u32>, board: Board) -> Self {
        let mut crowd =
            Crowd { ignored: Vec::new(), seen: BTreeMap::new(), drops: BTreeMap::new(), looked: Instant::now() };
        crowd.ignore(ignored);
        Self::new(ring, board, Whose::All(crowd))
    }

    fn new(ring: Ring, board: Board, whose: Whose) -> Self {
        Self { ring, board, frames: 0, kernel_drops: 0, error: None, whose }
    }

    /// Leave out the frames of these interfaces from now on. Their counters stay for a while.
    pub(crate) fn ignore(&mut self, links: Vec<u32>) -> Result<(), RingError> {
        self.ring.ignore(&links)?;
        if let Whose::All(crowd) = &mut self.whose {
            crowd.ignore(links);
        }
        Ok(())
    }

    /// What the ring holds now, and no more than it can hold, so that traffic cannot keep us here.
    pub(crate) fn take_all(&mut self, sensor: &mut Sensor) {
        for _ in 0..self.ring.blocks().div_ceil(BLOCKS_PER_TURN) {
            self.take_blocks(sensor);
        }
    }

    /// Its turn.
    pub(crate) fn take_blocks(&mut self, sensor: &mut Sensor) {
        for _ in 0..BLOCKS_PER_TURN {
            let Some(mut block) = self.ring.next_block() else { return };
            while let Some(frame) = block.next_frame() {
                self.frames += 1;
                let tag = match &mut self.whose {
                    Whose::One(tag) => *tag,
                    Whose::All(crowd) => match crowd.admit(&frame) {
                        Some(tag) => tag,
                        None => continue,
                    },
                };
                let Some(link) = frame.link else { continue };
                let meta = PacketMeta {
                    ts_ns: frame.ts_ns,
                    tag,
                    link: LinkType(link.number()),
                    frame_number: self.frames,
                    wire_len: frame.wire_len,
                    checksum_partial: frame.is_checksum_partial,
                };
                sensor.packet(&meta, frame.data);
            }
        }
    }

    /// Look whether packets can come. True: they never will again, and this is news.
    pub(crate) fn check(&mut self) -> bool {
        let was_gone = matches!(self.error, Some(RingError::Gone));
        self.error = self.ring.health().err();
        matches!(self.error, Some(RingError::Gone)) && !was_gone
    }

    /// Tags whose time is over, now and then; their counters leave the board.
    pub(crate) fn forgotten(&mut self, now: Instant) -> Vec<u32> {
        let Whose::All(crowd) = &mut self.whose else { return Vec::new() };
        if now.duration_since(crowd.looked) < LOOK {
            return Vec::new();
        }
        crowd.looked = now;
        crowd.look(now, |link| self.ring.has_interface(link))
    }

    /// The tags that packets came for or may come for.
    pub(crate) fn tags(&self) -> Vec<u32> {
        match &self.whose {
            Whose::One(tag) => vec![*tag],
            Whose::All(crowd) => crowd.seen.keys().copied().collect(),
        }
    }

    /// Write the counters where others read them.
    pub(crate) fn publish(&mut self, sensor: &Sensor) {
        // A ring whose interface is gone keeps its last numbers.
        self.kernel_drops = self.ring.statistics().map_or(self.kernel_drops, |statistics| statistics.drops);
        let kernel = BTreeMap::from([("kernel", self.kernel_drops)]);
        let error = self.error.as_ref().map(ToString::to_string);
        let fresh = match &self.whose {
            Whose::One(tag) => BTreeMap::from([(*tag, counters(sensor, *tag, kernel, error))]),
            Whose::All(crowd) => {
                let mut all: BTreeMap<_, _> =
                    crowd.seen.keys().map(|tag| (*tag, counters(sensor, *tag, BTreeMap::new(), None))).collect();
                let mut own = InterfaceCounters { drops: kernel, error, ..InterfaceCounters::default() };
                own.drops.extend(&crowd.drops);
                all.insert(SHARED, own);
                all
            }
        };
        *self.board.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
    }
}

impl AsFd for Tap {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.ring.as_fd()
    }
}

impl Crowd {
    fn ignore(&mut self, mut links: Vec<u32>) {
        links.sort_unstable();
        links.dedup();
        self.ignored = links;
    }

    /// The tag of a frame that is to be looked at. What was in the ring before an interface was ignored is left out
    /// without a count, as it is after.
    #[inline]
    fn admit(&mut self, frame: &kodkod_ring::Frame<'_>) -> Option<u32> {
        if self.ignored.binary_search(&frame.interface).is_ok() {
            return None;
        }
        let reason = match frame.link {
            None => "link",
            Some(_) if frame.interface >= OWN_TAGS => "interface",
            Some(_) => {
                self.seen.entry(frame.interface).or_insert(None);
                return Some(frame.interface);
            }
        };
        *self.drops.entry(reason).or_default() += 1;
        None
    }

    /// Find out which interfaces are gone or ignored; give those that have been for long, or are too many.
    fn look(&mut self, now: Instant, is_there: impl Fn(u32) -> bool) -> Vec<u32> {
        for (link, gone) in &mut self.seen {
            let is_heard = self.ignored.binary_search(link).is_err() && is_there(*link);
            *gone = if is_heard { None } else { gone.or(Some(now)) };
        }
        let mut gone: Vec<(Instant, u32)> =
            self.seen.iter().filter_map(|(link, gone)| gone.map(|since| (since, *link))).collect();
        gone.sort_unstable();
        let too_many = gone.len().saturating_sub(GONE_MAX);
        let over = |(at, (since, _)): &(usize, (Instant, u32))| *at < too_many || now.duration_since(*since) >= GONE;
        let forgotten: Vec<u32> = gone.into_iter().enumerate().filter(over).map(|(_, (_, link))| link).collect();
        for link in &forgotten {
            self.seen.remove(link);
        }
        forgotten
    }
}

fn counters(
    sensor: &Sensor,
    tag: u32,
    mut drops: BTreeMap<&'static str, u64>,
    error: Option<String>,
) -> InterfaceCounters {
    let seen = sensor.tag_counters(tag).cloned().unwrap_or_default();
    drops.extend(seen.drops);
    drops.insert("evicted_flows", seen.evicted_flows);
    InterfaceCounters { packets: seen.packets, bytes: seen.bytes, drops, error }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn crowd(seen: impl IntoIterator<Item = u32>) -> Crowd {
        let seen = seen.into_iter().map(|link| (link, None)).collect();
        Crowd { ignored: Vec::new(), seen, drops: BTreeMap::new(), looked: Instant::now() }
    }

    #[test]
    fn an_interface_that_is_gone_or_ignored_is_forgotten_after_a_while() {
        let (mut crowd, start) = (crowd([2, 3, 4]), Instant::now());
        crowd.ignore(vec![4, 4]);
        assert_eq!(crowd.look(start, |link| link != 3), []);
        assert_eq!(crowd.look(start + GONE - LOOK, |link| link != 3), []);
        assert_eq!(crowd.look(start + GONE, |link| link != 3), [3, 4]);
        assert_eq!(crowd.seen.keys().collect::<Vec<_>>(), [&2]);
    }

    #[test]
    fn one_that_comes_back_in_time_is_kept() {
        let (mut crowd, start) = (crowd([2]), Instant::now());
        crowd.look(start, |_| false);
        crowd.look(start + GONE - LOOK, |_| true);
        assert_eq!(crowd.look(start + GONE, |_| false), []);
        assert_eq!(crowd.look(start + GONE * 2, |_| false), [2]);
    }

    #[test]
    fn of_too_many_that_are_gone_the_first_are_forgotten_at_once() {
        let (mut crowd, start) = (crowd(1..=10), Instant::now());
        crowd.look(start, |link| link > 5);
        crowd.seen.extend((11..=10 + GONE_MAX as u32).map(|link| (link, None)));
        let forgotten = crowd.look(start + LOOK, |_| false);
        assert_eq!((forgotten.len(), crowd.seen.len()), (10, GONE_MAX));
        assert_eq!(&forgotten[..5], [1, 2, 3, 4, 5]);
    }
}
