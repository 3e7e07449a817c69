//! Reading a list of seeds back, line by line: a sweep may have more of them than fit into memory.

use super::{FORMAT, Header, JournalError, Line};
use serde_json::Value;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

/// A line and where it begins.
#[derive(Debug)]
pub struct Entry {
    /// The line.
    pub line: Line,
    /// Its first byte in the file.
    pub at: u64,
}

/// A list of seeds behind its header.
#[derive(Debug)]
pub struct Reader {
    path: PathBuf,
    file: BufReader<File>,
    /// Where the next line begins; all before it is whole.
    next: u64,
    /// How many lines were read, the header included.
    lines: u64,
    seen: BTreeSet<u64>,
}

impl Reader {
    /// Opens a list.
    ///
    /// # Errors
    /// If there is none, or none that this version reads.
    pub fn open(path: &Path) -> Result<(Header, Reader), JournalError> {
        let unreadable = |error| JournalError::Unreadable {
            path: path.to_owned(),
            error,
        };
        let mut file = BufReader::new(File::open(path).map_err(unreadable)?);
        let mut text = Vec::new();
        file.read_until(b'\n', &mut text).map_err(unreadable)?;
        let header = header_of(path, &text)?;
        let reader = Reader {
            path: path.to_owned(),
            file,
            next: text.len() as u64,
            lines: 1,
            seen: BTreeSet::new(),
        };
        Ok((header, reader))
    }

    /// Opens the list that a sweep is to go on with; none if nothing was finished.
    ///
    /// # Errors
    /// If it is of another sweep.
    pub fn resumed(path: &Path, wanted: &Header) -> Result<Option<Reader>, JournalError> {
        let read = std::fs::metadata(path).map(|metadata| metadata.len());
        if read.is_ok_and(|length| length == 0) || is_torn_header(path, wanted) {
            return Ok(None);
        }
        let (found, reader) = Reader::open(path)?;
        let shards = (found.part().to_string(), wanted.part().to_string());
        let differs = wanted.difference(&found).or_else(|| {
            let (there, here) = shards;
            (there != here).then_some(("--shard", here, there))
        });
        match differs {
            None => Ok(Some(reader)),
            Some((what, here, there)) => Err(JournalError::Other {
                path: path.to_owned(),
                what,
                there,
                here,
            }),
        }
    }

    /// The next finished seed; none at the end, and at a last line that is torn.
    ///
    /// # Errors
    /// If a line before the last is damaged, or the file cannot be read.
    pub fn next_entry(&mut self) -> Result<Option<Entry>, JournalError> {
        let mut text = Vec::new();
        let read = self.file.read_until(b'\n', &mut text);
        read.map_err(|error| self.unreadable(error))?;
        let parsed = whole_line(&text);
        let line: Line = match parsed {
            Ok(line) => line,
            Err(why) => {
                let rest = self
                    .file
                    .fill_buf()
                    .map_err(|error| JournalError::Unreadable {
                        path: self.path.clone(),
                        error,
                    })?;
                // Nothing follows: it is the line at which the process was killed.
                return if rest.is_empty() {
                    Ok(None)
                } else {
                    self.lines += 1;
                    Err(self.damaged(&why))
                };
            }
        };
        self.lines += 1;
        if !self.seen.insert(line.index) {
            return Err(self.damaged(&format!("seed {} is there twice", line.seed)));
        }
        let at = self.next;
        self.next += text.len() as u64;
        Ok(Some(Entry { line, at }))
    }

    /// The line that begins at `place`.
    ///
    /// # Errors
    /// If there is none.
    pub fn entry_at(&mut self, place: u64) -> Result<Line, JournalError> {
        let mut text = Vec::new();
        let read = self.file.seek(SeekFrom::Start(place));
        let read = read.and_then(|_| self.file.read_until(b'\n', &mut text));
        read.map_err(|error| self.unreadable(error))?;
        whole_line(&text).map_err(|why| self.damaged(&why))
    }

    /// How many bytes of the list are whole lines, as far as it was read.
    #[must_use]
    pub const fn whole(&self) -> u64 {
        self.next
    }

    /// How many seeds were read.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.seen.len() as u64
    }

    /// The file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The line that was read last is damaged.
    #[must_use]
    pub fn damaged(&self, why: &str) -> JournalError {
        JournalError::Damaged {
            path: self.path.clone(),
            line: self.lines,
            why: why.to_owned(),
        }
    }

    fn unreadable(&self, error: io::Error) -> JournalError {
        JournalError::Unreadable {
            path: self.path.clone(),
            error,
        }
    }
}

fn whole_line(text: &[u8]) -> Result<Line, String> {
    if text.last() != Some(&b'\n') {
        return Err("it has no end".to_owned());
    }
    serde_json::from_slice(text).map_err(|error| error.to_string())
}

fn header_of(path: &Path, text: &[u8]) -> Result<Header, JournalError> {
    let foreign = |why: &str| JournalError::Foreign {
        path: path.to_owned(),
        why: why.to_owned(),
    };
    let value: Value = serde_json::from_slice(text)
        .map_err(|_| foreign("its first line does not say which sweep it is of"))?;
    let format = value.get("format").and_then(Value::as_u64);
    let version = value.get("stormglass").and_then(Value::as_str);
    match (format, version) {
        (Some(format), Some(_)) if format == u64::from(FORMAT) => {
            serde_json::from_value(value).map_err(|error| foreign(&error.to_string()))
        }
        (Some(format), Some(version)) => {
            let why = format!("stormglass {version} wrote it in format {format}");
            Err(foreign(&why))
        }
        (Some(_) | None, None) | (None, Some(_)) => {
            Err(foreign("its first line does not say which sweep it is of"))
        }
    }
}

/// Whether the file holds a beginning of the wanted header and nothing else: the process was killed before
/// its first seed.
fn is_torn_header(path: &Path, wanted: &Header) -> bool {
    let wanted = serde_json::to_vec(wanted).unwrap_or_default();
    let mut text = Vec::new();
    let most = wanted.len() as u64 + 1;
    let read = File::open(path).and_then(|file| file.take(most).read_to_end(&mut text));
    read.is_ok() && wanted.starts_with(&text)
}
