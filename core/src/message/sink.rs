//! The requests that sinks and checkpoint stores answer.

use crate::digest::Digest;
use crate::event::Event;
use crate::event_time::{BEGINNING, Credit};
use crate::id::{GroupId, Offset, Partition};
use std::sync::Arc;

/// Input that a transactional write covers: everything of the partition below `next`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Covered {
    /// The input partition.
    pub partition: Partition,
    /// The next input offset to process.
    pub next: Offset,
    /// The watermark up to which windows have fired; [`BEGINNING`] without windows.
    pub watermark: i64,
}

/// Rows to make visible, all or none.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Write {
    /// The writing processor.
    pub group: GroupId,
    /// The writer's epoch (its group generation); a transactional sink refuses one below the highest adopted.
    pub epoch: u32,
    /// The rows: an event each, keyed by the event's key.
    pub rows: Arc<[Event]>,
    /// For each row, the input offset it derives from: the version of a versioned upsert.
    /// Empty where the input has no offsets.
    pub versions: Arc<[u64]>,
    /// What input the rows cover, for a transactional sink.
    pub covered: Option<Covered>,
    /// The events that are through with these rows, where rows sum up several; none if each row is that of
    /// the event it is named after.
    pub credits: Option<Arc<[Credit]>>,
}

impl Write {
    /// Rows of a writer without epochs or positions, each with its version, which is usually the offset of
    /// the event that it derives from: by it a sink knows a row that comes twice.
    #[must_use]
    pub fn versioned(group: GroupId, rows: impl IntoIterator<Item = (Offset, Event)>) -> Write {
        let (versions, rows): (Vec<u64>, Vec<Event>) = rows
            .into_iter()
            .map(|(version, row)| (version.0, row))
            .unzip();
        Write {
            group,
            epoch: 0,
            rows: rows.into(),
            versions: versions.into(),
            covered: None,
            credits: None,
        }
    }

    /// Bytes on the wire.
    #[must_use]
    pub fn bytes(&self) -> u32 {
        self.rows.iter().map(|row| row.size).sum::<u32>() + 32
    }

    pub(super) fn digest(&self) -> u64 {
        let mut digest = Digest::new().with(u64::from(self.epoch));
        for row in self.rows.iter() {
            digest.word(row.digest());
        }
        if let Some(covered) = self.covered {
            digest.word(u64::from(covered.partition.code()));
            digest.word(covered.next.0);
            if covered.watermark != BEGINNING {
                digest.word(covered.watermark as u64);
            }
        }
        digest.value()
    }
}

/// A reader's request for what a sink shows, a page at a time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReadRows {
    /// Where the page starts; 0 first, then what the last page said.
    pub cursor: u64,
    /// At most this many rows.
    pub max: u32,
}

/// A page of visible rows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rows {
    /// The rows, in the sink's own order (an upsert sink's is by key).
    pub rows: Vec<Event>,
    /// Where the next page starts, none at the end.
    pub next: Option<u64>,
}

/// A processor's state for one input partition, with the position it belongs to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checkpoint {
    /// The processor.
    pub group: GroupId,
    /// The writer's epoch; a store refuses one below the highest seen.
    pub epoch: u32,
    /// The input partition and the position that the state belongs to.
    pub covered: Covered,
    /// The operator's state: by key.
    pub state: Arc<[(u64, i64)]>,
}

impl Checkpoint {
    pub(super) fn digest(&self) -> u64 {
        self.state
            .iter()
            .fold(
                Digest::new().with(self.covered.next.0),
                |digest, (key, value)| digest.with(*key).with(*value as u64),
            )
            .value()
    }
}
