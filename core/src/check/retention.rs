//! `retention`: nothing is removed from a log before its time.
//!
//! *Verifies*: a replica's log start never passes what an independent policy on true time allows: age of
//! every removed record, size of what is kept, or an operator's forced retention. Slack: one sixty-fourth
//! of the retention time, a sixteenth of a segment, and for each of two clocks the declared bound (or a
//! thirty-second of the retention time).
//! *Does not verify*: that old records are removed at all (rule 9: later is legal), nor the internal topic.

use crate::actor::Control;
use crate::check::topology::LogEntry;
use crate::check::{Checker, End, Findings, Judgement, Topology, Violation};
use crate::fault::{FaultKind, FaultPlan};
use crate::history::{Fact, FactKind, Kinds, Observation, Stage};
use crate::part::OFFSETS_TOPIC;
use crate::time::{Span, Time};
use std::collections::VecDeque;
use std::sync::Arc;

/// How long after its fault ends a forced retention may still be carried out.
const FORCED_GRACE: Span = Span::secs(10);

/// How far a clock may stray before retention by age counts as early.
#[must_use]
pub fn clock_slack(topology: &Topology, log: &LogEntry) -> Span {
    topology.clock_bound.max(log.retention / 32)
}

/// What may have been removed of one partition.
#[derive(Clone, Debug, Default)]
struct Removable {
    /// Offset, lower bound of its record's age, bytes before it; a new mark only after a step.
    marks: VecDeque<(u64, Time, u64)>,
    end: u64,
    bytes: u64,
    /// Everything below has been removed, legally.
    legal: u64,
}

/// The policy: what may be gone from each partition by now.
#[derive(Clone, Debug)]
pub(super) struct RetentionPolicy {
    topology: Arc<Topology>,
    plan: Arc<FaultPlan>,
    partitions: Vec<Removable>,
    /// A forced retention: records kept, until when it may still act.
    forced: Option<(u64, Time)>,
}

impl RetentionPolicy {
    pub(super) const WANTS: Kinds = Kinds::of(&[
        FactKind::Appended,
        FactKind::LogStart,
        FactKind::FaultStarted,
        FactKind::FaultEnded,
    ]);

    pub(super) fn new(topology: &Arc<Topology>, plan: &Arc<FaultPlan>) -> RetentionPolicy {
        RetentionPolicy {
            topology: Arc::clone(topology),
            plan: Arc::clone(plan),
            partitions: vec![Removable::default(); topology.slots()],
            forced: None,
        }
    }

    /// Takes a fact. For a removal it answers with the partition's position and what would have been legal.
    pub(super) fn observe(&mut self, seen: &Observation) -> Option<(usize, u64)> {
        if let Fact::Appended { partition, entry } = &seen.fact {
            if seen.stage == Stage::Written {
                let slot = self.topology.slot_at(seen.node, *partition)?;
                let due = entry.batch.events().iter().map(|event| event.due).min();
                let time = due.unwrap_or(seen.time).min(seen.time);
                self.append(slot, entry.base.0, entry.end().0, time, entry.batch.bytes);
            }
        } else if let Fact::LogStart { partition, start } = &seen.fact {
            if seen.stage == Stage::Written && partition.topic != OFFSETS_TOPIC {
                let slot = self.topology.slot_at(seen.node, *partition)?;
                return Some((slot, self.remove(slot, start.0, seen.time)));
            }
        } else if let Fact::FaultStarted(index) | Fact::FaultEnded(index) = seen.fact
            && let Some(fault) = self.plan.faults.get(index as usize)
            && let FaultKind::Control(Control::ForceRetention { keep }) = fault.kind
        {
            let kept = self.forced.map_or(keep, |(kept, _)| kept.min(keep));
            self.forced = Some((kept, seen.time + fault.lasts + FORCED_GRACE));
        }
        None
    }

    fn append(&mut self, slot: usize, base: u64, end: u64, time: Time, bytes: u32) {
        let (broker, _) = self.topology.slot_name(slot);
        let Some(log) = self.topology.log(broker) else {
            return;
        };
        let partition = &mut self.partitions[slot];
        if end <= partition.end {
            return;
        }
        let step = log
            .segment_bytes
            .min(log.retention_bytes.unwrap_or(u64::MAX))
            / 16;
        let is_far = partition.marks.back().is_none_or(|(_, marked, before)| {
            time.since(*marked).0 >= log.retention.0 / 64 || partition.bytes - before >= step
        });
        if is_far {
            partition.marks.push_back((base, time, partition.bytes));
        }
        partition.bytes += u64::from(bytes);
        partition.end = end;
    }

    /// Notes a removal below `start` and answers what was legal.
    fn remove(&mut self, slot: usize, start: u64, now: Time) -> u64 {
        let (broker, _) = self.topology.slot_name(slot);
        let Some(log) = self.topology.log(broker) else {
            return 0;
        };
        let partition = &mut self.partitions[slot];
        let slack = clock_slack(&self.topology, log);
        let young = |mark: &&(u64, Time, u64)| mark.1 + log.retention > now + slack + slack;
        let by_age = partition.marks.iter().find(young);
        let by_age = by_age.map_or(partition.end, |mark| mark.0);
        let by_size = log.retention_bytes.map_or(0, |bound| {
            let kept = |mark: &&(u64, Time, u64)| partition.bytes - mark.2 < bound;
            let first_needed = partition.marks.iter().find(kept);
            first_needed.map_or(partition.end, |mark| mark.0)
        });
        let by_force = match self.forced {
            Some((keep, until)) if now <= until => partition.end.saturating_sub(keep),
            Some(_) | None => 0,
        };
        let allowed = by_age.max(by_size).max(by_force).max(partition.legal);
        partition.legal = partition.legal.max(start.min(allowed));
        while partition.marks.len() > 1 && partition.marks[1].0 <= partition.legal {
            partition.marks.pop_front();
        }
        allowed
    }

    /// Everything below this offset is legally gone.
    pub(super) fn legal_start(&self, slot: usize) -> u64 {
        self.partitions[slot].legal
    }
}

/// The check.
pub struct Retention {
    policy: RetentionPolicy,
    findings: Findings,
}

impl Retention {
    /// A check for one run.
    #[must_use]
    pub fn new(topology: &Arc<Topology>, plan: &Arc<FaultPlan>) -> Retention {
        Retention {
            policy: RetentionPolicy::new(topology, plan),
            findings: Findings::new("retention"),
        }
    }
}

impl Checker for Retention {
    fn name(&self) -> &'static str {
        "retention"
    }

    fn wants(&self) -> Kinds {
        RetentionPolicy::WANTS
    }

    fn observe(&mut self, seen: &Observation) {
        let Some((slot, allowed)) = self.policy.observe(seen) else {
            return;
        };
        let Fact::LogStart { partition, start } = seen.fact else {
            return;
        };
        self.findings.judged += 1;
        if start.0 > allowed {
            let (broker, _) = self.policy.topology.slot_name(slot);
            let node = self.policy.topology.node_name(seen.node);
            self.findings.add(|| {
                let sentence = format!(
                    "{node} removed partition {partition} up to offset {start} when retention \
                     allowed no more than {allowed}"
                );
                Violation::new("early-retention", seen.time, sentence)
                    .of(Some(broker), "replica")
                    .by(seen.node)
                    .at(partition, allowed)
                    .at(partition, start.0)
            });
        }
    }

    fn finish(&mut self, _: &End) -> Judgement {
        if self.findings.judged == 0 {
            return Judgement::not_applicable(self.name(), "no log removed anything");
        }
        self.findings.judge()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Answer;
    use crate::check::tests_support::{BROKER, History, P0, entry, events, log_pipeline};
    use crate::id::Offset;

    fn judge(wait: Span, fault: Option<FaultKind>) -> Judgement {
        let mut history = History::new();
        history.appended(BROKER, entry(0, 1, events(0..5)));
        history.appended(BROKER, entry(5, 1, events(5..9)));
        history.wait(wait);
        if let Some(fault) = fault {
            history.fault(fault);
        }
        let fact = Fact::LogStart {
            partition: P0,
            start: Offset(5),
        };
        history.written(BROKER, fact);
        let plan = history.plan();
        history.judge(&mut Retention::new(&log_pipeline(), &plan))
    }

    #[test]
    fn records_past_their_retention_may_go() {
        assert_eq!(judge(Span::secs(1_001), None).answer, Answer::Pass);
    }

    #[test]
    fn younger_records_may_not() {
        let judgement = judge(Span::secs(900), None);
        assert_eq!(judgement.answer, Answer::Fail);
        assert_eq!(judgement.violations[0].offsets, [0, 5]);
    }

    #[test]
    fn an_operator_may_force_retention_down_to_what_is_kept() {
        let force = |keep| FaultKind::Control(Control::ForceRetention { keep });
        assert_eq!(judge(Span::ZERO, Some(force(4))).answer, Answer::Pass);
        assert_eq!(judge(Span::ZERO, Some(force(5))).answer, Answer::Fail);
    }
}
