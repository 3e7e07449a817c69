//! Persist before send: a member's two files, and the messages that wait for them.
//!
//! Writes go to the page cache at once; one sync a file is under way at a time and covers all writes asked
//! before it (group commit). A message that speaks of what was written is held until the syncs that cover
//! it are done, so that no power loss can take back what a peer was told.

use super::log::Log;
use crate::actor::{Connection, Context};
use crate::disk::{DiskDone, DiskRecord, DiskReply, DiskVerb, FileId};
use crate::message::raft::{RaftEntry, RaftMessage, Term};
use std::collections::VecDeque;

/// What waits for the disk.
#[derive(Clone, Debug)]
pub(super) enum Held {
    /// A message to a peer over this member's own connection.
    ToPeer(u16, RaftMessage),
    /// An answer over the connection on which the question came.
    Answer(Connection, RaftMessage),
    /// This member's vote for itself: it counts like any other, so only when it is durable.
    OwnVote,
}

/// What the owner of the storage learns from a reply of the disk.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Progress {
    /// Nothing to act on.
    Nothing,
    /// Both files have been read and written anew: the member may take part.
    Ready,
    /// More is durable than before.
    Durable,
    /// A write or a sync failed: nothing may be said until all is written anew.
    Failed,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Phase {
    /// Reading the files after a boot.
    Scanning,
    /// Writing both files whole. After a boot this drops a torn tail and makes durable what a scan has seen
    /// in the page cache only; after a failed sync it is the only way to make the same pages dirty again.
    Rewriting,
    Ready,
    Failed,
}

/// Writes to one file, counted.
#[derive(Debug)]
struct Writes {
    file: FileId,
    asked: u64,
    syncing: Option<u64>,
    synced: u64,
}

const SCAN: u64 = 0;
const WRITE: u64 = 1;
const SYNC: u64 = 2;

impl Writes {
    fn new(file: FileId) -> Writes {
        Writes {
            file,
            asked: 0,
            syncing: None,
            synced: 0,
        }
    }

    fn write(&mut self, cx: &mut Context<'_>, round: u64, verb: DiskVerb) {
        cx.disk(self.file, verb, round << 2 | WRITE, None);
        self.asked += 1;
    }

    /// Starts a sync unless one is under way or nothing is unsynced; tells whether it did.
    fn sync(&mut self, cx: &mut Context<'_>, round: u64) -> bool {
        if self.syncing.is_some() || self.asked == self.synced {
            return false;
        }
        cx.disk(self.file, DiskVerb::Sync, round << 2 | SYNC, None);
        self.syncing = Some(self.asked);
        true
    }

    fn is_clean(&self) -> bool {
        self.asked == self.synced
    }
}

/// The files of a member.
#[derive(Debug)]
pub(super) struct Storage {
    phase: Phase,
    /// Replies of an earlier round speak of writes that a later one has replaced.
    round: u64,
    log: Writes,
    vote: Writes,
    scanned_log: Option<Vec<RaftEntry>>,
    scanned_vote: Option<(Term, Option<u16>)>,
    /// The last index that is durable.
    durable_index: u64,
    /// The last index that the sync under way covers.
    covered_index: u64,
    /// In the order asked; marks never decrease along it.
    held: VecDeque<(u64, u64, Held)>,
}

impl Storage {
    pub(super) fn new(log: FileId, vote: FileId) -> Storage {
        assert_ne!(log, vote, "the log and the vote need a file each");
        Storage {
            phase: Phase::Scanning,
            round: 0,
            log: Writes::new(log),
            vote: Writes::new(vote),
            scanned_log: None,
            scanned_vote: None,
            durable_index: 0,
            covered_index: 0,
            held: VecDeque::new(),
        }
    }

    /// Reads both files; again, if reading failed.
    pub(super) fn scan(&mut self, cx: &mut Context<'_>) {
        self.phase = Phase::Scanning;
        self.round += 1;
        for file in [self.log.file, self.vote.file] {
            cx.disk(file, DiskVerb::Scan, self.round << 2 | SCAN, None);
        }
    }

    pub(super) fn is_ready(&self) -> bool {
        self.phase == Phase::Ready
    }

    pub(super) fn is_failed(&self) -> bool {
        self.phase == Phase::Failed
    }

    pub(super) fn owns(&self, file: FileId) -> bool {
        file == self.log.file || file == self.vote.file
    }

    pub(super) fn durable_index(&self) -> u64 {
        self.durable_index
    }

    /// What the scans have found, once both have answered.
    pub(super) fn take_scanned(&mut self) -> Option<(Log, Term, Option<u16>)> {
        if self.scanned_log.is_none() || self.scanned_vote.is_none() {
            return None;
        }
        let entries = self.scanned_log.take()?;
        let (term, voted_for) = self.scanned_vote.take()?;
        Some((Log::new(entries), term, voted_for))
    }

    /// Writes both files whole.
    pub(super) fn rewrite(
        &mut self,
        cx: &mut Context<'_>,
        log: &Log,
        term: Term,
        voted_for: Option<u16>,
    ) {
        assert_ne!(self.phase, Phase::Ready, "only unsure files are rewritten");
        self.phase = Phase::Rewriting;
        self.round += 1;
        self.log.syncing = None;
        self.vote.syncing = None;
        let records = log.entries().iter().copied().map(DiskRecord::Raft);
        let records = DiskVerb::Replace(records.collect());
        self.log.write(cx, self.round, records);
        self.durable_index = 0;
        self.sync_log(cx, log.last_index());
        self.save_vote(cx, term, voted_for);
    }

    pub(super) fn save_vote(&mut self, cx: &mut Context<'_>, term: Term, voted_for: Option<u16>) {
        let record = DiskRecord::Vote { term, voted_for };
        self.vote
            .write(cx, self.round, DiskVerb::Replace(vec![record]));
        self.vote.sync(cx, self.round);
    }

    /// Cuts the file after `index` and adds `entries`; the log in memory ends at `last_index` then.
    pub(super) fn save_log(
        &mut self,
        cx: &mut Context<'_>,
        cut_after: Option<u64>,
        entries: &[RaftEntry],
        last_index: u64,
    ) {
        if let Some(records) = cut_after {
            self.log
                .write(cx, self.round, DiskVerb::Truncate { records });
            self.durable_index = self.durable_index.min(records);
            self.covered_index = self.covered_index.min(records);
        }
        if !entries.is_empty() {
            let records = entries.iter().copied().map(DiskRecord::Raft).collect();
            self.log.write(cx, self.round, DiskVerb::Append(records));
        }
        self.sync_log(cx, last_index);
    }

    fn sync_log(&mut self, cx: &mut Context<'_>, last_index: u64) {
        if self.log.sync(cx, self.round) {
            self.covered_index = last_index;
        }
    }

    /// Takes a reply of the disk; `last_index` is where the log in memory ends.
    pub(super) fn on_reply(
        &mut self,
        cx: &mut Context<'_>,
        reply: &DiskReply,
        last_index: u64,
    ) -> Progress {
        let (round, kind) = (reply.token >> 2, reply.token & 3);
        if round != self.round || self.phase == Phase::Failed {
            return Progress::Nothing;
        }
        match &reply.outcome {
            Err(_) => {
                self.phase = Phase::Failed;
                self.held.clear();
                Progress::Failed
            }
            Ok(DiskDone::Scanned(records)) => {
                self.scanned(reply.file, records);
                Progress::Nothing
            }
            Ok(DiskDone::Done) if kind == SYNC => self.synced(cx, reply.file, last_index),
            Ok(DiskDone::Done | DiskDone::Listed(_)) => Progress::Nothing,
        }
    }

    fn scanned(&mut self, file: FileId, records: &[DiskRecord]) {
        if file == self.log.file {
            let entries = records.iter().map_while(raft_entry).collect();
            self.scanned_log = Some(entries);
        } else {
            let vote = records.iter().rev().find_map(vote_of).unwrap_or((0, None));
            self.scanned_vote = Some(vote);
        }
    }

    fn synced(&mut self, cx: &mut Context<'_>, file: FileId, last_index: u64) -> Progress {
        let writes = if file == self.log.file {
            &mut self.log
        } else {
            &mut self.vote
        };
        let covered = writes.syncing.take();
        writes.synced = covered.expect("a sync of this round answers one that was asked");
        if file == self.log.file {
            self.durable_index = self.covered_index;
            self.sync_log(cx, last_index);
        } else {
            self.vote.sync(cx, self.round);
        }
        if self.phase == Phase::Rewriting && self.log.is_clean() && self.vote.is_clean() {
            self.phase = Phase::Ready;
            return Progress::Ready;
        }
        Progress::Durable
    }

    /// Keeps `held` until all that has been written so far is durable.
    pub(super) fn hold(&mut self, held: Held) {
        assert_eq!(self.phase, Phase::Ready, "an unsure member says nothing");
        self.held.push_back((self.log.asked, self.vote.asked, held));
    }

    /// The next thing whose writes are durable.
    pub(super) fn release(&mut self) -> Option<Held> {
        let (log, vote, _) = self.held.front()?;
        if *log > self.log.synced || *vote > self.vote.synced {
            return None;
        }
        self.held.pop_front().map(|(_, _, held)| held)
    }

    /// Forgets what is held: it belongs to a term that is over.
    pub(super) fn drop_held(&mut self) {
        self.held.clear();
    }
}

fn raft_entry(record: &DiskRecord) -> Option<RaftEntry> {
    if let DiskRecord::Raft(entry) = record {
        Some(*entry)
    } else {
        None
    }
}

fn vote_of(record: &DiskRecord) -> Option<(Term, Option<u16>)> {
    if let DiskRecord::Vote { term, voted_for } = record {
        Some((*term, *voted_for))
    } else {
        None
    }
}
