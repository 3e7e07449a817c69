//! Why a list of seeds cannot be used.

use crate::out::OutError;
use std::io;
use std::path::PathBuf;

/// Why a list of seeds cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum JournalError {
    /// It cannot be written.
    #[error("{0}")]
    Out(#[from] OutError),
    /// It cannot be read.
    #[error(
        "cannot read {path}: {error}\n  hint: name a folder in which `run` or `gate` has left seeds.ndjson"
    )]
    Unreadable {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: io::Error,
    },
    /// Another process is at it.
    #[error(
        "{0} is being written by another process\n  hint: wait for it, or choose another folder with --out DIR"
    )]
    Busy(PathBuf),
    /// It is no such list.
    #[error("{path} is no list of seeds that this version can read: {why}\n  hint: {HINT}")]
    Foreign {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// It is of another sweep.
    #[error("{path} is of another sweep: {what} is {there} there and {here} here\n  hint: {HINT}")]
    Other {
        /// Which.
        path: PathBuf,
        /// In what it differs.
        what: &'static str,
        /// What it says.
        there: String,
        /// What it would have to say.
        here: String,
    },
    /// A line in it is no line of ours.
    #[error("{path}:{line}: the line is damaged: {why}\n  hint: {HINT}")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// Which line, from 1 on.
        line: u64,
        /// What is wrong.
        why: String,
    },
}

const HINT: &str = "run that sweep again without --resume, or choose another folder";
