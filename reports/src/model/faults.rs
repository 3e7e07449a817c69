//! How faults were met: how soon somebody noticed, and how soon after the heal the backlog was gone.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::histogram::LatencyHistogram;
use super::value::Value;

/// How one fault of one run was met.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FaultMet {
    /// The name of a planned fault, the kind of a drawn one.
    pub fault: String,
    /// The first reaction and how long after the start it came, in microseconds, if there was one.
    pub detected: Option<(String, u64)>,
    /// From the heal until the backlog was back at its level, or never.
    pub drained: Value,
}

/// How the faults of one name or kind were met over all runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
pub struct FaultTimes {
    /// From the start to the first reaction; faults that nobody noticed are never.
    pub detect: LatencyHistogram,
    /// From the heal until the backlog was back.
    pub drain: LatencyHistogram,
    /// Which reactions came first, and how often.
    pub reactions: BTreeMap<String, u64>,
}

impl FaultTimes {
    /// Adds a fault of one run.
    pub fn add(&mut self, met: &FaultMet) {
        match &met.detected {
            Some((reaction, micros)) => {
                self.detect.record(*micros);
                *self.reactions.entry(reaction.clone()).or_default() += 1;
            }
            None => self.detect.record_never(1),
        }
        match met.drained.number() {
            Some(micros) => self.drain.record(micros),
            None => self.drain.record_never(1),
        }
    }

    /// Adds those of other runs.
    pub fn merge(&mut self, other: &Self) {
        self.detect.merge(&other.detect);
        self.drain.merge(&other.drain);
        for (reaction, count) in &other.reactions {
            *self.reactions.entry(reaction.clone()).or_default() += count;
        }
    }
}
