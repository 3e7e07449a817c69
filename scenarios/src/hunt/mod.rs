//! A guided search for a plan that fails: fixed generations, each learning from those before it.
//!
//! Generation 0 are ordinary seeds. Whoever reaches a cell of coverage that nobody reached before becomes a
//! parent, and later generations run neighbours of parents' plans. What is learnt is merged between generations
//! and in the order of the runs, so the search depends on its base alone and not on how many workers run it.
//!
//! Its runs are no sample: no share, interval or bound may be taken from them.

#[cfg(test)]
mod tests;

use crate::assemble::Assembly;
use crate::plan::as_planned;
use crate::shrink::distinct_names;
use crate::spec::Scenario;
use std::collections::BTreeSet;
use std::sync::Arc;
use stormglass_core::fault::FaultPlan;
use stormglass_core::id::name_hash;
use stormglass_core::outcome::Outcome;
use stormglass_core::part::PartKind;
use stormglass_core::rng::{Seed, mix};

/// Of later generations, so many runs in a hundred are ordinary seeds still: a search that only follows what it
/// has seen misses what it has not.
const FRESH_PERCENT: u64 = 20;

/// A run to make.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Candidate {
    /// Its seed.
    pub seed: u64,
    /// Its plan.
    pub plan: FaultPlan,
}

/// A cell of coverage: point, part, kind of fault, and whether it struck the passing node.
type Cell = (&'static str, PartKind, &'static str, bool);

/// A search under way.
pub struct Hunt {
    assembly: Arc<Assembly>,
    base: u64,
    generation: u64,
    cells: BTreeSet<Cell>,
    parents: Vec<Candidate>,
}

impl Hunt {
    /// A search that a text decides.
    #[must_use]
    pub fn new(assembly: Arc<Assembly>, base: &str) -> Hunt {
        Hunt {
            assembly,
            base: name_hash(base),
            generation: 0,
            cells: BTreeSet::new(),
            parents: Vec::new(),
        }
    }

    /// Cells reached so far.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.cells.len()
    }

    /// Plans that reached something new.
    #[must_use]
    pub fn parents(&self) -> usize {
        self.parents.len()
    }

    /// The runs of the next generation.
    pub fn next(&mut self, size: u64) -> Vec<Candidate> {
        let generation = self.generation;
        self.generation += 1;
        (0..size)
            .map(|index| self.candidate(generation, index))
            .collect()
    }

    fn candidate(&self, generation: u64, index: u64) -> Candidate {
        // Seeds of at most 12 digits, as everywhere, are easily copied from one window to another.
        let number = mix(self.base ^ mix(generation ^ mix(index)));
        let seed = number % 1_000_000_000_000;
        let mut stream = Seed(number).stream("hunt");
        let is_fresh = generation == 0 || stream.below(100) < FRESH_PERCENT;
        let parent = if is_fresh {
            None
        } else {
            stream.pick(&self.parents)
        };
        match parent {
            None => Candidate {
                seed,
                plan: self.assembly.plan(Seed(seed)),
            },
            // Half of them keep the parent's timing, so that what led there happens again.
            Some(parent) => Candidate {
                seed: if stream.chance(500_000) {
                    parent.seed
                } else {
                    seed
                },
                plan: self.assembly.mutate(stream, &parent.plan),
            },
        }
    }

    /// Takes in what a run reached; to be called in the order of the generation. Gives back how many cells are
    /// new.
    pub fn learn(&mut self, candidate: &Candidate, outcome: &Outcome) -> usize {
        let before = self.cells.len();
        for row in &outcome.reached {
            for fault in &row.faults {
                self.cells
                    .insert((row.point, row.part, fault.kind, fault.struck));
            }
        }
        let new = self.cells.len() - before;
        if new > 0 {
            self.parents.push(candidate.clone());
        }
        new
    }
}

/// A scenario that meets what a candidate met, and draws nothing: its faults that did something, written down.
#[must_use]
pub fn written(assembly: &Assembly, plan: &FaultPlan, outcome: Option<&Outcome>) -> Scenario {
    let case = assembly.case();
    let mut scenario = case.written.clone();
    let mut effective = plan.clone();
    if let Some(outcome) = outcome {
        // A planned fault without effect would be asked after.
        let did = |index: usize| {
            let record = outcome.faults.get(index);
            record.is_none_or(|fault| fault.started.is_some() && fault.effects > 0)
        };
        let mut index = 0;
        effective.faults.retain(|_| {
            index += 1;
            did(index - 1)
        });
    }
    scenario.faults.swarm.clear();
    scenario.faults.planned = as_planned(&effective, &case.phases);
    distinct_names(&mut scenario);
    // Points are asked of a sweep, which one plan is not.
    scenario.expect.points.clear();
    scenario.run.seeds = 1;
    scenario
}
