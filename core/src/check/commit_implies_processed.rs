//! `commit-implies-processed`: a position moves only past what is done (O-COMMIT).
//!
//! *Verifies*: when a group's position is stored past a delivered record, or a queue stores that a delivery
//! is accepted, the event has an effect, a dead letter, or was filtered by an operator that may filter.
//! A cause check: it speaks before the loss that follows.
//! *Does not verify*: at-most-once processors, which settle first by contract; windows, whose events wait in
//! the state that is kept with the position (`window-equivalence` does); positions past records that
//! were never delivered (`gap-free` does).

use crate::check::progress::Progress;
use crate::check::{Checker, End, Findings, Judgement, Topology, Violation};
use crate::event::{Batch, EventId, Records};
use crate::history::{Fact, FactKind, Kinds, Observation, Stage};
use crate::id::{GroupId, Offset, Partition};
use crate::message::log::{FetchedPart, Reader};
use crate::message::queue::Verb;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// Records of a partition given to a group and not passed by its position yet.
#[derive(Clone, Debug, Default)]
struct Open {
    batches: VecDeque<(u64, Arc<Batch>)>,
    /// Everything below was given.
    given: u64,
    /// Everything below is passed.
    passed: u64,
}

/// The check.
pub struct CommitImpliesProcessed {
    topology: Arc<Topology>,
    progress: Progress,
    open: BTreeMap<(usize, Partition), Open>,
    findings: Findings,
}

impl CommitImpliesProcessed {
    /// A check for one run.
    #[must_use]
    pub fn new(topology: &Arc<Topology>) -> CommitImpliesProcessed {
        CommitImpliesProcessed {
            progress: Progress::new(topology),
            open: BTreeMap::new(),
            findings: Findings::new("commit-implies-processed"),
            topology: Arc::clone(topology),
        }
    }

    fn bound(&self, group: GroupId) -> Option<usize> {
        let processor = self.topology.group(group)?;
        self.topology.processors[processor]
            .processes_before_it_commits()
            .then_some(processor)
    }

    fn give(&mut self, processor: usize, part: &FetchedPart) {
        let open = self.open.entry((processor, part.partition)).or_default();
        for entry in &part.entries {
            if entry.base.0 >= open.given {
                open.given = entry.end().0;
                let batch = Arc::clone(&entry.batch);
                open.batches.push_back((entry.base.0, batch));
            }
        }
    }

    fn commit(&mut self, seen: &Observation, group: GroupId, partition: Partition, next: Offset) {
        let Some(processor) = self.bound(group) else {
            return;
        };
        let Some(open) = self.open.get_mut(&(processor, partition)) else {
            return;
        };
        let from = open.passed;
        if next.0 <= from {
            return;
        }
        open.passed = next.0;
        let mut early: Vec<(EventId, u64)> = Vec::new();
        let done = self.progress.of(processor);
        for (base, batch) in &open.batches {
            for (offset, event) in (*base..).zip(batch.events()) {
                if (from..next.0).contains(&offset) {
                    self.findings.judged += 1;
                    if !done.contains(event.id) {
                        early.push((event.id, offset));
                    }
                }
            }
        }
        while open
            .batches
            .front()
            .is_some_and(|(base, batch)| base + batch.count() <= next.0)
        {
            open.batches.pop_front();
        }
        for (id, offset) in early {
            let sentence = format!(
                "its position in partition {partition} moved past event {}:{} at offset {offset} \
                 before the event had any effect",
                id.source, id.number
            );
            self.blame(seen, processor, id, sentence);
        }
    }

    fn blame(&mut self, seen: &Observation, processor: usize, id: EventId, what: String) {
        let part = self.topology.processors[processor].part;
        let name = self.topology.name(part);
        self.findings.add(|| {
            Violation::new("commit-before-effect", seen.time, format!("{name}: {what}"))
                .of(Some(part), "consumer")
                .event(id)
        });
    }
}

impl Checker for CommitImpliesProcessed {
    fn name(&self) -> &'static str {
        "commit-implies-processed"
    }

    fn wants(&self) -> Kinds {
        Kinds::of(&[FactKind::Fetched, FactKind::Appended, FactKind::Settled])
            .union(Progress::WANTS)
    }

    fn needs_envelope(&self) -> bool {
        false
    }

    fn observe(&mut self, seen: &Observation) {
        self.progress.observe(seen);
        if let Fact::Fetched(fetched) = &seen.fact {
            if fetched.reader == Reader::Consumer {
                let part = self.topology.part_of(seen.node);
                if let Some(processor) = part.and_then(|part| self.topology.processor(part)) {
                    for part in &fetched.parts {
                        self.give(processor, part);
                    }
                }
            }
        } else if let Fact::Appended { entry, .. } = &seen.fact {
            if let (Records::Offsets(commits), Stage::Written) = (&entry.batch.records, seen.stage)
            {
                for commit in commits.iter() {
                    self.commit(seen, commit.group, commit.partition, commit.position.next);
                }
            }
        } else if let Fact::Effects(write) = &seen.fact {
            if let (Some(covered), Stage::Written) = (write.covered, seen.stage) {
                self.commit(seen, write.group, covered.partition, covered.next);
            }
        } else if let Fact::Settled {
            group,
            verb: Verb::Accept,
            events,
            ..
        } = &seen.fact
            && seen.stage == Stage::Written
            && let Some(processor) = self.bound(*group)
        {
            for id in events.iter() {
                self.findings.judged += 1;
                if !self.progress.of(processor).contains(*id) {
                    let sentence = format!(
                        "it accepted event {}:{} before the event had any effect",
                        id.source, id.number
                    );
                    self.blame(seen, processor, *id, sentence);
                }
            }
        }
    }

    fn finish(&mut self, _: &End) -> Judgement {
        self.findings.judge()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Answer;
    use crate::check::tests_support::{
        BROKER, GROUP, History, entry, events, log_pipeline, offsets, pipeline,
    };
    use crate::id::TopicId;
    use crate::processor::config::DeliveryMode;
    use crate::sink::config::SinkKind;

    fn judge(history: &History) -> Judgement {
        history.judge(&mut CommitImpliesProcessed::new(&log_pipeline()))
    }

    #[test]
    fn a_position_may_stand_anywhere_in_what_is_done() {
        let mut history = History::new();
        history.consumed(vec![entry(0, 1, events(0..4))]);
        history.effects(0..3).written(BROKER, offsets(2));
        history.written(BROKER, offsets(3));
        let judgement = judge(&history);
        assert_eq!((judgement.answer, judgement.judged), (Answer::Pass, 3));
    }

    #[test]
    fn a_position_past_an_event_without_effect_is_too_early() {
        let mut history = History::new();
        history.consumed(vec![entry(0, 1, events(0..4))]);
        history.effects(0..3).written(BROKER, offsets(4));
        history.effects(3..4);
        let judgement = judge(&history);
        assert_eq!(judgement.violations_total, 1);
        assert_eq!(judgement.violations[0].events[0].number, 3);
    }

    #[test]
    fn at_most_once_settles_first_by_contract() {
        let judge = |mode| {
            let mut history = History::new();
            history.stored(
                BROKER,
                Fact::Settled {
                    topic: TopicId(0),
                    group: GROUP,
                    verb: Verb::Accept,
                    events: Arc::from([events(0..1)[0].id]),
                },
            );
            let topology = Arc::new(pipeline(false, SinkKind::Append, "identity", mode));
            history
                .judge(&mut CommitImpliesProcessed::new(&topology))
                .answer
        };
        assert_eq!(judge(DeliveryMode::AtMostOnce), Answer::Pass);
        assert_eq!(judge(DeliveryMode::AtLeastOnce), Answer::Fail);
    }
}
