//! The counterfactual table names the true cause: with a planted flaw taken out the schedule never fails, and no
//! other setting of that part is called a fix unless a fresh search confirms it. Waits are never offered.
//!
//! `STORMGLASS_SEEDS` says how many flaws are taken.

#![allow(clippy::print_stdout, reason = "the figures are what the test is for")]
#![allow(clippy::unwrap_used, reason = "a helper that fails is a failing test")]

use crate::rig::{assembly, run_seed, seeds};
use std::path::Path;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::explain::{Bench, PERTURBATIONS, Sort, lifeline};
use stormglass_scenarios::load::{load, load_text_in};
use stormglass_scenarios::shrink::{STEPS, first_violation, shrink};

/// Flaws that CI explains.
const FEW: u64 = 1;

/// Fresh seeds before a setting is called a fix; `STORMGLASS_SEARCH` sets the 2,000 of a proof.
const SEARCH: u64 = 20;

/// A schedule that fails this often shows by its passing what mends it.
const OFTEN: u64 = 10;

/// Every variant that plants a flaw.
fn flaws() -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let names = Catalog::new().names();
    let mut files: Vec<_> = std::fs::read_dir(root.join("flaws"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .collect();
    files.sort();
    let mut found = Vec::new();
    for path in files {
        let loaded = load(&path, &names).unwrap_or_else(|error| panic!("{error}"));
        let file = path.strip_prefix(root).unwrap().display().to_string();
        let variants = loaded.cases.iter().filter(|case| case.exit == 1);
        let variants = variants.filter_map(|case| case.variant.clone());
        found.extend(variants.map(|variant| (file.clone(), variant)));
    }
    found
}

#[test]
fn taking_the_flaw_out_is_the_change_that_mends_it() {
    let all = flaws();
    let count = seeds(FEW).min(all.len() as u64) as usize;
    let search = std::env::var("STORMGLASS_SEARCH").ok();
    let search = search.map_or(SEARCH, |text| text.parse().unwrap());
    let catalog = Catalog::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("flaws");
    let bench = Bench {
        catalog: &catalog,
        folder: &folder,
        workers: std::thread::available_parallelism().map_or(1, usize::from),
    };
    let mut judged = 0;
    for index in 0..count {
        let (file, variant) = &all[index * all.len() / count];
        let flawed = assembly(file, Some(variant));
        let seed = (1..=200)
            .find(|seed| first_violation(&run_seed(&flawed, *seed).outcome, None).is_some())
            .unwrap();
        let shrunk = shrink(&catalog, &folder, &flawed, seed, None, STEPS).unwrap();
        let signature = &shrunk.violation.signature;
        let table = bench.counterfactuals(&shrunk.scenario, signature);
        println!(
            "{file} {variant} seed {seed}: {signature}, as it is {}",
            table.base
        );
        for row in &table.rows {
            println!("  {} {}", row.rate, row.label);
        }
        assert_eq!(table.base.of, PERTURBATIONS);
        if table.base.fails < OFTEN {
            println!("  fails too rarely to be judged");
            continue;
        }
        judged += 1;
        let flaw = table
            .rows
            .iter()
            .find(|row| row.label.contains("flaws without"));
        let flaw = flaw.unwrap_or_else(|| panic!("{file} {variant}: the flaw is not tried"));
        assert!(flaw.is_gone(), "{file} {variant}: {}", flaw.rate);
        let found = bench
            .search(flawed.case(), signature.check, &flaw.change, search)
            .unwrap();
        println!(
            "  search: {} of {} fail, {} exercised",
            found.failing, found.seeds, found.exercised
        );
        assert_eq!(found.failing, 0, "{file} {variant}");
        for row in table.rows.iter().filter(|row| row.sort != Sort::Setting) {
            let offered = bench.search(flawed.case(), signature.check, &row.change, 1);
            assert_eq!(offered, None, "{} is no setting", row.label);
        }
    }
    assert!(
        judged * 4 >= count * 3,
        "{judged} of {count} could be judged"
    );
}

#[test]
fn the_life_of_a_lost_event_ends_with_the_fault_that_lost_it() {
    let catalog = Catalog::new();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("pairs");
    let losing = assembly("pairs/acks.toml", None);
    let shrunk = shrink(&catalog, &folder, &losing, 1, Some("no-loss"), STEPS).unwrap();
    let names = catalog.names();
    let file = load_text_in(&folder, "repro.toml", shrunk.text.clone(), &names).unwrap();
    let small =
        stormglass_scenarios::assemble::Assembly::new(&file, file.base(), &catalog).unwrap();
    let plan = small.plan(stormglass_core::rng::Seed(shrunk.seed()));
    let life = lifeline(&small, shrunk.seed(), &plan, shrunk.violation.events[0]);
    let what: Vec<&str> = life.iter().map(|line| line.what.as_str()).collect();
    let place = |wanted: &str| {
        let found = what.iter().position(|line| line.contains(wanted));
        found.unwrap_or_else(|| panic!("{wanted:?} is not in {what:#?}"))
    };
    // It is acknowledged behind the cut and truncated after the heal, in this order.
    let order = [
        "begins",
        "owes it",
        "is told that it is stored",
        "is healed",
        "truncates it",
    ];
    let places: Vec<usize> = order.iter().map(|wanted| place(wanted)).collect();
    assert!(places.is_sorted(), "{what:#?}");
}
