//! What does one thread do with its interfaces?

use std::collections::BTreeMap;
use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError};
use std::time::{Duration, Instant};

use kodkod_detect::RuleSet;
use kodkod_ring::Ring;
use kodkod_sensor::{FactKinds, Sensor};
use rustix::event::Timespec;
use rustix::event::epoll::{self, CreateFlags, Event, EventData, EventFlags};

use crate::clock::now_ns;
use crate::live::LiveError;
use crate::mailbox::Mailbox;
use crate::tap::{Board, SHARED, Tap};
use crate::wake::Bell;

/// How often time, health and counters are looked at.
const TICK: Duration = Duration::from_millis(250);
const HEALTH: Duration = Duration::from_secs(1);
/// Interfaces told ready by one look.
const EVENTS: usize = 64;
/// Names the bell among the interfaces, whose names are their tags.
const BELL: u64 = u64::MAX;

pub(crate) type Answer = SyncSender<Result<(), LiveError>>;

pub(crate) enum Command {
    Attach { errand: Box<Errand>, answer: Answer },
    AttachAll { errand: Box<SharedErrand>, answer: Answer },
    Ignore { links: Vec<u32>, answer: Answer },
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
    pub(crate) board: Board,
}

/// All interfaces of a namespace for the worker to look into.
pub(crate) struct SharedErrand {
    pub(crate) ring: Ring,
    pub(crate) facts: FactKinds,
    pub(crate) ignored: Vec<u32>,
    pub(crate) board: Board,
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
        tap.take_blocks(&mut self.sensor);
        if is_in_trouble {
            // Asking also takes the error off the socket, which would wake us again and again.
            self.check(tag);
        }
    }

    fn check(&mut self, tag: u32) {
        let Some(tap) = self.rings.get_mut(&tag) else { return };
        if tap.check() {
            let _ = epoll::delete(&self.poller, &*tap);
        }
    }

    /// Do what was asked. True: to leave.
    fn hear(&mut self) -> bool {
        loop {
            match self.inbox.try_recv() {
                Ok(Command::Attach { errand, answer }) => {
                    let _ = answer.send(self.attach(*errand).map_err(LiveError::Thread));
                }
                Ok(Command::AttachAll { errand, answer }) => {
                    let _ = answer.send(self.attach_all(*errand).map_err(LiveError::Thread));
                }
                Ok(Command::Ignore { links, answer }) => {
                    let tap = self.rings.get_mut(&SHARED);
                    let done = tap.map_or(Ok(()), |tap| tap.ignore(links).map_err(LiveError::Ring));
                    let _ = answer.send(done);
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
        let Errand { tag, ring, facts, rules, board } = errand;
        self.sensor.set_facts(tag, facts);
        self.sensor.set_rules(tag, rules);
        self.hang(tag, Tap::of(ring, tag, board))
    }

    fn attach_all(&mut self, errand: SharedErrand) -> io::Result<()> {
        let SharedErrand { ring, facts, ignored, board } = errand;
        self.sensor.set_newcomers(facts);
        self.hang(SHARED, Tap::shared(ring, ignored, board))
    }

    fn hang(&mut self, name: u32, tap: Tap) -> io::Result<()> {
        epoll::add(&self.poller, &tap, EventData::new_u64(u64::from(name)), EventFlags::IN)?;
        self.rings.insert(name, tap);
        self.publish();
        Ok(())
    }

    fn detach(&mut self, tag: u32) {
        let Some(mut tap) = self.rings.remove(&tag) else { return };
        tap.take_all(&mut self.sensor);
        let tags = tap.tags();
        // Closing the socket takes it off the poller.
        drop(tap);
        if tag == SHARED {
            self.sensor.set_newcomers(FactKinds::default());
        }
        tags.into_iter().for_each(|tag| self.forget(tag));
    }

    /// What was found of the tag's flows is in the next drain.
    fn forget(&mut self, tag: u32) {
        self.sensor.forget(tag);
        self.mailbox.put(self.sensor.drain());
        self.mailbox.forget(tag);
    }

    fn flush(&mut self) {
        for tap in self.rings.values_mut() {
            tap.take_all(&mut self.sensor);
        }
        self.sensor.flush_flows();
        self.mailbox.put(self.sensor.drain());
        self.publish();
    }

    fn leave(mut self) {
        for tap in self.rings.values_mut() {
            tap.take_all(&mut self.sensor);
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
            let now = self.checked;
            let forgotten: Vec<u32> = self.rings.values_mut().flat_map(|tap| tap.forgotten(now)).collect();
            forgotten.into_iter().for_each(|tag| self.forget(tag));
            self.publish();
        }
    }

    fn publish(&mut self) {
        for tap in self.rings.values_mut() {
            tap.publish(&self.sensor);
        }
    }
}
