//! Who records one interface into files?
//!
//! Two threads: one empties the ring (`gatherer.rs`), the other has the files (`writer.rs`). Between them lies a bounded
//! backlog (`pieces.rs`), so that a disk that is slow, or gone for a second, does not keep the ring waiting.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::mpsc::{Sender, SyncSender, channel, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::{fmt, io};

use kodkod_pcap::{Limits, RecordError, Recording};
use kodkod_ring::{Config, FilterRule, Ring, RingError};

use crate::clock::now_ns;
use crate::gatherer::Gatherer;
use crate::pieces;
use crate::wake::Bell;
use crate::writer::Writer;

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
    /// Packets that passed the filter and were not written, by reason: `kernel` (the ring was full), `disk` (no space, the
    /// file could not be written, or so slowly that the backlog was full).
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

pub(crate) type Answer = Result<(), CaptureError>;

/// Something to do for both threads in turn: the gatherer hands over what it has, then the writer acts.
pub(crate) struct Command {
    pub(crate) what: What,
    pub(crate) answer: SyncSender<Answer>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum What {
    Rotate,
    SetLimits(Limits),
    Flush,
    Close,
}

/// What each thread last said of itself.
#[derive(Default)]
pub(crate) struct Shared {
    gathering: Mutex<Gathering>,
    writing: Mutex<Writing>,
}

/// As the gatherer sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Gathering {
    pub(crate) kernel_drops: u64,
    pub(crate) backlog_drops: u64,
    pub(crate) error: Option<String>,
}

/// As the writer sees it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Writing {
    pub(crate) recorded: kodkod_pcap::Counters,
    pub(crate) files: Vec<(String, u64)>,
    /// Packets that came while nothing was written.
    pub(crate) paused_drops: u64,
    pub(crate) error: Option<String>,
}

impl Shared {
    pub(crate) fn gathering(&self) -> MutexGuard<'_, Gathering> {
        self.gathering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn writing(&self) -> MutexGuard<'_, Writing> {
        self.writing.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Handle of one capture. May be used from any thread; dropping it closes the capture.
pub struct Capture {
    commands: Sender<Command>,
    bell: Bell,
    shared: Arc<Shared>,
    threads: Mutex<Vec<JoinHandle<()>>>,
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
        let shared = Arc::<Shared>::default();
        let (commands, inbox) = channel();
        let (backlog, jobs) = pieces::backlog();
        let writer = Writer::new(recording, jobs, Arc::clone(&shared));
        let gatherer = Gatherer::new(ring, backlog, bell.clone(), inbox, Arc::clone(&shared));
        let threads = vec![
            thread("capture-disk", move || writer.run())?,
            // If this one cannot be had, the other ends with the sender it waits for.
            thread("capture", move || gatherer.run())?,
        ];
        Ok(Self { commands, bell, shared, threads: Mutex::new(threads) })
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
        for thread in self.threads.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            // A panic of a thread is a fault of ours; there is nobody left to tell.
            let _ = thread.join();
        }
        answer
    }

    /// What has been done; never waits for the disk.
    #[must_use]
    pub fn counters(&self) -> CaptureCounters {
        let (gathering, writing) = (self.shared.gathering().clone(), self.shared.writing().clone());
        let recorded = writing.recorded;
        let disk_drops = gathering.backlog_drops + writing.paused_drops + recorded.lost_packets;
        CaptureCounters {
            packets: recorded.packets,
            bytes: recorded.bytes,
            drops: BTreeMap::from([("kernel", gathering.kernel_drops), ("disk", disk_drops)]),
            file_bytes: writing.files.iter().map(|(_, length)| length).sum(),
            files: writing.files.into_iter().map(|(name, _)| name).collect(),
            rotated_files: recorded.rotated_files,
            discarded_files: recorded.discarded_files,
            first_packet_ns: recorded.first_packet_ns,
            last_packet_ns: recorded.last_packet_ns,
            error: self.fault().or(writing.error).or(gathering.error),
        }
    }

    /// A thread that is gone though nobody closed the capture. Whoever holds the lock is closing it.
    fn fault(&self) -> Option<String> {
        let is_broken = self.threads.try_lock().is_ok_and(|threads| threads.iter().any(JoinHandle::is_finished));
        is_broken.then(|| "the recorder has ended by a fault in the engine".to_owned())
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

fn thread(name: &str, work: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, CaptureError> {
    std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(CaptureError::Thread)
}
