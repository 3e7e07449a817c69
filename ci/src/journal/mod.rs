//! The list of finished seeds, `seeds.ndjson`: a header, and a line for each seed that is appended and
//! flushed when it ends. It is what a sweep resumes from, and what shards are merged from.
//!
//! Model: lines are appended in the order in which seeds end, each by one write. A process that is killed
//! leaves whole lines and at most one torn one at the end, which is cut off and counts as never written. When
//! all seeds are there the list is put into their order, which makes its bytes a function of the sweep.
//!
//! Limits: what a machine that loses power had not yet written to its disk is lost, and runs again.

mod error;
mod header;
mod latencies;
mod line;
mod read;

pub use error::JournalError;
pub use header::{About, FORMAT, Header, binary, case_name, hash_of};
pub use line::Line;
pub use read::{Entry, Reader};
pub use stormglass_reports::packed::pack;

use crate::out::{OutError, SEEDS};
use crate::seeds::Shard;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// The list while its sweep is under way.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    file: File,
}

impl Journal {
    /// Begins the list of a sweep, in place of any other.
    ///
    /// # Errors
    /// If it cannot be written, or another process is writing it.
    pub fn begin(folder: &Path, header: &Header) -> Result<Journal, JournalError> {
        let mut journal = Journal::open(folder)?;
        journal.cut(0)?;
        journal.write(header)?;
        Ok(journal)
    }

    /// Goes on with the list that is there, and begins one where there is none. Every line that is there
    /// goes to `take`.
    ///
    /// # Errors
    /// If the list is of another sweep or damaged, or as [`Journal::begin`].
    pub fn resume(
        folder: &Path,
        header: &Header,
        take: &mut dyn FnMut(&Line) -> io::Result<()>,
    ) -> Result<Journal, JournalError> {
        let mut journal = Journal::open(folder)?;
        let Some(mut reader) = Reader::resumed(&journal.path, header)? else {
            journal.cut(0)?;
            journal.write(header)?;
            return Ok(journal);
        };
        while let Some(entry) = reader.next_entry()? {
            take(&entry.line).map_err(|error| reader.damaged(&error.to_string()))?;
        }
        journal.cut(reader.whole())?;
        Ok(journal)
    }

    fn open(folder: &Path) -> Result<Journal, JournalError> {
        let path = folder.join(SEEDS);
        let opened = fs::create_dir_all(folder).and_then(|()| {
            let mut options = OpenOptions::new();
            options.read(true).write(true).create(true).truncate(false);
            options.open(&path)
        });
        let file = at(&path, opened)?;
        // Two processes that append to one list would each run what the other has finished. Where a system
        // has no locks there is none to hold.
        match file.try_lock() {
            Ok(()) | Err(TryLockError::Error(_)) => Ok(Journal { path, file }),
            Err(TryLockError::WouldBlock) => Err(JournalError::Busy(path)),
        }
    }

    /// Cuts off what stands behind the last whole line.
    fn cut(&mut self, length: u64) -> Result<(), JournalError> {
        let is_file = self
            .file
            .metadata()
            .is_ok_and(|metadata| metadata.is_file());
        if is_file {
            at(&self.path, self.file.set_len(length))?;
            at(&self.path, self.file.seek(SeekFrom::Start(length)))?;
        }
        Ok(())
    }

    /// Appends a finished seed.
    ///
    /// # Errors
    /// If the disk is full or gone.
    pub fn append(&mut self, line: &Line) -> Result<(), JournalError> {
        self.write(line)
    }

    fn write(&mut self, value: &impl serde::Serialize) -> Result<(), JournalError> {
        // One write with its end of line: what is torn has none.
        let written = text_of(value).and_then(|text| self.file.write_all(text.as_bytes()));
        at(&self.path, written.and_then(|()| self.file.flush()))
    }

    /// Puts the list of a finished sweep into the order of its seeds, with the drawing of `drawn` alone. The
    /// old list is there until the new one is whole.
    ///
    /// # Errors
    /// If it cannot be read back or written.
    pub fn seal(self, header: &Header, drawn: Option<u64>) -> Result<(), JournalError> {
        let mut lists = vec![Reader::open(&self.path)?.1];
        let places = places(&mut lists)?;
        write_sorted(&self.path, header, &mut lists, &places, drawn)
    }
}

/// Where the line of a seed stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Place {
    /// The seed's position in the sweep.
    pub index: u64,
    /// In which list.
    pub list: usize,
    /// Its first byte there.
    pub at: u64,
}

/// The lines of all lists, in the order of their seeds.
///
/// # Errors
/// If a list is damaged.
pub fn places(lists: &mut [Reader]) -> Result<Vec<Place>, JournalError> {
    let mut places = Vec::new();
    for (list, reader) in lists.iter_mut().enumerate() {
        while let Some(Entry { line, at }) = reader.next_entry()? {
            let index = line.index;
            places.push(Place { index, list, at });
        }
    }
    places.sort_unstable();
    Ok(places)
}

/// Writes the list of all seeds at `places` of `lists`, with the drawing of `drawn` alone.
///
/// # Errors
/// If one cannot be read, or the list not written.
pub fn write_sorted(
    path: &Path,
    header: &Header,
    lists: &mut [Reader],
    places: &[Place],
    drawn: Option<u64>,
) -> Result<(), JournalError> {
    let beside = path.with_extension("ndjson.new");
    let mut file = BufWriter::new(at(&beside, File::create(&beside))?);
    let mut write = |text: io::Result<String>| {
        at(
            &beside,
            text.and_then(|text| file.write_all(text.as_bytes())),
        )
    };
    write(text_of(header))?;
    for place in places {
        let mut line = lists[place.list].entry_at(place.at)?;
        if Some(place.index) != drawn {
            line.drawn = None;
        }
        write(text_of(&line))?;
    }
    at(&beside, file.flush())?;
    at(path, fs::rename(&beside, path))
}

fn text_of(value: &impl serde::Serialize) -> io::Result<String> {
    let mut text = serde_json::to_string(value)?;
    text.push('\n');
    Ok(text)
}

fn at<T>(path: &Path, result: io::Result<T>) -> Result<T, JournalError> {
    result.map_err(|error| {
        JournalError::Out(OutError {
            path: path.to_owned(),
            error,
        })
    })
}

/// What a line was to hold has no form as JSON, or not enough memory: it is told like a disk that is full.
#[must_use]
pub fn unpackable(folder: &Path, error: io::Error) -> JournalError {
    JournalError::Out(OutError {
        path: folder.join(SEEDS),
        error,
    })
}

impl Header {
    /// The same sweep, all shards together.
    #[must_use]
    pub fn whole(mut self) -> Header {
        self.shard = None;
        self
    }

    /// The part that is here.
    #[must_use]
    pub fn part(&self) -> Shard {
        self.shard.unwrap_or(Shard::WHOLE)
    }
}
