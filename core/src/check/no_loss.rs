//! `no-loss` and `no-log-loss`: what was acknowledged is not lost (O-LOSS).
//!
//! *Verifies*, log form: every event that a publisher was told is stored is in the audit's full read,
//! unless the reference retention policy had removed it. End-to-end form (`no-loss` only): for every
//! processor that reads it, such an event has a visible effect, a dead letter, or was filtered by an
//! operator that may filter. Rows read by the audit count, where one processor writes a sink that keeps
//! every row; elsewhere the disk's facts do.
//! *Does not verify*: events without an answer (`info`, rule 1), and whether filtering was right
//! (`equivalence` does).

use crate::check::progress::{DueMarks, EventSets, Pages, Progress, ids};
use crate::check::retention::RetentionPolicy;
use crate::check::{Checker, End, Findings, Judgement, Topology, Violation};
use crate::event::{Batch, EventId};
use crate::fault::FaultPlan;
use crate::history::{Fact, FactKind, Kinds, Observation};
use crate::message::log::{Published, Reader};
use crate::promise::Promises;
use crate::sink::config::SinkKind;
use std::collections::VecDeque;
use std::sync::Arc;

/// The check.
pub struct NoLoss {
    topology: Arc<Topology>,
    whole: bool,
    acknowledged: EventSets,
    stored: EventSets,
    removed: EventSets,
    /// What a log acknowledged and retains, for learning which events a removal takes: the batches
    /// themselves live on the World's disks.
    retained: Vec<VecDeque<(u64, Arc<Batch>)>>,
    retention: RetentionPolicy,
    progress: Progress,
    /// By sink.
    rows: Vec<EventSets>,
    pages: Pages,
    due: DueMarks,
    findings: Findings,
}

impl NoLoss {
    /// Both forms.
    #[must_use]
    pub fn new(topology: &Arc<Topology>, plan: &Arc<FaultPlan>) -> NoLoss {
        NoLoss::of("no-loss", true, topology, plan)
    }

    /// The log form alone, for pipelines that promise no more.
    #[must_use]
    pub fn in_log(topology: &Arc<Topology>, plan: &Arc<FaultPlan>) -> NoLoss {
        NoLoss::of("no-log-loss", false, topology, plan)
    }

    fn of(
        name: &'static str,
        whole: bool,
        topology: &Arc<Topology>,
        plan: &Arc<FaultPlan>,
    ) -> NoLoss {
        let sets = EventSets::new(topology);
        NoLoss {
            whole,
            acknowledged: sets.clone(),
            stored: sets.clone(),
            removed: sets.clone(),
            retained: vec![VecDeque::new(); topology.slots()],
            retention: RetentionPolicy::new(topology, plan),
            progress: Progress::new(topology),
            rows: vec![sets; topology.sinks.len()],
            pages: Pages::default(),
            due: DueMarks::default(),
            findings: Findings::new(name),
            topology: Arc::clone(topology),
        }
    }

    fn acknowledge(&mut self, seen: &Observation, published: &Published) {
        let events = published.batch.events();
        for event in events {
            self.acknowledged.insert(event.id);
        }
        let broker = seen.peer.and_then(|peer| self.topology.part_of(peer));
        let slot = broker.and_then(|part| self.topology.slot(part, published.partition));
        if let Some(slot) = slot {
            let base = published.base.0;
            let retained = &mut self.retained[slot];
            // Answers may overtake each other; the list stays in order of offsets.
            let at = retained.partition_point(|(other, _)| *other < base);
            retained.insert(at, (base, Arc::clone(&published.batch)));
            self.drop_removed(slot);
        }
    }

    fn drop_removed(&mut self, slot: usize) {
        let start = self.retention.legal_start(slot);
        while let Some((base, batch)) = self.retained[slot].front()
            && base + batch.count() <= start
        {
            for event in batch.events() {
                self.removed.insert(event.id);
            }
            self.retained[slot].pop_front();
        }
    }

    /// Where the acknowledged event was put, as far as still known.
    fn place(&self, id: EventId) -> Option<(usize, u64)> {
        self.retained
            .iter()
            .enumerate()
            .find_map(|(slot, batches)| {
                batches.iter().find_map(|(base, batch)| {
                    let at = batch.events().iter().position(|event| event.id == id)?;
                    Some((slot, base + at as u64))
                })
            })
    }

    fn judge_log(&mut self, source: usize) {
        let broker = self.topology.sources[source].broker;
        // Alone, the log form holds the logs to what they promise; a scenario that asks for `no-loss`
        // asks whether its configuration reaches it.
        let judged = self.topology.log(broker);
        if judged.is_none_or(|log| !self.whole && !Promises::of_log(log).keeps) {
            return;
        }
        let (acknowledged, stored) = (self.acknowledged.of(source), self.stored.of(source));
        let lost: Vec<EventId> = ids(source, acknowledged.difference(stored))
            .filter(|id| !self.removed.contains(*id))
            .collect();
        for id in lost {
            let place = self.place_if_shown(id);
            let due = self.due.due(id);
            let name = self.topology.name(broker);
            let topology = &self.topology;
            self.findings.add(|| {
                let mut violation = Violation::new(
                    "lost-write",
                    due,
                    format!(
                        "{name} acknowledged event {}:{} and the final read does not have it",
                        id.source, id.number
                    ),
                )
                .of(Some(broker), "log")
                .event(id)
                .some_time_after();
                if let Some((slot, offset)) = place {
                    violation = violation.at(topology.slot_name(slot).1, offset);
                }
                violation
            });
        }
    }

    fn place_if_shown(&self, id: EventId) -> Option<(usize, u64)> {
        let is_shown = self.findings.total() < crate::check::SHOWN_VIOLATIONS as u64;
        is_shown.then(|| self.place(id)).flatten()
    }

    /// Whether the processor is done with the event, by the best witness there is.
    fn is_done(&self, processor: usize, id: EventId) -> bool {
        let done = self.progress.of(processor);
        let part = self.topology.processors[processor].sink;
        let Some(sink) = self.topology.sink(part) else {
            return done.contains(id);
        };
        let writers = self.topology.processors.iter();
        let is_only_writer = writers.filter(|other| other.sink == part).count() == 1;
        let keeps_rows = self.topology.sinks[sink].kind != SinkKind::Upsert;
        // A row of a window stands for events that it does not name; `window-equivalence` reads the rows.
        let names_events = self.topology.processors[processor].window.is_none();
        if is_only_writer && keeps_rows && names_events {
            self.rows[sink].contains(id)
                || done.filtered.contains(id)
                || done.dead.set().contains(id)
        } else {
            done.contains(id)
        }
    }

    fn judge_effects(&mut self, source: usize) {
        let topology = Arc::clone(&self.topology);
        let entry = &topology.sources[source];
        let readers: Vec<usize> = topology.readers_of(entry).collect();
        // Readers of one queue share its messages; every other reader is owed each event.
        let shared = topology
            .queue(entry.broker)
            .is_some_and(|queue| !queue.fanout);
        let mut lost = Vec::new();
        for id in ids(source, self.acknowledged.of(source).ranges()) {
            if self.removed.contains(id) {
                continue;
            }
            if shared {
                if !readers.is_empty() && !readers.iter().any(|reader| self.is_done(*reader, id)) {
                    lost.push((readers[0], id));
                }
            } else {
                let missing = readers.iter().filter(|reader| !self.is_done(**reader, id));
                lost.extend(missing.map(|reader| (*reader, id)));
            }
        }
        for (reader, id) in lost {
            let part = topology.processors[reader].part;
            let due = self.due.due(id);
            self.findings.add(|| {
                let sentence = format!(
                    "event {}:{} was acknowledged and {} left no effect, dead letter or \
                     rightful refusal of it",
                    id.source,
                    id.number,
                    topology.name(part)
                );
                Violation::new("unseen", due, sentence)
                    .of(Some(part), "consumer")
                    .event(id)
                    .some_time_after()
            });
        }
    }
}

impl Checker for NoLoss {
    fn name(&self) -> &'static str {
        if self.whole { "no-loss" } else { "no-log-loss" }
    }

    fn wants(&self) -> Kinds {
        Kinds::of(&[
            FactKind::Owed,
            FactKind::Acknowledged,
            FactKind::Fetched,
            FactKind::RowsRead,
        ])
        .union(Progress::WANTS)
        .union(RetentionPolicy::WANTS)
    }

    fn observe(&mut self, seen: &Observation) {
        self.progress.observe(seen);
        self.due.observe(seen);
        if let Some((slot, _)) = self.retention.observe(seen) {
            self.drop_removed(slot);
        }
        if let Fact::Acknowledged(published) = &seen.fact {
            self.acknowledge(seen, published);
        } else if let Fact::Fetched(fetched) = &seen.fact {
            if fetched.reader == Reader::Audit {
                let entries = fetched.parts.iter().flat_map(|part| &part.entries);
                for event in entries.flat_map(|entry| entry.batch.events()) {
                    self.stored.insert(event.id);
                }
            }
        } else if let Fact::RowsRead(rows) = &seen.fact
            && let Some(sink) = seen.peer.and_then(|peer| self.topology.sink_of(peer))
            && self.pages.is_new(sink, rows)
        {
            for row in &rows.rows {
                self.rows[sink].insert(row.id);
            }
        }
    }

    fn finish(&mut self, end: &End) -> Judgement {
        self.findings.judged = self.acknowledged.len();
        if end.incomplete().is_none() {
            for source in 0..self.topology.sources.len() {
                self.judge_log(source);
                if self.whole {
                    self.judge_effects(source);
                }
            }
        }
        self.findings.judge_at_end(end.incomplete())
    }
}

#[cfg(test)]
mod tests;
