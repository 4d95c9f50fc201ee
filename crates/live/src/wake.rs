//! How does a thread that sleeps on packets hear a command?

use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{EventfdFlags, PollFd, PollFlags, Timespec, eventfd, poll};

/// A bell: rung by any thread, polled by one.
#[derive(Clone)]
pub(crate) struct Bell(Arc<OwnedFd>);

impl Bell {
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(Arc::new(eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?)))
    }

    /// Wake the thread, now or when it next goes to sleep.
    pub(crate) fn ring(&self) {
        // The only failure is a counter that is full, and then the bell is ringing already.
        let _ = rustix::io::write(&*self.0, &1_u64.to_ne_bytes());
    }

    /// Silence it.
    pub(crate) fn hush(&self) {
        let _ = rustix::io::read(&*self.0, &mut [0_u8; 8]);
    }
}

impl AsFd for Bell {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

/// Sleep until the bell rings, the source has something, or the time is over. True: the source is in trouble.
pub(crate) fn sleep(bell: &Bell, source: Option<BorrowedFd<'_>>, timeout: Duration) -> bool {
    let mut fds = vec![PollFd::new(bell, PollFlags::IN)];
    fds.extend(source.map(|fd| PollFd::from_borrowed_fd(fd, PollFlags::IN)));
    let timeout = Timespec {
        tv_sec: i64::try_from(timeout.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: timeout.subsec_nanos().into(),
    };
    // An interrupted sleep is a short one; the loop around it looks at everything again.
    let _ = poll(&mut fds, Some(&timeout));
    fds.get(1).is_some_and(|source| source.revents().contains(PollFlags::ERR))
}
