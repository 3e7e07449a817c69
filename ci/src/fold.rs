//! From what a run left to what a report is told. Nothing is judged here but objectives, and those by the
//! report's own rule.

mod objectives;

use std::collections::BTreeMap;
use stormglass_core::check::{self, catalog};
use stormglass_core::metrics::{Latency, Phase};
use stormglass_core::outcome::{ClockTrack, Limit, Outcome, PointUnderFault, ResolvedFault};
use stormglass_core::time::{Span, Time};
use stormglass_reports::model::SamplePhase;
use stormglass_reports::model::buckets::Buckets;
use stormglass_reports::model::coverage::PassedPoint;
use stormglass_reports::model::faults::FaultMet;
use stormglass_reports::model::histogram::{Histograms, LatencyHistogram};
use stormglass_reports::model::outcome::{
    Answer, CheckRun, Cost, Failure, Flow, RunOutcome, SloRun, Totals,
};
use stormglass_reports::model::shown::{
    ClockLine, ClockPoint, FaultBand, PhaseSpan, RunPhase, ShownRun, Slot,
};
use stormglass_reports::model::value::{Micros, Value};
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::run::Ran;

/// The headline series of every report.
pub const HEADLINE: &str = "end-to-end";

/// What a report is told of one run.
#[must_use]
pub fn fold(assembly: &Assembly, index: u64, ran: &Ran) -> RunOutcome {
    let outcome = &ran.outcome;
    let histograms = histograms(outcome);
    let faults: Vec<String> = outcome.faults.iter().map(fault_line).collect();
    let expected = &assembly.case().scenario.expect.points;
    let points = expected
        .iter()
        .filter(|point| outcome.points.contains_key(point.name.as_str()));
    RunOutcome {
        index,
        seed: outcome.seed,
        fingerprint: outcome.fingerprint.0,
        virtual_duration: micros(outcome.ended),
        checks: outcome.judgements.iter().map(check_run).collect(),
        slos: objectives::judge(assembly, ran, &histograms),
        failures: failures(outcome, &faults),
        points: points.map(|point| point.name.clone()).collect(),
        passed: outcome.reached.iter().map(passed).collect(),
        totals: totals(outcome),
        cost: cost(outcome),
        recoveries: recoveries(outcome),
        faults: faults_met(outcome),
        flow: flow(assembly, outcome),
        unknown: outcome.unknown(),
        notes: ran
            .outside
            .iter()
            .map(|why| format!("a plan lay outside the envelope: {why}"))
            .collect(),
        shown: Some(shown(assembly, outcome)),
        histograms,
    }
}

/// How a run is judged by the objectives of its scenario.
#[must_use]
pub fn objectives(assembly: &Assembly, ran: &Ran) -> Vec<SloRun> {
    objectives::judge(assembly, ran, &histograms(&ran.outcome))
}

fn passed(row: &PointUnderFault) -> PassedPoint {
    PassedPoint {
        point: row.point.into(),
        part: row.part.name().into(),
        faults: row
            .faults
            .iter()
            .map(|cell| (cell.kind.into(), cell.struck))
            .collect(),
    }
}

fn micros(time: Time) -> Micros {
    Micros::from_nanos(time.0)
}

fn answer(answer: check::Answer) -> Answer {
    match answer {
        check::Answer::NotApplicable => Answer::NotApplicable,
        check::Answer::Pass => Answer::Pass,
        check::Answer::Unknown => Answer::Unknown,
        check::Answer::Fail => Answer::Fail,
    }
}

fn check_run(judgement: &check::Judgement) -> CheckRun {
    CheckRun {
        name: judgement.check.to_owned(),
        promise: catalog::promise(judgement.check)
            .unwrap_or_default()
            .to_owned(),
        answer: answer(judgement.answer),
        judged: judgement.judged,
        exercised: judgement.exercised > 0,
        reason: judgement.reason.clone(),
    }
}

fn failures(outcome: &Outcome, faults: &[String]) -> Vec<Failure> {
    let mut groups: BTreeMap<String, Failure> = BTreeMap::new();
    for violation in outcome
        .judgements
        .iter()
        .flat_map(|judgement| &judgement.violations)
    {
        let signature = violation.signature.to_string();
        let group = groups.entry(signature.clone()).or_insert_with(|| Failure {
            signature,
            sentence: violation.sentence.clone(),
            check: violation.signature.check.to_owned(),
            anomaly: violation.signature.anomaly.to_owned(),
            witness: Vec::new(),
            faults: faults.to_vec(),
        });
        if group.witness.len() < 8 {
            group
                .witness
                .push(format!("{} {}", Span(violation.time.0), violation.sentence));
        }
    }
    if let Some(Limit::Livelock(nodes)) = &outcome.limit {
        let sentence = format!(
            "{} went round in circles without time passing",
            nodes.join(", ")
        );
        let signature = "liveness · livelock".to_owned();
        groups.insert(
            signature.clone(),
            Failure {
                signature,
                check: "liveness".to_owned(),
                anomaly: "livelock".to_owned(),
                witness: vec![format!("{} {sentence}", Span(outcome.ended.0))],
                sentence,
                faults: faults.to_vec(),
            },
        );
    }
    groups.into_values().collect()
}

fn fault_line(record: &ResolvedFault) -> String {
    let name = record
        .fault
        .name
        .as_ref()
        .map_or(String::new(), |name| format!("'{name}' "));
    let resolved = match &record.nodes[..] {
        [] => "not applied".to_owned(),
        nodes => nodes.join(", "),
    };
    format!("{name}{} ({resolved})", record.fault)
}

fn phase_of(phase: &Phase) -> Option<SamplePhase> {
    match phase {
        Phase::Warmup => None,
        Phase::Steady => Some(SamplePhase::Steady),
        Phase::DuringFaults => Some(SamplePhase::DuringFaults),
        Phase::During(name) => Some(SamplePhase::During(name.clone())),
        Phase::Recovery => Some(SamplePhase::Recovery),
        Phase::Calm => Some(SamplePhase::Calm),
        Phase::Drain => Some(SamplePhase::Drain),
        Phase::All => Some(SamplePhase::All),
    }
}

fn histograms(outcome: &Outcome) -> Histograms {
    let mut histograms = Histograms::default();
    for (series, phase, latency) in outcome.metrics.latencies.iter() {
        if let Some(phase) = phase_of(phase) {
            histograms.add(&series.to_string(), phase, &histogram(latency));
        }
    }
    histograms
}

fn histogram(latency: &Latency) -> LatencyHistogram {
    let mut histogram = LatencyHistogram::default();
    for (micros, count) in latency.buckets() {
        histogram.record_many(micros, count);
    }
    histogram.record_never(latency.never());
    histogram
}

fn totals(outcome: &Outcome) -> Totals {
    let totals = &outcome.metrics.totals;
    Totals {
        measured: Micros::from_nanos(totals.measured.0),
        offered: totals.offered,
        accepted: totals.acknowledged,
        processed: totals.effects,
        visible: totals.effects,
        visible_measured: totals.effects_measured,
        delivered: totals.delivered,
        delivered_measured: totals.delivered_measured,
        owed: totals.owed,
        duplicates: totals.repeated,
        backlog_max: totals.backlog_max,
        late: totals.late,
    }
}

fn cost(outcome: &Outcome) -> Cost {
    let cost = outcome.cost;
    Cost {
        messages: cost.messages,
        bytes: cost.bytes,
        cross_zone_bytes: cost.cross_zone_bytes,
        disk_writes: cost.disk_writes,
        disk_syncs: cost.disk_syncs,
        disk_bytes: cost.disk_bytes,
        stored_bytes: cost.stored_bytes,
        nodes: cost.nodes,
    }
}

/// By the parts' names.
fn flow(assembly: &Assembly, outcome: &Outcome) -> BTreeMap<String, Flow> {
    let topology = assembly.topology();
    let counts = outcome.metrics.flow.iter();
    counts
        .map(|(part, counts)| {
            let flow = Flow {
                retries: counts.retries,
                refused: counts.refused,
                breakers: counts.breakers,
                waited: counts.waited,
                shed: counts.shed,
                given_up: counts.given_up,
            };
            (topology.name(*part).to_owned(), flow)
        })
        .collect()
}

fn span_value(span: Option<Span>) -> Value {
    span.map_or(Value::Never, |span| Value::Micros(span.as_micros()))
}

fn recoveries(outcome: &Outcome) -> Vec<Value> {
    outcome
        .metrics
        .episodes
        .iter()
        .map(|episode| span_value(episode.recovery))
        .collect()
}

/// By the names of planned faults and the kinds of drawn ones.
fn faults_met(outcome: &Outcome) -> Vec<FaultMet> {
    let times = outcome.metrics.fault_times.iter();
    let met = times.filter_map(|times| {
        let fault = &outcome.faults.get(times.fault as usize)?.fault;
        let kind = fault.kind.name();
        let name = fault.name.as_deref().filter(|_| fault.planned);
        let detected = times.detected;
        Some(FaultMet {
            fault: name.unwrap_or(kind).to_owned(),
            detected: detected
                .map(|(reaction, after)| (reaction.name().to_owned(), after.as_micros())),
            drained: span_value(times.drained),
        })
    });
    met.collect()
}

fn shown(assembly: &Assembly, outcome: &Outcome) -> ShownRun {
    let phases = &assembly.case().phases;
    let span = |phase, start: Time, end: Time| PhaseSpan {
        phase,
        start: micros(start),
        end: micros(end),
    };
    let width = Micros::from_nanos(outcome.metrics.slot_width.0);
    let finite = |value: Option<u64>| value.filter(|value| *value != u64::MAX).map(Micros);
    let slots = outcome
        .metrics
        .slots
        .iter()
        .enumerate()
        .map(|(index, slot)| Slot {
            start: Micros(index as u64 * width.0),
            offered: slot.offered,
            accepted: slot.acknowledged,
            processed: slot.effects,
            visible: slot.visible,
            backlog: slot.backlog,
            p50: finite(slot.p50),
            p90: finite(slot.p90),
            p99: finite(slot.p99),
            max: finite(slot.max),
            never: slot.never,
            retried: slot.retried,
            failed: slot.failed,
        });
    let latencies = outcome.metrics.slot_latencies.iter();
    ShownRun {
        phases: vec![
            span(RunPhase::Warmup, Time::ZERO, phases.chaos_starts()),
            span(RunPhase::Chaos, phases.chaos_starts(), phases.calm_starts()),
            span(RunPhase::Calm, phases.calm_starts(), phases.drain_starts()),
            span(RunPhase::Drain, phases.drain_starts(), phases.ends()),
        ],
        slot_width: width,
        slots: slots.collect(),
        latencies: Buckets(latencies.map(Iterator::collect).collect()),
        faults: outcome.faults.iter().map(band).collect(),
        clocks: outcome.clocks.iter().map(clock).collect(),
        ..ShownRun::default()
    }
}

fn clock(track: &ClockTrack) -> ClockLine {
    let points = track.points.iter().map(|(at, ahead)| ClockPoint {
        at: micros(*at),
        ahead: ahead / 1_000,
    });
    ClockLine {
        node: track.node.clone(),
        points: points.collect(),
    }
}

fn band(record: &ResolvedFault) -> FaultBand {
    let fault = &record.fault;
    let started = record.started.unwrap_or(fault.at);
    FaultBand {
        name: fault.name.clone().unwrap_or_default(),
        kind: fault.kind.name().to_owned(),
        target: fault.target.to_string(),
        resolved: Some(record.nodes.join(", ")).filter(|nodes| !nodes.is_empty()),
        start: micros(started),
        end: micros(record.ended.unwrap_or(fault.at + fault.lasts)),
        effect: match record.effects {
            0 => String::new(),
            1 => "1 effect".to_owned(),
            effects => format!("{effects} effects"),
        },
    }
}
