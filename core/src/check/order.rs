//! `order`: what was owed first about a key comes first (O-ORDER).
//!
//! *Verifies*, log form: in the audit's read the first appearances of a source's events of one key are in
//! the order in which the source owed them. Effect form, where rows carry their input offset and keep the
//! key: the first effects of a key are in the order of the log (relaxed order, rule 4).
//! *Does not verify*: repeated deliveries and their effects, order across keys, order in queues, effects of
//! processors that settle before they write, order across the partitions of a topic that has expanded, where a key
//! has moved from one to another (K14).

use crate::check::progress::EventSets;
use crate::check::{Checker, End, Findings, Judgement, Topology, Violation, reference};
use crate::fixed_map::FixedMap;
use crate::history::{Fact, FactKind, Kinds, Observation, Stage};
use crate::id::PartId;
use crate::message::log::{FetchedPart, Reader};
use crate::message::sink::Write;
use crate::processor::config::DeliveryMode;
use std::sync::Arc;

/// The check.
pub struct Order {
    topology: Arc<Topology>,
    in_log: EventSets,
    read: Vec<u64>,
    /// By partition, source and key: the last event's number.
    last_owed: FixedMap<(usize, u16, u64), u64>,
    /// By processor: events with an effect.
    effected: Vec<EventSets>,
    /// By processor and key: the offset of the last first effect.
    last_effect: FixedMap<(usize, u64), u64>,
    findings: Findings,
}

impl Order {
    /// A check for one run.
    #[must_use]
    pub fn new(topology: &Arc<Topology>) -> Order {
        Order {
            in_log: EventSets::new(topology),
            read: vec![0; topology.slots()],
            last_owed: FixedMap::new(),
            effected: vec![EventSets::new(topology); topology.processors.len()],
            last_effect: FixedMap::new(),
            findings: Findings::new("order"),
            topology: Arc::clone(topology),
        }
    }

    fn audit(&mut self, broker: PartId, part: &FetchedPart) {
        let Some(slot) = self.topology.slot(broker, part.partition) else {
            return;
        };
        for entry in &part.entries {
            if entry.base.0 < self.read[slot] {
                continue;
            }
            self.read[slot] = entry.end().0;
            for (offset, event) in (entry.base.0..).zip(entry.batch.events()) {
                if !self.in_log.insert(event.id) {
                    continue;
                }
                self.findings.judged += 1;
                let (source, number) = (event.id.source, event.id.number);
                let key = (slot, source, event.key);
                let last = self.last_owed.entry_or_insert_with(key, || number);
                if number >= *last {
                    *last = number;
                    continue;
                }
                let last = *last;
                self.findings.add(|| {
                    let sentence = format!(
                        "event {source}:{number} of key {} lies behind the later event \
                         {source}:{last}, at offset {offset} of partition {}",
                        event.key, part.partition
                    );
                    Violation::new("nonmonotonic-send", event.due, sentence)
                        .of(Some(broker), "log")
                        .event(event.id)
                        .at(part.partition, offset)
                        .some_time_after()
                });
            }
        }
    }

    fn effect(&mut self, seen: &Observation, write: &Write) {
        let Some(processor) = self.topology.group(write.group) else {
            return;
        };
        let entry = &self.topology.processors[processor];
        // A zombie that settled before it wrote comes late, legally.
        let settles_first = entry.delivery == DeliveryMode::AtMostOnce;
        // A window's row comes when the window fires, not when its events do.
        let is_comparable = write.versions.len() == write.rows.len() && write.credits.is_none();
        // Offsets of two partitions say nothing about what was first.
        let log = self.topology.log(entry.broker);
        let is_comparable = is_comparable && log.is_none_or(|log| !log.expands);
        if settles_first || !is_comparable || !reference::keeps_key(&entry.operator) {
            return;
        }
        for (row, offset) in write.rows.iter().zip(write.versions.iter()) {
            if !self.effected[processor].insert(row.id) {
                continue;
            }
            self.findings.judged += 1;
            let last = self
                .last_effect
                .entry_or_insert_with((processor, row.key), || *offset);
            if offset >= last {
                *last = *offset;
                continue;
            }
            let (last, part, name) = (*last, entry.part, self.topology.name(entry.part));
            self.findings.add(|| {
                let sentence = format!(
                    "{name} first wrote event {}:{} of key {} (input offset {offset}) after \
                     input offset {last} of the same key",
                    row.id.source, row.id.number, row.key
                );
                let mut violation = Violation::new("nonmonotonic-effect", seen.time, sentence)
                    .of(Some(part), "writer")
                    .event(row.id);
                violation.offsets = vec![last, *offset];
                violation
            });
        }
    }
}

impl Checker for Order {
    fn name(&self) -> &'static str {
        "order"
    }

    fn wants(&self) -> Kinds {
        Kinds::of(&[FactKind::Fetched, FactKind::Effects])
    }

    fn observe(&mut self, seen: &Observation) {
        if let Fact::Fetched(fetched) = &seen.fact {
            let broker = seen.peer.and_then(|peer| self.topology.part_of(peer));
            if let Some(broker) = broker.filter(|_| fetched.reader == Reader::Audit) {
                for part in &fetched.parts {
                    self.audit(broker, part);
                }
            }
        } else if let Fact::Effects(write) = &seen.fact
            && seen.stage == Stage::Written
        {
            self.effect(seen, write);
        }
    }

    fn finish(&mut self, end: &End) -> Judgement {
        self.findings.judge_at_end(end.incomplete())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Answer;
    use crate::check::tests_support::{History, SINK, entry, keyed, log_pipeline, write};

    fn judge(history: &History) -> Judgement {
        history.judge(&mut Order::new(&log_pipeline()))
    }

    #[test]
    fn effects_of_a_topic_that_expands_are_not_compared_since_offsets_of_two_partitions_are_not() {
        let mut topology = log_pipeline().as_ref().clone();
        topology.logs[0].expands = true;
        let mut history = History::new();
        for number in [2, 1] {
            let rows = Arc::from([keyed(number, 7)]);
            history.stored(SINK, Fact::Effects(write(rows, 1)));
        }
        let judgement = history.judge(&mut Order::new(&Arc::new(topology)));
        assert_eq!((judgement.judged, judgement.violations.len()), (0, 0));
    }

    #[test]
    fn other_keys_and_repetitions_may_come_in_any_order() {
        let mut history = History::new();
        let log = vec![
            entry(0, 1, Arc::from([keyed(2, 7), keyed(1, 8)])),
            entry(2, 1, Arc::from([keyed(4, 7), keyed(2, 7)])),
        ];
        history.audited(log);
        let rows = [keyed(2, 7), keyed(1, 8), keyed(4, 7)];
        history.stored(SINK, Fact::Effects(write(Arc::from(rows), 1)));
        history.stored(SINK, Fact::Effects(write(Arc::from([keyed(2, 7)]), 1)));
        assert_eq!(judge(&history).answer, Answer::Pass);
    }

    #[test]
    fn an_earlier_event_of_a_key_behind_a_later_one_is_out_of_order() {
        let mut history = History::new();
        history.audited(vec![entry(0, 1, Arc::from([keyed(2, 7), keyed(1, 7)]))]);
        assert_eq!(
            judge(&history).violations[0].signature.anomaly,
            "nonmonotonic-send"
        );
    }

    #[test]
    fn first_effects_of_a_key_against_the_log_are_out_of_order() {
        let mut history = History::new();
        for number in [2, 1] {
            let rows = Arc::from([keyed(number, 7)]);
            history.stored(SINK, Fact::Effects(write(rows, 1)));
        }
        assert_eq!(judge(&history).violations[0].offsets, [2, 1]);
    }
}
