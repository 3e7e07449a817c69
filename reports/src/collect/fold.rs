//! How rows of checks, SLOs and failures add up.

use std::collections::{BTreeMap, BTreeSet};

use super::Collector;
use super::resample::BySeed;
use crate::model::known::Standing;
use crate::model::outcome::{Answer, CheckRun, Failure, RunOutcome, SloRun};
use crate::model::{AnswerCounts, CheckRow, FailureGroup, SamplePhase, SeedRow, SloRow, WorstRun};

impl Collector {
    pub(super) fn add_check(&mut self, check: &CheckRun) {
        let mut answers = AnswerCounts::default();
        answers.count(check.answer);
        let exercised = check.exercised && check.answer != Answer::NotApplicable;
        let reasons = if check.reason.is_empty() {
            None
        } else {
            Some((check.reason.clone(), 1))
        };
        self.merge_check(CheckRow {
            name: check.name.clone(),
            promise: check.promise.clone(),
            answers,
            judged: check.judged,
            exercised: u64::from(exercised),
            reasons: reasons.into_iter().collect(),
        });
    }

    pub(super) fn merge_check(&mut self, row: CheckRow) {
        let Some(mine) = self.checks.get_mut(&row.name) else {
            self.checks.insert(row.name.clone(), row);
            return;
        };
        mine.answers.merge(row.answers);
        mine.judged += row.judged;
        mine.exercised += row.exercised;
        for (reason, runs) in row.reasons {
            *mine.reasons.entry(reason).or_default() += runs;
        }
    }

    pub(super) fn add_slo(&mut self, slo: &SloRun, run: &SeedRow) {
        let mut answers = AnswerCounts::default();
        answers.count(slo.answer);
        let judged = slo.observed.filter(|_| slo.answer != Answer::NotApplicable);
        self.merge_slo(SloRow {
            expression: slo.expression.clone(),
            phase: slo.phase.clone(),
            series: slo.series.clone(),
            quantile: slo.quantile,
            of_delivered: slo.of_delivered,
            threshold: slo.threshold,
            allow: slo.allow,
            answers,
            worst: judged.map(|value| WorstRun {
                index: run.index,
                seed: run.seed,
                value,
                cause: slo.cause.clone(),
            }),
            best: judged,
            pooled: None,
            interval: None,
            delivered: slo.delivered,
            owed: slo.owed,
        });
    }

    /// Keeps the distributions that an SLO is judged on in this run.
    pub(super) fn keep_seed(&mut self, outcome: &RunOutcome) {
        let judged = outcome
            .slos
            .iter()
            .filter(|slo| slo.quantile.is_some() && slo.answer != Answer::NotApplicable);
        let keys: BTreeSet<_> = judged
            .map(|slo| (slo.series.clone(), slo.phase.clone()))
            .collect();
        for (series, phase) in keys {
            if let Some(data) = outcome.histograms.get(&series, &phase) {
                let by_seed = self.by_seed.entry((series, phase)).or_default();
                by_seed.add(outcome.index, data);
            }
        }
    }

    pub(super) fn merge_slo(&mut self, row: SloRow) {
        let key = (row.expression.clone(), row.phase.clone());
        let Some(mine) = self.slos.get_mut(&key) else {
            self.slos.insert(key, row);
            return;
        };
        mine.answers.merge(row.answers);
        mine.delivered += row.delivered;
        mine.owed += row.owed;
        let threshold = mine.threshold;
        mine.worst = [mine.worst.take(), row.worst]
            .into_iter()
            .flatten()
            .reduce(|left, right| {
                let right_is_worse = threshold.is_worse(right.value, left.value);
                let tied = !threshold.is_worse(left.value, right.value) && !right_is_worse;
                if right_is_worse || (tied && right.index < left.index) {
                    right
                } else {
                    left
                }
            });
        mine.best = [mine.best, row.best]
            .into_iter()
            .flatten()
            .reduce(|left, right| {
                if threshold.is_worse(left, right) {
                    right
                } else {
                    left
                }
            });
    }

    /// Keeps the details of the first run that showed the signature.
    pub(super) fn add_failure(&mut self, group: FailureGroup) {
        let Some(mine) = self.failures.get_mut(&group.signature) else {
            self.failures.insert(group.signature.clone(), group);
            return;
        };
        let runs = mine.runs + group.runs;
        if group.first_index < mine.first_index {
            *mine = group;
        }
        mine.runs = runs;
    }
}

/// The rows with their percentiles over all seeds.
pub(super) fn pooled(
    rows: BTreeMap<(String, SamplePhase), SloRow>,
    by_seed: &BTreeMap<(String, SamplePhase), BySeed>,
) -> Vec<SloRow> {
    let rows = rows.into_values().map(|mut row| {
        let data = by_seed.get(&(row.series.clone(), row.phase.clone()));
        if let Some((quantile, data)) = row.quantile.zip(data) {
            let key = format!("{} {} {}", row.series, row.phase, quantile.0);
            (row.pooled, row.interval) = data.pooled(quantile, row.of_delivered, &key);
        }
        row
    });
    rows.collect()
}

/// A group of one run.
pub(super) fn group_of(failure: &Failure, run: &SeedRow) -> FailureGroup {
    FailureGroup {
        signature: failure.signature.clone(),
        sentence: failure.sentence.clone(),
        check: failure.check.clone(),
        anomaly: failure.anomaly.clone(),
        runs: 1,
        first_index: run.index,
        first_seed: run.seed,
        witness: failure.witness.clone(),
        faults: failure.faults.clone(),
        explained: None,
        same_as: None,
        same_cause: None,
        standing: Standing::Unasked,
    }
}
