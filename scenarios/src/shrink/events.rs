//! Fewer and plainer events.

use super::minimise::minimise;
use super::trial::Trials;
use crate::spec::Scenario;
use stormglass_core::source::config::Arrival;
use stormglass_core::source::listed::ListedEvent;
use stormglass_core::time::{Span, Time};

/// An event and the source that owes it.
type Owed = (String, ListedEvent);

/// The events of all sources in the order in which they are owed.
fn all(scenario: &Scenario) -> Vec<Owed> {
    let mut events: Vec<Owed> = Vec::new();
    for (name, source) in &scenario.sources {
        if let Arrival::Events(listed) = &source.arrival {
            events.extend(listed.iter().map(|event| (name.clone(), *event)));
        }
    }
    events.sort_by_key(|(_, event)| event.at);
    events
}

/// How many events the sources of a scenario list.
#[must_use]
pub fn count(scenario: &Scenario) -> u64 {
    all(scenario).len() as u64
}

fn with(scenario: &Scenario, events: &[Owed]) -> Scenario {
    let mut candidate = scenario.clone();
    for (name, source) in &mut candidate.sources {
        let own = events.iter().filter(|(owner, _)| owner == name);
        source.arrival = Arrival::Events(own.map(|(_, event)| *event).collect());
    }
    // A source that owes nothing is no source; what only it fed goes with it, or the candidate is refused.
    candidate.sources.retain(
        |_, source| !matches!(&source.arrival, Arrival::Events(events) if events.is_empty()),
    );
    candidate
}

/// Cuts the events after the violation, then all that it does not need.
pub fn fewer(scenario: Scenario, violated: Time, trials: &mut Trials<'_>) -> Scenario {
    let mut events = all(&scenario);
    let until = events.partition_point(|(_, event)| event.at.0 <= violated.0);
    if until < events.len() && trials.fails(&with(&scenario, &events[..until])) {
        events.truncate(until);
    }
    let left = minimise(events, &mut |some| {
        !some.is_empty() && trials.fails(&with(&scenario, some))
    });
    with(&scenario, &left)
}

/// Sizes, values, kinds and times that do not matter become plain ones.
pub fn plainer(scenario: Scenario, trials: &mut Trials<'_>) -> Scenario {
    let mut scenario = scenario;
    let plain: [&dyn Fn(&mut ListedEvent); 4] = [
        &|event| (event.lag, event.lead) = (Span::ZERO, Span::ZERO),
        &|event| event.size = None,
        &|event| event.kind = 0,
        &|event| event.value = 1,
    ];
    let changed = |scenario: &Scenario, change: &dyn Fn(&mut ListedEvent)| {
        let mut events = all(scenario);
        events.iter_mut().for_each(|(_, event)| change(event));
        with(scenario, &events)
    };
    for change in plain {
        let candidate = changed(&scenario, change);
        if candidate != scenario && trials.fails(&candidate) {
            scenario = candidate;
        }
    }
    for grid in GRIDS {
        let candidate = changed(&scenario, &|event| event.at = rounded(event.at, grid));
        if candidate == scenario {
            break;
        }
        if trials.fails(&candidate) {
            return candidate;
        }
    }
    scenario
}

/// Grids for due times, the plainest first.
const GRIDS: [Span; 4] = [
    Span::millis(100),
    Span::millis(10),
    Span::millis(1),
    Span::micros(1),
];

/// The multiple of `grid` at or below a span.
pub fn rounded(span: Span, grid: Span) -> Span {
    Span(span.0 / grid.0 * grid.0)
}
