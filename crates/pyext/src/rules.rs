//! How does Python hold a compiled rule set?

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::Arc;

use kodkod_detect::{Cache, Options, Source};
use kodkod_rules::{Classification, Dialect, Receipt, Status, Variables};
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::pybacked::PyBackedBytes;
use pyo3::types::{PyDict, PyList};

/// A compiled rule set: immutable, shared between threads and interfaces.
#[pyclass(frozen, module = "kodkod._core")]
pub(crate) struct RuleSet(pub(crate) Arc<kodkod_detect::RuleSet>);

#[pymethods]
impl RuleSet {
    /// Read and compile rule texts. Never fails for a bad rule: its receipt says so and the others load.
    #[staticmethod]
    #[pyo3(signature = (sources, *, dialect = None, variables = None, classification = None, cache_dir = None))]
    fn compile(
        py: Python<'_>,
        sources: Vec<(String, PyBackedBytes)>,
        dialect: Option<&str>,
        variables: Option<HashMap<String, String>>,
        classification: Option<PyBackedBytes>,
        cache_dir: Option<PathBuf>,
    ) -> PyResult<Self> {
        let dialect = dialect.map(read_dialect).transpose()?;
        let compiled = py.detach(move || {
            let sources: Vec<_> =
                sources.into_iter().map(|(name, text)| Source { name, text: text.to_vec() }).collect();
            let options = Options {
                dialect,
                variables: Variables::new(variables.unwrap_or_default()),
                classification: classification.map_or_else(Classification::default, |text| Classification::read(&text)),
                cache_dir,
            };
            kodkod_detect::RuleSet::compile(&sources, &options)
        });
        Ok(Self(Arc::new(compiled)))
    }

    /// SHA-256 of all that went in.
    #[getter]
    fn digest(&self) -> &str {
        self.0.digest()
    }

    /// Rules that are honoured to the word.
    #[getter]
    fn full(&self) -> usize {
        self.0.count(Status::Full)
    }

    /// Rules of which something is ignored.
    #[getter]
    fn degraded(&self) -> usize {
        self.0.count(Status::Degraded)
    }

    /// Rules that are not loaded.
    #[getter]
    fn skipped(&self) -> usize {
        self.0.count(Status::Skipped)
    }

    /// Whether the databases came from the cache.
    #[getter]
    fn cache(&self) -> &'static str {
        match self.0.cache() {
            Cache::Hit => "hit",
            Cache::Miss => "miss",
        }
    }

    /// One for every rule text, in the order of the sources.
    fn receipts<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyList>> {
        let receipts = self.0.receipts().iter().map(|receipt| receipt_dict(py, receipt));
        PyList::new(py, receipts.collect::<PyResult<Vec<_>>>()?)
    }
}

fn read_dialect(name: &str) -> PyResult<Dialect> {
    Dialect::from_name(name)
        .ok_or_else(|| PyValueError::new_err(format!("{name:?} is not one of snort3, snort2, suricata")))
}

fn receipt_dict<'py>(py: Python<'py>, receipt: &Receipt) -> PyResult<Bound<'py, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("file", &*receipt.file)?;
    dict.set_item("line", receipt.line)?;
    dict.set_item("gid", receipt.gid)?;
    dict.set_item("sid", receipt.sid)?;
    dict.set_item("rev", receipt.rev)?;
    dict.set_item("status", receipt.status.name())?;
    let reasons = receipt.reasons.iter().map(|reason| {
        let dict = PyDict::new(py);
        dict.set_item("code", reason.code)?;
        dict.set_item("message", &reason.message)?;
        dict.set_item("column", reason.column)?;
        Ok(dict)
    });
    dict.set_item("reasons", reasons.collect::<PyResult<Vec<_>>>()?)?;
    Ok(dict)
}
