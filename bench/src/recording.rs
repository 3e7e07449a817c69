//! What a sample costs: the facts of a run, kept and shown to a recorder again, with nothing else around.

use crate::pipeline::Pipeline;
use std::sync::Arc;
use stormglass_core::check::Topology;
use stormglass_core::fault::FaultPlan;
use stormglass_core::history::Observation;
use stormglass_core::metrics::{Phase, Phases, Recorder};
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};
use stormglass_sim::drive::bare;

/// The facts of a run that a recorder wants.
pub struct Recording {
    topology: Arc<Topology>,
    phases: Phases,
    facts: Vec<Observation>,
}

impl Recording {
    /// A fault-free run of `length`.
    #[must_use]
    pub fn of(pipeline: &Pipeline, length: Span) -> Recording {
        let assembly = pipeline.assembly();
        let wanted = Recorder::wants();
        let mut world = assembly.world(Seed(1), FaultPlan::default(), wanted, None);
        let mut facts = Vec::new();
        bare(&mut world, Time::ZERO + length, &mut |_, seen| {
            facts.push(seen);
            true
        });
        let end = Time::ZERO + length;
        Recording {
            topology: assembly.topology(),
            // Everything is measured.
            phases: Phases {
                chaos: Time::ZERO,
                calm: end,
                drain: end,
                end,
            },
            facts,
        }
    }

    /// Shows all of it to a recorder that then finishes; gives back how many samples that made.
    #[must_use]
    pub fn replay(&self) -> u64 {
        let plan = Arc::new(FaultPlan::default());
        let mut recorder = Recorder::new(&self.topology, &plan, self.phases);
        for seen in &self.facts {
            recorder.observe(seen);
        }
        let latencies = recorder.finish(None).latencies;
        let whole = latencies
            .iter()
            .filter(|(_, phase, _)| **phase == Phase::All);
        whole.map(|(_, _, latency)| latency.count()).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_event_that_came_through_has_a_sample_of_each_kind() {
        let recording = Recording::of(&Pipeline::throughput(), Span::secs(8));
        // Two latencies counted twice each, and seven stages.
        assert!(recording.replay() > 11 * 20_000, "{}", recording.replay());
    }
}
