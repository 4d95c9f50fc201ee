//! Which interfaces are looked into, and by whom?

use std::collections::{BTreeMap, HashMap};
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use std::{fmt, io};

use kodkod_detect::{Filters, RuleSet};
use kodkod_ring::{Config, Ring, RingError, SharedConfig};
use kodkod_sensor::{Checksums, FactKinds, Sensor, SensorConfig};

use crate::mailbox::{Facts, Mailbox};
use crate::tap::{Board, OWN_TAGS, SHARED};
use crate::wake::Bell;
use crate::worker::{Command, Errand, SharedErrand, Worker};

/// A quarter of the memory is for rings, the rest for the sensors.
const RING_SHARE: usize = 4;
/// No ring takes more: at 5 Gbit/s it holds some 25 ms.
const RING_BYTES_MAX: usize = 16 * 1024 * 1024;
/// The ring of all interfaces may take more: it has the traffic of a whole node.
const SHARED_RING_BYTES_MAX: usize = 64 * 1024 * 1024;
/// Every ring takes this, even where the share is used up.
const RING_BYTES_MIN: usize = 512 * 1024;

/// What to look into.
#[derive(Clone)]
pub struct Attachment {
    /// The endpoint; facts carry it. Unique among attachments.
    pub tag: u32,
    /// Name of its interface.
    pub interface: String,
    /// Network namespace in which the interface is.
    pub netns: Option<String>,
    /// What its packets are judged by; none to raise no alerts.
    pub rules: Option<Arc<RuleSet>>,
    /// Facts that are wanted beside alerts.
    pub facts: FactKinds,
}

/// All interfaces of a network namespace to look into, those to come included. Tags are their kernel indices.
#[derive(Clone, Debug, Default)]
pub struct SharedAttachment {
    /// The network namespace; none for the caller's own.
    pub netns: Option<String>,
    /// Facts that are wanted.
    pub facts: FactKinds,
    /// Kernel indices of interfaces to leave out.
    pub ignored: Vec<u32>,
}

/// What came of one interface; at most a second old.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InterfaceCounters {
    /// Packets looked at.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// What was not looked at or not handed out, by reason: `kernel` (the ring was full), `evicted_flows` (the flow
    /// table was full), `queue_alerts`, `queue_flows`, `queue_dns` (nobody took
    /// the facts), or what could not be read (`tcp.checksum` …). A ring of all interfaces drops for none in particular:
    /// its `kernel`, `link` (a link layer that cannot be read) and `interface` (an index beyond all tags) stand under
    /// tag 0, which has no packets.
    pub drops: BTreeMap<&'static str, u64>,
    /// Why nothing is looked at, at present.
    pub error: Option<String>,
}

/// Why an interface cannot be looked into.
#[derive(Debug)]
pub enum LiveError {
    /// The interface.
    Ring(RingError),
    /// No thread or descriptor left.
    Thread(io::Error),
    /// The tag is in use.
    TagTaken(u32),
    /// The tag may be the index of an interface of the shared ring.
    TagLow(u32),
    /// No such tag.
    TagUnknown(u32),
    /// Closed, or the worker has ended by a fault of ours.
    Closed,
}

impl fmt::Display for LiveError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ring(error) => write!(f, "{error}"),
            Self::Thread(error) => write!(f, "cannot start a worker: {error}"),
            Self::TagTaken(SHARED) => write!(f, "the shared ring is attached already"),
            Self::TagTaken(tag) => write!(f, "tag {tag} is attached already"),
            Self::TagLow(tag) => write!(f, "tag {tag} may be an interface of the shared ring: use {OWN_TAGS} or more"),
            Self::TagUnknown(SHARED) => write!(f, "no shared ring is attached"),
            Self::TagUnknown(tag) => write!(f, "tag {tag} is not attached"),
            Self::Closed => write!(f, "closed"),
        }
    }
}

impl std::error::Error for LiveError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Ring(error) => Some(error),
            Self::Thread(error) => Some(error),
            _ => None,
        }
    }
}

/// Worker threads over many interfaces. The handle may be used from any thread; dropping it ends the workers.
pub struct Live {
    workers: Vec<Seat>,
    attached: Mutex<HashMap<u32, Attached>>,
    mailbox: Arc<Mailbox>,
    ring_budget: usize,
}

/// One worker's end of the wires.
struct Seat {
    commands: Sender<Command>,
    bell: Bell,
    thread: Mutex<Option<JoinHandle<()>>>,
}

struct Attached {
    worker: usize,
    ring_bytes: usize,
    board: Board,
}

impl Live {
    /// Start so many workers, which share the memory.
    pub fn start(workers: usize, memory_bytes: usize) -> Result<Self, LiveError> {
        let workers = workers.max(1);
        let ring_budget = memory_bytes / RING_SHARE;
        let mut config = SensorConfig::with_memory((memory_bytes - ring_budget) / workers);
        config.checksums = Checksums::Verify;
        config.explain = true;
        let mailbox = Arc::new(Mailbox::default());
        let filters = Arc::new(Filters::default());
        let seats = (0..workers).map(|_| Seat::fill(config, &filters, &mailbox)).collect::<io::Result<_>>();
        Ok(Self { workers: seats.map_err(LiveError::Thread)?, attached: Mutex::default(), mailbox, ring_budget })
    }

    /// Open a ring and let the worker with the fewest interfaces look into it.
    pub fn attach(&self, attachment: &Attachment) -> Result<(), LiveError> {
        let mut attached = self.attached();
        if attached.contains_key(&attachment.tag) {
            return Err(LiveError::TagTaken(attachment.tag));
        }
        if attachment.tag == SHARED || attachment.tag < OWN_TAGS && attached.contains_key(&SHARED) {
            return Err(LiveError::TagLow(attachment.tag));
        }
        let ring_bytes = self.ring_bytes(&attached, RING_BYTES_MAX);
        let ring = Ring::open(&Config {
            interface: &attachment.interface,
            netns: attachment.netns.as_deref(),
            ring_bytes,
            snap_len: u32::MAX,
            filters: &[],
        })
        .map_err(LiveError::Ring)?;
        let (worker, board) = (self.idlest(&attached), Board::default());
        let (tag, facts, rules) = (attachment.tag, attachment.facts, attachment.rules.clone());
        let errand = Errand { tag, ring, facts, rules, board: Arc::clone(&board) };
        self.workers[worker].tell(|answer| Command::Attach { errand: Box::new(errand), answer })?;
        attached.insert(tag, Attached { worker, ring_bytes, board });
        Ok(())
    }

    /// Open one ring on all interfaces, those to come included: a frame's tag is the kernel index of its interface.
    /// Rings of their own need tags of 2²⁴ and more beside it. Detach it as tag 0.
    ///
    /// A packet that passes several interfaces is several packets, each with its own tag; what a loopback interface
    /// sends and receives again is one. An interface that is gone or ignored is forgotten after a minute.
    pub fn attach_all(&self, attachment: SharedAttachment) -> Result<(), LiveError> {
        let mut attached = self.attached();
        if attached.contains_key(&SHARED) {
            return Err(LiveError::TagTaken(SHARED));
        }
        if let Some(tag) = attached.keys().find(|tag| **tag < OWN_TAGS) {
            return Err(LiveError::TagLow(*tag));
        }
        let SharedAttachment { netns, facts, ignored } = attachment;
        let ring_bytes = self.ring_bytes(&attached, SHARED_RING_BYTES_MAX);
        let ring = Ring::open_shared(&SharedConfig { netns: netns.as_deref(), ring_bytes, ignored: &ignored })
            .map_err(LiveError::Ring)?;
        let (worker, board) = (self.idlest(&attached), Board::default());
        let errand = SharedErrand { ring, facts, ignored, board: Arc::clone(&board) };
        self.workers[worker].tell(|answer| Command::AttachAll { errand: Box::new(errand), answer })?;
        attached.insert(SHARED, Attached { worker, ring_bytes, board });
        Ok(())
    }

    /// Leave out these interfaces (kernel indices) of the shared ring, in place of those left out before. Their open
    /// flows time out.
    pub fn ignore(&self, links: Vec<u32>) -> Result<(), LiveError> {
        let worker = self.attached().get(&SHARED).ok_or(LiveError::TagUnknown(SHARED))?.worker;
        self.workers[worker].tell(|answer| Command::Ignore { links, answer })
    }

    /// Swap the rules of one interface. Its flows go on; what they wait for of the old rules is forgotten.
    pub fn set_rules(&self, tag: u32, rules: Option<Arc<RuleSet>>) -> Result<(), LiveError> {
        let worker = self.attached().get(&tag).ok_or(LiveError::TagUnknown(tag))?.worker;
        self.workers[worker].tell(|answer| Command::SetRules { tag, rules, answer })
    }

    /// Close a ring. Open flows of the interface are reported with the next drain. Takes some 40 ms, as a flush does.
    pub fn detach(&self, tag: u32) -> Result<(), LiveError> {
        std::thread::sleep(Ring::LAG);
        let mut attached = self.attached();
        let one = attached.remove(&tag).ok_or(LiveError::TagUnknown(tag))?;
        self.workers[one.worker].tell(|answer| Command::Detach { tag, answer })
    }

    /// Take what has been found, waiting at most `timeout` for something.
    #[must_use]
    pub fn drain(&self, timeout: Duration) -> Facts {
        self.mailbox.take(timeout)
    }

    /// Make every open flow write an interval record; the next drain has them. Takes some 40 ms: the rings hand frames
    /// over in blocks, and what was on the interface before the call is to be in.
    pub fn flush(&self) -> Result<(), LiveError> {
        std::thread::sleep(Ring::LAG);
        self.workers.iter().try_for_each(|seat| seat.tell(|answer| Command::Flush { answer }))
    }

    /// Counters by tag; never waits for a worker.
    #[must_use]
    pub fn counters(&self) -> BTreeMap<u32, InterfaceCounters> {
        self.attached().values().flat_map(|one| self.counters_of(one)).collect()
    }

    /// End the workers. Flows that are open are over; a last drain has them. May be repeated. Takes some 40 ms.
    pub fn close(&self) {
        if !self.attached().is_empty() {
            std::thread::sleep(Ring::LAG);
        }
        for seat in &self.workers {
            seat.leave();
        }
        self.attached().clear();
    }

    fn counters_of(&self, one: &Attached) -> BTreeMap<u32, InterfaceCounters> {
        let mut counters = one.board.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let is_dead = self.workers[one.worker].is_dead();
        for (tag, counters) in &mut counters {
            counters.drops.extend(self.mailbox.losses(*tag));
            if is_dead {
                counters.error = Some("the worker has ended by a fault in the engine".to_owned());
            }
        }
        counters
    }

    fn idlest(&self, attached: &HashMap<u32, Attached>) -> usize {
        let load = |worker: usize| attached.values().filter(|one| one.worker == worker).count();
        (0..self.workers.len()).min_by_key(|worker| load(*worker)).unwrap_or(0)
    }

    /// A quarter of what is left of the budget, so that later interfaces find something too.
    fn ring_bytes(&self, attached: &HashMap<u32, Attached>, most: usize) -> usize {
        let used: usize = attached.values().map(|one| one.ring_bytes).sum();
        (self.ring_budget.saturating_sub(used) / 4).clamp(RING_BYTES_MIN, most)
    }

    fn attached(&self) -> MutexGuard<'_, HashMap<u32, Attached>> {
        self.attached.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Live {
    fn drop(&mut self) {
        self.close();
    }
}

impl Seat {
    fn fill(config: SensorConfig, filters: &Arc<Filters>, mailbox: &Arc<Mailbox>) -> io::Result<Self> {
        let bell = Bell::new()?;
        let (commands, inbox) = channel();
        let sensor = Sensor::sharing(config, Arc::clone(filters));
        let worker = Worker::new(sensor, bell.clone(), inbox, Arc::clone(mailbox))?;
        let thread = std::thread::Builder::new().name("sensor".to_owned()).spawn(move || worker.run())?;
        Ok(Self { commands, bell, thread: Mutex::new(Some(thread)) })
    }

    fn tell(&self, command: impl FnOnce(SyncSender<Result<(), LiveError>>) -> Command) -> Result<(), LiveError> {
        let (answer, answered) = sync_channel(1);
        self.commands.send(command(answer)).map_err(|_| LiveError::Closed)?;
        self.bell.ring();
        answered.recv().map_err(|_| LiveError::Closed)?
    }

    fn leave(&self) {
        // An error means that the worker has ended already.
        let _ = self.commands.send(Command::Leave);
        self.bell.ring();
        if let Some(thread) = self.thread().take() {
            let _ = thread.join();
        }
    }

    fn is_dead(&self) -> bool {
        self.thread().as_ref().is_none_or(JoinHandle::is_finished)
    }

    fn thread(&self) -> MutexGuard<'_, Option<JoinHandle<()>>> {
        self.thread.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
