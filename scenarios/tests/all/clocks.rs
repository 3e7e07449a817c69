//! Leases, watermarks and clocks: half a second of skew, 200 ppm of drift and a step by a second each break a lease
//! that ends by the wall clock and a watermark that follows it, and none of their twins; without the fault the wall
//! clock breaks nothing. `STORMGLASS_SEEDS` raises the number of seeds.

#![allow(clippy::print_stdout, reason = "the figures are what the test is for")]
#![allow(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

use crate::rig::{assembly, each, failing, run_seed, seeds};
use std::collections::BTreeMap;
use stormglass_core::fault::FaultPlan;
use stormglass_scenarios::run::{Driver, run_plan};

/// What a clock that is wrong breaks.
struct Harm {
    /// The checks that say so.
    checks: &'static [&'static str],
    /// The point at which a run does what is asked about.
    point: &'static str,
    /// Variants that no clock breaks.
    twins: &'static [&'static str],
}

const LEASE: Harm = Harm {
    checks: &["one-holder"],
    point: "lease.handed-over",
    twins: &["monotonic", "fenced"],
};

const WATERMARK: Harm = Harm {
    checks: &["watermark-soundness", "window-equivalence"],
    point: "processor.window-fired",
    twins: &["event-time"],
};

impl Harm {
    /// How a case fares over some seeds, with its faults or without: in how many the harm is found, and what else
    /// failed, with the first seed and finding.
    fn tally(
        &self,
        (file, variant): (&str, Option<&str>),
        has_faults: bool,
        count: u64,
    ) -> (u64, BTreeMap<&'static str, String>) {
        let design = assembly(file, variant);
        let numbers: Vec<u64> = (1..=count).collect();
        let mut broken = 0;
        let mut others = BTreeMap::new();
        let runs = each(&numbers, |seed| {
            if has_faults {
                run_seed(&design, *seed)
            } else {
                run_plan(&design, *seed, FaultPlan::default(), Driver::Auto)
            }
        });
        for (seed, ran) in numbers.iter().zip(runs) {
            let outcome = ran.outcome;
            assert!(
                outcome.points.contains_key(self.point),
                "{file} {variant:?}, seed {seed}: {} was not reached",
                self.point
            );
            let mut is_harmed = false;
            for (check, sentence) in failing(&outcome) {
                if self.checks.contains(&check) {
                    is_harmed = true;
                } else {
                    let found = format!("seed {seed}: {sentence}");
                    others.entry(check).or_insert(found);
                }
            }
            broken += u64::from(is_harmed);
        }
        let with = if has_faults { "" } else { ", clocks right" };
        println!("{file} {variant:?}{with}: broken in {broken} of {count} seeds");
        (broken, others)
    }

    /// The wall clock breaks it in at least `least` percent of the seeds, and its twins in none; with clocks that are
    /// right nothing is broken.
    fn compare(&self, file: &str, few: u64, least: u64) {
        let count = seeds(few);
        let (broken, others) = self.tally((file, None), true, count);
        assert!(
            broken * 100 >= least * count,
            "{file}: only {broken} of {count}"
        );
        assert_eq!(others, BTreeMap::new(), "{file}: nothing else is at stake");
        let fine = (0, BTreeMap::new());
        for twin in self.twins {
            let found = self.tally((file, Some(twin)), true, count);
            assert_eq!(found, fine, "{file}, {twin}");
        }
        let found = self.tally((file, None), false, count);
        assert_eq!(found, fine, "{file}, clocks right");
    }
}

#[test]
fn half_a_second_of_skew_breaks_a_lease_by_the_wall_clock_and_neither_twin() {
    LEASE.compare("clocks/lease-skew.toml", 6, 50);
}

#[test]
fn a_step_back_by_a_second_breaks_a_lease_by_the_wall_clock_and_neither_twin() {
    LEASE.compare("clocks/lease-step.toml", 6, 50);
}

#[test]
fn ten_minutes_at_200_ppm_break_a_lease_by_the_wall_clock_and_neither_twin() {
    LEASE.compare("clocks/lease-drift.toml", 4, 50);
}

#[test]
fn half_a_second_of_skew_breaks_a_watermark_by_the_wall_clock_and_not_its_twin() {
    WATERMARK.compare("clocks/watermark-skew.toml", 5, 50);
}

#[test]
fn a_second_ahead_and_back_breaks_a_watermark_by_the_wall_clock_and_not_its_twin() {
    WATERMARK.compare("clocks/watermark-step.toml", 5, 50);
}

#[test]
fn ten_minutes_at_200_ppm_break_a_watermark_by_the_wall_clock_and_not_its_twin() {
    WATERMARK.compare("clocks/watermark-drift.toml", 4, 50);
}
