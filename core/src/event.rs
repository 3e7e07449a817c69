//! The business fact alone, and how many of them travel together.

use crate::digest::Digest;
use crate::id::{Epoch, GroupId, MemberId, Offset, Partition, ProducerId};
use crate::message::group::Position;
use crate::time::{Time, Wall};
use std::sync::Arc;

/// Who an event is, for ever: the source that owed it and its number there, dense from 0.
#[derive(
    Clone,
    Copy,
    Debug,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    serde::Serialize,
    serde::Deserialize,
)]
pub struct EventId {
    /// The source, by its position among the scenario's sources.
    pub source: u16,
    /// Its number, counted from 0 without gaps.
    pub number: u64,
}

/// A business fact. An operator that derives an event from another keeps the id and the due time, so that
/// latency and duplication can be judged at the end of the pipeline.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Who it is.
    pub id: EventId,
    /// What it is about.
    pub key: u64,
    /// When it happened, on the run's axis in nanoseconds; a trace may reach before the start.
    pub event_time: i64,
    /// When it was owed to the system: latency counts from here.
    pub due: Time,
    /// What it says.
    pub value: i64,
    /// Bytes on the wire and on disk.
    pub size: u32,
    /// What kind of fact it is (a column of a trace).
    pub kind: u16,
    /// A label such as a tenant; 0 is none.
    pub label: u16,
}

impl Event {
    /// What a fingerprint sees of it.
    #[must_use]
    pub const fn digest(&self) -> u64 {
        Digest::EMPTY
            .with((self.id.source as u64) << 48 ^ self.id.number)
            .with(self.key)
            .with(self.value as u64)
            .with(self.due.0 ^ (self.size as u64) << 40)
            .value()
    }
}

/// A position that a consumer group has finished with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OffsetCommit {
    /// The group.
    pub group: GroupId,
    /// The partition of the consumed topic.
    pub partition: Partition,
    /// How far it has come.
    pub position: Position,
    /// Who committed.
    pub member: MemberId,
    /// In which generation of the group.
    pub generation: u32,
}

/// What a batch carries.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Records {
    /// Events of a source or a processor.
    Events(Arc<[Event]>),
    /// Committed positions, in the broker's own offsets topic.
    Offsets(Arc<[OffsetCommit]>),
}

impl Records {
    /// How many offsets they take.
    #[must_use]
    pub fn count(&self) -> u64 {
        match self {
            Records::Events(events) => events.len() as u64,
            Records::Offsets(commits) => commits.len() as u64,
        }
    }
}

/// An idempotent producer's mark on a batch (K7).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Producer {
    /// The id.
    pub id: ProducerId,
    /// Its epoch; a lower one is fenced.
    pub epoch: u16,
    /// The number of the batch's first record in this partition's sequence.
    pub sequence: u64,
}

/// Records that a producer sends as a unit (K16). The broker's offset and epoch are not part of it: they
/// stand beside it in a log entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch {
    /// What it carries.
    pub records: Records,
    /// The idempotent producer, if there is one.
    pub producer: Option<Producer>,
    /// The record time given by the producer's clock (`message.timestamp.type = CreateTime`).
    pub created: Wall,
    /// Bytes in all.
    pub bytes: u32,
    /// What a fingerprint sees; computed once.
    pub digest: u64,
}

impl Batch {
    /// A batch of events.
    #[must_use]
    pub fn of_events(events: Arc<[Event]>, producer: Option<Producer>, created: Wall) -> Batch {
        let mut digest = Digest::new();
        let mut bytes = BATCH_OVERHEAD;
        for event in events.iter() {
            digest.word(event.digest());
            bytes += event.size;
        }
        Batch {
            digest: Batch::seal(digest, producer),
            records: Records::Events(events),
            producer,
            created,
            bytes,
        }
    }

    /// A batch of committed positions.
    #[must_use]
    pub fn of_offsets(commits: Arc<[OffsetCommit]>, created: Wall) -> Batch {
        let mut digest = Digest::new();
        for commit in commits.iter() {
            digest.word(u64::from(commit.group.0) << 32 | u64::from(commit.partition.code()));
            digest.word(commit.position.next.0);
            digest.word(commit.position.epoch_word());
        }
        let bytes = BATCH_OVERHEAD + 64 * commits.len() as u32;
        Batch {
            digest: Batch::seal(digest, None),
            records: Records::Offsets(commits),
            producer: None,
            created,
            bytes,
        }
    }

    fn seal(digest: Digest, producer: Option<Producer>) -> u64 {
        match producer {
            None => digest.value(),
            Some(producer) => digest
                .with(producer.id.0)
                .with(u64::from(producer.epoch) << 48 ^ producer.sequence)
                .value(),
        }
    }

    /// The events, none if it carries positions.
    #[must_use]
    pub fn events(&self) -> &[Event] {
        match &self.records {
            Records::Events(events) => events,
            Records::Offsets(_) => &[],
        }
    }

    /// How many offsets it takes; never zero in a log.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.records.count()
    }
}

/// Bytes of a batch's header: 61, as in Kafka's message format v2 (KIP-98).
pub const BATCH_OVERHEAD: u32 = 61;

/// A batch in its place in a log: what replicas store and consumers fetch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The offset of the first record.
    pub base: Offset,
    /// The epoch of the leader that appended it (KIP-101).
    pub epoch: Epoch,
    /// The records.
    pub batch: Arc<Batch>,
}

impl Entry {
    /// The offset after the last record.
    #[must_use]
    pub fn end(&self) -> Offset {
        Offset(self.base.0 + self.batch.count())
    }

    /// What a fingerprint sees of it.
    #[must_use]
    pub fn digest(&self) -> u64 {
        Digest::new()
            .with(self.base.0)
            .with(u64::from(self.epoch.0))
            .with(self.batch.digest)
            .value()
    }
}
