//! The sensor: where the rooms of the engine are joined.

use std::sync::Arc;

use kodkod_detect::{Detector, Filters, RuleSet};
use kodkod_inspect::{Conversation, Transport as Carrier};
use kodkod_stream::{Defragmenter, EndReason, Ended, Flow, FlowTable, Reassembly, Slot, Tracked};
use kodkod_wire::{LinkType, Packet, Protocol, Transport, decode};

use crate::config::{Checksums, FactKinds, SensorConfig};
use crate::counters::{Counters, TagCounters};
use crate::ears::Ears;
use crate::facts::Facts;
use crate::judge::{Case, Judge};
use crate::tags::{Tag, Tags};
use crate::talk::{self, Listed, Moment, Talk};

/// What is known of a frame beside its bytes.
#[derive(Clone, Copy, Debug)]
pub struct PacketMeta {
    /// Capture time, nanoseconds since 1970.
    pub ts_ns: u64,
    /// The endpoint at which it was seen.
    pub tag: u32,
    /// What the frame begins with.
    pub link: LinkType,
    /// Names the frame in alerts: its position in the file, from 1, or a count of its own.
    pub frame_number: u64,
    /// Length on the wire; the bytes may be fewer.
    pub wire_len: u32,
    /// The sender's card had yet to write the checksum: not to be verified.
    pub checksum_partial: bool,
}

/// The engine, for one thread.
///
/// Memory is bounded by [`SensorConfig`]; facts wait until they are drained, so whoever feeds a sensor drains it.
pub struct Sensor {
    config: SensorConfig,
    defragmenter: Defragmenter,
    heart: Heart,
    next_look_ns: u64,
}

/// All but the defragmenter, whose whole datagrams are borrowed while they are looked at.
struct Heart {
    config: SensorConfig,
    table: FlowTable<Talk>,
    reassembly: Reassembly,
    tags: Tags,
    newcomers: FactKinds,
    facts: Facts,
    judge: Judge,
    listed: Vec<Listed>,
    packets: u64,
    bytes: u64,
}

impl Sensor {
    /// A sensor that has seen nothing.
    #[must_use]
    pub fn new(config: SensorConfig) -> Self {
        Self::with_detector(config, Detector::new())
    }

    /// A sensor that shares the memory of thresholds with those of other threads.
    #[must_use]
    pub fn sharing(config: SensorConfig, filters: Arc<Filters>) -> Self {
        Self::with_detector(config, Detector::sharing(filters))
    }

    fn with_detector(config: SensorConfig, mut detector: Detector) -> Self {
        detector.explain(config.explain);
        Self {
            config,
            defragmenter: Defragmenter::new(config.defragment),
            heart: Heart {
                config,
                table: FlowTable::new(config.flows),
                reassembly: Reassembly::new(config.reassembly),
                tags: Tags::default(),
                newcomers: FactKinds::default(),
                facts: Facts::default(),
                judge: Judge::new(detector),
                listed: Vec::new(),
                packets: 0,
                bytes: 0,
            },
            next_look_ns: 0,
        }
    }

    /// Say which facts beside alerts are wanted of a tag. None until said.
    pub fn set_facts(&mut self, tag: u32, wants: FactKinds) {
        self.heart.tags.entry(tag).or_default().wants = wants;
    }

    /// Say which facts are wanted of tags that nobody has spoken of when their first packet comes. None until said.
    pub fn set_newcomers(&mut self, wants: FactKinds) {
        self.heart.newcomers = wants;
    }

    /// Judge a tag's packets by these rules from now on; none to judge them no more. Its flows go on, with the marks
    /// that rules have left on them.
    pub fn set_rules(&mut self, tag: u32, rules: Option<Arc<RuleSet>>) {
        self.heart.tags.entry(tag).or_default().rules = rules;
    }

    /// Forget a tag: its flows are over, and so are its rules, wishes and counters. The next drain has the flows.
    pub fn forget(&mut self, tag: u32) {
        self.heart.table.end_tag(tag);
        self.heart.bury();
        self.heart.tags.remove(&tag);
    }

    /// Look at one frame.
    pub fn packet(&mut self, meta: &PacketMeta, frame: &[u8]) {
        self.look(meta.ts_ns);
        let heart = &mut self.heart;
        heart.packets = heart.packets.wrapping_add(1);
        heart.bytes = heart.bytes.wrapping_add(u64::from(meta.wire_len));
        let wants = heart.newcomers;
        let tag = heart.tags.entry(meta.tag).or_insert_with(|| Tag { wants, ..Tag::default() });
        let counters = &mut tag.counters;
        counters.packets = counters.packets.wrapping_add(1);
        counters.bytes = counters.bytes.wrapping_add(u64::from(meta.wire_len));
        let packet = match decode(meta.link, frame) {
            Ok(packet) => packet,
            Err(error) => return counters.drop(error.name()),
        };
        if let Transport::Unreadable(error) = &packet.transport {
            counters.drop(error.name());
        }
        let is_verified = self.config.checksums == Checksums::Verify && !meta.checksum_partial;
        if is_verified {
            if let Err(error) = packet.verify_checksums() {
                return counters.drop(error.name());
            }
        }
        if !matches!(packet.transport, Transport::Fragment(_)) {
            return heart.datagram(meta, &packet);
        }
        heart.judge_piece(meta, &packet);
        let Some(datagram) = self.defragmenter.add(meta.tag, meta.ts_ns, &packet) else { return };
        match decode(LinkType::RAW, datagram) {
            Ok(whole) => heart.datagram(meta, &Packet { vlans: packet.vlans, ..whole }),
            Err(error) => heart.tags.entry(meta.tag).or_default().counters.drop(error.name()),
        }
    }

    /// Say what time it is, where packets do not.
    pub fn tick(&mut self, now_ns: u64) {
        self.look(now_ns);
    }

    /// Make every open flow write a record of what happened since its last one.
    pub fn flush_flows(&mut self) {
        let heart = &mut self.heart;
        for flow in heart.table.iter_mut() {
            let wants = heart.tags.get(&flow.identity.tag).map(|tag| tag.wants).unwrap_or_default();
            if wants.flows {
                heart.facts.flows.extend(talk::record(flow, false));
            }
        }
        heart.facts.flows.sort_by_key(|record| (record.start_ns, record.identity.id));
    }

    /// Nothing more comes: end all flows.
    pub fn finish(&mut self) {
        self.heart.table.drain();
        self.heart.bury();
        self.heart.listed.clear();
    }

    /// Take what was found since the last drain.
    #[must_use]
    pub fn drain(&mut self) -> Facts {
        std::mem::take(&mut self.heart.facts)
    }

    /// What all tags share.
    #[must_use]
    pub fn counters(&self) -> Counters {
        Counters {
            packets: self.heart.packets,
            bytes: self.heart.bytes,
            flows_alive: self.heart.table.len(),
            flows: self.heart.table.counters(),
            reassembly: self.heart.reassembly.counters,
            reassembly_bytes: self.heart.reassembly.memory_used(),
            defragment: self.defragmenter.counters(),
            detect: self.heart.judge.counters(),
        }
    }

    /// What one tag's packets came to; none for a tag never seen.
    #[must_use]
    pub fn tag_counters(&self, tag: u32) -> Option<&TagCounters> {
        self.heart.tags.get(&tag).map(|tag| &tag.counters)
    }

    /// From time to time: flows that have gone quiet, flows and pieces that have timed out.
    #[inline]
    fn look(&mut self, now_ns: u64) {
        // Time may go back; then the next look comes sooner rather than never.
        let is_due = now_ns >= self.next_look_ns || self.next_look_ns.saturating_sub(now_ns) > self.config.look_ns;
        if is_due {
            self.next_look_ns = now_ns.saturating_add(self.config.look_ns);
            self.defragmenter.expire(now_ns);
            self.heart.hear_out_quiet(now_ns);
            self.heart.table.expire(now_ns);
            self.heart.bury();
        }
    }
}

impl Heart {
    /// Look at a whole datagram.
    fn datagram(&mut self, meta: &PacketMeta, packet: &Packet<'_>) {
        if let Some(tracked) = self.table.track(meta.tag, meta.ts_ns, packet) {
            if let Some(quote) = packet.quote() {
                self.table.note_error(meta.tag, &packet.vlans, &quote);
            }
            self.converse(meta, packet, tracked);
            self.judge_packet(meta, packet, tracked);
            self.table.settle(tracked.slot);
            self.bury();
        }
    }

    /// Judge a packet by the rules about packets.
    #[inline]
    fn judge_packet(&mut self, meta: &PacketMeta, packet: &Packet<'_>, tracked: Tracked) {
        let Some(rules) = self.tags.get(&meta.tag).and_then(|tag| tag.rules.as_ref()) else { return };
        let Some(flow) = self.table.flow_mut(tracked.slot) else { return };
        let is_established = flow.is_established();
        let Flow { identity, state, .. } = flow;
        let case = Case { identity, is_established, payload: state.payload, service: state.service() };
        let moment = Moment { frame_number: meta.frame_number, ts_ns: meta.ts_ns };
        let flow = Some((case, tracked.direction, &mut state.rules));
        self.judge.packet(rules, packet, (meta.tag, moment), flow, &mut self.facts.alerts);
    }

    /// Judge a piece of a datagram: rules about IP see it as it is, those about what it carries see the whole.
    fn judge_piece(&mut self, meta: &PacketMeta, packet: &Packet<'_>) {
        if let Some(rules) = self.tags.get(&meta.tag).and_then(|tag| tag.rules.as_ref()) {
            let moment = Moment { frame_number: meta.frame_number, ts_ns: meta.ts_ns };
            self.judge.packet(rules, packet, (meta.tag, moment), None, &mut self.facts.alerts);
        }
    }

    /// Let the flow's inspector hear the packet.
    #[inline]
    fn converse(&mut self, meta: &PacketMeta, packet: &Packet<'_>, tracked: Tracked) {
        let Tracked { slot, direction, .. } = tracked;
        let Some(flow) = self.table.flow_mut(slot) else { return };
        let tag = self.tags.entry(meta.tag).or_default();
        if !packet.payload.is_empty() {
            let moment = Moment { frame_number: meta.frame_number, ts_ns: meta.ts_ns };
            flow.state.note(direction, moment, packet.payload.len());
            list(&mut self.listed, flow, slot);
        }
        let Some((mut ears, session, conversation)) = ears(&self.config, flow, tag, &mut self.judge, &mut self.facts)
        else {
            return;
        };
        match (&packet.transport, session) {
            (Transport::Tcp(tcp), Some(session)) => {
                session.segment(
                    direction,
                    tcp,
                    packet.payload,
                    packet.missing,
                    &mut self.reassembly,
                    |direction, chunk| ears.hear(conversation, direction, chunk),
                );
                if conversation.is_opaque() {
                    session.stop(&mut self.reassembly);
                }
            }
            (Transport::Udp(_), _) => conversation.on_datagram(direction, packet.payload, &mut ears),
            _ => {}
        }
    }

    /// Flows that have said nothing for a while hand out what their inspectors hold.
    fn hear_out_quiet(&mut self, now_ns: u64) {
        let Self { config, table, tags, judge, facts, listed, .. } = self;
        listed.retain(|Listed { slot, id }| {
            let Some(flow) = table.flow_mut(*slot).filter(|flow| flow.identity.id == *id) else { return false };
            let tag = tags.entry(flow.identity.tag).or_default();
            if let Some(queries) = &mut flow.state.queries {
                queries.expire(now_ns, &flow.identity, &mut facts.dns);
            }
            let is_waiting = now_ns.saturating_sub(flow.last_ns) < config.idle_ns;
            if !is_waiting {
                flow.state.is_listed = false;
                if let Some((mut ears, _, conversation)) = ears(config, flow, tag, judge, facts) {
                    // Twice: the first settles a stream's protocol, whose inspector may then hold the bytes in turn.
                    conversation.on_idle(&mut ears);
                    conversation.on_idle(&mut ears);
                }
            }
            is_waiting
        });
    }

    /// Finish the flows that are over.
    #[inline]
    fn bury(&mut self) {
        while let Some(ended) = self.table.pop_ended() {
            self.finish_flow(ended);
        }
    }

    fn finish_flow(&mut self, Ended { mut flow, reason }: Ended<Talk>) {
        let tag = self.tags.entry(flow.identity.tag).or_default();
        let is_evicted = u64::from(reason == EndReason::Evicted);
        tag.counters.evicted_flows = tag.counters.evicted_flows.saturating_add(is_evicted);
        let wants = tag.wants;
        if flow.state.conversation.is_some() {
            let Self { config, judge, facts, .. } = self;
            if let Some((mut ears, Some(session), conversation)) = ears(config, &mut flow, tag, judge, facts) {
                session.close(&mut self.reassembly, |direction, chunk| ears.hear(conversation, direction, chunk));
            }
        }
        if let Some(queries) = &mut flow.state.queries {
            queries.give_up(&flow.identity, &mut self.facts.dns);
        }
        if wants.flows {
            self.facts.flows.extend(talk::record(&mut flow, true));
        }
    }
}

/// Put a flow on the list of those that may go quiet.
#[inline]
fn list(listed: &mut Vec<Listed>, flow: &mut Flow<Talk>, slot: Slot) {
    if !flow.state.is_listed {
        flow.state.is_listed = true;
        listed.push(Listed { slot, id: flow.identity.id });
    }
}

type Hearing<'a> = (Ears<'a>, Option<&'a mut kodkod_stream::Session>, &'a mut Conversation);

/// The parts of a flow that work together while it is heard. None for protocols without a conversation.
#[inline]
fn ears<'a>(
    config: &SensorConfig,
    flow: &'a mut Flow<Talk>,
    tag: &'a mut Tag,
    judge: &'a mut Judge,
    facts: &'a mut Facts,
) -> Option<Hearing<'a>> {
    let carrier = match flow.identity.protocol {
        Protocol::TCP => Carrier::Tcp,
        Protocol::UDP => Carrier::Udp,
        _ => return None,
    };
    // A stream's bytes are delivered only when both sides have agreed.
    let is_established = carrier == Carrier::Tcp || flow.is_established();
    let Flow { identity, session, state, .. } = flow;
    let Talk { conversation, rules: state, queries, payload, latest, .. } = state;
    let conversation =
        conversation.get_or_insert_with(|| Conversation::new(carrier, identity.server.port, &config.inspect));
    let ears = Ears { identity, latest: *latest, payload: *payload, is_established, tag, queries, facts, judge, state };
    Some((ears, session.as_mut(), conversation))
}
