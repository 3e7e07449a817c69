//! `window-equivalence`: windows show what a batch would make of the log (O-WIN, rule 10).
//!
//! *Verifies*: for every key and window, the last row that the audit reads is the count or sum of the log's
//! events of that key in that window, less those that were accounted late; no other window has a row; and an
//! event that came within disorder and allowed lateness of its input partition was not accounted late; by the
//! wall clock, nor was one that happened no longer ago than that.
//! Where a processor was given an event again after it had called it late, it may have taken it in the second
//! time: then both are right. At-most-once windows may lack rows and events, and never have too many.
//! *Does not verify*: when a window fired (`watermark-soundness`); lateness in partitions that were idle, whose
//! silence others did not wait for; sums of more than 16 doubtful events and sessions of keys with any; the
//! sessions and sums of at-most-once; logs of which retention has removed the beginning.

mod batch;
#[cfg(test)]
mod tests;

use crate::check::progress::Pages;
use crate::check::watermark_soundness::age;
use crate::check::{Checker, End, Findings, Judgement, Topology, Violation};
use crate::event::{Event, EventId};
use crate::event_time::{LateEvent, RETRACTED};
use crate::history::{Fact, FactKind, Kinds, Observation};
use crate::id::PartId;
use crate::interval_set::IntervalSet;
use crate::message::log::{Fetched, FetchedPart, Reader};
use crate::processor::config::DeliveryMode;
use crate::processor::window::config::WatermarkClock;
use crate::sink::config::SinkKind;
use crate::time::Time;
use batch::{Batch, Doubt, Fit, Shown};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// An event that was accounted late.
#[derive(Clone, Copy)]
struct Late {
    /// It is not in windows up to this end.
    surely: i64,
    /// It may not be in windows up to this end.
    perhaps: i64,
    /// When it was accounted first.
    at: Time,
}

/// What one processor with windows was given, said and should show.
struct Writer {
    /// Its position among the processors.
    processor: usize,
    late: BTreeMap<EventId, Late>,
    /// By partition: given below this.
    given: BTreeMap<usize, u64>,
    /// By partition: given more than once.
    again: BTreeMap<usize, IntervalSet>,
    /// Partitions that were idle at any time.
    idle: BTreeSet<usize>,
    batch: Batch,
    /// By row key, in the order shown.
    shown: BTreeMap<u64, Vec<Shown>>,
}

/// The check.
pub struct WindowEquivalence {
    topology: Arc<Topology>,
    writers: Vec<Writer>,
    /// By partition: the audit has read below this.
    read: Vec<u64>,
    /// By partition: the latest event time so far.
    newest: Vec<i64>,
    pages: Pages,
    cut: Option<String>,
    findings: Findings,
}

impl WindowEquivalence {
    /// A check for one run.
    #[must_use]
    pub fn new(topology: &Arc<Topology>) -> WindowEquivalence {
        let writers = topology.processors.iter().enumerate();
        let writers = writers.filter_map(|(processor, entry)| {
            let plan = entry.window.as_ref()?;
            let others = topology.processors.iter();
            let others = others.filter(|other| other.sink == entry.sink).count();
            (others == 1 && topology.log(entry.broker).is_some()).then(|| Writer {
                processor,
                late: BTreeMap::new(),
                given: BTreeMap::new(),
                again: BTreeMap::new(),
                idle: BTreeSet::new(),
                batch: Batch::new(plan),
                shown: BTreeMap::new(),
            })
        });
        WindowEquivalence {
            writers: writers.collect(),
            read: vec![0; topology.slots()],
            newest: vec![i64::MIN; topology.slots()],
            pages: Pages::default(),
            cut: None,
            findings: Findings::new("window-equivalence"),
            topology: Arc::clone(topology),
        }
    }

    fn writer(&mut self, group: crate::id::GroupId) -> Option<&mut Writer> {
        let processor = self.topology.group(group)?;
        let mut writers = self.writers.iter_mut();
        writers.find(|writer| writer.processor == processor)
    }

    /// A consumer was given records: which of them for the first time?
    fn give(&mut self, seen: &Observation, fetched: &Fetched) {
        let part = self.topology.part_of(seen.node);
        let processor = part.and_then(|part| self.topology.processor(part));
        let broker = seen.peer.and_then(|peer| self.topology.part_of(peer));
        let (Some(processor), Some(broker)) = (processor, broker) else {
            return;
        };
        let mut writers = self.writers.iter_mut();
        let Some(writer) = writers.find(|writer| writer.processor == processor) else {
            return;
        };
        for part in &fetched.parts {
            let Some(slot) = self.topology.slot(broker, part.partition) else {
                continue;
            };
            let given = writer.given.entry(slot).or_insert(0);
            for entry in &part.entries {
                let (base, end) = (entry.base.0, entry.end().0);
                if base < *given {
                    let again = writer.again.entry(slot).or_default();
                    for offset in base..end.min(*given) {
                        again.insert(offset);
                    }
                }
                *given = end.max(*given);
            }
        }
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
            for (offset, event) in (entry.base.0..).zip(entry.batch.events()) {
                self.apply(slot, offset, event);
                self.newest[slot] = self.newest[slot].max(event.event_time);
            }
        }
    }

    fn apply(&mut self, slot: usize, offset: u64, event: &Event) {
        let (broker, partition) = self.topology.slot_name(slot);
        for writer in &mut self.writers {
            let entry = &self.topology.processors[writer.processor];
            if (entry.broker, entry.topic) != (broker, partition.topic) {
                continue;
            }
            self.findings.judged += 1;
            let Some(late) = writer.late.get(&event.id).copied() else {
                writer.batch.add(event, Doubt::None);
                continue;
            };
            let was_again = writer.again.get(&slot);
            let is_doubtful = was_again.is_some_and(|again| again.contains(offset));
            let doubt = if is_doubtful {
                Doubt::Until(late.perhaps)
            } else {
                Doubt::OutUntil(late.surely)
            };
            writer.batch.add(event, doubt);
            let Some(plan) = &entry.window else {
                continue;
            };
            let contract = plan.contract();
            let newest = self.newest[slot];
            let behind = match plan.config.watermark {
                WatermarkClock::EventTime => newest.saturating_sub(event.event_time),
                WatermarkClock::WallClock => age(event.event_time, late.at),
            };
            if behind > contract || writer.idle.contains(&slot) {
                continue;
            }
            let (part, name) = (entry.part, self.topology.name(entry.part));
            self.findings.add_due(event.due, || {
                let of = match plan.config.watermark {
                    WatermarkClock::EventTime => {
                        format!("of event time behind the latest of partition {partition}")
                    }
                    WatermarkClock::WallClock => "after it happened".to_owned(),
                };
                let sentence = format!(
                    "{name} accounted event {}:{} late, which came {} ns {of}, and {contract} ns \
                     are allowed",
                    event.id.source,
                    event.id.number,
                    behind.max(0)
                );
                Violation::new("false-late", event.due, sentence)
                    .of(Some(part), "consumer")
                    .event(event.id)
                    .at(partition, offset)
            });
        }
    }

    fn show(&mut self, sink: usize, rows: &[Event]) {
        let part = self.topology.sinks[sink].part;
        let topology = &self.topology;
        let mut writers = self.writers.iter_mut();
        let writer = writers.find(|writer| topology.processors[writer.processor].sink == part);
        let Some(writer) = writer else {
            return;
        };
        for row in rows {
            let shown = writer.shown.entry(row.key).or_default();
            shown.push(Shown {
                end: row.event_time,
                value: row.value,
                is_retracted: row.kind == RETRACTED,
                id: row.id,
            });
        }
    }

    fn compare(&mut self, time: Time) {
        for mut writer in std::mem::take(&mut self.writers) {
            let entry = &self.topology.processors[writer.processor];
            let kind = self.topology.sink(entry.sink);
            let kind = kind.map_or(SinkKind::Append, |sink| self.topology.sinks[sink].kind);
            let fit = match (entry.delivery, kind) {
                (DeliveryMode::AtMostOnce, _) => Fit::NoMore,
                // What is written again after a crash stands behind what was written before it.
                (DeliveryMode::AtLeastOnce, SinkKind::Append | SinkKind::Transactional) => {
                    Fit::AnyRow
                }
                (DeliveryMode::AtLeastOnce, SinkKind::Upsert) | (DeliveryMode::ExactlyOnce, _) => {
                    Fit::LastRow
                }
            };
            let name = self.topology.name(entry.sink);
            let (part, shown) = (entry.sink, std::mem::take(&mut writer.shown));
            for wrong in writer.batch.differences(&shown, fit) {
                self.findings.add(|| {
                    let sentence = format!("{name} shows {}", wrong.sentence);
                    let violation = Violation::new(wrong.anomaly, time, sentence)
                        .of(Some(part), "sink")
                        .some_time_after();
                    match wrong.event {
                        Some(id) => violation.event(id),
                        None => violation,
                    }
                });
            }
        }
    }
}

impl Checker for WindowEquivalence {
    fn name(&self) -> &'static str {
        "window-equivalence"
    }

    fn wants(&self) -> Kinds {
        Kinds::of(&[
            FactKind::Fetched,
            FactKind::RowsRead,
            FactKind::Late,
            FactKind::Watermark,
        ])
    }

    fn observe(&mut self, seen: &Observation) {
        if let Fact::Fetched(fetched) = &seen.fact {
            match fetched.reader {
                Reader::Audit => {
                    if let Some(broker) = seen.peer.and_then(|peer| self.topology.part_of(peer)) {
                        for part in &fetched.parts {
                            self.fold(broker, part);
                        }
                    }
                }
                Reader::Consumer => self.give(seen, fetched),
                Reader::Replica { .. } => {}
            }
        } else if let Fact::Late { group, events } = &seen.fact {
            if let Some(writer) = self.writer(*group) {
                for LateEvent { id, until, .. } in events.iter() {
                    let known = writer.late.entry(*id).or_insert(Late {
                        surely: *until,
                        perhaps: *until,
                        at: seen.time,
                    });
                    known.surely = known.surely.min(*until);
                    known.perhaps = known.perhaps.max(*until);
                }
            }
        } else if let Fact::Watermark(watermarks) = &seen.fact {
            let topology = Arc::clone(&self.topology);
            if let Some(writer) = self.writer(watermarks.group) {
                let broker = topology.processors[writer.processor].broker;
                let idle = watermarks.inputs.iter().filter(|input| input.is_idle);
                let slots = idle.filter_map(|input| topology.slot(broker, input.partition));
                writer.idle.extend(slots);
            }
        } else if let Fact::RowsRead(rows) = &seen.fact
            && let Some(sink) = seen.peer.and_then(|peer| self.topology.sink_of(peer))
            && self.pages.is_new(sink, rows)
        {
            self.show(sink, &rows.rows);
        }
    }

    fn finish(&mut self, end: &End) -> Judgement {
        if self.writers.is_empty() {
            let why = "no processor with windows has a sink of its own";
            return Judgement::not_applicable("window-equivalence", why);
        }
        let incomplete = end.incomplete();
        if let (None, Some(why)) = (&incomplete, &self.cut) {
            return Judgement::not_applicable("window-equivalence", why);
        }
        if incomplete.is_none() {
            self.compare(end.time);
        }
        self.findings.judge_at_end(incomplete)
    }
}
