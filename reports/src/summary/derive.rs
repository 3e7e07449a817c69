//! How a summary follows from a report.

use super::spread;
use super::{
    CheckSummary, CoverageSummary, Exit, FailureSummary, FaultSummary, LatencySummary,
    PointSummary, SCHEMA, SloSummary, StageSummary, Summary, WorstSummary, seeds_text,
};
use crate::exit::{ExitClass, Verdict};
use crate::model::histogram::LatencyHistogram;
use crate::model::outcome::Answer;
use crate::model::value::{Quantile, Value};
use crate::model::{
    AnswerCounts, CheckRow, FailureGroup, Mode, PointRow, Report, SamplePhase, SloRow,
};
use crate::stats::{Share, absence_bound_ppm};

impl Summary {
    /// The figures of `report`.
    #[must_use]
    pub fn of(report: &Report) -> Self {
        let mut checks: Vec<_> = report
            .checks
            .iter()
            .map(|row| check_summary(row, report))
            .collect();
        checks.sort_by_key(|check| order(check.answer));
        let mut slos: Vec<_> = report
            .slos
            .iter()
            .map(|slo| slo_summary(slo, report))
            .collect();
        slos.sort_by_key(|slo| order(slo.answer));
        let mut seeds = AnswerCounts::default();
        for seed in &report.seeds {
            seeds.count(seed.answer);
        }
        let runs = seeds.total();
        let histograms = report.histograms.iter();
        let (distributions, buckets) = spread::distributions(report);
        let mut summary = Self {
            schema: SCHEMA.to_owned(),
            verdict: verdict(report),
            exit: exit(report),
            identity: report.identity.clone(),
            fingerprint: format!("{:016x}", report.combined_fingerprint()),
            virtual_duration: report.virtual_duration(),
            seeds,
            determinism: report.determinism.clone(),
            checks,
            slos,
            failures: report
                .failures
                .iter()
                .map(|group| failure(group, report, runs))
                .collect(),
            points: report
                .points
                .iter()
                .map(|point| point_summary(point, runs))
                .collect(),
            coverage: CoverageSummary::of(&report.coverage),
            latencies: histograms
                .filter(|(name, _, _)| {
                    !report
                        .identity
                        .stage_series
                        .iter()
                        .any(|stage| stage == name)
                })
                .map(|(name, phase, data)| latency(name, phase, data))
                .collect(),
            distributions,
            buckets,
            ranges: spread::ranges(report),
            spread: spread::spread(report),
            stages: stages(report),
            recovery: (report.recovery.count() > 0)
                .then(|| latency("recovery", &SamplePhase::All, &report.recovery)),
            faults: report
                .faults
                .iter()
                .map(|(fault, times)| FaultSummary::of(fault, times))
                .collect(),
            totals: report.totals,
            flow: report.flow.clone(),
            throughput: report.totals.throughput(),
            goodput: report.totals.goodput(),
            absence: None,
            not_covered: Vec::new(),
            notes: report.notes.iter().cloned().collect(),
            baseline: report.baseline.clone(),
            regressions: report.regressions.iter().cloned().collect(),
            stale: report.stale.iter().cloned().collect(),
            internal_errors: report.internal_errors.iter().cloned().collect(),
            configuration: report.configuration.clone(),
            shown: report.shown.clone(),
        };
        summary.absence = summary.absence_sentence();
        summary.not_covered = summary.list_not_covered(report);
        summary
    }

    /// The weakest bound of all checks that hold: what may be said of each of them.
    fn absence_sentence(&self) -> Option<String> {
        let held = self
            .checks
            .iter()
            .filter(|check| check.answer == Answer::Pass);
        let bound = held.filter_map(|check| check.absence_bound_ppm).max()?;
        Some(format!(
            "Checks that hold exclude violations in more than {} of seeds, at 95 %.",
            Value::Ppm(bound)
        ))
    }

    fn list_not_covered(&self, report: &Report) -> Vec<String> {
        let mut lines = Vec::new();
        if self.seeds.total() == 0 {
            lines.push("no seed was run".to_owned());
        }
        for (reason, runs) in &report.unknown_reasons {
            lines.push(format!("{} unknown: {reason}", seeds_text(*runs)));
        }
        for point in self.points.iter().filter(|point| !point.is_covered) {
            lines.push(format!(
                "point {} reached in {} of {} seeds, {} needed",
                point.name,
                Value::Count(point.reached),
                Value::Count(self.seeds.total()),
                Value::Count(point.required)
            ));
        }
        for check in &self.checks {
            let total = check.answers.total();
            let silent = total.saturating_sub(check.exercised.max(check.answers.fail));
            if check.exercised == 0 && check.answers.fail == 0 {
                lines.push(format!("{}: had nothing to judge in any seed", check.name));
            } else if silent > 0 {
                lines.push(format!(
                    "{}: nothing to judge in {} of {} seeds",
                    check.name,
                    Value::Count(silent),
                    Value::Count(total)
                ));
            }
        }
        for slo in &self.slos {
            let silent = slo.answers.unknown + slo.answers.not_applicable;
            let needed = slo.quantile.filter(|_| slo.answers.unknown > 0);
            let needed = needed.map_or_else(String::new, |quantile| {
                let samples = Value::Count(quantile.samples_min());
                format!(" ({quantile} of one seed needs {samples} samples)")
            });
            if silent > 0 {
                lines.push(format!(
                    "slo {} ({}): not judged in {} of {} seeds{needed}",
                    slo.expression,
                    slo.phase,
                    Value::Count(silent),
                    Value::Count(slo.answers.total())
                ));
            }
        }
        if self.identity.mode == Mode::Run {
            lines.push("coverage and baselines: judged by `stormglass gate` only".to_owned());
        }
        lines
    }
}

/// Failures first: what a reader came for.
fn order(answer: Answer) -> u8 {
    match answer {
        Answer::Fail => 0,
        Answer::Unknown => 1,
        Answer::Pass => 2,
        Answer::NotApplicable => 3,
    }
}

fn verdict(report: &Report) -> Verdict {
    report.exit_class().verdict()
}

fn exit(report: &Report) -> Exit {
    let decides = report.exit_class();
    let (warned, also): (Vec<_>, Vec<_>) = report
        .exit_classes()
        .into_iter()
        .filter(|class| *class != decides)
        .partition(|class| class.can_be_warned() && report.warn.contains(class));
    let words = |classes: Vec<ExitClass>| -> Vec<String> {
        classes
            .into_iter()
            .map(|class| class.word().to_owned())
            .collect()
    };
    Exit {
        code: decides.code(),
        class: decides.word().to_owned(),
        also: words(also),
        warned: words(warned),
    }
}

fn check_summary(row: &CheckRow, report: &Report) -> CheckSummary {
    let answers = row.answers;
    let answer = if answers.fail > 0 {
        Answer::Fail
    } else if answers.unknown > 0 || row.is_vacuous() {
        Answer::Unknown
    } else if answers.pass > 0 {
        Answer::Pass
    } else {
        Answer::NotApplicable
    };
    let groups = || {
        report
            .failures
            .iter()
            .filter(|group| group.check == row.name)
    };
    let is_known = groups().next().is_some() && groups().all(|group| group.standing.is_known());
    // A run that violates the check was able to, whatever it says about being exercised.
    let violated = Share::wilson(answers.fail, row.exercised.max(answers.fail));
    let absence =
        (answers.fail == 0 && row.exercised > 0).then(|| absence_bound_ppm(row.exercised));
    let observed = match absence {
        Some(bound) => {
            format!(
                "0 of {} judged, < {}",
                Value::Count(row.exercised),
                Value::Ppm(bound)
            )
        }
        None if answers.fail > 0 => {
            let known = if is_known { ", as is known" } else { "" };
            format!("violated {}{known}", violated.sentence())
        }
        None => "nothing judged".to_owned(),
    };
    CheckSummary {
        name: row.name.clone(),
        promise: row.promise.clone(),
        answer,
        answers,
        judged: row.judged,
        exercised: row.exercised,
        violated,
        absence_bound_ppm: absence,
        is_known,
        observed,
        reasons: row.reasons.clone(),
    }
}

fn slo_summary(row: &SloRow, report: &Report) -> SloSummary {
    let answer = if row.is_violated() {
        Answer::Fail
    } else if row.answers.unknown > 0 {
        Answer::Unknown
    } else if row.answers.pass + row.answers.fail > 0 {
        Answer::Pass
    } else {
        Answer::NotApplicable
    };
    let worst = row.worst.as_ref();
    SloSummary {
        expression: row.expression.clone(),
        phase: row.phase.clone(),
        series: row.series.clone(),
        quantile: row.quantile,
        threshold: row.threshold,
        pooled: row.pooled,
        interval: row.interval,
        answer,
        answers: row.answers,
        allow: row.allow,
        worst: worst.map(|run| WorstSummary {
            seed: run.seed,
            value: run.value,
            replay: report.identity.replay_of(run.seed),
            cause: run.cause.clone(),
        }),
        best: row.best,
        margin_permille: worst.and_then(|run| row.threshold.margin_permille(run.value)),
        delivered: row.delivered,
        owed: row.owed,
    }
}

fn failure(group: &FailureGroup, report: &Report, runs: u64) -> FailureSummary {
    let check = report.checks.iter().find(|check| check.name == group.check);
    FailureSummary {
        signature: group.signature.clone(),
        sentence: group.sentence.clone(),
        check: group.check.clone(),
        promise: check.map(|check| check.promise.clone()).unwrap_or_default(),
        anomaly: group.anomaly.clone(),
        share: Share::wilson(group.runs, runs),
        first_seed: group.first_seed,
        witness: group.witness.clone(),
        faults: group.faults.clone(),
        replay: report.identity.replay_of(group.first_seed),
        explained: group.explained.clone(),
        same_as: group.same_as.clone(),
        same_cause: group.same_cause.clone(),
        standing: group.standing.clone(),
    }
}

fn point_summary(row: &PointRow, runs: u64) -> PointSummary {
    PointSummary {
        name: row.name.clone(),
        reached: row.reached,
        required: row.required(runs),
        min_share_ppm: row.min_share_ppm,
        is_covered: row.is_covered(runs),
    }
}

/// Where the time went, in the phases that people compare.
fn stages(report: &Report) -> Vec<StageSummary> {
    let phases = [
        SamplePhase::Steady,
        SamplePhase::DuringFaults,
        SamplePhase::All,
    ];
    phases
        .iter()
        .flat_map(|phase| stages_of(report, phase))
        .collect()
}

fn stages_of(report: &Report, phase: &SamplePhase) -> Vec<StageSummary> {
    let names = &report.identity.stage_series;
    let found = names.iter().filter_map(|name| {
        let data = report.histograms.get(name, phase)?;
        Some((name, data, data.sum()))
    });
    let found: Vec<_> = found.collect();
    let total: u64 = found.iter().map(|(_, _, sum)| sum).sum();
    let headline = &report.identity.headline_series;
    let events = report.histograms.get(headline, phase);
    let events = events.map_or(0, LatencyHistogram::finite_count);
    let rows = found.into_iter().map(|(name, data, sum)| StageSummary {
        stage: name.clone(),
        phase: phase.clone(),
        share_ppm: (u128::from(sum) * 1_000_000 / u128::from(total.max(1))) as u64,
        mean: Value::Micros(sum / events.max(1)),
        p50: data.percentile(Quantile::P50),
        p99: data.percentile(Quantile::P99),
    });
    rows.collect()
}

fn latency(series: &str, phase: &SamplePhase, histogram: &LatencyHistogram) -> LatencySummary {
    LatencySummary {
        series: series.to_owned(),
        phase: phase.clone(),
        owed: histogram.count(),
        delivered: histogram.finite_count(),
        p50: histogram.percentile(Quantile::P50),
        p90: histogram.percentile(Quantile::P90),
        p99: histogram.percentile(Quantile::P99),
        p99_9: histogram.percentile(Quantile::P999),
        p99_99: histogram.percentile(Quantile::P9999),
        max: histogram.percentile(Quantile::MAX),
    }
}
