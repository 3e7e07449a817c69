//! What several checks keep track of: which events are done, for which processor, and when events were due.

use crate::check::{Topology, reference};
use crate::event::{Event, EventId};
use crate::history::{Fact, FactKind, Kinds, Observation, Stage};
use crate::interval_set::IntervalSet;
use crate::message::sink::Rows;
use crate::time::Time;
use std::ops::Range;
use std::sync::Arc;

/// A set of events for each source.
#[derive(Clone, Debug)]
pub(super) struct EventSets(Vec<IntervalSet>);

impl EventSets {
    pub(super) fn new(topology: &Topology) -> EventSets {
        EventSets(vec![IntervalSet::new(); topology.sources.len()])
    }

    /// Puts an event in and says whether it is new; one of no source is never new.
    pub(super) fn insert(&mut self, id: EventId) -> bool {
        let set = self.0.get_mut(usize::from(id.source));
        set.is_some_and(|set| set.insert(id.number))
    }

    pub(super) fn remove(&mut self, id: EventId) {
        if let Some(set) = self.0.get_mut(usize::from(id.source)) {
            set.remove(id.number);
        }
    }

    pub(super) fn contains(&self, id: EventId) -> bool {
        let set = self.0.get(usize::from(id.source));
        set.is_some_and(|set| set.contains(id.number))
    }

    pub(super) fn of(&self, source: usize) -> &IntervalSet {
        &self.0[source]
    }

    pub(super) fn len(&self) -> u64 {
        self.0.iter().map(IntervalSet::len).sum()
    }
}

/// Every event of these ranges.
pub(super) fn ids(
    source: usize,
    ranges: impl Iterator<Item = Range<u64>>,
) -> impl Iterator<Item = EventId> {
    ranges.flatten().map(move |number| EventId {
        source: source as u16,
        number,
    })
}

/// Something on a disk: a power loss takes what was written and not made durable.
#[derive(Clone, Debug)]
pub(super) struct OnDisk {
    written: EventSets,
    durable: EventSets,
}

impl OnDisk {
    pub(super) fn new(topology: &Topology) -> OnDisk {
        OnDisk {
            written: EventSets::new(topology),
            durable: EventSets::new(topology),
        }
    }

    /// Takes one event of a fact of this stage. What an actor claims does not count.
    pub(super) fn take(&mut self, stage: Stage, id: EventId) {
        match stage {
            Stage::Written => {
                self.written.insert(id);
            }
            Stage::Durable => {
                self.written.insert(id);
                self.durable.insert(id);
            }
            Stage::Lost => {
                // Another copy of the same event may be durable.
                if !self.durable.contains(id) {
                    self.written.remove(id);
                }
            }
            // Of another copy nothing is known here: whoever has two is outside all envelopes by then.
            Stage::Corrupted => {
                self.durable.remove(id);
                self.written.remove(id);
            }
            Stage::Claimed | Stage::Seen => {}
        }
    }

    pub(super) fn set(&self) -> &EventSets {
        &self.written
    }
}

/// Which events a processor is done with.
#[derive(Clone, Debug)]
pub(super) struct Done {
    pub(super) effects: OnDisk,
    pub(super) dead: OnDisk,
    pub(super) filtered: EventSets,
    may_filter: bool,
    has_windows: bool,
}

impl Done {
    pub(super) fn contains(&self, id: EventId) -> bool {
        self.effects.set().contains(id)
            || self.filtered.contains(id)
            || self.dead.set().contains(id)
    }
}

/// Which events each processor is done with: an effect at its sink, a dead letter, or nothing to say.
///
/// That an operator had nothing to say is its own claim, so it excuses only operators that may filter (A2);
/// `equivalence` looks at whether it filtered rightly.
#[derive(Clone, Debug)]
pub(super) struct Progress {
    topology: Arc<Topology>,
    done: Vec<Done>,
}

impl Progress {
    pub(super) const WANTS: Kinds = Kinds::of(&[
        FactKind::Effects,
        FactKind::Filtered,
        FactKind::Late,
        FactKind::DeadLettered,
    ]);

    pub(super) fn new(topology: &Arc<Topology>) -> Progress {
        let done = topology.processors.iter().map(|processor| Done {
            effects: OnDisk::new(topology),
            dead: OnDisk::new(topology),
            filtered: EventSets::new(topology),
            may_filter: reference::may_filter(&processor.operator),
            has_windows: processor.window.is_some(),
        });
        Progress {
            done: done.collect(),
            topology: Arc::clone(topology),
        }
    }

    pub(super) fn observe(&mut self, seen: &Observation) {
        if let Fact::Effects(write) = &seen.fact {
            if let Some(done) = self.group(write.group) {
                if let Some(credits) = &write.credits {
                    for credit in credits.iter() {
                        done.effects.take(seen.stage, credit.id);
                    }
                    return;
                }
                for row in write.rows.iter() {
                    done.effects.take(seen.stage, row.id);
                }
            }
        } else if let Fact::DeadLettered { group, events, .. } = &seen.fact {
            if let Some(done) = self.group(*group) {
                for event in events.iter() {
                    done.dead.take(seen.stage, event.id);
                }
            }
        } else if let Fact::Late { group, events } = &seen.fact {
            // Whether it was late rightly is for `window-equivalence` to say.
            if let Some(done) = self.group(*group).filter(|done| done.has_windows) {
                for late in events.iter().filter(|late| late.entirely) {
                    done.filtered.insert(late.id);
                }
            }
        } else if let Fact::Filtered { group, events } = &seen.fact
            && let Some(done) = self.group(*group)
            && done.may_filter
        {
            for id in events.iter() {
                done.filtered.insert(*id);
            }
        }
    }

    fn group(&mut self, group: crate::id::GroupId) -> Option<&mut Done> {
        let processor = self.topology.group(group)?;
        Some(&mut self.done[processor])
    }

    pub(super) fn of(&self, processor: usize) -> &Done {
        &self.done[processor]
    }
}

/// Marks of a source at most: every other one is dropped when there are more.
const MARKS: usize = 4_096;

/// Roughly when the events of a source were due.
#[derive(Clone, Debug)]
struct Marks {
    /// Invariant: numbers increase by `apart` at least.
    marks: Vec<(u64, Time)>,
    apart: u64,
}

impl Marks {
    fn see(&mut self, event: &Event) {
        let last = self.marks.last();
        if last.is_some_and(|(number, _)| event.id.number < number + self.apart) {
            return;
        }
        if self.marks.len() == MARKS {
            let mut at = 0;
            self.marks.retain(|_| {
                at += 1;
                at % 2 == 1
            });
            self.apart *= 2;
        }
        self.marks.push((event.id.number, event.due));
    }
}

/// Roughly when each event was due: a mark every 256 events in the first million, and 2,048 to 4,096 marks
/// in a longer run.
#[derive(Clone, Debug, Default)]
pub(super) struct DueMarks(Vec<Marks>);

impl DueMarks {
    pub(super) fn observe(&mut self, seen: &Observation) {
        let Fact::Owed(events) = &seen.fact else {
            return;
        };
        let Some(first) = events.first() else {
            return;
        };
        let source = usize::from(first.id.source);
        if self.0.len() <= source {
            let marks = Marks {
                marks: Vec::new(),
                apart: 256,
            };
            self.0.resize(source + 1, marks);
        }
        for event in events.iter() {
            self.0[source].see(event);
        }
    }

    /// The due time of the last mark at or before the event.
    pub(super) fn due(&self, id: EventId) -> Time {
        let Some(marks) = self.0.get(usize::from(id.source)) else {
            return Time::ZERO;
        };
        let marks = &marks.marks;
        let after = marks.partition_point(|(number, _)| *number <= id.number);
        after.checked_sub(1).map_or(Time::ZERO, |at| marks[at].1)
    }
}

/// Recognises a page of rows that the audit was given twice, as after a lost answer.
#[derive(Clone, Debug, Default)]
pub(super) struct Pages(Vec<Vec<Option<u64>>>);

impl Pages {
    pub(super) fn is_new(&mut self, sink: usize, rows: &Rows) -> bool {
        if self.0.len() <= sink {
            self.0.resize(sink + 1, Vec::new());
        }
        let known = self.0[sink].contains(&rows.next);
        if !known {
            self.0[sink].push(rows.next);
        }
        !known
    }
}
