//! What does one thread do with its interfaces?

use std::collections::BTreeMap;
use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kodkod_detect::RuleSet;
use kodkod_ring::{Ring, RingError};
use kodkod_sensor::{FactKinds, PacketMeta, Sensor};
use kodkod_wire::LinkType;
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

use crate::clock::now_ns;
use crate::live::{InterfaceCounters, LiveError};
use crate::mailbox::Mailbox;
use crate::wake::Bell;

/// How often time, health and counters are looked at.
const TICK: Duration = Duration::from_millis(250);
const HEALTH: Duration = Duration::from_secs(1);
/// Blocks taken from one ring before the next gets its turn.
const BLOCKS_PER_TURN: usize = 16;
/// Interfaces told ready by one look.
const EVENTS: usize = 64;
/// Names the bell among the interfaces, whose names are their tags.
const BELL: u64 = u64::MAX;

pub(crate) type Answer = SyncSender<Result<(), LiveError>>;

pub(crate) enum Command {
    Attach { errand: Box<Errand>, answer: Answer },
    SetRules { tag: u32, rules: Option<Arc<RuleSet>>, answer: Answer },
    Detach { tag: u32, answer: Answer },
    Flush { answer: Answer },
    Leave,
}

/// An interface for the worker to look into.
pub(crate) struct Errand {
    pub(crate) tag: u32,
    pub(crate) ring: Ring,
    pub(crate) facts: FactKinds,
    pub(crate) rules: Option<Arc<RuleSet>>,
    pub(crate) shared: Arc<Mutex<InterfaceCounters>>,
}

/// Owns its rings and its sensor; nobody else touches them.
pub(crate) struct Worker {
    sensor: Sensor,
    rings: BTreeMap<u32, Tap>,
    poller: OwnedFd,
    bell: Bell,
    inbox: Receiver<Command>,
    mailbox: Arc<Mailbox>,
    ticked: Instant,
    checked: Instant,
}

/// One interface.
struct Tap {
    ring: Ring,
    frames: u64,
    kernel_drops: u64,
    error: Option<RingError>,
    shared: Arc<Mutex<InterfaceCounters>>,
}

impl Worker {
    pub(crate) fn new(sensor: Sensor, bell: Bell, inbox: Receiver<Command>, mailbox: Arc<Mailbox>) -> io::Result<Self> {
        let poller = epoll::create(CreateFlags::CLOEXEC)?;
        epoll::add(&poller, &bell, EventData::new_u64(BELL), EventFlags::IN)?;
        let now = Instant::now();
        let rings = BTreeMap::new();
        Ok(Self { sensor, rings, poller, bell, inbox, mailbox, ticked: now, checked: now })
    }

    pub(crate) fn run(mut self) {
        let mut events = Vec::with_capacity(EVENTS);
        loop {
            self.wait(&mut events);
            for event in &events {
                if event.data.u64() == BELL {
                    self.bell.hush();
                } else if let Ok(tag) = u32::try_from(event.data.u64()) {
                    let flags = event.flags;
                    self.serve(tag, flags.contains(EventFlags::ERR));
                }
            }
            if self.hear() {
                return self.leave();
            }
            if self.ticked.elapsed() >= TICK {
                self.tick();
            }
            self.mailbox.put(self.sensor.drain());
        }
    }

    fn wait(&self, events: &mut Vec<Event>) {
        events.clear();
        let left = TICK.saturating_sub(self.ticked.elapsed());
        let timeout = Timespec { tv_sec: 0, tv_nsec: left.subsec_nanos().into() };
        // Interrupted or failed, we come again after looking at commands and time.
        let _ = epoll::wait(&self.poller, rustix::buffer::spare_capacity(events), Some(&timeout));
    }

    /// Look at what one ring has.
    fn serve(&mut self, tag: u32, is_in_trouble: bool) {
        let Some(tap) = self.rings.get_mut(&tag) else { return };
        tap.take_blocks(tag, &mut self.sensor);
        if is_in_trouble {
            // Asking also takes the error off the socket, which would wake us again and again.
            self.check(tag);
        }
    }

    fn check(&mut self, tag: u32) {
        let Some(tap) = self.rings.get_mut(&tag) else { return };
        let was_gone = matches!(tap.error, Some(RingError::Gone));
        tap.error = tap.ring.health().err();
        if matches!(tap.error, Some(RingError::Gone)) && !was_gone {
            let _ = epoll::delete(&self.poller, &tap.ring);
        }
    }

    /// Do what was asked. True: to leave.
    fn hear(&mut self) -> bool {
        loop {
            match self.inbox.try_recv() {
                Ok(Command::Attach { errand, answer }) => {
                    let _ = answer.send(self.attach(*errand).map_err(LiveError::Thread));
                }
                Ok(Command::SetRules { tag, rules, answer }) => {
                    self.sensor.set_rules(tag, rules);
                    let _ = answer.send(Ok(()));
                }
                Ok(Command::Detach { tag, answer }) => {
                    self.detach(tag);
                    let _ = answer.send(Ok(()));
                }
                Ok(Command::Flush { answer }) => {
                    self.flush();
                    let _ = answer.send(Ok(()));
                }
                Ok(Command::Leave) | Err(TryRecvError::Disconnected) => return true,
                Err(TryRecvError::Empty) => return false,
            }
        }
    }

    fn attach(&mut self, errand: Errand) -> io::Result<()> {
        let Errand { tag, ring, facts, rules, shared } = errand;
        epoll::add(&self.poller, ring.as_fd(), EventData::new_u64(u64::from(tag)), EventFlags::IN)?;
        self.sensor.set_facts(tag, facts);
        self.sensor.set_rules(tag, rules);
        self.rings.insert(tag, Tap { ring, frames: 0, kernel_drops: 0, error: None, shared });
        self.publish();
        Ok(())
    }

    fn detach(&mut self, tag: u32) {
        if let Some(mut tap) = self.rings.remove(&tag) {
            tap.take_all(tag, &mut self.sensor);
            // Closing the socket takes it off the poller.
            drop(tap);
        }
        self.flush();
        self.sensor.forget(tag);
    }

    fn flush(&mut self) {
        for (tag, tap) in &mut self.rings {
            tap.take_all(*tag, &mut self.sensor);
        }
        self.sensor.flush_flows();
        self.mailbox.put(self.sensor.drain());
        self.publish();
    }

    fn leave(mut self) {
        for (tag, tap) in &mut self.rings {
            tap.take_all(*tag, &mut self.sensor);
        }
        self.sensor.finish();
        self.mailbox.put(self.sensor.drain());
    }

    fn tick(&mut self) {
        self.ticked = Instant::now();
        self.sensor.tick(now_ns());
        if self.checked.elapsed() >= HEALTH {
            self.checked = self.ticked;
            let tags: Vec<u32> = self.rings.keys().copied().collect();
            tags.into_iter().for_each(|tag| self.check(tag));
            self.publish();
        }
    }

    fn publish(&mut self) {
        for (tag, tap) in &mut self.rings {
            let fresh = tap.counters(*tag, &self.sensor);
            *tap.shared.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
        }
    }
}

impl Tap {
    /// What the ring holds now, and no more than it can hold, so that traffic cannot keep us here.
    fn take_all(&mut self, tag: u32, sensor: &mut Sensor) {
        for _ in 0..self.ring.blocks().div_ceil(BLOCKS_PER_TURN) {
            self.take_blocks(tag, sensor);
        }
    }

    fn take_blocks(&mut self, tag: u32, sensor: &mut Sensor) {
        let link = LinkType(self.ring.link().number());
        for _ in 0..BLOCKS_PER_TURN {
            let Some(mut block) = self.ring.next_block() else { return };
            while let Some(frame) = block.next_frame() {
                self.frames += 1;
                let meta = PacketMeta {
                    ts_ns: frame.ts_ns,
                    tag,
                    link,
                    frame_number: self.frames,
                    wire_len: frame.wire_len,
                    checksum_partial: frame.is_checksum_partial,
                };
                sensor.packet(&meta, frame.data);
            }
        }
    }

    fn counters(&mut self, tag: u32, sensor: &Sensor) -> InterfaceCounters {
        // A ring whose interface is gone keeps its last numbers.
        self.kernel_drops = self.ring.statistics().map_or(self.kernel_drops, |statistics| statistics.drops);
        let seen = sensor.tag_counters(tag).cloned().unwrap_or_default();
        let mut drops = seen.drops;
        drops.insert("kernel", self.kernel_drops);
        drops.insert("evicted_flows", seen.evicted_flows);
        let error = self.error.as_ref().map(ToString::to_string);
        InterfaceCounters { packets: seen.packets, bytes: seen.bytes, drops, error }
    }
}
