//! `conservation`: what enters a stage leaves it in a way that is accounted for (O-CONS).
//!
//! *Verifies*, at the end of the drain. Source: an owed event is acknowledged, given up or shed, unless the source
//! crashed or does not wait for answers. Processor: a delivered event has an effect, a dead letter or was
//! filtered by an operator that may filter, unless it is at-most-once. At any time: no effect of an event
//! that was never delivered to the processor, no event given up as certainly absent or shed has one, and none is
//! shed after its acknowledgement.
//! *Does not verify*: what is still stored (`nothing-in-flight`).

use crate::check::progress::{DueMarks, EventSets, Progress, ids};
use crate::check::{Checker, End, Findings, Judgement, Topology, Violation};
use crate::event::EventId;
use crate::history::{Fact, FactKind, Kinds, Observation, Stage};
use crate::id::PartId;
use crate::message::log::{Acks, Reader};
use crate::processor::config::DeliveryMode;
use crate::time::Time;
use std::sync::Arc;

/// The check.
pub struct Conservation {
    topology: Arc<Topology>,
    owed: EventSets,
    answered: EventSets,
    /// Acknowledged.
    acknowledged: EventSets,
    /// Given up, certainly without effect.
    absent: EventSets,
    /// By processor.
    delivered: Vec<EventSets>,
    progress: Progress,
    crashed: Vec<bool>,
    due: DueMarks,
    findings: Findings,
}

impl Conservation {
    /// A check for one run.
    #[must_use]
    pub fn new(topology: &Arc<Topology>) -> Conservation {
        let sets = EventSets::new(topology);
        Conservation {
            owed: sets.clone(),
            answered: sets.clone(),
            acknowledged: sets.clone(),
            absent: sets.clone(),
            delivered: vec![sets; topology.processors.len()],
            progress: Progress::new(topology),
            crashed: vec![false; topology.sources.len()],
            due: DueMarks::default(),
            findings: Findings::new("conservation"),
            topology: Arc::clone(topology),
        }
    }

    fn deliver(&mut self, seen: &Observation, events: impl Iterator<Item = EventId>) {
        let part = self.topology.part_of(seen.node);
        if let Some(processor) = part.and_then(|part| self.topology.processor(part)) {
            for id in events {
                self.delivered[processor].insert(id);
            }
        }
    }

    fn blame(
        &mut self,
        (anomaly, time): (&'static str, Time),
        (part, role): (PartId, &'static str),
        id: EventId,
        what: &str,
    ) {
        let name = self.topology.name(part);
        self.findings.add(|| {
            let sentence = format!("{name}: event {}:{} {what}", id.source, id.number);
            Violation::new(anomaly, time, sentence)
                .of(Some(part), role)
                .event(id)
        });
    }

    fn judge_effects(&mut self, seen: &Observation) {
        let Fact::Effects(write) = &seen.fact else {
            return;
        };
        let Some(processor) = self.topology.group(write.group) else {
            return;
        };
        let part = self.topology.processors[processor].part;
        for row in write.rows.iter() {
            self.findings.judged += 1;
            let kind = ("phantom", seen.time);
            if !self.delivered[processor].contains(row.id) {
                let what = "has an effect and was never delivered";
                self.blame(kind, (part, "writer"), row.id, what);
            } else if self.absent.contains(row.id) {
                let kind = ("G1a", seen.time);
                let what = "has an effect although its publisher was told that it is not stored";
                self.blame(kind, (part, "writer"), row.id, what);
            }
        }
    }

    /// A refusal comes before anything is sent: what was acknowledged cannot be shed.
    fn shed(&mut self, seen: &Observation, id: EventId) {
        if self.acknowledged.contains(id)
            && let Some(part) = self.topology.part_of(seen.node)
        {
            let what = "was shed although its publisher had been told that it is stored";
            self.blame(("G1a", seen.time), (part, "publisher"), id, what);
        }
        self.answered.insert(id);
        self.absent.insert(id);
    }

    fn judge_source(&mut self, source: usize) {
        let entry = &self.topology.sources[source];
        let log = self.topology.log(entry.broker);
        if self.crashed[source] || log.is_some_and(|log| log.acks == Acks::None) {
            return;
        }
        let part = entry.part;
        let open = self.owed.of(source).difference(self.answered.of(source));
        for id in ids(source, open).collect::<Vec<_>>() {
            let kind = ("unanswered", self.due.due(id));
            let what = "was owed and neither acknowledged nor given up";
            self.blame(kind, (part, "publisher"), id, what);
        }
    }

    fn judge_processor(&mut self, processor: usize) {
        let entry = &self.topology.processors[processor];
        if entry.delivery == DeliveryMode::AtMostOnce {
            return;
        }
        let part = entry.part;
        // Any reader of a shared queue may have done it after another was handed it.
        let shared = self.topology.queue(entry.broker);
        let shared = shared.is_some_and(|queue| !queue.fanout);
        let peers: Vec<usize> = (0..self.topology.processors.len())
            .filter(|other| {
                let other_entry = &self.topology.processors[*other];
                *other == processor
                    || shared
                        && (other_entry.broker, other_entry.topic) == (entry.broker, entry.topic)
            })
            .collect();
        for source in 0..self.topology.sources.len() {
            let delivered = self.delivered[processor].of(source);
            let dropped: Vec<EventId> = ids(source, delivered.ranges())
                .filter(|id| {
                    !peers
                        .iter()
                        .any(|peer| self.progress.of(*peer).contains(*id))
                })
                .collect();
            for id in dropped {
                let kind = ("silent-drop", self.due.due(id));
                let what = "was delivered and vanished without effect, dead letter or refusal";
                self.blame(kind, (part, "consumer"), id, what);
            }
        }
    }
}

impl Checker for Conservation {
    fn name(&self) -> &'static str {
        "conservation"
    }

    fn wants(&self) -> Kinds {
        Kinds::of(&[
            FactKind::Owed,
            FactKind::Acknowledged,
            FactKind::GaveUp,
            FactKind::Shed,
            FactKind::Fetched,
            FactKind::Received,
            FactKind::Crashed,
        ])
        .union(Progress::WANTS)
    }

    fn observe(&mut self, seen: &Observation) {
        self.progress.observe(seen);
        self.due.observe(seen);
        if let Fact::Owed(events) = &seen.fact {
            for event in events.iter() {
                self.owed.insert(event.id);
                self.findings.judged += 1;
            }
        } else if let Fact::Acknowledged(published) = &seen.fact {
            for event in published.batch.events() {
                self.answered.insert(event.id);
                self.acknowledged.insert(event.id);
            }
        } else if let Fact::Shed(events) = &seen.fact {
            for event in events.iter() {
                self.shed(seen, event.id);
            }
        } else if let Fact::GaveUp {
            events, definite, ..
        } = &seen.fact
        {
            for event in events.iter() {
                self.answered.insert(event.id);
                if *definite {
                    self.absent.insert(event.id);
                }
            }
        } else if let Fact::Fetched(fetched) = &seen.fact {
            if fetched.reader == Reader::Consumer {
                let entries = fetched.parts.iter().flat_map(|part| &part.entries);
                let events = entries.flat_map(|entry| entry.batch.events());
                self.deliver(seen, events.map(|event| event.id));
            }
        } else if let Fact::Received(received) = &seen.fact {
            let deliveries = received.deliveries.iter();
            self.deliver(seen, deliveries.map(|delivery| delivery.event.id));
        } else if let Fact::Crashed { .. } = seen.fact {
            let part = self.topology.part_of(seen.node);
            for (source, crashed) in self.topology.sources.iter().zip(&mut self.crashed) {
                *crashed |= Some(source.part) == part;
            }
        } else if seen.stage == Stage::Written {
            self.judge_effects(seen);
        }
    }

    fn finish(&mut self, end: &End) -> Judgement {
        if end.incomplete().is_none() {
            for source in 0..self.topology.sources.len() {
                self.judge_source(source);
            }
            for processor in 0..self.topology.processors.len() {
                self.judge_processor(processor);
            }
        }
        self.findings.judge_at_end(end.incomplete())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Answer;
    use crate::check::tests_support::{History, SOURCE, entry, events, log_pipeline};
    use crate::message::Refusal;

    fn judge(history: &History) -> Vec<&'static str> {
        let judgement = history.judge(&mut Conservation::new(&log_pipeline()));
        assert_ne!(judgement.answer, Answer::NotApplicable);
        let violations = judgement.violations.iter();
        violations.map(|one| one.signature.anomaly).collect()
    }

    fn delivered() -> History {
        let mut history = History::new();
        history.owed(0..3).acked(0, 0..2);
        history.claim(
            SOURCE,
            Fact::GaveUp {
                events: events(2..3),
                definite: true,
                refusal: Refusal::TimedOut,
            },
        );
        history.consumed(vec![entry(0, 1, events(0..2))]);
        history
    }

    #[test]
    fn what_is_answered_and_processed_is_conserved() {
        let mut history = delivered();
        history.effects(0..2);
        assert!(judge(&history).is_empty());
    }

    #[test]
    fn what_is_shed_is_accounted_for_and_has_no_effect() {
        let mut history = delivered();
        history.owed(3..4).effects(0..2);
        assert_eq!(judge(&history), ["unanswered"]);
        history.claim(SOURCE, Fact::Shed(events(3..4)));
        assert!(judge(&history).is_empty());
        history.consumed(vec![entry(9, 1, events(3..4))]);
        history.effects(3..4);
        assert_eq!(judge(&history), ["G1a"]);
    }

    #[test]
    fn what_was_acknowledged_cannot_be_shed() {
        let mut history = delivered();
        history.effects(0..2);
        history.claim(SOURCE, Fact::Shed(events(1..2)));
        assert_eq!(judge(&history), ["G1a"]);
    }

    #[test]
    fn a_delivered_event_without_a_trace_was_dropped() {
        let mut history = delivered();
        history.effects(0..1);
        assert_eq!(judge(&history), ["silent-drop"]);
    }

    #[test]
    fn an_owed_event_without_an_answer_is_found_unless_its_source_crashed() {
        let mut history = delivered();
        history.owed(3..4).effects(0..2);
        assert_eq!(judge(&history), ["unanswered"]);
        history.push(Stage::Seen, SOURCE, None, Fact::Crashed { power: false });
        assert!(judge(&history).is_empty());
    }

    #[test]
    fn effects_need_a_delivery_and_no_definite_refusal() {
        let mut history = delivered();
        history.effects(0..3);
        assert_eq!(judge(&history), ["phantom"]);
        history
            .consumed(vec![entry(2, 1, events(2..3))])
            .effects(2..3);
        assert_eq!(judge(&history), ["phantom", "G1a"]);
    }
}
