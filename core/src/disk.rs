//! What an actor asks of its disk. Files are sequences of records; the World owns their contents.

use crate::event::Entry;
use crate::history::Fact;
use crate::id::{ClassId, GroupId, Partition, TopicId};
use crate::message::queue::{Tag, Verb};
use crate::message::raft::{RaftEntry, Term};
use crate::message::sink::{Checkpoint, Write};
use std::fmt;
use std::sync::Arc;

/// What a file is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum FileKind {
    /// A segment of a partition's log: `a` is the partition's code, `b` the segment's base offset.
    Segment,
    /// A Raft log.
    RaftLog,
    /// A Raft member's term and vote.
    RaftVote,
    /// A broker's marks: log starts, high watermarks, the clean-shutdown mark.
    Marks,
    /// The journal of a queue or of a fan-out subscription.
    Journal,
    /// The rows of a sink.
    Rows,
    /// The checkpoints of a processor.
    Checkpoints,
    /// A user's own.
    Custom,
}

/// The name of a file on one node's disk.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId {
    /// What it is for.
    pub kind: FileKind,
    /// First part of its name.
    pub a: u32,
    /// Second part of its name.
    pub b: u64,
}

impl FileId {
    /// The file of `kind` called `a`, `b`.
    #[must_use]
    pub const fn new(kind: FileKind, a: u32, b: u64) -> FileId {
        FileId { kind, a, b }
    }
}

impl fmt::Debug for FileId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}-{}-{}", self.kind, self.a, self.b)
    }
}

/// One record of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskRecord {
    /// A batch in its place in a partition's log.
    Entry(Entry),
    /// An entry of a Raft log.
    Raft(RaftEntry),
    /// A Raft member's term and vote.
    Vote {
        /// The term.
        term: Term,
        /// For whom, by index.
        voted_for: Option<u16>,
    },
    /// A named number of a broker.
    Mark {
        /// Which.
        key: u64,
        /// Its value.
        value: u64,
    },
    /// Messages entered a queue, numbered from `first`.
    Enqueued {
        /// The queue.
        topic: TopicId,
        /// The number of the first.
        first: u64,
        /// The messages.
        batch: Arc<crate::event::Batch>,
    },
    /// Messages of a queue were settled or handed out.
    Settled {
        /// The queue.
        topic: TopicId,
        /// The subscriber.
        group: GroupId,
        /// What became of them; a lease is noted as `Extend`.
        verb: Verb,
        /// Which.
        tags: Arc<[Tag]>,
    },
    /// A sink's write.
    Write(Arc<Write>),
    /// A new owner of an input partition.
    Adopted {
        /// The processor.
        group: GroupId,
        /// The input partition.
        partition: Partition,
        /// The owner's epoch.
        epoch: u32,
    },
    /// A processor's state and position.
    Checkpoint(Arc<Checkpoint>),
    /// A user's own.
    Custom {
        /// Its class.
        class: ClassId,
        /// Its body.
        body: Arc<[u8]>,
    },
}

impl DiskRecord {
    /// The value of a mark.
    #[must_use]
    pub const fn mark(&self) -> Option<u64> {
        if let DiskRecord::Mark { value, .. } = self {
            return Some(*value);
        }
        None
    }

    /// Bytes on disk.
    #[must_use]
    pub fn size(&self) -> u32 {
        match self {
            DiskRecord::Entry(entry) => entry.batch.bytes,
            DiskRecord::Raft(_) => 64,
            DiskRecord::Vote { .. } | DiskRecord::Mark { .. } | DiskRecord::Adopted { .. } => 24,
            DiskRecord::Enqueued { batch, .. } => batch.bytes,
            DiskRecord::Settled { tags, .. } => 24 + 12 * tags.len() as u32,
            DiskRecord::Write(write) => write.bytes(),
            DiskRecord::Checkpoint(checkpoint) => 48 + 16 * checkpoint.state.len() as u32,
            DiskRecord::Custom { body, .. } => body.len() as u32,
        }
    }
}

/// What to do with a file. Operations on one file happen in the order asked; each has a reply.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskVerb {
    /// Add records at the end (page cache).
    Append(Vec<DiskRecord>),
    /// Make everything written before durable.
    Sync,
    /// Keep the first `records` records.
    Truncate {
        /// How many stay.
        records: u64,
    },
    /// Replace the whole contents atomically, as write-and-rename does; durable with the next sync.
    Replace(Vec<DiskRecord>),
    /// Remove the file.
    Delete,
    /// Read all valid records; reading stops at the first torn or corrupt one.
    Scan,
    /// Which files of this kind exist, in order of name.
    List,
}

/// An operation on a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskOp {
    /// Which file.
    pub file: FileId,
    /// What to do.
    pub verb: DiskVerb,
    /// The asker's number for it, given back in the reply.
    pub token: u64,
    /// What this means, told by the World when it is written, durable or lost.
    pub fact: Option<Fact>,
}

/// What a disk answers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DiskReply {
    /// Which file.
    pub file: FileId,
    /// The asker's number.
    pub token: u64,
    /// What came of it.
    pub outcome: Result<DiskDone, DiskError>,
}

/// What came of a disk operation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum DiskDone {
    /// It is done; of an append or replace: it is in the page cache.
    Done,
    /// The valid records of a scanned file; empty if there is no such file.
    Scanned(Vec<DiskRecord>),
    /// The files found.
    Listed(Vec<FileId>),
}

/// Why a disk operation failed: a value of the simulation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DiskError {
    /// No space: nothing was written.
    Full,
    /// The device failed. After a failed sync the pages count as clean (fsyncgate).
    Failed,
}
