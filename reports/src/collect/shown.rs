//! Which run time charts show: the first failing one, else the worst (decisions B16).

use std::cmp::Reverse;

use super::Collector;
use crate::model::SeedRow;
use crate::model::outcome::Answer;
use crate::model::shown::{SLOTS_MAX, ShownRun, ShownWhy};
use crate::model::value::Value;

/// The smallest rank is shown.
pub(super) type Rank = (ShownWhy, Reverse<u64>, u64);

/// A drawn run and its rank: the smallest rank is shown.
#[derive(Debug, Clone)]
pub(super) struct Candidate {
    pub(super) rank: Rank,
    pub(super) run: ShownRun,
}

impl Collector {
    pub(super) fn offer_shown(&mut self, mut run: ShownRun, row: &SeedRow) {
        assert!(run.slots.len() <= SLOTS_MAX, "{} slots", run.slots.len());
        let rank = rank_of(row);
        run.index = row.index;
        run.seed = row.seed;
        run.why = rank.0;
        self.keep_better(Candidate { rank, run });
    }

    /// Index of the run that would be drawn if nothing else were added. Whoever stores outcomes needs to
    /// keep the drawing of that one alone.
    #[must_use]
    pub fn drawn(&self) -> Option<u64> {
        self.shown.as_ref().map(|candidate| candidate.run.index)
    }

    /// Whether the run of `index`, which was added, would be drawn if it were shown.
    #[must_use]
    pub fn would_draw(&self, index: u64) -> bool {
        let held = self.shown.as_ref().map(|candidate| candidate.rank);
        let rank = self.seeds.get(&index).map(rank_of);
        rank.is_some_and(|rank| held.is_none_or(|held| rank < held))
    }

    pub(super) fn keep_better(&mut self, candidate: Candidate) {
        let is_better = self
            .shown
            .as_ref()
            .is_none_or(|held| candidate.rank < held.rank);
        if is_better {
            self.shown = Some(candidate);
        }
    }
}

/// Failing runs first, by index; then the others by p99, highest first, ties by index.
pub(super) fn rank_of(row: &SeedRow) -> Rank {
    if row.answer == Answer::Fail {
        return (ShownWhy::FirstFailing, Reverse(0), row.index);
    }
    let p99 = match row.headline_p99 {
        Some(Value::Never) => u64::MAX,
        Some(value) => value.number().unwrap_or(0),
        None => 0,
    };
    (ShownWhy::Worst, Reverse(p99), row.index)
}
