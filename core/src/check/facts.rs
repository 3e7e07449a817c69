//! `facts`: parts do not lie about what they store (A2).
//!
//! *Verifies*: every batch that a client is given lies at an offset and in an epoch where some replica of
//! that broker said it stored exactly this batch; the rows that the audit reads of a sink are those of which
//! the sink said that it applied them, no more and no fewer (upserts: rows and keys).
//! *Does not verify*: facts about what is never read, and reads of what retention has removed meanwhile.
//! Other checks rest on this one. A digest is kept for each batch that the log retains, no event.

use crate::check::progress::{DueMarks, OnDisk, Pages, ids};
use crate::check::{Checker, End, Findings, Judgement, Topology, Violation};
use crate::event::{Entry, EventId};
use crate::history::{Fact, FactKind, Kinds, Observation, Stage};
use crate::id::PartId;
use crate::interval_set::IntervalSet;
use crate::message::log::{FetchedPart, Reader};
use crate::sink::config::SinkKind;
use std::collections::BTreeMap;
use std::sync::Arc;

/// What was said about one partition.
#[derive(Clone, Debug, Default)]
struct Said {
    /// Digests by offset and epoch.
    digests: BTreeMap<(u64, u32), u64>,
    /// Below this nothing is known any more.
    trimmed: u64,
    /// Where the log began when a disk last told.
    start: u64,
}

impl Said {
    /// The log begins at `start`. What the removal before this one took is forgotten: answers that left
    /// before a removal are still under way.
    fn begins(&mut self, start: u64) {
        if start > self.start {
            self.trimmed = self.start;
            self.start = start;
            self.digests = self.digests.split_off(&(self.trimmed, 0));
        }
    }
}

/// The check.
pub struct Facts {
    topology: Arc<Topology>,
    said: Vec<Said>,
    /// By sink: events of which it said that they have a row.
    effects: Vec<OnDisk>,
    /// By sink and source: events of which a row was shown.
    shown: Vec<Vec<IntervalSet>>,
    pages: Pages,
    due: DueMarks,
    findings: Findings,
}

impl Facts {
    /// A check for one run.
    #[must_use]
    pub fn new(topology: &Arc<Topology>) -> Facts {
        let sources = vec![IntervalSet::new(); topology.sources.len()];
        Facts {
            said: vec![Said::default(); topology.slots()],
            effects: vec![OnDisk::new(topology); topology.sinks.len()],
            shown: vec![sources; topology.sinks.len()],
            pages: Pages::default(),
            due: DueMarks::default(),
            findings: Findings::new("facts"),
            topology: Arc::clone(topology),
        }
    }

    fn say(&mut self, slot: usize, entry: &Entry) {
        let place = (entry.base.0, entry.epoch.0);
        self.said[slot].digests.insert(place, entry.batch.digest);
    }

    fn show(&mut self, seen: &Observation, broker: PartId, part: &FetchedPart) {
        let Some(slot) = self.topology.slot(broker, part.partition) else {
            return;
        };
        for entry in &part.entries {
            if entry.base.0 < self.said[slot].trimmed {
                continue;
            }
            self.findings.judged += entry.batch.count();
            let place = (entry.base.0, entry.epoch.0);
            let said = self.said[slot].digests.get(&place);
            if said == Some(&entry.batch.digest) {
                continue;
            }
            let what = match said {
                Some(_) => "its replicas said that they stored another there",
                None => "no replica said that it stored any there in that epoch",
            };
            let name = self.topology.name(broker);
            self.findings.add(|| {
                let sentence = format!(
                    "{name} gave out a batch at offset {} of partition {}, epoch {}, and {what}",
                    entry.base, part.partition, entry.epoch
                );
                Violation::new("false-fact", seen.time, sentence)
                    .of(Some(broker), "replica")
                    .at(part.partition, entry.base.0)
            });
        }
    }

    fn judge_sink(&mut self, sink: usize) {
        let entry = &self.topology.sinks[sink];
        let (part, name) = (entry.part, self.topology.name(entry.part));
        for source in 0..self.topology.sources.len() {
            let said = self.effects[sink].set().of(source);
            let shown = &self.shown[sink][source];
            self.findings.judged += shown.len();
            // An upsert shows the last row of a key: the others are gone rightly.
            let absent: Vec<EventId> = match entry.kind {
                SinkKind::Upsert => Vec::new(),
                SinkKind::Append | SinkKind::Transactional => {
                    ids(source, said.difference(shown)).collect()
                }
            };
            let unsaid: Vec<EventId> = ids(source, shown.difference(said)).collect();
            let absent = absent
                .into_iter()
                .map(|id| (id, "said that it applied", "does not show"));
            let unsaid = unsaid
                .into_iter()
                .map(|id| (id, "shows", "never said that it applied"));
            for (id, does, but) in absent.chain(unsaid) {
                let due = self.due.due(id);
                self.findings.add(|| {
                    let sentence = format!(
                        "{name} {does} event {}:{} and {but} it",
                        id.source, id.number
                    );
                    Violation::new("false-fact", due, sentence)
                        .of(Some(part), "sink")
                        .event(id)
                        .some_time_after()
                });
            }
        }
    }
}

impl Checker for Facts {
    fn name(&self) -> &'static str {
        "facts"
    }

    fn wants(&self) -> Kinds {
        Kinds::of(&[
            FactKind::Owed,
            FactKind::Appended,
            FactKind::LogStart,
            FactKind::Fetched,
            FactKind::Effects,
            FactKind::RowsRead,
        ])
    }

    fn needs_envelope(&self) -> bool {
        false
    }

    fn observe(&mut self, seen: &Observation) {
        self.due.observe(seen);
        if let Fact::Appended { partition, entry } = &seen.fact {
            let slot = self.topology.slot_at(seen.node, *partition);
            if let Some(slot) = slot.filter(|_| seen.stage == Stage::Written) {
                self.say(slot, entry);
            }
        } else if let Fact::LogStart { partition, start } = seen.fact {
            let slot = self.topology.slot_at(seen.node, partition);
            if let Some(slot) = slot.filter(|_| seen.stage == Stage::Written) {
                self.said[slot].begins(start.0);
            }
        } else if let Fact::Fetched(fetched) = &seen.fact {
            let broker = seen.peer.and_then(|peer| self.topology.part_of(peer));
            let to_client = match fetched.reader {
                Reader::Consumer | Reader::Audit => true,
                Reader::Replica { .. } => false,
            };
            if let Some(broker) = broker.filter(|_| to_client) {
                for part in &fetched.parts {
                    self.show(seen, broker, part);
                }
            }
        } else if let Fact::Effects(write) = &seen.fact {
            if let Some(sink) = self.topology.sink_of(seen.node) {
                // A bare claim clears nobody, but whoever makes it is held to it.
                let stage = match seen.stage {
                    Stage::Claimed => Stage::Written,
                    Stage::Seen
                    | Stage::Written
                    | Stage::Durable
                    | Stage::Lost
                    | Stage::Corrupted => seen.stage,
                };
                for row in write.rows.iter() {
                    self.effects[sink].take(stage, row.id);
                }
            }
        } else if let Fact::RowsRead(rows) = &seen.fact
            && let Some(sink) = seen.peer.and_then(|peer| self.topology.sink_of(peer))
            && self.pages.is_new(sink, rows)
        {
            for row in &rows.rows {
                if let Some(set) = self.shown[sink].get_mut(usize::from(row.id.source)) {
                    set.insert(row.id.number);
                }
            }
        }
    }

    fn finish(&mut self, end: &End) -> Judgement {
        if end.incomplete().is_none() {
            for sink in 0..self.topology.sinks.len() {
                self.judge_sink(sink);
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
        BROKER, History, P0, SINK, entry, events, log_pipeline, write,
    };
    use crate::id::Offset;

    fn judge(history: &History) -> Judgement {
        history.judge(&mut Facts::new(&log_pipeline()))
    }

    #[test]
    fn what_was_said_is_what_is_read() {
        let mut history = History::new();
        history
            .appended(BROKER, entry(0, 1, events(0..2)))
            .effects(0..2);
        history.audited(vec![entry(0, 1, events(0..2))]).rows(0..2);
        assert_eq!(judge(&history).answer, Answer::Pass);
    }

    #[test]
    fn a_replica_that_names_other_content_is_caught_by_the_read() {
        let mut history = History::new();
        history.appended(BROKER, entry(0, 1, events(0..2)));
        history.audited(vec![entry(0, 1, events(5..7))]);
        assert_eq!(judge(&history).violations[0].offsets, [0]);
    }

    #[test]
    fn a_read_of_what_the_last_removal_took_is_still_judged() {
        for (removals, violations) in [(1, 1), (2, 0)] {
            let mut history = History::new();
            history.appended(BROKER, entry(0, 1, events(0..2)));
            for start in (2..).step_by(2).take(removals) {
                let fact = Fact::LogStart {
                    partition: P0,
                    start: Offset(start),
                };
                history.written(BROKER, fact);
            }
            history.audited(vec![entry(0, 1, events(5..7))]);
            assert_eq!(judge(&history).violations_total, violations);
        }
    }

    #[test]
    fn a_sink_that_claims_rows_it_does_not_show_is_caught() {
        let mut history = History::new();
        history.effects(0..2).rows(0..1);
        assert_eq!(judge(&history).violations[0].events[0].number, 1);
    }

    #[test]
    fn a_bare_claim_of_an_effect_is_held_against_the_rows() {
        let mut history = History::new();
        let claim = Fact::Effects(write(events(0..1), 1));
        history.claim(SINK, claim).rows([]);
        assert_eq!(judge(&history).answer, Answer::Fail);
    }

    #[test]
    fn a_row_that_nobody_said_is_caught() {
        let mut history = History::new();
        history.effects(0..1).rows(0..2);
        assert_eq!(judge(&history).violations_total, 1);
    }
}
