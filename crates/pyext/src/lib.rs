//! What may Python see?
//!
//! The list of exports; `src/kodkod/_core.pyi` is their typed face and stubtest compares the two. Nothing but this crate
//! knows Python, and every call that may block lets go of the interpreter.

mod capture;
mod errors;
mod facts;
mod live;
mod rules;
mod scan;
mod waiting;

use pyo3::prelude::*;

/// The engine: bytes in, facts out.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::capture::Capture;
    #[pymodule_export]
    use super::live::Live;
    #[pymodule_export]
    use super::rules::RuleSet;
    #[pymodule_export]
    use super::scan::{Alerts, Scan};

    use pyo3::prelude::*;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        // The iterator over alerts is nobody's to make.
        module.setattr("__all__", ["Capture", "Live", "RuleSet", "Scan"])
    }
}
