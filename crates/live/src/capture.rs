//! Who records one interface into files?

use std::collections::BTreeMap;
use std::os::fd::AsFd;
use std::path::PathBuf;
use std::sync::mpsc::{Receiver, Sender, SyncSender, TryRecvError, channel, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};
use std::{fmt, io};

use kodkod_pcap::{Limits, RecordError, Recording};
use kodkod_ring::{Config, FilterRule, Ring, RingError};

use crate::clock::now_ns;
use crate::wake::{Bell, sleep};

/// How often age, health and counters are looked at without packets or commands.
const TICK: Duration = Duration::from_secs(1);
/// Blocks taken from the ring before commands are heard.
const BLOCKS_PER_TURN: usize = 64;
/// After a file could not be written: first pause, doubled up to the last.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_LAST: Duration = Duration::from_secs(30);

/// What to record, and where.
#[derive(Clone, Debug)]
pub struct CaptureConfig {
    /// Name of the interface.
    pub interface: String,
    /// Network namespace in which it is.
    pub netns: Option<String>,
    /// Where the files go; made if it is missing.
    pub directory: PathBuf,
    /// Files are called `{stem}.pcap` and `{stem}-{time}.pcap`.
    pub stem: String,
    /// Frames to take; none means all.
    pub filters: Vec<FilterRule>,
    /// Bytes kept of each frame; 65535 and more mean whole frames.
    pub snap_len: u32,
    /// Memory shared with the kernel.
    pub ring_bytes: usize,
    /// Rotation.
    pub limits: Limits,
}

/// What a capture has done. Fresh after each command, otherwise at most a second old.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CaptureCounters {
    /// Packets written, on disk or about to be.
    pub packets: u64,
    /// Their captured bytes.
    pub bytes: u64,
    /// Packets that passed the filter and were not written, by reason: `kernel` (the ring was full), `disk` (no space, or
    /// the file could not be written).
    pub drops: BTreeMap<&'static str, u64>,
    /// Files there are, active and rotated, sorted by name.
    pub files: Vec<String>,
    /// Their size together.
    pub file_bytes: u64,
    /// Files closed and renamed so far.
    pub rotated_files: u64,
    /// Rotated files deleted so far to keep within the limit.
    pub discarded_files: u64,
    /// Time of the first packet.
    pub first_packet_ns: Option<u64>,
    /// Time of the last packet.
    pub last_packet_ns: Option<u64>,
    /// Why nothing is recorded at present.
    pub error: Option<String>,
}

/// Why a capture cannot start or do as it is told.
#[derive(Debug)]
pub enum CaptureError {
    /// The interface.
    Ring(RingError),
    /// The files.
    Record(RecordError),
    /// No thread or descriptor left.
    Thread(io::Error),
    /// The capture has been closed.
    Closed,
}

impl fmt::Display for CaptureError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Ring(error) => write!(f, "{error}"),
            Self::Record(error) => write!(f, "{error}"),
            Self::Thread(error) => write!(f, "cannot start the capture's thread: {error}"),
            Self::Closed => write!(f, "the capture is closed"),
        }
    }
}

impl std::error::Error for CaptureError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Ring(error) => Some(error),
            Self::Record(error) => Some(error),
            Self::Thread(error) => Some(error),
            Self::Closed => None,
        }
    }
}

impl From<RingError> for CaptureError {
    fn from(error: RingError) -> Self {
        Self::Ring(error)
    }
}

impl From<RecordError> for CaptureError {
    fn from(error: RecordError) -> Self {
        Self::Record(error)
    }
}

type Answer = Result<(), CaptureError>;

struct Command {
    what: What,
    answer: SyncSender<Answer>,
}

enum What {
    Rotate,
    SetLimits(Limits),
    Flush,
    Close,
}

/// Handle of one capture. May be used from any thread; dropping it closes the capture.
pub struct Capture {
    commands: Sender<Command>,
    bell: Bell,
    counters: Arc<Mutex<CaptureCounters>>,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Capture {
    /// Open ring and directory, then record until told otherwise. The file appears with the first packet.
    pub fn start(config: &CaptureConfig) -> Result<Self, CaptureError> {
        let ring = Ring::open(&Config {
            interface: &config.interface,
            netns: config.netns.as_deref(),
            ring_bytes: config.ring_bytes,
            snap_len: config.snap_len,
            filters: &config.filters,
        })?;
        // A ring of one interface has one link layer.
        let link = ring.link().ok_or(RingError::Gone)?.number();
        let snap_len = ring.snap_len();
        let recording = Recording::open(&config.directory, &config.stem, link, snap_len, config.limits, now_ns())?;
        let bell = Bell::new().map_err(CaptureError::Thread)?;
        let counters = Arc::default();
        let (commands, inbox) = channel();
        let worker = Worker::new(ring, recording, bell.clone(), inbox, Arc::clone(&counters));
        let thread = std::thread::Builder::new()
            .name("capture".to_owned())
            .spawn(move || worker.run())
            .map_err(CaptureError::Thread)?;
        Ok(Self { commands, bell, counters, thread: Mutex::new(Some(thread)) })
    }

    /// Close and rename the active file now.
    pub fn rotate(&self) -> Answer {
        self.tell(What::Rotate)
    }

    /// Change rotation; at once.
    pub fn set_limits(&self, limits: Limits) -> Answer {
        self.tell(What::SetLimits(limits))
    }

    /// Put on disk what has been on the interface so far. Takes some 40 ms: the ring hands frames over in blocks.
    pub fn flush(&self) -> Answer {
        self.tell(What::Flush)
    }

    /// Stop taking frames, write those that were taken, close the file. A closed capture may be closed again.
    pub fn close(&self) -> Answer {
        let answer = match self.tell(What::Close) {
            Err(CaptureError::Closed) => Ok(()),
            answer => answer,
        };
        if let Some(thread) = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take() {
            // A panic of the worker is a fault of ours; there is nobody left to tell.
            let _ = thread.join();
        }
        answer
    }

    /// What has been done; never waits for the disk.
    #[must_use]
    pub fn counters(&self) -> CaptureCounters {
        self.counters.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn tell(&self, what: What) -> Answer {
        let (answer, answered) = sync_channel(1);
        self.commands.send(Command { what, answer }).map_err(|_| CaptureError::Closed)?;
        self.bell.ring();
        answered.recv().map_err(|_| CaptureError::Closed)?
    }
}

impl Drop for Capture {
    fn drop(&mut self) {
        let _ = self.close();
    }
}

/// The thread's own things.
struct Worker {
    ring: Ring,
    recording: Recording,
    bell: Bell,
    inbox: Receiver<Command>,
    shared: Arc<Mutex<CaptureCounters>>,
    /// Commands that wait until frames taken before them have been handed over.
    settling: Vec<(Instant, Command)>,
    ticked: Instant,
    pause: Option<Pause>,
    link_error: Option<RingError>,
    disk_drops: u64,
}

/// Nothing is written until then.
struct Pause {
    until: Instant,
    length: Duration,
    reason: RecordError,
}

impl Worker {
    fn new(
        ring: Ring,
        recording: Recording,
        bell: Bell,
        inbox: Receiver<Command>,
        shared: Arc<Mutex<CaptureCounters>>,
    ) -> Self {
        let mut worker = Self {
            ring,
            recording,
            bell,
            inbox,
            shared,
            settling: Vec::new(),
            ticked: Instant::now(),
            pause: None,
            link_error: None,
            disk_drops: 0,
        };
        worker.publish();
        worker
    }

    fn run(mut self) {
        loop {
            let is_idle = self.take_blocks();
            if self.hear() {
                return;
            }
            if self.ticked.elapsed() >= TICK {
                self.tick();
            }
            if is_idle {
                let source = (!matches!(self.link_error, Some(RingError::Gone))).then(|| self.ring.as_fd());
                if sleep(&self.bell, source, self.patience()) {
                    // Asking also takes the error off the socket, which would wake us again and again.
                    self.link_error = self.ring.health().err();
                }
            }
        }
    }

    /// Write what the ring has. True: it has no more.
    fn take_blocks(&mut self) -> bool {
        for _ in 0..BLOCKS_PER_TURN {
            let Some(mut block) = self.ring.next_block() else { return true };
            while let Some(frame) = block.next_frame() {
                if self.pause.is_some() {
                    self.disk_drops += 1;
                    continue;
                }
                if let Err(error) = self.recording.write(frame.ts_ns, frame.wire_len, frame.data) {
                    self.pause = Some(Pause::first(error));
                }
            }
        }
        false
    }

    /// Do what was asked. True: it was to close.
    fn hear(&mut self) -> bool {
        self.bell.hush();
        loop {
            match self.inbox.try_recv() {
                Ok(command) => self.obey(command),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return true,
            }
        }
        let now = Instant::now();
        let (due, waiting): (Vec<_>, _) =
            std::mem::take(&mut self.settling).into_iter().partition(|(at, _)| *at <= now);
        self.settling = waiting;
        due.into_iter().any(|(_, command)| self.finish(&command))
    }

    fn obey(&mut self, command: Command) {
        let answer = match command.what {
            What::Rotate => self.recording.rotate(now_ns()),
            What::SetLimits(limits) => self.recording.set_limits(limits),
            What::Flush | What::Close => {
                if matches!(command.what, What::Close) {
                    // An interface that is gone gives no more anyway.
                    let _ = self.ring.stop();
                }
                self.settling.push((Instant::now() + Ring::LAG, command));
                return;
            }
        };
        self.publish();
        let _ = command.answer.send(answer.map_err(CaptureError::Record));
    }

    /// The frames before the command are in. True: the worker ends.
    fn finish(&mut self, command: &Command) -> bool {
        // A flush must not be kept here by traffic: the ring's own size is what was in before it.
        for _ in 0..self.ring.blocks().div_ceil(BLOCKS_PER_TURN) {
            self.take_blocks();
        }
        let is_close = matches!(command.what, What::Close);
        let answer = if is_close { self.recording.close() } else { self.recording.flush() };
        self.publish();
        let _ = command.answer.send(answer.map_err(CaptureError::Record));
        is_close
    }

    fn tick(&mut self) {
        self.ticked = Instant::now();
        self.link_error = self.ring.health().err();
        if let Err(error) = self.recording.tick(now_ns()).and_then(|()| self.recording.flush()) {
            self.pause.get_or_insert(Pause::first(error));
        }
        if let Some(pause) = self.pause.take() {
            self.pause = pause.over(&self.recording);
        }
        self.publish();
    }

    /// How long to sleep: until the next tick, or until a waiting command is due.
    fn patience(&self) -> Duration {
        let due = self.settling.iter().map(|(at, _)| at.saturating_duration_since(Instant::now())).min();
        let tick = TICK.saturating_sub(self.ticked.elapsed());
        due.map_or(tick, |due| due.min(tick))
    }

    fn publish(&mut self) {
        let counters = self.recording.counters();
        let files = self.recording.files().unwrap_or_default();
        let kernel_drops = self.ring.statistics().map_or(0, |statistics| statistics.drops);
        let fresh = CaptureCounters {
            packets: counters.packets,
            bytes: counters.bytes,
            drops: BTreeMap::from([("kernel", kernel_drops), ("disk", self.disk_drops + counters.lost_packets)]),
            file_bytes: files.iter().map(|(_, length)| length).sum(),
            files: files.into_iter().map(|(name, _)| name).collect(),
            rotated_files: counters.rotated_files,
            discarded_files: counters.discarded_files,
            first_packet_ns: counters.first_packet_ns,
            last_packet_ns: counters.last_packet_ns,
            error: self.error(),
        };
        *self.shared.lock().unwrap_or_else(PoisonError::into_inner) = fresh;
    }

    fn error(&self) -> Option<String> {
        let disk = self.pause.as_ref().map(|pause| pause.reason.to_string());
        disk.or_else(|| self.link_error.as_ref().map(ToString::to_string))
    }
}

impl Pause {
    fn first(reason: RecordError) -> Self {
        Self { until: Instant::now() + PAUSE_FIRST, length: PAUSE_FIRST, reason }
    }

    /// None if writing may be tried again; otherwise the pause that goes on.
    fn over(self, recording: &Recording) -> Option<Self> {
        let now = Instant::now();
        if now < self.until {
            return Some(self);
        }
        if !self.reason.is_space() || recording.has_room().unwrap_or(false) {
            return None;
        }
        let length = (self.length * 2).min(PAUSE_LAST);
        Some(Self { until: now + length, length, reason: self.reason })
    }
}
