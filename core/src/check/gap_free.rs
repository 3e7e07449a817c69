//! `gap-free`: consumers of a log are given every record (O-OFFSET).
//!
//! *Verifies*: within one assignment deliveries begin at the assigned offset and skip no record that
//! retention has left; nor where the log was cut and has grown again does a member go on behind the place from
//! which on other records lie there than it was given (KIP-320); across assignments a group never starts behind
//! what it committed, covered in a sink or stored in a checkpoint.
//! *Does not verify*: that a position is not too early (redelivery is legal, rule 5), nor that the
//! delivered record was processed (`commit-implies-processed`), nor that the position of an assignment still names
//! the same record after the log was cut (`nothing-in-flight` finds what was skipped then). A single answer that
//! arrives ahead of the position is taken for a stale one; a gap is alarmed when delivery goes on behind it.

use crate::check::replicas::{Epochs, Replicas};
use crate::check::{Checker, End, Findings, Judgement, Topology, Violation};
use crate::event::{Entry, Records};
use crate::history::{Fact, FactKind, Kinds, Observation, Stage};
use crate::id::{GroupId, NodeId, Offset, Partition};
use crate::message::log::{FetchedPart, Reader};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A member's reading of a partition.
#[derive(Clone, Debug)]
struct Assignment {
    group: GroupId,
    generation: u32,
    /// Whether the member reads on; what it was given still counts if it only jumps.
    is_open: bool,
    /// Everything below has been delivered.
    expected: u64,
    /// Records delivered ahead of that, from and to.
    ahead: Option<(u64, u64)>,
    /// What the member was given in this generation, as epochs: they say which records these were.
    given: Epochs,
}

impl Assignment {
    /// Takes note of what lies before `entry` in a leader's log, if the member was given other records in its place:
    /// those of the log it has yet to see.
    fn depart(&mut self, entry: &Entry, log: Option<&Epochs>) {
        // Behind a record of the same epoch, or of an older one that straggles in, nothing has been cut.
        if self
            .given
            .last_epoch()
            .is_none_or(|last| entry.epoch.0 <= last)
        {
            return;
        }
        // A leader that has been cut itself meanwhile cannot tell.
        let log = log.filter(|log| log.at(entry.base.0) == Some(entry.epoch.0));
        if let Some(parting) = log.and_then(|log| log.parting(&self.given)) {
            self.given.truncate(parting);
            self.expected = self.expected.min(parting);
            self.ahead = None;
        }
    }

    fn give(&mut self, entry: &Entry) {
        let (base, end) = (entry.base.0, entry.end().0);
        if end > self.given.end() {
            let base = base.max(self.given.end().min(end));
            self.given.put(base, end, entry.epoch.0);
        }
    }
}

/// The check.
pub struct GapFree {
    topology: Arc<Topology>,
    assigned: BTreeMap<(NodeId, Partition), Assignment>,
    /// How far a group has come, by any witness.
    positions: BTreeMap<(GroupId, Partition), u64>,
    log_starts: Vec<u64>,
    replicas: Replicas,
    findings: Findings,
}

impl GapFree {
    /// A check for one run.
    #[must_use]
    pub fn new(topology: &Arc<Topology>) -> GapFree {
        GapFree {
            assigned: BTreeMap::new(),
            positions: BTreeMap::new(),
            log_starts: vec![0; topology.slots()],
            replicas: Replicas::new(topology),
            findings: Findings::new("gap-free"),
            topology: Arc::clone(topology),
        }
    }

    fn advance(&mut self, group: GroupId, partition: Partition, next: Offset) {
        let position = self.positions.entry((group, partition)).or_insert(0);
        *position = next.0.max(*position);
    }

    fn assign(
        &mut self,
        seen: &Observation,
        (group, generation): (GroupId, u32),
        partition: Partition,
        from: Offset,
    ) {
        let place = (seen.node, partition);
        // A member that jumps within its generation, as a truncated log makes it, has what it was given.
        let before = self
            .assigned
            .remove(&place)
            .filter(|before| (before.group, before.generation) == (group, generation));
        let (given_until, given) =
            before.map_or_else(Default::default, |before| (before.expected, before.given));
        let assignment = Assignment {
            group,
            generation,
            is_open: true,
            expected: from.0,
            ahead: None,
            given,
        };
        self.assigned.insert(place, assignment);
        let Some(processor) = self.topology.group(group) else {
            return;
        };
        let processor = &self.topology.processors[processor];
        let Some(log) = self.topology.log(processor.broker) else {
            return;
        };
        let slot = self.topology.slot(processor.broker, partition);
        let start = slot.map_or(0, |slot| self.log_starts[slot]);
        let position = self.positions.get(&(group, partition)).copied();
        // A group without a position that starts at the newest record skips by its own wish.
        let Some(bound) = position.or(log.from_earliest.then_some(0)) else {
            return;
        };
        let bound = bound.max(given_until);
        self.findings.judged += 1;
        if from.0 > bound.max(start) {
            let (part, node) = (processor.part, self.topology.node_name(seen.node));
            self.findings.add(|| {
                let sentence = format!(
                    "{node} starts partition {partition} at offset {from} although its group has \
                     come no further than {bound}"
                );
                Violation::new("poll-skip", seen.time, sentence)
                    .of(Some(part), "group")
                    .by(seen.node)
                    .at(partition, bound)
                    .at(partition, from.0)
            });
        }
    }

    fn deliver(&mut self, seen: &Observation, part: &FetchedPart) {
        let assigned = self.assigned.get_mut(&(seen.node, part.partition));
        let Some(assignment) = assigned.filter(|assignment| assignment.is_open) else {
            return;
        };
        assignment.expected = assignment.expected.max(part.log_start.0);
        if let (Some(first), Some(leader)) = (part.entries.first(), seen.peer) {
            let slot = self.topology.slot_at(leader, part.partition);
            let log = slot.and_then(|slot| self.replicas.of(slot, leader));
            assignment.depart(first, log);
        }
        for entry in &part.entries {
            assignment.give(entry);
        }
        let mut entries = part.entries.iter().peekable();
        while let Some(entry) = entries.next() {
            // What one answer holds in a row is one piece: an answer to a fetch of an earlier assignment may
            // straggle in, and only a second answer that goes on from it shows that the reader did so too.
            let (base, mut end) = (entry.base.0, entry.end().0);
            while let Some(next) = entries.next_if(|next| next.base.0 == end) {
                end = next.end().0;
            }
            self.findings.judged += end - base;
            if base <= assignment.expected {
                assignment.expected = assignment.expected.max(end);
                if let Some((from, to)) = assignment.ahead
                    && from <= assignment.expected
                {
                    assignment.expected = assignment.expected.max(to);
                    assignment.ahead = None;
                }
            } else if let Some((from, to)) = assignment.ahead.filter(|(_, to)| *to == base) {
                if from > assignment.expected {
                    let (expected, group) = (assignment.expected, assignment.group);
                    let part_id = self.topology.group(group);
                    let part_id = part_id.map(|at| self.topology.processors[at].part);
                    let node = self.topology.node_name(seen.node);
                    self.findings.add(|| {
                        let sentence = format!(
                            "{node} was given partition {} from offset {from} on without the \
                             records from {expected}",
                            part.partition
                        );
                        Violation::new("int-poll-skip", seen.time, sentence)
                            .of(part_id, "consumer")
                            .by(seen.node)
                            .at(part.partition, expected)
                            .at(part.partition, to)
                    });
                }
                assignment.expected = end;
                assignment.ahead = None;
            } else {
                assignment.ahead = Some((base, end));
            }
        }
    }
}

impl Checker for GapFree {
    fn name(&self) -> &'static str {
        "gap-free"
    }

    fn wants(&self) -> Kinds {
        Kinds::of(&[
            FactKind::Assigned,
            FactKind::Revoked,
            FactKind::Crashed,
            FactKind::Fetched,
            FactKind::Appended,
            FactKind::Truncated,
            FactKind::Effects,
            FactKind::CheckpointStored,
            FactKind::LogStart,
        ])
    }

    fn observe(&mut self, seen: &Observation) {
        self.replicas.observe(seen);
        if let Fact::Fetched(fetched) = &seen.fact {
            if fetched.reader == Reader::Consumer {
                for part in &fetched.parts {
                    self.deliver(seen, part);
                }
            }
        } else if let Fact::Appended { entry, .. } = &seen.fact {
            if let (Records::Offsets(commits), Stage::Written) = (&entry.batch.records, seen.stage)
            {
                for commit in commits.iter() {
                    self.advance(commit.group, commit.partition, commit.position.next);
                }
            }
        } else if let Fact::Effects(write) = &seen.fact {
            if let Some(covered) = write.covered {
                self.advance(write.group, covered.partition, covered.next);
            }
        } else if let Fact::CheckpointStored(checkpoint) = &seen.fact {
            let covered = checkpoint.covered;
            self.advance(checkpoint.group, covered.partition, covered.next);
        } else if let Fact::Assigned {
            group,
            partition,
            generation,
            from,
        } = seen.fact
        {
            self.assign(seen, (group, generation), partition, from);
        } else if let Fact::Revoked { partition, .. } = seen.fact {
            if let Some(assignment) = self.assigned.get_mut(&(seen.node, partition)) {
                assignment.is_open = false;
            }
        } else if let Fact::Crashed { .. } = seen.fact {
            self.assigned.retain(|(node, _), _| *node != seen.node);
        } else if let Fact::LogStart { partition, start } = seen.fact
            && let Some(slot) = self.topology.slot_at(seen.node, partition)
        {
            self.log_starts[slot] = self.log_starts[slot].max(start.0);
        }
    }

    fn finish(&mut self, _: &End) -> Judgement {
        self.findings.judge()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests_support::{
        BROKER, GROUP, History, P0, PROCESSOR, entry, events, log_pipeline, offsets,
    };

    fn assigned(from: u64) -> Fact {
        Fact::Assigned {
            group: GROUP,
            partition: P0,
            generation: 1,
            from: Offset(from),
        }
    }

    fn judge(history: &History) -> Vec<&'static str> {
        let judgement = history.judge(&mut GapFree::new(&log_pipeline()));
        let names = judgement.violations.iter();
        names.map(|violation| violation.signature.anomaly).collect()
    }

    #[test]
    fn repeated_and_stale_answers_are_no_gap() {
        let mut history = History::new();
        history.claim(PROCESSOR, assigned(0));
        for base in [0, 0, 8, 2, 4, 6] {
            history.consumed(vec![entry(base, 1, events(base..base + 2))]);
        }
        assert!(judge(&history).is_empty());
    }

    #[test]
    fn an_answer_of_an_earlier_assignment_that_straggles_in_is_no_gap() {
        let mut history = History::new();
        history.claim(PROCESSOR, assigned(0));
        let late = vec![entry(4, 1, events(4..5)), entry(5, 1, events(5..7))];
        history.consumed(late);
        history.consumed(vec![entry(0, 1, events(0..4))]);
        assert_eq!(judge(&history), [""; 0]);
    }

    #[test]
    fn delivery_that_goes_on_behind_a_gap_is_a_skip() {
        let mut history = History::new();
        history.claim(PROCESSOR, assigned(0));
        for base in [0, 4, 6] {
            history.consumed(vec![entry(base, 1, events(base..base + 2))]);
        }
        assert_eq!(judge(&history), ["int-poll-skip"]);
    }

    #[test]
    fn a_member_that_jumps_back_within_its_generation_has_what_it_was_given() {
        let revoked = || Fact::Revoked {
            group: GROUP,
            partition: P0,
            generation: 1,
        };
        let mut history = History::new();
        history.claim(PROCESSOR, assigned(0));
        history.consumed(vec![entry(0, 1, events(0..4))]);
        history.claim(PROCESSOR, revoked());
        history.claim(PROCESSOR, assigned(3));
        assert!(judge(&history).is_empty());
        history.claim(PROCESSOR, revoked());
        history.claim(PROCESSOR, assigned(5));
        assert_eq!(
            judge(&history),
            ["poll-skip"],
            "it was given no more than 4"
        );
    }

    /// What the new leader has at 11 and at 12.
    fn later(base: u64) -> Vec<Entry> {
        vec![entry(base, 2, events(base + 5..base + 6))]
    }

    /// A member has read ten records of a leader that is cut to five and stores others in their place.
    fn cut_to_five() -> History {
        let mut history = History::new();
        let (old, new) = (entry(0, 1, events(0..10)), entry(5, 2, events(10..16)));
        history.claim(PROCESSOR, assigned(0));
        history.appended(BROKER, old.clone());
        history.consumed(vec![old]);
        let (partition, from) = (P0, Offset(5));
        history.written(BROKER, Fact::Truncated { partition, from });
        history.appended(BROKER, new);
        for entry in [later(11), later(12)].concat() {
            history.appended(BROKER, entry);
        }
        history
    }

    #[test]
    fn a_member_that_reads_again_from_where_the_log_was_cut_skips_nothing() {
        let mut history = cut_to_five();
        history.claim(PROCESSOR, assigned(5));
        history.consumed(vec![entry(5, 2, events(10..16))]);
        history.consumed(later(11)).consumed(later(12));
        assert_eq!(judge(&history), [""; 0]);
    }

    #[test]
    fn a_member_that_reads_on_where_other_records_lie_than_it_was_given_has_skipped_them() {
        let mut blind = cut_to_five();
        blind.consumed(later(11)).consumed(later(12));
        assert_eq!(judge(&blind), ["int-poll-skip"]);
        let mut reset = cut_to_five();
        reset.claim(PROCESSOR, assigned(11));
        reset.consumed(later(11)).consumed(later(12));
        assert_eq!(judge(&reset), ["poll-skip", "int-poll-skip"]);
    }

    #[test]
    fn what_straggles_in_of_a_leader_that_was_replaced_cuts_nothing() {
        let mut history = cut_to_five();
        history.claim(PROCESSOR, assigned(5));
        history.consumed(vec![entry(5, 2, events(10..16))]);
        history.consumed(vec![entry(0, 1, events(0..10))]);
        history.consumed(later(11)).consumed(later(12));
        assert_eq!(judge(&history), [""; 0]);
    }

    #[test]
    fn a_group_starts_where_it_has_committed() {
        let mut history = History::new();
        history.written(BROKER, offsets(5));
        history.claim(PROCESSOR, assigned(5));
        assert!(judge(&history).is_empty());
        history.claim(PROCESSOR + 1, assigned(6));
        assert_eq!(judge(&history), ["poll-skip"]);
    }
}
