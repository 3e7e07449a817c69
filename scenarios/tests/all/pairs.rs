//! Pairs of designs that differ in one setting and meet the same faults: one loses or repeats, its twin does
//! not, although it passes the same points. `STORMGLASS_SEEDS` raises the number of seeds.

#![allow(clippy::print_stdout, reason = "the figures are what the test is for")]
#![allow(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

use crate::rig::{assembly, each, failing, run_seed, seeds};
use std::collections::BTreeMap;
use std::sync::Arc;
use stormglass_core::check::{Answer, End, Judgement, Panel, catalog};
use stormglass_core::fault::{Fault, FaultKind, FaultPlan, Target};
use stormglass_core::history::{Fact, FactKind, Kinds};
use stormglass_core::promise::{Fit, judge};
use stormglass_core::rng::Seed;
use stormglass_core::time::Span;
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::run::{Driver, Ran, run_plan};
use stormglass_sim::drive::bare;

/// A twin keeps at least this share of its offered load in `calm`, in percent (B6).
const GOODPUT: u64 = 80;

/// One design over all seeds.
#[derive(Default)]
struct Tally {
    /// Runs in which the check of the question fails.
    broken: u64,
    /// Runs that pass everything that is required of them.
    passed: u64,
    /// Other checks that failed, with the first seed and finding.
    others: BTreeMap<&'static str, (u64, String)>,
    /// By point: in how many runs it was passed.
    points: BTreeMap<&'static str, u64>,
    /// Events due while measured and owed, and those of them delivered.
    owed: u64,
    delivered: u64,
}

fn tally(file: &str, variant: Option<&str>, check: &str, count: u64) -> Tally {
    let design = assembly(file, variant);
    let numbers: Vec<u64> = (1..=count).collect();
    let mut tally = Tally::default();
    for (seed, ran) in numbers
        .iter()
        .zip(each(&numbers, |seed| run_seed(&design, *seed)))
    {
        assert_eq!(ran.outside, None, "{file} {variant:?}, seed {seed}");
        let outcome = ran.outcome;
        tally.passed += u64::from(outcome.answer() == Answer::Pass);
        for (name, sentence) in failing(&outcome) {
            if name == check {
                tally.broken += 1;
            } else {
                tally.others.entry(name).or_insert((*seed, sentence));
            }
        }
        for point in outcome.points.keys() {
            *tally.points.entry(point).or_default() += 1;
        }
        tally.owed += outcome.metrics.totals.owed_measured;
        tally.delivered += outcome.metrics.totals.delivered_measured;
    }
    tally
}

/// A question about a pair.
struct Pair<'a> {
    file: &'a str,
    /// The variant that is the careless design; none is the case as written.
    careless: Option<&'a str>,
    sound: Option<&'a str>,
    /// What the careless one breaks.
    check: &'a str,
    /// In at least so many of 200 seeds.
    of_200: u64,
    /// Seeds unless the environment asks for more.
    few: u64,
    /// The points in which its window lies.
    points: &'a [&'static str],
}

fn compare(pair: &Pair<'_>) {
    let count = seeds(pair.few);
    let careless = tally(pair.file, pair.careless, pair.check, count);
    let sound = tally(pair.file, pair.sound, pair.check, count);
    println!(
        "{}: {} breaks in {} of {count} seeds, in its twin in {}",
        pair.file, pair.check, careless.broken, sound.broken
    );
    let least = (pair.of_200 * count).div_ceil(200);
    assert!(
        careless.broken >= least,
        "{}: only {} of {count}",
        pair.file,
        careless.broken
    );
    assert_eq!(sound.broken, 0, "{}: {} of the twin", pair.file, pair.check);
    assert_eq!(sound.others, BTreeMap::new(), "{}: the twin", pair.file);
    assert!(
        sound.passed * 2 >= count,
        "{}: the twin passes {} of {count}",
        pair.file,
        sound.passed
    );
    for point in pair.points {
        let of = |tally: &Tally| tally.points.get(point).copied().unwrap_or(0);
        let (vulnerable, twin) = (of(&careless), of(&sound));
        println!(
            "{}: {point} in {vulnerable} seeds, in its twin in {twin}",
            pair.file
        );
        assert!(
            vulnerable > 0 && twin * 2 >= vulnerable,
            "{}: {point}",
            pair.file
        );
    }
    let goodput = sound.delivered * 100 / sound.owed.max(1);
    assert!(
        goodput >= GOODPUT,
        "{}: the twin delivers {goodput} %",
        pair.file
    );
}

#[test]
fn an_answer_of_the_leader_alone_loses_and_one_of_all_in_sync_replicas_does_not() {
    compare(&Pair {
        file: "pairs/acks.toml",
        careless: None,
        sound: Some("acks-all"),
        check: "no-loss",
        of_200: 5,
        few: 20,
        points: &["log.leader-changed", "log.truncated"],
    });
}

#[test]
fn a_worker_that_settles_first_loses_and_one_that_writes_first_does_not() {
    compare(&Pair {
        file: "pairs/settle.toml",
        careless: None,
        sound: Some("write-first"),
        check: "no-loss",
        of_200: 5,
        few: 12,
        points: &["processor.released"],
    });
}

#[test]
fn an_appending_table_shows_a_replay_twice_and_a_transactional_one_does_not() {
    compare(&Pair {
        file: "pairs/sinks.toml",
        careless: None,
        sound: Some("transactional"),
        check: "no-duplicates",
        of_200: 5,
        few: 12,
        points: &["processor.released"],
    });
}

/// The power of one broker node fails so long after the start of chaos.
fn power_loss(design: &Assembly, node: u16, after: Span) -> Fault {
    Fault {
        name: None,
        at: design.case().phases.chaos_starts() + after,
        lasts: Span::millis(300),
        kind: FaultKind::PowerLoss { torn: false },
        target: Target::OneOf("broker.main".to_owned(), node),
        planned: false,
    }
}

/// What a check says if nobody asks whether the plan was within the envelope.
fn regardless(design: &Arc<Assembly>, seed: u64, plan: &FaultPlan, check: &str) -> Judgement {
    let (topology, plan) = (design.topology(), Arc::new(plan.clone()));
    let checker = catalog::make(check, &topology, &plan, design.references()).unwrap();
    let mut panel = Panel::new(topology, Arc::clone(&plan), vec![checker]);
    let wanted = panel.wants().union(Kinds::of(&[FactKind::AuditDone]));
    let mut world = design.world(Seed(seed), FaultPlan::clone(&plan), wanted, None);
    let mut audited = false;
    bare(
        &mut world,
        design.audit_at() + design.audit_patience(),
        &mut |_, seen| {
            panel.observe(&seen);
            audited |= seen.fact == Fact::AuditDone;
            !audited
        },
    );
    let end = End {
        time: design.audit_at(),
        audited,
        ..End::default()
    };
    panel.finish(&end).remove(0)
}

#[test]
fn two_power_losses_inside_the_catch_up_bound_lose_and_are_promised_by_nobody() {
    let design = assembly("pairs/power.toml", None);
    let topology = design.topology();
    let seconds = Span::secs(2);
    let plan = |faults: Vec<Fault>| FaultPlan { faults };
    let one = plan(vec![power_loss(&design, 0, seconds)]);
    let two = plan(vec![
        power_loss(&design, 0, seconds),
        power_loss(&design, 1, seconds + Span::millis(50)),
    ]);
    assert_eq!(judge(&one, &topology), Fit::Inside);
    let Fit::Outside { fault, why } = judge(&two, &topology) else {
        panic!("two machines without power are more than the broker promises");
    };
    assert_eq!(fault, 1, "{why}");
    let count = seeds(10);
    let numbers: Vec<u64> = (1..=count).collect();
    let lost = |plan: &FaultPlan| -> Vec<u64> {
        let judgements = each(&numbers, |seed| {
            regardless(&design, *seed, plan, "no-log-loss")
        });
        let failed = numbers.iter().zip(judgements).filter(|(seed, judgement)| {
            let is_judged = matches!(judgement.answer, Answer::Pass | Answer::Fail);
            assert!(
                is_judged && judgement.judged > 0,
                "seed {seed}: {judgement:?}"
            );
            judgement.answer == Answer::Fail
        });
        failed.map(|(seed, _)| *seed).collect()
    };
    assert_eq!(
        lost(&one),
        Vec::<u64>::new(),
        "one power loss is inside the envelope"
    );
    let broken = lost(&two);
    println!("two power losses lose in {} of {count} seeds", broken.len());
    assert!(!broken.is_empty(), "the bound is not where the loss begins");
    // A run says that nobody promised anything, and not that something was broken.
    let Ran {
        outcome, outside, ..
    } = run_plan(&design, broken[0], two.clone(), Driver::Auto);
    assert_eq!(outside, Some(why));
    let judgement = outcome
        .judgements
        .iter()
        .find(|one| one.check == "no-loss")
        .unwrap();
    assert_eq!(judgement.answer, Answer::NotApplicable);
    let inside = run_plan(&design, broken[0], one.clone(), Driver::Auto);
    assert_eq!(
        (inside.outside, failing(&inside.outcome)),
        (None, BTreeMap::new())
    );
}
