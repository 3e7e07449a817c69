//! A vulnerable design and its safe twin, and what their seeds show.

use super::super::failing::{failed, failed_in};
use super::super::list;
use super::super::sweep::Chosen;
use crate::args::ZooArgs;
use crate::error::Failure;
use crate::seeds::Seeds;
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::load;
use stormglass_scenarios::run::{Driver, run};

/// An entry of the zoo.
pub struct Pair {
    vulnerable: Chosen,
    safe: Chosen,
}

/// What was seen of a pair.
#[derive(Debug, Default)]
pub struct Measured {
    /// For each block, the seeds until the first failure; none if the cap was reached without.
    pub blocks: Vec<Option<u64>>,
    /// How often each check was the first to fail.
    pub first: BTreeMap<String, u64>,
    /// Seeds of the safe twin whose plan lay inside its envelope.
    pub inside: u64,
    /// Those whose plan lay outside: nothing was judged by them.
    pub skipped: u64,
    /// Seeds of the safe twin in which something failed, with what.
    pub alarms: Vec<(u64, String)>,
}

/// The pairs of the files asked for: the first case that is known to break a promise, and the last that is not.
pub fn all(catalog: &Catalog, asked: &[PathBuf]) -> Result<Vec<Pair>, Failure> {
    let mut pairs = Vec::new();
    for path in list::named(asked)? {
        let file = load(&path, &catalog.names())?;
        let vulnerable = file.cases.iter().find(|case| case.exit == 1);
        let safe = file.cases.iter().rev().find(|case| case.exit == 0);
        let (Some(vulnerable), Some(safe)) = (vulnerable, safe) else {
            continue;
        };
        let chosen =
            |variant: &Option<String>| Chosen::of(catalog, file.clone(), &path, variant.as_deref());
        pairs.push(Pair {
            vulnerable: chosen(&vulnerable.variant)?,
            safe: chosen(&safe.variant)?,
        });
    }
    Ok(pairs)
}

impl Pair {
    /// What the entry is called.
    pub fn name(&self) -> &str {
        &self.vulnerable.case().scenario.name
    }

    /// The checks of which one has to fail first; none are named where any will do.
    pub fn found_by(&self) -> &[String] {
        &self.vulnerable.case().scenario.expect.found_by
    }

    /// In how many seeds, by the median, it has to be found.
    pub fn found_within(&self) -> Option<u32> {
        self.vulnerable.case().scenario.expect.found_within
    }

    /// Searches the one and watches the other.
    pub fn measure(&self, args: &ZooArgs, stop: &AtomicBool) -> Measured {
        let mut measured = Measured::default();
        for block in 0..args.blocks {
            let base = format!("{}/{block}", args.seed_base);
            let count = args.cap;
            let mut found = None;
            for job in (Seeds::Base { base, count }).jobs() {
                if stop.load(Ordering::Relaxed) {
                    return measured;
                }
                if let Some((_, check)) = failed(&self.vulnerable.assembly, job.seed).first() {
                    *measured.first.entry(check.clone()).or_default() += 1;
                    found = Some(job.index + 1);
                    break;
                }
            }
            measured.blocks.push(found);
        }
        let base = format!("{}/safe", args.seed_base);
        let count = args.safe;
        for job in (Seeds::Base { base, count }).jobs() {
            if stop.load(Ordering::Relaxed) {
                return measured;
            }
            let ran = run(&self.safe.assembly, job.seed, Driver::Auto);
            if ran.outside.is_some() {
                measured.skipped += 1;
                continue;
            }
            measured.inside += 1;
            let failed = failed_in(&self.safe.assembly, &ran).into_iter();
            let alarms = failed.map(|(_, check)| (job.seed, check));
            measured.alarms.extend(alarms);
        }
        measured
    }
}
