//! What happened: facts, and who told them when. One stream of observations feeds checks, latency, trace
//! and report alike.

use crate::event::{Batch, Entry, Event, EventId};
use crate::event_time::{Credit, LateEvent, Watermarks};
use crate::id::{ClassId, GroupId, Incarnation, NodeId, Offset, Partition, PointId, TopicId};
use crate::message::Refusal;
use crate::message::log::{Fetched, Published};
use crate::message::queue::{Received, Verb};
use crate::message::sink::{Checkpoint, Rows, Write};
use crate::time::{Span, Time};
use std::sync::Arc;

/// An office that at most one node holds in an epoch.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Leads a partition.
    Leader(Partition),
    /// Leads the controller's Raft group.
    Controller,
    /// Coordinates a consumer group.
    Coordinator(GroupId),
    /// A user's own.
    Custom(ClassId),
}

/// What a client does about requests that fail, for counting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Flow {
    /// A request was sent again.
    Retried,
    /// A retry was not paid for by the budget.
    Refused,
    /// A circuit breaker opened.
    Opened,
    /// A batch found no room in the buffer, or a throttle above its mark: it waited, or went beyond the buffer.
    Waited,
}

/// Something that happened. Facts about records carry ranges, never one record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Fact {
    /// A source owed these events; each at its own due time.
    Owed(Arc<[Event]>),
    /// World: a request to store these events left its publisher.
    PublishSent(Arc<Batch>),
    /// World: a broker took up a request to store these events.
    PublishTaken(Arc<Batch>),
    /// World: a publisher was told that its batch is stored.
    Acknowledged(Published),
    /// A publisher's application was told that these events are not stored (`definite`) or that nobody
    /// knows.
    GaveUp {
        /// The events.
        events: Arc<[Event]>,
        /// Whether it is certain that they have no effect.
        definite: bool,
        /// Why.
        refusal: Refusal,
    },
    /// A source refused these events when they were due, before anything was sent: its buffer was full.
    Shed(Arc<[Event]>),
    /// A client did something about a request that failed or could not be sent.
    Flow(Flow),
    /// On disk: a replica stored a batch.
    Appended {
        /// The partition.
        partition: Partition,
        /// The batch in its place.
        entry: Entry,
    },
    /// A leader found that every in-sync replica has what lies before this offset.
    Committed {
        /// The partition.
        partition: Partition,
        /// The high watermark.
        until: Offset,
    },
    /// On disk: a replica cut its log.
    Truncated {
        /// The partition.
        partition: Partition,
        /// The first offset removed.
        from: Offset,
    },
    /// On disk: a replica dropped the oldest part of its log.
    LogStart {
        /// The partition.
        partition: Partition,
        /// The first offset kept.
        start: Offset,
    },
    /// World: a consumer or the audit was given records of a log.
    Fetched(Arc<Fetched>),
    /// World: a consumer was handed messages of a queue.
    Received(Arc<Received>),
    /// On disk: a queue (or a subscription of a fan-out) stored messages.
    Enqueued {
        /// The queue.
        topic: TopicId,
        /// The subscriber, for a fan-out's copy.
        group: Option<GroupId>,
        /// The messages.
        events: Arc<[Event]>,
    },
    /// On disk: deliveries were settled.
    Settled {
        /// The queue.
        topic: TopicId,
        /// The subscriber.
        group: GroupId,
        /// What became of them.
        verb: Verb,
        /// Which events.
        events: Arc<[EventId]>,
    },
    /// On disk: messages went to the dead letters.
    DeadLettered {
        /// The queue.
        topic: TopicId,
        /// The subscriber.
        group: GroupId,
        /// Which events.
        events: Arc<[Event]>,
    },
    /// A processor's operator answered these events with nothing, as it should.
    Filtered {
        /// The processor.
        group: GroupId,
        /// Which events.
        events: Arc<[EventId]>,
    },
    /// A processor's node told its watermarks anew.
    Watermark(Arc<Watermarks>),
    /// A processor's windows with these events have fired: their rows are on the way.
    Fired {
        /// The processor.
        group: GroupId,
        /// Which events.
        events: Arc<[Credit]>,
    },
    /// A processor left events out of windows that had closed.
    Late {
        /// The processor.
        group: GroupId,
        /// Which events.
        events: Arc<[LateEvent]>,
    },
    /// World: a sink took up a write.
    WriteTaken(Arc<Write>),
    /// On disk: a sink applied a write; once written it is visible.
    Effects(Arc<Write>),
    /// On disk: a store keeps a processor's state and position.
    CheckpointStored(Arc<Checkpoint>),
    /// World: a writer was told that its write is applied.
    WriteAcknowledged(Arc<Write>),
    /// World: the audit was shown rows of a sink.
    RowsRead(Arc<Rows>),
    /// A node took an office.
    RoleTaken {
        /// The office.
        role: Role,
        /// The term.
        epoch: u64,
    },
    /// A node left an office.
    RoleLost {
        /// The office.
        role: Role,
        /// The term that ended.
        epoch: u64,
    },
    /// A member of a group may read a partition from here on.
    Assigned {
        /// The group.
        group: GroupId,
        /// The partition.
        partition: Partition,
        /// The generation.
        generation: u32,
        /// Where it starts to read.
        from: Offset,
    },
    /// A member of a group has stopped reading a partition.
    Revoked {
        /// The group.
        group: GroupId,
        /// The partition.
        partition: Partition,
        /// The generation.
        generation: u32,
    },
    /// An authority lets a node write.
    LeaseGranted {
        /// Among whom.
        group: GroupId,
        /// Which node.
        holder: NodeId,
        /// The token of the grant; a renewal keeps it.
        token: u32,
        /// How long, on the clock that decides.
        lasts: Span,
    },
    /// An authority counts a lease as over, at the latest when it grants the next.
    LeaseExpired {
        /// Among whom.
        group: GroupId,
        /// Who had it.
        holder: NodeId,
        /// The token of the grant.
        token: u32,
    },
    /// World: a node died, with its page cache (`power`) or without.
    Crashed {
        /// Whether the power went too.
        power: bool,
    },
    /// World: a node booted.
    Booted,
    /// World: a fault of the plan began, by its position in the plan.
    FaultStarted(u32),
    /// World: a fault of the plan is healed.
    FaultEnded(u32),
    /// World: a step passed a point.
    Point(PointId),
    /// World: everything is healed; `calm` begins.
    Healed,
    /// World: the sources have stopped; `drain` begins.
    Drained,
    /// The audit has read every log and sink to its end.
    AuditDone,
    /// A user's own.
    Custom {
        /// Its class.
        class: ClassId,
        /// Its body.
        body: Arc<[u8]>,
    },
}

/// A kind of fact, for choosing which ones a checker is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(u8)]
#[expect(missing_docs, reason = "each is the kind of the fact of the same name")]
pub enum FactKind {
    Owed,
    PublishSent,
    PublishTaken,
    Acknowledged,
    GaveUp,
    Shed,
    Flow,
    Appended,
    Committed,
    Truncated,
    LogStart,
    Fetched,
    Received,
    Enqueued,
    Settled,
    DeadLettered,
    Filtered,
    Watermark,
    Fired,
    Late,
    WriteTaken,
    Effects,
    CheckpointStored,
    WriteAcknowledged,
    RowsRead,
    RoleTaken,
    RoleLost,
    Assigned,
    Revoked,
    LeaseGranted,
    LeaseExpired,
    Crashed,
    Booted,
    FaultStarted,
    FaultEnded,
    Point,
    Healed,
    Drained,
    AuditDone,
    Custom,
}

impl FactKind {
    /// Every kind, in order.
    pub const ALL: [FactKind; 40] = [
        FactKind::Owed,
        FactKind::PublishSent,
        FactKind::PublishTaken,
        FactKind::Acknowledged,
        FactKind::GaveUp,
        FactKind::Shed,
        FactKind::Flow,
        FactKind::Appended,
        FactKind::Committed,
        FactKind::Truncated,
        FactKind::LogStart,
        FactKind::Fetched,
        FactKind::Received,
        FactKind::Enqueued,
        FactKind::Settled,
        FactKind::DeadLettered,
        FactKind::Filtered,
        FactKind::Watermark,
        FactKind::Fired,
        FactKind::Late,
        FactKind::WriteTaken,
        FactKind::Effects,
        FactKind::CheckpointStored,
        FactKind::WriteAcknowledged,
        FactKind::RowsRead,
        FactKind::RoleTaken,
        FactKind::RoleLost,
        FactKind::Assigned,
        FactKind::Revoked,
        FactKind::LeaseGranted,
        FactKind::LeaseExpired,
        FactKind::Crashed,
        FactKind::Booted,
        FactKind::FaultStarted,
        FactKind::FaultEnded,
        FactKind::Point,
        FactKind::Healed,
        FactKind::Drained,
        FactKind::AuditDone,
        FactKind::Custom,
    ];
}

// Lists by kind are indexed by the number of a kind, so all of them must stand at their places.
const _: () = {
    let mut at = 0;
    while at < FactKind::ALL.len() {
        assert!(FactKind::ALL[at] as usize == at);
        at += 1;
    }
    assert!(at == FactKind::Custom as usize + 1);
};

/// A set of kinds of facts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Kinds(u64);

impl Kinds {
    /// The set of these kinds.
    #[must_use]
    pub const fn of(kinds: &[FactKind]) -> Kinds {
        let mut bits = 0;
        let mut i = 0;
        while i < kinds.len() {
            bits |= 1 << kinds[i] as u8;
            i += 1;
        }
        Kinds(bits)
    }

    /// Every kind.
    #[must_use]
    pub const fn all() -> Kinds {
        Kinds(u64::MAX)
    }

    /// The kinds of both.
    #[must_use]
    pub const fn union(self, other: Kinds) -> Kinds {
        Kinds(self.0 | other.0)
    }

    /// Whether `kind` is in it.
    #[must_use]
    pub const fn contains(self, kind: FactKind) -> bool {
        self.0 >> kind as u8 & 1 == 1
    }
}

impl Fact {
    /// Its kind.
    #[must_use]
    pub const fn kind(&self) -> FactKind {
        match self {
            Fact::Owed(_) => FactKind::Owed,
            Fact::PublishSent(_) => FactKind::PublishSent,
            Fact::PublishTaken(_) => FactKind::PublishTaken,
            Fact::Acknowledged(_) => FactKind::Acknowledged,
            Fact::GaveUp { .. } => FactKind::GaveUp,
            Fact::Shed(_) => FactKind::Shed,
            Fact::Flow(_) => FactKind::Flow,
            Fact::Appended { .. } => FactKind::Appended,
            Fact::Committed { .. } => FactKind::Committed,
            Fact::Truncated { .. } => FactKind::Truncated,
            Fact::LogStart { .. } => FactKind::LogStart,
            Fact::Fetched(_) => FactKind::Fetched,
            Fact::Received(_) => FactKind::Received,
            Fact::Enqueued { .. } => FactKind::Enqueued,
            Fact::Settled { .. } => FactKind::Settled,
            Fact::DeadLettered { .. } => FactKind::DeadLettered,
            Fact::Filtered { .. } => FactKind::Filtered,
            Fact::Watermark(_) => FactKind::Watermark,
            Fact::Fired { .. } => FactKind::Fired,
            Fact::Late { .. } => FactKind::Late,
            Fact::WriteTaken(_) => FactKind::WriteTaken,
            Fact::Effects(_) => FactKind::Effects,
            Fact::CheckpointStored(_) => FactKind::CheckpointStored,
            Fact::WriteAcknowledged(_) => FactKind::WriteAcknowledged,
            Fact::RowsRead(_) => FactKind::RowsRead,
            Fact::RoleTaken { .. } => FactKind::RoleTaken,
            Fact::RoleLost { .. } => FactKind::RoleLost,
            Fact::Assigned { .. } => FactKind::Assigned,
            Fact::Revoked { .. } => FactKind::Revoked,
            Fact::LeaseGranted { .. } => FactKind::LeaseGranted,
            Fact::LeaseExpired { .. } => FactKind::LeaseExpired,
            Fact::Crashed { .. } => FactKind::Crashed,
            Fact::Booted => FactKind::Booted,
            Fact::FaultStarted(_) => FactKind::FaultStarted,
            Fact::FaultEnded(_) => FactKind::FaultEnded,
            Fact::Point(_) => FactKind::Point,
            Fact::Healed => FactKind::Healed,
            Fact::Drained => FactKind::Drained,
            Fact::AuditDone => FactKind::AuditDone,
            Fact::Custom { .. } => FactKind::Custom,
        }
    }
}

/// How a fact came to be known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Stage {
    /// The actor said so.
    Claimed,
    /// The World saw it: a reply was delivered, a node crashed, a fault began.
    Seen,
    /// The disk has it in its page cache.
    Written,
    /// The disk has made it durable.
    Durable,
    /// A power loss removed it.
    Lost,
    /// It was stored, durable or not, and can no longer be read.
    Corrupted,
}

/// A fact with its witness.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Observation {
    /// True time.
    pub time: Time,
    /// On which node.
    pub node: NodeId,
    /// In which boot of it.
    pub incarnation: Incarnation,
    /// How it came to be known.
    pub stage: Stage,
    /// For a delivered reply: who answered.
    pub peer: Option<NodeId>,
    /// What.
    pub fact: Fact,
}
