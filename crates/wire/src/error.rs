//! Why a frame could not be read, and where.

use std::fmt;

use crate::LinkType;

/// The first thing in a frame that cannot be read. Retrying does not help: the bytes are what they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DecodeError {
    /// The frame ends inside a header: cut by the capture's snap length, or sent so.
    Truncated {
        /// Which header, as `layer.part`.
        layer: &'static str,
        /// Where that part starts, in bytes from the start of the frame.
        offset: usize,
        /// Bytes the part takes.
        needed: usize,
        /// Bytes that were there.
        had: usize,
    },
    /// A field has a value that its header cannot have, so nothing after it can be trusted.
    Impossible {
        /// Which field, as `layer.field`.
        field: &'static str,
        /// Where the header starts that the field belongs to, in bytes from the start of the frame.
        offset: usize,
        /// What it said.
        value: u32,
    },
    /// A link type that we do not read.
    UnknownLink(LinkType),
}

impl DecodeError {
    /// A constant short name for counters: the layer or field that could not be read.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Truncated { layer, .. } => layer,
            Self::Impossible { field, .. } => field,
            Self::UnknownLink(_) => "link.type",
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated { layer, offset, needed, had } => {
                write!(f, "{layer} at byte {offset} takes {needed} bytes, the frame has {had}")
            }
            Self::Impossible { field, offset, value } => {
                write!(f, "{field} of the header at byte {offset} cannot be {value}")
            }
            Self::UnknownLink(link) => write!(f, "link type {} is not one we read", link.0),
        }
    }
}

impl std::error::Error for DecodeError {}
