//! What the tests that run scenario files share: a case by file and variant, and what a run found.

#![allow(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use stormglass_core::check::Answer;
use stormglass_core::metrics::Latency;
use stormglass_core::outcome::Outcome;
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::load;
use stormglass_scenarios::run::{Driver, Ran, run};

/// A case of a file under `scenarios/`, ready to run; no variant is the scenario as written.
pub fn assembly(file: &str, variant: Option<&str>) -> Arc<Assembly> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(file);
    let catalog = Catalog::new();
    let loaded = load(&path, &catalog.names()).unwrap_or_else(|error| panic!("{error}"));
    let case = loaded
        .cases
        .iter()
        .find(|case| case.variant.as_deref() == variant)
        .unwrap_or_else(|| panic!("{file} has no variant {variant:?}"));
    let assembly = Assembly::new(&loaded, case, &catalog);
    Arc::new(assembly.unwrap_or_else(|error| panic!("{error}")))
}

/// Runs a seed with the faults that it draws.
pub fn run_seed(assembly: &Arc<Assembly>, seed: u64) -> Ran {
    run(assembly, seed, Driver::Auto)
}

/// The checks that fail, each with its first finding.
pub fn failing(outcome: &Outcome) -> BTreeMap<&'static str, String> {
    outcome
        .judgements
        .iter()
        .filter(|judgement| judgement.answer == Answer::Fail)
        .map(|judgement| {
            let first = judgement.violations.first();
            let sentence = first.map_or(String::new(), |found| found.sentence.clone());
            (judgement.check, sentence)
        })
        .collect()
}

/// The mean of a latency in microseconds; buckets are a thousandth wide.
pub fn mean(latency: &Latency) -> f64 {
    let buckets = latency.buckets();
    let sum: f64 = buckets
        .map(|(micros, count)| micros as f64 * count as f64)
        .sum();
    sum / latency.count() as f64
}

/// Runs per claim: `STORMGLASS_SEEDS`, or a few.
pub fn seeds(few: u64) -> u64 {
    std::env::var("STORMGLASS_SEEDS")
        .ok()
        .and_then(|seeds| seeds.parse().ok())
        .unwrap_or(few)
}

/// Maps on as many threads as there are cores; the results are in the order of the items.
pub fn each<T: Sync, R: Send>(items: &[T], map: impl Fn(&T) -> R + Sync) -> Vec<R> {
    let next = AtomicUsize::new(0);
    let results: Vec<Mutex<Option<R>>> = items.iter().map(|_| Mutex::new(None)).collect();
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        for _ in 0..workers.min(items.len()) {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    let Some(item) = items.get(index) else {
                        return;
                    };
                    *results[index].lock().unwrap() = Some(map(item));
                }
            });
        }
    });
    let done = results.into_iter().map(|slot| slot.into_inner().unwrap());
    done.map(Option::unwrap).collect()
}
