//! The journal of one queue: appends, group commit, and rewriting when most of it is settled.

use crate::actor::{Connection, Context};
use crate::disk::{DiskRecord, DiskVerb, FileId};
use crate::event::Batch;
use crate::history::Fact;
use crate::id::CallId;
use crate::message::queue::Tag;
use crate::time::Mono;
use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

/// A batch on its way into the queue.
#[derive(Debug)]
pub(super) struct Store {
    /// The broker's number for the publish.
    pub(super) ticket: u64,
    /// The number of its first message.
    pub(super) first: u64,
    pub(super) batch: Arc<Batch>,
}

/// Messages on their way out of it.
#[derive(Debug)]
pub(super) struct Close {
    pub(super) tags: Arc<[Tag]>,
    /// Whether they become dead letters.
    pub(super) is_dead: bool,
    /// Who is to be told, with the number of stale tags.
    pub(super) reply: Option<(Connection, CallId, u32)>,
}

/// What an operation on the journal was for.
#[derive(Debug)]
pub(super) enum Job {
    Scan,
    Truncate,
    Store(Store),
    Close(Close),
    /// A lease is noted; nobody waits for it.
    Note,
    Sync(Vec<Store>),
    Rewrite,
}

/// A journal is rewritten when it has at least this many records, and four times what is needed.
const REWRITE_MIN: usize = 1_024;

/// One file and the operations under way on it.
#[derive(Debug)]
pub(super) struct Journal {
    file: FileId,
    next_token: u64,
    jobs: BTreeMap<u64, Job>,
    /// Appends asked for while the journal waits to be rewritten.
    held: VecDeque<(DiskRecord, Option<Fact>, Job)>,
    /// Batches written and not yet synced.
    written: Vec<Store>,
    is_syncing: bool,
    wants_rewrite: bool,
    /// When the journal is written anew after a failed sync: until then nothing in it is known to be durable.
    mend_at: Option<Mono>,
    records: usize,
}

impl Journal {
    pub(super) const fn new(file: FileId) -> Journal {
        Journal {
            file,
            next_token: 0,
            jobs: BTreeMap::new(),
            held: VecDeque::new(),
            written: Vec::new(),
            is_syncing: false,
            wants_rewrite: false,
            mend_at: None,
            records: 0,
        }
    }

    pub(super) const fn file(&self) -> FileId {
        self.file
    }

    fn ask(&mut self, cx: &mut Context<'_>, verb: DiskVerb, fact: Option<Fact>, job: Job) {
        let token = self.next_token;
        self.next_token += 1;
        cx.disk(self.file, verb, token, fact);
        self.jobs.insert(token, job);
    }

    /// What the operation with this token was for.
    pub(super) fn answered(&mut self, token: u64) -> Option<Job> {
        self.jobs.remove(&token)
    }

    pub(super) fn scan(&mut self, cx: &mut Context<'_>) {
        self.ask(cx, DiskVerb::Scan, None, Job::Scan);
    }

    /// Cuts off whatever lies behind the records read, so that nothing is written behind a torn one.
    pub(super) fn truncate(&mut self, cx: &mut Context<'_>, records: usize) {
        self.records = records;
        let verb = DiskVerb::Truncate {
            records: records as u64,
        };
        self.ask(cx, verb, None, Job::Truncate);
    }

    pub(super) fn append(
        &mut self,
        cx: &mut Context<'_>,
        record: DiskRecord,
        fact: Option<Fact>,
        job: Job,
    ) {
        if self.wants_rewrite {
            self.held.push_back((record, fact, job));
        } else {
            self.records += 1;
            self.ask(cx, DiskVerb::Append(vec![record]), fact, job);
        }
    }

    /// A batch is written; it is synced together with all others that wait by then.
    pub(super) fn sync(&mut self, cx: &mut Context<'_>, store: Store) {
        self.written.push(store);
        self.sync_next(cx);
    }

    fn sync_next(&mut self, cx: &mut Context<'_>) {
        if !self.is_syncing && !self.written.is_empty() {
            self.is_syncing = true;
            let stores = std::mem::take(&mut self.written);
            self.ask(cx, DiskVerb::Sync, None, Job::Sync(stores));
        }
    }

    /// A sync is over.
    pub(super) fn synced(&mut self, cx: &mut Context<'_>) {
        self.is_syncing = false;
        self.sync_next(cx);
    }

    /// A sync has failed. Its pages count as clean now, so that another sync would prove nothing (fsyncgate): all
    /// appends wait until the journal has been written anew, not before `mend_at`. Gives back the batches that
    /// waited for the next sync.
    pub(super) fn broke(&mut self, mend_at: Mono) -> Vec<Store> {
        self.is_syncing = false;
        self.wants_rewrite = true;
        self.mend_at = Some(mend_at);
        std::mem::take(&mut self.written)
    }

    /// When it is to be mended, if it is broken.
    pub(super) const fn mend_at(&self) -> Option<Mono> {
        self.mend_at
    }

    /// Whether the journal should be rewritten in this step, given how many records would be enough. It must be
    /// quiet for that: what is under way is in neither the file nor the ledger. Until it is, appends wait.
    pub(super) fn is_rewrite_due(&mut self, now: Mono, needed: usize) -> bool {
        if self.mend_at.is_some_and(|at| at > now) {
            return false;
        }
        if self.records >= REWRITE_MIN && self.records / 4 >= needed {
            self.wants_rewrite = true;
        }
        self.wants_rewrite && self.jobs.is_empty() && self.written.is_empty()
    }

    /// Replaces the whole journal, then writes what has waited for it.
    pub(super) fn rewrite(&mut self, cx: &mut Context<'_>, records: Vec<DiskRecord>) {
        self.records = records.len();
        self.ask(cx, DiskVerb::Replace(records), None, Job::Rewrite);
        self.wants_rewrite = false;
        self.mend_at = None;
        self.is_syncing = true;
        self.ask(cx, DiskVerb::Sync, None, Job::Sync(Vec::new()));
        while let Some((record, fact, job)) = self.held.pop_front() {
            self.append(cx, record, fact, job);
        }
    }

    /// Records in the file.
    pub(super) const fn len(&self) -> usize {
        self.records
    }
}
