//! Reading a CSV file by the columns that a scenario names.

use super::{Recorded, Trace, number};
use crate::error::{ScenarioError, SourceText, nearest, suggest};
use csv::{ErrorKind, StringRecord};
use std::collections::BTreeMap;
use std::path::Path;
use stormglass_core::id::name_hash;
use stormglass_core::source::config::{TraceConfig, TraceUnit};

/// A trace is kept in memory whole; more than this is not a small recorded stream.
const FILE_MAX: u64 = 256 << 20;
/// Bytes of an event whose trace has no column for them.
const SIZE: u32 = 1_000;
/// What events may have at most, in bytes; a larger number is absurd and is cut.
const SIZE_MAX: i64 = 16 << 20;

/// Reads the file of a trace, relative to `folder`. `size` is the bytes of an event without a column.
///
/// # Errors
/// If it cannot be read, and at the first mistake in it.
pub fn load(folder: &Path, config: &TraceConfig, size: u32) -> Result<Trace, ScenarioError> {
    let path = folder.join(&config.file);
    let file = path.display().to_string();
    let hint = "`file` is relative to the scenario's own place";
    let cannot = |message: String| ScenarioError::of_file(&file, message, hint);
    let length = std::fs::metadata(&path)
        .map_err(|error| cannot(format!("cannot be read: {error}")))?
        .len();
    if length > FILE_MAX {
        return Err(cannot(format!(
            "{length} bytes are more than a trace may have"
        )));
    }
    let bytes = std::fs::read(&path).map_err(|error| cannot(format!("cannot be read: {error}")))?;
    parse(&file, bytes, config, size)
}

/// Reads the bytes of a trace.
///
/// # Errors
/// At the first mistake.
pub fn parse(
    file: &str,
    bytes: Vec<u8>,
    config: &TraceConfig,
    size: u32,
) -> Result<Trace, ScenarioError> {
    let text = String::from_utf8(bytes).map_err(|error| {
        let at = error.utf8_error().valid_up_to();
        let source = SourceText {
            file: file.to_owned(),
            text: String::from_utf8_lossy(&error.as_bytes()[..at]).into_owned(),
        };
        source.error(
            at..at,
            "not a text in UTF-8",
            "a trace is a CSV file; unpack it, or save it as UTF-8",
        )
    })?;
    let source = SourceText {
        file: file.to_owned(),
        text: text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned(),
    };
    if source.text.trim().is_empty() {
        return Err(source.error(
            0..0,
            "the file is empty",
            "a trace has a line of column names and then a line for each event",
        ));
    }
    if let Some(at) = source.text.find('\0') {
        return Err(source.error(
            at..at + 1,
            "a binary file",
            "a trace is a CSV file; unpack it",
        ));
    }
    let mut reader = csv::Reader::from_reader(source.text.as_bytes());
    let headers = reader
        .headers()
        .map_err(|error| explain(&source, &error))?
        .clone();
    let columns = Columns::find(&source, &headers, config)?;
    let mut rows = Vec::new();
    let mut kinds = BTreeMap::new();
    let mut record = StringRecord::new();
    let most = config.rows.unwrap_or(u64::MAX);
    while (rows.len() as u64) < most {
        match reader.read_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => return Err(explain(&source, &error)),
        }
        let row = columns.row(&source, &record, config, &mut kinds, size)?;
        let goes_back = rows
            .last()
            .is_some_and(|before: &Recorded| row.arrival < before.arrival);
        if goes_back && !config.sort {
            return Err(source.error(
                columns.arrival.span(&source, &record),
                "the arrival time goes backwards",
                "write `sort = true` to sort the rows by arrival; event times may be in any order",
            ));
        }
        rows.push(row);
    }
    if rows.is_empty() {
        let end = source.text.len();
        return Err(source.error(end..end, "the trace has no rows", "add at least one event"));
    }
    rows.sort_by_key(|row| row.arrival);
    Ok(Trace::new(
        rows,
        config.speed,
        config.unit == TraceUnit::Date,
    ))
}

/// Says in our words what the CSV reader objects to.
fn explain(source: &SourceText, error: &csv::Error) -> ScenarioError {
    let at = error
        .position()
        .map_or(0, |position| position.byte() as usize);
    // The position is that of the record before its line break.
    let skipped = source.text.get(at..).map_or(0, |rest| {
        rest.len() - rest.trim_start_matches(['\n', '\r']).len()
    });
    let at = at + skipped;
    let end = source
        .text
        .get(at..)
        .and_then(|rest| rest.find('\n'))
        .map_or(source.text.len(), |length| at + length);
    // The kinds are open to additions; all but one are told alike.
    if let ErrorKind::UnequalLengths {
        expected_len, len, ..
    } = error.kind()
    {
        return source.error(
            at..end,
            format!("this line has {len} fields, the first has {expected_len}"),
            "give every line the same columns; put texts with commas in double quotes",
        );
    }
    source.error(
        at..end,
        format!("no CSV: {error}"),
        "separate columns by commas and put texts with commas in double quotes",
    )
}

/// A column by its place.
#[derive(Clone, Copy)]
struct Column(usize);

impl Column {
    fn text(self, record: &StringRecord) -> &str {
        // Every record has as many fields as the header, or the reader refuses it.
        record.get(self.0).unwrap_or("")
    }

    /// Where the field stands in the file.
    fn span(self, source: &SourceText, record: &StringRecord) -> std::ops::Range<usize> {
        let start = record
            .position()
            .map_or(0, |position| position.byte() as usize);
        let rest = source.text.get(start..).unwrap_or("");
        let skipped = rest.len() - rest.trim_start_matches(['\n', '\r']).len();
        let mut at = start + skipped;
        let mut is_quoted = false;
        let mut commas = 0;
        for byte in source.text.as_bytes().iter().skip(at) {
            if commas == self.0 {
                break;
            }
            match byte {
                b'"' => is_quoted = !is_quoted,
                b',' if !is_quoted => commas += 1,
                _ => {}
            }
            at += 1;
        }
        let is_opened = source.text.as_bytes().get(at) == Some(&b'"');
        let at = at + usize::from(is_opened);
        at..at + self.text(record).len()
    }
}

/// The columns that the scenario names.
struct Columns {
    arrival: Column,
    event_time: Option<Column>,
    key: Option<Column>,
    kind: Option<Column>,
    value: Option<Column>,
    size: Option<Column>,
}

impl Columns {
    fn find(
        source: &SourceText,
        headers: &StringRecord,
        config: &TraceConfig,
    ) -> Result<Columns, ScenarioError> {
        let line = source.text.lines().next().unwrap_or("").len();
        let find = |role: &str, name: &str| -> Result<Column, ScenarioError> {
            let mut places = headers
                .iter()
                .enumerate()
                .filter(|(_, header)| header.trim() == name)
                .map(|(place, _)| Column(place));
            let found = places.next().ok_or_else(|| {
                let hint = if headers.len() == 1 {
                    String::from("the first line has one column: separate them by commas")
                } else {
                    match nearest(name, headers.iter()) {
                        Some(near) => format!("did you mean `{role} = \"{near}\"`?"),
                        None => suggest(name, "columns", headers.iter()),
                    }
                };
                source.error(0..line, format!("no column is called `{name}`"), hint)
            })?;
            if places.next().is_some() {
                return Err(source.error(
                    0..line,
                    format!("two columns are called `{name}`"),
                    "rename one of them",
                ));
            }
            Ok(found)
        };
        let maybe = |role: &str, name: &Option<String>| {
            name.as_ref().map(|name| find(role, name)).transpose()
        };
        Ok(Columns {
            arrival: find("arrival", &config.arrival)?,
            event_time: maybe("event_time", &config.event_time)?,
            key: maybe("key", &config.key)?,
            kind: maybe("kind", &config.kind)?,
            value: maybe("value", &config.value)?,
            size: maybe("size", &config.size)?,
        })
    }

    fn row(
        &self,
        source: &SourceText,
        record: &StringRecord,
        config: &TraceConfig,
        kinds: &mut BTreeMap<String, u16>,
        size: u32,
    ) -> Result<Recorded, ScenarioError> {
        let time = |column: Column| {
            let text = column.text(record);
            number::time(text, config.unit).ok_or_else(|| {
                source.error(
                    column.span(source, record),
                    format!("expected {}, found {text:?}", number::example(config.unit)),
                    "name another column, or the unit it is in: seconds, millis, micros, hours, \
                     date or timestamp",
                )
            })
        };
        let decimal = |column: Column, factor: i128, key: &str| {
            let text = column.text(record);
            number::decimal(text, factor).ok_or_else(|| {
                source.error(
                    column.span(source, record),
                    format!("expected a number, found {text:?}"),
                    format!(
                        "name a column of numbers as `{key}`; its decimals are kept by value_scale"
                    ),
                )
            })
        };
        let filled = |column: &Option<Column>| {
            column.filter(|column| !column.text(record).trim().is_empty())
        };
        let arrival = time(self.arrival)?;
        let kind = match self.kind {
            None => 0,
            Some(column) => {
                let text = column.text(record);
                match kinds.get(text) {
                    Some(kind) => *kind,
                    None => {
                        let kind = u16::try_from(kinds.len()).map_err(|_| {
                            source.error(
                                column.span(source, record),
                                "the column has more than 65536 kinds",
                                "name a column with few values as `kind`, or this one as `key`",
                            )
                        })?;
                        kinds.insert(text.to_owned(), kind);
                        kind
                    }
                }
            }
        };
        Ok(Recorded {
            arrival,
            event_time: match filled(&self.event_time) {
                Some(column) => time(column)?,
                None => arrival,
            },
            key: self.key.map_or(0, |column| name_hash(column.text(record))),
            kind,
            value: match filled(&self.value) {
                Some(column) => decimal(column, config.value_scale.into(), "value")?,
                None => 0,
            },
            size: match filled(&self.size) {
                Some(column) => decimal(column, 1, "size")?.clamp(1, SIZE_MAX) as u32,
                None if size > 0 => size,
                None => SIZE,
            },
        })
    }
}
