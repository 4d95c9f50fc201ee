//! What was counted, by name.

use std::collections::BTreeMap;

use kodkod_inspect::Anomaly;
use kodkod_stream::{DefragmentCounters, FlowTableCounters, ReassemblyCounters};

/// What one tag's packets came to, since the sensor began.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TagCounters {
    /// Frames given to the sensor.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Frames looked at no further, by reason: the layer that could not be read (`tcp.header` …), or whose checksum is
    /// wrong (`tcp.checksum` …).
    pub drops: BTreeMap<&'static str, u64>,
    /// Holes in streams.
    pub gaps: u64,
    /// Bytes in these holes.
    pub gap_bytes: u64,
    /// Flows that had to make room for others.
    pub evicted_flows: u64,
    /// Traffic that breaks its protocol, and bounds of inspectors that were crossed.
    pub anomalies: BTreeMap<Anomaly, u64>,
}

impl TagCounters {
    pub(crate) fn drop(&mut self, reason: &'static str) {
        let count = self.drops.entry(reason).or_default();
        *count = count.saturating_add(1);
    }
}

/// What all tags share, since the sensor began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counters {
    /// Frames given to the sensor.
    pub packets: u64,
    /// Their bytes on the wire.
    pub bytes: u64,
    /// Flows alive now.
    pub flows_alive: usize,
    /// Flows that came and went.
    pub flows: FlowTableCounters,
    /// TCP reassembly.
    pub reassembly: ReassemblyCounters,
    /// Bytes that wait in reassembly now.
    pub reassembly_bytes: usize,
    /// IP defragmentation.
    pub defragment: DefragmentCounters,
    /// Work and bounds of detection.
    pub detect: kodkod_detect::Counters,
}
