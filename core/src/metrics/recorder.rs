//! Takes facts while the run goes on: a set lookup and a buffer push for each event.

use crate::check::{FaultLog, Topology};
use crate::event::{Event, EventId};
use crate::fault::FaultPlan;
use crate::history::{Fact, FactKind, Kinds, Observation, Stage as Seen};
use crate::id::PartId;
use crate::interval_set::IntervalSet;
use crate::metrics::by_phase::Levels;
use crate::metrics::reaction::Reactions;
use crate::metrics::stages::{Marks, Uncommitted};
use crate::metrics::stretches::{Sample, Stretches};
use crate::metrics::tally::Tallies;
use crate::metrics::{FlowCounts, Phases, SLOTS_MAX, Series, Stage, Totals};
use crate::time::{SECOND, Span, Time};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// One source's events.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    owed: IntervalSet,
    /// The way so far of the events owed without all required outputs: they may still become never.
    pub(super) open: BTreeMap<u64, Marks>,
    /// When the events that are not acknowledged were first sent.
    pub(super) sent: BTreeMap<u64, Time>,
    pub(super) acknowledged: IntervalSet,
    /// By required output: events with an effect or filtered.
    outputs: Vec<IntervalSet>,
    /// Which processor each output is.
    readers: Vec<usize>,
    /// With several outputs, events that have a visible effect at one of them.
    effected: IntervalSet,
    /// Events that were too late for all their windows at some output.
    pub(super) late: IntervalSet,
    /// Events with all required outputs.
    complete: IntervalSet,
}

/// Counts of one window or slot.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) offered: u64,
    pub(super) acknowledged: u64,
    pub(super) visible: u64,
    pub(super) finished: u64,
}

/// The measurement of one run.
pub struct Recorder {
    pub(super) topology: Arc<Topology>,
    pub(super) plan: Arc<FaultPlan>,
    pub(super) phases: Phases,
    pub(super) faults: FaultLog,
    pub(super) ledgers: Vec<Ledger>,
    /// Samples of the latest stretch.
    tallies: Tallies,
    /// Samples of an earlier stretch, whose events come late: consumers that catch up go from one to the next.
    behind: Tallies,
    /// Late samples since it turned last; each turn is paid for by as many.
    credit: i32,
    /// Samples of others that are not folded yet.
    samples: Vec<Sample>,
    /// The buffer is folded at this length.
    fold_at: usize,
    pub(super) stretches: Stretches,
    /// The latest instant of a fact.
    now: Time,
    /// By slot.
    pub(super) slots: Vec<Counts>,
    /// By window, under the second with which it begins; in order.
    pub(super) windows: Vec<(u64, Counts)>,
    /// The backlog at every instant.
    pub(super) levels: Levels,
    slot_width: Span,
    pub(super) flow: BTreeMap<PartId, FlowCounts>,
    pub(super) reactions: Reactions,
    pub(super) totals: Totals,
    pub(super) uncommitted: Uncommitted,
}

/// Late samples that pay for turning to another stretch, which sorts a few hundred values.
const TURN: i32 = 256;

/// Samples in the buffer.
const SAMPLES: usize = 1 << 15;

/// The slot of an instant; the last one takes what outlasts the plan.
pub(super) fn slot_of(at: Time, width: Span) -> u64 {
    (at.0 / width.0).min(SLOTS_MAX - 1)
}

/// Puts a count in place, the list grown as needed.
fn count(list: &mut Vec<Counts>, at: u64, add: impl FnOnce(&mut Counts)) {
    let at = at as usize;
    if list.len() <= at {
        list.resize(at + 1, Counts::default());
    }
    add(&mut list[at]);
}

impl Recorder {
    /// A recorder for one run.
    #[must_use]
    pub fn new(topology: &Arc<Topology>, plan: &Arc<FaultPlan>, phases: Phases) -> Recorder {
        let ledgers = topology.sources.iter().map(|source| {
            let shared = topology
                .queue(source.broker)
                .is_some_and(|queue| !queue.fanout);
            let readers: Vec<usize> = topology.readers_of(source).collect();
            // Readers of one queue share its events: one effect by any of them is all that is owed.
            let outputs = if shared {
                readers.len().min(1)
            } else {
                readers.len()
            };
            Ledger {
                outputs: vec![IntervalSet::new(); outputs],
                readers,
                ..Ledger::default()
            }
        });
        Recorder {
            ledgers: ledgers.collect(),
            faults: FaultLog::new(Arc::clone(plan)),
            plan: Arc::clone(plan),
            samples: Vec::new(),
            fold_at: SAMPLES,
            tallies: Tallies::default(),
            behind: Tallies::default(),
            credit: 0,
            stretches: Stretches::new(&[phases.chaos, phases.calm, phases.drain]),
            now: Time::ZERO,
            slots: Vec::new(),
            windows: Vec::new(),
            levels: Levels::default(),
            slot_width: phases.slot_width(),
            flow: BTreeMap::new(),
            reactions: Reactions::default(),
            totals: Totals::default(),
            uncommitted: Uncommitted::default(),
            topology: Arc::clone(topology),
            phases,
        }
    }

    /// The kinds of facts it wants.
    #[must_use]
    pub const fn wants() -> Kinds {
        Kinds::of(&[
            FactKind::Owed,
            FactKind::PublishSent,
            FactKind::PublishTaken,
            FactKind::Appended,
            FactKind::Committed,
            FactKind::Enqueued,
            FactKind::Acknowledged,
            FactKind::Fetched,
            FactKind::Received,
            FactKind::WriteTaken,
            FactKind::Effects,
            FactKind::Filtered,
            FactKind::GaveUp,
            FactKind::Shed,
            FactKind::Flow,
            FactKind::Fired,
            FactKind::Late,
            FactKind::FaultStarted,
            FactKind::FaultEnded,
            FactKind::Healed,
            FactKind::Drained,
        ])
        .union(Kinds::of(&Reactions::WANTS))
    }

    /// Takes a fact; of a kind it does not want it takes nothing.
    pub fn observe(&mut self, seen: &Observation) {
        self.now = self.now.max(seen.time);
        if let Fact::Owed(events) = &seen.fact {
            self.owe(events);
        } else if let Fact::Acknowledged(published) = &seen.fact {
            for event in published.batch.events() {
                self.acknowledge(seen.time, event);
            }
        } else if let Fact::Effects(write) = &seen.fact {
            // A row is visible once written, durable or not.
            if seen.stage == Seen::Written
                && let Some(processor) = self.topology.group(write.group)
            {
                self.totals.effects += write.rows.len() as u64;
                if let Some(credits) = &write.credits {
                    for credit in credits.iter() {
                        self.output(seen.time, processor, credit.id, Some(credit.due));
                    }
                    return;
                }
                for row in write.rows.iter() {
                    self.output(seen.time, processor, row.id, Some(row.due));
                }
            }
        } else if let Fact::Filtered { group, events } = &seen.fact {
            if let Some(processor) = self.topology.group(*group) {
                for id in events.iter() {
                    self.output(seen.time, processor, *id, None);
                }
            }
        } else if let Fact::Late { events, .. } = &seen.fact {
            for late in events.iter().filter(|late| late.entirely) {
                self.drop_late(seen.time, late.id);
            }
        } else if !self.mark(seen) {
            self.reactions.observe(seen, &self.topology);
            if !self.count_flow(seen) {
                self.turn(seen);
            }
        }
    }

    /// Takes a fact at which phases may change.
    fn turn(&mut self, seen: &Observation) {
        if let Fact::Healed = seen.fact {
            self.phases.calm = seen.time;
            self.cut(seen.time);
        } else if let Fact::Drained = seen.fact {
            self.phases.drain = seen.time;
            self.cut(seen.time);
        } else {
            self.faults.observe(seen);
            if let Fact::FaultStarted(index) = seen.fact {
                self.cut(seen.time);
                // A fault that lasts to the end of the run is healed when it was planned to be.
                if let Some(fault) = self.plan.faults.get(index as usize) {
                    self.cut(seen.time + fault.lasts);
                }
            } else if let Fact::FaultEnded(_) = seen.fact {
                self.cut(seen.time);
            }
        }
    }

    fn owe(&mut self, events: &[Event]) {
        for event in events {
            let Some(ledger) = self.ledgers.get_mut(usize::from(event.id.source)) else {
                continue;
            };
            // A source that boots may tell again what it told before, and batches of several partitions
            // close in any order.
            if !ledger.owed.insert(event.id.number) {
                continue;
            }
            if !ledger.complete.contains(event.id.number) {
                ledger.open.insert(event.id.number, Marks::new(event.due));
            }
            let slot = slot_of(event.due, self.slot_width);
            count(&mut self.slots, slot, |counts| counts.offered += 1);
            self.totals.offered += 1;
        }
    }

    fn acknowledge(&mut self, now: Time, event: &Event) {
        let Some(ledger) = self.ledgers.get_mut(usize::from(event.id.source)) else {
            return;
        };
        if !ledger.acknowledged.insert(event.id.number) {
            return;
        }
        let sent = ledger.sent.remove(&event.id.number);
        let ends_here = ledger.outputs.is_empty();
        let open = if ends_here {
            ledger.complete.insert(event.id.number);
            ledger.open.remove(&event.id.number)
        } else {
            None
        };
        self.totals.acknowledged += 1;
        let start = self.count_both(now, |counts| counts.acknowledged += 1);
        self.levels.acknowledge(start);
        self.sample(Series::Publish, event.due, now.since(event.due));
        if let Some(sent) = sent {
            self.sample(Series::PublishFromSend, event.due, now.since(sent));
        }
        if ends_here {
            self.finish_event(now, Some(event.due), (open, false), Stage::Answer);
        }
    }

    /// An output of an event is there: a row, or nothing to say (`due` is none).
    fn output(&mut self, now: Time, processor: usize, id: EventId, due: Option<Time>) {
        let Some(ledger) = self.ledgers.get_mut(usize::from(id.source)) else {
            return;
        };
        let Some(at) = ledger
            .readers
            .iter()
            .position(|reader| *reader == processor)
        else {
            return;
        };
        let at = at.min(ledger.outputs.len() - 1);
        if !ledger.outputs[at].insert(id.number) {
            self.totals.repeated += u64::from(due.is_some());
            return;
        }
        let several = ledger.outputs.len() > 1;
        if several && due.is_some() {
            ledger.effected.insert(id.number);
        }
        if several
            && !ledger
                .outputs
                .iter()
                .all(|output| output.contains(id.number))
        {
            return;
        }
        ledger.complete.insert(id.number);
        let open = ledger.open.remove(&id.number);
        // A processor that went over its input again may have taken in what was late at first.
        let was_late = ledger.late.contains(id.number);
        // Filtered last, but visible elsewhere: its due time is still known.
        let is_visible = several && ledger.effected.contains(id.number);
        let due = due.or_else(|| open.filter(|_| is_visible).map(|marks| marks.due));
        self.finish_event(now, due, (open, was_late), Stage::Sink);
    }

    /// An event was too late for its windows: nothing more is awaited of it.
    fn drop_late(&mut self, now: Time, id: EventId) {
        let Some(ledger) = self.ledgers.get_mut(usize::from(id.source)) else {
            return;
        };
        let is_open = !ledger.complete.contains(id.number);
        if is_open && ledger.late.insert(id.number) {
            let start = self.count_both(now, |counts| counts.finished += 1);
            self.levels.finish(start);
        }
    }

    /// An event has all its outputs, the way there ending with `last`; `due` is none if it was filtered
    /// everywhere.
    fn finish_event(
        &mut self,
        now: Time,
        due: Option<Time>,
        (open, was_late): (Option<Marks>, bool),
        last: Stage,
    ) {
        let start = self.count_both(now, |counts| {
            counts.finished += u64::from(!was_late);
            counts.visible += u64::from(due.is_some());
        });
        if !was_late {
            self.levels.finish(start);
        }
        let Some(due) = due else {
            return;
        };
        self.totals.delivered += 1;
        if (self.phases.chaos..self.phases.drain).contains(&due) {
            self.totals.delivered_measured += 1;
        }
        self.sample(Series::EndToEnd, due, now.since(due));
        let Some(marks) = open else {
            return;
        };
        if let Some(sent) = marks.sent() {
            self.sample(Series::EndToEndFromSend, due, now.since(sent));
        }
        for (stage, took) in marks.stages(last, now) {
            // Rounded, since eight stages cut off at the microsecond would be 4 us short in the mean.
            self.sample(Series::Stage(stage), due, took + Span::nanos(500));
        }
    }

    /// Counts in the slot and the window of an instant; gives back when its stretch begins.
    fn count_both(&mut self, now: Time, add: impl Fn(&mut Counts)) -> Time {
        count(&mut self.slots, slot_of(now, self.slot_width), &add);
        let start = self.stretches.edges().start_of(now);
        let window = start.0 / SECOND;
        let at = self.windows.partition_point(|(start, _)| *start < window);
        if self
            .windows
            .get(at)
            .is_none_or(|(start, _)| *start != window)
        {
            self.windows.insert(at, (window, Counts::default()));
        }
        add(&mut self.windows[at].1);
        start
    }

    fn sample(&mut self, series: Series, due: Time, took: Span) {
        // A fault may still begin at this instant, and what is due from then on lies behind an edge.
        if due < self.now {
            if due >= self.tallies.over.end {
                let over = self.stretch_of(due);
                self.turn_to(|recorder| &mut recorder.tallies, over);
            }
            if due >= self.tallies.over.start {
                return self.tallies.add(series, took);
            }
            self.credit = self.credit.saturating_add(1);
            if self.credit >= TURN && !self.behind.over.contains(&due) {
                self.credit = 0;
                let over = self.stretch_of(due);
                self.turn_to(|recorder| &mut recorder.behind, over);
            }
            if self.behind.over.contains(&due) {
                return self.behind.add(series, took);
            }
        }
        self.samples.push(Sample::finite(series, due, took));
        if self.samples.len() >= self.fold_at {
            self.fold(self.now);
        }
    }

    /// The due times around `due` that lie in the same window, stretch and slot.
    fn stretch_of(&self, due: Time) -> Range<Time> {
        let (edges, width) = (self.stretches.edges(), self.slot_width);
        let slot = slot_of(due, width);
        let slot_ends = if slot + 1 < SLOTS_MAX {
            Time((slot + 1) * width.0)
        } else {
            Time::NEVER
        };
        let start = edges.start_of(due).max(Time(slot * width.0));
        start..edges.end_of(due).min(slot_ends)
    }

    /// Counts what is due at `over` from here on. What was counted of a stretch is taken once it is over: a
    /// run has more slots than stretches.
    fn turn_to(&mut self, which: fn(&mut Recorder) -> &mut Tallies, over: Range<Time>) {
        let mut tallies = std::mem::take(which(self));
        let slot = slot_of(tallies.over.start, self.slot_width);
        self.stretches.take_slot(&mut tallies, slot);
        let stretch = self.stretches.edges().start_of(over.start);
        if stretch != tallies.stretch {
            self.stretches.take(&mut tallies);
            tallies.stretch = stretch;
        }
        tallies.over = over;
        *which(self) = tallies;
    }

    /// Phases may change at `edge`, which nothing that was counted is due behind.
    fn cut(&mut self, edge: Time) {
        self.stretches.cut(edge);
        for tallies in [&mut self.tallies, &mut self.behind] {
            let over = &mut tallies.over;
            over.end = over.end.min(edge.max(over.start));
        }
    }

    fn fold(&mut self, before: Time) {
        let width = self.slot_width;
        self.stretches
            .fold(&mut self.samples, before, |due| slot_of(due, width));
    }

    /// Folds everything, with the samples of events that were never visible.
    pub(super) fn fold_all(&mut self, never: impl Iterator<Item = Sample>) {
        let end = Time::NEVER..Time::NEVER;
        self.turn_to(|recorder| &mut recorder.tallies, end.clone());
        self.turn_to(|recorder| &mut recorder.behind, end);
        self.samples.extend(never);
        self.fold(Time::NEVER);
    }

    /// Counts nothing where it falls: every sample waits to be folded.
    #[cfg(test)]
    pub(super) const fn keeping_samples(mut self) -> Recorder {
        self.tallies.over = Time::NEVER..Time::NEVER;
        self.credit = i32::MIN;
        self
    }

    /// A smaller buffer.
    #[cfg(test)]
    pub(super) fn folding_at(mut self, samples: usize) -> Recorder {
        self.fold_at = samples;
        self
    }
}
