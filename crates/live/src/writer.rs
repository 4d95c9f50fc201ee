//! Who has a capture's files?
//!
//! A thread that may wait for the disk as long as the disk likes: nobody waits for it but who asked for a file.

use std::sync::Arc;
use std::sync::mpsc::RecvTimeoutError;
use std::time::{Duration, Instant};

use kodkod_pcap::{RecordError, Recording};

use crate::capture::{CaptureError, Command, Shared, What, Writing};
use crate::clock::now_ns;
use crate::pieces::{Job, Jobs, Piece};

/// How often age and counters are looked at; also how long a packet stays in memory at most.
const TICK: Duration = Duration::from_secs(1);
/// After a file could not be written: first pause, doubled up to the last.
const PAUSE_FIRST: Duration = Duration::from_secs(1);
const PAUSE_LAST: Duration = Duration::from_secs(30);

pub(crate) struct Writer {
    recording: Recording,
    jobs: Jobs,
    shared: Arc<Shared>,
    ticked: Instant,
    pause: Option<Pause>,
    paused_drops: u64,
}

/// Nothing is written until then.
struct Pause {
    until: Instant,
    length: Duration,
    reason: RecordError,
}

impl Writer {
    pub(crate) fn new(recording: Recording, jobs: Jobs, shared: Arc<Shared>) -> Self {
        let writer = Self { recording, jobs, shared, ticked: Instant::now(), pause: None, paused_drops: 0 };
        writer.publish();
        writer
    }

    pub(crate) fn run(mut self) {
        loop {
            match self.jobs.next(TICK.saturating_sub(self.ticked.elapsed())) {
                Ok(Job::Write(piece)) => {
                    self.write(&piece);
                    self.jobs.done(piece);
                }
                Ok(Job::Obey(command)) => {
                    if self.obey(command) {
                        return;
                    }
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if self.ticked.elapsed() >= TICK {
                self.tick();
            }
        }
    }

    fn write(&mut self, piece: &Piece) {
        for (ts_ns, wire_len, data) in piece.iter() {
            if self.pause.is_some() {
                self.paused_drops += 1;
            } else if let Err(error) = self.recording.write(ts_ns, wire_len, data) {
                self.pause = Some(Pause::first(error));
            }
        }
    }

    /// True: the thread ends.
    fn obey(&mut self, Command { what, answer }: Command) -> bool {
        let done = match what {
            What::Rotate => self.recording.rotate(now_ns()),
            What::SetLimits(limits) => self.recording.set_limits(limits),
            What::Flush => self.recording.flush(),
            What::Close => self.recording.close(),
        };
        self.publish();
        // Whoever asked may have given up.
        let _ = answer.send(done.map_err(CaptureError::Record));
        what == What::Close
    }

    fn tick(&mut self) {
        self.ticked = Instant::now();
        if let Err(error) = self.recording.tick(now_ns()).and_then(|()| self.recording.flush()) {
            self.pause.get_or_insert(Pause::first(error));
        }
        if let Some(pause) = self.pause.take() {
            self.pause = pause.over(&self.recording);
        }
        self.publish();
    }

    fn publish(&self) {
        // The list of files is read before the lock is taken: readers of counters never wait for the disk.
        let files = self.recording.files().unwrap_or_default();
        let error = self.pause.as_ref().map(|pause| pause.reason.to_string());
        let recorded = self.recording.counters();
        *self.shared.writing() = Writing { recorded, files, paused_drops: self.paused_drops, error };
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
