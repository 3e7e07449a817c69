//! How a log broker uses its disk: names of files, tokens of operations, the marks file, and the reading
//! back of everything after a boot.

use crate::actor::Context;
use crate::broker::log::layout::Layout;
use crate::disk::{DiskDone, DiskError, DiskRecord, DiskReply, DiskVerb, FileId, FileKind};
use crate::event::Entry;
use crate::history::Fact;
use crate::id::{Offset, Partition};
use std::collections::BTreeMap;

/// The file of the segment of `partition` that begins at `base`.
pub(super) const fn segment_file(partition: Partition, base: Offset) -> FileId {
    FileId::new(FileKind::Segment, partition.code(), base.0)
}

/// The file of log starts and high watermarks.
pub(super) const MARKS: FileId = FileId::new(FileKind::Marks, 0, 0);

/// What a disk operation was for; its token says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ticket {
    /// An append, by its number in its partition.
    Append(u64),
    /// The sync that this append waits for.
    Sync(u64),
    /// A change of files that nobody waits for.
    Upkeep,
    /// Part of the reading back, in this life of the logs.
    Recovery(u32),
    /// A trial whether the disk takes writes again.
    Probe,
}

const KIND: u32 = 60;

impl Ticket {
    pub const fn token(self) -> u64 {
        match self {
            Ticket::Append(number) => number,
            Ticket::Sync(number) => 1 << KIND | number,
            Ticket::Upkeep => 2 << KIND,
            Ticket::Recovery(life) => 3 << KIND | life as u64,
            Ticket::Probe => 4 << KIND,
        }
    }

    pub const fn of(token: u64) -> Ticket {
        let number = token & ((1 << KIND) - 1);
        match token >> KIND {
            0 => Ticket::Append(number),
            1 => Ticket::Sync(number),
            2 => Ticket::Upkeep,
            3 => Ticket::Recovery(number as u32),
            _ => Ticket::Probe,
        }
    }
}

/// The marks of one partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Marks {
    /// The log start.
    pub start: Offset,
    /// The high watermark.
    pub high_watermark: Offset,
}

impl Marks {
    /// As they stand in the marks file.
    pub fn records(self, partition: Partition) -> [DiskRecord; 2] {
        let key = u64::from(partition.code()) << 1;
        [(key, self.start), (key | 1, self.high_watermark)].map(|(key, offset)| DiskRecord::Mark {
            key,
            value: offset.0,
        })
    }
}

/// Notes a log start at once: unlike a high watermark it must not be forgotten, or an emptied log would
/// number its records anew.
pub(super) fn mark_start(cx: &mut Context<'_>, partition: Partition, start: Offset, fact: bool) {
    let record = DiskRecord::Mark {
        key: u64::from(partition.code()) << 1,
        value: start.0,
    };
    let fact = fact.then_some(Fact::LogStart { partition, start });
    let token = Ticket::Upkeep.token();
    cx.disk(MARKS, DiskVerb::Append(vec![record]), token, fact);
    cx.disk(MARKS, DiskVerb::Sync, token, None);
}

/// What the disk holds of one partition.
#[derive(Debug, Default)]
pub(super) struct Found {
    /// Its segments by base, in order.
    pub segments: BTreeMap<Offset, Vec<Entry>>,
    /// Its marks.
    pub marks: Marks,
}

/// The reading back: a list of files, then each file.
#[derive(Debug)]
pub(super) struct Recovery {
    life: u32,
    outstanding: usize,
    found: Vec<Found>,
}

impl Recovery {
    /// Asks for the list and the marks.
    pub fn start(cx: &mut Context<'_>, slots: usize, life: u32) -> Recovery {
        let token = Ticket::Recovery(life).token();
        let any = FileId::new(FileKind::Segment, 0, 0);
        cx.disk(any, DiskVerb::List, token, None);
        cx.disk(MARKS, DiskVerb::Scan, token, None);
        Recovery {
            life,
            outstanding: 2,
            found: (0..slots).map(|_| Found::default()).collect(),
        }
    }

    /// Which life of the logs begins with it.
    pub const fn life(&self) -> u32 {
        self.life
    }

    /// Takes an answer; what was found by slot once all is read.
    pub fn reply(
        &mut self,
        cx: &mut Context<'_>,
        layout: &Layout,
        reply: DiskReply,
    ) -> Result<Option<Vec<Found>>, DiskError> {
        self.outstanding -= 1;
        match reply.outcome? {
            DiskDone::Done => {}
            DiskDone::Listed(files) => {
                for file in files {
                    cx.disk(
                        file,
                        DiskVerb::Scan,
                        Ticket::Recovery(self.life).token(),
                        None,
                    );
                    self.outstanding += 1;
                }
            }
            DiskDone::Scanned(records) => self.scanned(layout, reply.file, records),
        }
        Ok((self.outstanding == 0).then(|| std::mem::take(&mut self.found)))
    }

    fn scanned(&mut self, layout: &Layout, file: FileId, records: Vec<DiskRecord>) {
        if file == MARKS {
            for (key, value) in records.iter().filter_map(mark) {
                let Some(slot) = layout.slot(Partition::of_code((key >> 1) as u32)) else {
                    continue;
                };
                let marks = &mut self.found[slot].marks;
                match key & 1 {
                    0 => marks.start = Offset(value),
                    _ => marks.high_watermark = Offset(value),
                }
            }
        } else if let Some(slot) = layout.slot(Partition::of_code(file.a)) {
            let entries = records.into_iter().filter_map(entry).collect();
            self.found[slot].segments.insert(Offset(file.b), entries);
        }
    }
}

fn entry(record: DiskRecord) -> Option<Entry> {
    if let DiskRecord::Entry(entry) = record {
        Some(entry)
    } else {
        None
    }
}

const fn mark(record: &DiskRecord) -> Option<(u64, u64)> {
    if let DiskRecord::Mark { key, value } = record {
        Some((*key, *value))
    } else {
        None
    }
}
