//! What stood where at the end of each slot: how busy nodes were, what waited there, and how far readers were behind.

use crate::assemble::Assembly;
use std::collections::BTreeMap;
use std::sync::Arc;
use stormglass_core::check::Topology;
use stormglass_core::event::{Event, EventId};
use stormglass_core::event_time::{BEGINNING, END};
use stormglass_core::history::{Fact, Observation, Stage};
use stormglass_core::id::{GroupId, NodeId, PartId, Partition, TopicId};
use stormglass_core::interval_set::IntervalSet;
use stormglass_core::message::queue::Verb;
use stormglass_core::metrics::SLOTS_MAX;
use stormglass_core::time::{Span, Time};
use stormglass_sim::world::{Load, World};

/// Lines of a gauge that are kept: those with the highest peaks.
const LINES: usize = 8;

/// What is shown of a thing over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Gauge {
    /// Cores of a node in use, in parts per million of all it has, over the slot.
    Busy,
    /// Inputs that waited at a node or were served there, in thousandths, over the slot.
    Queue,
    /// Events that a reader could have read and has not, at the end of the slot.
    Backlog,
    /// How long ago the oldest of these was due, in microseconds.
    Lag,
    /// How far a processor's watermark is behind true time, in microseconds.
    Watermark,
}

/// One thing over time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct GaugeLine {
    /// What is shown.
    pub gauge: Gauge,
    /// Of what, by name.
    pub of: String,
    /// A value a slot; none where there is nothing to say.
    pub values: Vec<Option<u64>>,
}

/// What a reader has before it: a partition of a log, or a queue.
#[derive(Clone, Debug, Default)]
struct Waiting {
    /// Stored, whether committed or not: the offset after a batch, and when its oldest event was due.
    stored: BTreeMap<u64, (u64, Time)>,
    /// The high watermark.
    committed: u64,
    /// The next offset to read.
    next: u64,
}

/// What a queue's subscriber has before it.
#[derive(Clone, Debug, Default)]
struct Unsettled {
    done: BTreeMap<u16, IntervalSet>,
    open: BTreeMap<EventId, Time>,
}

pub(super) struct Gauges {
    topology: Arc<Topology>,
    cores: u64,
    width: Span,
    slots: u64,
    /// The slot that is under way.
    slot: u64,
    loads: BTreeMap<NodeId, Load>,
    /// By the broker's part and partition: what each processor has before it.
    logs: BTreeMap<(PartId, Partition), BTreeMap<usize, Waiting>>,
    queues: BTreeMap<(PartId, TopicId, Option<GroupId>), Unsettled>,
    watermarks: BTreeMap<GroupId, BTreeMap<NodeId, i64>>,
    lines: BTreeMap<(Gauge, String), Vec<Option<u64>>>,
}

impl Gauges {
    pub(super) fn new(assembly: &Assembly) -> Gauges {
        let phases = crate::run::phases(assembly);
        let width = phases.slot_width();
        Gauges {
            topology: assembly.topology(),
            cores: assembly.cores(),
            width,
            slots: phases.end.0.div_ceil(width.0).min(SLOTS_MAX),
            slot: 0,
            loads: BTreeMap::new(),
            logs: BTreeMap::new(),
            queues: BTreeMap::new(),
            watermarks: BTreeMap::new(),
            lines: BTreeMap::new(),
        }
    }

    /// Looks at the World at the end of every slot that is over before `next`.
    pub(super) fn sample(&mut self, world: &mut World, next: Time) {
        while self.slot < self.slots && next.0 > (self.slot + 1) * self.width.0 {
            let end = Time((self.slot + 1) * self.width.0);
            world.advance(end);
            self.loads_of(world);
            self.behind(end);
            self.slot += 1;
        }
    }

    fn put(&mut self, gauge: Gauge, of: String, value: u64) {
        let line = self.lines.entry((gauge, of)).or_default();
        line.resize(self.slot as usize, None);
        line.push(Some(value));
    }

    fn loads_of(&mut self, world: &World) {
        let nodes: Vec<NodeId> = self
            .topology
            .parts
            .iter()
            .flat_map(|part| part.cluster.iter())
            .collect();
        for node in nodes {
            let load = world.load(node);
            let before = self.loads.insert(node, load).unwrap_or_default();
            let over = u128::from(self.width.0);
            let busy = (load.busy_nanos - before.busy_nanos) * 1_000_000;
            let inside = (load.inside_nanos - before.inside_nanos) * 1_000;
            let name = self.topology.node_name(node);
            let share = busy / (over * u128::from(self.cores));
            self.put(Gauge::Busy, name.clone(), share as u64);
            self.put(Gauge::Queue, name, (inside / over) as u64);
        }
    }

    fn behind(&mut self, now: Time) {
        let mut told: Vec<(Gauge, String, u64)> = Vec::new();
        for ((broker, partition), readers) in &self.logs {
            for (reader, waiting) in readers {
                let of = format!(
                    "{} {partition} for {}",
                    self.topology.name(*broker),
                    self.topology.name(self.topology.processors[*reader].part)
                );
                let (count, oldest) = waiting.behind();
                told.push((Gauge::Backlog, of.clone(), count));
                let lag = oldest.map_or(0, |due| now.since(due).as_micros());
                told.push((Gauge::Lag, of, lag));
            }
        }
        for ((broker, topic, group), unsettled) in &self.queues {
            let group = group.and_then(|group| self.topology.group(group));
            let of = match group {
                Some(reader) => format!(
                    "{} {topic} for {}",
                    self.topology.name(*broker),
                    self.topology.name(self.topology.processors[reader].part)
                ),
                None => format!("{} {topic}", self.topology.name(*broker)),
            };
            let oldest = unsettled.open.values().min();
            told.push((Gauge::Backlog, of.clone(), unsettled.open.len() as u64));
            let lag = oldest.map_or(0, |due| now.since(*due).as_micros());
            told.push((Gauge::Lag, of, lag));
        }
        for (group, nodes) in &self.watermarks {
            let (Some(slowest), Some(reader)) = (nodes.values().min(), self.topology.group(*group))
            else {
                continue;
            };
            if *slowest != BEGINNING && *slowest != END {
                let behind = (now.0 as i64).saturating_sub(*slowest).max(0) as u64;
                let of = self.topology.name(self.topology.processors[reader].part);
                told.push((Gauge::Watermark, of, Span(behind).as_micros()));
            }
        }
        for (gauge, of, value) in told {
            self.put(gauge, of, value);
        }
    }

    pub(super) fn see(&mut self, seen: &Observation) {
        if let Fact::Appended { partition, entry } = &seen.fact {
            let due = entry.batch.events().iter().map(|event| event.due).min();
            if let (Some(due), true) = (due, seen.stage == Stage::Written) {
                let stored = (entry.end().0, due);
                self.each_reader(seen.node, *partition, |waiting| {
                    if entry.base.0 >= waiting.next {
                        waiting.stored.insert(entry.base.0, stored);
                    }
                });
            }
        } else if let Fact::Committed { partition, until } = &seen.fact {
            self.each_reader(seen.node, *partition, |waiting| {
                waiting.committed = waiting.committed.max(until.0);
            });
        } else if let Fact::Fetched(fetched) = &seen.fact {
            self.fetched(seen, fetched);
        } else if let Fact::Watermark(marks) = &seen.fact {
            let nodes = self.watermarks.entry(marks.group).or_default();
            nodes.insert(seen.node, marks.operator);
        } else if let Fact::Crashed { .. } = &seen.fact {
            for nodes in self.watermarks.values_mut() {
                nodes.remove(&seen.node);
            }
        } else {
            self.queued(seen);
        }
    }

    fn queued(&mut self, seen: &Observation) {
        let Some(broker) = self.topology.part_of(seen.node) else {
            return;
        };
        if let Fact::Enqueued {
            topic,
            group,
            events,
        } = &seen.fact
        {
            if seen.stage == Stage::Written {
                let queue = self.queues.entry((broker, *topic, *group)).or_default();
                queue.enter(events);
            }
        } else if let Fact::Settled {
            topic,
            group,
            verb: Verb::Accept | Verb::Reject,
            events,
        } = &seen.fact
        {
            self.settle((broker, *topic, *group), events.iter().copied());
        } else if let Fact::DeadLettered {
            topic,
            group,
            events,
        } = &seen.fact
        {
            self.settle(
                (broker, *topic, *group),
                events.iter().map(|event| event.id),
            );
        }
    }

    /// A queue that all subscribers share has no group of its own.
    fn settle(
        &mut self,
        (broker, topic, group): (PartId, TopicId, GroupId),
        events: impl Iterator<Item = EventId>,
    ) {
        let own = (broker, topic, Some(group));
        let key = if self.queues.contains_key(&own) {
            own
        } else {
            (broker, topic, None)
        };
        let queue = self.queues.entry(key).or_default();
        for event in events {
            queue.leave(event);
        }
    }

    fn fetched(&mut self, seen: &Observation, fetched: &stormglass_core::message::log::Fetched) {
        let part = self.topology.part_of(seen.node);
        let reader = part.and_then(|part| self.topology.processor(part));
        let broker = seen.peer.and_then(|peer| self.topology.part_of(peer));
        let (Some(reader), Some(broker)) = (reader, broker) else {
            return;
        };
        for part in &fetched.parts {
            let Some(last) = part.entries.last() else {
                continue;
            };
            let readers = self.logs.get_mut(&(broker, part.partition));
            if let Some(waiting) = readers.and_then(|readers| readers.get_mut(&reader)) {
                waiting.read(last.end().0);
            }
        }
    }

    /// Every processor that reads a partition has it before it from the first batch on.
    fn each_reader(
        &mut self,
        node: NodeId,
        partition: Partition,
        mut change: impl FnMut(&mut Waiting),
    ) {
        let Some(broker) = self.topology.part_of(node) else {
            return;
        };
        let readers = self.topology.processors.iter().enumerate();
        for (index, _) in
            readers.filter(|(_, reader)| reader.broker == broker && reader.topic == partition.topic)
        {
            let readers = self.logs.entry((broker, partition)).or_default();
            change(readers.entry(index).or_default());
        }
    }

    /// The lines, those with the highest peaks of each gauge.
    pub(super) fn finish(self) -> Vec<GaugeLine> {
        let slots = self.slot as usize;
        let lines = self.lines.into_iter().map(|((gauge, of), mut values)| {
            values.resize(slots, None);
            GaugeLine { gauge, of, values }
        });
        let mut lines: Vec<GaugeLine> = lines.collect();
        let peak = |line: &GaugeLine| line.values.iter().flatten().max().copied();
        lines.sort_by_key(|line| (line.gauge, std::cmp::Reverse(peak(line))));
        let mut kept: Vec<GaugeLine> = Vec::new();
        for group in lines.chunk_by(|a, b| a.gauge == b.gauge) {
            kept.extend(group.iter().take(LINES).cloned());
        }
        kept
    }
}

impl Waiting {
    /// How many events are committed and not read, and when the oldest was due.
    fn behind(&self) -> (u64, Option<Time>) {
        let mut waiting = self.stored.iter();
        let oldest = waiting.find(|(base, _)| **base < self.committed);
        (
            self.committed.saturating_sub(self.next),
            oldest.map(|(_, (_, due))| *due),
        )
    }

    fn read(&mut self, end: u64) {
        self.next = self.next.max(end);
        while let Some(first) = self.stored.first_entry()
            && first.get().0 <= self.next
        {
            first.remove();
        }
    }
}

impl Unsettled {
    fn enter(&mut self, events: &[Event]) {
        for event in events {
            let done = self.done.get(&event.id.source);
            if !done.is_some_and(|done| done.contains(event.id.number)) {
                self.open.insert(event.id, event.due);
            }
        }
    }

    fn leave(&mut self, event: EventId) {
        self.open.remove(&event);
        let done = self.done.entry(event.source).or_default();
        done.insert(event.number);
    }
}
