//! What a check needs to know about the run it judges: which node belongs to which part, who feeds whom,
//! and the settings on which promises depend. Plain data, filled in by whoever assembles the run.

use crate::id::{GroupId, NodeId, PartId, Partition, TopicId};
use crate::message::log::Acks;
use crate::part::{Cluster, OFFSETS_TOPIC, PartKind};
use crate::processor::config::DeliveryMode;
use crate::processor::window::config::WindowPlan;
use crate::promise::Claim;
use crate::sink::config::SinkKind;
use crate::time::Span;
use std::collections::BTreeMap;

/// A part and its nodes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PartEntry {
    /// What it is.
    pub kind: PartKind,
    /// Its name in the scenario, without the kind: `main`.
    pub name: String,
    /// Its nodes.
    pub cluster: Cluster,
}

/// A source, by its position among the sources (`EventId::source`).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SourceEntry {
    /// The part.
    pub part: PartId,
    /// The broker it publishes to.
    pub broker: PartId,
    /// The topic or queue there.
    pub topic: TopicId,
}

/// A log broker and its producers' settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LogEntry {
    /// The part.
    pub part: PartId,
    /// Partitions of each topic, by `TopicId`.
    pub partitions: Vec<u16>,
    /// Whether a topic may expand, so that a key's events lie in several partitions.
    pub expands: bool,
    /// Partitions of the internal topic of committed offsets.
    pub offsets_partitions: u16,
    /// Replicas of each partition.
    pub replication: u16,
    /// In-sync replicas that acks=all needs.
    pub min_insync: u16,
    /// Whether a replica that may lack records may lead.
    pub unclean: bool,
    /// Whether followers cut only what their leader lacks, by epochs.
    pub truncates_by_epoch: bool,
    /// Whether a replica that has booted anew catches up before it counts as complete.
    pub resyncs: bool,
    /// Whether a partition that has never held a record takes a producer's first batch alone.
    pub starts_at_zero: bool,
    /// When a publish is answered.
    pub acks: Acks,
    /// Whether producers are idempotent.
    pub idempotent: bool,
    /// Whether every batch is synced before it is answered.
    pub sync_before_ack: bool,
    /// Requests a producer has open at once.
    pub max_in_flight: u16,
    /// How old records may be removed.
    pub retention: Span,
    /// Above which size of a partition old segments may be removed, in bytes.
    pub retention_bytes: Option<u64>,
    /// The size of a segment, in bytes.
    pub segment_bytes: u64,
    /// An upper bound on how long a booted or healed replica needs to be in sync again.
    pub catch_up: Span,
    /// Whether a group without a position starts at the oldest record.
    pub from_earliest: bool,
}

/// A queue or fan-out broker.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct QueueEntry {
    /// The part.
    pub part: PartId,
    /// Whether every subscriber has a copy of each event.
    pub fanout: bool,
    /// Whether a publish is answered only when it is durable.
    pub sync_before_ack: bool,
}

/// A processor: a consumer group around an operator.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProcessorEntry {
    /// The part.
    pub part: PartId,
    /// Its consumer group or subscription.
    pub group: GroupId,
    /// The broker it reads from.
    pub broker: PartId,
    /// The topic or queue there.
    pub topic: TopicId,
    /// The sink it writes to.
    pub sink: PartId,
    /// Its operator's name in the catalogue.
    pub operator: String,
    /// Its windows of event time, if it has any.
    pub window: Option<WindowPlan>,
    /// In which order it writes and settles.
    pub delivery: DeliveryMode,
    /// Whether a write that is tried again may come after later ones of its partition.
    pub overtakes: bool,
    /// Whether its position may move past a write that is open.
    pub skips_open: bool,
}

impl ProcessorEntry {
    /// Whether its position moves only past what has an effect. At most once settles first by contract, and the
    /// events of open windows wait in the state that is kept with the position.
    #[must_use]
    pub fn processes_before_it_commits(&self) -> bool {
        self.delivery != DeliveryMode::AtMostOnce && self.window.is_none()
    }
}

/// A sink.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SinkEntry {
    /// The part.
    pub part: PartId,
    /// What a write does.
    pub kind: SinkKind,
    /// Whether a write is answered only when it is durable.
    pub sync_before_ack: bool,
}

/// A lease under which a processor writes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LeaseEntry {
    /// The part of its authority.
    pub part: PartId,
    /// The processor's group.
    pub group: GroupId,
    /// The sink that the processor writes to.
    pub sink: PartId,
    /// Whether its holder keeps it by renewing; else it goes round, and its end is nothing unusual.
    pub renews: bool,
}

/// What stands behind a part's position.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Entry {
    Source(usize),
    Log(usize),
    Queue(usize),
    Processor(usize),
    Sink(usize),
    Other,
}

/// The parts of a run and how they hang together.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    /// All parts, by `PartId`.
    pub parts: Vec<PartEntry>,
    /// Sources, by `EventId::source`.
    pub sources: Vec<SourceEntry>,
    /// Log brokers.
    pub logs: Vec<LogEntry>,
    /// Queue and fan-out brokers.
    pub queues: Vec<QueueEntry>,
    /// Processors.
    pub processors: Vec<ProcessorEntry>,
    /// Sinks.
    pub sinks: Vec<SinkEntry>,
    /// Leases, one for each processor that writes under one.
    pub leases: Vec<LeaseEntry>,
    /// What parts are held to withstand, where the scenario says so in place of their settings.
    pub claims: BTreeMap<PartId, Claim>,
    /// Over how many zones the nodes of each part are spread in turn; 0 and 1 are one.
    pub zones: u16,
    /// How far any wall clock may stray from true time without a clock fault.
    pub clock_bound: Span,
    /// How long after the last heal the parts may need to be back at work: the sum of rule 8.
    pub recovery_bound: Span,
    /// Built by [`Topology::indexed`]; left at its default before that.
    pub lookups: Lookups,
}

/// What makes the questions to a topology cheap.
#[derive(Clone, Debug, Default)]
pub struct Lookups {
    owners: Vec<Option<PartId>>,
    entries: Vec<Entry>,
    slots: Vec<LogSlots>,
    slot_names: Vec<(PartId, Partition)>,
    groups: Vec<Option<usize>>,
}

/// Where a log's partitions stand in a dense numbering.
#[derive(Clone, Debug, Default)]
struct LogSlots {
    topics: Vec<usize>,
    offsets: usize,
    end: usize,
}

impl Topology {
    /// Builds the lookups after the public lists have been filled.
    ///
    /// # Panics
    /// If a list names a part that does not exist or a node belongs to two parts.
    #[must_use]
    pub fn indexed(mut self) -> Topology {
        self.lookups.owners.clear();
        for (index, part) in self.parts.iter().enumerate() {
            for node in part.cluster.iter() {
                let at = usize::from(node.0);
                if self.lookups.owners.len() <= at {
                    self.lookups.owners.resize(at + 1, None);
                }
                assert!(
                    self.lookups.owners[at].is_none(),
                    "node {node} belongs to two parts"
                );
                self.lookups.owners[at] = Some(PartId(index as u16));
            }
        }
        self.lookups.entries = vec![Entry::Other; self.parts.len()];
        let mut entries = std::mem::take(&mut self.lookups.entries);
        let mut put = |part: PartId, entry| entries[usize::from(part.0)] = entry;
        for (i, source) in self.sources.iter().enumerate() {
            put(source.part, Entry::Source(i));
        }
        for (i, log) in self.logs.iter().enumerate() {
            put(log.part, Entry::Log(i));
        }
        for (i, queue) in self.queues.iter().enumerate() {
            put(queue.part, Entry::Queue(i));
        }
        for (i, processor) in self.processors.iter().enumerate() {
            put(processor.part, Entry::Processor(i));
        }
        for (i, sink) in self.sinks.iter().enumerate() {
            put(sink.part, Entry::Sink(i));
        }
        self.lookups.entries = entries;
        self.index_partitions();
        self.index_groups();
        self
    }

    fn index_partitions(&mut self) {
        self.lookups.slots.clear();
        self.lookups.slot_names.clear();
        for log in &self.logs {
            let mut slots = LogSlots::default();
            let offsets = (OFFSETS_TOPIC, log.offsets_partitions);
            let topics = log.partitions.iter().enumerate();
            for (topic, count) in topics
                .map(|(topic, count)| (TopicId(topic as u16), *count))
                .chain([offsets])
            {
                if topic == OFFSETS_TOPIC {
                    slots.offsets = self.lookups.slot_names.len();
                } else {
                    slots.topics.push(self.lookups.slot_names.len());
                }
                for index in 0..count {
                    self.lookups
                        .slot_names
                        .push((log.part, Partition { topic, index }));
                }
            }
            slots.end = self.lookups.slot_names.len();
            self.lookups.slots.push(slots);
        }
    }

    fn index_groups(&mut self) {
        self.lookups.groups.clear();
        for (i, processor) in self.processors.iter().enumerate() {
            let at = usize::from(processor.group.0);
            if self.lookups.groups.len() <= at {
                self.lookups.groups.resize(at + 1, None);
            }
            self.lookups.groups[at] = Some(i);
        }
    }

    /// The part that a node belongs to; none for the audit's own node.
    #[must_use]
    pub fn part_of(&self, node: NodeId) -> Option<PartId> {
        self.lookups
            .owners
            .get(usize::from(node.0))
            .copied()
            .flatten()
    }

    /// What a part is.
    ///
    /// # Panics
    /// If there is no such part.
    #[must_use]
    pub fn part(&self, part: PartId) -> &PartEntry {
        &self.parts[usize::from(part.0)]
    }

    /// `kind.name`, for people.
    #[must_use]
    pub fn name(&self, part: PartId) -> String {
        let part = self.part(part);
        format!("{}.{}", part.kind, part.name)
    }

    /// `kind.name.index`, for people.
    #[must_use]
    pub fn node_name(&self, node: NodeId) -> String {
        let Some(part) = self.part_of(node) else {
            return "the audit".to_owned();
        };
        let index = self.part(part).cluster.index(node).unwrap_or(0);
        format!("{}.{index}", self.name(part))
    }

    fn entry(&self, part: PartId) -> Entry {
        let entry = self.lookups.entries.get(usize::from(part.0)).copied();
        entry.unwrap_or(Entry::Other)
    }

    /// The log broker that this part is, if it is one.
    #[must_use]
    pub fn log(&self, part: PartId) -> Option<&LogEntry> {
        match self.entry(part) {
            Entry::Log(i) => Some(&self.logs[i]),
            Entry::Source(_)
            | Entry::Queue(_)
            | Entry::Processor(_)
            | Entry::Sink(_)
            | Entry::Other => None,
        }
    }

    /// The queue or fan-out broker that this part is, if it is one.
    #[must_use]
    pub fn queue(&self, part: PartId) -> Option<&QueueEntry> {
        match self.entry(part) {
            Entry::Queue(i) => Some(&self.queues[i]),
            Entry::Source(_)
            | Entry::Log(_)
            | Entry::Processor(_)
            | Entry::Sink(_)
            | Entry::Other => None,
        }
    }

    /// The processor that this part is, by its position, if it is one.
    #[must_use]
    pub fn processor(&self, part: PartId) -> Option<usize> {
        match self.entry(part) {
            Entry::Processor(i) => Some(i),
            Entry::Source(_) | Entry::Log(_) | Entry::Queue(_) | Entry::Sink(_) | Entry::Other => {
                None
            }
        }
    }

    /// The processor of a consumer group, by its position.
    #[must_use]
    pub fn group(&self, group: GroupId) -> Option<usize> {
        self.lookups
            .groups
            .get(usize::from(group.0))
            .copied()
            .flatten()
    }

    /// The sink that this part is, by its position, if it is one.
    #[must_use]
    pub fn sink(&self, part: PartId) -> Option<usize> {
        match self.entry(part) {
            Entry::Sink(i) => Some(i),
            Entry::Source(_)
            | Entry::Log(_)
            | Entry::Queue(_)
            | Entry::Processor(_)
            | Entry::Other => None,
        }
    }

    /// The sink that a node belongs to, by its position.
    #[must_use]
    pub fn sink_of(&self, node: NodeId) -> Option<usize> {
        self.sink(self.part_of(node)?)
    }

    /// The position of a log's partition in a dense numbering of all partitions of the run.
    #[must_use]
    pub fn slot(&self, broker: PartId, partition: Partition) -> Option<usize> {
        let Entry::Log(log) = self.entry(broker) else {
            return None;
        };
        let (log, slots) = (&self.logs[log], &self.lookups.slots[log]);
        let (base, count) = if partition.topic == OFFSETS_TOPIC {
            (slots.offsets, log.offsets_partitions)
        } else {
            let topic = usize::from(partition.topic.0);
            (*slots.topics.get(topic)?, log.partitions[topic])
        };
        (partition.index < count).then(|| base + usize::from(partition.index))
    }

    /// The position of the partition that a fact of `node` speaks of.
    #[must_use]
    pub fn slot_at(&self, node: NodeId, partition: Partition) -> Option<usize> {
        self.slot(self.part_of(node)?, partition)
    }

    /// How many partitions there are in all logs.
    #[must_use]
    pub fn slots(&self) -> usize {
        self.lookups.slot_names.len()
    }

    /// Which partition of which broker has this position.
    ///
    /// # Panics
    /// If there is no such position.
    #[must_use]
    pub fn slot_name(&self, slot: usize) -> (PartId, Partition) {
        self.lookups.slot_names[slot]
    }

    /// Whether a sink, by its position, shows rows of windows, which may be told anew.
    #[must_use]
    pub fn has_windows(&self, sink: usize) -> bool {
        let part = self.sinks[sink].part;
        let mut writers = self.processors.iter();
        writers.any(|writer| writer.sink == part && writer.window.is_some())
    }

    /// The processors that read what a source publishes, by position.
    pub fn readers_of(&self, source: &SourceEntry) -> impl Iterator<Item = usize> {
        let (broker, topic) = (source.broker, source.topic);
        self.processors
            .iter()
            .enumerate()
            .filter(move |(_, processor)| processor.broker == broker && processor.topic == topic)
            .map(|(i, _)| i)
    }
}
