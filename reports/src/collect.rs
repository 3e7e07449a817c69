//! Folds outcomes of runs into one report, in any order and from any number of workers.
//!
//! Model: sums, maxima, ordered maps and "the one with the smallest index" are the only operations,
//! so adding and merging are commutative and associative: shards merge to the same bytes as an
//! unsharded run (decisions B15).
//!
//! Limits: per-run histograms are not kept, only their sum, but for those that an SLO names, packed; of
//! drawn runs only the one to show is.

mod fold;
mod resample;
mod shown;

use std::collections::{BTreeMap, BTreeSet};

use crate::exit::ExitClass;
use crate::model::coverage::Cells;
use crate::model::faults::FaultTimes;
use crate::model::histogram::{Histograms, LatencyHistogram};
use crate::model::outcome::{Flow, RunOutcome, Totals};
use crate::model::shown::ShownRun;
use crate::model::value::Quantile;
use crate::model::{
    CheckRow, Determinism, FailureGroup, Identity, PointRow, Report, SamplePhase, SeedRow, Setting,
    SloRow,
};
use fold::{group_of, pooled};
use resample::BySeed;
use shown::{Candidate, rank_of};

/// Gathers the outcomes of one scenario and variant.
#[derive(Debug, Clone, Default)]
pub struct Collector {
    headline_series: String,
    seeds: BTreeMap<u64, SeedRow>,
    checks: BTreeMap<String, CheckRow>,
    slos: BTreeMap<(String, SamplePhase), SloRow>,
    failures: BTreeMap<String, FailureGroup>,
    points: BTreeMap<String, PointRow>,
    cells: Cells,
    histograms: Histograms,
    /// What SLOs name, by series and phase.
    by_seed: BTreeMap<(String, SamplePhase), BySeed>,
    recovery: LatencyHistogram,
    faults: BTreeMap<String, FaultTimes>,
    totals: Totals,
    flow: BTreeMap<String, Flow>,
    shown: Option<Candidate>,
    notes: BTreeSet<String>,
    unknown_reasons: BTreeMap<String, u64>,
    determinism: Determinism,
    internal_errors: BTreeSet<String>,
    regressions: BTreeSet<String>,
}

impl Collector {
    /// An empty collector; `headline_series` names the latency that the worst run is chosen by.
    #[must_use]
    pub fn new(headline_series: impl Into<String>) -> Self {
        Self {
            headline_series: headline_series.into(),
            ..Self::default()
        }
    }

    /// Declares a point that the sweep must reach: a point that no run reaches has a row only
    /// because of this. `min_share_ppm` is 10 000 (1 %) and `min_runs` 3 by default (decisions B8).
    pub fn expect_point(&mut self, name: impl Into<String>, min_share_ppm: u32, min_runs: u64) {
        let name = name.into();
        let row = PointRow {
            name: name.clone(),
            reached: 0,
            min_share_ppm,
            min_runs,
        };
        self.points.entry(name).or_insert(row);
    }

    /// Adds one finished run.
    ///
    /// # Panics
    /// If the same index was added before: it would count twice.
    pub fn add(&mut self, outcome: RunOutcome) {
        let answer = outcome.answer();
        let headline = outcome
            .histograms
            .get(&self.headline_series, &SamplePhase::All);
        let headline_p99 = headline.and_then(|histogram| histogram.percentile(Quantile::P99));
        let row = SeedRow {
            index: outcome.index,
            seed: outcome.seed,
            fingerprint: outcome.fingerprint,
            answer,
            virtual_duration: outcome.virtual_duration,
            headline_p99,
        };
        for check in &outcome.checks {
            self.add_check(check);
        }
        for slo in &outcome.slos {
            self.add_slo(slo, &row);
        }
        self.keep_seed(&outcome);
        for failure in &outcome.failures {
            let group = group_of(failure, &row);
            self.add_failure(group);
        }
        let reached: BTreeSet<_> = outcome.points.iter().collect();
        for name in reached {
            self.expect_point(name.clone(), 0, 0);
            let point = self
                .points
                .get_mut(name)
                .expect("expected on the line above");
            point.reached += 1;
        }
        self.cells.add(outcome.passed);
        for recovery in &outcome.recoveries {
            match recovery.number() {
                Some(micros) => self.recovery.record(micros),
                None => self.recovery.record_never(1),
            }
        }
        for met in &outcome.faults {
            self.faults.entry(met.fault.clone()).or_default().add(met);
        }
        self.histograms.merge(&outcome.histograms);
        self.totals.merge(&outcome.totals);
        for (part, flow) in &outcome.flow {
            self.flow.entry(part.clone()).or_default().merge(flow);
        }
        self.notes.extend(outcome.notes);
        if let Some(reason) = outcome.unknown {
            *self.unknown_reasons.entry(reason).or_default() += 1;
        }
        if let Some(run) = outcome.shown {
            self.offer_shown(run, &row);
        }
        let previous = self.seeds.insert(row.index, row);
        assert!(previous.is_none(), "run {} was added twice", outcome.index);
    }

    /// Adds what another worker or shard gathered.
    ///
    /// # Panics
    /// If both hold a run of the same index.
    pub fn merge(&mut self, other: Self) {
        assert_eq!(
            self.headline_series, other.headline_series,
            "collectors of one scenario"
        );
        for (index, row) in other.seeds {
            let previous = self.seeds.insert(index, row);
            assert!(previous.is_none(), "run {index} is in both");
        }
        for (_, row) in other.checks {
            self.merge_check(row);
        }
        for (_, row) in other.slos {
            self.merge_slo(row);
        }
        for (_, group) in other.failures {
            self.add_failure(group);
        }
        for (name, row) in other.points {
            let point = self.points.entry(name).or_insert(PointRow {
                reached: 0,
                ..row.clone()
            });
            point.reached += row.reached;
            point.min_share_ppm = point.min_share_ppm.max(row.min_share_ppm);
            point.min_runs = point.min_runs.max(row.min_runs);
        }
        self.cells.merge(other.cells);
        for (key, by_seed) in other.by_seed {
            self.by_seed.entry(key).or_default().merge(&by_seed);
        }
        self.histograms.merge(&other.histograms);
        self.recovery.merge(&other.recovery);
        for (fault, times) in &other.faults {
            self.faults.entry(fault.clone()).or_default().merge(times);
        }
        self.totals.merge(&other.totals);
        for (part, flow) in &other.flow {
            self.flow.entry(part.clone()).or_default().merge(flow);
        }
        if let Some(candidate) = other.shown {
            self.keep_better(candidate);
        }
        self.notes.extend(other.notes);
        for (reason, runs) in other.unknown_reasons {
            *self.unknown_reasons.entry(reason).or_default() += runs;
        }
        self.determinism.checked += other.determinism.checked;
        self.determinism
            .differing
            .extend(other.determinism.differing);
        self.internal_errors.extend(other.internal_errors);
        self.regressions.extend(other.regressions);
    }

    /// Counts one seed that was executed twice, and the first difference if there was one.
    pub fn add_determinism(&mut self, difference: Option<String>) {
        self.determinism.checked += 1;
        self.determinism.differing.extend(difference);
    }

    /// Notes a bug of the tool met while running `seed`.
    pub fn add_internal_error(&mut self, seed: u64, message: &str) {
        self.internal_errors
            .insert(format!("seed {seed}: {message}"));
    }

    /// Notes a metric that became worse than the baseline.
    pub fn add_regression(&mut self, line: impl Into<String>) {
        self.regressions.insert(line.into());
    }

    /// Adds a remark that belongs beside the verdict.
    pub fn add_note(&mut self, line: impl Into<String>) {
        self.notes.insert(line.into());
    }

    /// Index and seed of the run that time charts should show: first failing, else worst (decisions
    /// B16). A caller that draws no run on the first pass repeats this seed with the recorder on and
    /// hands it to [`Collector::show`].
    #[must_use]
    pub fn seed_to_show(&self) -> Option<(u64, u64)> {
        let best = self.seeds.values().min_by_key(|row| rank_of(row))?;
        Some((best.index, best.seed))
    }

    /// Sets the drawn run of `index`; ignored if a better one is held.
    ///
    /// # Panics
    /// If no run of that index was added, or it has more slots than
    /// [`SLOTS_MAX`](crate::model::shown::SLOTS_MAX).
    pub fn show(&mut self, index: u64, run: ShownRun) {
        let row = self
            .seeds
            .get(&index)
            .expect("a shown run is one of the runs added")
            .clone();
        self.offer_shown(run, &row);
    }

    /// How many runs were added; bugs of the tool are not among them.
    #[must_use]
    pub fn runs(&self) -> u64 {
        self.seeds.len() as u64
    }

    /// The report of everything gathered.
    #[must_use]
    pub fn finish(
        self,
        identity: Identity,
        configuration: Vec<Setting>,
        scenario_text: String,
        warn: BTreeSet<ExitClass>,
    ) -> Report {
        let identity = Identity {
            headline_series: self.headline_series,
            ..identity
        };
        let slos = pooled(self.slos, &self.by_seed);
        let mut failures: Vec<_> = self.failures.into_values().collect();
        failures.sort_by(|left, right| {
            (left.first_index, &left.signature).cmp(&(right.first_index, &right.signature))
        });
        Report {
            identity,
            configuration,
            scenario_text,
            seeds: self.seeds.into_values().collect(),
            checks: self.checks.into_values().collect(),
            slos,
            failures,
            points: self.points.into_values().collect(),
            coverage: self.cells.rows(),
            histograms: self.histograms,
            recovery: self.recovery,
            faults: self.faults,
            totals: self.totals,
            flow: self.flow,
            shown: self.shown.map(|candidate| candidate.run),
            notes: self.notes,
            unknown_reasons: self.unknown_reasons,
            determinism: self.determinism,
            internal_errors: self.internal_errors,
            regressions: self.regressions,
            baseline: None,
            stale: BTreeSet::new(),
            warn,
        }
    }
}
