//! What a sensor is told once.

use kodkod_inspect::Limits;
use kodkod_stream::{DefragmentLimits, FlowLimits, ReassemblyLimits};

/// What to do about checksums.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Checksums {
    /// A packet with a wrong checksum is counted and looked at no further: its receiver drops it too.
    Verify,
    /// Believe every packet. Captures made on the sender have checksums that the card had yet to write.
    #[default]
    Ignore,
}

/// Which facts beside alerts are wanted of a tag. What is not wanted is not made.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FactKinds {
    /// Flow records.
    pub flows: bool,
    /// DNS exchanges.
    pub dns: bool,
}

/// Bounds and modes of one sensor.
#[derive(Clone, Copy, Debug)]
pub struct SensorConfig {
    /// What to do about checksums.
    pub checksums: Checksums,
    /// Whether alerts explain themselves; costs a second evaluation of each rule that fired.
    pub explain: bool,
    /// Bounds of the flow table.
    pub flows: FlowLimits,
    /// Bounds of TCP reassembly.
    pub reassembly: ReassemblyLimits,
    /// Bounds of IP defragmentation.
    pub defragment: DefragmentLimits,
    /// Bounds of one conversation.
    pub inspect: Limits,
    /// Packet time between looks for flows that have gone quiet or timed out.
    pub look_ns: u64,
    /// A flow that has been silent so long hands out what its inspector holds.
    pub idle_ns: u64,
}

impl Default for SensorConfig {
    fn default() -> Self {
        Self {
            checksums: Checksums::default(),
            explain: false,
            flows: FlowLimits::default(),
            reassembly: ReassemblyLimits::default(),
            defragment: DefragmentLimits::default(),
            inspect: Limits::default(),
            look_ns: 250_000_000,
            idle_ns: 2_000_000_000,
        }
    }
}

/// What a flow is taken to cost on average: its slot, its inspector and what that holds. An estimate, not measured.
const FLOW_BYTES: usize = 2048;

impl SensorConfig {
    /// Bounds for so much memory in all: a quarter for bytes that wait for others, the rest for flows.
    #[must_use]
    pub fn with_memory(memory_bytes: usize) -> Self {
        let mut config = Self::default();
        config.reassembly.memory_bytes = memory_bytes / 4;
        config.defragment.memory_bytes = (memory_bytes / 32).min(config.defragment.memory_bytes);
        let flows_max = (memory_bytes / 4).saturating_mul(3) / FLOW_BYTES;
        config.flows.flows_max = flows_max.max(1024);
        config
    }
}
