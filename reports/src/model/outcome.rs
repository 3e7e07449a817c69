//! What one finished run hands to the [`Collector`](crate::Collector).

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::SamplePhase;
use super::coverage::PassedPoint;
use super::faults::FaultMet;
use super::histogram::Histograms;
use super::shown::ShownRun;
use super::value::{Micros, Quantile, Threshold, Value};

/// One scenario, one variant, one seed: judged.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct RunOutcome {
    /// Position of the seed in the sweep, from 0: unique within a sweep.
    pub index: u64,
    /// The seed.
    #[serde(with = "super::value::as_text")]
    pub seed: u64,
    /// Fingerprint of the run.
    #[serde(with = "super::value::as_text")]
    pub fingerprint: u64,
    /// Virtual length of the run.
    pub virtual_duration: Micros,
    /// One entry a check.
    pub checks: Vec<CheckRun>,
    /// One entry an SLO.
    pub slos: Vec<SloRun>,
    /// Every signature that the run showed, once: violations of checks, each of whose `check` is
    /// named in `checks`. A violated SLO is in `slos` alone, so that it does not count as a broken
    /// promise (exit 3, not 1).
    pub failures: Vec<Failure>,
    /// Points that the run reached, of those the scenario expects.
    pub points: Vec<String>,
    /// Points that the run passed, and under which faults.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub passed: Vec<PassedPoint>,
    /// Latencies of the run.
    pub histograms: Histograms,
    /// Sums over the run.
    pub totals: Totals,
    /// Time from each heal to recovery (decisions B4), [`Value::Never`] if it did not recover.
    pub recoveries: Vec<Value>,
    /// How each fault was met.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<FaultMet>,
    /// What clients did about failed requests, by part; only of parts whose clients did something.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub flow: BTreeMap<String, Flow>,
    /// What the modelled system moved and stored.
    #[serde(default)]
    pub cost: Cost,
    /// Why the whole run is unknown (a limit was reached, a planned fault had no effect), if it is.
    pub unknown: Option<String>,
    /// Remarks for the verdict line, such as retention that removed unread events.
    pub notes: Vec<String>,
    /// The run over time, from a [`Timeline`](super::timeline::Timeline); kept only if this run turns out to
    /// be the one to show.
    pub shown: Option<ShownRun>,
}

impl RunOutcome {
    /// An empty outcome of a seed, to be filled in.
    #[must_use]
    pub fn new(index: u64, seed: u64) -> Self {
        Self {
            index,
            seed,
            ..Self::default()
        }
    }

    /// The run's answer: it passes only if every check and SLO that applies passes (decisions B6).
    #[must_use]
    pub fn answer(&self) -> Answer {
        let checks = self.checks.iter().map(|check| check.answer);
        let answers = checks.chain(self.slos.iter().map(|slo| slo.answer));
        let whole = if self.failures.is_empty() {
            None
        } else {
            Some(Answer::Fail)
        };
        let cut = self.unknown.as_ref().map(|_| Answer::Unknown);
        answers
            .chain(whole)
            .chain(cut)
            .fold(Answer::NotApplicable, Answer::and)
    }
}

/// The four answers of a check (decisions B6).
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema, Default,
)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The rule does not speak about this run.
    #[default]
    NotApplicable,
    /// It held.
    Pass,
    /// It could not be judged.
    Unknown,
    /// It was violated.
    Fail,
}

impl Answer {
    /// The answer of two rules together: the worse one.
    #[must_use]
    pub fn and(self, other: Self) -> Self {
        self.max(other)
    }

    /// The word shown to a reader.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::NotApplicable => "n/a",
            Self::Pass => "pass",
            Self::Unknown => "unknown",
            Self::Fail => "fail",
        }
    }
}

/// One check's judgement of one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct CheckRun {
    /// Name of the check, such as `no-loss`.
    pub name: String,
    /// What it holds the system to, as a sentence.
    pub promise: String,
    /// Its answer.
    pub answer: Answer,
    /// Events it judged.
    pub judged: u64,
    /// Whether it had what it needs to find a violation, such as acknowledged events inside a
    /// fault interval.
    pub exercised: bool,
    /// Why it is unknown or not applicable; empty otherwise.
    pub reason: String,
}

/// One SLO's judgement of one run (decisions B5).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SloRun {
    /// The expression as the scenario wrote it, such as `end-to-end p99 <= 250ms`.
    pub expression: String,
    /// Samples it is judged on.
    pub phase: SamplePhase,
    /// Series it reads: a histogram's name, or a metric's such as `recovery`.
    pub series: String,
    /// Which percentile of the series, if it is a latency distribution.
    pub quantile: Option<Quantile>,
    /// Whether events that never came are left out of the percentile.
    pub of_delivered: bool,
    /// Its bound.
    pub threshold: Threshold,
    /// How many runs of the sweep may violate it.
    pub allow: u64,
    /// Its answer.
    pub answer: Answer,
    /// What the run showed; `None` if there was nothing to observe.
    pub observed: Option<Value>,
    /// Samples in the phase that ended visibly.
    pub delivered: u64,
    /// Samples in the phase that were owed.
    pub owed: u64,
    /// Why, where more is known than the value; empty otherwise.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub cause: String,
}

/// One violated rule in one run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Failure {
    /// Checker, anomaly, part and deciding point or fault class: no ids, seeds or times.
    pub signature: String,
    /// What went wrong, as a sentence for a person.
    pub sentence: String,
    /// Name of the check.
    pub check: String,
    /// Standard name of the violation.
    pub anomaly: String,
    /// What the run showed, a line a step.
    pub witness: Vec<String>,
    /// The resolved fault plan, a line a fault.
    pub faults: Vec<String>,
}

/// What the clients of a part did about requests that failed or could not be sent, over one run or all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct Flow {
    /// Requests sent again.
    pub retries: u64,
    /// Retries that a budget did not pay for.
    pub refused: u64,
    /// How often a circuit breaker opened.
    pub breakers: u64,
    /// Batches that found no room in the buffer, and waited or went beyond it.
    pub waited: u64,
    /// Events refused because the buffer was full.
    pub shed: u64,
    /// Events given up.
    pub given_up: u64,
}

impl Flow {
    /// Adds another run.
    pub fn merge(&mut self, other: &Self) {
        self.retries += other.retries;
        self.refused += other.refused;
        self.breakers += other.breakers;
        self.waited += other.waited;
        self.shed += other.shed;
        self.given_up += other.given_up;
    }

    /// Its counts with their names, in the order shown.
    #[must_use]
    pub fn columns(&self) -> [(&'static str, u64); 6] {
        [
            ("retries", self.retries),
            ("not paid for", self.refused),
            ("breaker openings", self.breakers),
            ("without room", self.waited),
            ("shed", self.shed),
            ("given up", self.given_up),
        ]
    }
}

/// What the modelled system moved and stored in a run: what its owner would pay for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
pub struct Cost {
    /// Packets sent.
    pub messages: u64,
    /// Bytes sent.
    pub bytes: u64,
    /// Bytes of them that left their zone.
    pub cross_zone_bytes: u64,
    /// Disk writes.
    pub disk_writes: u64,
    /// Disk syncs.
    pub disk_syncs: u64,
    /// Bytes written to disks.
    pub disk_bytes: u64,
    /// The most bytes that each disk held at once, added up.
    pub stored_bytes: u64,
    /// Nodes that ran.
    pub nodes: u64,
}

/// Sums over one run, or over all of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema, Default)]
pub struct Totals {
    /// Virtual time that rates are taken over: from the end of warm-up to the end of calm.
    pub measured: Micros,
    /// Events due.
    pub offered: u64,
    /// Events acknowledged to their source.
    pub accepted: u64,
    /// Events whose processing finished, repetitions included.
    pub processed: u64,
    /// Effects that became visible, repetitions included.
    pub visible: u64,
    /// Of these, those that did in `measured`: throughput is theirs.
    #[serde(default)]
    pub visible_measured: u64,
    /// Owed events visible at least once.
    pub delivered: u64,
    /// Of these, those that were due in `measured`: goodput is theirs.
    #[serde(default)]
    pub delivered_measured: u64,
    /// Events owed: each gives one end-to-end sample (decisions B3).
    pub owed: u64,
    /// Repeated effects.
    pub duplicates: u64,
    /// The largest backlog of a single run.
    pub backlog_max: u64,
    /// Owed events that came too late for all their windows of event time.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub late: u64,
}

/// Most scenarios have no windows, and nothing to say about late events.
#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_zero(count: &u64) -> bool {
    *count == 0
}

impl Totals {
    /// Adds another run: sums, and the larger backlog.
    pub fn merge(&mut self, other: &Self) {
        self.measured.0 += other.measured.0;
        self.offered += other.offered;
        self.accepted += other.accepted;
        self.processed += other.processed;
        self.visible += other.visible;
        self.visible_measured += other.visible_measured;
        self.delivered += other.delivered;
        self.delivered_measured += other.delivered_measured;
        self.owed += other.owed;
        self.duplicates += other.duplicates;
        self.backlog_max = self.backlog_max.max(other.backlog_max);
        self.late += other.late;
    }

    /// How many events came too late, if any did.
    #[must_use]
    pub fn late_sentence(&self) -> Option<String> {
        (self.late > 0).then(|| {
            format!(
                "{} of {} owed events came too late for all their windows",
                Value::Count(self.late),
                Value::Count(self.owed)
            )
        })
    }

    /// Effects that became visible a second while it was measured, repetitions included.
    #[must_use]
    pub fn throughput(&self) -> Option<Value> {
        per_second(self.visible_measured, self.measured)
    }

    /// Events made visible a second, each once, of those due in the time that is measured.
    #[must_use]
    pub fn goodput(&self) -> Option<Value> {
        per_second(self.delivered_measured, self.measured)
    }
}

/// `count` over `duration`; `None` over no time.
fn per_second(count: u64, duration: Micros) -> Option<Value> {
    let milli = u128::from(count) * 1_000_000_000;
    let rate = milli.checked_div(u128::from(duration.0))?;
    u64::try_from(rate).ok().map(Value::MilliPerSecond)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_leave_out_what_happened_while_nothing_was_measured() {
        let totals = Totals {
            measured: Micros::from_secs(10),
            visible: 5_000,
            visible_measured: 4_100,
            delivered: 4_900,
            delivered_measured: 4_000,
            ..Totals::default()
        };
        assert_eq!(totals.throughput(), Some(Value::MilliPerSecond(410_000)));
        assert_eq!(totals.goodput(), Some(Value::MilliPerSecond(400_000)));
    }
}
