//! `equivalence`: the sink shows what one sequential program would have made of the log (O-EOS).
//!
//! *Verifies*: the rows that the audit reads equal the fold of a second implementation of the operator over
//! the records that the audit reads, in the order of each partition. Sinks that keep every row are compared
//! as multisets of (event, key, value), upserts by the last row of each key.
//! *Does not verify*: a user's operator itself, of which its own function is the measure; logs of which
//! retention has removed the beginning; queues, which have no order to fold in.

use crate::check::progress::Pages;
use crate::check::reference::{self, Reference};
use crate::check::{Checker, End, Findings, Judgement, Topology, Violation};
use crate::digest::digest_of;
use crate::event::{Event, EventId};
use crate::history::{Fact, FactKind, Kinds, Observation};
use crate::id::PartId;
use crate::message::log::{FetchedPart, Reader};
use crate::sink::config::SinkKind;
use crate::time::Time;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Events of a source that are compared together: the sum of their rows' digests must agree.
const BLOCK: u64 = 64;

/// A multiset of rows, or the last row of each key.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Rows {
    blocks: BTreeMap<(u16, u64), (u64, u64)>,
    last: BTreeMap<u64, (EventId, i64)>,
}

impl Rows {
    fn add(&mut self, kind: SinkKind, row: &Event) {
        match kind {
            SinkKind::Append | SinkKind::Transactional => {
                let id = row.id.number << 16 | u64::from(row.id.source);
                let digest = digest_of(&[id, row.key, row.value as u64]);
                let block = (row.id.source, row.id.number / BLOCK);
                let (count, sum) = self.blocks.entry(block).or_default();
                *count += 1;
                *sum = sum.wrapping_add(digest);
            }
            SinkKind::Upsert => {
                self.last.insert(row.key, (row.id, row.value));
            }
        }
    }
}

/// A second implementation of a user's operator, by the processor's name.
pub type References = BTreeMap<String, Box<dyn Reference>>;

/// The check.
pub struct Equivalence {
    topology: Arc<Topology>,
    /// By processor; none if it cannot be folded.
    references: Vec<Option<Box<dyn Reference>>>,
    /// By sink.
    expected: Vec<Rows>,
    shown: Vec<Rows>,
    pages: Pages,
    read: Vec<u64>,
    /// Why a fold cannot be made, once that shows.
    cut: Option<String>,
    scratch: Vec<Event>,
    findings: Findings,
}

impl Equivalence {
    /// A check for one run; `own` holds the programs of users' operators.
    #[must_use]
    pub fn new(topology: &Arc<Topology>, mut own: References) -> Equivalence {
        let references = topology.processors.iter().map(|processor| {
            topology.log(processor.broker)?;
            // Windows have no row for each event: `window-equivalence` is about them.
            if processor.window.is_some() {
                return None;
            }
            let name = &topology.part(processor.part).name;
            own.remove(name)
                .or_else(|| reference::named(&processor.operator))
        });
        Equivalence {
            references: references.collect(),
            expected: vec![Rows::default(); topology.sinks.len()],
            shown: vec![Rows::default(); topology.sinks.len()],
            pages: Pages::default(),
            read: vec![0; topology.slots()],
            cut: None,
            scratch: Vec::new(),
            findings: Findings::new("equivalence"),
            topology: Arc::clone(topology),
        }
    }

    /// Whether all writers of a sink can be folded. Two writers of one key have no order between them.
    fn is_judged(&self, sink: usize) -> bool {
        let entry = &self.topology.sinks[sink];
        let writers = self.topology.processors.iter().zip(&self.references);
        let mut writers = writers.filter(|(processor, _)| processor.sink == entry.part);
        let count = writers.clone().count();
        let one = count == 1 || entry.kind != SinkKind::Upsert;
        count > 0 && one && writers.all(|(_, reference)| reference.is_some())
    }

    fn fold(&mut self, broker: PartId, part: &FetchedPart) {
        let Some(slot) = self.topology.slot(broker, part.partition) else {
            return;
        };
        for entry in &part.entries {
            if entry.base.0 < self.read[slot] {
                continue;
            }
            if entry.base.0 > self.read[slot] && !entry.batch.events().is_empty() {
                self.cut = Some(format!(
                    "the log's records from offset {} of partition {} are no longer there to fold",
                    self.read[slot], part.partition
                ));
            }
            self.read[slot] = entry.end().0;
            for event in entry.batch.events() {
                self.apply(broker, part, event);
            }
        }
    }

    fn apply(&mut self, broker: PartId, part: &FetchedPart, event: &Event) {
        let processors = self.topology.processors.iter().zip(&mut self.references);
        for (processor, reference) in processors {
            if (processor.broker, processor.topic) != (broker, part.partition.topic) {
                continue;
            }
            if let (Some(reference), Some(sink)) = (reference, self.topology.sink(processor.sink)) {
                self.findings.judged += 1;
                reference.apply(event, &mut self.scratch);
                for row in self.scratch.drain(..) {
                    self.expected[sink].add(self.topology.sinks[sink].kind, &row);
                }
            }
        }
    }

    fn compare(&mut self, sink: usize, time: Time) {
        let entry = &self.topology.sinks[sink];
        let name = self.topology.name(entry.part);
        let (expected, shown) = (&self.expected[sink], &self.shown[sink]);
        let violation = |sentence: String, id| {
            Violation::new("state-divergence", time, format!("{name} {sentence}"))
                .of(Some(entry.part), "sink")
                .event(id)
        };
        for ((source, block), want, have) in differences(&expected.blocks, &shown.blocks) {
            let number = block * BLOCK;
            let (want, have) = (want.map_or(0, |rows| rows.0), have.map_or(0, |rows| rows.0));
            self.findings.add(|| {
                let range = format!("{source}:{number} to {source}:{}", number + BLOCK - 1);
                let sentence = if want == have {
                    format!("shows other values than the log implies for events {range}")
                } else {
                    format!("shows {have} rows of events {range}, the log implies {want}")
                };
                violation(sentence, EventId { source, number })
            });
        }
        for (key, want, have) in differences(&expected.last, &shown.last) {
            let Some((id, _)) = want.or(have).copied() else {
                continue;
            };
            self.findings.add(|| {
                let value = |row: Option<&(EventId, i64)>| {
                    row.map_or("nothing".to_owned(), |(id, value)| {
                        format!("{value} of event {}:{}", id.source, id.number)
                    })
                };
                let (have, want) = (value(have), value(want));
                violation(
                    format!("shows {have} for key {key}, the log implies {want}"),
                    id,
                )
            });
        }
    }
}

/// The keys at which two maps differ, with what each has.
fn differences<'a, K: Ord + Copy, V: PartialEq>(
    one: &'a BTreeMap<K, V>,
    other: &'a BTreeMap<K, V>,
) -> Vec<(K, Option<&'a V>, Option<&'a V>)> {
    let missing = other.keys().filter(|key| !one.contains_key(key));
    let keys = one.keys().chain(missing);
    keys.map(|key| (*key, one.get(key), other.get(key)))
        .filter(|(_, one, other)| one != other)
        .collect()
}

impl Checker for Equivalence {
    fn name(&self) -> &'static str {
        "equivalence"
    }

    fn wants(&self) -> Kinds {
        Kinds::of(&[FactKind::Fetched, FactKind::RowsRead])
    }

    fn observe(&mut self, seen: &Observation) {
        if let Fact::Fetched(fetched) = &seen.fact {
            let broker = seen.peer.and_then(|peer| self.topology.part_of(peer));
            if let Some(broker) = broker.filter(|_| fetched.reader == Reader::Audit) {
                for part in &fetched.parts {
                    self.fold(broker, part);
                }
            }
        } else if let Fact::RowsRead(rows) = &seen.fact
            && let Some(sink) = seen.peer.and_then(|peer| self.topology.sink_of(peer))
            && self.pages.is_new(sink, rows)
        {
            let kind = self.topology.sinks[sink].kind;
            for row in &rows.rows {
                self.shown[sink].add(kind, row);
            }
        }
    }

    fn finish(&mut self, end: &End) -> Judgement {
        let sinks: Vec<usize> = (0..self.topology.sinks.len())
            .filter(|sink| self.is_judged(*sink))
            .collect();
        if sinks.is_empty() {
            let why = "no sink's writers all read a log with an operator that can be folded";
            return Judgement::not_applicable("equivalence", why);
        }
        let incomplete = end.incomplete();
        if let (None, Some(why)) = (&incomplete, &self.cut) {
            return Judgement::not_applicable("equivalence", why);
        }
        if incomplete.is_none() {
            for sink in sinks {
                self.compare(sink, end.time);
            }
        }
        self.findings.judge_at_end(incomplete)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::check::Answer;
    use crate::check::tests_support::{History, entry, keyed, pipeline};
    use crate::processor::config::DeliveryMode;
    use proptest::prelude::*;

    fn judge(history: &History, kind: SinkKind, operator: &str) -> Judgement {
        let topology = Arc::new(pipeline(true, kind, operator, DeliveryMode::ExactlyOnce));
        history.judge(&mut Equivalence::new(&topology, References::new()))
    }

    fn log() -> History {
        let mut history = History::new();
        let events = [keyed(0, 7), keyed(1, 8), keyed(2, 7)];
        history.audited(vec![entry(0, 1, Arc::from(events))]);
        history
    }

    fn counted(number: u64, key: u64, value: i64) -> Event {
        Event {
            value,
            ..keyed(number, key)
        }
    }

    #[test]
    fn counts_in_any_order_of_rows_are_equivalent() {
        let mut history = log();
        history.row_events(vec![counted(2, 7, 2), counted(0, 7, 1), counted(1, 8, 1)]);
        let kind = SinkKind::Transactional;
        assert_eq!(judge(&history, kind, "count-by-key").answer, Answer::Pass);
    }

    #[test]
    fn a_count_that_skips_one_is_not_equivalent() {
        let mut history = log();
        history.row_events(vec![counted(0, 7, 1), counted(1, 8, 1), counted(2, 7, 3)]);
        let judgement = judge(&history, SinkKind::Transactional, "count-by-key");
        assert_eq!(
            judgement.violations[0].signature.anomaly,
            "state-divergence"
        );
    }

    #[test]
    fn an_upsert_is_judged_by_the_last_row_of_each_key() {
        let mut history = log();
        history.row_events(vec![keyed(2, 7), keyed(1, 8)]);
        assert_eq!(
            judge(&history, SinkKind::Upsert, "identity").answer,
            Answer::Pass
        );
        let mut history = log();
        history.row_events(vec![keyed(0, 7), keyed(1, 8)]);
        assert_eq!(
            judge(&history, SinkKind::Upsert, "identity").violations_total,
            1
        );
    }

    #[test]
    fn a_log_without_its_beginning_cannot_be_folded() {
        let mut history = History::new();
        history.audited(vec![entry(3, 1, Arc::from([keyed(3, 7)]))]);
        history.row_events(vec![]);
        assert_eq!(
            judge(&history, SinkKind::Append, "identity").answer,
            Answer::NotApplicable
        );
    }

    #[test]
    fn a_users_operator_is_folded_by_its_own_function() {
        let mut history = log();
        history.row_events(vec![]);
        let kind = SinkKind::Append;
        let topology = Arc::new(pipeline(true, kind, "own", DeliveryMode::ExactlyOnce));
        assert_eq!(judge(&history, kind, "own").answer, Answer::NotApplicable);
        let own: Box<dyn Reference> = Box::new(|_: &Event, _: &mut Vec<Event>| {});
        let own = References::from([("totals".to_owned(), own)]);
        assert_eq!(
            history.judge(&mut Equivalence::new(&topology, own)).answer,
            Answer::Pass
        );
    }

    proptest! {
        /// Leaving any row out or showing any row twice is found.
        #[test]
        fn any_missing_or_doubled_row_is_found(length in 1..200_u64, at in 0..200_u64, twice: bool) {
            let events: Arc<[Event]> = (0..length).map(|n| keyed(n, n % 3)).collect();
            let mut rows = events.to_vec();
            let at = (at % length) as usize;
            if twice {
                rows.push(rows[at]);
            } else {
                rows.remove(at);
            }
            let mut history = History::new();
            history.audited(vec![entry(0, 1, events)]).row_events(rows);
            let judgement = judge(&history, SinkKind::Append, "identity");
            prop_assert_eq!(judgement.violations_total, 1);
        }
    }
}
