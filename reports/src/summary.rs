//! Every figure that a reader is shown, derived once from a [`Report`](crate::Report).
//!
//! Renderers format a summary and compute nothing, so the console, `summary.json`, the JUnit file,
//! the Markdown page and the HTML report cannot disagree. Serialised, it is `summary.json`.

mod coverage;
mod derive;
mod faults;
mod spread;

pub use coverage::CoverageSummary;
pub use faults::FaultSummary;
pub use spread::{DistributionSummary, RangeSummary, SeedSummary, SpreadSummary};

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::exit::Verdict;
use crate::model::against::Against;
use crate::model::buckets::Buckets;
use crate::model::explained::Explained;
use crate::model::known::Standing;
use crate::model::outcome::{Answer, Flow, Totals};
use crate::model::shown::ShownRun;
use crate::model::value::{Micros, Quantile, Threshold, Value, as_text, counted, three_digits};
use crate::model::{AnswerCounts, Determinism, Identity, Interval, SamplePhase, Setting};
use crate::stats::Share;

/// Name and version of the JSON schema. The number grows when a field changes its meaning or goes
/// away; a new field leaves it.
pub const SCHEMA: &str = "stormglass.summary/1";

/// All figures of one report.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Summary {
    /// [`SCHEMA`].
    pub schema: String,
    /// The answer in one word.
    pub verdict: Verdict,
    /// The exit code and why.
    pub exit: Exit,
    /// What was run.
    pub identity: Identity,
    /// Combined fingerprint of all runs, as 16 hexadecimal digits.
    pub fingerprint: String,
    /// Virtual time of all runs together.
    pub virtual_duration: Micros,
    /// Runs by answer.
    pub seeds: AnswerCounts,
    /// What running seeds twice showed.
    pub determinism: Determinism,
    /// Checks: failing first, then unknown, passing, not applicable; then by name.
    pub checks: Vec<CheckSummary>,
    /// SLOs in the same order.
    pub slos: Vec<SloSummary>,
    /// Failures by signature, first failing run first.
    pub failures: Vec<FailureSummary>,
    /// Points that the sweep was expected to reach.
    pub points: Vec<PointSummary>,
    /// Points passed and the kinds of faults under which they were; `None` where no point was passed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub coverage: Option<CoverageSummary>,
    /// One row a series and phase.
    pub latencies: Vec<LatencySummary>,
    /// The headline's distributions, whose buckets stand in the next field in the same order.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub distributions: Vec<DistributionSummary>,
    /// The buckets of each distribution: as JSON one text, base64 of deflated numbers (docs/reports.md).
    #[serde(default, skip_serializing_if = "Buckets::is_empty")]
    pub buckets: Buckets,
    /// The headline's samples by the bounds of its objectives; none where there are none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ranges: Vec<RangeSummary>,
    /// How the seeds' p99 of the headline spread; `None` of fewer than two seeds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spread: Option<SpreadSummary>,
    /// Where the headline's time went: one row a phase and stage, in the order of an event's way.
    pub stages: Vec<StageSummary>,
    /// Time from heal to recovery over all runs, if there was a fault.
    pub recovery: Option<LatencySummary>,
    /// How faults were met: one row a name or kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultSummary>,
    /// Sums over all runs.
    pub totals: Totals,
    /// What clients did about failed requests, by part, over all runs.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flow: BTreeMap<String, Flow>,
    /// Visible effects a second of virtual time.
    pub throughput: Option<Value>,
    /// Owed events made visible a second of virtual time.
    pub goodput: Option<Value>,
    /// How much the checks that hold exclude, as a sentence; `None` if no check held.
    pub absence: Option<String>,
    /// What a passing verdict does not speak about, a line each.
    pub not_covered: Vec<String>,
    /// Remarks that belong beside the verdict.
    pub notes: Vec<String>,
    /// Figures over the baseline's own seeds, held against it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Against>,
    /// Metrics worse than the baseline.
    pub regressions: Vec<String>,
    /// Entries of the list of known failures that no run shows any more.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub stale: Vec<String>,
    /// Bugs of the tool met on the way.
    pub internal_errors: Vec<String>,
    /// The resolved configuration.
    pub configuration: Vec<Setting>,
    /// The run that time charts show.
    pub shown: Option<ShownRun>,
}

/// How the process ends.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Exit {
    /// The exit code.
    pub code: u8,
    /// The word of the class that decides.
    pub class: String,
    /// Other classes that apply and have less precedence.
    pub also: Vec<String>,
    /// Classes that apply and were demoted by `--warn`.
    pub warned: Vec<String>,
}

/// One check, judged over all runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct CheckSummary {
    /// Name of the check.
    pub name: String,
    /// What it holds the system to.
    pub promise: String,
    /// The answer over all runs.
    pub answer: Answer,
    /// Runs by answer.
    pub answers: AnswerCounts,
    /// Events judged.
    pub judged: u64,
    /// Runs where it applied and had something to judge.
    pub exercised: u64,
    /// Share of exercised runs that violate it.
    pub violated: Share,
    /// If no run violates it: the share of runs that this excludes at 95 %, in parts per million.
    pub absence_bound_ppm: Option<u64>,
    /// Whether all of its failures were known before.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_known: bool,
    /// `violated 12/2,000 …` or `0 of 1,874 judged, < 0.16 %`.
    pub observed: String,
    /// Why runs were unknown or not applicable.
    pub reasons: BTreeMap<String, u64>,
}

/// One SLO, judged over all runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SloSummary {
    /// The expression as the scenario wrote it.
    pub expression: String,
    /// Samples it is judged on.
    pub phase: SamplePhase,
    /// Series it reads.
    pub series: String,
    /// Which percentile, if it is one.
    pub quantile: Option<Quantile>,
    /// Its bound.
    pub threshold: Threshold,
    /// The percentile over the samples of all runs; `None` for other metrics or without samples.
    pub pooled: Option<Value>,
    /// Between what values `pooled` lies with 95 %, by resampling seeds; none of fewer than 20.
    pub interval: Option<Interval>,
    /// The answer over all runs.
    pub answer: Answer,
    /// Runs by answer.
    pub answers: AnswerCounts,
    /// How many runs may violate it.
    pub allow: u64,
    /// The worst value of a single run: what decides.
    pub worst: Option<WorstSummary>,
    /// The best value of a single run.
    pub best: Option<Value>,
    /// Distance of the worst value to the bound in thousandths of the bound.
    pub margin_permille: Option<i64>,
    /// Samples that ended visibly.
    pub delivered: u64,
    /// Samples owed.
    pub owed: u64,
}

/// The run that decides an SLO.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct WorstSummary {
    /// Its seed.
    #[serde(with = "as_text")]
    #[schemars(with = "String")]
    pub seed: u64,
    /// What it showed.
    pub value: Value,
    /// The command that replays it.
    pub replay: String,
    /// Why, where more is known than the value; empty otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
}

/// Failures with one signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct FailureSummary {
    /// The signature.
    pub signature: String,
    /// What went wrong.
    pub sentence: String,
    /// Name of the check.
    pub check: String,
    /// What the check holds the system to.
    pub promise: String,
    /// Standard name of the violation.
    pub anomaly: String,
    /// Share of runs that showed it.
    pub share: Share,
    /// Seed of the first such run.
    #[serde(with = "as_text")]
    #[schemars(with = "String")]
    pub first_seed: u64,
    /// What that run showed.
    pub witness: Vec<String>,
    /// Its resolved fault plan.
    pub faults: Vec<String>,
    /// The command that replays it.
    pub replay: String,
    /// Why it failed, if that was asked and could be found out.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub explained: Option<Explained>,
    /// The signature of the group whose explanation holds for this one too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_as: Option<String>,
    /// The signature of the group with which this one has its cause in common: what may mend that mends this too.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub same_cause: Option<String>,
    /// Whether it was known before.
    #[serde(default, skip_serializing_if = "Standing::is_unasked")]
    pub standing: Standing,
}

/// A point and whether enough runs reached it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct PointSummary {
    /// Name of the point.
    pub name: String,
    /// Runs that reached it.
    pub reached: u64,
    /// Runs that had to.
    pub required: u64,
    /// Required share in parts per million.
    pub min_share_ppm: u32,
    /// Whether enough did.
    pub is_covered: bool,
}

/// A stage's part of the headline's latency.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct StageSummary {
    /// The stage.
    pub stage: String,
    /// Samples it is about.
    pub phase: SamplePhase,
    /// Its part of all the time that delivered events took, parts per million.
    pub share_ppm: u64,
    /// Its part of the mean latency of a delivered event.
    pub mean: Value,
    /// Median over the events that have the stage.
    pub p50: Option<Value>,
    /// 99th percentile over the same.
    pub p99: Option<Value>,
}

/// Percentiles of one distribution.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct LatencySummary {
    /// Name of the series.
    pub series: String,
    /// Samples it is about.
    pub phase: SamplePhase,
    /// Samples, those that never ended included: what was owed.
    pub owed: u64,
    /// Samples that ended.
    pub delivered: u64,
    /// Median.
    pub p50: Option<Value>,
    /// 90th percentile.
    pub p90: Option<Value>,
    /// 99th percentile.
    pub p99: Option<Value>,
    /// 99.9th percentile.
    pub p99_9: Option<Value>,
    /// 99.99th percentile.
    pub p99_99: Option<Value>,
    /// Largest sample.
    pub max: Option<Value>,
}

/// `value`, or a dash where there is none.
#[must_use]
pub fn shown_or_dash(value: Option<Value>) -> String {
    value.map_or_else(|| "–".to_owned(), |value| value.to_string())
}

/// `1 seed`, `2 seeds`.
#[must_use]
pub fn seeds_text(count: u64) -> String {
    counted(count, "seed")
}

impl SloSummary {
    /// Distance of the worst value to the bound, such as `+12.5 %`; `−∞` for an event that never
    /// came, a dash where there is none.
    #[must_use]
    pub fn margin(&self) -> String {
        if self
            .worst
            .as_ref()
            .is_some_and(|run| run.value == Value::Never)
        {
            return "−∞".to_owned();
        }
        let Some(margin) = self.margin_permille else {
            return "–".to_owned();
        };
        let sign = if margin < 0 { '−' } else { '+' };
        let percent = three_digits(u128::from(margin.unsigned_abs()), 10);
        format!("{sign}{percent} %")
    }

    /// The percentile over all seeds with its interval: `212 ms (95 %: 208 ms to 219 ms)`.
    #[must_use]
    pub fn pooled_text(&self) -> Option<String> {
        let pooled = self.pooled?;
        Some(match self.interval {
            Some(Interval { low, high }) => format!("{pooled} (95 %: {low} to {high})"),
            None => pooled.to_string(),
        })
    }

    /// Whether the worst value lies on the bad side of the bound, allowed or not.
    #[must_use]
    pub fn is_beyond(&self) -> bool {
        self.worst
            .as_ref()
            .is_some_and(|run| !self.threshold.holds(run.value))
    }
}

impl Summary {
    /// `uncalibrated`, or what the profile was fitted to: stands beside every latency.
    #[must_use]
    pub fn stamp(&self) -> String {
        use crate::model::Calibration::{Calibrated, Uncalibrated};
        let calibration = match &self.identity.calibration {
            Uncalibrated => "uncalibrated".to_owned(),
            Calibrated(measurement) => format!("calibrated: {measurement}"),
        };
        if self.identity.is_scaled() {
            return format!(
                "{calibration}, timeouts divided by {}",
                self.identity.time_scale
            );
        }
        calibration
    }

    /// Scenario and variant in one string.
    #[must_use]
    pub fn title(&self) -> String {
        if self.identity.variant.is_empty() {
            return self.identity.scenario.clone();
        }
        format!("{} · {}", self.identity.scenario, self.identity.variant)
    }

    /// The last line of the console: verdict and the classes behind it.
    #[must_use]
    pub fn verdict_line(&self) -> String {
        let mut line = self.verdict.word().to_owned();
        if self.exit.code != 0 {
            let mut because = vec![self.exit.class.clone()];
            because.extend(self.exit.also.iter().cloned());
            line.push_str(&format!(" ({})", because.join(", ")));
        }
        if !self.exit.warned.is_empty() {
            line.push_str(&format!(" · warned only: {}", self.exit.warned.join(", ")));
        }
        line
    }

    /// `delivered / owed` of the headline series, as `1,234 / 1,240`.
    #[must_use]
    pub fn delivered_text(delivered: u64, owed: u64) -> String {
        format!("{} / {}", Value::Count(delivered), Value::Count(owed))
    }
}

impl LatencySummary {
    /// The percentiles with their names, in the order of a table.
    #[must_use]
    pub fn columns(&self) -> [(&'static str, Option<Value>); 6] {
        [
            ("p50", self.p50),
            ("p90", self.p90),
            ("p99", self.p99),
            ("p99.9", self.p99_9),
            ("p99.99", self.p99_99),
            ("max", self.max),
        ]
    }
}
