//! Hand-made histories for the tests of checks: a small pipeline with fixed positions, and a builder that
//! stamps each fact with the next millisecond.

use crate::check::topology::{
    LogEntry, PartEntry, ProcessorEntry, QueueEntry, SinkEntry, SourceEntry,
};
use crate::check::{Checker, End, Judgement, Topology};
use crate::event::{Batch, Entry, Event, EventId, OffsetCommit};
use crate::fault::{Fault, FaultKind, FaultPlan, Target};
use crate::history::{Fact, Observation, Stage};
use crate::id::{
    Epoch, GroupId, Incarnation, MemberId, NodeId, Offset, PartId, Partition, TopicId,
};
use crate::message::group::Position;
use crate::message::log::{Acks, Fetched, FetchedPart, Published, Reader};
use crate::message::sink::{Rows, Write};
use crate::part::{Cluster, OFFSETS_TOPIC, PartKind};
use crate::processor::config::DeliveryMode;
use crate::sink::config::SinkKind;
use crate::time::{Span, Time, Wall};
use std::sync::Arc;

/// The source's node.
pub const SOURCE: u16 = 0;
/// The broker's first node; a log has three.
pub const BROKER: u16 = 1;
/// The processor's first node; it has two.
pub const PROCESSOR: u16 = 4;
/// The sink's node.
pub const SINK: u16 = 6;
/// The audit's node, of no part.
pub const AUDIT: u16 = 7;
/// The processor's group.
pub const GROUP: GroupId = GroupId(2);
/// The first partition of the only topic.
pub const P0: Partition = Partition {
    topic: TopicId(0),
    index: 0,
};

/// source.orders → broker.main (log, one topic of two partitions) → processor.totals → sink.rows.
pub fn pipeline(log: bool, kind: SinkKind, operator: &str, delivery: DeliveryMode) -> Topology {
    let part = |kind, name: &str, first, nodes| PartEntry {
        kind,
        name: name.to_owned(),
        cluster: Cluster {
            first: NodeId(first),
            nodes,
        },
    };
    let mut topology = Topology {
        parts: vec![
            part(PartKind::Source, "orders", SOURCE, 1),
            part(PartKind::Broker, "main", BROKER, 3),
            part(PartKind::Processor, "totals", PROCESSOR, 2),
            part(PartKind::Sink, "rows", SINK, 1),
        ],
        sources: vec![SourceEntry {
            part: PartId(0),
            broker: PartId(1),
            topic: TopicId(0),
        }],
        processors: vec![ProcessorEntry {
            part: PartId(2),
            group: GROUP,
            broker: PartId(1),
            topic: TopicId(0),
            sink: PartId(3),
            operator: operator.to_owned(),
            window: None,
            delivery,
            overtakes: false,
            skips_open: false,
        }],
        sinks: vec![SinkEntry {
            part: PartId(3),
            kind,
            sync_before_ack: true,
        }],
        ..Topology::default()
    };
    if log {
        topology.logs = vec![LogEntry {
            part: PartId(1),
            partitions: vec![2],
            expands: false,
            offsets_partitions: 1,
            replication: 3,
            min_insync: 2,
            unclean: false,
            truncates_by_epoch: true,
            resyncs: true,
            starts_at_zero: true,
            acks: Acks::All,
            idempotent: true,
            sync_before_ack: false,
            max_in_flight: 5,
            retention: Span::secs(1_000),
            retention_bytes: None,
            segment_bytes: 1 << 20,
            catch_up: Span::secs(5),
            from_earliest: true,
        }];
    } else {
        topology.queues = vec![QueueEntry {
            part: PartId(1),
            fanout: false,
            sync_before_ack: true,
        }];
    }
    topology.indexed()
}

/// The usual one: a log, at least once, into an append sink.
pub fn log_pipeline() -> Arc<Topology> {
    Arc::new(pipeline(
        true,
        SinkKind::Append,
        "identity",
        DeliveryMode::AtLeastOnce,
    ))
}

/// The event of this number, of the only source.
pub fn event(number: u64) -> Event {
    keyed(number, number % 4)
}

/// The event of this number about this key.
pub fn keyed(number: u64, key: u64) -> Event {
    Event {
        id: EventId { source: 0, number },
        key,
        event_time: 0,
        due: Time(number * 1_000_000),
        value: number as i64 + 1,
        size: 100,
        kind: 0,
        label: 0,
    }
}

/// The events of these numbers.
pub fn events(numbers: impl IntoIterator<Item = u64>) -> Arc<[Event]> {
    numbers.into_iter().map(event).collect()
}

/// A batch in its place.
pub fn entry(base: u64, epoch: u32, events: Arc<[Event]>) -> Entry {
    Entry {
        base: Offset(base),
        epoch: Epoch(epoch),
        batch: Arc::new(Batch::of_events(events, None, Wall(0))),
    }
}

/// Facts in order, a millisecond apart.
#[derive(Default)]
pub struct History {
    seen: Vec<Observation>,
    plan: FaultPlan,
}

impl History {
    /// Nothing has happened.
    pub fn new() -> History {
        History::default()
    }

    /// Adds a fact.
    pub fn push(&mut self, stage: Stage, node: u16, peer: Option<u16>, fact: Fact) -> &mut History {
        let time = self.seen.last().map_or(Time(0), |last| last.time) + Span::millis(1);
        self.seen.push(Observation {
            time,
            node: NodeId(node),
            incarnation: Incarnation(1),
            stage,
            peer: peer.map(NodeId),
            fact,
        });
        self
    }

    /// Lets time pass before the next fact.
    pub fn wait(&mut self, span: Span) -> &mut History {
        self.push(Stage::Claimed, AUDIT, None, Fact::Booted);
        let last = self.seen.last_mut().expect("one was pushed");
        last.time += span;
        self
    }

    /// An actor said so.
    pub fn claim(&mut self, node: u16, fact: Fact) -> &mut History {
        self.push(Stage::Claimed, node, None, fact)
    }

    /// A disk has it.
    pub fn written(&mut self, node: u16, fact: Fact) -> &mut History {
        self.push(Stage::Written, node, None, fact)
    }

    /// Written, then durable.
    pub fn stored(&mut self, node: u16, fact: Fact) -> &mut History {
        self.push(Stage::Written, node, None, fact.clone());
        self.push(Stage::Durable, node, None, fact)
    }

    /// A source owes events.
    pub fn owed(&mut self, numbers: impl IntoIterator<Item = u64>) -> &mut History {
        self.claim(SOURCE, Fact::Owed(events(numbers)))
    }

    /// A publisher learns that events lie at `base` of partition 0.
    pub fn acked(&mut self, base: u64, numbers: impl IntoIterator<Item = u64>) -> &mut History {
        let fact = Fact::Acknowledged(Published {
            partition: P0,
            base: Offset(base),
            batch: entry(base, 1, events(numbers)).batch,
        });
        self.push(Stage::Seen, SOURCE, Some(BROKER), fact)
    }

    /// A replica stores a batch of partition 0.
    pub fn appended(&mut self, node: u16, entry: Entry) -> &mut History {
        self.written(
            node,
            Fact::Appended {
                partition: P0,
                entry,
            },
        )
    }

    /// A reader is given entries of partition 0.
    pub fn fetched(&mut self, node: u16, reader: Reader, entries: Vec<Entry>) -> &mut History {
        let end = entries.last().map_or(Offset(0), Entry::end);
        let fact = Fact::Fetched(Arc::new(Fetched {
            reader,
            parts: vec![FetchedPart {
                partition: P0,
                high_watermark: end,
                log_start: Offset(0),
                epoch: entries.last().map_or(Epoch(1), |entry| entry.epoch),
                entries,
                refusal: None,
            }],
        }));
        self.push(Stage::Seen, node, Some(BROKER), fact)
    }

    /// The processor's first member is given entries of partition 0.
    pub fn consumed(&mut self, entries: Vec<Entry>) -> &mut History {
        self.fetched(PROCESSOR, Reader::Consumer, entries)
    }

    /// The audit is given entries of partition 0.
    pub fn audited(&mut self, entries: Vec<Entry>) -> &mut History {
        self.fetched(AUDIT, Reader::Audit, entries)
    }

    /// The sink stores rows.
    pub fn effects(&mut self, numbers: impl IntoIterator<Item = u64>) -> &mut History {
        self.stored(SINK, Fact::Effects(write(events(numbers), 1)))
    }

    /// The audit is shown the sink's only page of rows.
    pub fn rows(&mut self, numbers: impl IntoIterator<Item = u64>) -> &mut History {
        self.row_events(numbers.into_iter().map(event).collect())
    }

    /// The audit is shown these rows as the sink's only page.
    pub fn row_events(&mut self, rows: Vec<Event>) -> &mut History {
        let fact = Fact::RowsRead(Arc::new(Rows { rows, next: None }));
        self.push(Stage::Seen, AUDIT, Some(SINK), fact)
    }

    /// A fault begins now and lasts.
    pub fn fault(&mut self, kind: FaultKind) -> &mut History {
        let index = self.plan.faults.len() as u32;
        self.plan.faults.push(Fault {
            name: None,
            at: self.seen.last().map_or(Time(0), |last| last.time),
            lasts: Span::secs(1),
            kind,
            target: Target::Node("broker.main.0".to_owned()),
            planned: true,
        });
        self.push(Stage::Seen, AUDIT, None, Fact::FaultStarted(index))
    }

    /// The plan of the faults so far.
    pub fn plan(&self) -> Arc<FaultPlan> {
        Arc::new(self.plan.clone())
    }

    /// Shows every fact.
    pub fn show(&self, mut to: impl FnMut(&Observation)) {
        self.seen.iter().for_each(&mut to);
    }

    /// What a check says about it, after a complete end.
    pub fn judge(&self, checker: &mut dyn Checker) -> Judgement {
        self.judge_with(
            checker,
            &End {
                audited: true,
                ..End::default()
            },
        )
    }

    /// What a check says about it.
    pub fn judge_with(&self, checker: &mut dyn Checker, end: &End) -> Judgement {
        for seen in &self.seen {
            if checker.wants().contains(seen.fact.kind()) {
                checker.observe(seen);
            }
        }
        let mut end = end.clone();
        end.time = self.seen.last().map_or(Time(0), |last| last.time);
        checker.finish(&end)
    }
}

/// A write of the processor.
pub fn write(rows: Arc<[Event]>, epoch: u32) -> Arc<Write> {
    Arc::new(Write {
        group: GROUP,
        epoch,
        versions: rows.iter().map(|row| row.id.number).collect(),
        rows,
        covered: None,
        credits: None,
    })
}

/// A broker stores that the group has finished with everything of partition 0 below `next`.
pub fn offsets(next: u64) -> Fact {
    let commit = OffsetCommit {
        group: GROUP,
        partition: P0,
        position: Position::at(Offset(next)),
        member: MemberId(0),
        generation: 1,
    };
    Fact::Appended {
        partition: Partition {
            topic: OFFSETS_TOPIC,
            index: 0,
        },
        entry: Entry {
            base: Offset(next),
            epoch: Epoch(1),
            batch: Arc::new(Batch::of_offsets(Arc::from([commit]), Wall(0))),
        },
    }
}
