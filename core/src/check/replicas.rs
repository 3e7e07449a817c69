//! What each replica of a partition has, as its history of epochs: with log matching, the epoch at an
//! offset says which record it is, so a log of any length is a short list.

use crate::check::Topology;
use crate::history::{Fact, Observation, Stage};
use crate::id::NodeId;
use std::collections::BTreeMap;
use std::sync::Arc;

/// One replica's log: where each epoch begins, and the end.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Epochs {
    starts: Vec<(u64, u32)>,
    end: u64,
}

impl Epochs {
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// Cuts everything at and above `from`.
    pub(super) fn truncate(&mut self, from: u64) {
        self.end = self.end.min(from);
        while self
            .starts
            .last()
            .is_some_and(|(start, _)| *start >= self.end)
        {
            self.starts.pop();
        }
    }

    /// Puts records in place; what lay there or behind is gone.
    pub(super) fn put(&mut self, base: u64, end: u64, epoch: u32) {
        if base > self.end {
            // A replica that starts behind others' log start begins there.
            self.starts.clear();
        } else {
            self.truncate(base);
        }
        if self.starts.last().is_none_or(|(_, last)| *last != epoch) {
            self.starts.push((base, epoch));
        }
        self.end = end;
    }

    /// The epoch of the record at `offset`, none if the log does not have it.
    pub(super) fn at(&self, offset: u64) -> Option<u32> {
        if offset >= self.end {
            return None;
        }
        let after = self.starts.partition_point(|(start, _)| *start <= offset);
        after.checked_sub(1).map(|at| self.starts[at].1)
    }

    /// The offset after the last record of the run of one epoch that holds `offset`.
    pub(super) fn epoch_end(&self, offset: u64) -> u64 {
        let after = self.starts.partition_point(|(start, _)| *start <= offset);
        self.starts.get(after).map_or(self.end, |(start, _)| *start)
    }

    /// The first offset at or above `from` where the other log, below its end, is not the same here.
    pub(super) fn first_difference(&self, other: &Epochs, from: u64) -> Option<u64> {
        let here = self.starts.iter().map(|(start, _)| *start);
        let there = other.starts.iter().map(|(start, _)| *start);
        let edges = here.chain(there).chain([from, self.end]);
        edges
            .filter(|offset| (from..other.end).contains(offset))
            .filter(|offset| other.at(*offset).is_some() && self.at(*offset) != other.at(*offset))
            .min()
    }
}

/// All replicas of all partitions.
#[derive(Clone, Debug)]
pub(super) struct Replicas {
    topology: Arc<Topology>,
    logs: BTreeMap<(usize, NodeId), Epochs>,
}

impl Replicas {
    pub(super) fn new(topology: &Arc<Topology>) -> Replicas {
        Replicas {
            topology: Arc::clone(topology),
            logs: BTreeMap::new(),
        }
    }

    pub(super) fn observe(&mut self, seen: &Observation) {
        let lost = match seen.stage {
            Stage::Written => false,
            Stage::Lost => true,
            Stage::Claimed | Stage::Seen | Stage::Durable => return,
        };
        if let Fact::Appended { partition, entry } = &seen.fact {
            if let Some(slot) = self.topology.slot_at(seen.node, *partition) {
                let log = self.logs.entry((slot, seen.node)).or_default();
                if lost {
                    log.truncate(entry.base.0);
                } else {
                    log.put(entry.base.0, entry.end().0, entry.epoch.0);
                }
            }
        } else if let Fact::Truncated { partition, from } = &seen.fact
            && !lost
            && let Some(slot) = self.topology.slot_at(seen.node, *partition)
        {
            let log = self.logs.entry((slot, seen.node)).or_default();
            log.truncate(from.0);
        }
    }

    pub(super) fn of(&self, slot: usize, node: NodeId) -> Option<&Epochs> {
        self.logs.get(&(slot, node))
    }
}
