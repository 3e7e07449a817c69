//! Every planted flaw of every reference part is found, by the check that should find it first, under plans
//! that are sampled like any other; and the sound twin is silent on the same seeds.
//!
//! The scenarios are the files under `scenarios/flaws`: the case as written is the twin, each flaw is a
//! variant, and both draw the same faults (A14).

#![allow(clippy::print_stdout, reason = "the figures are what the test is for")]
#![allow(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

use crate::rig::{assembly, each, failing, run_seed};
use std::collections::{BTreeMap, BTreeSet};
use stormglass_core::broker::log::config::LogFlaw;
use stormglass_core::broker::queue::config::QueueFlaw;
use stormglass_core::check::Answer;
use stormglass_core::lease::config::LeaseFlaw;
use stormglass_core::processor::config::ProcessorFlaw;
use stormglass_core::sink::config::SinkFlaw;

/// Every flaw is found within so many seeds.
const CAP: u64 = 200;
/// A twin is silent on at least so many.
const TWIN: u64 = 5;

/// A planted flaw and who should find it.
struct Row {
    /// The kind of part.
    part: &'static str,
    flaw: &'static str,
    /// Its scenario under `scenarios/flaws`.
    file: &'static str,
    /// What stands before the flaw in the name of its variant, where two parts of a file have it.
    prefix: &'static str,
    /// The check that watches the cause: it must fail in the first seed that shows anything.
    check: &'static str,
    /// The checks that watch the symptoms, which may fail with it.
    also: &'static [&'static str],
}

const fn row(
    (part, flaw): (&'static str, &'static str),
    (file, prefix): (&'static str, &'static str),
    check: &'static str,
    also: &'static [&'static str],
) -> Row {
    Row {
        part,
        flaw,
        file,
        prefix,
        check,
        also,
    }
}

const ROWS: &[Row] = &[
    row(
        ("log", "ack-before-replicate"),
        ("log-replication", ""),
        "committed-prefix",
        &[
            "no-loss",
            "log-matching",
            "order",
            "equivalence",
            "gap-free",
        ],
    ),
    row(
        ("log", "forget-vote"),
        ("log-votes", ""),
        "one-leader",
        &[
            "log-matching",
            "committed-prefix",
            "no-loss",
            "recovery",
            "nothing-in-flight",
        ],
    ),
    row(
        ("log", "skip-truncation"),
        ("log-replication", ""),
        "log-matching",
        &[
            "committed-prefix",
            "no-loss",
            "facts",
            "gap-free",
            "no-log-duplicates",
            "order",
        ],
    ),
    row(
        ("log", "read-uncommitted"),
        ("log-replication", ""),
        "committed-prefix",
        &["log-matching", "gap-free", "no-loss"],
    ),
    row(
        ("log", "forget-sequence"),
        ("log-retries", ""),
        "no-log-duplicates",
        &["order"],
    ),
    row(
        ("log", "skip-after-commit"),
        ("log-coordinator", ""),
        "gap-free",
        &["no-loss", "nothing-in-flight"],
    ),
    row(
        ("log", "early-retention"),
        ("log-retention", ""),
        "retention",
        &["no-loss"],
    ),
    row(
        ("log", "lie-in-facts"),
        ("log-replication", ""),
        "facts",
        &["log-matching"],
    ),
    row(("queue", "ack-before-sync"), ("queue", ""), "no-loss", &[]),
    row(
        ("queue", "forget-on-delivery"),
        ("queue", ""),
        "commit-implies-processed",
        &["no-loss", "conservation"],
    ),
    row(
        ("queue", "drop-dead-letters"),
        ("queue", ""),
        "nothing-in-flight",
        &["no-loss", "conservation"],
    ),
    row(
        ("queue", "forget-accept"),
        ("queue-accepts", ""),
        "nothing-in-flight",
        &[],
    ),
    row(
        ("fanout", "ack-before-sync"),
        ("fanout", ""),
        "no-loss",
        &[],
    ),
    row(
        ("fanout", "forget-on-delivery"),
        ("fanout", ""),
        "commit-implies-processed",
        &["no-loss", "conservation"],
    ),
    row(
        ("fanout", "drop-dead-letters"),
        ("fanout", ""),
        "nothing-in-flight",
        &["no-loss", "conservation"],
    ),
    row(
        ("fanout", "forget-accept"),
        ("fanout-accepts", ""),
        "nothing-in-flight",
        &[],
    ),
    row(
        ("processor", "settle-before-write"),
        ("processor-positions", ""),
        "commit-implies-processed",
        &[
            "no-loss",
            "conservation",
            "equivalence",
            "nothing-in-flight",
        ],
    ),
    row(
        ("processor", "state-without-position"),
        ("processor-positions", ""),
        "equivalence",
        &[],
    ),
    row(
        ("processor", "skip-fence"),
        ("zombies", "writer-"),
        "fencing",
        &["no-duplicates", "equivalence"],
    ),
    row(
        ("processor", "skip-events"),
        ("processor-positions", ""),
        "commit-implies-processed",
        &[
            "no-loss",
            "conservation",
            "equivalence",
            "nothing-in-flight",
            "recovery",
        ],
    ),
    row(
        ("processor", "fastest-watermark"),
        ("event-time", ""),
        "watermark-soundness",
        &["window-equivalence"],
    ),
    row(
        ("processor", "forget-windows"),
        ("event-time", ""),
        "window-equivalence",
        &["no-loss", "conservation", "nothing-in-flight", "recovery"],
    ),
    row(
        ("processor", "late-in-silence"),
        ("event-time", ""),
        "window-equivalence",
        &["no-loss", "conservation", "nothing-in-flight", "recovery"],
    ),
    row(
        ("sink", "ack-before-sync"),
        ("sink-power", ""),
        "no-loss",
        &[
            "commit-implies-processed",
            "conservation",
            "nothing-in-flight",
        ],
    ),
    row(
        ("sink", "skip-fence"),
        ("zombies", "sink-"),
        "fencing",
        &["no-duplicates", "equivalence"],
    ),
    row(
        ("sink", "ignore-version"),
        ("sink-versions", ""),
        "equivalence",
        &[],
    ),
    row(
        ("sink", "lie-in-facts"),
        ("sink-power", ""),
        "facts",
        &[
            "commit-implies-processed",
            "conservation",
            "no-loss",
            "nothing-in-flight",
            "recovery",
        ],
    ),
    row(
        ("sink", "skip-fence"),
        ("leases", "sink-"),
        "one-holder",
        &[],
    ),
    row(
        ("lease", "grant-while-held"),
        ("leases", ""),
        "one-holder",
        &[],
    ),
    row(
        ("lease", "forget-tokens"),
        ("leases", ""),
        "one-holder",
        &[],
    ),
];

/// The first seed that shows a flaw, and what showed it; none within [`CAP`].
fn hunt(row: &Row) -> Option<(u64, BTreeMap<&'static str, String>)> {
    let variant = format!("{}{}", row.prefix, row.flaw);
    let flawed = assembly(&format!("flaws/{}.toml", row.file), Some(&variant));
    (1..=CAP).find_map(|seed| {
        let found = failing(&run_seed(&flawed, seed).outcome);
        (!found.is_empty()).then_some((seed, found))
    })
}

/// What is wrong with how a flaw was found.
fn complaints(row: &Row, found: Option<&(u64, BTreeMap<&'static str, String>)>) -> Vec<String> {
    let name = format!("{} {}", row.part, row.flaw);
    let Some((seed, checks)) = found else {
        return vec![format!("{name}: not found within {CAP} seeds")];
    };
    let mut complaints = Vec::new();
    if !checks.contains_key(row.check) {
        complaints.push(format!(
            "{name}, seed {seed}: {} is silent: {checks:?}",
            row.check
        ));
    }
    for (check, sentence) in checks {
        if *check != row.check && !row.also.contains(check) {
            complaints.push(format!(
                "{name}, seed {seed}: {check} fails too: {sentence}"
            ));
        }
    }
    complaints
}

#[test]
fn every_flaw_is_found_by_its_check_and_no_sound_twin_alarms() {
    let found = each(ROWS, hunt);
    let mut complaints = Vec::new();
    let mut needed: BTreeMap<&str, u64> = BTreeMap::new();
    println!(
        "{:<10} {:<23} {:>5}  {:<25} also",
        "part", "flaw", "seed", "check"
    );
    for (row, found) in ROWS.iter().zip(&found) {
        complaints.extend(self::complaints(row, found.as_ref()));
        let seed = found.as_ref().map_or(CAP, |(seed, _)| *seed);
        let most = needed.entry(row.file).or_insert(TWIN);
        *most = seed.max(*most);
        let others = found.iter().flat_map(|(_, checks)| checks.keys());
        let also: Vec<&str> = others
            .copied()
            .filter(|check| *check != row.check)
            .collect();
        println!(
            "{:<10} {:<23} {seed:>5}  {:<25} {}",
            row.part,
            row.flaw,
            row.check,
            also.join(", ")
        );
    }
    complaints.extend(twins(&needed));
    assert!(complaints.is_empty(), "{}", complaints.join("\n"));
}

/// The sound cases on as many seeds as their flaws needed: what they complain of.
fn twins(needed: &BTreeMap<&str, u64>) -> Vec<String> {
    let files: Vec<(&str, u64)> = needed.iter().map(|(file, seeds)| (*file, *seeds)).collect();
    let complaints = each(&files, |(file, seeds)| {
        let sound = assembly(&format!("flaws/{file}.toml"), None);
        let mut complaints = Vec::new();
        let mut passed = 0;
        for seed in 1..=*seeds {
            let outcome = run_seed(&sound, seed).outcome;
            passed += u64::from(outcome.answer() == Answer::Pass);
            for (check, sentence) in failing(&outcome) {
                complaints.push(format!(
                    "sound twin {file}, seed {seed}: {check}: {sentence}"
                ));
            }
        }
        println!("sound twin {file}: {passed} of {seeds} runs pass");
        // A twin that cannot be judged is silent for nothing.
        if passed * 2 < *seeds {
            complaints.push(format!(
                "sound twin {file}: only {passed} of {seeds} runs pass"
            ));
        }
        complaints
    });
    complaints.into_iter().flatten().collect()
}

/// The flaws that a part's setting takes, from what its reader says of a name that is none.
fn known<T: serde::de::DeserializeOwned>() -> BTreeSet<String> {
    #[derive(serde::Deserialize)]
    #[serde(bound = "T: serde::de::DeserializeOwned")]
    struct Setting<T> {
        #[serde(rename = "flaw")]
        _flaw: T,
    }
    let message = match toml::from_str::<Setting<T>>("flaw = 'none-such'") {
        Ok(_) => panic!("there is no such flaw"),
        Err(error) => error.message().to_owned(),
    };
    let (_, names) = message.split_once("expected").unwrap();
    let names = names.split('`').skip(1).step_by(2);
    names.map(str::to_owned).collect()
}

#[test]
fn every_flaw_of_every_part_has_a_row() {
    for (part, known) in [
        ("log", known::<LogFlaw>()),
        ("queue", known::<QueueFlaw>()),
        ("fanout", known::<QueueFlaw>()),
        ("processor", known::<ProcessorFlaw>()),
        ("sink", known::<SinkFlaw>()),
        ("lease", known::<LeaseFlaw>()),
    ] {
        let rows = ROWS.iter().filter(|row| row.part == part);
        let rows: BTreeSet<String> = rows.map(|row| row.flaw.to_owned()).collect();
        assert!(known.len() >= 2, "{part}: {known:?}");
        assert_eq!(rows, known, "{part}");
    }
}
