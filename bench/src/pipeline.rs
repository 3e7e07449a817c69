//! Scenarios of this folder, run to a given instant with everything that a run has.

use std::sync::Arc;
use stormglass_core::check::equivalence::References;
use stormglass_core::check::{End, Panel, catalog};
use stormglass_core::fault::FaultPlan;
use stormglass_core::history::{Fact, Kinds};
use stormglass_core::metrics::{Phases, Recorder};
use stormglass_core::outcome::Outcome;
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::load_text;
use stormglass_scenarios::run::{self, Driver};
use stormglass_scenarios::spec::Names;
use stormglass_sim::drive::bare;

/// A scenario, assembled once for any number of seeds.
pub struct Pipeline {
    assembly: Arc<Assembly>,
}

/// What a run came to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Steps taken.
    pub steps: u64,
    /// Events acknowledged.
    pub acknowledged: u64,
    /// Batches acknowledged.
    pub batches: u64,
    /// Facts shown to the recorder and the checks.
    pub facts: u64,
    /// What the checks judged.
    pub judged: u64,
    /// The fingerprint.
    pub fingerprint: u64,
}

impl Pipeline {
    /// 10,000 events a second, three replicas, acks=all, batches of up to 64.
    #[must_use]
    pub fn throughput() -> Pipeline {
        Pipeline::of("pipeline.toml", include_str!("../scenarios/pipeline.toml"))
    }

    /// A run of about 10,000 steps.
    #[must_use]
    pub fn gate() -> Pipeline {
        Pipeline::of("gate.toml", include_str!("../scenarios/gate.toml"))
    }

    fn of(file: &str, text: &str) -> Pipeline {
        let file = load_text(file, text.to_owned(), &Names::default())
            .unwrap_or_else(|error| panic!("a scenario of the benches does not load: {error}"));
        let assembly = Assembly::new(&file, file.base(), &Catalog::new())
            .unwrap_or_else(|error| panic!("a scenario of the benches is not assembled: {error}"));
        Pipeline {
            assembly: Arc::new(assembly),
        }
    }

    /// The assembled scenario.
    #[must_use]
    pub fn assembly(&self) -> &Assembly {
        &self.assembly
    }

    /// Runs a seed with the faults that it draws, as a gate does: to the end of the audit, and judged.
    #[must_use]
    pub fn run(&self, seed: u64) -> Outcome {
        run::run(&self.assembly, seed, Driver::Auto).outcome
    }

    /// Runs a seed without faults for `length` of simulated time; a recorder and every check listen.
    ///
    /// # Panics
    /// If a limit stops the run.
    #[must_use]
    pub fn run_for(&self, seed: u64, length: Span) -> Done {
        let (topology, plan) = (self.assembly.topology(), Arc::new(FaultPlan::default()));
        let checks = catalog::CHECKS
            .iter()
            .filter_map(|(name, _)| catalog::make(name, &topology, &plan, References::new()));
        let mut panel = Panel::new(Arc::clone(&topology), Arc::clone(&plan), checks.collect());
        let phases = &self.assembly.case().phases;
        let phases = Phases {
            chaos: phases.chaos_starts(),
            calm: phases.calm_starts(),
            drain: phases.drain_starts(),
            end: phases.ends(),
        };
        let mut recorder = Recorder::new(&topology, &plan, phases);
        let mut world = self
            .assembly
            .world(Seed(seed), FaultPlan::default(), Kinds::all(), None);
        let mut done = Done::default();
        bare(&mut world, Time::ZERO + length, &mut |_, seen| {
            done.facts += 1;
            if let Fact::Acknowledged(published) = &seen.fact {
                done.batches += 1;
                done.acknowledged += published.batch.count();
            }
            panel.observe(&seen);
            recorder.observe(&seen);
            true
        });
        assert_eq!(world.stopped(), None, "seed {seed} was stopped");
        let judgements = panel.finish(&End::default());
        done.judged = judgements.iter().map(|judgement| judgement.judged).sum();
        (done.steps, done.fingerprint) = (world.steps(), world.fingerprint());
        done
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_pipeline_acknowledges_what_is_offered_in_full_batches() {
        // The cluster's first two seconds go by without a leader.
        let done = Pipeline::throughput().run_for(1, Span::secs(4));
        assert!(done.acknowledged > 38_000, "{done:?}");
        assert!(done.acknowledged / done.batches > 56, "{done:?}");
    }

    #[test]
    fn a_seed_of_the_gate_takes_about_ten_thousand_steps_and_is_judged() {
        let gate = Pipeline::gate();
        let runs: Vec<Outcome> = (0..10).map(|seed| gate.run(seed)).collect();
        let mean = runs.iter().map(|run| run.steps).sum::<u64>() / 10;
        assert!((8_000..12_000).contains(&mean), "{mean} steps");
        assert!(runs.iter().all(|run| run.limit.is_none()));
        assert!(
            runs.iter()
                .any(|run| run.faults.iter().any(|fault| fault.effects > 0))
        );
        assert!(
            runs.iter()
                .all(|run| run.judgements.iter().any(|judgement| judgement.judged > 0))
        );
    }

    #[test]
    fn a_run_repeats() {
        let gate = Pipeline::gate();
        assert_eq!(gate.run(3).fingerprint, gate.run(3).fingerprint);
    }
}
