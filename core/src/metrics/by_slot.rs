//! End-to-end latencies slot by slot: what a heat map shows and a zoom merges.

use crate::metrics::counted::{Counted, NEVER, highest};

/// The latencies of the events due in each slot of a run.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SlotLatencies(pub(super) Vec<Counted>);

impl SlotLatencies {
    /// The finite latencies of every slot, in order: the highest microsecond of each bucket, and how many lie in it.
    pub fn iter(&self) -> impl Iterator<Item = impl Iterator<Item = (u64, u64)>> {
        self.0.iter().map(|counted| {
            let finite = counted.iter().filter(|(value, _)| *value != NEVER);
            finite.map(|(value, count)| (highest(value), count))
        })
    }
}
