//! The entries a member holds in memory: the same, in the same order, as the records of its log file.

use crate::message::raft::{RaftEntry, Term};
use std::sync::Arc;

/// Entries numbered from 1.
#[derive(Clone, Debug, Default)]
pub(super) struct Log {
    entries: Vec<RaftEntry>,
}

impl Log {
    pub(super) fn new(entries: Vec<RaftEntry>) -> Log {
        Log { entries }
    }

    /// The index of the last entry, 0 if there is none.
    pub(super) fn last_index(&self) -> u64 {
        self.entries.len() as u64
    }

    pub(super) fn last_term(&self) -> Term {
        self.entries.last().map_or(0, |entry| entry.term)
    }

    /// The term at `index`; 0 at index 0, none past the end.
    pub(super) fn term_at(&self, index: u64) -> Option<Term> {
        match index {
            0 => Some(0),
            index => self.get(index).map(|entry| entry.term),
        }
    }

    pub(super) fn get(&self, index: u64) -> Option<&RaftEntry> {
        let position = index.checked_sub(1)?;
        self.entries.get(position as usize)
    }

    pub(super) fn entries(&self) -> &[RaftEntry] {
        &self.entries
    }

    /// At most `max` entries from index `from` on.
    pub(super) fn batch(&self, from: u64, max: usize) -> Arc<[RaftEntry]> {
        let start = (from as usize - 1).min(self.entries.len());
        let end = (start + max).min(self.entries.len());
        match &self.entries[start..end] {
            // Most messages are heartbeats: an empty list takes no memory of its own.
            [] => Arc::default(),
            entries => Arc::from(entries),
        }
    }

    pub(super) fn append(&mut self, entries: &[RaftEntry]) {
        self.entries.extend_from_slice(entries);
    }

    /// Keeps the entries up to `index`.
    pub(super) fn truncate(&mut self, index: u64) {
        self.entries.truncate(index as usize);
    }

    /// The first index of the run of entries that share the term at `index`: a leader that disagrees there
    /// need not try the rest of the run (Raft, end of section 5.3).
    pub(super) fn run_start(&self, index: u64) -> u64 {
        let term = self.term_at(index);
        let mut start = index;
        while start > 1 && self.term_at(start - 1) == term {
            start -= 1;
        }
        start
    }

    /// Whether a log that ends with (`last_term`, `last_index`) holds all that this one may have committed
    /// (Raft, section 5.4.1).
    pub(super) fn is_covered_by(&self, last_term: Term, last_index: u64) -> bool {
        (last_term, last_index) >= (self.last_term(), self.last_index())
    }
}
