//! Fault plans, drawn whole before the run.
//!
//! A plan is a function of the seed and of the scenario as written, never of a variant (A14): variants meet
//! the same faults and can be compared seed by seed. The planned faults of the file come first; around them
//! a swarm draws a random subset of the listed kinds with random weights, so that runs differ in character
//! and not in detail alone. Sampled faults start and heal inside the chaos phase, last a multiple of a
//! timeout that they can straddle, and are drawn inside the budget of what the parts claim to withstand,
//! unless the scenario says `envelope = "off"`.

pub mod budget;
mod composite;
mod draw;
mod inputs;
mod lengths;
mod mutate;
mod template;
mod together;

#[cfg(test)]
mod tests;

pub use budget::{EnvelopeBudget, PartBudget};
pub use mutate::mutate;

use crate::error::{ScenarioError, SourceText};
use crate::load::Case;
use crate::spec::document;
use crate::spec::faults::{EnvelopeRule, Moment, PlannedFault};
use crate::spec::planned::PlannedKind;
use crate::spec::{Phases, Scenario, references};
use draw::Sampler;
use std::collections::BTreeMap;
use stormglass_core::fault::{Fault, FaultPlan, Target};
use stormglass_core::rng::Seed;
use stormglass_core::time::{Span, Time};

/// The plan of one run. `base` is the scenario as written, whichever variant runs.
#[must_use]
pub fn sample(seed: Seed, base: &Case) -> FaultPlan {
    let scenario = &base.scenario;
    let parts = references::parts(scenario);
    let mut faults: Vec<Fault> = scenario
        .faults
        .planned
        .iter()
        .map(|fault| planned(seed, fault, &parts, &base.phases))
        .collect();
    let mut budget = EnvelopeBudget::of_case(base);
    if scenario.faults.envelope == EnvelopeRule::Off {
        budget.open();
    }
    for fault in &faults {
        budget.hold(fault);
    }
    let mut sampler = Sampler::new(seed.stream("faults"), scenario, &base.phases, budget);
    faults.extend(sampler.swarm());
    // A stable sort: planned faults come before sampled ones of the same instant.
    faults.sort_by_key(|fault| fault.at);
    assert_inside(&faults, &base.phases);
    FaultPlan { faults }
}

/// Every fault starts after warm-up and is healed when calm starts.
fn assert_inside(faults: &[Fault], phases: &Phases) {
    for fault in faults {
        assert!(
            fault.at >= phases.chaos_starts(),
            "{fault} starts before chaos"
        );
        assert!(
            fault.at + fault.lasts <= phases.calm_starts(),
            "{fault} is not healed when calm starts"
        );
    }
}

/// Draws the node of every part of which a target means one, in the order in which it is written.
fn draw_nodes(target: &mut Target, draw: &mut dyn FnMut(&str) -> u16) {
    match target {
        Target::OneOf(part, index) => *index = draw(part),
        Target::Link(from, to) => {
            draw_nodes(from, draw);
            draw_nodes(to, draw);
        }
        Target::Set(ends) => {
            for end in ends {
                draw_nodes(end, draw);
            }
        }
        Target::Node(_)
        | Target::Leader(_)
        | Target::Controller(_)
        | Target::Coordinator(_)
        | Target::All(_)
        | Target::Zone(_) => {}
    }
}

/// A planned fault in the words of a plan, its node drawn if the file leaves it open.
fn planned(
    seed: Seed,
    fault: &PlannedFault,
    parts: &BTreeMap<String, u16>,
    phases: &Phases,
) -> Fault {
    let mut target = fault.target.clone();
    if fault.draws_node {
        let mut stream = seed.stream(&format!("faults/planned/{}", fault.name));
        draw_nodes(&mut target, &mut |part| {
            let nodes = parts.get(part).copied().unwrap_or(1);
            stream.below(nodes.max(1).into()) as u16
        });
    }
    Fault {
        name: Some(fault.name.clone()),
        at: phases.chaos_starts() + fault.at.span,
        lasts: fault.lasts.span,
        kind: fault.kind.to_fault(),
        target,
        planned: true,
    }
}

/// A plan as planned faults of a scenario file, as a shrunk failure is saved. Faults that a file cannot ask
/// for are left out.
#[must_use]
pub fn as_planned(plan: &FaultPlan, phases: &Phases) -> Vec<PlannedFault> {
    plan.faults
        .iter()
        .enumerate()
        .filter_map(|(index, fault)| {
            Some(PlannedFault {
                name: fault
                    .name
                    .clone()
                    .unwrap_or_else(|| format!("fault {}", index + 1)),
                at: Moment::fixed(Span(fault.at.0.saturating_sub(phases.chaos_starts().0))),
                lasts: Moment::fixed(fault.lasts),
                kind: PlannedKind::from_fault(&fault.kind)?,
                target: fault.target.clone(),
                draws_node: false,
            })
        })
        .collect()
}

/// A plan as TOML, times counted from the start of the run.
#[must_use]
pub fn print(plan: &FaultPlan) -> String {
    toml::to_string(plan).expect("a plan has text keys and values that TOML has")
}

/// Reads a printed plan.
///
/// # Errors
/// If the text is none.
pub fn parse(file: &str, text: String) -> Result<FaultPlan, ScenarioError> {
    let source = SourceText {
        file: file.to_owned(),
        text,
    };
    toml::from_str(&source.text).map_err(|error| document::explain(&source, &error, 0..0))
}

/// The instants between which sampled faults may lie.
fn window(phases: &Phases) -> (Time, Time) {
    (phases.chaos_starts(), phases.calm_starts())
}

/// The part that `source.X`, `processor.X` or `service.X` talks to.
fn broker_of(scenario: &Scenario, part: &str) -> Option<String> {
    let (section, name) = part.split_once('.')?;
    let place = match section {
        "source" => scenario.sources.get(name).map(|source| &source.to),
        "processor" => scenario
            .processors
            .get(name)
            .map(|processor| &processor.from),
        "service" => scenario
            .services
            .get(name)
            .and_then(|service| service.from.as_ref().or(service.to.as_ref())),
        _ => None,
    }?;
    place.split_once('/').map(|(broker, _)| broker.to_owned())
}
