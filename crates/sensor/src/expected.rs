//! Which connections have others arranged?
//!
//! An FTP session names the address and port of each transfer before it is opened. Such a connection is told by its
//! listening end; whoever opens it first within the time has it.

use std::collections::{HashMap, VecDeque};
use std::net::IpAddr;

use foldhash::fast::FixedState;
use kodkod_inspect::{DataChannel, Service};
use kodkod_stream::Identity;

/// Announcements that wait; the oldest goes. A busy file server has some hundreds under way.
const WAITING_MAX: usize = 4096;
/// A connection that has not come by then does not come: servers close the port after 30 to 60 s.
const PATIENCE_NS: u64 = 60_000_000_000;

/// Where somebody listens, as one tag sees it.
type Listener = (u32, IpAddr, u16);

#[derive(Debug, Default)]
pub(crate) struct Expected {
    waiting: HashMap<Listener, (Service, u64), FixedState>,
    /// In the order they came, with their end; some are gone from `waiting` already.
    order: VecDeque<(Listener, u64)>,
}

impl Expected {
    /// A flow has said where a connection will go. Behind a translation of addresses the one it said is not the one that is
    /// seen, so the listener's own counts too.
    pub(crate) fn announce(&mut self, by: &Identity, channel: &DataChannel, now_ns: u64) {
        let own = by.destination(channel.listener.reversed()).address;
        let until_ns = now_ns.saturating_add(PATIENCE_NS);
        for address in channel.address.into_iter().chain([own]) {
            let listener = (by.tag, address, channel.port);
            if self.waiting.insert(listener, (channel.service, until_ns)) != Some((channel.service, until_ns)) {
                self.order.push_back((listener, until_ns));
            }
        }
        self.forget(now_ns);
    }

    /// What a new flow carries, if it was announced.
    #[inline]
    pub(crate) fn take(&mut self, flow: &Identity) -> Option<Service> {
        if self.waiting.is_empty() {
            return None;
        }
        // Where the handshake was missed the ends may be the other way round.
        let sides = [flow.server, flow.client];
        let found = sides.iter().find_map(|side| self.waiting.remove(&(flow.tag, side.address, side.port)));
        found.filter(|(_, until_ns)| flow.start_ns <= *until_ns).map(|(service, _)| service)
    }

    /// Ends: each turn takes an entry out of the order.
    fn forget(&mut self, now_ns: u64) {
        while let Some((listener, until_ns)) = self.order.front().copied() {
            if until_ns > now_ns && self.order.len() <= WAITING_MAX {
                break;
            }
            self.order.pop_front();
            // One announced again since then has a later end.
            if self.waiting.get(&listener).is_some_and(|(_, end)| *end == until_ns) {
                self.waiting.remove(&listener);
            }
        }
    }
}
