//! What can keep a command from doing its work, each with its exit code.

use crate::journal::JournalError;
use crate::out::OutError;
use std::path::PathBuf;
use stormglass_scenarios::error::ScenarioError;

/// Why a command could not do its work.
#[derive(Debug, thiserror::Error)]
pub enum Failure {
    /// The scenario is wrong.
    #[error("{0}")]
    Scenario(#[from] Box<ScenarioError>),
    /// The command line is wrong.
    #[error("error: {message}\n  hint: {hint}")]
    Usage {
        /// What is wrong.
        message: String,
        /// What to do.
        hint: String,
    },
    /// Results cannot be written.
    #[error("error: {0}")]
    Out(#[from] OutError),
    /// A list of finished seeds cannot be used.
    #[error("error: {0}")]
    Journal(#[from] JournalError),
    /// A file cannot be written.
    #[error("error: cannot write {path}: {error}")]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        error: std::io::Error,
    },
    /// The console is gone.
    #[error("error: cannot write to the console: {0}")]
    Console(std::io::Error),
}

impl Failure {
    /// A wrong command line.
    pub fn usage(message: impl Into<String>, hint: impl Into<String>) -> Failure {
        Failure::Usage {
            message: message.into(),
            hint: hint.into(),
        }
    }

    /// The exit code: all of these are the user's to mend.
    #[must_use]
    pub const fn code(&self) -> u8 {
        match self {
            Failure::Scenario(_)
            | Failure::Usage { .. }
            | Failure::Out(_)
            | Failure::Journal(_)
            | Failure::File { .. } => 2,
            Failure::Console(_) => 70,
        }
    }
}

impl From<ScenarioError> for Failure {
    fn from(error: ScenarioError) -> Failure {
        Failure::Scenario(Box::new(error))
    }
}
