//! Which ports does a rule name?

/// A set of ports as sorted, disjoint, inclusive ranges.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct PortSet {
    ranges: Vec<(u16, u16)>,
}

impl PortSet {
    /// All ports.
    #[must_use]
    pub fn any() -> Self {
        Self { ranges: vec![(0, u16::MAX)] }
    }

    /// No port.
    #[must_use]
    pub fn none() -> Self {
        Self { ranges: Vec::new() }
    }

    /// The ports from `low` to `high`, both included.
    #[must_use]
    pub fn between(low: u16, high: u16) -> Self {
        Self { ranges: if low <= high { vec![(low, high)] } else { Vec::new() } }
    }

    /// Whether it holds every port.
    #[must_use]
    pub fn is_any(&self) -> bool {
        self.ranges == [(0, u16::MAX)]
    }

    /// Whether it holds no port.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.ranges.is_empty()
    }

    /// Number of ports inside.
    #[must_use]
    pub fn len(&self) -> usize {
        self.ranges.iter().map(|(low, high)| usize::from(high - low) + 1).sum()
    }

    /// Whether a port is inside.
    #[must_use]
    #[inline]
    pub fn contains(&self, port: u16) -> bool {
        match self.ranges.as_slice() {
            [(low, high)] => *low <= port && port <= *high,
            ranges => {
                let at = ranges.partition_point(|(_, high)| *high < port);
                ranges.get(at).is_some_and(|(low, _)| *low <= port)
            }
        }
    }

    /// The ranges, ascending.
    #[must_use]
    pub fn ranges(&self) -> &[(u16, u16)] {
        &self.ranges
    }

    /// All ports that are in either.
    #[must_use]
    pub fn union(mut self, other: &Self) -> Self {
        self.ranges.extend_from_slice(&other.ranges);
        self.ranges.sort_unstable();
        let mut joined: Vec<(u16, u16)> = Vec::with_capacity(self.ranges.len());
        for (low, high) in self.ranges {
            match joined.last_mut() {
                Some(last) if u32::from(low) <= u32::from(last.1) + 1 => last.1 = last.1.max(high),
                _ => joined.push((low, high)),
            }
        }
        Self { ranges: joined }
    }

    /// All ports that are not inside.
    #[must_use]
    pub fn complement(&self) -> Self {
        let mut ranges = Vec::with_capacity(self.ranges.len() + 1);
        let mut next = Some(0);
        for (low, high) in &self.ranges {
            if let Some(from) = next.filter(|from| from < low) {
                ranges.push((from, low - 1));
            }
            next = high.checked_add(1);
        }
        ranges.extend(next.map(|from| (from, u16::MAX)));
        Self { ranges }
    }

    /// Those of `self` that are not in `other`.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        self.complement().union(other).complement()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn union_joins_neighbours() {
        let set = PortSet::between(10, 20).union(&PortSet::between(21, 30)).union(&PortSet::between(5, 6));
        assert_eq!(set.ranges(), [(5, 6), (10, 30)]);
        assert_eq!(set.len(), 23);
    }

    #[test]
    fn complement_twice_is_the_same() {
        for set in [PortSet::any(), PortSet::none(), PortSet::between(0, 80), PortSet::between(80, u16::MAX)] {
            assert_eq!(set.complement().complement(), set);
        }
        assert!(!PortSet::between(80, 80).complement().contains(80));
    }

    #[test]
    fn minus_takes_away() {
        let set = PortSet::between(1024, u16::MAX).minus(&PortSet::between(8080, 8080));
        assert!(set.contains(8079) && !set.contains(8080) && set.contains(8081) && !set.contains(80));
    }
}
