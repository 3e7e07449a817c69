//! In which order everybody saw a log around one offset: what each replica stores there, what readers were given
//! and what became visible.

use super::story::Story;
use super::words::kind_of;
use crate::assemble::Assembly;
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use stormglass_core::check::Topology;
use stormglass_core::event::{Entry, EventId};
use stormglass_core::history::{Fact, Observation, Stage};
use stormglass_core::id::{NodeId, Offset, PartId, Partition};

/// Offsets shown on each side.
const AROUND: u64 = 8;
/// Earlier events of a cell that are named.
const BEFORE: usize = 3;
/// Moments of a cell that are named.
const MOMENTS: usize = 8;

/// A place in a log.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The broker.
    pub broker: PartId,
    /// The partition.
    pub partition: Partition,
    /// The offset.
    pub offset: Offset,
}

/// What one observer has of one offset.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OrderCell {
    /// The event that it saw there last.
    pub event: Option<EventId>,
    /// The others that it saw there before, the first few.
    pub before: Vec<EventId>,
    /// How often that one was stored, read or shown there.
    pub times: u64,
    /// Whether it is gone again: truncated, or lost with the power.
    pub is_gone: bool,
    /// When it first had it, among all cells of its row: 0 for the first.
    pub rank: Option<u64>,
    /// The moments of the story that did it, by their places.
    pub moments: Vec<usize>,
}

/// All that one observer has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OrderRow {
    /// The observer and what it does: `broker.main.0 stores`.
    pub observer: String,
    /// A cell an offset.
    pub cells: Vec<OrderCell>,
}

/// A log as everybody saw it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// The log.
    pub log: String,
    /// The first offset shown.
    pub from: u64,
    /// The offset of the followed event.
    pub offset: u64,
    /// Replicas, then readers, then sinks.
    pub rows: Vec<OrderRow>,
}

/// Who observes, in the order of the rows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Observer {
    Replica(NodeId),
    Reader(NodeId),
    Sink(NodeId),
}

pub(super) struct OrderKeeper {
    topology: Arc<Topology>,
    place: Place,
    shown: Range<u64>,
    /// The numbers of the story's moments, and the one that comes next.
    numbers: Vec<u64>,
    number: u64,
    rows: BTreeMap<Observer, (u64, Vec<OrderCell>)>,
    /// The offsets of events, as the log has them.
    offsets: BTreeMap<EventId, u64>,
}

impl OrderKeeper {
    pub(super) fn new(assembly: &Assembly, place: Place, story: &Story) -> OrderKeeper {
        let from = place.offset.0.saturating_sub(AROUND);
        OrderKeeper {
            topology: assembly.topology(),
            place,
            shown: from..place.offset.0 + AROUND + 1,
            numbers: story.numbers.clone(),
            number: 0,
            rows: BTreeMap::new(),
            offsets: BTreeMap::new(),
        }
    }

    pub(super) fn see(&mut self, seen: &Observation) {
        let is_first_boot = seen.fact == Fact::Booted && seen.incarnation.0 <= 1;
        if kind_of(&seen.fact, seen.stage).is_none() || is_first_boot {
            return;
        }
        let moment = self.numbers.binary_search(&self.number).ok();
        self.number += 1;
        let is_here = self.topology.part_of(seen.node) == Some(self.place.broker);
        if let Fact::Appended { partition, entry } = &seen.fact {
            if is_here && *partition == self.place.partition {
                self.stored(seen, entry, moment);
            }
        } else if let Fact::Truncated { partition, from } = &seen.fact {
            if is_here && *partition == self.place.partition && seen.stage == Stage::Written {
                self.gone(seen.node, from.0..u64::MAX, moment);
            }
        } else if let Fact::Fetched(fetched) = &seen.fact {
            let broker = seen.peer.and_then(|peer| self.topology.part_of(peer));
            if broker == Some(self.place.broker) {
                let wanted = self.place.partition;
                let parts = fetched.parts.iter();
                let here = parts.filter(|part| part.partition == wanted);
                for entry in here.flat_map(|part| &part.entries) {
                    self.entry(Observer::Reader(seen.node), entry, moment);
                }
            }
        } else if let Fact::Effects(write) = &seen.fact
            && seen.stage == Stage::Written
        {
            for row in write.rows.iter() {
                if let Some(offset) = self.offsets.get(&row.id) {
                    self.mark(Observer::Sink(seen.node), *offset, row.id, moment);
                }
            }
        }
    }

    fn stored(&mut self, seen: &Observation, entry: &Entry, moment: Option<usize>) {
        match seen.stage {
            Stage::Written => self.entry(Observer::Replica(seen.node), entry, moment),
            Stage::Lost | Stage::Corrupted => {
                self.gone(seen.node, entry.base.0..entry.end().0, moment)
            }
            Stage::Durable => {
                for offset in entry.base.0..entry.end().0 {
                    if let Some(cell) = self.cell(Observer::Replica(seen.node), offset) {
                        cell.name(moment);
                    }
                }
            }
            Stage::Claimed | Stage::Seen => {}
        }
    }

    fn entry(&mut self, observer: Observer, entry: &Entry, moment: Option<usize>) {
        for (offset, event) in (entry.base.0..).zip(entry.batch.events()) {
            if self.shown.contains(&offset) {
                self.offsets.insert(event.id, offset);
            }
            self.mark(observer, offset, event.id, moment);
        }
    }

    fn gone(&mut self, node: NodeId, offsets: Range<u64>, moment: Option<usize>) {
        for offset in self.shown.clone().filter(|offset| offsets.contains(offset)) {
            if let Some(cell) = self.cell(Observer::Replica(node), offset)
                && cell.event.is_some()
            {
                cell.is_gone = true;
                cell.name(moment);
            }
        }
    }

    fn mark(&mut self, observer: Observer, offset: u64, event: EventId, moment: Option<usize>) {
        if !self.shown.contains(&offset) {
            return;
        }
        let cells = (self.shown.end - self.shown.start) as usize;
        let row = self.rows.entry(observer);
        let (rank, row) = row.or_insert_with(|| (0, vec![OrderCell::default(); cells]));
        let cell = &mut row[(offset - self.shown.start) as usize];
        if cell.rank.is_none() {
            cell.rank = Some(*rank);
            *rank += 1;
        }
        if let Some(other) = cell.event.filter(|other| *other != event) {
            if cell.before.len() < BEFORE {
                cell.before.push(other);
            }
            cell.times = 0;
        }
        cell.event = Some(event);
        cell.is_gone = false;
        cell.times += 1;
        cell.name(moment);
    }

    fn cell(&mut self, observer: Observer, offset: u64) -> Option<&mut OrderCell> {
        let place = offset.checked_sub(self.shown.start)? as usize;
        self.rows.get_mut(&observer)?.1.get_mut(place)
    }

    pub(super) fn finish(self) -> Order {
        let topology = &self.topology;
        let rows = self.rows.into_iter().map(|(observer, (_, cells))| {
            let (node, does) = match observer {
                Observer::Replica(node) => (node, "stores"),
                Observer::Reader(node) => (node, "reads"),
                Observer::Sink(node) => (node, "shows"),
            };
            OrderRow {
                observer: format!("{} {does}", topology.node_name(node)),
                cells,
            }
        });
        let mut rows: Vec<OrderRow> = rows.collect();
        // Behind the end of the log nobody has anything.
        let last = |row: &OrderRow| row.cells.iter().rposition(|cell| cell.event.is_some());
        let end = rows
            .iter()
            .filter_map(last)
            .max()
            .map_or(0, |last| last + 1);
        for row in &mut rows {
            row.cells.truncate(end);
        }
        Order {
            log: format!(
                "{} {}",
                topology.name(self.place.broker),
                self.place.partition
            ),
            from: self.shown.start,
            offset: self.place.offset.0,
            rows,
        }
    }
}

impl OrderCell {
    fn name(&mut self, moment: Option<usize>) {
        if self.moments.len() < MOMENTS {
            self.moments.extend(moment);
        }
    }
}
