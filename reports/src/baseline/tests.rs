use super::*;
use crate::model::SamplePhase;
use crate::model::against::Moved;
use crate::model::outcome::Failure;
use crate::model::value::Value;

const STAGES: [&str; 2] = ["send", "replicate"];

fn subject(count: u64) -> Subject {
    Subject {
        scenario: "orders".into(),
        variant: String::new(),
        profile: "same-zone".into(),
        models: vec!["log/1".into()],
        seeds: SeedSet {
            base: "baseline".into(),
            count,
        },
        margin_ppm: 10_000,
        settings: BTreeMap::from([("source.orders.arrival".into(), "300".into())]),
        hardware: BTreeMap::from([("disk.write".into(), "1us".into())]),
    }
}

/// Seeds of 2,000 events: `factor` is by what the replicate stage is multiplied, in thousandths.
fn baseline(count: u64, factor: u64) -> Baseline {
    let mut gathering = Gathering::new(subject(count), STAGES.map(String::from).to_vec());
    for index in 0..count {
        let mut run = RunOutcome::new(index, 1_000 + index);
        for event in 0..2_000 {
            let send = 400 + (index * 7 + event * 13) % 50;
            let replicate = (9_000 + (index * 31 + event * 17) % 400) * factor / 1_000;
            for (series, took) in [
                ("send", send),
                ("replicate", replicate),
                ("end-to-end", send + replicate),
            ] {
                run.histograms.of(series, SamplePhase::Calm).record(took);
            }
        }
        run.totals.owed = 2_000;
        run.totals.delivered = 2_000;
        run.cost.messages = 5_000 + index;
        gathering.add(&run);
    }
    gathering.finish()
}

#[test]
fn a_file_reads_back_and_has_a_line_for_each_figure() {
    let written = baseline(6, 1_000);
    let text = written.render();
    assert_eq!(Baseline::parse(&text), Ok(written));
    let line = "\"values\": \"5000 5001 5002 5003 5004 5005\"";
    assert_eq!(text.matches(line).count(), 1, "{text}");
}

#[test]
fn what_is_no_baseline_is_refused_with_its_reason() {
    let text = baseline(5, 1_000).render();
    for (from, to, reason) in [
        ("{", "", "it is no JSON"),
        (
            "baseline/1",
            "baseline/9",
            "it has the format stormglass.baseline/9",
        ),
        ("\"schema\"", "\"scheme\"", "it does not say"),
        ("5000 ", "", "packets has not 5 values"),
        ("5000 ", "x ", "packets has not 5 values"),
        ("\"count\": 5", "\"number\": 5", "missing field `count`"),
    ] {
        let broken = text.replacen(from, to, 1);
        let NoBaseline(said) = Baseline::parse(&broken).unwrap_err();
        assert!(said.contains(reason), "{said} for {reason}");
    }
}

#[test]
fn the_same_figures_are_the_same_and_nothing_else() {
    let then = baseline(64, 1_000);
    let against = judge(&then, &then, 10_000);
    assert!(
        against.rows.iter().all(|row| row.moved == Moved::Same),
        "{against:?}"
    );
    assert_eq!(against.regressions(), Vec::<String>::new());
    assert_eq!(against.sentence(), "64 seeds, margin 1 %: 3 same");
}

#[test]
fn two_percent_is_a_regression_that_names_its_stage_and_half_a_percent_is_none() {
    let then = baseline(64, 1_000);
    let against = judge(&then, &baseline(64, 1_025), 10_000);
    let lines = against.regressions();
    assert!(
        lines[0].starts_with("end-to-end p50 (calm): 9.63 ms to 9.86 ms, +2.3"),
        "{lines:?}"
    );
    assert!(lines[0].contains("stage replicate"), "{lines:?}");
    assert!(lines[0].ends_with("100 % of what grew"), "{lines:?}");
    assert!(
        lines
            .iter()
            .any(|line| line.starts_with("end-to-end p99 (calm)")),
        "{lines:?}"
    );
    let against = judge(&then, &baseline(64, 1_005), 10_000);
    assert_eq!(against.regressions(), Vec::<String>::new());
    assert!(
        against.rows.iter().any(|row| row.moved == Moved::Within),
        "{against:?}"
    );
}

#[test]
fn an_improvement_is_shown_and_is_no_regression() {
    let against = judge(&baseline(64, 1_025), &baseline(64, 1_000), 10_000);
    assert_eq!(against.regressions(), Vec::<String>::new());
    let first = &against.rows[0];
    assert_eq!(
        (first.moved, first.after),
        (Moved::Better, Some(Value::Micros(9_628)))
    );
}

#[test]
fn a_seed_that_fails_and_did_not_is_a_regression() {
    let gathered = |fails: bool| {
        let mut gathering = Gathering::new(subject(1), Vec::new());
        let mut run = RunOutcome::new(0, 77);
        if fails {
            run.failures.push(Failure {
                signature: "no-loss · lost-write".into(),
                ..Failure::default()
            });
        }
        gathering.add(&run);
        gathering.finish()
    };
    let against = judge(&gathered(false), &gathered(true), 10_000);
    let line = "seed 77 fails, and did not then: no-loss · lost-write";
    assert_eq!(against.regressions(), [line]);
    assert_eq!(
        judge(&gathered(true), &gathered(true), 10_000).newly_failing,
        [""; 0]
    );
}

#[test]
fn settings_models_and_profile_invalidate_and_new_defaults_and_hardware_do_not() {
    let then = subject(8);
    let differs =
        |now: &Subject, written: &[&str]| then.differs(now, &|key| written.contains(&key));
    assert_eq!(differs(&then, &[]), [""; 0]);
    let mut now = then.clone();
    now.models = vec!["log/2".into()];
    now.profile = "laptop".into();
    let lines = differs(&now, &[]);
    assert_eq!(
        lines,
        [
            "the profile was same-zone and is laptop",
            "the list of models was log/1 and is log/2"
        ]
    );
    let mut now = then.clone();
    now.settings.insert("broker.main.fresh".into(), "7".into());
    assert_eq!(differs(&now, &[]), [""; 0], "it did not exist then");
    let written = differs(&now, &["broker.main.fresh"]);
    assert_eq!(written, ["broker.main.fresh was not there and is 7"]);
    let mut now = then.clone();
    now.hardware.insert("disk.write".into(), "2us".into());
    assert_eq!(differs(&now, &[]), [""; 0]);
    assert_eq!(
        then.hardware_moves(&now),
        ["the profile's disk.write was 1us and is 2us"]
    );
}
