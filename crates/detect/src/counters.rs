//! How much work was done, and what was given up.

/// Counts since the detector was made; a sensor reports and sums them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Bytes searched for fast patterns, each pass counted.
    pub scanned_bytes: u64,
    /// Rules named by a fast pattern, or waiting, or without one.
    pub candidates: u64,
    /// Candidates whose header fitted and whose options were evaluated.
    pub evaluations: u64,
    /// Evaluations given up because the rule's budget was spent.
    pub over_budget: u64,
    /// Expressions that hit their match limit.
    pub over_match_limit: u64,
    /// Rules that could not wait for the rest of a message because too many do.
    pub not_waiting: u64,
    /// Marks that a flow had no room for.
    pub marks_refused: u64,
    /// Matches held back by a threshold or a detection filter.
    pub filtered: u64,
}
