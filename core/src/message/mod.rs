//! Everything that goes over the wire. The enum is closed: faults, traces and link costs use only
//! [`Message::class`], [`Message::size`] and [`Message::digest`], and users' parts have one arm of their own.

pub mod group;
pub mod lease;
pub mod log;
pub mod queue;
pub mod raft;
pub mod sink;

use crate::digest::{Digest, digest_of};
use crate::event::Event;
use crate::history::Fact;
use crate::id::{
    CallId, ClassId, Epoch, GroupId, MemberId, NodeId, Offset, Partition, ProducerId, TopicId,
};
use std::sync::Arc;

/// Something on the wire.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message {
    /// A question that wants an answer with the same call id.
    Request {
        /// The asker's number for it.
        call: CallId,
        /// The question.
        request: Request,
    },
    /// The answer to a request.
    Reply {
        /// The asker's number for the question.
        call: CallId,
        /// The answer.
        reply: Reply,
    },
    /// Between members of a Raft group.
    Raft(raft::RaftMessage),
    /// A user's own.
    Custom {
        /// Its class.
        class: ClassId,
        /// Its body, encoded by the user's part.
        body: Arc<[u8]>,
    },
}

// A message is moved several times on its way; a cache line is the budget.
const _: () = assert!(size_of::<Message>() <= 64);

/// The questions of all ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Request {
    /// Who leads the partitions of a topic?
    Metadata(TopicId),
    /// A producer id, please (KIP-98).
    InitProducer,
    /// Store a batch.
    Publish(log::Publish),
    /// Read partitions.
    Fetch(Arc<log::Fetch>),
    /// Where does an epoch end in the leader's log (KIP-101)?
    EpochEnd {
        /// The partition.
        partition: Partition,
        /// The leader epoch the asker believes in.
        current: Epoch,
        /// The epoch asked about.
        epoch: Epoch,
    },
    /// Which offset is that?
    ListOffset {
        /// The partition.
        partition: Partition,
        /// Which.
        spec: log::OffsetSpec,
    },
    /// Who coordinates a group?
    FindCoordinator(GroupId),
    /// Take part in a group.
    JoinGroup(group::JoinGroup),
    /// A member lives.
    GroupHeartbeat(group::GroupHeartbeat),
    /// A member leaves of its own will.
    LeaveGroup {
        /// The group.
        group: GroupId,
        /// The member.
        member: MemberId,
    },
    /// Positions are finished with.
    CommitOffsets(Arc<group::CommitOffsets>),
    /// A broker lives.
    BrokerHeartbeat(log::BrokerHeartbeat),
    /// A leader wants another in-sync set.
    AlterIsr(log::AlterIsr),
    /// A broker wants producer ids to hand out.
    AllocateProducers,
    /// Lease messages of a queue.
    Receive(queue::Receive),
    /// Deliveries are finished with.
    Settle(Arc<queue::Settle>),
    /// Make rows visible.
    Write(Arc<sink::Write>),
    /// Take over an input partition: fence older epochs and tell the stored position (transactional sink)
    /// or the stored state (checkpoint store).
    Adopt {
        /// The processor.
        group: GroupId,
        /// The input partition.
        partition: Partition,
        /// The new owner's epoch.
        epoch: u32,
    },
    /// Keep state and position together.
    SaveCheckpoint(Arc<sink::Checkpoint>),
    /// Show what is visible.
    ReadRows(sink::ReadRows),
    /// Let this node be the one that writes.
    AcquireLease(lease::AcquireLease),
}

/// The answers of all ports.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Reply {
    /// To anything: no, and whether that is certain.
    Refused(Refusal),
    /// To `Metadata`.
    Metadata(Arc<log::Metadata>),
    /// To `InitProducer`.
    ProducerAssigned {
        /// The id.
        id: ProducerId,
        /// Its epoch.
        epoch: u16,
    },
    /// To `Publish`.
    Published(log::Published),
    /// To `Fetch`.
    Fetched(Arc<log::Fetched>),
    /// To `EpochEnd`: the largest epoch not above the asked one, and where it ends.
    EpochEnd {
        /// The partition.
        partition: Partition,
        /// The epoch found.
        epoch: Epoch,
        /// The offset after its last record.
        end: Offset,
    },
    /// To `ListOffset`.
    OffsetAt {
        /// The partition.
        partition: Partition,
        /// The offset.
        offset: Offset,
    },
    /// To `FindCoordinator`.
    Coordinator(Option<NodeId>),
    /// To `JoinGroup`, once the rebalance is complete.
    Joined(Arc<group::Joined>),
    /// To `GroupHeartbeat` and `LeaveGroup`.
    GroupAlive,
    /// To `CommitOffsets`.
    OffsetsCommitted,
    /// To `BrokerHeartbeat`.
    BrokerAlive {
        /// The epoch of the broker's registration.
        broker_epoch: u64,
        /// Whether the controller counts it as alive.
        fenced: bool,
    },
    /// To `AlterIsr`: taken; the new state comes with the metadata log.
    IsrAltered,
    /// To `AllocateProducers`: a block of ids.
    Producers {
        /// The first.
        first: u64,
        /// How many.
        count: u32,
    },
    /// To `Receive`.
    Received(Arc<queue::Received>),
    /// To `Settle`: how many of the tags were stale and settled nothing.
    Settled {
        /// Stale tags.
        stale: u32,
    },
    /// To `Write`: it carries the write so that the World can see what was acknowledged.
    Written(Arc<sink::Write>),
    /// To `Adopt`: the stored position and state, if any.
    Adopted(Option<Arc<sink::Checkpoint>>),
    /// To `SaveCheckpoint`.
    CheckpointSaved,
    /// To `ReadRows`.
    Rows(Arc<sink::Rows>),
    /// To `AcquireLease`.
    LeaseGranted(lease::LeaseGranted),
}

/// Why a request was refused. A refusal is a value of the simulation, never a Rust error.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// Another node leads, or nobody does.
    NotLeader,
    /// The in-sync set is smaller than `min_insync_replicas`; nothing was appended (K1).
    NotEnoughReplicas,
    /// The in-sync set shrank after the append: the record stays, its fate is open (K1).
    NotEnoughReplicasAfterAppend,
    /// The sequence is not the next one (K7).
    OutOfOrderSequence,
    /// The producer's epoch is fenced (K7).
    InvalidProducerEpoch,
    /// The asker's leader epoch is old: it must refresh its metadata (KIP-320).
    FencedLeaderEpoch,
    /// The asker's leader epoch is newer than the answerer's: try again.
    UnknownLeaderEpoch,
    /// The offset lies outside the log (K12).
    OffsetOutOfRange,
    /// Another node coordinates the group.
    NotCoordinator,
    /// The coordinator has not loaded the group yet.
    CoordinatorLoading,
    /// The group does not know the member (any more).
    UnknownMember,
    /// The generation is over (K11).
    IllegalGeneration,
    /// A rebalance is under way: join again.
    RebalanceInProgress,
    /// Another node is the controller, or nobody is.
    NotController,
    /// The partition's state has changed meanwhile.
    InvalidUpdateVersion,
    /// The broker's epoch is not the registered one.
    StaleBrokerEpoch,
    /// A newer epoch has taken over.
    Fenced,
    /// The disk is full.
    DiskFull,
    /// The disk failed.
    DiskFailed,
    /// A bounded buffer is full.
    Overloaded,
    /// The part does not answer this port.
    Unsupported,
    /// The answer did not come in time at the server; the fate is open.
    TimedOut,
    /// Another node holds the lease, or may hold it.
    LeaseHeld,
}

impl Refusal {
    /// Whether the request certainly had no effect. If not, the outcome is unknown (`info`, rule 1).
    #[must_use]
    pub const fn is_definite(self) -> bool {
        !matches!(
            self,
            Refusal::NotEnoughReplicasAfterAppend | Refusal::TimedOut | Refusal::DiskFailed
        )
    }
}

macro_rules! classes {
    ($( $what:literal => $pattern:pat ),* $(,)?) => {
        /// The class of the message, by which faults and traces select.
        #[must_use]
        pub const fn class(&self) -> ClassId {
            match self {
                Message::Custom { class, .. } => *class,
                $( $pattern => const { ClassId::new($what) }, )*
            }
        }

        /// The names of all classes but users' own.
        pub const CLASSES: &'static [&'static str] = &[$( $what ),*];
    };
}

impl Message {
    /// A message of a user's own part that carries one number.
    #[must_use]
    pub fn number(class: &'static str, number: u64) -> Message {
        Message::Custom {
            class: ClassId::new(class),
            body: number.to_le_bytes()[..].into(),
        }
    }

    classes! {
        "metadata" => Message::Request { request: Request::Metadata(_), .. },
        "init-producer" => Message::Request { request: Request::InitProducer, .. },
        "publish" => Message::Request { request: Request::Publish(_), .. },
        "fetch" => Message::Request { request: Request::Fetch(_), .. },
        "epoch-end" => Message::Request { request: Request::EpochEnd { .. }, .. },
        "list-offset" => Message::Request { request: Request::ListOffset { .. }, .. },
        "find-coordinator" => Message::Request { request: Request::FindCoordinator(_), .. },
        "join-group" => Message::Request { request: Request::JoinGroup(_), .. },
        "group-heartbeat" => Message::Request { request: Request::GroupHeartbeat(_), .. },
        "leave-group" => Message::Request { request: Request::LeaveGroup { .. }, .. },
        "commit-offsets" => Message::Request { request: Request::CommitOffsets(_), .. },
        "broker-heartbeat" => Message::Request { request: Request::BrokerHeartbeat(_), .. },
        "alter-isr" => Message::Request { request: Request::AlterIsr(_), .. },
        "allocate-producers" => Message::Request { request: Request::AllocateProducers, .. },
        "receive" => Message::Request { request: Request::Receive(_), .. },
        "settle" => Message::Request { request: Request::Settle(_), .. },
        "write" => Message::Request { request: Request::Write(_), .. },
        "adopt" => Message::Request { request: Request::Adopt { .. }, .. },
        "save-checkpoint" => Message::Request { request: Request::SaveCheckpoint(_), .. },
        "read-rows" => Message::Request { request: Request::ReadRows(_), .. },
        "acquire-lease" => Message::Request { request: Request::AcquireLease(_), .. },
        "refused" => Message::Reply { reply: Reply::Refused(_), .. },
        "metadata-reply" => Message::Reply { reply: Reply::Metadata(_), .. },
        "producer-assigned" => Message::Reply { reply: Reply::ProducerAssigned { .. }, .. },
        "published" => Message::Reply { reply: Reply::Published(_), .. },
        "fetched" => Message::Reply { reply: Reply::Fetched(_), .. },
        "epoch-end-reply" => Message::Reply { reply: Reply::EpochEnd { .. }, .. },
        "offset-at" => Message::Reply { reply: Reply::OffsetAt { .. }, .. },
        "coordinator" => Message::Reply { reply: Reply::Coordinator(_), .. },
        "joined" => Message::Reply { reply: Reply::Joined(_), .. },
        "group-alive" => Message::Reply { reply: Reply::GroupAlive, .. },
        "offsets-committed" => Message::Reply { reply: Reply::OffsetsCommitted, .. },
        "broker-alive" => Message::Reply { reply: Reply::BrokerAlive { .. }, .. },
        "isr-altered" => Message::Reply { reply: Reply::IsrAltered, .. },
        "producers" => Message::Reply { reply: Reply::Producers { .. }, .. },
        "received" => Message::Reply { reply: Reply::Received(_), .. },
        "settled" => Message::Reply { reply: Reply::Settled { .. }, .. },
        "written" => Message::Reply { reply: Reply::Written(_), .. },
        "adopted" => Message::Reply { reply: Reply::Adopted(_), .. },
        "checkpoint-saved" => Message::Reply { reply: Reply::CheckpointSaved, .. },
        "rows" => Message::Reply { reply: Reply::Rows(_), .. },
        "lease-granted" => Message::Reply { reply: Reply::LeaseGranted(_), .. },
        "raft-ask" => Message::Raft(raft::RaftMessage::Ask { .. }),
        "raft-vote" => Message::Raft(raft::RaftMessage::Vote { .. }),
        "raft-append" => Message::Raft(raft::RaftMessage::Append { .. }),
        "raft-appended" => Message::Raft(raft::RaftMessage::Appended { .. }),
    }

    /// Bytes on the wire, headers included.
    #[must_use]
    pub fn size(&self) -> u32 {
        const HEADER: u32 = 40;
        const EVENT: u32 = 40;
        HEADER
            + match self {
                Message::Request { request, .. } => match request {
                    Request::Publish(publish) => publish.batch.bytes,
                    Request::Fetch(fetch) => 24 * fetch.parts.len() as u32,
                    Request::CommitOffsets(commit) => 16 * commit.positions.len() as u32,
                    Request::Settle(settle) => 12 * settle.tags.len() as u32,
                    Request::Write(write) => write.bytes(),
                    Request::SaveCheckpoint(checkpoint) => 16 * checkpoint.state.len() as u32,
                    Request::Metadata(_)
                    | Request::InitProducer
                    | Request::EpochEnd { .. }
                    | Request::ListOffset { .. }
                    | Request::FindCoordinator(_)
                    | Request::JoinGroup(_)
                    | Request::GroupHeartbeat(_)
                    | Request::LeaveGroup { .. }
                    | Request::BrokerHeartbeat(_)
                    | Request::AlterIsr(_)
                    | Request::AllocateProducers
                    | Request::Receive(_)
                    | Request::Adopt { .. }
                    | Request::AcquireLease(_)
                    | Request::ReadRows(_) => 24,
                },
                Message::Reply { reply, .. } => match reply {
                    Reply::Metadata(metadata) => 16 * metadata.partitions.len() as u32,
                    Reply::Fetched(fetched) => 32 * fetched.parts.len() as u32 + fetched.bytes(),
                    Reply::Joined(joined) => 16 * joined.assignment.len() as u32,
                    Reply::Received(received) => received
                        .deliveries
                        .iter()
                        .map(|delivery| delivery.event.size + EVENT)
                        .sum(),
                    Reply::Adopted(checkpoint) => checkpoint
                        .as_ref()
                        .map_or(8, |checkpoint| 16 * checkpoint.state.len() as u32),
                    Reply::Rows(rows) => rows.rows.iter().map(|row: &Event| row.size).sum(),
                    Reply::Refused(_)
                    | Reply::ProducerAssigned { .. }
                    | Reply::Published(_)
                    | Reply::EpochEnd { .. }
                    | Reply::OffsetAt { .. }
                    | Reply::Coordinator(_)
                    | Reply::GroupAlive
                    | Reply::OffsetsCommitted
                    | Reply::BrokerAlive { .. }
                    | Reply::IsrAltered
                    | Reply::Producers { .. }
                    | Reply::Settled { .. }
                    | Reply::Written(_)
                    | Reply::LeaseGranted(_)
                    | Reply::CheckpointSaved => 24,
                },
                Message::Raft(message) => match message {
                    raft::RaftMessage::Append { entries, .. } => 32 + 48 * entries.len() as u32,
                    raft::RaftMessage::Ask { .. }
                    | raft::RaftMessage::Vote { .. }
                    | raft::RaftMessage::Appended { .. } => 32,
                },
                Message::Custom { body, .. } => body.len() as u32,
            }
    }

    /// What a fingerprint sees of it.
    #[must_use]
    pub fn digest(&self) -> u64 {
        let body = match self {
            Message::Request { call, request } => digest_of(&[call.0, request.digest()]),
            Message::Reply { call, reply } => digest_of(&[call.0, reply.digest()]),
            Message::Raft(message) => message.digest(),
            Message::Custom { body, .. } => {
                let mut digest = Digest::new();
                digest.bytes(body);
                digest.value()
            }
        };
        digest_of(&[self.class().hash(), body])
    }

    /// What the World itself can say when this message leaves its sender.
    #[must_use]
    pub fn departs(&self) -> Option<Fact> {
        if let Message::Request { request, .. } = self
            && let Request::Publish(publish) = request
        {
            return Some(Fact::PublishSent(Arc::clone(&publish.batch)));
        }
        None
    }

    /// What the World itself can say when this message reaches its receiver: facts that may clear a part.
    #[must_use]
    pub fn witness(&self) -> Option<Fact> {
        match self {
            Message::Reply {
                reply: Reply::Published(published),
                ..
            } => Some(Fact::Acknowledged(published.clone())),
            Message::Reply {
                reply: Reply::Fetched(fetched),
                ..
            } => match fetched.reader {
                log::Reader::Replica { .. } => None,
                log::Reader::Consumer | log::Reader::Audit => {
                    Some(Fact::Fetched(Arc::clone(fetched)))
                }
            },
            Message::Reply {
                reply: Reply::Received(received),
                ..
            } if !received.deliveries.is_empty() => Some(Fact::Received(Arc::clone(received))),
            Message::Reply {
                reply: Reply::Written(write),
                ..
            } => Some(Fact::WriteAcknowledged(Arc::clone(write))),
            Message::Reply {
                reply: Reply::Rows(rows),
                ..
            } => Some(Fact::RowsRead(Arc::clone(rows))),
            Message::Request {
                request: Request::Publish(publish),
                ..
            } => Some(Fact::PublishTaken(Arc::clone(&publish.batch))),
            Message::Request {
                request: Request::Write(write),
                ..
            } => Some(Fact::WriteTaken(Arc::clone(write))),
            Message::Request { .. }
            | Message::Reply { .. }
            | Message::Raft(_)
            | Message::Custom { .. } => None,
        }
    }
}

impl Request {
    fn digest(&self) -> u64 {
        match self {
            Request::Metadata(topic) => u64::from(topic.0),
            Request::InitProducer | Request::AllocateProducers => 0,
            Request::Publish(publish) => digest_of(&[
                u64::from(publish.partition.code()),
                publish.acks as u64,
                publish.batch.digest,
            ]),
            Request::Fetch(fetch) => fetch
                .parts
                .iter()
                .fold(Digest::new(), |digest, part| {
                    digest
                        .with(u64::from(part.partition.code()) << 32 | u64::from(part.epoch.0))
                        .with(part.from.0)
                })
                .value(),
            Request::EpochEnd {
                partition,
                current,
                epoch,
            } => digest_of(&[
                u64::from(partition.code()),
                u64::from(current.0),
                u64::from(epoch.0),
            ]),
            Request::ListOffset { partition, spec } => {
                let spec = match spec {
                    log::OffsetSpec::Earliest => 0,
                    log::OffsetSpec::Latest => 1,
                    log::OffsetSpec::At(wall) => wall.0 as u64,
                };
                digest_of(&[u64::from(partition.code()), spec])
            }
            Request::FindCoordinator(group) => u64::from(group.0),
            Request::JoinGroup(join) => digest_of(&[u64::from(join.group.0), join.member.0]),
            Request::GroupHeartbeat(beat) => digest_of(&[
                u64::from(beat.group.0),
                beat.member.0,
                u64::from(beat.generation),
            ]),
            Request::LeaveGroup { group, member } => digest_of(&[u64::from(group.0), member.0]),
            Request::CommitOffsets(commit) => commit
                .positions
                .iter()
                .fold(
                    Digest::new()
                        .with(commit.member.0)
                        .with(u64::from(commit.generation)),
                    |digest, (p, position)| {
                        digest
                            .with(u64::from(p.code()))
                            .with(position.next.0)
                            .with(position.epoch_word())
                    },
                )
                .value(),
            Request::BrokerHeartbeat(beat) => digest_of(&[
                u64::from(beat.index),
                u64::from(beat.incarnation.0),
                beat.broker_epoch,
                beat.applied,
            ]),
            Request::AlterIsr(alter) => digest_of(&[
                u64::from(alter.partition.code()),
                u64::from(alter.leader_epoch.0),
                u64::from(alter.partition_epoch),
                alter.isr.0,
            ]),
            Request::Receive(receive) => digest_of(&[
                u64::from(receive.topic.0),
                u64::from(receive.group.0),
                u64::from(receive.max),
            ]),
            Request::Settle(settle) => settle
                .tags
                .iter()
                .fold(
                    Digest::new().with(u64::from(settle.topic.0)),
                    |digest, tag| digest.with(tag.message << 8 ^ u64::from(tag.attempt)),
                )
                .value(),
            Request::Write(write) => write.digest(),
            Request::Adopt {
                group,
                partition,
                epoch,
            } => digest_of(&[
                u64::from(group.0),
                u64::from(partition.code()),
                u64::from(*epoch),
            ]),
            Request::SaveCheckpoint(checkpoint) => checkpoint.digest(),
            Request::ReadRows(read) => digest_of(&[read.cursor, u64::from(read.max)]),
            Request::AcquireLease(ask) => digest_of(&[
                u64::from(ask.group.0),
                ask.renews.map_or(u64::MAX, u64::from),
            ]),
        }
    }
}

impl Reply {
    fn digest(&self) -> u64 {
        match self {
            Reply::Refused(refusal) => *refusal as u64,
            Reply::Metadata(metadata) => metadata
                .partitions
                .iter()
                .fold(
                    Digest::new().with(metadata.usable.into()),
                    |digest, state| {
                        digest
                            .with(
                                u64::from(state.partition.code()) << 32 | u64::from(state.epoch.0),
                            )
                            .with(state.leader.map_or(u64::MAX, |node| u64::from(node.0)))
                    },
                )
                .value(),
            Reply::ProducerAssigned { id, epoch } => digest_of(&[id.0, u64::from(*epoch)]),
            Reply::Published(published) => digest_of(&[
                u64::from(published.partition.code()),
                published.base.0,
                published.batch.digest,
            ]),
            Reply::Fetched(fetched) => fetched.digest(),
            Reply::EpochEnd {
                partition,
                epoch,
                end,
            } => digest_of(&[u64::from(partition.code()), u64::from(epoch.0), end.0]),
            Reply::OffsetAt { partition, offset } => {
                digest_of(&[u64::from(partition.code()), offset.0])
            }
            Reply::Coordinator(node) => node.map_or(u64::MAX, |node| u64::from(node.0)),
            Reply::Joined(joined) => joined
                .assignment
                .iter()
                .fold(
                    Digest::new().with(u64::from(joined.generation)),
                    |digest, (partition, position)| {
                        let next = position.map_or(u64::MAX, |position| position.next.0);
                        let epoch = position.map_or(0, group::Position::epoch_word);
                        digest
                            .with(u64::from(partition.code()))
                            .with(next)
                            .with(epoch)
                    },
                )
                .value(),
            Reply::GroupAlive
            | Reply::OffsetsCommitted
            | Reply::IsrAltered
            | Reply::CheckpointSaved => 0,
            Reply::BrokerAlive {
                broker_epoch,
                fenced,
            } => digest_of(&[*broker_epoch, u64::from(*fenced)]),
            Reply::Producers { first, count } => digest_of(&[*first, u64::from(*count)]),
            Reply::Received(received) => received.digest(),
            Reply::Settled { stale } => u64::from(*stale),
            Reply::Written(write) => write.digest(),
            Reply::Adopted(checkpoint) => checkpoint
                .as_ref()
                .map_or(0, |checkpoint| checkpoint.digest()),
            Reply::Rows(rows) => rows
                .rows
                .iter()
                .fold(Digest::new(), |digest, row| digest.with(row.digest()))
                .value(),
            Reply::LeaseGranted(granted) => {
                digest_of(&[u64::from(granted.token), granted.expires.0 as u64])
            }
        }
    }
}
