//! How often may a rule fire?

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::Mutex;

use kodkod_rules::{Rate, Threshold, Track};

use crate::compile::Filter;

/// Most counters kept; when they are reached, those of windows that have passed are thrown away, then all.
const MAX_COUNTERS: usize = 200_000;

/// Whose matches are counted: rule, place of the filter in it, endpoint and addresses.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Counted {
    pub(crate) gid: u32,
    pub(crate) sid: u32,
    pub(crate) place: u8,
    pub(crate) tag: u32,
    pub(crate) flow: u64,
    pub(crate) source: Option<IpAddr>,
    pub(crate) destination: Option<IpAddr>,
}

#[derive(Clone, Copy, Debug)]
struct Window {
    start_ns: u64,
    length_ns: u64,
    count: u32,
}

/// Counters of detection filters and thresholds. Shared by the detectors of all threads, so that a limit holds over all of
/// them; touched only when a rule with a filter has matched.
#[derive(Debug, Default)]
pub struct Filters {
    windows: Mutex<HashMap<Counted, Window>>,
}

impl Filters {
    /// Count one match and say whether the rule fires.
    pub(crate) fn passes(&self, filter: Filter, mut counted: Counted, now_ns: u64) -> bool {
        let (rate, decide): (Rate, fn(u32, u32) -> bool) = match filter {
            // "so many before it fires": the next one is the first to fire.
            Filter::Detection(rate) => (rate, |count, limit| count > limit),
            Filter::Threshold(Threshold::Limit(rate)) => (rate, |count, limit| count <= limit),
            Filter::Threshold(Threshold::Every(rate)) => (rate, |count, limit| count % limit == 0),
            Filter::Threshold(Threshold::Both(rate)) => (rate, |count, limit| count == limit),
        };
        match rate.track {
            Track::BySource => counted.destination = None,
            Track::ByDestination => counted.source = None,
            Track::ByRule => (counted.source, counted.destination) = (None, None),
            Track::ByBoth | Track::ByFlow => {}
        }
        if rate.track != Track::ByFlow {
            counted.flow = 0;
        }
        let mut windows = self.windows.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if windows.len() >= MAX_COUNTERS && !windows.contains_key(&counted) {
            windows.retain(|_, window| now_ns < window.start_ns.saturating_add(window.length_ns));
            if windows.len() >= MAX_COUNTERS {
                windows.clear();
            }
        }
        let length_ns = u64::from(rate.seconds).saturating_mul(1_000_000_000);
        let fresh = Window { start_ns: now_ns, length_ns, count: 0 };
        let window = windows.entry(counted).or_insert(fresh);
        if now_ns.saturating_sub(window.start_ns) >= length_ns {
            *window = fresh;
        }
        window.count = window.count.saturating_add(1);
        decide(window.count, rate.count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: u64 = 1_000_000_000;

    fn fired(filter: Filter, times_s: &[u64]) -> Vec<bool> {
        let filters = Filters::default();
        let counted = Counted { gid: 1, sid: 2, place: 0, tag: 0, flow: 0, source: None, destination: None };
        times_s.iter().map(|time| filters.passes(filter, counted, time * SECOND)).collect()
    }

    fn rate(count: u32) -> Rate {
        Rate { track: Track::BySource, count, seconds: 10 }
    }

    #[test]
    fn a_detection_filter_lets_the_next_one_fire() {
        assert_eq!(fired(Filter::Detection(rate(2)), &[0, 1, 2, 3, 11]), [false, false, true, true, false]);
    }

    #[test]
    fn thresholds_limit_count_and_both() {
        assert_eq!(fired(Filter::Threshold(Threshold::Limit(rate(1))), &[0, 1, 11]), [true, false, true]);
        assert_eq!(fired(Filter::Threshold(Threshold::Every(rate(2))), &[0, 1, 2, 3]), [false, true, false, true]);
        assert_eq!(fired(Filter::Threshold(Threshold::Both(rate(2))), &[0, 1, 2, 3]), [false, true, false, false]);
    }

    #[test]
    fn sources_are_counted_apart() {
        let filters = Filters::default();
        let from = |last: u8| Counted {
            gid: 1,
            sid: 2,
            place: 0,
            tag: 0,
            flow: 0,
            source: Some(IpAddr::from([10, 0, 0, last])),
            destination: None,
        };
        let limit = Filter::Threshold(Threshold::Limit(rate(1)));
        assert!(filters.passes(limit, from(1), 0));
        assert!(filters.passes(limit, from(2), 0));
        assert!(!filters.passes(limit, from(1), 0));
    }
}
