//! The records of one partition as a replica holds them in memory: segments of entries, and where each
//! leader epoch begins. Pure; the disk is the business of `partition_log.rs`.

use crate::event::Entry;
use crate::id::{Epoch, Offset};
use crate::time::Wall;
use std::collections::VecDeque;

/// A run of entries that lies in one file and is deleted as a whole (K13).
#[derive(Clone, Debug)]
pub(super) struct Segment {
    /// The offset of its first record, and its file's name.
    pub base: Offset,
    /// Its entries, in order.
    pub entries: Vec<Entry>,
    /// Bytes of its entries.
    pub bytes: u64,
    /// The largest record time in it.
    pub largest: Wall,
}

impl Segment {
    pub fn new(base: Offset) -> Segment {
        Segment {
            base,
            entries: Vec::new(),
            bytes: 0,
            largest: Wall(i64::MIN),
        }
    }

    /// The offset after its last record.
    pub fn end(&self) -> Offset {
        self.entries.last().map_or(self.base, Entry::end)
    }

    fn push(&mut self, entry: Entry) {
        self.bytes += u64::from(entry.batch.bytes);
        self.largest = self.largest.max(entry.batch.created);
        self.entries.push(entry);
    }

    fn keep(&mut self, entries: usize) {
        let kept = std::mem::take(&mut self.entries);
        *self = Segment::new(self.base);
        for entry in kept.into_iter().take(entries) {
            self.push(entry);
        }
    }
}

/// What a truncation did to the files.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Cut {
    /// Segments that are gone, newest first, by base.
    pub deleted: Vec<Offset>,
    /// The segment that was shortened, and how many entries it kept.
    pub shortened: Option<(Offset, u64)>,
}

/// All segments of a partition.
#[derive(Clone, Debug)]
pub(super) struct Segments {
    /// Invariant: never empty, neighbours meet, and only the last (the active one) may have no entries.
    list: VecDeque<Segment>,
    /// Where each leader epoch begins (K5). Invariant: both columns increase.
    epochs: Vec<(Epoch, Offset)>,
    bytes: u64,
    roll_at: u64,
}

impl Segments {
    /// No records yet; the first will get offset `start`.
    pub fn new(start: Offset, roll_at: u64) -> Segments {
        Segments {
            list: VecDeque::from([Segment::new(start)]),
            epochs: Vec::new(),
            bytes: 0,
            roll_at,
        }
    }

    /// Adds an entry at the end and says in which segment it lies.
    ///
    /// # Panics
    /// If the entry overlaps what is there.
    pub fn append(&mut self, entry: Entry) -> Offset {
        assert!(
            entry.base >= self.end() && entry.batch.count() > 0,
            "an entry at {} does not follow a log that ends at {}",
            entry.base,
            self.end()
        );
        let size = u64::from(entry.batch.bytes);
        let active = self.active();
        if !active.entries.is_empty() && active.bytes + size > self.roll_at {
            self.roll();
        }
        self.extend(entry)
    }

    /// Adds an entry to the active segment, whatever its size.
    pub fn extend(&mut self, entry: Entry) -> Offset {
        let size = u64::from(entry.batch.bytes);
        if self.last_epoch() < Some(entry.epoch) {
            self.epochs.push((entry.epoch, entry.base));
        }
        self.bytes += size;
        let active = self.active();
        active.push(entry);
        active.base
    }

    fn active(&mut self) -> &mut Segment {
        self.list.back_mut().expect("the list is never empty")
    }

    /// Starts a new segment, unless the active one is empty.
    pub fn roll(&mut self) {
        let end = self.end();
        if !self.active().entries.is_empty() {
            self.list.push_back(Segment::new(end));
        }
    }

    /// Starts the segment that begins at `base`, which is where the log ends.
    pub fn begin(&mut self, base: Offset) {
        self.roll();
        self.active().base = base;
    }

    /// The offset that the next record gets.
    pub fn end(&self) -> Offset {
        self.list.back().map_or(Offset(0), Segment::end)
    }

    /// Bytes of all records.
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The segments, oldest first.
    pub const fn list(&self) -> &VecDeque<Segment> {
        &self.list
    }

    /// All entries, oldest first.
    pub fn entries(&self) -> impl DoubleEndedIterator<Item = &Entry> {
        self.list.iter().flat_map(|segment| &segment.entries)
    }

    /// The entries that hold `from` and what follows below `limit`: at most `max_bytes`, but always one.
    /// The second value is their size.
    pub fn read(&self, from: Offset, limit: Offset, max_bytes: u32) -> (Vec<Entry>, u32) {
        let mut found = Vec::new();
        let mut bytes = 0_u32;
        for entry in self.from(from) {
            let more = bytes.saturating_add(entry.batch.bytes);
            if entry.end() > limit || (!found.is_empty() && more > max_bytes) {
                break;
            }
            bytes = more;
            found.push(entry.clone());
        }
        (found, bytes)
    }

    /// Bytes from `from` to `limit`, counted no further than `enough`.
    pub fn available(&self, from: Offset, limit: Offset, enough: u32) -> u32 {
        let mut bytes = 0_u32;
        for entry in self.from(from) {
            if entry.end() > limit || bytes >= enough {
                break;
            }
            bytes = bytes.saturating_add(entry.batch.bytes);
        }
        bytes
    }

    fn from(&self, from: Offset) -> impl Iterator<Item = &Entry> {
        let segment = self
            .list
            .partition_point(|segment| segment.end() <= from)
            .min(self.list.len());
        let skip = self.list.get(segment).map_or(0, |segment| {
            // By where entries begin: where they end stands in their batches, which lie all over the memory.
            let entries = &segment.entries;
            let after = entries.partition_point(|entry| entry.base <= from);
            let holds = after
                .checked_sub(1)
                .filter(|last| entries[*last].end() > from);
            holds.unwrap_or(after)
        });
        self.list
            .range(segment..)
            .flat_map(|segment| &segment.entries)
            .skip(skip)
    }

    /// The first offset at or after `start` whose batch was created at or after `time`.
    pub fn offset_at(&self, time: Wall, start: Offset) -> Option<Offset> {
        self.list
            .iter()
            .filter(|segment| segment.largest >= time)
            .flat_map(|segment| &segment.entries)
            .find(|entry| entry.batch.created >= time && entry.end() > start)
            .map(|entry| entry.base.max(start))
    }

    /// Removes every entry that reaches beyond `to`; nothing if there is none.
    pub fn truncate(&mut self, to: Offset) -> Option<Cut> {
        if self.end() <= to {
            return None;
        }
        let mut cut = Cut::default();
        while self.list.len() > 1 && self.active().base >= to {
            if let Some(gone) = self.list.pop_back() {
                cut.deleted.push(gone.base);
                self.bytes -= gone.bytes;
            }
        }
        let active = self.active();
        let keep = active.entries.partition_point(|entry| entry.end() <= to);
        let (base, before) = (active.base, active.bytes);
        if keep < active.entries.len() {
            active.keep(keep);
            cut.shortened = Some((base, keep as u64));
        }
        self.bytes = self.bytes - before + self.active().bytes;
        let end = self.end();
        while self.epochs.last().is_some_and(|(_, start)| *start >= end) {
            self.epochs.pop();
        }
        Some(cut)
    }

    /// Removes the oldest segment and says where it began and ended. The active one is rolled first.
    pub fn drop_oldest(&mut self) -> Option<(Offset, Offset)> {
        if self.list.len() == 1 {
            self.roll();
        }
        if self.list.len() == 1 {
            return None;
        }
        let gone = self.list.pop_front()?;
        self.bytes -= gone.bytes;
        let start = gone.end();
        // The epoch in which the log begins keeps its entry, moved up; older ones are forgotten.
        let older = self.epochs.partition_point(|(_, at)| *at <= start);
        self.epochs.drain(..older.saturating_sub(1));
        if let Some(first) = self.epochs.first_mut() {
            first.1 = first.1.max(start);
        }
        if self.end() == start {
            self.epochs.clear();
        }
        Some((gone.base, start))
    }

    /// The epoch of the last record.
    pub fn last_epoch(&self) -> Option<Epoch> {
        self.epochs.last().map(|(epoch, _)| *epoch)
    }

    /// The largest epoch not above `asked`, and where it ends (K5). Of an epoch older than the log it says
    /// where the log begins.
    pub fn epoch_end(&self, asked: Epoch) -> (Epoch, Offset) {
        let after = self.epochs.partition_point(|(epoch, _)| *epoch <= asked);
        let end = self.epochs.get(after).map_or(self.end(), |(_, at)| *at);
        match after.checked_sub(1) {
            Some(found) => (self.epochs[found].0, end),
            None => (asked, end),
        }
    }
}
