//! The one run that time charts show: decisions B16 says every time chart names its run.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::buckets::Buckets;
use super::recorded::{GaugeLine, Story};
use super::value::Micros;

/// Most time slots a run is drawn with (decisions A15).
pub const SLOTS_MAX: usize = 200;

/// One run over virtual time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct ShownRun {
    /// Its phases, in order and without gaps.
    pub phases: Vec<PhaseSpan>,
    /// Length of one time slot.
    pub slot_width: Micros,
    /// What happened slot by slot, in order, at most [`SLOTS_MAX`].
    pub slots: Vec<Slot>,
    /// Latencies of the events due in each slot that became visible; a list a slot, packed in JSON.
    #[serde(default, skip_serializing_if = "Buckets::is_empty")]
    pub latencies: Buckets,
    /// The resolved fault plan, by start.
    pub faults: Vec<FaultBand>,
    /// How far wall clocks were off, by node, for those that ever were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<ClockLine>,
    /// How busy nodes were and how far readers were behind, where the run was recorded.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub gauges: Vec<GaugeLine>,
    /// What led to its failure, where the run was recorded and has one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub story: Option<Story>,
    /// Position in the sweep; filled in by the collector.
    pub index: u64,
    /// Seed of the run; filled in by the collector.
    #[serde(with = "super::value::as_text")]
    #[schemars(with = "String")]
    pub seed: u64,
    /// Why this run was chosen; filled in by the collector.
    pub why: ShownWhy,
}

/// Why a run was chosen to be shown.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, Default,
)]
#[serde(rename_all = "kebab-case")]
pub enum ShownWhy {
    /// The first run that failed.
    FirstFailing,
    /// No run failed: the one with the highest p99 of the headline series.
    #[default]
    Worst,
}

/// A phase of a run (decisions B1).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum RunPhase {
    /// Caches fill and rates settle: nothing is judged.
    Warmup,
    /// Faults fall here and only here.
    Chaos,
    /// Healed, sources go on: recovery is judged.
    Calm,
    /// Sources stopped, come to rest: loss is judged at its end.
    Drain,
}

impl RunPhase {
    /// The word of the scenario file.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Warmup => "warmup",
            Self::Chaos => "chaos",
            Self::Calm => "calm",
            Self::Drain => "drain",
        }
    }
}

/// From when to when a phase lasted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PhaseSpan {
    /// Which phase.
    pub phase: RunPhase,
    /// Its first instant.
    pub start: Micros,
    /// The first instant after it.
    pub end: Micros,
}

/// What happened in one time slot. Percentiles are of events due in the slot.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct Slot {
    /// First instant of the slot.
    pub start: Micros,
    /// Events due.
    pub offered: u64,
    /// Events acknowledged to their source.
    pub accepted: u64,
    /// Events whose processing finished, repetitions included.
    pub processed: u64,
    /// Events that became visible at their sink.
    pub visible: u64,
    /// Events acknowledged and not yet visible, at the end of the slot.
    pub backlog: u64,
    /// Median latency of events due here that became visible; `None` without such events.
    pub p50: Option<Micros>,
    /// 90th percentile of the same.
    pub p90: Option<Micros>,
    /// 99th percentile of the same.
    pub p99: Option<Micros>,
    /// Largest of the same.
    pub max: Option<Micros>,
    /// Events due here that never became visible.
    pub never: u64,
    /// Requests that clients sent again.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub retried: u64,
    /// Events that were refused or given up.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub failed: u64,
}

/// Most slots have no failures.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

/// How far a node's wall clock was ahead of true time, as far as it changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct ClockLine {
    /// The node, such as `broker.main.0`.
    pub node: String,
    /// By time; between two points it changes evenly.
    pub points: Vec<ClockPoint>,
}

/// One point of a [`ClockLine`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct ClockPoint {
    /// When, in true time.
    pub at: Micros,
    /// How far ahead, in microseconds; behind if negative.
    pub ahead: i64,
}

/// A fault as it was resolved in the shown run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct FaultBand {
    /// Its name in the plan, or empty for a drawn fault.
    pub name: String,
    /// Its kind, such as `crash`.
    pub kind: String,
    /// The target as the plan names it, such as `leader of broker.main`.
    pub target: String,
    /// What the target was when the fault began; `None` if it was not applied.
    pub resolved: Option<String>,
    /// When it began.
    pub start: Micros,
    /// When it healed.
    pub end: Micros,
    /// What it did, as a short sentence; empty if it had no effect.
    pub effect: String,
}
