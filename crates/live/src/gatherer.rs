//! Who empties a capture's ring?
//!
//! A thread that only copies: it never touches the disk and never waits for whoever does.

use std::os::fd::AsFd;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, TryRecvError};
use std::time::{Duration, Instant};

use kodkod_ring::{Ring, RingError};

use crate::capture::{Command, Gathering, Shared, What};
use crate::pieces::{Backlog, Piece};
use crate::wake::{Bell, sleep};

/// The ring of 2 MiB holds some milliseconds of a fast link, less than a busy machine lets a thread wait for its turn. This
/// one only copies, a few percent of a processor, so it goes first where it is allowed to.
const PRIORITY: i32 = -15;
/// How often health and counters are looked at without packets or commands.
const TICK: Duration = Duration::from_secs(1);
/// Blocks taken from the ring before commands are heard.
const BLOCKS_PER_TURN: usize = 64;

pub(crate) struct Gatherer {
    ring: Ring,
    backlog: Backlog,
    piece: Piece,
    bell: Bell,
    inbox: Receiver<Command>,
    shared: Arc<Shared>,
    /// Commands that wait until frames taken before them have been handed over.
    settling: Vec<(Instant, Command)>,
    ticked: Instant,
    link_error: Option<RingError>,
    backlog_drops: u64,
}

impl Gatherer {
    pub(crate) fn new(ring: Ring, backlog: Backlog, bell: Bell, inbox: Receiver<Command>, shared: Arc<Shared>) -> Self {
        Self {
            ring,
            backlog,
            piece: Piece::default(),
            bell,
            inbox,
            shared,
            settling: Vec::new(),
            ticked: Instant::now(),
            link_error: None,
            backlog_drops: 0,
        }
    }

    pub(crate) fn run(mut self) {
        // Of this thread alone, as Linux does it. Without the right to it we are as quick as others.
        let _ = rustix::process::setpriority_process(None, PRIORITY);
        loop {
            let is_idle = self.take_blocks();
            if self.hear() {
                return;
            }
            if self.ticked.elapsed() >= TICK {
                self.ticked = Instant::now();
                self.link_error = self.ring.health().err();
                self.publish();
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

    /// Hand over what the ring has. True: it has no more.
    fn take_blocks(&mut self) -> bool {
        for _ in 0..BLOCKS_PER_TURN {
            let Some(mut block) = self.ring.next_block() else {
                self.hand_over();
                return true;
            };
            while let Some(frame) = block.next_frame() {
                self.piece.push(frame.ts_ns, frame.wire_len, frame.data);
                if self.piece.is_full() {
                    self.backlog_drops += self.backlog.put(&mut self.piece);
                }
            }
        }
        false
    }

    fn hand_over(&mut self) {
        if self.piece.packets() > 0 {
            self.backlog_drops += self.backlog.put(&mut self.piece);
        }
    }

    /// Pass on what was asked. True: it was to close.
    fn hear(&mut self) -> bool {
        self.bell.hush();
        loop {
            match self.inbox.try_recv() {
                Ok(command) => match command.what {
                    What::Rotate | What::SetLimits(_) => {
                        if self.pass_on(command) {
                            return true;
                        }
                    }
                    What::Flush | What::Close => self.let_settle(command),
                },
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) => return true,
            }
        }
        let now = Instant::now();
        let (due, waiting): (Vec<_>, _) =
            std::mem::take(&mut self.settling).into_iter().partition(|(at, _)| *at <= now);
        self.settling = waiting;
        due.into_iter().any(|(_, command)| self.finish(command))
    }

    fn let_settle(&mut self, command: Command) {
        if command.what == What::Close {
            // An interface that is gone gives no more anyway.
            let _ = self.ring.stop();
        }
        self.settling.push((Instant::now() + Ring::LAG, command));
    }

    /// The frames before the command are in. True: the thread ends.
    fn finish(&mut self, command: Command) -> bool {
        // A flush must not be kept here by traffic: the ring's own size is what was in before it.
        for _ in 0..self.ring.blocks().div_ceil(BLOCKS_PER_TURN) {
            self.take_blocks();
        }
        self.pass_on(command)
    }

    /// Let the writer act after what it has been given so far. True: nothing comes after this.
    fn pass_on(&mut self, command: Command) -> bool {
        self.hand_over();
        self.publish();
        let is_close = command.what == What::Close;
        !self.backlog.tell(command) || is_close
    }

    /// How long to sleep: until the next tick, or until a waiting command is due.
    fn patience(&self) -> Duration {
        let due = self.settling.iter().map(|(at, _)| at.saturating_duration_since(Instant::now())).min();
        let tick = TICK.saturating_sub(self.ticked.elapsed());
        due.map_or(tick, |due| due.min(tick))
    }

    fn publish(&mut self) {
        let mut gathering = self.shared.gathering();
        let kernel_drops = self.ring.statistics().map_or(gathering.kernel_drops, |statistics| statistics.drops);
        let error = self.link_error.as_ref().map(ToString::to_string);
        *gathering = Gathering { kernel_drops, backlog_drops: self.backlog_drops, error };
    }
}
