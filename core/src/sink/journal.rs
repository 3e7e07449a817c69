//! One file of records under a database: recovered by a scan, extended by appends with a sync for many,
//! and written anew where a failed device leaves its contents in doubt.

use crate::actor::Context;
use crate::disk::{DiskDone, DiskError, DiskRecord, DiskReply, DiskVerb, FileId};
use crate::history::Fact;

#[derive(Debug, PartialEq, Eq)]
enum State {
    /// Nothing is known of the file.
    Closed,
    /// A scan is under way.
    Scanning,
    Idle,
    /// Appends are under way; what came of those that are answered.
    Appending {
        asked: usize,
        results: Vec<Result<(), DiskError>>,
    },
    /// A sync is under way; answers before it are of verbs that it covers.
    Syncing,
    /// The contents are in doubt until they have been written anew.
    Broken,
}

/// What an answer of the disk means to the owner.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Progress {
    /// Nothing yet.
    Nothing,
    /// The file's records, in order; `Durable` follows, and then the journal is idle.
    Loaded(Vec<DiskRecord>),
    /// The appends are in the page cache, or not, each by itself. The journal is idle.
    Written(Vec<Result<(), DiskError>>),
    /// Everything is durable. The journal is idle.
    Durable,
    /// The device failed: wait, then [`Journal::retry`].
    Failed,
}

/// The file and what is under way with it.
#[derive(Debug)]
pub(crate) struct Journal {
    file: FileId,
    state: State,
    /// Invariant: replies to operations with a smaller token are of the past.
    token: u64,
    loaded: bool,
}

impl Journal {
    /// A journal in `file`, not opened yet.
    pub(crate) fn new(file: FileId) -> Journal {
        Journal {
            file,
            state: State::Closed,
            token: 0,
            loaded: false,
        }
    }

    /// Whether the next work may be given.
    pub(crate) fn is_idle(&self) -> bool {
        self.state == State::Idle
    }

    /// Whether the contents have been read.
    pub(crate) fn is_loaded(&self) -> bool {
        self.loaded
    }

    fn next_token(&mut self) -> u64 {
        self.token += 1;
        self.token
    }

    /// Reads the file.
    pub(crate) fn open(&mut self, cx: &mut Context<'_>) {
        assert!(!self.loaded, "a journal is read once");
        self.state = State::Scanning;
        let token = self.next_token();
        cx.disk(self.file, DiskVerb::Scan, token, None);
    }

    /// Appends records, each an operation with its own fact, so that one can fail without the others.
    pub(crate) fn append(
        &mut self,
        cx: &mut Context<'_>,
        records: Vec<(DiskRecord, Option<Fact>)>,
    ) {
        assert!(self.is_idle(), "{:?} was asked to append", self.state);
        self.state = State::Appending {
            asked: records.len(),
            results: Vec::with_capacity(records.len()),
        };
        let token = self.next_token();
        for (record, fact) in records {
            cx.disk(self.file, DiskVerb::Append(vec![record]), token, fact);
        }
    }

    /// Makes what was appended durable.
    pub(crate) fn sync(&mut self, cx: &mut Context<'_>) {
        assert!(self.is_idle(), "{:?} was asked to sync", self.state);
        self.state = State::Syncing;
        let token = self.next_token();
        cx.disk(self.file, DiskVerb::Sync, token, None);
    }

    /// Replaces the contents durably.
    pub(crate) fn rewrite(&mut self, cx: &mut Context<'_>, records: Vec<DiskRecord>) {
        self.state = State::Syncing;
        let replace = self.next_token();
        cx.disk(self.file, DiskVerb::Replace(records), replace, None);
        let sync = self.next_token();
        cx.disk(self.file, DiskVerb::Sync, sync, None);
    }

    /// The owner knows that the contents are in doubt; [`Journal::retry`] mends them.
    pub(crate) fn distrust(&mut self) {
        self.state = State::Broken;
    }

    /// After a failure: reads the file if that has not succeeded yet, else writes it anew.
    pub(crate) fn retry(&mut self, cx: &mut Context<'_>, contents: Vec<DiskRecord>) {
        if self.state != State::Broken {
            return;
        }
        if self.loaded {
            self.rewrite(cx, contents);
        } else {
            self.open(cx);
        }
    }

    /// An answer of the disk.
    pub(crate) fn on_disk(&mut self, cx: &mut Context<'_>, reply: DiskReply) -> Progress {
        assert_eq!(reply.file, self.file, "a journal owns one file");
        match (&mut self.state, reply.outcome) {
            (State::Scanning, Ok(DiskDone::Scanned(records))) => {
                self.loaded = true;
                // What lies behind a torn record would hide all that is appended after it.
                let valid = records.len() as u64;
                self.state = State::Syncing;
                let token = self.next_token();
                cx.disk(
                    self.file,
                    DiskVerb::Truncate { records: valid },
                    token,
                    None,
                );
                let token = self.next_token();
                cx.disk(self.file, DiskVerb::Sync, token, None);
                Progress::Loaded(records)
            }
            (State::Scanning, Err(_)) => self.broken(),
            (State::Appending { asked, results }, outcome) if reply.token == self.token => {
                results.push(outcome.map(|_| ()));
                if results.len() < *asked {
                    return Progress::Nothing;
                }
                let results = std::mem::take(results);
                self.state = State::Idle;
                Progress::Written(results)
            }
            // A truncation or replacement that fails is followed by its sync, which must not pass for it.
            (State::Syncing, Err(_)) => self.broken(),
            (State::Syncing, Ok(_)) if reply.token == self.token => {
                self.state = State::Idle;
                Progress::Durable
            }
            (
                State::Closed
                | State::Scanning
                | State::Idle
                | State::Appending { .. }
                | State::Syncing
                | State::Broken,
                _,
            ) => Progress::Nothing,
        }
    }

    fn broken(&mut self) -> Progress {
        self.state = State::Broken;
        Progress::Failed
    }
}
