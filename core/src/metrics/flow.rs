//! What clients did about requests that failed or could not be sent, counted by part.

use crate::history::{Fact, Flow, Observation};
use crate::metrics::Recorder;
use serde::Serialize;

/// The counts of one part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
pub struct FlowCounts {
    /// Requests that were sent again.
    pub retries: u64,
    /// Retries that the budget did not pay for.
    pub refused: u64,
    /// How often a circuit breaker opened.
    pub breakers: u64,
    /// Batches that had to wait for room in the buffer or for a throttle.
    pub waited: u64,
    /// Events that were refused because the buffer was full.
    pub shed: u64,
    /// Events that were given up after they had been sent or had waited in vain.
    pub given_up: u64,
}

impl Recorder {
    /// Takes a fact about a client's flow; says whether it was one.
    pub(super) fn count_flow(&mut self, seen: &Observation) -> bool {
        let mut counts = FlowCounts::default();
        if let Fact::Flow(flow) = &seen.fact {
            match flow {
                Flow::Retried => counts.retries = 1,
                Flow::Refused => counts.refused = 1,
                Flow::Opened => counts.breakers = 1,
                Flow::Waited => counts.waited = 1,
            }
        } else if let Fact::Shed(events) = &seen.fact {
            counts.shed = events.len() as u64;
        } else if let Fact::GaveUp { events, .. } = &seen.fact {
            counts.given_up = events.len() as u64;
        } else {
            return false;
        }
        let slot = self.slots.at(seen.time);
        slot.retried += counts.retries;
        slot.failed += counts.shed + counts.given_up;
        if let Some(part) = self.topology.part_of(seen.node) {
            self.flow.entry(part).or_default().add(&counts);
        }
        true
    }
}

impl FlowCounts {
    fn add(&mut self, other: &FlowCounts) {
        self.retries += other.retries;
        self.refused += other.refused;
        self.breakers += other.breakers;
        self.waited += other.waited;
        self.shed += other.shed;
        self.given_up += other.given_up;
    }
}
