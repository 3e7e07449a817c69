//! Purpose: everything a reader is told about one scenario, as plain data, before any rendering.
//!
//! Model: a [`Report`] holds the identity of what was run, one row a check, SLO, point and seed, the
//! failures grouped by signature, mergeable histograms, and one run drawn over time. What can be
//! derived (verdict, exit class, bounds, percentiles) is not stored but computed by
//! [`Summary`](crate::Summary).
//!
//! Limits: no wall times, hosts, paths of the machine or worker counts belong here (decisions B15).

pub mod against;
pub mod buckets;
pub mod coverage;
pub mod explained;
pub mod faults;
pub mod histogram;
pub mod known;
pub mod outcome;
pub mod recorded;
pub mod shown;
pub mod slo;
pub mod timeline;
pub mod value;

use std::collections::{BTreeMap, BTreeSet};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exit::ExitClass;
use against::Against;
use coverage::CoverageRow;
use explained::Explained;
use faults::FaultTimes;
use histogram::{Histograms, LatencyHistogram};
use known::{KnownFailure, Standing};
use outcome::{Answer, Flow, Totals};
use shown::ShownRun;
use value::{Micros, Quantile, Threshold, Value};

/// One scenario and variant over all its seeds, ready to be rendered.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Report {
    /// What was run, and how it is run again.
    pub identity: Identity,
    /// The resolved configuration, in the order of the scenario file.
    pub configuration: Vec<Setting>,
    /// The scenario file as it was read.
    pub scenario_text: String,
    /// One row a finished run, in seed-index order.
    pub seeds: Vec<SeedRow>,
    /// One row a check, in name order.
    pub checks: Vec<CheckRow>,
    /// One row an SLO, in order of expression and phase.
    pub slos: Vec<SloRow>,
    /// One group a signature, in order of first failing run.
    pub failures: Vec<FailureGroup>,
    /// One row an expected point, in name order.
    pub points: Vec<PointRow>,
    /// Points passed and the kinds of faults under which they were, by point and part.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub coverage: Vec<CoverageRow>,
    /// Latencies merged over all runs.
    pub histograms: Histograms,
    /// One sample a run that had a fault: the time from heal to recovery (decisions B4).
    pub recovery: LatencyHistogram,
    /// How faults were met, by name or kind.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub faults: BTreeMap<String, FaultTimes>,
    /// Sums over all runs.
    pub totals: Totals,
    /// What clients did about failed requests, by part, over all runs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flow: BTreeMap<String, Flow>,
    /// The run that time charts show, if one was recorded.
    pub shown: Option<ShownRun>,
    /// Remarks that belong beside the verdict, in text order and without repetition.
    pub notes: BTreeSet<String>,
    /// Why whole runs could not be judged: reason and runs.
    pub unknown_reasons: BTreeMap<String, u64>,
    /// Runs whose second execution had another fingerprint.
    pub determinism: Determinism,
    /// Bugs of the tool itself met on the way: one line each, seed and message.
    pub internal_errors: BTreeSet<String>,
    /// Metrics that became worse than the baseline: one line each.
    pub regressions: BTreeSet<String>,
    /// Figures over the baseline's own seeds, held against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Against>,
    /// Entries of the list of known failures that no run shows any more: a line each.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub stale: BTreeSet<String>,
    /// Classes that are reported but do not decide the exit code (`--warn`).
    pub warn: BTreeSet<ExitClass>,
}

/// What was run, and how it is run again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct Identity {
    /// Name of the scenario.
    pub scenario: String,
    /// Name of the variant, empty for the plain scenario.
    pub variant: String,
    /// The question that the scenario file opens with.
    pub question: String,
    /// Whether coverage decides the exit code (decisions B16).
    pub mode: Mode,
    /// Version of the tool.
    pub tool_version: String,
    /// Versions of the models in use, such as `log/1`.
    pub model_versions: Vec<String>,
    /// Name and version of the fingerprint algorithm, such as `fp/1`.
    pub fingerprint_algorithm: String,
    /// Name of the hardware and service-time profile.
    pub profile: String,
    /// Whether the profile was fitted to measurements.
    pub calibration: Calibration,
    /// What timeouts, intervals and retentions were divided by; 0 and 1 mean unscaled.
    pub time_scale: u32,
    /// The exact command that makes this report.
    pub command: String,
    /// The command that replays one seed, with `{seed}` where the seed goes.
    pub replay: String,
    /// The scenario's file, as it was given.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub file: String,
    /// The lines of it that ask for something, by check and objective.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub lines: BTreeMap<String, u32>,
    /// The exit code that the scenario states of itself: one that it has to end with is nobody's finding.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub expected_exit: u8,
    /// Series that headline numbers and the choice of the worst run use, such as `end-to-end`.
    pub headline_series: String,
    /// The series that are stages of the headline, in the order of an event's way.
    pub stage_series: Vec<String>,
}

/// Most scenarios are expected to pass.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(code: &u8) -> bool {
    *code == 0
}

impl Identity {
    /// The command that replays `seed`.
    #[must_use]
    pub fn replay_of(&self, seed: u64) -> String {
        self.replay.replace("{seed}", &seed.to_string())
    }

    /// The line that asks for a check or an objective; what no line asks for is what the scenario's parts
    /// promise, which its name stands for.
    #[must_use]
    pub fn line_of(&self, what: &str) -> u32 {
        let lines = [what, ""].into_iter().find_map(|key| self.lines.get(key));
        lines.copied().unwrap_or(1).max(1)
    }

    /// Whether figures are of a run with divided timeouts (decisions B1).
    #[must_use]
    pub fn is_scaled(&self) -> bool {
        self.time_scale > 1
    }
}

/// What the command was asked to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "lowercase")]
pub enum Mode {
    /// Look at one or more seeds: checks and SLOs decide.
    #[default]
    Run,
    /// Decide over a sweep: coverage decides as well.
    Gate,
}

/// Whether latencies may be compared with a real system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
#[serde(rename_all = "lowercase")]
pub enum Calibration {
    /// The profile is a plausible default: every latency carries the word.
    #[default]
    Uncalibrated,
    /// The profile was fitted; the text names the measurement.
    Calibrated(String),
}

/// One line of the resolved configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Setting {
    /// Path of the setting, such as `broker.main.acks`.
    pub key: String,
    /// Its value as the file would write it.
    pub value: String,
    /// Where the value came from.
    pub source: SettingSource,
}

impl Setting {
    /// A setting with its origin.
    pub fn new(key: impl Into<String>, value: impl Into<String>, source: SettingSource) -> Self {
        Self {
            key: key.into(),
            value: value.into(),
            source,
        }
    }
}

/// Where a setting's value came from.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "lowercase")]
pub enum SettingSource {
    /// Not written anywhere: the part's default.
    Default,
    /// Written in the scenario file.
    File,
    /// Overlaid by the variant or the command line.
    Variant,
}

/// One finished run in one line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SeedRow {
    /// Position of the seed in the sweep: what "first" means.
    pub index: u64,
    /// The seed.
    #[serde(with = "value::as_text")]
    pub seed: u64,
    /// Fingerprint of the run.
    #[serde(with = "value::as_text")]
    pub fingerprint: u64,
    /// The run's judgement.
    pub answer: Answer,
    /// Virtual length of the run.
    pub virtual_duration: Micros,
    /// p99 of the headline series over the whole run.
    pub headline_p99: Option<Value>,
}

/// One check over all runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckRow {
    /// Name of the check, such as `no-loss`.
    pub name: String,
    /// What it holds the system to, as a sentence.
    pub promise: String,
    /// Runs by answer.
    pub answers: AnswerCounts,
    /// Events judged, summed over runs.
    pub judged: u64,
    /// Runs where the check applied and had something to judge.
    pub exercised: u64,
    /// Why runs were unknown or not applicable: reason and runs.
    pub reasons: BTreeMap<String, u64>,
}

/// Runs by the four answers of decisions B6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct AnswerCounts {
    /// Runs that held.
    pub pass: u64,
    /// Runs that were violated.
    pub fail: u64,
    /// Runs that could not be judged.
    pub unknown: u64,
    /// Runs that the rule does not speak about.
    pub not_applicable: u64,
}

impl AnswerCounts {
    /// Counts one more run.
    pub fn count(&mut self, answer: Answer) {
        match answer {
            Answer::Pass => self.pass += 1,
            Answer::Fail => self.fail += 1,
            Answer::Unknown => self.unknown += 1,
            Answer::NotApplicable => self.not_applicable += 1,
        }
    }

    /// Adds the counts of other runs.
    pub fn merge(&mut self, other: Self) {
        self.pass += other.pass;
        self.fail += other.fail;
        self.unknown += other.unknown;
        self.not_applicable += other.not_applicable;
    }

    /// All runs, whatever the answer.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.pass + self.fail + self.unknown + self.not_applicable
    }
}

/// One SLO over all runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SloRow {
    /// The expression as the scenario wrote it, such as `end-to-end p99 <= 250ms`.
    pub expression: String,
    /// Samples it is judged on.
    pub phase: SamplePhase,
    /// Series it reads: a histogram's name, or a metric's.
    pub series: String,
    /// Which percentile of the series, if it is a latency distribution.
    pub quantile: Option<Quantile>,
    /// Whether events that never came are left out of the percentile.
    pub of_delivered: bool,
    /// Its bound.
    pub threshold: Threshold,
    /// How many runs may violate it.
    pub allow: u64,
    /// Runs by answer.
    pub answers: AnswerCounts,
    /// The worst observed value of a single run, and that run.
    pub worst: Option<WorstRun>,
    /// The best observed value of a single run.
    pub best: Option<Value>,
    /// The percentile over the samples of all runs that it applies to, if it is on a percentile.
    pub pooled: Option<Value>,
    /// Between what values `pooled` lies with 95 %, over seeds; none of fewer than 20 runs.
    pub interval: Option<Interval>,
    /// Samples in this phase that ended visibly, summed over runs.
    pub delivered: u64,
    /// Samples in this phase that were owed, summed over runs.
    pub owed: u64,
}

/// A 95 % interval of a figure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Interval {
    /// Its lower end.
    pub low: Value,
    /// Its upper end.
    pub high: Value,
}

/// The run with the worst value of an SLO.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct WorstRun {
    /// Its position in the sweep.
    pub index: u64,
    /// Its seed.
    #[serde(with = "value::as_text")]
    pub seed: u64,
    /// What it showed.
    pub value: Value,
    /// Why, where more is known than the value; empty otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
}

/// Which samples a figure is about: a sample belongs to the phase of its due time (decisions B2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum SamplePhase {
    /// After warm-up, no fault active, nothing recovering.
    Steady,
    /// The union of active fault intervals.
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

impl std::fmt::Display for SamplePhase {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Steady => f.write_str("steady"),
            Self::DuringFaults => f.write_str("during faults"),
            Self::During(name) => write!(f, "during {name}"),
            Self::Recovery => f.write_str("recovery"),
            Self::Calm => f.write_str("calm"),
            Self::Drain => f.write_str("drain"),
            Self::All => f.write_str("all"),
        }
    }
}

/// Failures with one signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureGroup {
    /// Checker, anomaly, part and deciding point or fault class: no ids, seeds or times.
    pub signature: String,
    /// What went wrong, as a sentence for a person.
    pub sentence: String,
    /// Name of the check.
    pub check: String,
    /// Standard name of the violation.
    pub anomaly: String,
    /// Runs that showed it.
    pub runs: u64,
    /// Position of the first such run.
    pub first_index: u64,
    /// Seed of the first such run.
    #[serde(with = "value::as_text")]
    pub first_seed: u64,
    /// What that run showed, a line a step.
    pub witness: Vec<String>,
    /// The resolved fault plan of that run, a line a fault.
    pub faults: Vec<String>,
    /// Why it failed, if that was asked and could be found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explained: Option<Explained>,
    /// The signature of the group whose explanation holds for this one too, because both are cut down to one
    /// schedule.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// The signature of the group that everything which may mend it mends this one too: they have one cause.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_cause: Option<String>,
    /// Whether it was known before.
    #[serde(default, skip_serializing_if = "Standing::is_unasked")]
    pub standing: Standing,
}

/// A place that the sweep is expected to reach.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PointRow {
    /// Name of the point.
    pub name: String,
    /// Runs that reached it.
    pub reached: u64,
    /// The share of runs that must reach it, in parts per million (default 10 000: 1 %).
    pub min_share_ppm: u32,
    /// The number of runs that must reach it (default 3).
    pub min_runs: u64,
}

/// What running seeds twice showed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct Determinism {
    /// Runs executed twice.
    pub checked: u64,
    /// One line a differing run: the seed and the first step that differs.
    pub differing: BTreeSet<String>,
}

impl Report {
    /// Takes in what became of the baseline's figures.
    pub fn hold_against(&mut self, baseline: Option<Against>) {
        let regressions = baseline.iter().flat_map(Against::regressions);
        self.regressions.extend(regressions);
        self.baseline = baseline;
    }

    /// Marks the failures that are on the list as known and the others as new, and notes what is on it and was
    /// not seen.
    pub fn hold_known(&mut self, known: &[KnownFailure]) {
        for group in &mut self.failures {
            let entry = known
                .iter()
                .find(|known| known.signature == group.signature);
            group.standing = entry.map_or(Standing::New, KnownFailure::standing);
        }
        for entry in known {
            let in_sweep = self
                .failures
                .iter()
                .any(|group| group.signature == entry.signature);
            if !in_sweep && !entry.is_seen {
                self.stale.insert(entry.complaint());
            }
        }
    }

    /// Says of every failure that is not known in how many of `seeds` seeds the base build of the change has it too.
    pub fn hold_at_base(&mut self, signatures: &BTreeMap<String, u64>, seeds: u64) {
        for group in self.failures.iter_mut() {
            if !group.standing.is_known() {
                let showing = signatures.get(&group.signature).copied().unwrap_or(0);
                group.standing = Standing::AtBase { showing, of: seeds };
            }
        }
    }

    /// Virtual time of all runs together.
    #[must_use]
    pub fn virtual_duration(&self) -> Micros {
        Micros(self.seeds.iter().map(|seed| seed.virtual_duration.0).sum())
    }

    /// One number over all fingerprints in seed order: equal exactly when all runs are, up to the
    /// collisions of a 64-bit hash. (FNV-1a over index and fingerprint, little-endian.)
    #[must_use]
    pub fn combined_fingerprint(&self) -> u64 {
        let bytes = self.seeds.iter().flat_map(|row| {
            row.index
                .to_le_bytes()
                .into_iter()
                .chain(row.fingerprint.to_le_bytes())
        });
        bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        })
    }
}
