//! The folder of results. A sweep notes the seeds in progress, so that a process that is killed names what it
//! was at; what is finished stands in the list of `journal`.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};

/// Why results could not be written.
#[derive(Debug, thiserror::Error)]
#[error("cannot write {path}: {error}\n  hint: choose another folder with --out DIR, or make room")]
pub struct OutError {
    /// Which file.
    pub path: PathBuf,
    /// What the system said.
    pub error: io::Error,
}

/// The folder of one scenario's results.
#[derive(Debug)]
pub struct Out {
    folder: PathBuf,
    running: File,
}

/// The file with one line for each finished seed.
pub const SEEDS: &str = "seeds.ndjson";
/// The file that names the seeds in progress; empty once the sweep is over.
pub const RUNNING: &str = "running.ndjson";

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, OutError> {
    result.map_err(|error| OutError {
        path: path.to_owned(),
        error,
    })
}

/// Writes a file and the folders above it.
///
/// # Errors
/// If it cannot be written.
pub fn write_file(path: &Path, contents: &str) -> Result<(), OutError> {
    if let Some(parent) = path.parent() {
        at(parent, fs::create_dir_all(parent))?;
    }
    at(path, fs::write(path, contents))
}

impl Out {
    /// Opens the folder and empties the notes of an earlier sweep. This comes before the first seed, so that
    /// a folder that cannot be written to costs nothing.
    ///
    /// # Errors
    /// If the folder or a file in it cannot be made.
    pub fn open(folder: &Path) -> Result<Out, OutError> {
        at(folder, fs::create_dir_all(folder))?;
        let path = folder.join(RUNNING);
        let mut options = OpenOptions::new();
        options.create(true).write(true).truncate(true);
        Ok(Out {
            running: at(&path, options.open(&path))?,
            folder: folder.to_owned(),
        })
    }

    /// The folder.
    #[must_use]
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// A handle for noting seeds in progress, usable from other threads.
    ///
    /// # Errors
    /// If the system refuses a second handle.
    pub fn running(&self) -> Result<File, OutError> {
        at(&self.folder.join(RUNNING), self.running.try_clone())
    }

    /// Writes a whole file, replacing what an earlier sweep left.
    ///
    /// # Errors
    /// If it cannot be written.
    pub fn file(&self, name: &str, contents: &str) -> Result<PathBuf, OutError> {
        let path = self.folder.join(name);
        write_file(&path, contents)?;
        Ok(path)
    }

    /// The sweep is over: no seed is in progress.
    ///
    /// # Errors
    /// If the note cannot be removed.
    pub fn done(&self) -> Result<(), OutError> {
        let path = self.folder.join(RUNNING);
        at(&path, fs::remove_file(&path))
    }
}
