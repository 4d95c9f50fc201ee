//! How does Python hold the sensors of a node?

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kodkod_live::{Attachment, InterfaceCounters, SharedAttachment};
use kodkod_sensor::FactKinds;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::errors;
use crate::facts::facts_dict;
use crate::rules::RuleSet;
use crate::waiting::{SLICE, sliced};

/// Worker threads over many interfaces, packets tagged by endpoint; one a node and role.
#[pyclass(frozen, module = "kodkod._core")]
pub(crate) struct Live(kodkod_live::Live);

#[pymethods]
impl Live {
    #[new]
    #[pyo3(signature = (*, workers = 1, memory_bytes = 536_870_912))]
    fn new(workers: usize, memory_bytes: usize) -> PyResult<Self> {
        kodkod_live::Live::start(workers, memory_bytes).map(Self).map_err(|error| errors::of_live(&error))
    }

    /// Open a ring on an interface (of a named network namespace). Raises OSError with the kernel's reason.
    #[pyo3(
        signature = (tag, interface, *, netns = None, rules = None, facts = Vec::new()),
        text_signature = "($self, tag, interface, *, netns=None, rules=None, facts=())"
    )]
    fn attach(
        &self,
        py: Python<'_>,
        tag: u32,
        interface: String,
        netns: Option<String>,
        rules: Option<&RuleSet>,
        facts: Vec<String>,
    ) -> PyResult<()> {
        let facts = fact_kinds(&facts)?;
        let rules = rules.map(|rules| Arc::clone(&rules.0));
        let attachment = Attachment { tag, interface, netns, rules, facts };
        py.detach(|| self.0.attach(&attachment)).map_err(|error| errors::of_live(&error))
    }

    /// Open one ring on all interfaces, those to come included; a frame's tag is its interface's kernel index.
    #[pyo3(
        signature = (*, facts = Vec::new(), ignore = Vec::new(), netns = None),
        text_signature = "($self, *, facts=(), ignore=(), netns=None)"
    )]
    fn attach_all(&self, py: Python<'_>, facts: Vec<String>, ignore: Vec<u32>, netns: Option<String>) -> PyResult<()> {
        let attachment = SharedAttachment { netns, facts: fact_kinds(&facts)?, ignored: ignore };
        py.detach(|| self.0.attach_all(attachment)).map_err(|error| errors::of_live(&error))
    }

    /// Leave out these interfaces of the shared ring, in place of those left out before.
    fn ignore(&self, py: Python<'_>, links: Vec<u32>) -> PyResult<()> {
        py.detach(|| self.0.ignore(links)).map_err(|error| errors::of_live(&error))
    }

    /// Swap the rules of one interface without losing its flows.
    #[pyo3(signature = (tag, rules))]
    fn set_rules(&self, py: Python<'_>, tag: u32, rules: Option<&RuleSet>) -> PyResult<()> {
        let rules = rules.map(|rules| Arc::clone(&rules.0));
        py.detach(|| self.0.set_rules(tag, rules)).map_err(|error| errors::of_live(&error))
    }

    /// Close the interface's ring. Its open flows are in the next drain.
    fn detach(&self, py: Python<'_>, tag: u32) -> PyResult<()> {
        py.detach(|| self.0.detach(tag)).map_err(|error| errors::of_live(&error))
    }

    /// Take what has been found, waiting at most `wait_s` for something.
    fn drain<'py>(&self, py: Python<'py>, wait_s: f64) -> PyResult<Bound<'py, PyDict>> {
        let wait = Duration::try_from_secs_f64(wait_s)
            .map_err(|_| PyValueError::new_err("wait_s is a number of seconds, not negative"))?;
        let began = Instant::now();
        let facts = sliced(py, || {
            let left = wait.saturating_sub(began.elapsed());
            let facts = self.0.drain(left.min(SLICE));
            (!facts.is_empty() || began.elapsed() >= wait).then_some(facts)
        })?;
        facts_dict(py, facts)
    }

    /// Make every open flow write an interval record; the next `drain` has them.
    fn flush(&self, py: Python<'_>) -> PyResult<()> {
        py.detach(|| self.0.flush()).map_err(|error| errors::of_live(&error))
    }

    /// Counters by tag, at most a second old.
    fn counters<'py>(&self, py: Python<'py>) -> PyResult<BTreeMap<u32, Bound<'py, PyDict>>> {
        let counters = py.detach(|| self.0.counters());
        counters.into_iter().map(|(tag, counters)| Ok((tag, counters_dict(py, counters)?))).collect()
    }

    /// End the workers. A last drain has the flows that were open.
    fn close(&self, py: Python<'_>) {
        py.detach(|| self.0.close());
    }
}

fn fact_kinds(names: &[String]) -> PyResult<FactKinds> {
    let mut kinds = FactKinds::default();
    for name in names {
        match name.as_str() {
            "flows" => kinds.flows = true,
            "dns" => kinds.dns = true,
            // Alerts come with rules.
            "alerts" => {}
            other => return Err(PyValueError::new_err(format!("{other:?} is not one of alerts, flows, dns"))),
        }
    }
    Ok(kinds)
}

fn counters_dict(py: Python<'_>, counters: InterfaceCounters) -> PyResult<Bound<'_, PyDict>> {
    let dict = PyDict::new(py);
    dict.set_item("packets", counters.packets)?;
    dict.set_item("bytes", counters.bytes)?;
    dict.set_item("drops", counters.drops)?;
    dict.set_item("error", counters.error)?;
    Ok(dict)
}
