//! How does Python hold a capture?

use std::path::PathBuf;

use kodkod_live::{CaptureConfig, CaptureCounters, FilterRule, Limits};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::{PyAnyMethods, PyDict, PyMapping};

use crate::errors;

const NANOS: u64 = 1_000_000_000;

/// One interface recorded into rotated pcap files by a thread of its own.
#[pyclass(frozen, module = "kodkod._core")]
pub(crate) struct Capture {
    capture: kodkod_live::Capture,
    min_free_bytes: u64,
}

#[pymethods]
impl Capture {
    #[new]
    #[pyo3(
        signature = (
            interface, *, directory, stem, netns = None, filters = Vec::new(), snap_len = 65535, ring_bytes = 2_097_152,
            max_size_bytes = 10_000_000, rotation_s = 3600, max_files = 2, min_free_bytes = 0
        ),
        text_signature = "(interface, *, directory, stem, netns=None, filters=(), snap_len=65535, ring_bytes=2097152, \
max_size_bytes=10000000, rotation_s=3600, max_files=2, min_free_bytes=0)"
    )]
    #[expect(clippy::too_many_arguments, reason = "keywords in Python")]
    fn new(
        py: Python<'_>,
        interface: String,
        directory: PathBuf,
        stem: String,
        netns: Option<String>,
        filters: Vec<Bound<'_, PyMapping>>,
        snap_len: u32,
        ring_bytes: usize,
        max_size_bytes: u64,
        rotation_s: u64,
        max_files: usize,
        min_free_bytes: u64,
    ) -> PyResult<Self> {
        let filters = filters.iter().map(filter_rule).collect::<PyResult<_>>()?;
        let limits = limits(max_size_bytes, rotation_s, max_files, min_free_bytes);
        let config = CaptureConfig { interface, netns, directory, stem, filters, snap_len, ring_bytes, limits };
        let capture = py.detach(|| kodkod_live::Capture::start(&config)).map_err(|error| errors::of_capture(&error))?;
        Ok(Self { capture, min_free_bytes })
    }

    /// What has been done: fresh after each command, otherwise at most a second old.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let counters = py.detach(|| self.capture.counters());
        counters_dict(py, counters)
    }

    /// Close and rename the active file now.
    fn rotate(&self, py: Python<'_>) -> PyResult<()> {
        self.tell(py, kodkod_live::Capture::rotate)
    }

    /// Change rotation; at once.
    #[pyo3(signature = (*, max_size_bytes, rotation_s, max_files))]
    fn set_limits(&self, py: Python<'_>, max_size_bytes: u64, rotation_s: u64, max_files: usize) -> PyResult<()> {
        let limits = limits(max_size_bytes, rotation_s, max_files, self.min_free_bytes);
        self.tell(py, |capture| capture.set_limits(limits))
    }

    /// Write what has been captured so far to the file, so that a reader sees it.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        self.tell(py, kodkod_live::Capture::flush)
    }

    /// Stop, drain the ring, flush and close the file.
    fn close(&self, py: Python<'_>) -> PyResult<()> {
        self.tell(py, kodkod_live::Capture::close)
    }
}

impl Capture {
    fn tell(
        &self,
        py: Python<'_>,
        command: impl Send + FnOnce(&kodkod_live::Capture) -> Result<(), kodkod_live::CaptureError>,
    ) -> PyResult<()> {
        py.detach(|| command(&self.capture)).map_err(|error| errors::of_capture(&error))
    }
}

fn limits(max_size_bytes: u64, rotation_s: u64, max_files: usize, min_free_bytes: u64) -> Limits {
    Limits { max_size_bytes, rotation_ns: rotation_s.saturating_mul(NANOS), max_files, min_free_bytes }
}

/// A `FilterRule` of the typed face: both keys may be missing.
fn filter_rule(rule: &Bound<'_, PyMapping>) -> PyResult<FilterRule> {
    let mut read = FilterRule::default();
    for key in rule.keys()? {
        match key.extract::<String>()?.as_str() {
            "protocol" => read.protocol = Some(rule.get_item(key)?.extract()?),
            "ports" => read.ports = rule.get_item(key)?.extract()?,
            other => return Err(PyValueError::new_err(format!("a filter has no {other:?}"))),
        }
    }
    Ok(read)
}

fn counters_dict(py: Python<'_>, counters: CaptureCounters) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("packets", counters.packets)?;
    dict.set_item("bytes", counters.bytes)?;
    dict.set_item("drops", counters.drops)?;
    dict.set_item("files", counters.files)?;
    dict.set_item("file_bytes", counters.file_bytes)?;
    dict.set_item("rotated_files", counters.rotated_files)?;
    dict.set_item("discarded_files", counters.discarded_files)?;
    dict.set_item("first_packet_ns", counters.first_packet_ns)?;
    dict.set_item("last_packet_ns", counters.last_packet_ns)?;
    dict.set_item("error", counters.error)?;
    Ok(dict)
}
