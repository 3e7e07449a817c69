//! `fencing`: a deposed writer has no effect (O-FENCE).
//!
//! *Verifies*: in a transactional sink the epochs of accepted writes of a group about one input partition
//! never decrease, and neither does the covered position; and no accepted write has an epoch above that of
//! the newest assignment of its partition, for such a writer cannot be deposed.
//! *Does not verify*: sinks that promise no fencing. What a power loss took does not bind later writers.

use crate::check::{Checker, End, Findings, Judgement, Topology, Violation};
use crate::history::{Fact, FactKind, Kinds, Observation, Stage};
use crate::id::{GroupId, Partition};
use crate::sink::config::SinkKind;
use std::collections::BTreeMap;
use std::sync::Arc;

/// The check.
pub struct Fencing {
    topology: Arc<Topology>,
    /// The epoch and position of the last accepted write.
    last: BTreeMap<(usize, GroupId, Partition), (u32, u64)>,
    /// The newest epoch in which a member was given a partition.
    granted: BTreeMap<(GroupId, Partition), u32>,
    findings: Findings,
}

impl Fencing {
    /// A check for one run.
    #[must_use]
    pub fn new(topology: &Arc<Topology>) -> Fencing {
        Fencing {
            topology: Arc::clone(topology),
            last: BTreeMap::new(),
            granted: BTreeMap::new(),
            findings: Findings::new("fencing"),
        }
    }
}

impl Checker for Fencing {
    fn name(&self) -> &'static str {
        "fencing"
    }

    fn wants(&self) -> Kinds {
        Kinds::of(&[FactKind::Effects, FactKind::Assigned])
    }

    fn needs_envelope(&self) -> bool {
        false
    }

    fn observe(&mut self, seen: &Observation) {
        if let Fact::Assigned {
            group,
            partition,
            generation,
            ..
        } = seen.fact
        {
            let granted = self.granted.entry((group, partition)).or_default();
            *granted = generation.max(*granted);
            return;
        }
        let Fact::Effects(write) = &seen.fact else {
            return;
        };
        let Some(sink) = self.topology.sink_of(seen.node) else {
            return;
        };
        let Some(covered) = write.covered else {
            return;
        };
        let entry = &self.topology.sinks[sink];
        if entry.kind != SinkKind::Transactional {
            return;
        }
        let key = (sink, write.group, covered.partition);
        match seen.stage {
            Stage::Written => {}
            Stage::Lost | Stage::Corrupted => {
                self.last.remove(&key);
                return;
            }
            Stage::Claimed | Stage::Seen | Stage::Durable => return,
        }
        self.findings.judged += write.rows.len() as u64;
        let now = (write.epoch, covered.next.0);
        let last = *self.last.entry(key).or_insert(now);
        let violation = |anomaly, sentence| {
            Violation::new(anomaly, seen.time, sentence)
                .of(Some(entry.part), "writer")
                .by(seen.node)
                .at(covered.partition, covered.next.0)
        };
        let name = self.topology.name(entry.part);
        // A writer whose group tells of no assignments is judged by the order of its epochs alone.
        let granted = self.granted.get(&(write.group, covered.partition));
        if let Some(granted) = granted.filter(|granted| now.0 > **granted) {
            self.findings.add(|| {
                violation(
                    "forged-epoch",
                    format!(
                        "{name} accepted a write of epoch {} about partition {}, whose newest \
                         owner has epoch {granted}",
                        now.0, covered.partition
                    ),
                )
            });
        } else if now.0 < last.0 {
            self.findings.add(|| {
                violation(
                    "zombie-write",
                    format!(
                        "{name} accepted a write of epoch {} about partition {} after one of \
                         epoch {}",
                        now.0, covered.partition, last.0
                    ),
                )
            });
        } else if now.1 < last.1 {
            self.findings.add(|| {
                violation(
                    "position-regression",
                    format!(
                        "{name} let the position of partition {} go back from {} to {}",
                        covered.partition, last.1, now.1
                    ),
                )
            });
        }
        self.last
            .insert(key, (now.0.max(last.0), now.1.max(last.1)));
    }

    fn finish(&mut self, _: &End) -> Judgement {
        self.findings.judge()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::tests_support::{GROUP, History, P0, PROCESSOR, SINK, events, pipeline};
    use crate::id::Offset;
    use crate::message::sink::{Covered, Write};
    use crate::processor::config::DeliveryMode;

    fn judge(writes: &[(Stage, u32, u64)]) -> u64 {
        judge_granted(None, writes)
    }

    fn judge_granted(granted: Option<u32>, writes: &[(Stage, u32, u64)]) -> u64 {
        let mut history = History::new();
        if let Some(generation) = granted {
            let assigned = Fact::Assigned {
                group: GROUP,
                partition: P0,
                generation,
                from: Offset(0),
            };
            history.claim(PROCESSOR, assigned);
        }
        for (stage, epoch, next) in writes {
            let write = Write {
                group: GROUP,
                epoch: *epoch,
                rows: events(0..1),
                versions: Arc::from([]),
                covered: Some(Covered {
                    partition: P0,
                    next: Offset(*next),
                    watermark: crate::event_time::BEGINNING,
                }),
                credits: None,
            };
            history.push(*stage, SINK, None, Fact::Effects(Arc::new(write)));
        }
        let mode = DeliveryMode::ExactlyOnce;
        let topology = pipeline(true, SinkKind::Transactional, "identity", mode);
        let mut checker = Fencing::new(&Arc::new(topology));
        history.judge(&mut checker).violations_total
    }

    #[test]
    fn epochs_and_positions_may_grow_and_start_again_after_a_power_loss() {
        use Stage::{Lost, Written};
        let writes = [
            (Written, 1, 5),
            (Written, 2, 9),
            (Lost, 2, 9),
            (Written, 1, 7),
        ];
        assert_eq!(judge(&writes), 0);
    }

    #[test]
    fn an_accepted_write_of_an_older_epoch_is_a_zombie() {
        assert_eq!(judge(&[(Stage::Written, 2, 5), (Stage::Written, 1, 9)]), 1);
    }

    #[test]
    fn an_epoch_that_nobody_was_given_cannot_be_deposed() {
        let writes = [(Stage::Written, u32::MAX, 5)];
        assert_eq!(judge_granted(Some(2), &writes), 1);
        assert_eq!(judge_granted(Some(2), &[(Stage::Written, 2, 5)]), 0);
        // An older epoch is legal until a newer one has written.
        assert_eq!(judge_granted(Some(2), &[(Stage::Written, 1, 5)]), 0);
    }

    #[test]
    fn a_position_that_goes_back_is_found() {
        assert_eq!(judge(&[(Stage::Written, 2, 5), (Stage::Written, 2, 4)]), 1);
    }
}
