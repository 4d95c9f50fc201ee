//! What is known of each tag.

use std::collections::HashMap;

use foldhash::fast::FixedState;

use crate::config::FactKinds;
use crate::counters::TagCounters;

/// One endpoint's wishes and counters.
#[derive(Debug, Default)]
pub(crate) struct Tag {
    pub(crate) wants: FactKinds,
    pub(crate) counters: TagCounters,
}

/// All tags seen or spoken of.
pub(crate) type Tags = HashMap<u32, Tag, FixedState>;
