//! What became of one rule text, in words for its author.

use std::sync::Arc;

/// How far a rule is honoured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Status {
    /// Every word of the rule is evaluated.
    Full,
    /// The rule is loaded; the reasons say what of it is ignored.
    Degraded,
    /// The rule is not loaded; the reasons say why.
    Skipped,
}

impl Status {
    /// `full`, `degraded`, `skipped`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Full => "full",
            Self::Degraded => "degraded",
            Self::Skipped => "skipped",
        }
    }
}

/// What a reason does to its rule.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Consequence {
    /// The part is left out, the rule still means nearly the same.
    Ignored,
    /// The rule cannot be loaded.
    Fatal,
}

/// One thing about a rule that its author should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reason {
    /// Stable, lower case with hyphens: `syntax`, `unknown-option`, `no-inspector`, …
    pub code: &'static str,
    /// For people.
    pub message: String,
    /// Where, counted in bytes from the start of the rule's first line, from 1.
    pub column: u32,
    /// Whether the rule lives.
    pub consequence: Consequence,
}

impl Reason {
    /// A reason that keeps the rule from being loaded.
    pub fn fatal(code: &'static str, column: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), column, consequence: Consequence::Fatal }
    }

    /// A reason that leaves out a part of the rule.
    pub fn ignored(code: &'static str, column: u32, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), column, consequence: Consequence::Ignored }
    }
}

/// What became of one rule.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// Name of the source, as given by the caller.
    pub file: Arc<str>,
    /// Line on which the rule starts, from 1.
    pub line: u32,
    /// Generator id.
    pub gid: u32,
    /// Signature id; 0 where the rule could not be read that far.
    pub sid: u32,
    /// Revision.
    pub rev: u32,
    /// How far it is honoured.
    pub status: Status,
    /// Why it is not `full`; empty for a full rule.
    pub reasons: Vec<Reason>,
}

impl Receipt {
    /// The status that follows from reasons.
    #[must_use]
    pub fn status_of(reasons: &[Reason]) -> Status {
        if reasons.iter().any(|reason| reason.consequence == Consequence::Fatal) {
            Status::Skipped
        } else if reasons.is_empty() {
            Status::Full
        } else {
            Status::Degraded
        }
    }
}
