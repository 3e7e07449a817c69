//! The requests that the nodes of a log broker answer: to clients, to each other, to their controller.

use crate::digest::Digest;
use crate::event::{Batch, Entry};
use crate::id::{Epoch, Incarnation, NodeId, Offset, Partition};
use crate::message::Refusal;
use crate::time::{Span, Wall};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use std::sync::Arc;

/// When a publish is answered (`acks` of a Kafka producer).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Acks {
    /// Never: the client counts the event as sent when it leaves.
    #[serde(rename = "0")]
    None,
    /// When the leader has it in its page cache.
    #[serde(rename = "1")]
    Leader,
    /// When every in-sync replica has it: the high watermark has passed it.
    #[default]
    #[serde(rename = "all")]
    All,
}

/// A batch for one partition.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Publish {
    /// Where to.
    pub partition: Partition,
    /// When to answer.
    pub acks: Acks,
    /// What.
    pub batch: Arc<Batch>,
}

/// The answer: where the batch lies. It carries the batch so that the World can see what was acknowledged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Published {
    /// Which partition.
    pub partition: Partition,
    /// The offset of the batch's first record; for queues a running number.
    pub base: Offset,
    /// What was acknowledged.
    pub batch: Arc<Batch>,
}

/// Who reads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Reader {
    /// A follower: reads to the end of the log, and its position is its promise to have everything below.
    Replica {
        /// The follower's broker epoch, handed out at its registration; a stale one never re-enters the ISR.
        broker_epoch: u64,
        /// The fetch's place in its session (KIP-227): 0 begins one and names every partition that is read,
        /// a later one names only those whose position has changed.
        round: u32,
    },
    /// A consumer: reads below the high watermark.
    Consumer,
    /// The audit that reads everything at the end of a run.
    Audit,
}

/// One partition's share of a fetch.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct FetchPart {
    /// Which partition.
    pub partition: Partition,
    /// The first offset wanted.
    pub from: Offset,
    /// The leader epoch the reader believes in; an older or newer one is refused (KIP-320).
    pub epoch: Epoch,
}

/// A long poll over partitions that one node leads.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetch {
    /// Who reads.
    pub reader: Reader,
    /// What.
    pub parts: Vec<FetchPart>,
    /// How long to wait for `min_bytes` (`fetch.max.wait.ms`, `replica.fetch.wait.max.ms`).
    pub max_wait: Span,
    /// Enough to answer at once.
    pub min_bytes: u32,
    /// At most this many for each partition, but always one batch.
    pub max_bytes: u32,
}

/// One partition's share of an answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FetchedPart {
    /// Which partition.
    pub partition: Partition,
    /// What lies at and after the wanted offset, in order and without gaps of visible records.
    pub entries: Vec<Entry>,
    /// The high watermark as the leader knows it.
    pub high_watermark: Offset,
    /// The first offset that retention has left.
    pub log_start: Offset,
    /// The leader's epoch.
    pub epoch: Epoch,
    /// Why there is nothing, if it was refused.
    pub refusal: Option<Refusal>,
}

/// The answer to a [`Fetch`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fetched {
    /// Who asked.
    pub reader: Reader,
    /// By partition, in the order asked; partitions with nothing new may be left out.
    pub parts: Vec<FetchedPart>,
}

impl Fetched {
    /// Bytes of records in it.
    #[must_use]
    pub fn bytes(&self) -> u32 {
        self.parts
            .iter()
            .flat_map(|part| &part.entries)
            .map(|entry| entry.batch.bytes)
            .sum()
    }

    pub(super) fn digest(&self) -> u64 {
        let mut digest = Digest::new();
        for part in &self.parts {
            digest.word(u64::from(part.partition.code()) << 32 | u64::from(part.epoch.0));
            digest.word(part.high_watermark.0);
            for entry in &part.entries {
                digest.word(entry.digest());
            }
        }
        digest.value()
    }
}

/// What a client learns about one partition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PartitionState {
    /// Which partition.
    pub partition: Partition,
    /// Its leader, none while it is offline.
    pub leader: Option<NodeId>,
    /// The leader's epoch.
    pub epoch: Epoch,
}

/// What a node believes about the topics of its broker; it may be stale.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// Every partition of the asked topic, in order of index, with those that an expansion adds.
    pub partitions: Vec<PartitionState>,
    /// How many of them clients may use: all, unless the topic is still to expand.
    pub usable: u16,
}

impl Metadata {
    /// Partitions of which clients may use all.
    #[must_use]
    pub fn of(partitions: Vec<PartitionState>) -> Metadata {
        Metadata {
            usable: partitions.len() as u16,
            partitions,
        }
    }
}

/// Which offset a client wants to learn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum OffsetSpec {
    /// The first that retention has left.
    Earliest,
    /// The high watermark.
    Latest,
    /// The first whose batch was created at or after this record time.
    At(Wall),
}

/// A set of the nodes of one broker, by their index in the broker (at most 64).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct BrokerSet(pub u64);

impl BrokerSet {
    /// Nobody.
    pub const EMPTY: BrokerSet = BrokerSet(0);

    /// Whether `index` is in it.
    #[must_use]
    pub const fn contains(self, index: u16) -> bool {
        self.0 >> index & 1 == 1
    }

    /// The set with `index`.
    #[must_use]
    pub const fn with(self, index: u16) -> BrokerSet {
        BrokerSet(self.0 | 1 << index)
    }

    /// The set without `index`.
    #[must_use]
    pub const fn without(self, index: u16) -> BrokerSet {
        BrokerSet(self.0 & !(1 << index))
    }

    /// How many are in it.
    #[must_use]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Whether nobody is in it.
    #[must_use]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// The members in order.
    pub fn iter(self) -> impl Iterator<Item = u16> {
        (0..64).filter(move |index| self.contains(*index))
    }
}

/// A leader's wish to change its in-sync set (KIP-497).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlterIsr {
    /// Which partition.
    pub partition: Partition,
    /// The epoch in which the leader leads.
    pub leader_epoch: Epoch,
    /// The version of the partition's state that the wish builds on.
    pub partition_epoch: u32,
    /// The wanted in-sync set.
    pub isr: BrokerSet,
    /// The broker's own epoch.
    pub broker_epoch: u64,
}

/// A broker's sign of life to the controller, and its registration after a boot (KIP-631).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BrokerHeartbeat {
    /// The broker's index.
    pub index: u16,
    /// Its boot.
    pub incarnation: Incarnation,
    /// The epoch that its registration gave it, 0 before that.
    pub broker_epoch: u64,
    /// How far it has applied the metadata log.
    pub applied: u64,
}
