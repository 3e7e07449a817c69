//! What is known to be wrong, and the search for a seed that shows it.

use super::super::failing::failed;
use super::super::list;
use super::super::sweep::Chosen;
use crate::error::Failure;
use crate::seeds::Seeds;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use stormglass_core::time::Span;
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::{ScenarioFile, load, load_text, load_text_in};
use stormglass_scenarios::mutants::{Flaw, SHIPPED, flaws_of, planted};

/// A case that is known to be wrong.
pub struct Mutant {
    /// The case; its variant is made up where a flaw is planted.
    pub chosen: Chosen,
    /// The flaw that is planted into it; none if its file says of itself that it is wrong.
    pub flaw: Option<Flaw>,
    /// The sound case beside it, if there is one.
    twin: Option<Arc<Assembly>>,
}

/// The first seed that shows what is wrong.
pub struct Found {
    /// How many seeds it took.
    pub seeds: u64,
    /// The seed.
    pub seed: u64,
    /// The check or objective that failed first.
    pub check: String,
    /// The others that failed in this seed.
    pub also: Vec<String>,
}

/// All mutants of the files asked for, or of those that are shipped if none is.
pub fn all(catalog: &Catalog, asked: &[PathBuf]) -> Result<Vec<Mutant>, Failure> {
    let mut mutants = Vec::new();
    if asked.is_empty() {
        for (path, text) in SHIPPED {
            let file = load_text(path, (*text).to_owned(), &catalog.names())?;
            of_file(catalog, &file, Path::new(path), &mut mutants)?;
        }
    }
    for path in list::named(asked)? {
        let file = load(&path, &catalog.names())?;
        of_file(catalog, &file, &path, &mut mutants)?;
        with_flaws(catalog, &file, &path, &mut mutants)?;
    }
    Ok(mutants)
}

/// The exit codes that speak of a system, and not of the test: a broken promise and a missed objective.
const WRONG: [u8; 2] = [1, 3];

/// The cases of a file that it says of itself are wrong.
fn of_file(
    catalog: &Catalog,
    file: &ScenarioFile,
    path: &Path,
    mutants: &mut Vec<Mutant>,
) -> Result<(), Failure> {
    let is_sound = file.base().exit == 0;
    let twin = Chosen::of(catalog, file.clone(), path, None)?.assembly;
    for case in file.cases.iter().filter(|case| WRONG.contains(&case.exit)) {
        mutants.push(Mutant {
            chosen: Chosen::of(catalog, file.clone(), path, case.variant.as_deref())?,
            flaw: None,
            twin: Some(Arc::clone(&twin)).filter(|_| is_sound),
        });
    }
    Ok(())
}

/// Each flaw that can show in the scenario as written, if that is sound.
fn with_flaws(
    catalog: &Catalog,
    file: &ScenarioFile,
    path: &Path,
    mutants: &mut Vec<Mutant>,
) -> Result<(), Failure> {
    let base = file.base();
    if base.exit != 0 {
        return Ok(());
    }
    let twin = Chosen::of(catalog, file.clone(), path, None)?.assembly;
    let is_stateful = |operator: &str| catalog.is_stateful(operator);
    let flaws = flaws_of(&base.scenario, Span(base.phases.ends().0), &is_stateful);
    let (text, variants) = planted(&file.source.text, &flaws);
    let folder = path.parent().unwrap_or(Path::new(""));
    let name = path.display().to_string();
    let file = load_text_in(folder, &name, text, &catalog.names())?;
    for (flaw, variant) in flaws.into_iter().zip(variants) {
        mutants.push(Mutant {
            chosen: Chosen::of(catalog, file.clone(), path, Some(&variant))?,
            flaw: Some(flaw),
            twin: Some(Arc::clone(&twin)),
        });
    }
    Ok(())
}

impl Mutant {
    /// What a reader calls it.
    pub fn name(&self) -> String {
        match &self.flaw {
            None => self.chosen.name(),
            Some(Flaw { part, flaw }) => {
                let scenario = &self.chosen.case().scenario.name;
                format!("{scenario} with {flaw} in {part}")
            }
        }
    }

    /// How many seeds a gate runs of it unless it is told otherwise.
    pub fn seeds(&self) -> u64 {
        u64::from(self.chosen.case().scenario.run.seeds)
    }

    /// The first of the gate's seeds that shows it; none if no seed does, or the search is stopped.
    pub fn search(&self, base: &str, count: u64, stop: &AtomicBool) -> Option<Found> {
        let base = base.to_owned();
        for job in (Seeds::Base { base, count }).jobs() {
            if stop.load(Ordering::Relaxed) {
                return None;
            }
            let shown = failed(&self.chosen.assembly, job.seed);
            if shown.is_empty() {
                continue;
            }
            let twin = self.twin.as_ref();
            let sound = twin.map_or(BTreeSet::new(), |twin| {
                names(&failed(twin, job.seed)).collect()
            });
            let mut new = names(&shown).filter(|name| !sound.contains(name));
            if let Some(check) = new.next() {
                return Some(Found {
                    seeds: job.index + 1,
                    seed: job.seed,
                    check,
                    also: new.collect(),
                });
            }
        }
        None
    }
}

fn names(failed: &[(u64, String)]) -> impl Iterator<Item = String> {
    failed.iter().map(|(_, name)| name.clone())
}
