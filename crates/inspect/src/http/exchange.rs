//! Which request does this response answer?

use std::collections::VecDeque;

use super::head::Head;
use crate::Anomaly;
use crate::conversation::Sink;

/// Requests that may wait for their answers. Clients that pipeline send a handful.
const PENDING_MAX: usize = 128;

/// What a response's framing depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Asked {
    Head,
    Connect,
    Other,
}

/// The requests without an answer yet.
#[derive(Debug, Default)]
pub(super) struct Exchange {
    pending: VecDeque<Asked>,
    /// The connection speaks another protocol from here on.
    pub(super) is_switched: bool,
    /// Once a request was lost, answers cannot be matched.
    is_blurred: bool,
}

impl Exchange {
    pub(super) fn asked(&mut self, head: &Head, sink: &mut dyn Sink) {
        if self.pending.len() >= PENDING_MAX {
            sink.anomaly(Anomaly::HttpPipelineTooLong);
            return self.forget();
        }
        self.pending.push_back(match head.first_word() {
            b"HEAD" => Asked::Head,
            b"CONNECT" => Asked::Connect,
            _ => Asked::Other,
        });
    }

    /// The request that a response of this status answers. An interim answer leaves it waiting.
    pub(super) fn answered(&mut self, status: Option<u16>, sink: &mut dyn Sink) -> Asked {
        let asked = match status {
            Some(100 | 102..=199) => self.pending.front().copied(),
            _ => self.pending.pop_front(),
        };
        if asked.is_none() && !self.is_blurred {
            sink.anomaly(Anomaly::HttpUnasked);
        }
        asked.unwrap_or(Asked::Other)
    }

    /// A message went unseen.
    pub(super) fn forget(&mut self) {
        self.pending.clear();
        self.is_blurred = true;
    }
}
