//! A run that depends on its seed as little as can be: the faults and the events that the seed drew are
//! written down, one by one. What is left to the seed is timing: latencies, elections, back-off.

use crate::assemble::Assembly;
use crate::plan::as_planned;
use crate::spec::{ExpectSpec, Scenario};
use std::collections::BTreeSet;
use stormglass_core::outcome::Outcome;
use stormglass_core::rng::Seed;
use stormglass_core::source::config::{Arrival, Keys};
use stormglass_core::source::listed::ListedEvent;

/// The scenario of `assembly` with what `seed` drew written down. Of the faults those are kept that did
/// something in `outcome`, the run of that seed, if it came to its end. `expect` is what the file asks for.
#[must_use]
pub fn explicit(
    assembly: &Assembly,
    seed: u64,
    outcome: Option<&Outcome>,
    expect: ExpectSpec,
) -> Scenario {
    let case = assembly.case();
    let mut scenario = case.written.clone();
    let plan = assembly.plan(Seed(seed));
    let faults = outcome.map_or(&[][..], |outcome| &outcome.faults);
    let idle: BTreeSet<usize> = (faults.iter().enumerate())
        .filter(|(_, fault)| fault.started.is_none() || fault.effects == 0)
        .map(|(index, _)| index)
        .collect();
    let mut effective = plan.clone();
    let mut index = 0;
    effective.faults.retain(|_| {
        index += 1;
        !idle.contains(&(index - 1))
    });
    scenario.faults.swarm.clear();
    scenario.faults.planned = as_planned(&effective, &case.phases);
    distinct_names(&mut scenario);
    for (name, events) in assembly.owed(Seed(seed)) {
        if let Some(source) = scenario.sources.get_mut(&name) {
            let size = source.size;
            let listed = events
                .iter()
                .map(|event| ListedEvent::of_event(event, size));
            source.arrival = Arrival::Events(listed.collect());
            source.keys = Keys::default();
            source.disorder = None;
        }
    }
    scenario.expect = expect;
    scenario.run.seeds = 1;
    scenario
}

/// A file may name each fault once.
pub(crate) fn distinct_names(scenario: &mut Scenario) {
    let mut seen = BTreeSet::new();
    for fault in &mut scenario.faults.planned {
        let mut name = fault.name.clone();
        let mut more = 2;
        while !seen.insert(name.clone()) {
            name = format!("{} {more}", fault.name);
            more += 1;
        }
        fault.name = name;
    }
}
