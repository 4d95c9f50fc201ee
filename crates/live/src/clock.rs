//! What time is it? Asked here and nowhere below.

use std::time::{SystemTime, UNIX_EPOCH};

/// Nanoseconds since 1970 UTC, as packets carry them.
pub(crate) fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
}
