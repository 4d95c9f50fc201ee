//! What becomes of what an inspector finds.

use kodkod_detect::FlowState;
use kodkod_inspect::{Anomaly, Conversation, Input, Pdu, Sink, Transaction};
use kodkod_stream::{Chunk, Direction, Identity};

use crate::dns::Queries;
use crate::facts::Facts;
use crate::judge::{Case, Judge};
use crate::tags::Tag;
use crate::talk::Moment;

/// Listens to one flow's conversation while one packet is looked at.
pub(crate) struct Ears<'a> {
    pub(crate) identity: &'a Identity,
    pub(crate) latest: [Moment; 2],
    pub(crate) tag: &'a mut Tag,
    pub(crate) queries: &'a mut Option<Box<Queries>>,
    pub(crate) facts: &'a mut Facts,
    pub(crate) payload: [u64; 2],
    pub(crate) is_established: bool,
    pub(crate) judge: &'a mut Judge,
    pub(crate) state: &'a mut FlowState,
}

impl Ears<'_> {
    /// Hand a piece of a stream to its inspector.
    #[inline]
    pub(crate) fn hear(&mut self, conversation: &mut Conversation, direction: Direction, chunk: Chunk<'_>) {
        let input = match chunk {
            Chunk::Data(bytes) => Input::Data(bytes),
            Chunk::Gap(hole) => {
                self.tag.counters.gaps = self.tag.counters.gaps.saturating_add(1);
                self.tag.counters.gap_bytes = self.tag.counters.gap_bytes.saturating_add(hole);
                Input::Gap(hole)
            }
            Chunk::End => Input::End,
        };
        conversation.on_stream(direction, input, self);
    }

    /// The frame that completed what this direction said.
    fn moment(&self, direction: Direction) -> Moment {
        let [to_server, to_client] = self.latest;
        if direction == Direction::ToServer { to_server } else { to_client }
    }
}

impl Sink for Ears<'_> {
    fn pdu(&mut self, pdu: &Pdu<'_>) {
        if let Some(rules) = &self.tag.rules {
            let Self { identity, is_established, payload, .. } = *self;
            let case = Case { identity, is_established, payload, service: pdu.service };
            let moment = self.moment(pdu.direction);
            self.judge.pdu(rules, &case, pdu, moment, self.state, &mut self.facts.alerts);
        }
    }

    fn transaction(&mut self, fact: Transaction) {
        if let (Transaction::Dns(message), true) = (fact, self.tag.wants.dns) {
            let direction = if message.is_response { Direction::ToClient } else { Direction::ToServer };
            let ts_ns = self.moment(direction).ts_ns;
            self.queries.get_or_insert_default().take(message, ts_ns, self.identity, &mut self.facts.dns);
        }
    }

    fn anomaly(&mut self, anomaly: Anomaly) {
        let count = self.tag.counters.anomalies.entry(anomaly).or_default();
        *count = count.saturating_add(1);
    }
}
