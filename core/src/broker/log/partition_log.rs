//! One partition's log on one node: the segments in memory and their files, kept in step. What is appended
//! gets its offset at once; it counts (for acknowledgements, followers and consumers) when the disk has it
//! in its page cache, and with `flush_interval_batches` when the sync is done.

use crate::actor::Context;
use crate::broker::log::producers::Producers;
use crate::broker::log::segments::{Cut, Segments};
use crate::broker::log::storage::{self, Found, Marks, Ticket, segment_file};
use crate::disk::{DiskRecord, DiskVerb};
use crate::event::{Batch, Entry, Event, Records};
use crate::history::Fact;
use crate::id::{Epoch, Offset, Partition};
use crate::part::OFFSETS_TOPIC;
use std::collections::VecDeque;
use std::sync::Arc;

/// How a log uses its disk.
#[derive(Clone, Copy, Debug)]
pub(super) struct LogSettings {
    /// Bytes at which a segment is rolled.
    pub roll_at: u64,
    /// Sync after so many batches, 0 never.
    pub flush_interval: u32,
    /// Which life of the logs: appends of an earlier one may still be answered.
    pub life: u32,
    /// Whether now and then a fact names another batch (`LogFlaw::LieInFacts`).
    pub lies: bool,
}

/// Every so many appends a lying broker lies.
const LIE_EVERY: u64 = 16;

/// Segments of the internal topic are small, so that superseded positions can go (Kafka sets them apart too,
/// as `offsets.topic.segment.bytes`).
const POSITIONS_ROLL_AT: u64 = 16 << 10;

fn roll_at(partition: Partition, settings: LogSettings) -> u64 {
    if partition.topic == OFFSETS_TOPIC {
        settings.roll_at.min(POSITIONS_ROLL_AT)
    } else {
        settings.roll_at
    }
}

/// Numbers of appends carry the life of the log above this bit.
const LIFE: u32 = 40;

#[derive(Clone, Copy, Debug)]
struct Pending {
    /// The log's end once it is written.
    end: Offset,
    /// Answers of the disk still to come: the append's, perhaps a sync's.
    left: u8,
}

/// The log.
#[derive(Debug)]
pub(super) struct PartitionLog {
    partition: Partition,
    segments: Segments,
    /// Idempotent producers, as of the log's end.
    pub producers: Producers,
    start: Offset,
    /// Everything below is in the page cache (and synced where that is asked for).
    written: Offset,
    /// Appends that the disk has not answered, in order; the first one's number is `first_pending`.
    pending: VecDeque<Pending>,
    first_pending: u64,
    since_sync: u32,
}

impl PartitionLog {
    /// The log as the disk holds it. What does not follow on what precedes it is cut off, and so is a torn
    /// record behind the last valid one.
    pub fn recover(
        cx: &mut Context<'_>,
        partition: Partition,
        found: Found,
        settings: LogSettings,
    ) -> PartitionLog {
        let first = found.segments.keys().next().copied();
        let start = found.marks.start.max(first.unwrap_or_default());
        let mut segments = Segments::new(first.unwrap_or(start), roll_at(partition, settings));
        let mut broken = false;
        let last = found.segments.keys().next_back().copied();
        for (base, entries) in found.segments {
            let file = segment_file(partition, base);
            let from = segments.end();
            let gone = || Some(Fact::Truncated { partition, from });
            if broken || base != segments.end() {
                broken = true;
                cx.disk(file, DiskVerb::Delete, Ticket::Upkeep.token(), gone());
                continue;
            }
            segments.begin(base);
            let read = entries.len() as u64;
            let mut kept = 0;
            for entry in entries {
                if entry.base != segments.end() || entry.batch.count() == 0 {
                    break;
                }
                segments.extend(entry);
                kept += 1;
            }
            broken = kept < read;
            if broken || Some(base) == last {
                let from = segments.end();
                let fact = broken.then_some(Fact::Truncated { partition, from });
                let verb = DiskVerb::Truncate { records: kept };
                cx.disk(file, verb, Ticket::Upkeep.token(), fact);
            }
        }
        let mut producers = Producers::default();
        producers.rebuild(segments.entries());
        // A power loss may have taken records above the marked start.
        let start = start.min(segments.end());
        PartitionLog {
            partition,
            written: segments.end(),
            segments,
            producers,
            start,
            pending: VecDeque::new(),
            first_pending: u64::from(settings.life) << LIFE,
            since_sync: 0,
        }
    }

    /// Which partition it is.
    pub const fn partition(&self) -> Partition {
        self.partition
    }

    /// The first offset that retention has left.
    pub const fn start(&self) -> Offset {
        self.start
    }

    /// The offset that the next record gets.
    pub fn end(&self) -> Offset {
        self.segments.end()
    }

    /// Everything below has reached the disk: the log end offset that others see.
    pub const fn written(&self) -> Offset {
        self.written
    }

    /// The records, for reading.
    pub const fn segments(&self) -> &Segments {
        &self.segments
    }

    /// Appends an entry; the reply of the disk goes to [`PartitionLog::wrote`].
    pub fn append(&mut self, cx: &mut Context<'_>, entry: Entry, settings: LogSettings) {
        let number = self.first_pending + self.pending.len() as u64;
        self.producers.note(&entry);
        let partition = self.partition;
        let told = if settings.lies && number % LIE_EVERY == LIE_EVERY - 1 {
            Entry {
                batch: Arc::new(altered(&entry.batch)),
                ..entry.clone()
            }
        } else {
            entry.clone()
        };
        let fact = Fact::Appended {
            partition,
            entry: told,
        };
        let base = self.segments.append(entry.clone());
        let file = segment_file(partition, base);
        let end = entry.end();
        let verb = DiskVerb::Append(vec![DiskRecord::Entry(entry)]);
        cx.disk(file, verb, Ticket::Append(number).token(), Some(fact));
        let mut left = 1;
        self.since_sync += 1;
        if self.since_sync == settings.flush_interval {
            self.since_sync = 0;
            left = 2;
            cx.disk(file, DiskVerb::Sync, Ticket::Sync(number).token(), None);
        }
        self.pending.push_back(Pending { end, left });
    }

    /// The disk has done what append `number` asked for; whether more of the log counts. Answers to appends
    /// of an earlier life count for nothing.
    pub fn wrote(&mut self, number: u64) -> bool {
        let before = self.written;
        let at = number.checked_sub(self.first_pending);
        let Some(pending) = at.and_then(|at| self.pending.get_mut(at as usize)) else {
            return false;
        };
        pending.left -= 1;
        while let Some(first) = self.pending.front().filter(|first| first.left == 0) {
            self.written = self.written.max(first.end);
            self.pending.pop_front();
            self.first_pending += 1;
        }
        self.written > before
    }

    /// Whether the disk owes answers to appends.
    pub fn is_writing(&self) -> bool {
        !self.pending.is_empty()
    }

    /// Where the log ends with append `number`.
    pub fn end_of(&self, number: u64) -> Option<Offset> {
        let at = number.checked_sub(self.first_pending)?;
        self.pending.get(at as usize).map(|pending| pending.end)
    }

    /// Cuts everything from `to` on (K5), in memory and on disk. Whether there was anything.
    pub fn truncate(&mut self, cx: &mut Context<'_>, to: Offset) -> bool {
        let Some(cut) = self.segments.truncate(to) else {
            return false;
        };
        let end = self.segments.end();
        self.written = self.written.min(end);
        self.start = self.start.min(end);
        for pending in &mut self.pending {
            pending.end = pending.end.min(end);
        }
        self.producers.rebuild(self.segments.entries());
        self.cut_files(cx, cut, end);
        // An empty file is not listed after a boot.
        if self.segments.entries().next().is_none() {
            storage::mark_start(cx, self.partition, end, false);
        }
        true
    }

    fn cut_files(&self, cx: &mut Context<'_>, cut: Cut, from: Offset) {
        let partition = self.partition;
        let token = Ticket::Upkeep.token();
        let mut fact = Some(Fact::Truncated { partition, from });
        for base in cut.deleted {
            let file = segment_file(partition, base);
            cx.disk(file, DiskVerb::Delete, token, fact.take());
        }
        if let Some((base, records)) = cut.shortened {
            let file = segment_file(partition, base);
            cx.disk(file, DiskVerb::Truncate { records }, token, fact.take());
        }
    }

    /// Drops what lies below `start`: whole segments, and within the next one readers begin later. Whether
    /// anything changed.
    pub fn advance_start(&mut self, cx: &mut Context<'_>, start: Offset) -> bool {
        if start <= self.start {
            return false;
        }
        let start = start.min(self.end());
        let mut on_disk = false;
        while let Some(oldest) = self.segments.list().front()
            && oldest.end() <= start
            && !oldest.entries.is_empty()
        {
            on_disk = self.drop_oldest(cx) == Some(start);
        }
        self.start = start;
        // An empty log has no file left that would tell where it ends.
        if !on_disk || self.end() == start {
            storage::mark_start(cx, self.partition, start, !on_disk);
        }
        true
    }

    fn drop_oldest(&mut self, cx: &mut Context<'_>) -> Option<Offset> {
        let (base, start) = self.segments.drop_oldest()?;
        let partition = self.partition;
        let fact = Fact::LogStart { partition, start };
        let file = segment_file(partition, base);
        cx.disk(file, DiskVerb::Delete, Ticket::Upkeep.token(), Some(fact));
        Some(start)
    }

    /// Throws everything away and begins anew at `start`: the leader has nothing older (K13).
    pub fn restart_at(&mut self, cx: &mut Context<'_>, start: Offset, settings: LogSettings) {
        let token = Ticket::Upkeep.token();
        for segment in self.segments.list() {
            let file = segment_file(self.partition, segment.base);
            cx.disk(file, DiskVerb::Delete, token, None);
        }
        self.segments = Segments::new(start, roll_at(self.partition, settings));
        self.producers.expire();
        self.start = start;
        self.written = start;
        for pending in &mut self.pending {
            pending.end = start;
        }
        storage::mark_start(cx, self.partition, start, true);
    }

    /// The epoch of the last record.
    pub fn last_epoch(&self) -> Option<Epoch> {
        self.segments.last_epoch()
    }

    /// What the marks file should say.
    pub const fn marks(&self, high_watermark: Offset) -> Marks {
        Marks {
            start: self.start,
            high_watermark,
        }
    }
}

/// Another batch of the same shape: its first event says something else.
fn altered(batch: &Batch) -> Batch {
    match &batch.records {
        Records::Events(events) => {
            let mut events: Vec<Event> = events.to_vec();
            if let Some(first) = events.first_mut() {
                first.value ^= 1;
            }
            Batch::of_events(events.into(), batch.producer, batch.created)
        }
        Records::Offsets(_) => batch.clone(),
    }
}
