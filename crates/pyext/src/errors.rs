//! Which exception is this error?

use kodkod_live::{CaptureError, LiveError, RingError};
use pyo3::PyErr;
use pyo3::exceptions::{PyOSError, PyValueError};

/// `EIO`, where the system gave no number.
const INPUT_OUTPUT: i32 = 5;

/// `OSError` with the kernel's number, so that Python makes it `PermissionError` and so on; `ValueError` where the caller's
/// text is at fault.
pub(crate) fn of_ring(error: &RingError) -> PyErr {
    match error {
        RingError::Filter(error) => PyValueError::new_err(error.to_string()),
        error => PyOSError::new_err((error.errno(), error.to_string())),
    }
}

pub(crate) fn of_live(error: &LiveError) -> PyErr {
    match error {
        LiveError::Ring(error) => of_ring(error),
        LiveError::Thread(source) => {
            PyOSError::new_err((source.raw_os_error().unwrap_or(INPUT_OUTPUT), error.to_string()))
        }
        LiveError::TagTaken(_) | LiveError::TagLow(_) | LiveError::TagUnknown(_) | LiveError::Closed => {
            PyValueError::new_err(error.to_string())
        }
    }
}

pub(crate) fn of_capture(error: &CaptureError) -> PyErr {
    match error {
        CaptureError::Ring(error) => of_ring(error),
        CaptureError::Record(error) => match error.errno() {
            Some(errno) => PyOSError::new_err((errno, error.to_string())),
            None => PyValueError::new_err(error.to_string()),
        },
        CaptureError::Thread(source) => {
            PyOSError::new_err((source.raw_os_error().unwrap_or(INPUT_OUTPUT), error.to_string()))
        }
        CaptureError::Closed => PyValueError::new_err(error.to_string()),
    }
}
