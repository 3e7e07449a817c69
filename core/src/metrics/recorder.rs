//! Takes facts while the run goes on: for each event a few set lookups, its place among those under way, and a
//! count for each sample; for each batch one look at the slots and windows.

use crate::check::{FaultLog, Topology};
use crate::event::{Event, EventId};
use crate::fault::FaultPlan;
use crate::history::{Fact, FactKind, Kinds, Observation, Stage as Seen};
use crate::id::PartId;
use crate::interval_set::IntervalSet;
use crate::metrics::by_phase::Levels;
use crate::metrics::reaction::Reactions;
use crate::metrics::slots::{Slots, WindowCounts};
use crate::metrics::stages::{Marks, Uncommitted};
use crate::metrics::stretches::{Sample, Stretches};
use crate::metrics::tally::Tallies;
use crate::metrics::under_way::UnderWay;
use crate::metrics::{FlowCounts, Phases, Series, Stage, Totals};
use crate::time::{Span, Time};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;

/// One source's events.
#[derive(Clone, Debug, Default)]
pub(super) struct Ledger {
    owed: IntervalSet,
    /// The way so far of the events owed without all required outputs: they may still become never.
    pub(super) open: UnderWay,
    /// When the events that had all their outputs before an acknowledgement were first sent.
    sent: BTreeMap<u64, Time>,
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

impl Ledger {
    /// Where an acknowledgement may still come, it is measured from when the event was first sent.
    fn remember_sent(&mut self, number: u64, open: Option<Marks>) {
        if let Some(sent) = open.and_then(|marks| marks.sent())
            && !self.acknowledged.contains(number)
        {
            self.sent.insert(number, sent);
            if self.sent.len() > SENT_MAX {
                self.sent.pop_first();
            }
        }
    }
}

/// What a fact brought about: how many events of it were acknowledged, have an effect that can be read, and are
/// no longer waited for.
#[derive(Clone, Copy, Debug, Default)]
struct Done {
    acknowledged: u64,
    visible: u64,
    finished: u64,
}

/// The measurement of one run.
pub struct Recorder {
    pub(super) topology: Arc<Topology>,
    pub(super) plan: Arc<FaultPlan>,
    pub(super) phases: Phases,
    pub(super) faults: FaultLog,
    pub(super) ledgers: Vec<Ledger>,
    /// Whether samples are counted where they fall. It pays where many fall into each stretch; until there are
    /// many, they are kept and sorted.
    is_busy: bool,
    /// Samples of the latest stretch.
    tallies: Tallies,
    /// Samples of an earlier stretch, whose events come late: consumers that catch up go from one to the next.
    behind: Tallies,
    /// Late events since it turned last; each turn is paid for by as many.
    credit: i32,
    /// Samples of others that are not folded yet.
    pub(super) samples: Vec<Sample>,
    /// The buffer is folded at this length.
    fold_at: usize,
    pub(super) stretches: Stretches,
    /// The latest instant of a fact.
    now: Time,
    pub(super) slots: Slots,
    pub(super) windows: WindowCounts,
    /// The backlog at every instant.
    pub(super) levels: Levels,
    pub(super) flow: BTreeMap<PartId, FlowCounts>,
    pub(super) reactions: Reactions,
    pub(super) totals: Totals,
    pub(super) uncommitted: Uncommitted,
}

/// Late events that pay for turning to another stretch, which sorts a few hundred values.
const TURN: i32 = 32;

/// Samples in the buffer.
const SAMPLES: usize = 1 << 15;

/// So many samples make a run busy.
const FEW: usize = 1 << 12;

/// Events whose sending is remembered after their last output, of each source: where nothing is ever
/// acknowledged (acks=0) there would be no end of them.
const SENT_MAX: usize = 1 << 14;

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
            fold_at: FEW,
            is_busy: false,
            tallies: Tallies::default(),
            behind: Tallies::default(),
            credit: 0,
            stretches: Stretches::new(&[phases.chaos, phases.calm, phases.drain]),
            now: Time::ZERO,
            slots: Slots::new(phases.slot_width()),
            windows: WindowCounts::default(),
            levels: Levels::default(),
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
            self.acknowledge(seen.time, published.batch.events());
        } else if let Fact::Effects(write) = &seen.fact {
            // A row is visible once written, durable or not.
            if seen.stage == Seen::Written
                && let Some(processor) = self.topology.group(write.group)
            {
                let rows = write.rows.len() as u64;
                self.totals.effects += rows;
                if (self.phases.chaos..self.phases.drain).contains(&seen.time) {
                    self.totals.effects_measured += rows;
                }
                self.slots.at(seen.time).effects += rows;
                match &write.credits {
                    Some(credits) => {
                        let credits = credits.iter().map(|credit| (credit.id, Some(credit.due)));
                        self.outputs(seen.time, processor, credits);
                    }
                    None => {
                        let rows = write.rows.iter().map(|row| (row.id, Some(row.due)));
                        self.outputs(seen.time, processor, rows);
                    }
                }
            }
        } else if let Fact::Filtered { group, events } = &seen.fact {
            if let Some(processor) = self.topology.group(*group) {
                self.outputs(seen.time, processor, events.iter().map(|id| (*id, None)));
            }
        } else if let Fact::Late { events, .. } = &seen.fact {
            let late = events.iter().filter(|late| late.entirely);
            let dropped = late.filter(|late| self.drop_late(late.id)).count();
            let done = Done {
                finished: dropped as u64,
                ..Done::default()
            };
            self.count(seen.time, done);
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
                ledger.open.insert(event.id.number, event.due);
            }
            self.slots.at(event.due).offered += 1;
            self.totals.offered += 1;
        }
    }

    fn acknowledge(&mut self, now: Time, events: &[Event]) {
        let mut done = Done::default();
        for event in events {
            let (number, due) = (event.id.number, event.due);
            let Some(ledger) = self.ledgers.get_mut(usize::from(event.id.source)) else {
                continue;
            };
            if !ledger.acknowledged.insert(number) {
                continue;
            }
            done.acknowledged += 1;
            let marks = ledger.open.get_mut(number).copied();
            let sent = marks.map_or_else(|| ledger.sent.remove(&number), |marks| marks.sent());
            let ends_here = ledger.outputs.is_empty();
            if ends_here {
                ledger.complete.insert(number);
                ledger.open.remove(number);
            }
            let from_send = sent.map(|sent| (Series::PublishFromSend, now.since(sent)));
            let publish = [(Series::Publish, now.since(due))];
            self.sample(due, publish.into_iter().chain(from_send));
            if ends_here {
                done.visible += 1;
                done.finished += 1;
                self.arrive(now, due, marks, Stage::Answer);
            }
        }
        self.totals.acknowledged += done.acknowledged;
        self.count(now, done);
    }

    /// Outputs of events are there: rows, or nothing to say where the due time is none.
    fn outputs(
        &mut self,
        now: Time,
        processor: usize,
        events: impl Iterator<Item = (EventId, Option<Time>)>,
    ) {
        let mut done = Done::default();
        for (id, due) in events {
            self.output(now, processor, id, due, &mut done);
        }
        self.count(now, done);
    }

    fn output(
        &mut self,
        now: Time,
        processor: usize,
        id: EventId,
        due: Option<Time>,
        done: &mut Done,
    ) {
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
        let open = ledger.open.remove(id.number);
        ledger.remember_sent(id.number, open);
        // A processor that went over its input again may have taken in what was late at first.
        done.finished += u64::from(!ledger.late.contains(id.number));
        // Filtered last, but visible elsewhere: its due time is still known.
        let is_visible = several && ledger.effected.contains(id.number);
        let due = due.or_else(|| open.filter(|_| is_visible).map(|marks| marks.due));
        if let Some(due) = due {
            done.visible += 1;
            self.arrive(now, due, open, Stage::Sink);
        }
    }

    /// An event was too late for its windows: nothing more is awaited of it. Says whether that is new.
    fn drop_late(&mut self, id: EventId) -> bool {
        let ledger = self.ledgers.get_mut(usize::from(id.source));
        ledger.is_some_and(|ledger| {
            !ledger.complete.contains(id.number) && ledger.late.insert(id.number)
        })
    }

    /// An event has all its outputs and an effect, the way there ending with `last`.
    fn arrive(&mut self, now: Time, due: Time, open: Option<Marks>, last: Stage) {
        self.totals.delivered += 1;
        if (self.phases.chaos..self.phases.drain).contains(&due) {
            self.totals.delivered_measured += 1;
        }
        let end_to_end = [(Series::EndToEnd, now.since(due))];
        let Some(marks) = open else {
            return self.sample(due, end_to_end.into_iter());
        };
        let from_send = marks.sent().map(|sent| now.since(sent));
        let from_send = from_send.map(|took| (Series::EndToEndFromSend, took));
        // Rounded, since eight stages cut off at the microsecond would be 4 us short in the mean.
        let stages = marks.stages(last, now);
        let stages = stages.map(|(stage, took)| (Series::Stage(stage), took + Span::nanos(500)));
        self.sample(due, end_to_end.into_iter().chain(from_send).chain(stages));
    }

    /// Counts what a fact brought about in its slot and its window.
    fn count(&mut self, now: Time, done: Done) {
        if done.acknowledged + done.visible + done.finished == 0 {
            return;
        }
        let (in_window, start) = self.windows.at(self.stretches.edges(), now);
        for counts in [in_window, self.slots.at(now)] {
            counts.acknowledged += done.acknowledged;
            counts.visible += done.visible;
            counts.finished += done.finished;
        }
        self.levels.change(start, done.acknowledged, done.finished);
    }

    /// Takes samples of one event, which is due at one instant.
    fn sample(&mut self, due: Time, samples: impl Iterator<Item = (Series, Span)>) {
        if let Some(tallies) = self.tallies_of(due) {
            return samples.for_each(|(series, took)| tallies.add(series, took));
        }
        let samples = samples.map(|(series, took)| Sample::finite(series, due, took));
        self.samples.extend(samples);
        if self.samples.len() >= self.fold_at {
            self.fold(self.now);
            if self.fold_at == FEW {
                self.is_busy = true;
                self.fold_at = SAMPLES;
            }
        }
    }

    /// Where samples due at this instant are counted, none if they are kept.
    fn tallies_of(&mut self, due: Time) -> Option<&mut Tallies> {
        // A fault may still begin at this instant, and what is due from then on lies behind an edge.
        if !self.is_busy || due >= self.now {
            return None;
        }
        if due >= self.tallies.over.end {
            let over = self.stretch_of(due);
            self.turn_to(|recorder| &mut recorder.tallies, over);
        }
        if due >= self.tallies.over.start {
            return Some(&mut self.tallies);
        }
        self.credit = self.credit.saturating_add(1);
        if self.credit >= TURN && !self.behind.over.contains(&due) {
            self.credit = 0;
            let over = self.stretch_of(due);
            self.turn_to(|recorder| &mut recorder.behind, over);
        }
        let is_behind = self.behind.over.contains(&due);
        is_behind.then_some(&mut self.behind)
    }

    /// The due times around `due` that lie in the same window, stretch and slot.
    fn stretch_of(&self, due: Time) -> Range<Time> {
        let edges = self.stretches.edges();
        let slot = self.slots.range(self.slots.slot_of(due));
        edges.start_of(due).max(slot.start)..edges.end_of(due).min(slot.end)
    }

    /// Counts what is due at `over` from here on. What was counted of a stretch is taken once it is over: a
    /// run has more slots than stretches.
    fn turn_to(&mut self, which: fn(&mut Recorder) -> &mut Tallies, over: Range<Time>) {
        let mut tallies = std::mem::take(which(self));
        let slot = self.slots.slot_of(tallies.over.start);
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
        let slots = &self.slots;
        self.stretches
            .fold(&mut self.samples, before, |due| slots.slot_of(due));
    }

    /// Folds everything, with the samples of events that were never visible. Of a run that never became busy
    /// only what is shown over time: the rest waits for its phase.
    pub(super) fn fold_all(&mut self, never: impl Iterator<Item = Sample>) {
        let end = Time::NEVER..Time::NEVER;
        self.turn_to(|recorder| &mut recorder.tallies, end.clone());
        self.turn_to(|recorder| &mut recorder.behind, end);
        let is_over_time = |sample: &Sample| sample.series == Series::EndToEnd;
        let samples = std::mem::take(&mut self.samples);
        let (over_time, rest): (Vec<_>, Vec<_>) = if self.is_busy {
            (samples, Vec::new())
        } else {
            samples.into_iter().partition(is_over_time)
        };
        self.samples = over_time;
        self.samples.extend(never);
        self.fold(Time::NEVER);
        self.samples = rest;
    }

    /// Counts where it falls from the first sample on, or never; a smaller buffer.
    #[cfg(test)]
    pub(super) const fn folding_at(mut self, samples: usize, is_busy: bool) -> Recorder {
        self.fold_at = samples;
        self.is_busy = is_busy;
        self
    }
}
