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
use stormglass_core::metrics::{Phase, Series};
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::load;
use stormglass_scenarios::run::{Driver, run};
use stormglass_scenarios::shrink::{STEPS, shrink};

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
    /// What the first failure was cut down to, if it was asked for and there was one.
    pub shrunk: Option<String>,
    /// Events due in the safe twin's calm phases, and how many of them became visible.
    pub calm: (u64, u64),
    /// Points that the vulnerable design passed in the seeds in which both ran, with the number of seeds in which it
    /// did and the number in which its twin did.
    pub points: BTreeMap<&'static str, (u64, u64)>,
}

/// In so many seeds both designs run, to compare which points they pass.
const COMPARED: u64 = 20;

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
    pub fn measure(&self, catalog: &Catalog, args: &ZooArgs, stop: &AtomicBool) -> Measured {
        let mut measured = Measured::default();
        let mut failing = None;
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
                    failing = failing.or(Some(job.seed));
                    break;
                }
            }
            measured.blocks.push(found);
        }
        if !args.no_shrink {
            measured.shrunk = failing.and_then(|seed| self.shrunk(catalog, seed));
        }
        let base = format!("{}/safe", args.seed_base);
        let count = args.safe;
        for job in (Seeds::Base { base, count }).jobs() {
            if stop.load(Ordering::Relaxed) {
                return measured;
            }
            let ran = run(&self.safe.assembly, job.seed, Driver::Auto);
            if job.index < COMPARED {
                let vulnerable = run(&self.vulnerable.assembly, job.seed, Driver::Auto);
                for point in vulnerable.outcome.points.keys() {
                    let (passed, by_twin) = measured.points.entry(point).or_default();
                    *passed += 1;
                    *by_twin += u64::from(ran.outcome.points.contains_key(point));
                }
            }
            if ran.outside.is_some() {
                measured.skipped += 1;
                continue;
            }
            measured.inside += 1;
            let latencies = &ran.outcome.metrics.latencies;
            if let Some(calm) = latencies.get(Series::EndToEnd, &Phase::Calm) {
                measured.calm.0 += calm.count();
                measured.calm.1 += calm.count() - calm.never();
            }
            let failed = failed_in(&self.safe.assembly, &ran).into_iter();
            let alarms = failed.map(|(_, check)| (job.seed, check));
            measured.alarms.extend(alarms);
        }
        measured
    }

    /// What is left of a failing seed, in words.
    fn shrunk(&self, catalog: &Catalog, seed: u64) -> Option<String> {
        let vulnerable = &self.vulnerable;
        let shrunk = shrink(
            catalog,
            vulnerable.folder(),
            &vulnerable.assembly,
            seed,
            None,
            STEPS,
        );
        let shrunk = shrunk.ok()?;
        let planned = shrunk.scenario.faults.planned.iter();
        let kinds: Vec<&str> = planned.map(|fault| fault.kind.to_fault().name()).collect();
        let events = match shrunk.after.events {
            1 => "1 event".to_owned(),
            events => format!("{events} events"),
        };
        Some(if kinds.is_empty() {
            events
        } else {
            format!("{events}, {}", kinds.join(" + "))
        })
    }
}
