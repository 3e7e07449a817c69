//! `nothing-in-flight`: at the end of the drain nothing stored still waits to be processed (B7).
//!
//! *Verifies*: every event that the audit finds in a log has been processed by every group that reads it
//! (at most once: delivered to it), and every event that a queue has stored was accepted or dead-lettered.
//! A leftover is named with its place and what it waits for.
//! *Does not verify*: events that were lost (`no-loss`); of an event stored twice in a queue, the second copy.

use crate::check::progress::{DueMarks, EventSets, OnDisk, Progress, ids};
use crate::check::{Checker, End, Findings, Judgement, Topology, Violation};
use crate::event::EventId;
use crate::history::{Fact, FactKind, Kinds, Observation};
use crate::id::{GroupId, NodeId, PartId, TopicId};
use crate::message::log::Reader;
use crate::message::queue::Verb;
use crate::processor::config::DeliveryMode;
use std::collections::BTreeMap;
use std::sync::Arc;

/// A queue, or one subscription of a fan-out.
type QueueName = (PartId, TopicId, Option<GroupId>);

/// What a queue has and is done with.
#[derive(Clone, Debug)]
struct Queue {
    stored: OnDisk,
    finished: OnDisk,
}

/// The check.
pub struct NothingInFlight {
    topology: Arc<Topology>,
    /// By topic of a log: what the audit found.
    found: BTreeMap<(PartId, TopicId), EventSets>,
    /// By processor.
    delivered: Vec<EventSets>,
    queues: BTreeMap<QueueName, Queue>,
    progress: Progress,
    due: DueMarks,
    findings: Findings,
}

impl NothingInFlight {
    /// A check for one run.
    #[must_use]
    pub fn new(topology: &Arc<Topology>) -> NothingInFlight {
        NothingInFlight {
            found: BTreeMap::new(),
            delivered: vec![EventSets::new(topology); topology.processors.len()],
            queues: BTreeMap::new(),
            progress: Progress::new(topology),
            due: DueMarks::default(),
            findings: Findings::new("nothing-in-flight"),
            topology: Arc::clone(topology),
        }
    }

    fn queue(
        &mut self,
        node: NodeId,
        topic: TopicId,
        group: Option<GroupId>,
    ) -> Option<&mut Queue> {
        let part = self.topology.part_of(node)?;
        let group = group.filter(|_| self.topology.queue(part).is_some_and(|queue| queue.fanout));
        let topology = &self.topology;
        let queue = self.queues.entry((part, topic, group));
        Some(queue.or_insert_with(|| Queue {
            stored: OnDisk::new(topology),
            finished: OnDisk::new(topology),
        }))
    }

    fn fetch(&mut self, seen: &Observation, fetched: &crate::message::log::Fetched) {
        match fetched.reader {
            Reader::Audit => {
                let Some(broker) = seen.peer.and_then(|peer| self.topology.part_of(peer)) else {
                    return;
                };
                for part in &fetched.parts {
                    let topic = (broker, part.partition.topic);
                    let topology = &self.topology;
                    let found = self.found.entry(topic);
                    let found = found.or_insert_with(|| EventSets::new(topology));
                    let entries = part.entries.iter();
                    for event in entries.flat_map(|entry| entry.batch.events()) {
                        found.insert(event.id);
                    }
                }
            }
            Reader::Consumer => {
                let part = self.topology.part_of(seen.node);
                if let Some(processor) = part.and_then(|part| self.topology.processor(part)) {
                    let entries = fetched.parts.iter().flat_map(|part| &part.entries);
                    for event in entries.flat_map(|entry| entry.batch.events()) {
                        self.delivered[processor].insert(event.id);
                    }
                }
            }
            Reader::Replica { .. } => {}
        }
    }

    fn blame(&mut self, part: PartId, role: &'static str, id: EventId, waits: &str) {
        let (due, name) = (self.due.due(id), self.topology.name(part));
        self.findings.add(|| {
            let sentence = format!(
                "{name} still holds event {}:{}: {waits}",
                id.source, id.number
            );
            Violation::new("in-flight", due, sentence)
                .of(Some(part), role)
                .event(id)
                .some_time_after()
        });
    }

    fn judge_log(&mut self, processor: usize) {
        let topology = Arc::clone(&self.topology);
        let entry = &topology.processors[processor];
        let Some(found) = self.found.remove(&(entry.broker, entry.topic)) else {
            return;
        };
        let name = topology.name(entry.part);
        for source in 0..topology.sources.len() {
            for id in ids(source, found.of(source).ranges()) {
                self.findings.judged += 1;
                let is_delivered = self.delivered[processor].contains(id);
                let is_done = self.progress.of(processor).contains(id)
                    || entry.delivery == DeliveryMode::AtMostOnce && is_delivered;
                if !is_done {
                    let waits = if is_delivered {
                        format!("it was delivered to {name} and waits for an effect")
                    } else {
                        format!("it waits for {name} to read it")
                    };
                    self.blame(entry.broker, "log", id, &waits);
                }
            }
        }
        // Another group may read the same topic.
        self.found.insert((entry.broker, entry.topic), found);
    }

    fn judge_queue(&mut self, (part, topic, group): QueueName, queue: &Queue) {
        let is_read = self.topology.processors.iter().any(|processor| {
            (processor.broker, processor.topic) == (part, topic)
                && group.is_none_or(|group| processor.group == group)
        });
        if !is_read {
            return;
        }
        self.findings.judged += queue.stored.set().len();
        for source in 0..self.topology.sources.len() {
            let finished = queue.finished.set().of(source);
            let left = queue.stored.set().of(source).difference(finished);
            for id in ids(source, left) {
                self.blame(
                    part,
                    "queue",
                    id,
                    "it waits to be accepted or dead-lettered",
                );
            }
        }
    }
}

impl Checker for NothingInFlight {
    fn name(&self) -> &'static str {
        "nothing-in-flight"
    }

    fn wants(&self) -> Kinds {
        Kinds::of(&[
            FactKind::Owed,
            FactKind::Fetched,
            FactKind::Enqueued,
            FactKind::Settled,
        ])
        .union(Progress::WANTS)
    }

    fn observe(&mut self, seen: &Observation) {
        self.progress.observe(seen);
        self.due.observe(seen);
        if let Fact::Fetched(fetched) = &seen.fact {
            self.fetch(seen, fetched);
        } else if let Fact::Enqueued {
            topic,
            group,
            events,
        } = &seen.fact
        {
            if let Some(queue) = self.queue(seen.node, *topic, *group) {
                for event in events.iter() {
                    queue.stored.take(seen.stage, event.id);
                }
            }
        } else if let Fact::Settled {
            topic,
            group,
            verb: Verb::Accept,
            events,
        } = &seen.fact
        {
            if let Some(queue) = self.queue(seen.node, *topic, Some(*group)) {
                for id in events.iter() {
                    queue.finished.take(seen.stage, *id);
                }
            }
        } else if let Fact::DeadLettered {
            topic,
            group,
            events,
        } = &seen.fact
            && let Some(queue) = self.queue(seen.node, *topic, Some(*group))
        {
            for event in events.iter() {
                queue.finished.take(seen.stage, event.id);
            }
        }
    }

    fn finish(&mut self, end: &End) -> Judgement {
        if end.incomplete().is_none() {
            for processor in 0..self.topology.processors.len() {
                self.judge_log(processor);
            }
            for (name, queue) in std::mem::take(&mut self.queues) {
                self.judge_queue(name, &queue);
            }
        }
        self.findings.judge_at_end(end.incomplete())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Answer;
    use crate::check::tests_support::{
        BROKER, GROUP, History, entry, events, log_pipeline, pipeline,
    };
    use crate::sink::config::SinkKind;

    #[test]
    fn a_log_is_drained_when_its_groups_are_done() {
        let mut history = History::new();
        history
            .consumed(vec![entry(0, 1, events(0..2))])
            .effects(0..2);
        history.audited(vec![entry(0, 1, events(0..2))]);
        let judgement = history.judge(&mut NothingInFlight::new(&log_pipeline()));
        assert_eq!((judgement.answer, judgement.judged), (Answer::Pass, 2));
    }

    #[test]
    fn a_leftover_says_what_it_waits_for() {
        let mut history = History::new();
        history.consumed(vec![entry(0, 1, events(0..1))]);
        history.audited(vec![entry(0, 1, events(0..2))]);
        let judgement = history.judge(&mut NothingInFlight::new(&log_pipeline()));
        let sentences: Vec<&str> = judgement
            .violations
            .iter()
            .map(|one| &one.sentence[..])
            .collect();
        assert_eq!(
            sentences,
            [
                "broker.main still holds event 0:0: it was delivered to processor.totals and waits for \
             an effect",
                "broker.main still holds event 0:1: it waits for processor.totals to read it",
            ]
        );
    }

    #[test]
    fn a_drain_cut_by_a_limit_is_unknown() {
        let mut history = History::new();
        history.audited(vec![entry(0, 1, events(0..2))]);
        let end = End {
            cut: Some("steps".to_owned()),
            audited: true,
            ..End::default()
        };
        let judgement = history.judge_with(&mut NothingInFlight::new(&log_pipeline()), &end);
        assert_eq!(judgement.answer, Answer::Unknown);
    }

    #[test]
    fn a_queue_is_drained_when_everything_is_settled() {
        let judge = |accepted: u64| {
            let mut history = History::new();
            let topic = TopicId(0);
            let group = None;
            history.stored(
                BROKER,
                Fact::Enqueued {
                    topic,
                    group,
                    events: events(0..3),
                },
            );
            history.stored(
                BROKER,
                Fact::Settled {
                    topic,
                    group: GROUP,
                    verb: Verb::Accept,
                    events: events(0..accepted).iter().map(|event| event.id).collect(),
                },
            );
            let mode = DeliveryMode::AtLeastOnce;
            let topology = Arc::new(pipeline(false, SinkKind::Append, "identity", mode));
            history
                .judge(&mut NothingInFlight::new(&topology))
                .violations_total
        };
        assert_eq!((judge(3), judge(2)), (0, 1));
    }
}
