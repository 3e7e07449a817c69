//! How one run is judged by the objectives of its scenario. What is measured is taken from where it is known
//! exactly: latencies and goodput from the samples, losses and duplicates from the checks.

use super::{HEADLINE, recoveries};
use stormglass_core::check;
use stormglass_core::metrics::{FlowCounts, Metastable, Phase, PhaseCounts};
use stormglass_core::outcome::Outcome;
use stormglass_core::time::Span;
use stormglass_reports::model::SamplePhase;
use stormglass_reports::model::histogram::Histograms;
use stormglass_reports::model::outcome::SloRun;
use stormglass_reports::model::slo::Slo as ReportSlo;
use stormglass_reports::model::value::{Bound as ReportBound, Quantile, Threshold, Value};
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::run::Ran;
use stormglass_scenarios::spec::slo::{Bound, Compare, During, Metric, Slo};

/// The share of owed events that must be delivered unless a scenario says otherwise (B6).
const GOODPUT_FLOOR: u64 = 500_000;

/// The run judged by each objective, and by the floor if none speaks of the goodput of the whole run.
pub(super) fn judge(assembly: &Assembly, ran: &Ran, histograms: &Histograms) -> Vec<SloRun> {
    let expect = &assembly.case().scenario.expect;
    let written = &expect.slo;
    let faults = || ran.outcome.faults.iter().map(|met| &met.fault);
    let envelope = expect.slo_envelope.as_ref();
    let is_meant =
        ran.outside.is_none() && envelope.is_none_or(|envelope| envelope.admits(faults()));
    let mut runs: Vec<SloRun> = written
        .iter()
        .map(|slo| {
            if is_meant {
                judge_one(slo, ran, histograms)
            } else {
                asked(slo).not_applicable()
            }
        })
        .collect();
    let is_of_all = |slo: &Slo| matches!(slo.during, None | Some(During::Run));
    if !written
        .iter()
        .any(|slo| slo.metric == Metric::Goodput && is_of_all(slo))
    {
        let floor = ReportSlo {
            expression: "goodput > 0.5 (the default floor)".to_owned(),
            phase: SamplePhase::All,
            series: "goodput".to_owned(),
            quantile: None,
            of_delivered: false,
            threshold: Threshold {
                bound: ReportBound::Above,
                value: Value::Ppm(GOODPUT_FLOOR),
            },
            allow: 0,
        };
        runs.push(goodput(&floor, histograms));
    }
    runs
}

fn judge_one(slo: &Slo, ran: &Ran, histograms: &Histograms) -> SloRun {
    let outcome = &ran.outcome;
    let judged = asked(slo);
    let (delivered, owed) = due_in(histograms, &judged.phase);
    match slo.metric {
        Metric::Quantile { .. } | Metric::Max(_) => judged.judge(histograms),
        Metric::Goodput => goodput(&judged, histograms),
        Metric::Backlog => {
            let counts = counts(outcome, slo);
            let most = counts.map(|counts| Value::Count(counts.backlog_max));
            judged.judge_value(most, delivered, owed)
        }
        Metric::Shed => judged.judge_value(flow(outcome, |counts| counts.shed), delivered, owed),
        Metric::Retries => {
            judged.judge_value(flow(outcome, |counts| counts.retries), delivered, owed)
        }
        Metric::Recovery => {
            let (slowest, cause) = slowest(outcome, slo);
            let mut judged = judged.judge_value(slowest, delivered, owed);
            judged.cause = cause;
            judged
        }
        Metric::Late => {
            let late = counts(outcome, slo).map(|counts| counts.late);
            let value = late.map(|late| match slo.bound {
                Bound::Share(_) => Value::Ppm(
                    (u128::from(late) * 1_000_000).div_ceil(u128::from(owed.max(1))) as u64,
                ),
                Bound::Count(_) | Bound::Time(_) => Value::Count(late),
            });
            judged.judge_value(value, delivered, owed)
        }
        Metric::Lost | Metric::Duplicates => match violations(outcome, slo) {
            Violations::Unjudged => judged.judge_value(None, delivered, owed),
            Violations::Known(count) => {
                judged.judge_value(Some(Value::Count(count)), delivered, owed)
            }
            Violations::Elsewhen => judged.unknown(delivered, owed),
        },
    }
}

/// The objective in the report's words.
fn asked(slo: &Slo) -> ReportSlo {
    let (series, quantile) = match slo.metric {
        Metric::Quantile { parts, series } => (series.name(), Some(Quantile(parts))),
        Metric::Max(series) => (series.name(), Some(Quantile::MAX)),
        Metric::Recovery => ("recovery", None),
        Metric::Lost => ("lost", None),
        Metric::Duplicates => ("duplicates", None),
        Metric::Goodput => ("goodput", None),
        Metric::Backlog => ("backlog", None),
        Metric::Shed => ("shed", None),
        Metric::Retries => ("retries", None),
        Metric::Late => ("late", None),
    };
    ReportSlo {
        expression: slo.text.clone(),
        phase: match &slo.during {
            None | Some(During::Run) => SamplePhase::All,
            Some(During::Steady) => SamplePhase::Steady,
            Some(During::Faults) => SamplePhase::DuringFaults,
            Some(During::Recovery) => SamplePhase::Recovery,
            Some(During::Calm) => SamplePhase::Calm,
            Some(During::Drain) => SamplePhase::Drain,
            Some(During::Planned(name)) => SamplePhase::During(name.clone()),
        },
        series: series.to_owned(),
        quantile,
        of_delivered: slo.of_delivered,
        threshold: threshold(slo),
        allow: 0,
    }
}

/// The phase in the words of what was measured.
fn measured(slo: &Slo) -> Phase {
    match &slo.during {
        None | Some(During::Run) => Phase::All,
        Some(During::Steady) => Phase::Steady,
        Some(During::Faults) => Phase::DuringFaults,
        Some(During::Recovery) => Phase::Recovery,
        Some(During::Calm) => Phase::Calm,
        Some(During::Drain) => Phase::Drain,
        Some(During::Planned(name)) => Phase::During(name.clone()),
    }
}

/// What was counted in the objective's phase; none if the phase did not occur.
fn counts<'a>(outcome: &'a Outcome, slo: &Slo) -> Option<&'a PhaseCounts> {
    outcome.metrics.by_phase.get(&measured(slo))
}

/// Events due in a phase: delivered and owed.
fn due_in(histograms: &Histograms, phase: &SamplePhase) -> (u64, u64) {
    histograms
        .get(HEADLINE, phase)
        .map_or((0, 0), |data| (data.finite_count(), data.count()))
}

fn goodput(slo: &ReportSlo, histograms: &Histograms) -> SloRun {
    let (delivered, owed) = due_in(histograms, &slo.phase);
    let share = (owed > 0).then(|| {
        let parts = u128::from(delivered) * 1_000_000 / u128::from(owed);
        Value::Ppm(parts as u64)
    });
    slo.judge_value(share, delivered, owed)
}

/// The slowest recovery, from the planned fault of the objective if it names one.
fn slowest(outcome: &Outcome, slo: &Slo) -> (Option<Value>, String) {
    let episodes = outcome.metrics.episodes.iter();
    let all = recoveries(outcome).into_iter().zip(episodes);
    let of_this = all.filter(|(_, episode)| match &slo.during {
        Some(During::Planned(name)) => episode.faults.iter().any(|index| {
            let record = outcome.faults.get(*index as usize);
            record.is_some_and(|record| {
                record.fault.planned && record.fault.name.as_ref() == Some(name)
            })
        }),
        None
        | Some(
            During::Steady
            | During::Faults
            | During::Recovery
            | During::Calm
            | During::Drain
            | During::Run,
        ) => true,
    });
    let slowest = of_this.max_by(|(a, _), (b, _)| a.compare(*b));
    let cause = slowest.and_then(|(_, episode)| Some(cause(episode.metastable.as_ref()?)));
    (
        slowest.map(|(recovery, _)| recovery),
        cause.unwrap_or_default(),
    )
}

/// Why there was no recovery although nothing was wrong any more.
fn cause(metastable: &Metastable) -> String {
    let permille = metastable.permille();
    format!(
        "metastable: from {} to {} every fault was healed and the load was the offered rate, and goodput stayed at \
         {}.{} % of the fault-free run's ({} of {} events)",
        Span(metastable.from.0),
        Span(metastable.until.0),
        permille / 10,
        permille % 10,
        metastable.done,
        metastable.done_in_twin
    )
}

/// A count over all parts of a run.
fn flow(outcome: &Outcome, of: impl Fn(&FlowCounts) -> u64) -> Option<Value> {
    let counts = outcome.metrics.flow.values();
    Some(Value::Count(counts.map(of).sum()))
}

/// Violations of the check that counts what an objective bounds.
enum Violations {
    /// The check could not judge.
    Unjudged,
    /// So many.
    Known(u64),
    /// There are some, and it is not known whether they belong to the phase.
    Elsewhen,
}

fn violations(outcome: &Outcome, slo: &Slo) -> Violations {
    let check = if slo.metric == Metric::Lost {
        "no-loss"
    } else {
        "no-duplicates"
    };
    let mut judgements = outcome.judgements.iter();
    let Some(judgement) = judgements.find(|judgement| judgement.check == check) else {
        return Violations::Unjudged;
    };
    match judgement.answer {
        check::Answer::Pass | check::Answer::Fail => {}
        check::Answer::Unknown | check::Answer::NotApplicable => return Violations::Unjudged,
    }
    let (total, phase) = (judgement.violations_total, measured(slo));
    let metrics = &outcome.metrics;
    let Some(counts) = metrics.by_phase.get(&phase) else {
        return Violations::Unjudged;
    };
    if slo.during.is_none() || slo.during == Some(During::Run) || total == 0 {
        return Violations::Known(total);
    }
    if judgement.dues.len() as u64 == total {
        let dues = judgement.dues.iter();
        let within = dues.filter(|due| metrics.phases.at(**due).contains(&phase));
        return Violations::Known(within.count() as u64);
    }
    // The check tells of a loss only roughly when it was due. The measurement knows, if both mean the same
    // events: what was removed, dead-lettered or shown and taken back tells them apart.
    let warmup = metrics.by_phase.get(&Phase::Warmup);
    let all = metrics.by_phase.get(&Phase::All);
    let lost = [warmup, all].into_iter().flatten();
    if slo.metric == Metric::Lost && lost.map(|counts| counts.lost).sum::<u64>() == total {
        Violations::Known(counts.lost)
    } else {
        Violations::Elsewhen
    }
}

fn threshold(slo: &Slo) -> Threshold {
    Threshold {
        bound: match slo.compare {
            Compare::Below => ReportBound::Below,
            // A count has no other side than above the wanted one.
            Compare::AtMost | Compare::Equal => ReportBound::AtMost,
            Compare::Above => ReportBound::Above,
            Compare::AtLeast => ReportBound::AtLeast,
        },
        value: match slo.bound {
            Bound::Time(span) => Value::Micros(span.as_micros()),
            Bound::Count(count) => Value::Count(count),
            Bound::Share(parts) => Value::Ppm(u64::from(parts)),
        },
    }
}
