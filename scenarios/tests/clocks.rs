//! Leases and clocks: half a second of skew, 200 ppm of drift and a step back by a second each break a lease that
//! ends by the wall clock, and neither its twin on monotonic clocks nor the one whose sink refuses lower tokens.
//! `STORMGLASS_SEEDS` raises the number of seeds.

#![allow(clippy::print_stdout, reason = "the figures are what the test is for")]
#![allow(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

mod rig;

use rig::{assembly, each, failing, run_seed, seeds};
use std::collections::BTreeMap;

/// How a case fares over some seeds: in how many the check of leases fails, and what else failed, with the first
/// seed and finding.
fn tally(file: &str, variant: Option<&str>, count: u64) -> (u64, BTreeMap<&'static str, String>) {
    let design = assembly(file, variant);
    let numbers: Vec<u64> = (1..=count).collect();
    let mut broken = 0;
    let mut others = BTreeMap::new();
    for (seed, ran) in numbers
        .iter()
        .zip(each(&numbers, |seed| run_seed(&design, *seed)))
    {
        let outcome = ran.outcome;
        assert!(
            outcome.points.contains_key("lease.handed-over"),
            "{file} {variant:?}, seed {seed}: the lease stayed where it was"
        );
        for (check, sentence) in failing(&outcome) {
            if check == "one-holder" {
                broken += 1;
            } else {
                let found = format!("seed {seed}: {sentence}");
                others.entry(check).or_insert(found);
            }
        }
    }
    println!("{file} {variant:?}: one-holder broken in {broken} of {count} seeds");
    (broken, others)
}

/// The wall clock's lease breaks in at least `least` percent of the seeds, its twins in none.
fn compare(file: &str, few: u64, least: u64) {
    let count = seeds(few);
    let (broken, others) = tally(file, None, count);
    assert!(
        broken * 100 >= least * count,
        "{file}: only {broken} of {count}"
    );
    assert_eq!(others, BTreeMap::new(), "{file}: only leases are at stake");
    for twin in ["monotonic", "fenced"] {
        let (broken, others) = tally(file, Some(twin), count);
        assert_eq!((broken, others), (0, BTreeMap::new()), "{file}, {twin}");
    }
}

#[test]
fn half_a_second_of_skew_breaks_a_lease_by_the_wall_clock_and_neither_twin() {
    compare("clocks/lease-skew.toml", 10, 50);
}

#[test]
fn a_step_back_by_a_second_breaks_a_lease_by_the_wall_clock_and_neither_twin() {
    compare("clocks/lease-step.toml", 10, 50);
}

#[test]
fn ten_minutes_at_200_ppm_break_a_lease_by_the_wall_clock_and_neither_twin() {
    compare("clocks/lease-drift.toml", 4, 50);
}
