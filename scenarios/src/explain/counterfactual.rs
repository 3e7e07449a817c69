//! What else could have happened: the failing schedule is run again and again, slightly perturbed, with one
//! thing changed at a time (B13).

use super::changes::{Change, Sort, changes};
use crate::assemble::Assembly;
use crate::catalog::Catalog;
use crate::load::{Case, load_text_in};
use crate::run::{Driver, run, run_plan};
use crate::shrink::same;
use crate::spec::{Scenario, print};
use crate::sweep::{Ended, Job, Nobody, sweep};
use serde::Serialize;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use stormglass_core::check::{Answer, Signature};
use stormglass_core::outcome::Outcome;
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};
use toml::Table;

/// Perturbations of each row (B13).
pub const PERTURBATIONS: u64 = 50;

/// By how much fault times are moved: about a round trip between zones.
const ROUND_TRIP: Span = Span::millis(1);

/// The first timing seed of the perturbations.
const FIRST_SEED: u64 = 5_000;

/// How often it fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Rate {
    /// So many runs failed the same way.
    pub fails: u64,
    /// Of so many.
    pub of: u64,
}

impl std::fmt::Display for Rate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}/{}", self.fails, self.of)
    }
}

/// One change and what it does to the failure.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Row {
    /// What sort of change.
    pub sort: Sort,
    /// How it reads.
    pub label: String,
    /// How often it still fails.
    pub rate: Rate,
    /// The change itself.
    #[serde(skip)]
    pub change: Change,
}

impl Row {
    /// Whether the failure is gone with this change.
    #[must_use]
    pub const fn is_gone(&self) -> bool {
        self.rate.fails == 0 && self.rate.of > 0
    }
}

/// The failing schedule as it is, and with one thing changed at a time.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Counterfactuals {
    /// As it is.
    pub base: Rate,
    /// Changed.
    pub rows: Vec<Row>,
}

/// A setting that made a fresh search pass.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Search {
    /// The change.
    pub label: String,
    /// Seeds of the original scenario that were run with it.
    pub seeds: u64,
    /// Of which so many failed, in whatever way.
    pub failing: u64,
    /// In so many the check was exercised: events were judged that met a fault.
    pub exercised: u64,
}

impl Search {
    /// Whether the change may be called a fix: nothing failed, and at least one seed in a hundred would have
    /// shown it (B6).
    #[must_use]
    pub const fn is_fix(&self) -> bool {
        self.failing == 0 && self.seeds > 0 && self.exercised * 100 >= self.seeds
    }
}

/// Who runs the changed scenarios.
pub struct Bench<'a> {
    /// Users' parts.
    pub catalog: &'a Catalog,
    /// Where the files of the scenario stand.
    pub folder: &'a Path,
    /// Threads.
    pub workers: usize,
}

fn fails(outcome: &Outcome, wanted: &Signature) -> bool {
    let failed = outcome
        .judgements
        .iter()
        .filter(|judgement| judgement.answer == Answer::Fail);
    let mut found = failed.flat_map(|judgement| &judgement.violations);
    found.any(|violation| same(&violation.signature, wanted))
}

impl Bench<'_> {
    fn assembled(&self, question: &str, tree: &Table) -> Option<Arc<Assembly>> {
        let text = print::print_table(question, tree);
        let file = load_text_in(self.folder, "changed", text, &self.catalog.names()).ok()?;
        let assembly = Assembly::new(&file, file.base(), self.catalog).ok()?;
        Some(Arc::new(assembly))
    }

    /// Runs every seed and counts those of which `is_it` holds; a panic counts as failing.
    fn count(&self, seeds: &[u64], is_it: &(dyn Fn(u64) -> bool + Sync)) -> u64 {
        let jobs: Vec<Job> = (0..)
            .zip(seeds)
            .map(|(index, seed)| Job { index, seed: *seed })
            .collect();
        let mut count = 0;
        sweep(
            &jobs,
            self.workers,
            &AtomicBool::new(false),
            &Nobody,
            &|job| is_it(job.seed),
            &mut |_, ended| {
                count += match ended {
                    Ended::Done(is_it) => u64::from(is_it),
                    Ended::Panicked(_) => 1,
                };
            },
        );
        count
    }

    /// How often a schedule fails when timing is drawn anew and its faults are moved by a round trip.
    fn rate(&self, assembly: &Arc<Assembly>, wanted: &Signature) -> Rate {
        let seeds: Vec<u64> = (FIRST_SEED..FIRST_SEED + PERTURBATIONS).collect();
        let phases = &assembly.case().phases;
        let (starts, ends) = (phases.chaos_starts(), phases.calm_starts());
        let fails = self.count(&seeds, &|seed| {
            let mut plan = assembly.plan(Seed(seed));
            for fault in &mut plan.faults {
                let at = match seed % 3 {
                    0 => fault.at,
                    1 => fault.at + ROUND_TRIP,
                    _ => Time(fault.at.0.saturating_sub(ROUND_TRIP.0)),
                };
                fault.at = at
                    .max(starts)
                    .min(Time(ends.0.saturating_sub(fault.lasts.0)));
            }
            plan.faults.sort_by_key(|fault| fault.at);
            let ran = run_plan(assembly, seed, plan, Driver::Auto);
            fails(&ran.outcome, wanted)
        });
        Rate {
            fails,
            of: PERTURBATIONS,
        }
    }

    /// Tries every change of a failing schedule. Changes that are no valid scenario are left out.
    #[must_use]
    pub fn counterfactuals(&self, schedule: &Scenario, wanted: &Signature) -> Counterfactuals {
        self.counterfactuals_of(schedule, wanted, &|_| true)
    }

    /// Tries those changes of a failing schedule that are asked for.
    pub(super) fn counterfactuals_of(
        &self,
        schedule: &Scenario,
        wanted: &Signature,
        is_asked: &dyn Fn(&Change) -> bool,
    ) -> Counterfactuals {
        let tree = print::table(schedule);
        let base = self.assembled(&schedule.question, &tree);
        let base = base.map_or(Rate::default(), |assembly| self.rate(&assembly, wanted));
        let mut rows = Vec::new();
        for change in changes(&tree).into_iter().filter(|change| is_asked(change)) {
            let mut tree = tree.clone();
            change.apply(&mut tree);
            if let Some(assembly) = self.assembled(&schedule.question, &tree) {
                rows.push(Row {
                    sort: change.sort,
                    label: change.label.clone(),
                    rate: self.rate(&assembly, wanted),
                    change,
                });
            }
        }
        Counterfactuals { base, rows }
    }

    /// Runs the scenario from which a failure came with a setting changed, seed by seed from 1: only a setting
    /// that survives this is called a fix. Gives nothing for changes that are no settings.
    #[must_use]
    pub fn search(
        &self,
        original: &Case,
        check: &str,
        change: &Change,
        seeds: u64,
    ) -> Option<Search> {
        if change.sort != Sort::Setting {
            return None;
        }
        let mut tree = print::table(&original.written);
        change.apply(&mut tree);
        let assembly = self.assembled(&original.written.question, &tree)?;
        let all: Vec<u64> = (1..=seeds).collect();
        let exercised = std::sync::atomic::AtomicU64::new(0);
        let failing = self.count(&all, &|seed| {
            let outcome = run(&assembly, seed, Driver::Auto).outcome;
            let judged = outcome.judgements.iter().find(|one| one.check == check);
            if judged.is_some_and(|one| one.answer == Answer::Pass && one.exercised > 0) {
                exercised.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
            }
            outcome.answer() == Answer::Fail
        });
        Some(Search {
            label: change.label.clone(),
            seeds,
            failing,
            exercised: exercised.into_inner(),
        })
    }
}
