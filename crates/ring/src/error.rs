//! Why is there no ring?

use std::{fmt, io};

use crate::FilterError;

/// Why a ring cannot be opened or gives no more packets.
#[derive(Debug)]
pub enum RingError {
    /// The kernel refused a step.
    Kernel {
        /// The step.
        operation: &'static str,
        /// Its reason: no such device, no permission, no memory.
        source: io::Error,
    },
    /// No network namespace of this name, or no right to enter it.
    Namespace {
        /// As it was asked for.
        name: String,
        /// The kernel's reason.
        source: io::Error,
    },
    /// The interface has a link layer that we cannot read; the number is the kernel's `ARPHRD_`.
    Link(u16),
    /// The filters cannot be turned into a program.
    Filter(FilterError),
    /// The interface was deleted or moved to another namespace. Open another ring when it is back.
    Gone,
    /// The interface is down. The ring goes on by itself when it comes up.
    Down,
}

impl RingError {
    pub(crate) fn last(operation: &'static str) -> Self {
        Self::Kernel { operation, source: io::Error::last_os_error() }
    }

    /// The error number of the kernel, or the nearest one.
    #[must_use]
    pub fn errno(&self) -> i32 {
        match self {
            Self::Kernel { source, .. } | Self::Namespace { source, .. } => source.raw_os_error().unwrap_or(libc::EIO),
            Self::Link(_) => libc::EPFNOSUPPORT,
            Self::Filter(_) => libc::EINVAL,
            Self::Gone => libc::ENODEV,
            Self::Down => libc::ENETDOWN,
        }
    }
}

impl fmt::Display for RingError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kernel { operation, source } => write!(f, "cannot {operation}: {source}"),
            Self::Namespace { name, source } => write!(f, "cannot enter network namespace {name:?}: {source}"),
            Self::Link(kind) => write!(f, "link layer {kind} cannot be read"),
            Self::Filter(error) => write!(f, "{error}"),
            Self::Gone => write!(f, "the interface is gone"),
            Self::Down => write!(f, "the interface is down"),
        }
    }
}

impl std::error::Error for RingError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Kernel { source, .. } | Self::Namespace { source, .. } => Some(source),
            Self::Filter(error) => Some(error),
            _ => None,
        }
    }
}

impl From<FilterError> for RingError {
    fn from(error: FilterError) -> Self {
        Self::Filter(error)
    }
}
