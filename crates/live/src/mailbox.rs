//! Where do facts wait for whoever takes them?

use std::collections::{BTreeMap, HashMap};
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kodkod_sensor::{Alert, Dns, FlowRecord};

/// Facts of one kind that may wait. A reader that falls behind by more loses the newest, and each loss is counted.
pub(crate) const WAITING_MAX: usize = 100_000;

/// What was found, in the order it was found by each worker.
#[derive(Debug, Default)]
pub struct Facts {
    /// Signatures that fired.
    pub alerts: Vec<Alert>,
    /// Flow records.
    pub flows: Vec<FlowRecord>,
    /// DNS exchanges.
    pub dns: Vec<Dns>,
}

impl Facts {
    /// Whether nothing was found.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.alerts.is_empty() && self.flows.is_empty() && self.dns.is_empty()
    }
}

/// Facts lost for lack of room: by tag, then by reason.
pub(crate) type Losses = HashMap<u32, BTreeMap<&'static str, u64>>;

/// A bounded box: workers put, one reader takes. Putting never waits for the reader.
#[derive(Default)]
pub(crate) struct Mailbox {
    inside: Mutex<Inside>,
    filled: Condvar,
}

#[derive(Default)]
struct Inside {
    facts: Facts,
    losses: Losses,
}

impl Mailbox {
    pub(crate) fn put(&self, facts: kodkod_sensor::Facts) {
        if facts.alerts.is_empty() && facts.flows.is_empty() && facts.dns.is_empty() {
            return;
        }
        let mut guard = self.lock();
        let Inside { facts: waiting, losses } = &mut *guard;
        append(&mut waiting.alerts, facts.alerts, losses, "queue_alerts", |alert| alert.tag);
        append(&mut waiting.flows, facts.flows, losses, "queue_flows", |record| record.identity.tag);
        append(&mut waiting.dns, facts.dns, losses, "queue_dns", |exchange| exchange.tag);
        drop(guard);
        self.filled.notify_all();
    }

    /// Everything that waits; if nothing does, the first that comes within `timeout`.
    pub(crate) fn take(&self, timeout: Duration) -> Facts {
        let guard = self.lock();
        let (mut guard, _) = self
            .filled
            .wait_timeout_while(guard, timeout, |inside| inside.facts.is_empty())
            .unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut guard.facts)
    }

    /// What was lost of one tag.
    pub(crate) fn losses(&self, tag: u32) -> BTreeMap<&'static str, u64> {
        self.lock().losses.get(&tag).cloned().unwrap_or_default()
    }

    pub(crate) fn forget(&self, tag: u32) {
        self.lock().losses.remove(&tag);
    }

    fn lock(&self) -> MutexGuard<'_, Inside> {
        self.inside.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn append<T>(
    waiting: &mut Vec<T>,
    mut new: Vec<T>,
    losses: &mut Losses,
    reason: &'static str,
    tag_of: impl Fn(&T) -> u32,
) {
    let room = WAITING_MAX.saturating_sub(waiting.len());
    for lost in new.drain(room.min(new.len())..) {
        *losses.entry(tag_of(&lost)).or_default().entry(reason).or_default() += 1;
    }
    waiting.append(&mut new);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_fit_is_counted_by_its_owner() {
        let (mut waiting, mut losses) = (vec![0_u32; WAITING_MAX - 2], Losses::new());
        append(&mut waiting, vec![7, 7, 8, 7, 9], &mut losses, "queue_dns", |tag| *tag);
        assert_eq!(waiting.len(), WAITING_MAX);
        let lost = |tag| losses[&tag]["queue_dns"];
        assert_eq!((lost(8), lost(7), lost(9)), (1, 1, 1));
    }
}
