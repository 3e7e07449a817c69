//! Fewer and plainer faults, and a run that is no longer than they need.

use super::events::rounded;
use super::minimise::minimise;
use super::trial::Trials;
use crate::spec::faults::{Moment, PlannedFault};
use crate::spec::{Length, Scenario};
use stormglass_core::time::Span;

/// Grids for instants and lengths, the plainest first.
const GRIDS: [Span; 4] = [
    Span::secs(1),
    Span::millis(100),
    Span::millis(10),
    Span::millis(1),
];

/// Removes every fault that the failure does not need.
pub fn fewer(scenario: Scenario, trials: &mut Trials<'_>) -> Scenario {
    let with = |faults: &[PlannedFault]| {
        let mut candidate = scenario.clone();
        candidate.faults.planned = faults.to_vec();
        candidate
    };
    let left = minimise(scenario.faults.planned.clone(), &mut |some| {
        trials.fails(&with(some))
    });
    with(&left)
}

/// Times of faults on the coarsest grid on which the schedule still fails.
pub fn plainer(scenario: Scenario, trials: &mut Trials<'_>) -> Scenario {
    let mut scenario = scenario;
    for index in 0..scenario.faults.planned.len() {
        for moment in [at as Part, lasts as Part] {
            let now = moment(&mut scenario.clone().faults.planned[index]).span;
            for grid in GRIDS {
                if rounded(now, grid) == now {
                    break;
                }
                // A length is rounded up, so that what it covered stays covered.
                let up = rounded(now, grid) + grid;
                let tried = [rounded(now, grid), up]
                    .into_iter()
                    .filter(|span| *span > Span::ZERO);
                let better = tried.into_iter().find_map(|span| {
                    let mut candidate = scenario.clone();
                    *moment(&mut candidate.faults.planned[index]) = Moment::fixed(span);
                    trials.fails(&candidate).then_some(candidate)
                });
                if let Some(better) = better {
                    scenario = better;
                    break;
                }
            }
        }
    }
    scenario
}

/// One of the two moments of a fault.
type Part = fn(&mut PlannedFault) -> &mut Moment;

fn at(fault: &mut PlannedFault) -> &mut Moment {
    &mut fault.at
}

fn lasts(fault: &mut PlannedFault) -> &mut Moment {
    &mut fault.lasts
}

/// A chaos phase that ends with the last fault; calm and drain follow from the parts.
pub fn shorter(scenario: Scenario, trials: &mut Trials<'_>) -> Scenario {
    let mut candidate = scenario.clone();
    let ends = scenario.faults.planned.iter();
    let end = ends.map(|fault| fault.at.span + fault.lasts.span).max();
    let chaos = rounded(end.unwrap_or_default() + GRIDS[0], GRIDS[0]);
    candidate.run.chaos = chaos.min(scenario.run.chaos);
    (candidate.run.calm, candidate.run.drain) = (Length::Auto, Length::Auto);
    if candidate != scenario && trials.fails(&candidate) {
        return candidate;
    }
    scenario
}
