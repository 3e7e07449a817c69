//! How long things took and how many there were, from the same facts that the checks see.
//!
//! A run's [`Recorder`] folds samples into counted lists of short stretches of due time (A15);
//! [`Recorder::finish`] knows all fault intervals and recoveries, puts each stretch into its phases (B2) and
//! answers with histograms in whole microseconds to three digits. Histograms of many runs merge without loss.

mod by_phase;
mod by_slot;
mod counted;
mod finish;
mod flow;
mod latency;
mod reaction;
mod recorder;
mod recovery;
mod sights;
mod slots;
mod stages;
mod stretches;
mod tally;
#[cfg(test)]
mod tests;
mod under_way;
mod windows;

pub use by_phase::{PhaseCounts, PhaseMap};
pub use by_slot::SlotLatencies;
pub use flow::FlowCounts;
pub use latency::{Latencies, Latency};
pub use reaction::{FaultTimes, Reaction};
pub use recorder::Recorder;
pub use recovery::{Baseline, Episode, Metastable};
pub use stages::Stage;

use crate::id::PartId;
use crate::time::{Span, Time};
use serde::Serialize;
use std::collections::BTreeMap;
use std::fmt;

/// Time slots of a run at most (A15).
pub const SLOTS_MAX: u64 = 200;

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Series {
    /// From when an event was due to its last required effect; without a sink, to its acknowledgement.
    EndToEnd,
    /// From when an event was due to its acknowledgement.
    Publish,
    /// From when a request with an event was first sent to its last required effect: what benchmarks report
    /// that leave out how long an event waited to be sent (coordinated omission).
    EndToEndFromSend,
    /// The same to its acknowledgement.
    PublishFromSend,
    /// A part of the end-to-end latency.
    Stage(Stage),
}

impl Series {
    /// All of them.
    pub const ALL: [Series; 13] = [
        Series::EndToEnd,
        Series::Publish,
        Series::EndToEndFromSend,
        Series::PublishFromSend,
        Series::Stage(Stage::Produce),
        Series::Stage(Stage::Send),
        Series::Stage(Stage::Append),
        Series::Stage(Stage::Replicate),
        Series::Stage(Stage::Fetch),
        Series::Stage(Stage::Window),
        Series::Stage(Stage::Process),
        Series::Stage(Stage::Sink),
        Series::Stage(Stage::Answer),
    ];

    /// Its place in [`Series::ALL`].
    const fn index(self) -> usize {
        match self {
            Series::EndToEnd => 0,
            Series::Publish => 1,
            Series::EndToEndFromSend => 2,
            Series::PublishFromSend => 3,
            Series::Stage(stage) => 4 + stage as usize,
        }
    }

    /// Its name in reports and objectives.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Series::EndToEnd => "end-to-end",
            Series::Publish => "publish",
            Series::EndToEndFromSend => "end-to-end-from-send",
            Series::PublishFromSend => "publish-from-send",
            Series::Stage(stage) => stage.name(),
        }
    }
}

impl fmt::Display for Series {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Which samples a figure is about, by due time. A sample may belong to several.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Before the measurement.
    Warmup,
    /// After warm-up, no fault active, nothing recovering.
    Steady,
    /// While any fault was active.
    DuringFaults,
    /// While the planned fault of this name was active.
    During(String),
    /// From a heal until recovery.
    Recovery,
    /// While everything was healed and the sources went on.
    Calm,
    /// After the sources have stopped: nothing is due, but what is left may still wait.
    Drain,
    /// Everything after warm-up.
    All,
}

/// When the phases of a run begin, in true time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Phases {
    /// The end of warm-up.
    pub chaos: Time,
    /// Everything is healed.
    pub calm: Time,
    /// The sources have stopped.
    pub drain: Time,
    /// The end of the run, as planned.
    pub end: Time,
}

impl Phases {
    /// The width of a time slot: whole milliseconds, so that at most `SLOTS_MAX` cover the run.
    #[must_use]
    pub const fn slot_width(&self) -> Span {
        let millis = self.end.0.div_ceil(SLOTS_MAX * 1_000_000);
        Span::millis(if millis == 0 { 1 } else { millis })
    }
}

/// One stretch of a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Slot {
    /// Events due in it.
    pub offered: u64,
    /// Events acknowledged in it.
    pub acknowledged: u64,
    /// Events whose last required effect became visible in it.
    pub visible: u64,
    /// At its end: acknowledged events that were not done.
    pub backlog: u64,
    /// End-to-end latency of the events due in it, in microseconds, `u64::MAX` for never; none without.
    pub p50: Option<u64>,
    /// The 90th percentile of the same.
    pub p90: Option<u64>,
    /// The 99th percentile of the same.
    pub p99: Option<u64>,
    /// The longest of the same.
    pub max: Option<u64>,
    /// Events due in it that never came.
    pub never: u64,
    /// Rows that became visible in it, repetitions included.
    pub effects: u64,
    /// Requests that clients sent again in it.
    pub retried: u64,
    /// Events that were refused or given up in it.
    pub failed: u64,
}

/// Sums over a run, from the end of warm-up to the end of `calm` where a rate is meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Totals {
    /// The time over which rates are taken.
    pub measured: Span,
    /// Events due.
    pub offered: u64,
    /// Events acknowledged to their source, each once.
    pub acknowledged: u64,
    /// Rows that became visible, repetitions included.
    pub effects: u64,
    /// Of these, those that did between warm-up and drain: throughput is this over `measured`.
    pub effects_measured: u64,
    /// Events that were too late for all their windows and have no effect.
    pub late: u64,
    /// Rows of an event that its processor had written before.
    pub repeated: u64,
    /// Owed events with all required effects, each once.
    pub delivered: u64,
    /// Events owed an effect: offered, less those filtered rightly.
    pub owed: u64,
    /// Of those due between warm-up and drain, how many were delivered: goodput is this over `measured`.
    pub delivered_measured: u64,
    /// Of those due between warm-up and drain, how many were owed.
    pub owed_measured: u64,
    /// The largest backlog.
    pub backlog_max: u64,
}

/// What was measured of one run.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Metrics {
    /// Latencies by series and phase.
    #[serde(skip)]
    pub latencies: Latencies,
    /// The run over time.
    pub slots: Vec<Slot>,
    /// End-to-end latencies of the events due in each slot.
    #[serde(skip)]
    pub slot_latencies: SlotLatencies,
    /// The width of a slot.
    pub slot_width: Span,
    /// Faults that were healed, and how long recovery took.
    pub episodes: Vec<Episode>,
    /// How each fault was met that began, where it is known what is normal.
    pub fault_times: Vec<FaultTimes>,
    /// What the clients of each part did about requests that failed or could not be sent; only of those that
    /// did something.
    pub flow: BTreeMap<PartId, FlowCounts>,
    /// Sums.
    pub totals: Totals,
    /// The largest backlog and the losses of each phase that occurred.
    #[serde(skip)]
    pub by_phase: BTreeMap<Phase, PhaseCounts>,
    /// Which phases an instant belongs to.
    #[serde(skip)]
    pub phases: PhaseMap,
    /// The run by windows, against which another run of the same seed may be held.
    #[serde(skip)]
    pub baseline: Baseline,
}
