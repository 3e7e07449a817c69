//! What is counted by phase besides latencies: the largest backlog, and what was lost.
//!
//! A backlog is a level, so it belongs to the phase of the instant; a lost event belongs to the phase of its
//! due time (B2).

use crate::metrics::Phase;
use crate::time::Time;
use std::collections::{BTreeMap, BTreeSet};

/// Counts of one phase.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PhaseCounts {
    /// The largest backlog at any instant of it: acknowledged events that were not done.
    pub backlog_max: u64,
    /// Acknowledged events due in it that have not all their required effects at the end.
    pub lost: u64,
    /// Events due in it that were too late for all their windows.
    pub late: u64,
}

/// Which phases the instants of a run belong to.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PhaseMap(Vec<(Time, Vec<Phase>)>);

impl PhaseMap {
    /// Phases change at most at `changes`; `phases` tells those of an instant.
    pub(super) fn new(mut changes: Vec<Time>, phases: impl Fn(Time) -> Vec<Phase>) -> PhaseMap {
        changes.push(Time::ZERO);
        changes.sort_unstable();
        changes.dedup();
        PhaseMap(changes.into_iter().map(|at| (at, phases(at))).collect())
    }

    /// The phases of an instant.
    #[must_use]
    pub fn at(&self, at: Time) -> &[Phase] {
        self.place(at).map_or(&[], |place| self.phases(place))
    }

    /// The phases of one of the stretches without a change.
    pub(super) fn phases(&self, place: usize) -> &[Phase] {
        &self.0[place].1
    }

    /// Every phase that occurs, in order.
    pub(super) fn all(&self) -> BTreeSet<&Phase> {
        self.0.iter().flat_map(|(_, phases)| phases).collect()
    }

    /// How many stretches there are.
    pub(super) const fn len(&self) -> usize {
        self.0.len()
    }

    /// Among which of the stretches without a change an instant lies.
    pub(super) fn place(&self, at: Time) -> Option<usize> {
        let after = self.0.partition_point(|(start, _)| *start <= at);
        after.checked_sub(1)
    }
}

/// The backlog in one stretch of a run.
#[derive(Clone, Copy, Debug)]
struct Peak {
    start: Time,
    most: u64,
    last: u64,
}

/// The backlog at every instant, kept as its peaks by stretches of time.
#[derive(Clone, Debug, Default)]
pub(super) struct Levels {
    acknowledged: u64,
    finished: u64,
    peaks: Vec<Peak>,
}

impl Levels {
    /// At one instant of the stretch that begins at `start`, so many events were acknowledged and so many are no
    /// longer waited for.
    pub(super) fn change(&mut self, start: Time, acknowledged: u64, finished: u64) {
        self.acknowledged += acknowledged;
        self.finished += finished;
        // An effect may come before its acknowledgement: then nothing waits.
        let level = self.acknowledged.saturating_sub(self.finished);
        match self.peaks.last_mut() {
            Some(peak) if peak.start >= start => {
                peak.most = peak.most.max(level);
                peak.last = level;
            }
            Some(_) | None => self.peaks.push(Peak {
                start,
                most: level,
                last: level,
            }),
        }
    }

    /// The largest backlog of each phase. What waits when a phase begins waits in it.
    pub(super) fn by_phase(&self, map: &PhaseMap, counts: &mut BTreeMap<Phase, PhaseCounts>) {
        let mut peaks = self.peaks.iter().peekable();
        let mut level = 0;
        for (index, (_, phases)) in map.0.iter().enumerate() {
            let end = map.0.get(index + 1).map_or(Time::NEVER, |next| next.0);
            let mut most = level;
            while let Some(peak) = peaks.next_if(|peak| peak.start < end) {
                most = most.max(peak.most);
                level = peak.last;
            }
            for phase in phases {
                let count = counts.entry(phase.clone()).or_default();
                count.backlog_max = count.backlog_max.max(most);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_waits_when_a_phase_begins_waits_in_it() {
        let map = PhaseMap::new(vec![Time(10), Time(20), Time(30)], |at| match at.0 {
            0 => vec![Phase::Warmup],
            10 => vec![Phase::All, Phase::Steady],
            20 => vec![Phase::All, Phase::DuringFaults],
            _ => vec![Phase::All, Phase::Calm],
        });
        let mut levels = Levels::default();
        for start in [0, 0, 10, 20, 20] {
            levels.change(Time(start), 1, 0);
        }
        levels.change(Time(20), 0, 2);
        levels.change(Time(20), 0, 3);
        let mut counts = BTreeMap::new();
        levels.by_phase(&map, &mut counts);
        let most = |phase: Phase| counts[&phase].backlog_max;
        assert_eq!(most(Phase::Warmup), 2);
        assert_eq!(most(Phase::Steady), 3);
        assert_eq!(most(Phase::DuringFaults), 5);
        assert_eq!(most(Phase::Calm), 0);
        assert_eq!(most(Phase::All), 5);
        assert_eq!(map.at(Time(29)), [Phase::All, Phase::DuringFaults]);
    }
}
