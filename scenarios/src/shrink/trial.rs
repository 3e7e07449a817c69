//! Whether a candidate still fails the same way.

use super::goal::Goal;
use crate::assemble::Assembly;
use crate::catalog::Catalog;
use crate::load::load_text_in;
use crate::run::{Driver, Ran, run};
use crate::spec::{Scenario, print};
use crate::sweep::PartPanic;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use stormglass_core::check::{Signature, Violation};
use toml::Table;

/// A step of a shrink has to fail with all of so many timing seeds, from 1 on. They are the same for every
/// shrink, so that shrinking what is shrunk changes nothing. A schedule that three seeds do not bind to the
/// failure is cut anew, more carefully.
pub const STEP_SEEDS: [u64; 3] = [3, 10, 20];

/// The finished file is run with so many more.
pub const FINAL_SEEDS: u64 = 20;

/// Of which so many have to fail for it to stand alone.
pub const STANDS_ALONE: u64 = 18;

/// What makes two failures the same while a schedule is being cut.
///
/// The cause, which is part of a [`Signature`], is left out: it names the last fault before the violation, and
/// finding out which fault that really is, is what shrinking is for.
#[must_use]
pub fn same(one: &Signature, other: &Signature) -> bool {
    (one.check, one.anomaly, one.part, one.role)
        == (other.check, other.anomaly, other.part, other.role)
}

/// What a run that a part of the user ended by a panic is counted as.
const STEPS_OF_A_PANIC: u64 = 20_000;

/// A run, or the part of the user that broke; none if it was a part of ours.
pub fn attempt(assembly: &Arc<Assembly>, seed: u64) -> Result<Ran, Option<PartPanic>> {
    catch_unwind(AssertUnwindSafe(|| run(assembly, seed, Driver::Auto)))
        .map_err(|payload| payload.downcast().ok().map(|panic| *panic))
}

/// Runs candidates and counts what they cost.
pub struct Trials<'a> {
    catalog: &'a Catalog,
    folder: &'a Path,
    goal: &'a dyn Goal,
    /// The seeds with which a candidate has to fail.
    pub seeds: Vec<u64>,
    /// Runs made.
    pub runs: u64,
    /// Steps of all of them.
    pub steps: u64,
    /// No candidate is run once so many steps were made: all of them count as sound then.
    limit: u64,
}

impl<'a> Trials<'a> {
    /// Trials for what `goal` looks for; files of the scenario stand in `folder`.
    #[must_use]
    pub fn new(
        catalog: &'a Catalog,
        folder: &'a Path,
        goal: &'a dyn Goal,
        limit: u64,
    ) -> Trials<'a> {
        Trials {
            catalog,
            folder,
            goal,
            seeds: Vec::new(),
            runs: 0,
            steps: 0,
            limit,
        }
    }

    /// Whether the budget is spent.
    #[must_use]
    pub const fn is_spent(&self) -> bool {
        self.steps >= self.limit
    }

    /// A candidate, ready to run; none if it is no valid scenario.
    #[must_use]
    pub fn assembled(&self, question: &str, table: &Table) -> Option<(Scenario, Arc<Assembly>)> {
        let text = print::print_table(question, table);
        let names = self.catalog.names();
        let file = load_text_in(self.folder, "candidate", text, &names).ok()?;
        let assembly = Assembly::new(&file, file.base(), self.catalog).ok()?;
        Some((file.base().written.clone(), Arc::new(assembly)))
    }

    /// Whether a scenario, as it would be read from a file, fails with every seed of the trials.
    pub fn fails(&mut self, scenario: &Scenario) -> bool {
        self.fails_as(&scenario.question, &print::table(scenario))
            .is_some()
    }

    /// The same of a tree of settings; gives back the scenario that it is.
    pub fn fails_as(&mut self, question: &str, table: &Table) -> Option<Scenario> {
        if self.is_spent() {
            return None;
        }
        let (scenario, assembly) = self.assembled(question, table)?;
        let seeds = self.seeds.clone();
        seeds
            .into_iter()
            .all(|seed| self.violation(&assembly, seed).is_some())
            .then_some(scenario)
    }

    /// What breaks when a candidate is run with a seed.
    pub fn violation(&mut self, assembly: &Arc<Assembly>, seed: u64) -> Option<Violation> {
        self.judged(assembly, seed).0
    }

    /// The same, and how many steps the run made.
    pub fn judged(&mut self, assembly: &Arc<Assembly>, seed: u64) -> (Option<Violation>, u64) {
        self.runs += 1;
        let ran = attempt(assembly, seed);
        let steps = match &ran {
            Ok(ran) => ran.outcome.steps,
            // Nobody has counted them.
            Err(_) => STEPS_OF_A_PANIC,
        };
        self.steps += steps;
        let ran = ran.as_ref().map_err(Option::as_ref);
        let found = match ran {
            Ok(ran) => self.goal.found(assembly, Ok(ran)),
            Err(Some(panic)) => self.goal.found(assembly, Err(panic)),
            // A panic of ours is no failure of the scenario.
            Err(None) => None,
        };
        (found, steps)
    }

    /// With how many fresh timing seeds of [`FINAL_SEEDS`] a scenario fails.
    pub fn confirm(&mut self, assembly: &Arc<Assembly>) -> u64 {
        let fresh = 1_000..1_000 + FINAL_SEEDS;
        fresh
            .filter(|seed| self.violation(assembly, *seed).is_some())
            .count() as u64
    }
}
