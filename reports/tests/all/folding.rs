//! Folding runs: order, workers and shards change nothing.

use crate::support;
use std::collections::BTreeSet;

use crate::support::{Dice, RUNS};
use stormglass_reports::model::histogram::LatencyHistogram;
use stormglass_reports::model::outcome::{Answer, CheckRun, RunOutcome};
use stormglass_reports::model::shown::{ShownWhy, Slot};
use stormglass_reports::model::slo::Slo;
use stormglass_reports::model::timeline::Timeline;
use stormglass_reports::model::value::{Micros, Quantile, Threshold, Value};
use stormglass_reports::model::{Identity, Mode, Report, SamplePhase};
use stormglass_reports::{Collector, ExitClass};

#[test]
fn the_order_of_adding_and_merging_changes_nothing() {
    let mut dice = Dice::new(3);
    let mut forward = support::collector();
    (0..RUNS).for_each(|index| forward.add(support::outcome(index)));
    let expected = support::finish(forward);
    for shards in [1, 2, 5] {
        let mut order: Vec<_> = (0..RUNS).collect();
        for left in (1..order.len()).rev() {
            order.swap(left, dice.below(left as u64 + 1) as usize);
        }
        let mut workers: Vec<_> = (0..shards).map(|_| support::collector()).collect();
        for index in order {
            workers[dice.below(shards) as usize].add(support::outcome(index));
        }
        let mut last = workers.pop().unwrap();
        workers.into_iter().for_each(|worker| last.merge(worker));
        let merged = support::finish(last);
        assert_eq!(merged, expected);
    }
}

#[test]
#[should_panic(expected = "added twice")]
fn a_run_is_counted_once() {
    let mut collector = support::collector();
    collector.add(support::outcome(1));
    collector.add(support::outcome(1));
}

#[test]
fn the_first_failing_run_is_shown_else_the_worst() {
    let failing = support::report();
    let shown = failing.shown.unwrap();
    assert_eq!((shown.index, shown.why), (5, ShownWhy::FirstFailing));
    let passing = support::passing();
    let worst = passing.seeds.iter().max_by_key(|row| {
        (
            row.headline_p99.unwrap().number(),
            std::cmp::Reverse(row.index),
        )
    });
    let shown = passing.shown.as_ref().unwrap();
    assert_eq!(
        (shown.index, shown.why),
        (worst.unwrap().index, ShownWhy::Worst)
    );
}

#[test]
fn histograms_merge_without_loss_and_rank_what_never_came() {
    let mut dice = Dice::new(9);
    let (mut whole, mut left, mut right) = Default::default();
    for turn in 0..20_000_u64 {
        let micros = dice.latency(40_000);
        let half: &mut LatencyHistogram = if turn % 3 == 0 { &mut left } else { &mut right };
        half.record(micros);
        LatencyHistogram::record(&mut whole, micros);
    }
    right.record_never(200);
    whole.record_never(200);
    left.merge(&right);
    assert_eq!(left, whole);
    let stored = serde_json::to_string(&whole).unwrap();
    assert_eq!(
        serde_json::from_str::<LatencyHistogram>(&stored).unwrap(),
        whole
    );
    assert_eq!(whole.percentile(Quantile::P999), Some(Value::Never));
    assert!(whole.percentile(Quantile::P90).unwrap().number().is_some());
    assert_eq!(LatencyHistogram::default().percentile(Quantile::P50), None);
}

#[test]
fn a_percentile_is_the_sample_of_its_rank() {
    let mut histogram = LatencyHistogram::default();
    (1..=100).for_each(|micros| histogram.record(micros));
    let at = |quantile| histogram.percentile(quantile);
    assert_eq!(at(Quantile::P50), Some(Value::Micros(50)));
    assert_eq!(at(Quantile::P99), Some(Value::Micros(99)));
    assert_eq!(at(Quantile::P999), Some(Value::Micros(100)));
    assert_eq!(at(Quantile(0)), Some(Value::Micros(1)));
}

#[test]
fn dropping_the_slowest_does_not_improve_a_percentile() {
    let (mut honest, mut dropping) = (LatencyHistogram::default(), LatencyHistogram::default());
    for micros in 1..=1_000 {
        honest.record(micros);
        if micros <= 950 {
            dropping.record(micros);
        }
    }
    dropping.record_never(50);
    let p99 = |data: &LatencyHistogram| data.percentile(Quantile::P99).unwrap();
    assert_eq!(
        p99(&dropping).compare(p99(&honest)),
        std::cmp::Ordering::Greater
    );
}

#[test]
fn values_and_margins_read_as_a_person_writes_them() {
    let texts: Vec<_> = [
        Value::Micros(850),
        Value::Micros(2_840_000),
        Value::Micros(48_250),
        Value::Micros(150_000_000),
        Value::MilliPerSecond(1_940_244),
        Value::Ppm(1_601),
        Value::Count(1_234_567),
        Value::Never,
    ]
    .iter()
    .map(ToString::to_string)
    .collect();
    let expected = [
        "850 µs",
        "2.84 s",
        "48.3 ms",
        "2.5 min",
        "1940/s",
        "0.16 %",
        "1,234,567",
        "never",
    ];
    assert_eq!(texts, expected);
    let threshold = Threshold::at_most(Value::Micros(2_000_000));
    assert_eq!(
        threshold.margin_permille(Value::Micros(2_840_000)),
        Some(-420)
    );
    assert_eq!(threshold.margin_permille(Value::Never), None);
    assert!(!threshold.holds(Value::Never));
    let floor = Threshold::at_least(Value::Ppm(500_000));
    assert_eq!(floor.margin_permille(Value::Ppm(750_000)), Some(500));
    assert_eq!(Quantile(999_990).to_string(), "p99.999");
}

fn report_of(mode: Mode, fill: impl FnOnce(&mut Collector)) -> Report {
    let mut collector = Collector::new("end-to-end");
    fill(&mut collector);
    let identity = Identity {
        mode,
        ..Identity::default()
    };
    collector.finish(identity, Vec::new(), String::new(), BTreeSet::new())
}

fn run_with(answer: Answer, judged: u64) -> RunOutcome {
    let mut run = RunOutcome::new(0, 1);
    run.virtual_duration = Micros::from_secs(1);
    run.checks = vec![CheckRun {
        name: "no-loss".into(),
        answer,
        judged,
        exercised: judged > 0,
        ..CheckRun::default()
    }];
    run
}

#[test]
fn the_exit_code_follows_the_table_of_precedence() {
    use ExitClass::{
        Correctness, Coverage, Inconclusive, Internal, Nondeterminism, Regression, Slo, Success,
        Usage,
    };
    let order = [
        Usage,
        Internal,
        Nondeterminism,
        Correctness,
        Slo,
        Regression,
        Coverage,
        Inconclusive,
    ];
    let codes: Vec<_> = order.iter().map(|class| class.code()).collect();
    assert_eq!(codes, [2, 70, 7, 1, 3, 6, 4, 5]);
    for (position, class) in order.iter().enumerate() {
        assert_eq!(
            ExitClass::decide(order[position..].iter().rev().copied()),
            *class
        );
    }
    assert_eq!(ExitClass::decide([]), Success);
}

#[test]
fn a_sweep_that_tested_nothing_is_not_green() {
    let nothing = report_of(Mode::Run, |_| ());
    assert_eq!(nothing.exit_class(), ExitClass::Coverage);
    let vacuous = |mode| report_of(mode, |all| all.add(run_with(Answer::Pass, 0))).exit_class();
    assert_eq!(vacuous(Mode::Gate), ExitClass::Coverage);
    let missed = report_of(Mode::Gate, |all| {
        all.expect_point("leader_elected", 10_000, 3);
        all.add(run_with(Answer::Pass, 10));
    });
    assert_eq!(missed.exit_class(), ExitClass::Coverage);
    let unknown = report_of(Mode::Run, |all| all.add(run_with(Answer::Unknown, 10)));
    assert_eq!(unknown.exit_class(), ExitClass::Inconclusive);
    let good = report_of(Mode::Run, |all| all.add(run_with(Answer::Pass, 10)));
    assert_eq!(good.exit_class(), ExitClass::Success);
}

#[test]
fn a_warned_class_stays_visible_and_trust_cannot_be_warned_away() {
    let mut report = support::report();
    report.warn = [ExitClass::Correctness, ExitClass::Nondeterminism].into();
    assert_eq!(report.exit_class(), ExitClass::Slo);
    assert!(report.exit_classes().contains(&ExitClass::Correctness));
    report
        .determinism
        .differing
        .insert("seed 4: step 19".into());
    assert_eq!(report.exit_class(), ExitClass::Nondeterminism);
}

#[test]
fn a_timeline_keeps_every_event_whatever_the_length_of_the_run() {
    let mut dice = Dice::new(77);
    let mut events: Vec<_> = (0..30_000_u64)
        .map(|turn| (turn * 3_000, dice.latency(40_000)))
        .collect();
    let draw = |events: &[(u64, u64)]| {
        let mut timeline = Timeline::new();
        for (due, latency) in events {
            let (due, at) = (Micros(*due), Micros(due + latency));
            timeline.offered(due, 1, 1);
            timeline.accepted(at, 1);
            timeline.processed(at, 1);
            timeline.visible(due, at);
        }
        timeline.offered(Micros(50_000_000), 3, 2);
        timeline.never(Micros(50_000_000), 2);
        timeline.visible_again(Micros(89_000_000), 5);
        timeline.finish(Vec::new(), Vec::new())
    };
    let run = draw(&events);
    assert!(
        run.slots.len() <= 200 && run.slots.len() > 100,
        "{} slots",
        run.slots.len()
    );
    let sum = |pick: fn(&Slot) -> u64| run.slots.iter().map(pick).sum::<u64>();
    assert_eq!(sum(|slot| slot.offered), 30_003);
    assert_eq!(sum(|slot| slot.visible), 30_005);
    assert_eq!(sum(|slot| slot.never), 2);
    assert_eq!(
        run.slots.last().unwrap().backlog,
        2,
        "what never came is still owed"
    );
    let slot = run.slots.iter().find(|slot| slot.never > 0).unwrap();
    assert!(slot.p50 < slot.p99 && slot.max.is_some());
    events.reverse();
    assert_eq!(draw(&events), run, "the order of feeding changes nothing");
}

#[test]
fn an_slo_needs_ten_samples_beyond_its_percentile_and_a_phase_that_occurred() {
    let slo = Slo {
        expression: "end-to-end p99 <= 1ms".into(),
        phase: SamplePhase::Steady,
        series: "end-to-end".into(),
        quantile: Some(Quantile::P99),
        of_delivered: false,
        threshold: Threshold::at_most(Value::Micros(1_000)),
        allow: 0,
    };
    assert_eq!(Quantile::P99.samples_min(), 1_000);
    assert_eq!(Quantile::P999.samples_min(), 10_000);
    let judged = |fast: u64, slow: u64, never: u64| {
        let mut run = RunOutcome::new(0, 1);
        let data = run.histograms.of("end-to-end", SamplePhase::Steady);
        data.record_many(500, fast);
        data.record_many(5_000, slow);
        data.record_never(never);
        slo.judge(&run.histograms).answer
    };
    assert_eq!(judged(0, 0, 0), Answer::NotApplicable);
    assert_eq!(judged(999, 0, 0), Answer::Unknown);
    assert_eq!(judged(1_000, 0, 0), Answer::Pass);
    assert_eq!(judged(990, 10, 0), Answer::Pass);
    assert_eq!(judged(989, 11, 0), Answer::Fail);
    assert_eq!(judged(989, 0, 11), Answer::Fail);
    assert_eq!(judged(10, 0, 10), Answer::Unknown, "loss is for the checks");
    let never_asked = report_of(Mode::Gate, |all| {
        let mut run = run_with(Answer::Pass, 10);
        run.slos = vec![slo.not_applicable()];
        all.add(run);
    });
    assert_eq!(never_asked.exit_class(), ExitClass::Coverage);
}
