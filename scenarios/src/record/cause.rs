//! Which earlier moment a moment follows from: the message that brought it, or the step that it completes.
//!
//! A cause is told only where the facts name one and the same batch, row, office or fault; where they do not,
//! there is none. It is therefore never a guess by time alone.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use stormglass_core::check::Topology;
use stormglass_core::event::{Event, EventId};
use stormglass_core::history::{Fact, Observation, Role, Stage};
use stormglass_core::id::{NodeId, PartId, Partition};

/// Reads of a node that are remembered: a row comes from one of its latest.
const READS: usize = 64;

/// What a later moment may follow from. Batches and writes are known by the first event in them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Key {
    Owed(EventId),
    Sent(EventId),
    Taken(NodeId, EventId),
    /// The first replica that stored a batch: the leader.
    First(PartId, Partition, u64),
    Stored(NodeId, Partition, u64),
    /// The latest batch that another than its leader stored.
    Followed(PartId, Partition),
    Committed(NodeId, Partition),
    Enqueued(NodeId, EventId),
    WriteTaken(NodeId, EventId),
    Shown(NodeId, EventId),
    Told(NodeId, EventId),
    Leader(PartId, Partition),
    Fault(u32),
    Crashed(NodeId),
}

pub(super) struct Causes {
    topology: Arc<Topology>,
    last: BTreeMap<Key, u64>,
    reads: BTreeMap<NodeId, VecDeque<(u64, Vec<EventId>)>>,
}

impl Causes {
    pub(super) fn new(topology: Arc<Topology>) -> Causes {
        Causes {
            topology,
            last: BTreeMap::new(),
            reads: BTreeMap::new(),
        }
    }

    fn of(&self, key: Key) -> Option<u64> {
        self.last.get(&key).copied()
    }

    /// Notes the moment `id` and gives back what it follows from. `struck` are the faults that struck its node.
    pub(super) fn note(&mut self, id: u64, seen: &Observation, struck: &[u32]) -> Option<u64> {
        let node = seen.node;
        let part = self.topology.part_of(node).unwrap_or_default();
        let (cause, key) = match &seen.fact {
            Fact::Owed(events) => {
                let owed = events.iter().map(|event| (Key::Owed(event.id), id));
                self.last.extend(owed);
                (None, None)
            }
            Fact::PublishSent(batch) => {
                let event = first(batch.events());
                let again = event.and_then(|event| self.of(Key::Sent(event)));
                let owed = event.and_then(|event| self.of(Key::Owed(event)));
                for event in batch.events() {
                    self.last.remove(&Key::Owed(event.id));
                }
                (again.or(owed), event.map(Key::Sent))
            }
            Fact::PublishTaken(batch) => {
                let event = first(batch.events());
                let cause = event.and_then(|event| self.of(Key::Sent(event)));
                (cause, event.map(|event| Key::Taken(node, event)))
            }
            Fact::Appended { partition, entry } => {
                return self.appended(
                    id,
                    seen,
                    part,
                    (*partition, entry.base.0, entry.batch.events()),
                );
            }
            Fact::Committed { partition, .. } => {
                let cause = self.of(Key::Followed(part, *partition));
                (cause, Some(Key::Committed(node, *partition)))
            }
            Fact::Truncated { partition, .. } => (self.of(Key::Leader(part, *partition)), None),
            Fact::Acknowledged(published) => {
                let broker = seen.peer.unwrap_or(node);
                let place = (published.partition, published.base.0);
                let stored = self.of(Key::Stored(broker, place.0, place.1));
                let committed = self.of(Key::Committed(broker, place.0));
                let queued = first(published.batch.events());
                let queued = queued.and_then(|event| self.of(Key::Enqueued(broker, event)));
                (stored.max(committed).max(queued), None)
            }
            Fact::GaveUp { events, .. } => (
                first(events).and_then(|event| self.of(Key::Sent(event))),
                None,
            ),
            Fact::Fetched(fetched) => {
                let broker = seen.peer.unwrap_or(node);
                let with = fetched.parts.iter().find(|part| !part.entries.is_empty());
                let cause = with.and_then(|part| {
                    let committed = self.of(Key::Committed(broker, part.partition));
                    let stored = part.entries.last()?.base.0;
                    committed.or(self.of(Key::Stored(broker, part.partition, stored)))
                });
                let entries = fetched.parts.iter().flat_map(|part| &part.entries);
                let events = entries.flat_map(|entry| entry.batch.events());
                self.read(node, id, events.map(|event| event.id).collect());
                (cause, None)
            }
            Fact::Received(received) => {
                let broker = seen.peer.unwrap_or(node);
                let events = || received.deliveries.iter().map(|delivery| delivery.event.id);
                let cause = events().find_map(|event| self.of(Key::Enqueued(broker, event)));
                let events = events().collect();
                self.read(node, id, events);
                (cause, None)
            }
            Fact::Enqueued { events, .. } => {
                let event = first(events);
                let before = event.and_then(|event| self.of(Key::Enqueued(node, event)));
                let taken = event.and_then(|event| self.of(Key::Taken(node, event)));
                (
                    before.or(taken),
                    event.map(|event| Key::Enqueued(node, event)),
                )
            }
            Fact::Settled { events, .. } => {
                let readers = self.reads.keys().copied().collect::<Vec<_>>();
                let told = events.iter().flat_map(|event| {
                    let told = readers
                        .iter()
                        .filter_map(|node| self.of(Key::Told(*node, *event)));
                    told.collect::<Vec<_>>()
                });
                (told.max(), None)
            }
            Fact::Filtered { events, .. } => {
                let cause = events.first().and_then(|event| self.reading(node, *event));
                (cause, None)
            }
            Fact::WriteTaken(write) => {
                let event = first(&write.rows);
                let writer = seen.peer.unwrap_or(node);
                let source = write
                    .credits
                    .as_ref()
                    .and_then(|all| all.last())
                    .map(|one| one.id);
                let cause = source
                    .or(event)
                    .and_then(|event| self.reading(writer, event));
                (cause, event.map(|event| Key::WriteTaken(node, event)))
            }
            Fact::Effects(write) => {
                let event = first(&write.rows);
                let key = event.map(|event| Key::Shown(node, event));
                let before = key.and_then(|key| self.of(key));
                let taken = event.and_then(|event| self.of(Key::WriteTaken(node, event)));
                match seen.stage {
                    Stage::Lost => (self.of(Key::Crashed(node)), None),
                    Stage::Corrupted => (before, None),
                    Stage::Durable => (before.or(taken), key),
                    Stage::Claimed | Stage::Seen | Stage::Written => (taken.or(before), key),
                }
            }
            Fact::WriteAcknowledged(write) => {
                let event = first(&write.rows);
                let sink = seen.peer.unwrap_or(node);
                let cause = event.and_then(|event| self.of(Key::Shown(sink, event)));
                (cause, event.map(|event| Key::Told(node, event)))
            }
            Fact::RoleTaken { role, .. } => match role {
                Role::Leader(partition) => (None, Some(Key::Leader(part, *partition))),
                Role::Controller | Role::Coordinator(_) | Role::Custom(_) => (None, None),
            },
            Fact::Crashed { .. } => {
                let faults = struck
                    .iter()
                    .filter_map(|fault| self.of(Key::Fault(*fault)));
                (faults.max(), Some(Key::Crashed(node)))
            }
            Fact::Booted => (self.of(Key::Crashed(node)), None),
            Fact::FaultStarted(fault) => (None, Some(Key::Fault(*fault))),
            Fact::FaultEnded(fault) => (self.of(Key::Fault(*fault)), None),
            Fact::Shed(_)
            | Fact::Flow(_)
            | Fact::LogStart { .. }
            | Fact::DeadLettered { .. }
            | Fact::Watermark(_)
            | Fact::Fired { .. }
            | Fact::Late { .. }
            | Fact::CheckpointStored(_)
            | Fact::RowsRead(_)
            | Fact::RoleLost { .. }
            | Fact::Assigned { .. }
            | Fact::Revoked { .. }
            | Fact::LeaseGranted { .. }
            | Fact::LeaseExpired { .. }
            | Fact::Point(_)
            | Fact::Healed
            | Fact::Drained
            | Fact::AuditDone
            | Fact::Custom { .. } => (None, None),
        };
        if let Some(key) = key {
            self.last.insert(key, id);
        }
        cause
    }

    fn appended(
        &mut self,
        id: u64,
        seen: &Observation,
        part: PartId,
        (partition, base, events): (Partition, u64, &[Event]),
    ) -> Option<u64> {
        let own = Key::Stored(seen.node, partition, base);
        let stored = self.of(own);
        let led = self.of(Key::First(part, partition, base));
        let taken = first(events).and_then(|event| self.of(Key::Taken(seen.node, event)));
        if seen.stage == Stage::Lost {
            return self.of(Key::Crashed(seen.node));
        }
        if seen.stage == Stage::Durable {
            self.last.insert(own, id);
            return stored;
        }
        self.last.insert(own, id);
        if led.is_none() || taken > led {
            self.last.insert(Key::First(part, partition, base), id);
            return taken;
        }
        self.last.insert(Key::Followed(part, partition), id);
        led
    }

    fn read(&mut self, node: NodeId, id: u64, events: Vec<EventId>) {
        let reads = self.reads.entry(node).or_default();
        reads.push_back((id, events));
        if reads.len() > READS {
            reads.pop_front();
        }
    }

    /// The latest read of a node with this event in it.
    fn reading(&self, node: NodeId, event: EventId) -> Option<u64> {
        let mut reads = self.reads.get(&node)?.iter().rev();
        let found = reads.find(|(_, events)| events.contains(&event));
        found.map(|(id, _)| *id)
    }
}

fn first(events: &[Event]) -> Option<EventId> {
    events.first().map(|event| event.id)
}
