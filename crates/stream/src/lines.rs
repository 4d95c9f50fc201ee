//! Which flow has been silent longest?
//!
//! Flows of one sort of timeout stand in line in the order of their latest packet, so the first has waited longest.

/// Names no flow.
pub(crate) const NOBODY: u32 = u32::MAX;
const SECOND: u64 = 1_000_000_000;
/// A flow keeps its place in line for so long, whatever comes: timeouts are many seconds, and moving touches three
/// cache lines.
const PATIENCE_NS: u64 = SECOND;

/// The sort of a flow's timeout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Sort {
    Opening,
    Established,
    Closed,
    Datagram,
    Other,
}

const LINES: usize = 5;
pub(crate) const SORTS: [Sort; LINES] = [Sort::Opening, Sort::Established, Sort::Closed, Sort::Datagram, Sort::Other];

impl Sort {
    fn index(self) -> usize {
        match self {
            Self::Opening => 0,
            Self::Established => 1,
            Self::Closed => 2,
            Self::Datagram => 3,
            Self::Other => 4,
        }
    }
}

/// All lines. A flow is known by its slot and stands in one line at most.
#[derive(Debug)]
pub(crate) struct Lines {
    places: Vec<Place>,
    lines: [Line; LINES],
}

#[derive(Clone, Copy, Debug)]
struct Line {
    first: u32,
    last: u32,
}

/// Where a flow stands.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    before: u32,
    after: u32,
    /// Time of the packet that gave it this place in line.
    pub(crate) since_ns: u64,
    pub(crate) sort: Sort,
}

impl Default for Lines {
    fn default() -> Self {
        Self { places: Vec::new(), lines: [Line { first: NOBODY, last: NOBODY }; LINES] }
    }
}

impl Lines {
    /// Where a flow stands, or stood last.
    #[inline]
    pub(crate) fn place(&self, slot: u32) -> Option<&Place> {
        self.places.get(index(slot))
    }

    pub(crate) fn first_in(&self, sort: Sort) -> Option<u32> {
        self.lines.get(sort.index()).map(|line| line.first).filter(|first| *first != NOBODY)
    }

    /// A packet came: the flow has to go to the end of its line, now or a little later.
    #[inline]
    pub(crate) fn keep_place(&mut self, slot: u32, now_ns: u64) {
        let Some(place) = self.place(slot) else { return };
        if now_ns.abs_diff(place.since_ns) > PATIENCE_NS {
            let sort = place.sort;
            self.leave(slot);
            self.join(slot, sort, now_ns);
        }
    }

    /// Go to the end of a line.
    pub(crate) fn join(&mut self, slot: u32, sort: Sort, since_ns: u64) {
        let Some(line) = self.lines.get_mut(sort.index()) else { return };
        let before = line.last;
        line.last = slot;
        if before == NOBODY {
            line.first = slot;
        }
        if let Some(place) = self.places.get_mut(index(before)) {
            place.after = slot;
        }
        let place = Place { before, after: NOBODY, since_ns, sort };
        match self.places.get_mut(index(slot)) {
            Some(old) => *old = place,
            // Slots are given in turn, so a new one is the next.
            None => self.places.push(place),
        }
    }

    /// Step out of a line.
    pub(crate) fn leave(&mut self, slot: u32) {
        let Some(Place { before, after, sort, .. }) = self.place(slot).copied() else { return };
        let Some(line) = self.lines.get_mut(sort.index()) else { return };
        match self.places.get_mut(index(before)) {
            Some(place) => place.after = after,
            None => line.first = after,
        }
        match self.places.get_mut(index(after)) {
            Some(place) => place.before = before,
            None => line.last = before,
        }
    }
}

/// `NOBODY` gives an index that no vector has.
#[inline]
pub(crate) fn index(slot: u32) -> usize {
    usize::try_from(slot).unwrap_or(usize::MAX)
}
