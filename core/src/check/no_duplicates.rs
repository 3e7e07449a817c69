//! `no-duplicates` and `no-log-duplicates`: nothing counts twice (O-DUP).
//!
//! *Verifies*, log form, where producers are idempotent: no event lies at two offsets in the audit's full
//! read. Effect form, for sinks that keep every row: no event shows in more rows than processors write it.
//! *Does not verify*: repeated deliveries (rule 4), upserts (a repeated write changes nothing there), and
//! events of a source that crashed, since idempotence is claimed within a producer's session (KIP-98).

use crate::check::progress::{EventSets, Pages};
use crate::check::{Checker, End, Findings, Judgement, Topology, Violation};
use crate::event::Event;
use crate::history::{Fact, FactKind, Kinds, Observation};
use crate::id::PartId;
use crate::message::log::{FetchedPart, Reader};
use crate::sink::config::SinkKind;
use std::sync::Arc;

/// The check.
pub struct NoDuplicates {
    topology: Arc<Topology>,
    whole: bool,
    in_log: EventSets,
    /// By partition: the audit has read below this.
    read: Vec<u64>,
    /// By sink: one set for each time that an event may show.
    rows: Vec<Vec<EventSets>>,
    pages: Pages,
    crashed: Vec<bool>,
    findings: Findings,
}

impl NoDuplicates {
    /// Both forms.
    #[must_use]
    pub fn new(topology: &Arc<Topology>) -> NoDuplicates {
        NoDuplicates::of("no-duplicates", true, topology)
    }

    /// The log form alone, for pipelines that promise no more.
    #[must_use]
    pub fn in_log(topology: &Arc<Topology>) -> NoDuplicates {
        NoDuplicates::of("no-log-duplicates", false, topology)
    }

    fn of(name: &'static str, whole: bool, topology: &Arc<Topology>) -> NoDuplicates {
        let rows = topology.sinks.iter().map(|sink| {
            let writers = topology.processors.iter();
            let writers = writers
                .filter(|processor| processor.sink == sink.part)
                .count();
            vec![EventSets::new(topology); writers]
        });
        NoDuplicates {
            whole,
            in_log: EventSets::new(topology),
            read: vec![0; topology.slots()],
            rows: rows.collect(),
            pages: Pages::default(),
            crashed: vec![false; topology.sources.len()],
            findings: Findings::new(name),
            topology: Arc::clone(topology),
        }
    }

    fn audit(&mut self, seen: &Observation, broker: PartId, part: &FetchedPart) {
        let Some(slot) = self.topology.slot(broker, part.partition) else {
            return;
        };
        for entry in &part.entries {
            // A page of the log given twice is one observation.
            if entry.base.0 < self.read[slot] {
                continue;
            }
            self.read[slot] = entry.end().0;
            for (offset, event) in (entry.base.0..).zip(entry.batch.events()) {
                self.findings.judged += 1;
                let crashed = self.crashed.get(usize::from(event.id.source));
                if self.in_log.insert(event.id) || crashed.is_none_or(|crashed| *crashed) {
                    continue;
                }
                let name = self.topology.name(broker);
                self.findings.add_due(event.due, || {
                    let sentence = format!(
                        "event {}:{} lies in {name} a second time, at offset {offset} of \
                         partition {}",
                        event.id.source, event.id.number, part.partition
                    );
                    Violation::new("duplicate", seen.time, sentence)
                        .of(Some(broker), "log")
                        .event(event.id)
                        .at(part.partition, offset)
                });
            }
        }
    }

    fn show(&mut self, seen: &Observation, sink: usize, row: &Event) {
        let entry = &self.topology.sinks[sink];
        self.findings.judged += 1;
        if self.rows[sink].iter_mut().any(|set| set.insert(row.id)) {
            return;
        }
        let (part, name) = (entry.part, self.topology.name(entry.part));
        self.findings.add_due(row.due, || {
            let sentence = format!(
                "event {}:{} shows in {name} more often than it was owed",
                row.id.source, row.id.number
            );
            Violation::new("duplicate", seen.time, sentence)
                .of(Some(part), "sink")
                .event(row.id)
                .some_time_after()
        });
    }
}

impl Checker for NoDuplicates {
    fn name(&self) -> &'static str {
        if self.whole {
            "no-duplicates"
        } else {
            "no-log-duplicates"
        }
    }

    fn wants(&self) -> Kinds {
        Kinds::of(&[FactKind::Fetched, FactKind::RowsRead, FactKind::Crashed])
    }

    fn observe(&mut self, seen: &Observation) {
        if let Fact::Fetched(fetched) = &seen.fact {
            let broker = seen.peer.and_then(|peer| self.topology.part_of(peer));
            let Some(broker) = broker.filter(|_| fetched.reader == Reader::Audit) else {
                return;
            };
            if self.topology.log(broker).is_some_and(|log| log.idempotent) {
                for part in &fetched.parts {
                    self.audit(seen, broker, part);
                }
            }
        } else if let Fact::RowsRead(rows) = &seen.fact {
            if let Some(sink) = seen.peer.and_then(|peer| self.topology.sink_of(peer))
                && self.whole
                && self.topology.sinks[sink].kind != SinkKind::Upsert
                && !self.topology.has_windows(sink)
                && self.pages.is_new(sink, rows)
            {
                for row in &rows.rows {
                    self.show(seen, sink, row);
                }
            }
        } else if let Fact::Crashed { .. } = seen.fact {
            let part = self.topology.part_of(seen.node);
            for (source, crashed) in self.topology.sources.iter().zip(&mut self.crashed) {
                *crashed |= Some(source.part) == part;
            }
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
    use crate::check::tests_support::{History, SOURCE, entry, events, log_pipeline};

    fn judge(history: &History) -> Judgement {
        history.judge(&mut NoDuplicates::new(&log_pipeline()))
    }

    #[test]
    fn a_page_read_twice_is_not_a_duplicate() {
        let mut history = History::new();
        history.audited(vec![entry(0, 1, events(0..3))]);
        history.audited(vec![entry(0, 1, events(0..3)), entry(3, 1, events(3..5))]);
        history.rows(0..5).rows(0..5);
        assert_eq!(judge(&history).answer, Answer::Pass);
    }

    #[test]
    fn an_event_at_two_offsets_is_a_duplicate() {
        let mut history = History::new();
        history.audited(vec![entry(0, 1, events(0..3)), entry(3, 1, events(2..3))]);
        let judgement = judge(&history);
        assert_eq!(judgement.violations_total, 1);
        assert_eq!(judgement.violations[0].offsets, [3]);
    }

    #[test]
    fn a_source_that_crashed_may_have_published_again() {
        let mut history = History::new();
        history.push(
            crate::history::Stage::Seen,
            SOURCE,
            None,
            Fact::Crashed { power: false },
        );
        history.audited(vec![entry(0, 1, events(0..3)), entry(3, 1, events(2..3))]);
        assert_eq!(judge(&history).answer, Answer::Pass);
    }

    #[test]
    fn a_row_shown_twice_is_a_duplicate() {
        let mut history = History::new();
        history.rows([0, 1, 1]);
        assert_eq!(judge(&history).violations_total, 1);
    }
}
