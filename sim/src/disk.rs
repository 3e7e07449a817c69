//! Disks: files of records with a page cache. A process crash keeps the cache; a power loss keeps what was
//! synced (or written back long ago) and a drawn part of the rest, the last record torn if the fault says so.
//!
//! Two chains order the work on a file: writes among themselves, and syncs, each of which waits for the
//! writes asked for before it. A write asked for during a sync does not wait for it; that is what makes group
//! commit possible. Creation, truncation and deletion are journaled by the file system and survive a power loss, so
//! that a file whose records are all lost is still there, and empty;
//! a replacement is durable with the next sync, and a power loss before it leaves the old or the new contents.
//!
//! A sync that fails leaves pages that count as clean and never reach the platter (fsyncgate): the page cache shows
//! them until a power loss, which ends the file before the first of them, whatever was synced behind it. Only a
//! replacement writes them anew.

use crate::profile::DiskProfile;
use std::collections::BTreeMap;
use stormglass_core::disk::{DiskDone, DiskError, DiskOp, DiskRecord, DiskVerb, FileId, FileKind};
use stormglass_core::history::Fact;
use stormglass_core::id::name_hash;
use stormglass_core::rng::{Keyed, scale};
use stormglass_core::time::{Span, Time};

/// One node's disk.
#[derive(Debug)]
pub struct Disk {
    files: BTreeMap<FileId, File>,
    draws: Keyed,
    drawn: u64,
    device_busy: Time,
    bytes: u64,
    bytes_max: u64,
    /// What has been done so far.
    done: Done,
    /// How much longer everything takes, at least 1.
    pub slow_factor: u32,
    /// Whether writes fail for want of space.
    pub full: bool,
    /// Whether syncs fail.
    pub fails_syncs: bool,
    /// Whether facts are kept for as long as their records are, so that a disk that goes bad can say what is gone.
    pub keeps_facts: bool,
}

/// What a disk has done.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Done {
    /// Writes.
    pub writes: u64,
    /// Syncs.
    pub syncs: u64,
    /// Bytes written.
    pub bytes: u64,
}

#[derive(Debug, Default)]
struct File {
    records: Vec<Stored>,
    /// Invariant: `synced <= records.len()`.
    synced: usize,
    /// What a not yet synced replacement replaced.
    replaced: Option<Vec<Stored>>,
    /// Whether a power loss took all that it held: its name is there nevertheless, which tells that something is
    /// missing. A file that was emptied on purpose is as good as none.
    is_bereft: bool,
    /// The first record whose page counts as clean although a sync of it failed: it will never be written, and
    /// reading ends before it after a power loss.
    hole: Option<usize>,
    writes_done: Time,
}

#[derive(Debug)]
struct Stored {
    record: DiskRecord,
    valid: bool,
    written: Time,
    fact: Option<Fact>,
}

impl File {
    /// Forgets the records from `to` on.
    fn cut(&mut self, to: usize) {
        self.records.truncate(to);
        self.synced = self.synced.min(to);
        self.hole = self.hole.filter(|hole| *hole < to);
    }
}

/// Files that a part keeps its data in, of which one may go bad. What a controller's members keep is not among
/// them: Raft rests on stable storage, and a member that finds its log damaged has to be replaced by hand.
const fn is_data(kind: FileKind) -> bool {
    match kind {
        FileKind::Segment
        | FileKind::Journal
        | FileKind::Rows
        | FileKind::Checkpoints
        | FileKind::Custom => true,
        FileKind::RaftLog | FileKind::RaftVote | FileKind::Marks => false,
    }
}

/// What an operation did, besides its reply.
#[derive(Debug, Default)]
pub struct Applied {
    /// The fact of the operation, if it changed the file.
    pub written: Option<Fact>,
    /// Facts of records that have become durable.
    pub durable: Vec<Fact>,
}

impl Disk {
    /// An empty disk; `draws` is its own randomness.
    #[must_use]
    pub fn new(draws: Keyed) -> Disk {
        Disk {
            files: BTreeMap::new(),
            draws,
            drawn: 0,
            device_busy: Time::ZERO,
            bytes: 0,
            bytes_max: 0,
            done: Done::default(),
            slow_factor: 1,
            full: false,
            fails_syncs: false,
            keeps_facts: false,
        }
    }

    /// Modelled bytes on it.
    #[must_use]
    pub const fn bytes(&self) -> u64 {
        self.bytes
    }

    /// The most that it held at once, in modelled bytes.
    #[must_use]
    pub const fn bytes_max(&self) -> u64 {
        self.bytes_max
    }

    /// What it has done so far.
    #[must_use]
    pub const fn done(&self) -> Done {
        self.done
    }

    fn wrote(&mut self, bytes: u64) {
        self.done.writes += 1;
        self.done.bytes += bytes;
    }

    fn draw(&mut self) -> u64 {
        self.drawn += 1;
        self.draws.at(self.drawn)
    }

    /// When an operation asked for at `now` will be done.
    pub fn schedule(&mut self, now: Time, op: &DiskOp, profile: &DiskProfile) -> Time {
        let factor = u64::from(self.slow_factor);
        match &op.verb {
            DiskVerb::Append(records) | DiskVerb::Replace(records) => {
                let bytes: u64 = records.iter().map(|record| u64::from(record.size())).sum();
                let cost = profile.write + Span(bytes * profile.write_byte_picos / 1_000);
                self.chain(now, op.file, cost * factor)
            }
            DiskVerb::Truncate { .. } | DiskVerb::Delete => {
                self.chain(now, op.file, profile.write * factor)
            }
            DiskVerb::Scan => {
                let records = self
                    .files
                    .get(&op.file)
                    .map_or(0, |file| file.records.len() as u64);
                self.chain(
                    now,
                    op.file,
                    (profile.scan + profile.scan_record * records) * factor,
                )
            }
            DiskVerb::List => now + profile.scan * factor,
            DiskVerb::Sync => {
                let word = self.draw();
                let file = self.files.entry(op.file).or_default();
                let dirty: u64 = file.records[file.synced..]
                    .iter()
                    .map(|stored| u64::from(stored.record.size()))
                    .sum();
                let cost = profile.sync.at(word) + Span(dirty * profile.sync_byte_picos / 1_000);
                let start = now.max(file.writes_done).max(self.device_busy);
                self.device_busy = start + cost * factor;
                self.device_busy
            }
        }
    }

    fn chain(&mut self, now: Time, file: FileId, cost: Span) -> Time {
        let file = self.files.entry(file).or_default();
        file.writes_done = now.max(file.writes_done) + cost;
        file.writes_done
    }

    /// Applies an operation at `now`, the instant that [`Disk::schedule`] gave.
    pub fn apply(
        &mut self,
        now: Time,
        op: DiskOp,
        profile: &DiskProfile,
    ) -> (Result<DiskDone, DiskError>, Applied) {
        let mut applied = Applied::default();
        let outcome = match op.verb {
            DiskVerb::Append(records) => {
                let size = sizes(&records);
                if self.full || self.bytes + size > profile.capacity {
                    return (Err(DiskError::Full), applied);
                }
                self.bytes += size;
                self.bytes_max = self.bytes_max.max(self.bytes);
                self.wrote(size);
                let file = self.files.entry(op.file).or_default();
                file.is_bereft = false;
                let last = records.len().saturating_sub(1);
                for (index, record) in records.into_iter().enumerate() {
                    let fact = if index == last { op.fact.clone() } else { None };
                    file.records.push(Stored {
                        record,
                        valid: true,
                        written: now,
                        fact,
                    });
                }
                applied.written = op.fact;
                DiskDone::Done
            }
            DiskVerb::Replace(records) => {
                let size = sizes(&records);
                if self.full || self.bytes + size > profile.capacity {
                    return (Err(DiskError::Full), applied);
                }
                let file = self.files.entry(op.file).or_default();
                let old: u64 = file
                    .records
                    .iter()
                    .map(|stored| u64::from(stored.record.size()))
                    .sum();
                let new = records
                    .into_iter()
                    .map(|record| Stored {
                        record,
                        valid: true,
                        written: now,
                        fact: None,
                    })
                    .collect();
                let replaced = std::mem::replace(&mut file.records, new);
                // Only durable contents can come back, so a second replacement keeps the first's.
                let synced = file.hole.unwrap_or(file.synced).min(file.synced);
                file.replaced.get_or_insert_with(|| {
                    let mut durable = replaced;
                    durable.truncate(synced);
                    durable
                });
                file.synced = 0;
                file.hole = None;
                self.bytes = self.bytes + size - old;
                self.bytes_max = self.bytes_max.max(self.bytes);
                self.wrote(size);
                applied.written = op.fact;
                DiskDone::Done
            }
            DiskVerb::Truncate { records } => {
                if let Some(file) = self.files.get_mut(&op.file) {
                    let keep = (records as usize).min(file.records.len());
                    let cut: u64 = file.records[keep..]
                        .iter()
                        .map(|stored| u64::from(stored.record.size()))
                        .sum();
                    file.cut(keep);
                    self.bytes -= cut;
                }
                applied.written = op.fact;
                DiskDone::Done
            }
            DiskVerb::Delete => {
                if let Some(file) = self.files.remove(&op.file) {
                    self.bytes -= file
                        .records
                        .iter()
                        .map(|stored| u64::from(stored.record.size()))
                        .sum::<u64>();
                }
                applied.written = op.fact;
                DiskDone::Done
            }
            DiskVerb::Sync => {
                self.done.syncs += 1;
                if self.fails_syncs {
                    if let Some(file) = self.files.get_mut(&op.file) {
                        if file.synced < file.records.len() {
                            file.hole.get_or_insert(file.synced);
                        }
                        file.synced = file.records.len();
                    }
                    return (Err(DiskError::Failed), applied);
                }
                if let Some(file) = self.files.get_mut(&op.file) {
                    let readable = file.hole.unwrap_or(file.records.len());
                    let from = file.synced.min(readable);
                    for stored in &mut file.records[from..readable] {
                        if self.keeps_facts {
                            applied.durable.extend(stored.fact.clone());
                        } else {
                            applied.durable.extend(stored.fact.take());
                        }
                    }
                    file.synced = file.records.len();
                    file.replaced = None;
                }
                if self.full {
                    // The blocks were there already; what had no space is the next write's to learn.
                    return (Err(DiskError::Failed), applied);
                }
                DiskDone::Done
            }
            DiskVerb::Scan => {
                let records = self.files.get(&op.file).map_or_else(Vec::new, |file| {
                    file.records
                        .iter()
                        .take_while(|stored| stored.valid)
                        .map(|stored| stored.record.clone())
                        .collect()
                });
                DiskDone::Scanned(records)
            }
            DiskVerb::List => DiskDone::Listed(
                self.files
                    .iter()
                    .filter(|(id, _)| id.kind == op.file.kind)
                    .filter(|(_, file)| file.is_bereft || !file.records.is_empty())
                    .map(|(id, _)| *id)
                    .collect(),
            ),
        };
        (Ok(outcome), applied)
    }

    /// The process died: operations under way are the World's to drop, the rest stays.
    pub fn process_crash(&mut self, now: Time) {
        self.device_busy = now;
        for file in self.files.values_mut() {
            file.writes_done = now;
            // Reading stops at the first invalid record, so what lies behind one is gone for good.
            if let Some(first) = file.records.iter().position(|stored| !stored.valid) {
                file.cut(first);
            }
        }
        self.recount();
    }

    /// The power went: gives back the facts of the records that are gone.
    pub fn power_loss(&mut self, now: Time, torn: bool, profile: &DiskProfile) -> Vec<Fact> {
        let mut lost = Vec::new();
        let draws = self.draws.derive(now.0);
        for (number, file) in self.files.values_mut().enumerate() {
            let word = draws.at(number as u64);
            file.writes_done = now;
            let had_any = !file.records.is_empty();
            if let Some(old) = file.replaced.take() {
                if word & 1 == 0 {
                    file.records = old;
                }
                file.synced = file.records.len();
                continue;
            }
            let old_enough = file.records[file.synced..]
                .iter()
                .take_while(|stored| now.since(stored.written) >= profile.write_back)
                .count();
            let safe = file.synced + old_enough;
            let dirty = file.records.len() - safe;
            let keep = safe + scale(word, dirty as u64 + 1) as usize;
            let keep = file.hole.take().unwrap_or(keep).min(keep);
            let gone = file.records.split_off(keep);
            if torn
                && keep > safe
                && !gone.is_empty()
                && let Some(last) = file.records.last_mut()
            {
                last.valid = false;
                lost.extend(last.fact.take());
            }
            lost.extend(gone.into_iter().filter_map(|stored| stored.fact));
            // What is on the platter after the reboot is durable: it was read back from there.
            if let Some(first) = file.records.iter().position(|stored| !stored.valid) {
                file.records.truncate(first);
            }
            if !self.keeps_facts {
                for stored in &mut file.records {
                    stored.fact = None;
                }
            }
            file.synced = file.records.len();
            file.is_bereft |= had_any && file.records.is_empty();
        }
        self.device_busy = now;
        self.recount();
        lost
    }

    /// A bit flips in a drawn record of a drawn file of data, and a checksum says so when it is read next: it and
    /// what lies behind it are gone. Gives back their facts; none if the disk holds no data.
    pub fn corrupt(&mut self, now: Time) -> Option<Vec<Fact>> {
        let draws = self.draws.derive(name_hash("corrupt")).derive(now.0);
        let has_data =
            |(id, file): &(&FileId, &mut File)| is_data(id.kind) && !file.records.is_empty();
        let mut files: Vec<(&FileId, &mut File)> = self.files.iter_mut().filter(has_data).collect();
        let chosen = scale(draws.at(0), files.len() as u64) as usize;
        let (_, file) = files.get_mut(chosen)?;
        let first = scale(draws.at(1), file.records.len() as u64) as usize;
        let gone = file.records.split_off(first);
        file.cut(first);
        file.is_bereft |= file.records.is_empty();
        let facts = gone.into_iter().filter_map(|stored| stored.fact).collect();
        self.recount();
        Some(facts)
    }

    fn recount(&mut self) {
        self.bytes = self
            .files
            .values()
            .flat_map(|file| &file.records)
            .map(|stored| u64::from(stored.record.size()))
            .sum();
    }
}

fn sizes(records: &[DiskRecord]) -> u64 {
    records.iter().map(|record| u64::from(record.size())).sum()
}

#[cfg(test)]
mod tests;
