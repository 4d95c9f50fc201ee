//! How does a long call hear Ctrl-C?

use std::time::Duration;

use pyo3::prelude::*;

/// How long Python may be kept from its signals.
pub(crate) const SLICE: Duration = Duration::from_millis(50);

/// Do work slice by slice without the interpreter, until a slice gives something. Between slices Python's signal handlers
/// run, and what they raise ends the call.
pub(crate) fn sliced<T: Send>(py: Python<'_>, mut slice: impl FnMut() -> Option<T> + Send) -> PyResult<T> {
    loop {
        if let Some(result) = py.detach(&mut slice) {
            return Ok(result);
        }
        py.check_signals()?;
    }
}
