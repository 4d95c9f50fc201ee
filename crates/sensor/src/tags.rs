//! What is known of each tag.

use std::collections::HashMap;
use std::sync::Arc;

use foldhash::fast::FixedState;
use kodkod_detect::RuleSet;

use crate::config::FactKinds;
use crate::counters::TagCounters;

/// One endpoint's wishes and counters.
#[derive(Default)]
pub(crate) struct Tag {
    pub(crate) rules: Option<Arc<RuleSet>>,
    pub(crate) wants: FactKinds,
    pub(crate) counters: TagCounters,
}

/// All tags seen or spoken of.
pub(crate) type Tags = HashMap<u32, Tag, FixedState>;
