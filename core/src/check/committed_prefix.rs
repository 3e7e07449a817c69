//! `committed-prefix`: what counted as committed stays (O-STABLE, leader completeness).
//!
//! *Verifies*: whoever takes the leadership of a partition has, by its own disk, every record that was
//! acknowledged with acks=all or given to a consumer before, in the same epochs.
//! *Does not verify*: logs with other acks; what a leader does after its election (`log-matching`).

use crate::check::replicas::{Epochs, Replicas};
use crate::check::{Checker, End, Findings, Judgement, Topology, Violation};
use crate::history::{Fact, FactKind, Kinds, Observation, Role};
use crate::id::{NodeId, Partition};
use crate::message::log::{Acks, Reader};
use std::sync::Arc;

/// The check.
pub struct CommittedPrefix {
    topology: Arc<Topology>,
    replicas: Replicas,
    /// By partition: the committed records.
    committed: Vec<Epochs>,
    /// By partition: below this everything may be gone.
    starts: Vec<u64>,
    /// By partition: the newest epoch that a leader has taken.
    newest: Vec<u64>,
    findings: Findings,
}

impl CommittedPrefix {
    /// A check for one run.
    #[must_use]
    pub fn new(topology: &Arc<Topology>) -> CommittedPrefix {
        CommittedPrefix {
            replicas: Replicas::new(topology),
            committed: vec![Epochs::default(); topology.slots()],
            starts: vec![0; topology.slots()],
            newest: vec![0; topology.slots()],
            findings: Findings::new("committed-prefix"),
            topology: Arc::clone(topology),
        }
    }

    /// Everything that `leader` has below `end` is committed.
    fn commit(&mut self, slot: usize, leader: NodeId, end: u64) {
        let Some(log) = self.replicas.of(slot, leader) else {
            return;
        };
        let committed = &mut self.committed[slot];
        // What the leader has lost meanwhile was committed all the same, but nobody can say in which epoch.
        let end = end.min(log.end());
        while committed.end() < end {
            let base = committed.end();
            let Some(epoch) = log.at(base) else {
                let start = (base + 1..end).find(|offset| log.at(*offset).is_some());
                let Some(start) = start else { return };
                self.starts[slot] = self.starts[slot].max(start);
                committed.put(start, start, log.at(start).unwrap_or(0));
                continue;
            };
            let next = log.epoch_end(base).min(end);
            committed.put(base, next, epoch);
        }
        self.findings.judged += 1;
    }

    fn elect(&mut self, seen: &Observation, partition: Partition, epoch: u64) {
        let Some(slot) = self.topology.slot_at(seen.node, partition) else {
            return;
        };
        // A node that was cut off learns late that it had been elected. What a newer leader has committed
        // since, it need not have: it was never asked for it (O-STABLE is about the newest leader).
        if epoch < self.newest[slot] {
            return;
        }
        self.newest[slot] = epoch;
        let empty = Epochs::default();
        let log = self.replicas.of(slot, seen.node).unwrap_or(&empty);
        let committed = &self.committed[slot];
        self.findings.judged += 1;
        if let Some(offset) = log.first_difference(committed, self.starts[slot]) {
            let (node, end) = (self.topology.node_name(seen.node), committed.end());
            let part = self.topology.part_of(seen.node);
            self.findings.add(|| {
                let sentence = format!(
                    "{node} leads partition {partition} without the record at offset {offset}, \
                     although everything below {end} was committed"
                );
                Violation::new("lost-write", seen.time, sentence)
                    .of(part, "leader")
                    .by(seen.node)
                    .at(partition, offset)
            });
        }
    }
}

impl Checker for CommittedPrefix {
    fn name(&self) -> &'static str {
        "committed-prefix"
    }

    fn wants(&self) -> Kinds {
        Kinds::of(&[
            FactKind::Appended,
            FactKind::Truncated,
            FactKind::LogStart,
            FactKind::Acknowledged,
            FactKind::Fetched,
            FactKind::RoleTaken,
        ])
    }

    fn observe(&mut self, seen: &Observation) {
        if let Fact::Acknowledged(published) = &seen.fact {
            let Some(peer) = seen.peer else { return };
            let broker = self.topology.part_of(peer);
            let log = broker.and_then(|part| self.topology.log(part));
            if log.is_some_and(|log| log.acks == Acks::All)
                && let Some(slot) = self.topology.slot_at(peer, published.partition)
            {
                let end = published.base.0 + published.batch.count();
                self.commit(slot, peer, end);
            }
        } else if let Fact::Fetched(fetched) = &seen.fact {
            let Some(peer) = seen.peer.filter(|_| fetched.reader == Reader::Consumer) else {
                return;
            };
            for part in &fetched.parts {
                if let (Some(slot), Some(last)) = (
                    self.topology.slot_at(peer, part.partition),
                    part.entries.last(),
                ) {
                    self.commit(slot, peer, last.end().0);
                }
            }
        } else if let Fact::RoleTaken { role, epoch } = seen.fact {
            if let Role::Leader(partition) = role {
                self.elect(seen, partition, epoch);
            }
        } else if let Fact::LogStart { partition, start } = seen.fact
            && let Some(slot) = self.topology.slot_at(seen.node, partition)
        {
            self.starts[slot] = self.starts[slot].max(start.0);
        }
        self.replicas.observe(seen);
    }

    fn finish(&mut self, _: &End) -> Judgement {
        self.findings.judge()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Answer;
    use crate::check::tests_support::{BROKER, History, P0, entry, events, log_pipeline};
    use crate::history::Stage;

    fn leader() -> Fact {
        Fact::RoleTaken {
            role: Role::Leader(P0),
            epoch: 2,
        }
    }

    fn published() -> History {
        let mut history = History::new();
        history.appended(BROKER, entry(0, 1, events(0..2)));
        history.appended(BROKER + 1, entry(0, 1, events(0..2)));
        history.appended(BROKER, entry(2, 1, events(2..3)));
        history
    }

    fn judge(history: &History) -> Judgement {
        history.judge(&mut CommittedPrefix::new(&log_pipeline()))
    }

    #[test]
    fn a_leader_may_lack_what_was_never_committed() {
        let mut history = published();
        history.acked(0, 0..2).claim(BROKER + 1, leader());
        assert_eq!(judge(&history).answer, Answer::Pass);
    }

    #[test]
    fn a_leader_without_an_acknowledged_record_has_lost_it() {
        let mut history = published();
        history.acked(2, 2..3).claim(BROKER + 1, leader());
        let judgement = judge(&history);
        assert_eq!(judgement.violations[0].offsets, [2]);
    }

    #[test]
    fn a_leader_that_learns_of_its_election_after_a_newer_one_is_not_asked_for_what_followed() {
        let mut history = published();
        let newer = Fact::RoleTaken {
            role: Role::Leader(P0),
            epoch: 3,
        };
        history.claim(BROKER, newer).acked(2, 2..3);
        history.claim(BROKER + 1, leader());
        assert_eq!(judge(&history).answer, Answer::Pass);
    }

    #[test]
    fn what_a_consumer_was_given_counts_as_committed() {
        let mut history = published();
        history.consumed(vec![entry(2, 1, events(2..3))]);
        history.claim(BROKER + 1, leader());
        assert_eq!(judge(&history).answer, Answer::Fail);
    }

    #[test]
    fn a_power_loss_takes_records_from_a_leader_to_be() {
        let mut history = published();
        history.acked(0, 0..2);
        let lost = Fact::Appended {
            partition: P0,
            entry: entry(0, 1, events(0..2)),
        };
        history.push(Stage::Lost, BROKER + 1, None, lost);
        history.claim(BROKER + 1, leader());
        assert_eq!(judge(&history).violations[0].offsets, [0]);
    }
}
