//! Does it match?
//!
//! A [`RuleSet`] is compiled once and shared; a [`Detector`] per thread judges packets and PDUs with it. A few fast patterns
//! per buffer find candidates, header and flow are checked first, the options of what is left are evaluated with the
//! cursor semantics of Snort 3. A flow's marks and waiting rules live in its [`FlowState`].

#![forbid(unsafe_code)]

mod alert;
mod compile;
mod counters;
mod detector;
mod evaluate;
mod filters;
mod ruleset;
mod state;
mod subject;

pub use alert::{Alert, Signature, Why};
pub use compile::{Options, Source};
pub use counters::Counters;
pub use detector::Detector;
pub use filters::Filters;
pub use ruleset::{Cache, RuleSet};
pub use state::FlowState;
pub use subject::{FlowFacts, PacketSubject, PduSubject};
