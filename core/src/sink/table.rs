//! The rows that a sink shows.

use crate::disk::DiskRecord;
use crate::event::Event;
use crate::id::GroupId;
use crate::message::sink::{Rows, Write};
use crate::sink::config::SinkKind;
use std::collections::BTreeMap;
use std::sync::Arc;

/// An upsert sink's journal is compacted when it has this many rows more than twice the visible ones.
const COMPACTION_SLACK: u64 = 10_000;
/// Rows in one record of a compacted journal.
const COMPACTED_ROWS: usize = 1_000;

/// The visible rows.
#[derive(Debug)]
pub(super) enum Table {
    /// In order of arrival: each write with the number of its first row. The rows stay in the writes.
    Added {
        writes: Vec<(u64, Arc<Write>)>,
        len: u64,
    },
    /// One for each key, with its version.
    Keyed {
        rows: BTreeMap<u64, (u64, Event)>,
        /// Rows that the journal holds, superseded ones too.
        journaled: u64,
        versioned: bool,
    },
}

impl Table {
    /// An empty table; `versioned` matters to an upsert alone.
    pub(super) fn new(kind: SinkKind, versioned: bool) -> Table {
        match kind {
            SinkKind::Append | SinkKind::Transactional => Table::Added {
                writes: Vec::new(),
                len: 0,
            },
            SinkKind::Upsert => Table::Keyed {
                rows: BTreeMap::new(),
                journaled: 0,
                versioned,
            },
        }
    }

    /// How many rows are visible.
    pub(super) fn len(&self) -> u64 {
        match self {
            Table::Added { len, .. } => *len,
            Table::Keyed { rows, .. } => rows.len() as u64,
        }
    }

    /// Whether a write makes a difference.
    pub(super) fn would_change(&self, write: &Write) -> bool {
        match self {
            Table::Added { .. } => !write.rows.is_empty() || write.covered.is_some(),
            Table::Keyed {
                rows, versioned, ..
            } => write.rows.iter().enumerate().any(|(i, row)| {
                rows.get(&row.key).is_none_or(|stored| {
                    let version = version(write, i, *versioned);
                    version.is_none_or(|version| version >= stored.0) && stored.1 != *row
                })
            }),
        }
    }

    /// Makes a write visible. The same writes in the same order always give the same table, so replaying
    /// the journal needs nothing else.
    pub(super) fn apply(&mut self, write: &Arc<Write>) {
        match self {
            Table::Added { writes, len } => {
                if !write.rows.is_empty() {
                    writes.push((*len, Arc::clone(write)));
                    *len += write.rows.len() as u64;
                }
            }
            Table::Keyed {
                rows,
                journaled,
                versioned,
            } => {
                *journaled += write.rows.len() as u64;
                for (i, row) in write.rows.iter().enumerate() {
                    let version = version(write, i, *versioned);
                    let stored = rows.get(&row.key).map(|stored| stored.0);
                    // D3: a lower version is late; a blind row always wins and keeps what is known.
                    let is_late = version.zip(stored).is_some_and(|(new, old)| new < old);
                    if !is_late {
                        rows.insert(row.key, (version.or(stored).unwrap_or(0), *row));
                    }
                }
            }
        }
    }

    /// A page of at most `max` rows.
    pub(super) fn page(&self, cursor: u64, max: u32) -> Rows {
        let max = max as usize;
        match self {
            Table::Added { writes, len } => {
                let first = writes
                    .partition_point(|(at, _)| *at <= cursor)
                    .saturating_sub(1);
                let skip = writes.get(first).map_or(0, |(at, _)| cursor - at);
                let rows: Vec<Event> = writes[first.min(writes.len())..]
                    .iter()
                    .flat_map(|(_, write)| write.rows.iter())
                    .skip(skip as usize)
                    .take(max)
                    .copied()
                    .collect();
                let next = cursor + rows.len() as u64;
                Rows {
                    rows,
                    next: (next < *len).then_some(next),
                }
            }
            Table::Keyed { rows, .. } => {
                let mut rest = rows.range(cursor..);
                let page: Vec<Event> = rest.by_ref().take(max).map(|(_, (_, row))| *row).collect();
                Rows {
                    rows: page,
                    next: rest.next().map(|(key, _)| *key),
                }
            }
        }
    }

    /// Whether most of the journal is superseded.
    pub(super) fn wants_compaction(&self) -> bool {
        match self {
            Table::Added { .. } => false,
            Table::Keyed {
                rows, journaled, ..
            } => *journaled > 2 * rows.len() as u64 + COMPACTION_SLACK,
        }
    }

    /// The journal holds the snapshot and nothing else.
    pub(super) fn compacted(&mut self) {
        match self {
            Table::Added { .. } => {}
            Table::Keyed {
                rows, journaled, ..
            } => *journaled = rows.len() as u64,
        }
    }

    /// Records that give the same table. A compacted write belongs to no processor and has no fact: its
    /// rows were told when they first took effect.
    pub(super) fn snapshot(&self) -> Vec<DiskRecord> {
        match self {
            Table::Added { writes, .. } => writes
                .iter()
                .map(|(_, write)| DiskRecord::Write(Arc::clone(write)))
                .collect(),
            Table::Keyed { rows, .. } => {
                let rows: Vec<&(u64, Event)> = rows.values().collect();
                rows.chunks(COMPACTED_ROWS)
                    .map(|chunk| {
                        DiskRecord::Write(Arc::new(Write {
                            group: GroupId(u16::MAX),
                            epoch: 0,
                            rows: chunk.iter().map(|(_, row)| *row).collect(),
                            versions: chunk.iter().map(|(version, _)| *version).collect(),
                            covered: None,
                            credits: None,
                        }))
                    })
                    .collect()
            }
        }
    }
}

/// The version of a write's row; none if it is blind.
fn version(write: &Write, row: usize, versioned: bool) -> Option<u64> {
    versioned
        .then(|| write.versions.get(row).copied())
        .flatten()
}
