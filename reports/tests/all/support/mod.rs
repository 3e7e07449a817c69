//! A made-up sweep: every kind of row, drawn from a fixed generator.
pub mod explained;
pub mod recorded;

use std::collections::BTreeSet;
use std::sync::LazyLock;

use stormglass_reports::model::outcome::{Answer, CheckRun, Failure, RunOutcome, Totals};
use stormglass_reports::model::shown::{FaultBand, PhaseSpan, RunPhase, ShownRun, Slot};
use stormglass_reports::model::slo::Slo;
use stormglass_reports::model::value::{Micros, Quantile, Threshold, Value};
use stormglass_reports::model::{Calibration, Identity, Mode, SamplePhase, Setting, SettingSource};
use stormglass_reports::{Collector, Report, RunOutcome as Outcome};

/// Runs of the sample.
pub const RUNS: u64 = 64;

/// A small fixed generator: SplitMix64.
pub struct Dice(u64);

impl Dice {
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    pub fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (mixed ^ (mixed >> 31)) % bound
    }

    /// A skewed latency: most draws near `typical`, a few far above.
    pub fn latency(&mut self, typical: u64) -> u64 {
        let mut value = typical / 2 + self.below(typical);
        while self.below(6) == 0 {
            value += value / 2 + self.below(typical);
        }
        value
    }
}

pub fn identity() -> Identity {
    Identity {
        scenario: "orders-once".into(),
        variant: "blind-upsert".into(),
        question: "Do orders reach the warehouse once, whatever crashes?".into(),
        mode: Mode::Gate,
        tool_version: "0.1.0".into(),
        model_versions: vec!["log/1".into(), "processor/1".into(), "upsert/1".into()],
        fingerprint_algorithm: "fp/1".into(),
        profile: "cloud-general".into(),
        calibration: Calibration::Uncalibrated,
        time_scale: 1,
        command: "stormglass gate scenarios/delivery/orders-once.toml --seeds 64".into(),
        replay: "stormglass replay scenarios/delivery/orders-once.toml --seed {seed}".into(),
        file: "scenarios/delivery/orders-once.toml".into(),
        lines: [(String::new(), 2), ("no-loss".to_owned(), 40)].into(),
        expected_exit: 0,
        headline_series: "end-to-end".into(),
        stage_series: vec!["produce".into(), "fetch".into()],
    }
}

pub fn configuration() -> Vec<Setting> {
    use SettingSource::{Default, File, Variant};
    [
        ("run.warmup", "5s", File),
        ("run.chaos", "60s", File),
        ("run.calm", "22s", Default),
        ("source.orders.arrival", "poisson 2000/s", File),
        ("broker.main.nodes", "3", File),
        ("broker.main.acks", "all", File),
        ("broker.main.session_timeout", "45s", Default),
        ("processor.totals.checkpoint", "5s", File),
        ("processor.totals.delivery", "at-least-once", File),
        ("sink.warehouse.kind", "upsert", File),
        ("sink.warehouse.versioned", "false", Variant),
    ]
    .into_iter()
    .map(|(key, value, source)| Setting::new(key, value, source))
    .collect()
}

fn faults() -> Vec<FaultBand> {
    let band = |name: &str,
                kind: &str,
                target: &str,
                resolved: &str,
                seconds: (u64, u64),
                effect: &str| {
        FaultBand {
            name: name.into(),
            kind: kind.into(),
            target: target.into(),
            resolved: (!resolved.is_empty()).then(|| resolved.into()),
            start: Micros::from_millis(seconds.0),
            end: Micros::from_millis(seconds.1),
            effect: effect.into(),
        }
    };
    vec![
        band(
            "",
            "slow-disk",
            "broker.main",
            "broker.main.2",
            (9_500, 17_000),
            "syncs took 40 ms",
        ),
        band(
            "leader-dies",
            "crash",
            "leader of broker.main",
            "broker.main.0",
            (22_000, 31_000),
            "leader moved to broker.main.1 after 6.2 s",
        ),
        band(
            "",
            "partition",
            "processor.totals | broker.main",
            "processor.totals.1",
            (28_000, 34_500),
            "group rebalanced twice",
        ),
        band(
            "",
            "clock-skew",
            "processor.totals",
            "processor.totals.0",
            (45_000, 60_000),
            "wall clock 900 ms ahead",
        ),
        band(
            "",
            "crash",
            "coordinator of broker.main",
            "",
            (61_000, 63_000),
            "",
        ),
    ]
}

fn shown(dice: &mut Dice) -> ShownRun {
    let spans = [
        (RunPhase::Warmup, 0, 5),
        (RunPhase::Chaos, 5, 65),
        (RunPhase::Calm, 65, 87),
        (RunPhase::Drain, 87, 95),
    ];
    let slot_width = Micros::from_millis(500);
    let mut backlog = 0_u64;
    let slots = (0..190_u64).map(|index| {
        let at = index * 500;
        let crashed = (22_000..31_000).contains(&at);
        let degraded = (9_500..17_000).contains(&at) || (28_000..34_500).contains(&at);
        let drained = at >= 87_000;
        let offered = if drained { 0 } else { 960 + dice.below(80) };
        let accepted = if crashed && at < 28_200 {
            offered / 9
        } else {
            offered
        };
        let capacity = if crashed {
            180
        } else if degraded {
            820
        } else {
            1_350
        };
        let queue = backlog + offered;
        let visible = queue.min(capacity + dice.below(60));
        backlog = queue - visible;
        let wait = backlog * 1_000_000 / 2_700;
        let base = 14_000 + dice.below(4_000) + wait;
        Slot {
            start: Micros::from_millis(at),
            offered,
            accepted,
            processed: visible + if crashed { dice.below(90) } else { 0 },
            visible,
            backlog,
            p50: (!drained).then_some(Micros(base)),
            p90: (!drained).then_some(Micros(base * 3 / 2 + dice.below(5_000))),
            p99: (!drained).then_some(Micros(base * 2 + 9_000 + dice.below(20_000))),
            max: (!drained).then_some(Micros(base * 3 + 30_000 + dice.below(90_000))),
            never: if (44..=46).contains(&index) { 3 } else { 0 },
            ..Slot::default()
        }
    });
    let slots = slots.collect();
    let span = |(phase, start, end)| PhaseSpan {
        phase,
        start: Micros::from_secs(start),
        end: Micros::from_secs(end),
    };
    let mut run = ShownRun {
        phases: spans.into_iter().map(span).collect(),
        slot_width,
        slots,
        faults: faults(),
        ..ShownRun::default()
    };
    recorded::record(&mut run);
    run
}

fn check(name: &str, promise: &str, answer: Answer, judged: u64, reason: &str) -> CheckRun {
    CheckRun {
        name: name.into(),
        promise: promise.into(),
        answer,
        judged,
        exercised: judged > 0,
        reason: reason.into(),
    }
}

fn failure(kind: u64) -> Failure {
    if kind == 0 {
        return Failure {
            signature: "exactly-once/duplicate-effect/sink.upsert/crash@after_write_before_settle".into(),
            sentence: "The sink applied an order twice: it wrote, crashed before the position was stored, and \
                the retry used a new key.".into(),
            check: "exactly-once".into(),
            anomaly: "duplicate-effect".into(),
            witness: vec![
                "22.000 s  broker.main.0 crashed (leader of orders/3)".into(),
                "22.418 s  sink.warehouse applied orders#20417 (first effect)".into(),
                "22.419 s  processor.totals.1 crashed at after_write_before_settle".into(),
                "28.201 s  processor.totals.0 resumed orders/3 at offset 3391".into(),
                "28.377 s  sink.warehouse applied orders#20417 (second effect)".into(),
            ],
            faults: vec![
                "crash(leader of broker.main -> broker.main.0) 22 s to 31 s".into(),
                "crash_at(processor.totals.1, after_write_before_settle) 22.419 s".into(),
            ],
        };
    }
    Failure {
        signature: "per-key-order/reordered/processor/partition".into(),
        sentence: "Two orders of one key became visible in the wrong order: <script>alert(1)</script> & \"both\" \
            owners of a partition wrote.".into(),
        check: "per-key-order".into(),
        anomaly: "reordered".into(),
        witness: vec!["33.010 s  key 77: visible orders#31002, then orders#30990".into()],
        faults: vec!["partition(processor.totals.1 | broker.main) 28 s to 34.5 s".into()],
    }
}

/// One run of the sample.
pub fn outcome(index: u64) -> Outcome {
    let seed = 1_000 + index * 7;
    let mut dice = Dice::new(seed);
    let mut run = RunOutcome::new(index, seed);
    run.fingerprint = dice.below(u64::MAX);
    run.virtual_duration = Micros::from_secs(95);
    let duplicates = index % 9 == 5;
    let reordered = index == 40;
    let slow = index % 21 == 5;
    let unknown = index == 17;
    let not_applicable = index % 16 == 3;
    let lost_forever = u64::from(slow) * 14;
    let typicals = [
        (SamplePhase::Steady, 15_000, 1_200),
        (
            SamplePhase::DuringFaults,
            if slow { 300_000 } else { 90_000 },
            1_000,
        ),
        (SamplePhase::Recovery, 40_000, 200),
    ];
    for (phase, typical, count) in typicals {
        for _ in 0..count {
            let micros = dice.latency(typical);
            run.histograms
                .of("end-to-end", phase.clone())
                .record(micros);
            run.histograms
                .of("end-to-end", SamplePhase::All)
                .record(micros);
            run.histograms
                .of("publish", SamplePhase::All)
                .record(micros / 5);
        }
    }
    let sent = run.histograms.of("end-to-end-from-send", SamplePhase::All);
    for number in 0..400 {
        sent.record(9_000 + number * 11);
    }
    for phase in [SamplePhase::DuringFaults, SamplePhase::All] {
        run.histograms
            .of("end-to-end", phase)
            .record_never(lost_forever);
    }
    let told = |bad: bool| if bad { Answer::Fail } else { Answer::Pass };
    let loss = if not_applicable {
        Answer::NotApplicable
    } else {
        Answer::Pass
    };
    run.checks = vec![
        check(
            "exactly-once",
            "The sink applies each order once.",
            told(duplicates),
            1_500,
            "",
        ),
        check(
            "per-key-order",
            "Orders of one key become visible in order.",
            told(reordered),
            1_500,
            "",
        ),
        check(
            "no-loss",
            "Every acknowledged order becomes visible.",
            loss,
            if not_applicable { 0 } else { 1_440 },
            if not_applicable {
                "no acknowledged event fell into a fault"
            } else {
                ""
            },
        ),
        check(
            "converges",
            "After the drain nothing is in flight.",
            if unknown {
                Answer::Unknown
            } else {
                Answer::Pass
            },
            u64::from(!unknown) * 1_500,
            if unknown {
                "the step limit cut the drain"
            } else {
                ""
            },
        ),
        check(
            "transactional-reads",
            "Readers see committed events only.",
            Answer::NotApplicable,
            0,
            "no transactions in use",
        ),
    ];
    if duplicates {
        run.failures.push(failure(0));
    }
    if reordered {
        run.failures.push(failure(1));
    }
    for (phase, limit) in [
        (SamplePhase::Steady, 100_000),
        (SamplePhase::DuringFaults, 2_000_000),
    ] {
        let slo = Slo {
            expression: format!("end-to-end p99 <= {}", Micros(limit)),
            phase,
            series: "end-to-end".into(),
            quantile: Some(Quantile::P99),
            of_delivered: false,
            threshold: Threshold::at_most(Value::Micros(limit)),
            allow: 0,
        };
        run.slos.push(slo.judge(&run.histograms));
    }
    let recovery = if slow {
        Value::Never
    } else {
        Value::Micros(4_000_000 + dice.below(9_000_000))
    };
    let slo = Slo {
        expression: "recovery <= 30s".into(),
        phase: SamplePhase::Recovery,
        series: "recovery".into(),
        quantile: None,
        of_delivered: false,
        threshold: Threshold::at_most(Value::Micros(30_000_000)),
        allow: 5,
    };
    run.slos
        .push(slo.judge_value(Some(recovery), 2_400, 2_400 + lost_forever));
    run.recoveries = vec![recovery];
    run.points.push("after_write_before_settle".into());
    if index.is_multiple_of(4) {
        run.points.push("leader_elected".into());
    }
    if index == 9 {
        run.points.push("rebalance_during_commit".into());
    }
    run.totals = Totals {
        measured: Micros::from_secs(82),
        offered: 164_000 + dice.below(900),
        accepted: 159_000,
        processed: 161_200,
        visible: 159_300,
        visible_measured: 159_300,
        delivered: 159_100,
        delivered_measured: 159_100,
        owed: 159_100 + lost_forever,
        duplicates: if duplicates { 214 } else { 0 },
        backlog_max: 9_000 + dice.below(2_000),
        late: 0,
    };
    if unknown {
        run.unknown = Some("the step limit cut the drain".into());
    }
    run.notes
        .push("retention of broker.main/orders removed no unread event".into());
    run.shown = Some(shown(&mut dice));
    run
}

pub fn collector() -> Collector {
    let mut collector = Collector::new("end-to-end");
    collector.expect_point("after_write_before_settle", 10_000, 3);
    collector.expect_point("leader_elected", 10_000, 3);
    collector.expect_point("rebalance_during_commit", 10_000, 3);
    collector
}

pub fn finish(collector: Collector) -> Report {
    let text = "# Do orders reach the warehouse once, whatever crashes?\nname = \"orders-once\"\n\n\
                [run]\nwarmup = \"5s\"\nchaos = \"60s\"\n";
    let mut report = collector.finish(identity(), configuration(), text.into(), BTreeSet::new());
    if let Some(group) = report.failures.first_mut() {
        group.explained = Some(explained::explained());
    }
    report
}

/// The sample sweep, gathered once for all tests.
pub fn report() -> Report {
    static SAMPLE: LazyLock<Report> = LazyLock::new(gathered);
    SAMPLE.clone()
}

fn gathered() -> Report {
    let mut all = collector();
    for index in 0..RUNS {
        all.add(outcome(index));
    }
    for _ in 0..8 {
        all.add_determinism(None);
    }
    finish(all)
}

/// The sample sweep without its failing runs and with every point reached.
pub fn passing() -> Report {
    let mut all = Collector::new("end-to-end");
    all.expect_point("after_write_before_settle", 10_000, 3);
    for index in 0..RUNS {
        let run = outcome(index);
        if run.answer() == Answer::Pass && run.recoveries != [Value::Never] {
            all.add(run);
        }
    }
    finish(all)
}
