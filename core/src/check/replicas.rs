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
    /// What lies below a gap before the first of `starts`, if there is one.
    behind: Option<Box<Epochs>>,
}

impl Epochs {
    pub(super) const fn end(&self) -> u64 {
        self.end
    }

    /// Cuts everything at and above `from`.
    pub(super) fn truncate(&mut self, from: u64) {
        if self.starts.first().is_some_and(|(first, _)| from <= *first)
            && let Some(behind) = self.behind.take()
        {
            *self = *behind;
            return self.truncate(from);
        }
        self.end = self.end.min(from);
        while self
            .starts
            .last()
            .is_some_and(|(start, _)| *start >= self.end)
        {
            self.starts.pop();
        }
    }

    /// Puts records in place; what lay there or behind is gone, unless it is of the same epoch or a newer
    /// one: a disk is in order within one file only, and the first batch of a segment may be written before
    /// the last of the segment before it.
    pub(super) fn put(&mut self, base: u64, end: u64, epoch: u32) {
        let first = self.starts.first().copied();
        if let Some((first, newer)) =
            first.filter(|(first, newer)| base < *first && epoch <= *newer)
            && let Some(behind) = &mut self.behind
        {
            behind.put(base, end, epoch);
            if behind.end == first {
                let ahead = std::mem::take(&mut self.starts);
                let last = behind.starts.last().map(|(_, epoch)| *epoch);
                let same = usize::from(last == Some(newer));
                behind.starts.extend_from_slice(&ahead[same..]);
                self.starts = std::mem::take(&mut behind.starts);
                self.behind = behind.behind.take();
            }
            return;
        }
        if base > self.end {
            // A replica that starts behind others' log start begins there; or the gap is filled later.
            self.behind = Some(Box::new(std::mem::take(self)));
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

    /// The epoch of the last record.
    pub(super) fn last_epoch(&self) -> Option<u32> {
        self.starts.last().map(|(_, epoch)| *epoch)
    }

    /// The first offset at which both have a record, and not the same.
    pub(super) fn parting(&self, other: &Epochs) -> Option<u64> {
        let here = self.starts.iter().map(|(start, _)| *start);
        let there = other.starts.iter().map(|(start, _)| *start);
        here.chain(there)
            .filter(|offset| {
                let records = self.at(*offset).zip(other.at(*offset));
                records.is_some_and(|(here, there)| here != there)
            })
            .min()
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
            Stage::Lost | Stage::Corrupted => true,
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_segment_whose_first_batch_is_written_before_the_last_of_the_one_before_leaves_no_hole() {
        let mut log = Epochs::default();
        for (base, end) in [
            (16, 17),
            (30, 31),
            (0, 14),
            (14, 15),
            (15, 16),
            (17, 30),
            (31, 32),
        ] {
            log.put(base, end, 1);
        }
        assert_eq!(
            (log.end(), log.at(0), log.at(31), log.epoch_end(0)),
            (32, Some(1), Some(1), 32)
        );
    }

    #[test]
    fn a_newer_epoch_takes_the_place_of_what_lies_behind_a_gap() {
        let mut log = Epochs::default();
        log.put(0, 4, 1);
        log.put(9, 10, 1);
        log.put(4, 5, 2);
        assert_eq!((log.end(), log.at(3), log.at(4)), (5, Some(1), Some(2)));
    }

    #[test]
    fn two_logs_part_where_both_have_a_record_and_not_the_same() {
        let (mut old, mut new) = (Epochs::default(), Epochs::default());
        old.put(0, 10, 1);
        new.put(3, 5, 1);
        assert_eq!(old.parting(&new), None, "one is shorter");
        new.put(5, 8, 2);
        assert_eq!((old.parting(&new), new.parting(&old)), (Some(5), Some(5)));
    }

    #[test]
    fn a_replica_that_begins_late_has_nothing_below() {
        let mut log = Epochs::default();
        log.put(7, 9, 3);
        assert_eq!((log.end(), log.at(6), log.at(7)), (9, None, Some(3)));
        log.truncate(5);
        assert_eq!(log.at(7), None);
    }
}
