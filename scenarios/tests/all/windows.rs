//! Windows of event time equal a batch over the log, whatever crashes: tumbling, sliding and session windows on
//! two real traces, at least once and exactly once; at most once, some are missing and none has too much.
//!
//! `STORMGLASS_SEEDS` says how many seeds each case runs; `ci/prove.sh windows` runs 2,000.

#![allow(clippy::print_stdout, reason = "the figures are what the test is for")]
#![allow(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

use crate::rig::{assembly, each, failing, run_seed, seeds};
use stormglass_core::check::Answer;

const FILES: [&str; 2] = [
    "domains/earthquake-windows.toml",
    "domains/lab-windows.toml",
];
const KINDS: [Option<&str>; 3] = [None, Some("sliding"), Some("session")];

/// What one case showed over its seeds.
#[derive(Default)]
struct Seen {
    judged: u64,
    late: u64,
    /// Owed events that neither came nor were late, those included that were never acknowledged.
    missing: u64,
    crashed: usize,
}

fn judge(file: &str, variant: Option<&str>) -> Seen {
    let case = assembly(file, variant);
    let all: Vec<u64> = (1..=seeds(4)).collect();
    let mut seen = Seen::default();
    for (seed, ran) in all.iter().zip(each(&all, |seed| run_seed(&case, *seed))) {
        let failing = failing(&ran.outcome);
        assert!(
            failing.is_empty(),
            "{file} {variant:?}, seed {seed}: {failing:?}"
        );
        for check in ["window-equivalence", "watermark-soundness"] {
            let mut judgements = ran.outcome.judgements.iter();
            let found = judgements
                .find(|judgement| judgement.check == check)
                .unwrap();
            assert_eq!(
                found.answer,
                Answer::Pass,
                "{file} {variant:?}, seed {seed}: {check}"
            );
            seen.judged += found.judged;
        }
        let totals = &ran.outcome.metrics.totals;
        seen.late += totals.late;
        seen.missing += totals.owed - totals.late - totals.delivered;
        let faults = ran.outcome.faults.iter();
        seen.crashed += usize::from(faults.clone().any(|record| record.fault.planned));
    }
    seen
}

#[test]
fn windows_equal_a_batch_over_the_log_on_two_real_traces() {
    for file in FILES {
        for variant in KINDS {
            let seen = judge(file, variant);
            println!(
                "{file}, {}: {} seeds, {} judged, {} late, 0 wrong",
                variant.unwrap_or("tumbling"),
                seeds(4),
                seen.judged,
                seen.late
            );
            assert!(seen.judged > 0 && seen.crashed > 0, "{file} {variant:?}");
        }
    }
}

#[test]
fn at_most_once_a_crash_loses_windows_and_none_is_told_with_too_much() {
    let (file, variant) = (FILES[0], "at-most-once");
    let seen = judge(file, Some(variant));
    println!(
        "{file}, {variant}: {} seeds, {} judged, {} late, {} missing, 0 wrong",
        seeds(4),
        seen.judged,
        seen.late,
        seen.missing
    );
    assert!(seen.judged > 0 && seen.crashed > 0);
    // The same seeds at least once: what the log never had is missing from both.
    let twin = judge(file, None);
    assert!(
        seen.missing > twin.missing,
        "no crash came between a position and its rows"
    );
}
