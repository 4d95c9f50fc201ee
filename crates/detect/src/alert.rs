//! What comes out: a signature that fired, and why.

use std::sync::Arc;

use kodkod_rules::Action;

/// The compiled form of one rule, as alerts show it.
#[derive(Clone, Debug)]
pub struct Signature {
    /// Generator id.
    pub gid: u32,
    /// Signature id.
    pub sid: u32,
    /// Revision.
    pub rev: u32,
    /// Message.
    pub msg: Arc<str>,
    /// Class name.
    pub classtype: Option<Arc<str>>,
    /// The class in words.
    pub class_text: Option<Arc<str>>,
    /// 1 is the most urgent.
    pub priority: u8,
    /// What the author wants done.
    pub action: Action,
    /// `system,id` pairs.
    pub references: Vec<Arc<str>>,
    /// `key value` pairs.
    pub metadata: Vec<Arc<str>>,
    /// The rule as written.
    pub text: Arc<str>,
    /// Name of its source.
    pub file: Arc<str>,
    /// Line in its source, from 1.
    pub line: u32,
}

/// One signature firing on one packet or PDU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Alert {
    /// Which: `RuleSet::signature`.
    pub rule: u32,
    /// Each option that was satisfied, in order of evaluation; empty unless explanations are on.
    pub why: Vec<Why>,
}

/// One rule option that was satisfied.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Why {
    /// The option as written.
    pub option: Arc<str>,
    /// The buffer looked into, empty for options that look into none.
    pub buffer: &'static str,
    /// Where in the buffer.
    pub offset: u32,
    /// How many bytes.
    pub length: u32,
    /// The first of these bytes, at most [`Why::MAX_BYTES`].
    pub bytes: Vec<u8>,
}

impl Why {
    /// Most bytes of a buffer that an explanation keeps.
    pub const MAX_BYTES: usize = 64;
}
