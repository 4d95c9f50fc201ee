//! How does Python have a capture file judged?

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use kodkod_detect::RuleSet as Rules;
use kodkod_pcap::{ReadError, ReadProblem, Reader, Unpacked};
use kodkod_sensor::{Alert, Checksums, PacketMeta, Sensor, SensorConfig};
use kodkod_wire::LinkType;
use pyo3::exceptions::{PyOSError, PyValueError};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyList};

use crate::facts::alerts_list;
use crate::rules::RuleSet;
use crate::waiting::{SLICE, sliced};

/// Names standard input.
const STDIN: &str = "-";
/// Alerts handed to Python at once.
const BATCH: usize = 1024;
/// Alerts put into packet order before they are handed out; a file with more has them in order by so many.
const HELD_MAX: usize = 200_000;
/// Packets between looks at the time.
const PACKETS_PER_LOOK: u32 = 512;
/// An empty batch at the latest after this time, so that a caller can show how far it is.
const SILENCE_MAX: Duration = Duration::from_millis(250);
/// All files are one endpoint.
const TAG: u32 = 0;

/// Judge capture files with a rule set, as fast as the machine can; facts come in packet order.
#[pyclass(frozen, module = "kodkod._core")]
pub(crate) struct Scan {
    rules: Arc<Rules>,
    config: SensorConfig,
    totals: Arc<Mutex<Totals>>,
}

/// Numbers of all files so far.
#[derive(Clone, Default)]
struct Totals {
    packets: u64,
    bytes: u64,
    flows: u64,
    alerts: u64,
    engine: Duration,
    drops: BTreeMap<&'static str, u64>,
    file_offset: u64,
}

#[pymethods]
impl Scan {
    #[new]
    #[pyo3(signature = (rules, *, checksums = "ignore", explain = false))]
    fn new(rules: &RuleSet, checksums: &str, explain: bool) -> PyResult<Self> {
        let checksums = match checksums {
            "verify" => Checksums::Verify,
            "ignore" => Checksums::Ignore,
            other => return Err(PyValueError::new_err(format!("{other:?} is neither verify nor ignore"))),
        };
        let config = SensorConfig { checksums, explain, ..SensorConfig::default() };
        Ok(Self { rules: Arc::clone(&rules.0), config, totals: Arc::default() })
    }

    /// Alerts of one pcap or pcapng in batches. Raises ValueError with a byte offset where it cannot be read on.
    fn file(&self, py: Python<'_>, path: String) -> PyResult<Alerts> {
        let opened = py.detach(|| open(&path));
        let reader = opened.map_err(|error| {
            PyOSError::new_err((error.raw_os_error().unwrap_or(0), error.kind().to_string(), path.clone()))
        })?;
        let mut sensor = Sensor::new(self.config);
        sensor.set_rules(TAG, Some(Arc::clone(&self.rules)));
        let state = State { stage: Stage::Closed(reader), sensor, held: Vec::new(), before: Totals::default() };
        let before = lock(&self.totals).clone();
        let state = Mutex::new(State { before, ..state });
        let holds = path != STDIN;
        Ok(Alerts { state, totals: Arc::clone(&self.totals), holds })
    }

    /// Numbers of all files so far: packets, bytes, flows, alerts, engine_s, drops by reason, and file_offset of the
    /// file being read.
    fn stats<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let totals = lock(&self.totals).clone();
        let dict = PyDict::new(py);
        dict.set_item("packets", totals.packets)?;
        dict.set_item("bytes", totals.bytes)?;
        dict.set_item("flows", totals.flows)?;
        dict.set_item("alerts", totals.alerts)?;
        dict.set_item("engine_s", totals.engine.as_secs_f64())?;
        dict.set_item("drops", totals.drops)?;
        dict.set_item("file_offset", totals.file_offset)?;
        Ok(dict)
    }
}

type Source = Box<dyn Read + Send>;

fn open(path: &str) -> io::Result<Source> {
    if path == STDIN {
        return Ok(Box::new(Unpacked::new(io::stdin())?));
    }
    Ok(Box::new(Unpacked::new(File::open(path)?)?))
}

/// The alerts of one file, batch by batch. In packet order: an alert that only the end of its stream completes is put
/// where its packet was. Standard input is told as it is found, since its end may be far.
#[pyclass(frozen, module = "kodkod._core", name = "_Alerts")]
pub(crate) struct Alerts {
    state: Mutex<State>,
    totals: Arc<Mutex<Totals>>,
    holds: bool,
}

struct State {
    stage: Stage,
    sensor: Sensor,
    held: Vec<Alert>,
    /// Totals when the file was begun.
    before: Totals,
}

enum Stage {
    /// Nothing read yet.
    Closed(Source),
    Reading(Box<Reader<Source>>),
    /// All is judged; held alerts are handed out, then the error is raised.
    Read(Option<ReadError>),
    Done,
}

/// What one slice of work gives.
enum Step {
    Batch(Vec<Alert>),
    End(Option<ReadError>),
}

#[pymethods]
impl Alerts {
    fn __iter__(slf: Py<Self>) -> Py<Self> {
        slf
    }

    fn __next__<'py>(&self, py: Python<'py>) -> PyResult<Option<Bound<'py, PyList>>> {
        let began = Instant::now();
        let step = sliced(py, || {
            let step = lock(&self.state).work(self.holds, &self.totals);
            step.or_else(|| (began.elapsed() >= SILENCE_MAX).then(|| Step::Batch(Vec::new())))
        })?;
        match step {
            Step::Batch(alerts) => alerts_list(py, &alerts).map(Some),
            Step::End(None) => Ok(None),
            Step::End(Some(error)) => Err(read_error(error)),
        }
    }
}

impl State {
    /// Work for a slice of time.
    fn work(&mut self, holds: bool, totals: &Mutex<Totals>) -> Option<Step> {
        match &mut self.stage {
            Stage::Closed(_) => self.begin(),
            Stage::Reading(_) => self.read(totals),
            Stage::Read(_) | Stage::Done => {}
        }
        let is_read = matches!(self.stage, Stage::Read(_) | Stage::Done);
        if !self.held.is_empty() && (is_read || !holds || self.held.len() >= HELD_MAX) {
            return Some(Step::Batch(self.held.drain(..self.held.len().min(BATCH)).collect()));
        }
        is_read.then(|| match std::mem::replace(&mut self.stage, Stage::Done) {
            Stage::Read(error) => Step::End(error),
            _ => Step::End(None),
        })
    }

    fn begin(&mut self) {
        if let Stage::Closed(source) = std::mem::replace(&mut self.stage, Stage::Done) {
            self.stage = match Reader::open(source) {
                Ok(reader) => Stage::Reading(Box::new(reader)),
                Err(error) => Stage::Read(Some(error)),
            };
        }
    }

    fn read(&mut self, totals: &Mutex<Totals>) {
        let Stage::Reading(reader) = &mut self.stage else { return };
        let began = Instant::now();
        let mut bytes = 0;
        let mut end = None;
        'slice: while began.elapsed() < SLICE {
            for _ in 0..PACKETS_PER_LOOK {
                match reader.next_frame() {
                    Ok(Some(frame)) => {
                        bytes += frame.data.len() as u64;
                        let meta = PacketMeta {
                            ts_ns: frame.ts_ns,
                            tag: TAG,
                            link: LinkType(frame.link),
                            frame_number: frame.number,
                            wire_len: frame.wire_len,
                            checksum_partial: false,
                        };
                        self.sensor.packet(&meta, frame.data);
                    }
                    other => {
                        end = Some(other.err());
                        break 'slice;
                    }
                }
            }
        }
        let offset = reader.offset();
        if end.is_some() {
            self.sensor.finish();
        }
        let found = self.sensor.drain().alerts;
        self.count(totals, bytes, found.len() as u64, began.elapsed(), offset);
        self.held.extend(found);
        if self.held.len() >= HELD_MAX || end.is_some() {
            self.held.sort_by_key(|alert| alert.packet);
        }
        if let Some(error) = end {
            self.stage = Stage::Read(error);
        }
    }

    fn count(&self, totals: &Mutex<Totals>, bytes: u64, alerts: u64, engine: Duration, offset: u64) {
        let counters = self.sensor.counters();
        let mut drops = self.before.drops.clone();
        let seen = self.sensor.tag_counters(TAG).cloned().unwrap_or_default();
        for (reason, count) in seen.drops.into_iter().chain([("evicted_flows", seen.evicted_flows)]) {
            *drops.entry(reason).or_default() += count;
        }
        let mut totals = lock(totals);
        totals.packets = self.before.packets + counters.packets;
        totals.flows = self.before.flows + counters.flows.created;
        totals.drops = drops;
        totals.bytes += bytes;
        totals.alerts += alerts;
        totals.engine += engine;
        totals.file_offset = offset;
    }
}

fn read_error(error: ReadError) -> PyErr {
    match error.problem {
        ReadProblem::Io(source) => PyOSError::new_err((source.raw_os_error().unwrap_or(0), source.to_string())),
        _ => PyValueError::new_err(error.to_string()),
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
