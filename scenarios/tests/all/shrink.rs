//! Failures of every kind become short schedules that fail alone: the cases under `scenarios/` that are known to
//! break a promise, each with its first failing seed.
//!
//! `STORMGLASS_SEEDS` says how many cases are taken; a few are spread over all of them otherwise.

#![allow(clippy::print_stdout, reason = "the figures are what the test is for")]
#![allow(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

use crate::rig::{assembly, each, run_seed, seeds};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};
use stormglass_core::check::Answer;
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::{load, load_text_in};
use stormglass_scenarios::run::{Driver, run};
use stormglass_scenarios::shrink::{FINAL_SEEDS, STEPS, Shrunk, first_violation, same, shrink};

/// Cases that CI shrinks.
const FEW: u64 = 2;

/// A failing seed lies within so many.
const CAP: u64 = 200;

/// A scenario that is known to fail.
#[derive(Clone, Debug)]
struct Known {
    file: String,
    variant: Option<String>,
}

/// Every case under the folders of known failures whose exit code is 1.
fn known() -> Vec<Known> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = Catalog::new().names();
    let mut found = Vec::new();
    for folder in ["delivery", "flaws", "pairs"] {
        let mut files: Vec<PathBuf> = std::fs::read_dir(root.join(folder))
            .unwrap()
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_some_and(|end| end == "toml"))
            .collect();
        files.sort();
        for path in files {
            let loaded = load(&path, &names).unwrap_or_else(|error| panic!("{error}"));
            let file = path.strip_prefix(root).unwrap().display().to_string();
            let failing = loaded.cases.iter().filter(|case| case.exit == 1);
            found.extend(failing.map(|case| Known {
                file: file.clone(),
                variant: case.variant.clone(),
            }));
        }
    }
    found
}

/// What shrinking a case gave.
struct Row {
    known: Known,
    seed: u64,
    shrunk: Shrunk,
    took: Duration,
}

fn folder(file: &str) -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    root.join(file).parent().unwrap().to_owned()
}

fn loaded(folder: &Path, text: &str) -> Arc<Assembly> {
    let catalog = Catalog::new();
    let file = load_text_in(folder, "repro.toml", text.to_owned(), &catalog.names());
    let file = file.unwrap_or_else(|error| panic!("{error}\n{text}"));
    Arc::new(Assembly::new(&file, file.base(), &catalog).unwrap())
}

fn shrink_case(known: &Known) -> Row {
    let assembly = assembly(&known.file, known.variant.as_deref());
    let seed = (1..=CAP)
        .find(|seed| first_violation(&run_seed(&assembly, *seed).outcome, None).is_some())
        .unwrap_or_else(|| panic!("{known:?} fails in none of {CAP} seeds"));
    let started = Instant::now();
    let folder = folder(&known.file);
    let shrunk = shrink(&Catalog::new(), &folder, &assembly, seed, None, STEPS);
    let shrunk = shrunk.unwrap_or_else(|why| panic!("{known:?}, seed {seed}: {why:?}"));
    Row {
        known: known.clone(),
        seed,
        shrunk,
        took: started.elapsed(),
    }
}

fn median(mut values: Vec<u64>) -> u64 {
    values.sort_unstable();
    values[values.len() / 2]
}

/// The settings of a file without its opening comment.
fn settings(text: &str) -> String {
    let lines = text.lines().skip_while(|line| line.starts_with('#'));
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn a_failure_of_any_kind_becomes_a_short_schedule_that_fails_alone() {
    let all = known();
    assert!(all.len() >= 25, "{} known failures", all.len());
    let count = seeds(FEW).min(all.len() as u64) as usize;
    let chosen: Vec<Known> = (0..count)
        .map(|index| all[index * all.len() / count].clone())
        .collect();
    let rows = each(&chosen, shrink_case);
    println!(
        "| scenario | seed | signature | events | faults | steps | fails of {FINAL_SEEDS} | runs | s |"
    );
    println!("|---|---:|---|---:|---:|---:|---:|---:|---:|");
    for row in &rows {
        let Row {
            known,
            seed,
            shrunk,
            took,
        } = row;
        let (before, after) = (shrunk.before, shrunk.after);
        println!(
            "| {} {} | {seed} | {} | {} to {} | {} to {} | {} to {} | {}{} | {} | {:.1} |",
            known.file,
            known.variant.as_deref().unwrap_or(""),
            shrunk.violation.signature,
            before.events,
            after.events,
            before.faults,
            after.faults,
            before.steps,
            after.steps,
            shrunk.fails,
            if shrunk.pinned.is_some() {
                ", pinned"
            } else {
                ""
            },
            shrunk.runs,
            took.as_secs_f64(),
        );
    }
    for Row { known, shrunk, .. } in &rows {
        // The file fails by itself, in the same way, and can be run by anybody.
        let folder = folder(&known.file);
        let repro = loaded(&folder, &shrunk.text);
        let seed = shrunk.pinned.unwrap_or(1);
        let again = run(&repro, seed, Driver::Auto).outcome;
        assert_eq!(again.answer(), Answer::Fail, "{known:?}\n{}", shrunk.text);
        let wanted = &shrunk.violation.signature;
        let violations = again
            .judgements
            .iter()
            .flat_map(|judgement| &judgement.violations);
        let mut signatures = violations.map(|violation| &violation.signature);
        assert!(signatures.any(|found| same(found, wanted)), "{known:?}");
        // Nothing is left to cut.
        let twice = shrink(
            &Catalog::new(),
            &folder,
            &repro,
            seed,
            Some(wanted.check),
            STEPS,
        )
        .unwrap();
        assert_eq!(settings(&twice.text), settings(&shrunk.text), "{known:?}");
    }
    let events = |row: &Row| row.shrunk.after.events;
    let gone: u64 = rows
        .iter()
        .map(|row| row.shrunk.before.events - events(row))
        .sum();
    let had: u64 = rows.iter().map(|row| row.shrunk.before.events).sum();
    assert!(median(rows.iter().map(events).collect()) <= 10);
    assert!(median(rows.iter().map(|row| row.shrunk.after.faults).collect()) <= 2);
    assert!(gone * 100 >= had * 95, "{gone} of {had} events are gone");
}
