//! What a flow carries with it from packet to packet.

use kodkod_detect::FlowState;
use kodkod_inspect::{Conversation, Service};
use kodkod_stream::{Direction, Flow, Slot, Traffic};

use crate::dns::Queries;
use crate::facts::FlowRecord;

/// The sensor's part of a flow.
#[derive(Debug, Default)]
pub(crate) struct Talk {
    /// The inspector; none before the first payload.
    pub(crate) conversation: Option<Conversation>,
    /// What its rules remember.
    pub(crate) rules: FlowState,
    /// Queries that wait for an answer; made when there is one.
    pub(crate) queries: Option<Box<Queries>>,
    /// Payload bytes by direction.
    pub(crate) payload: [u64; 2],
    /// The latest frame with payload, by direction: what completed any PDU of that direction.
    pub(crate) latest: [Moment; 2],
    /// Listed to be looked at when it goes quiet.
    pub(crate) is_listed: bool,
    reported: Option<Reported>,
}

/// A frame and its time.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Moment {
    pub(crate) frame_number: u64,
    pub(crate) ts_ns: u64,
}

/// What earlier flow records have told.
#[derive(Clone, Copy, Debug)]
struct Reported {
    traffic: [Traffic; 2],
    until_ns: u64,
}

/// A flow that may go quiet, and where it is.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Listed {
    pub(crate) slot: Slot,
    pub(crate) id: u64,
}

impl Talk {
    pub(crate) fn service(&self) -> Service {
        self.conversation.as_ref().map_or(Service::Unknown, Conversation::service)
    }

    /// Note a frame with payload.
    #[inline]
    pub(crate) fn note(&mut self, direction: Direction, moment: Moment, payload: usize) {
        let bytes = u64::try_from(payload).unwrap_or(u64::MAX);
        let [to_server, to_client] = &mut self.payload;
        let [latest_to_server, latest_to_client] = &mut self.latest;
        let (sum, latest) = match direction {
            Direction::ToServer => (to_server, latest_to_server),
            Direction::ToClient => (to_client, latest_to_client),
        };
        *sum = sum.saturating_add(bytes);
        *latest = moment;
    }
}

/// What happened in a flow since its last record; none where nothing did and it goes on.
pub(crate) fn record(flow: &mut Flow<Talk>, ended: bool) -> Option<FlowRecord> {
    let before = flow.state.reported;
    let since = before.map_or([Traffic::default(); 2], |reported| reported.traffic);
    let [to_server, to_client] = difference(flow.traffic, since);
    if to_server.packets == 0 && to_client.packets == 0 && !ended {
        return None;
    }
    flow.state.reported = Some(Reported { traffic: flow.traffic, until_ns: flow.last_ns });
    Some(FlowRecord {
        identity: flow.identity,
        start_ns: before.map_or(flow.identity.start_ns, |reported| reported.until_ns),
        end_ns: flow.last_ns,
        packets: [to_server.packets, to_client.packets],
        bytes: [to_server.bytes, to_client.bytes],
        started: before.is_none(),
        ended,
        service: flow.state.service(),
    })
}

fn difference(now: [Traffic; 2], before: [Traffic; 2]) -> [Traffic; 2] {
    let [to_server, to_client] = now;
    let [before_to_server, before_to_client] = before;
    let less = |now: Traffic, before: Traffic| Traffic {
        packets: now.packets.saturating_sub(before.packets),
        bytes: now.bytes.saturating_sub(before.bytes),
    };
    [less(to_server, before_to_server), less(to_client, before_to_client)]
}
