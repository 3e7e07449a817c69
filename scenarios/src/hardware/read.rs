//! Reading profiles and measured distributions, as strictly as scenarios are read.

use super::{Hardware, built_in, is_file};
use crate::error::{ScenarioError, SourceText};
use crate::spec::distribution::{Distribution, SLOWEST, Table, WHOLE};
use crate::spec::document::{self, Spans};
use crate::spec::parse::Reader;
use crate::spec::profile::ProfileSpec;
use std::path::{Path, PathBuf};
use stormglass_core::time::Span;
use stormglass_core::units::parse_span;
use toml::Spanned;
use toml::de::DeValue;

/// A profile or a table of quantiles is text that people read.
const FILE_MAX: u64 = 1 << 20;
/// Zones at most; clouds have three to six in a region.
const ZONES: u16 = 64;
/// Servers of one machine at most.
const CORES: u16 = 1_024;
/// A wait that ends with a run, not with the network.
const LONGEST: Span = Span::secs(31 * 86_400);

/// The hardware that a scenario asks for, its own files read beside it. None if it names files and `folder`, the
/// scenario's, is not known.
///
/// # Errors
/// At the first mistake, in the profile's file or in the scenario.
pub(crate) fn resolve(
    reader: &Reader<'_>,
    folder: Option<&Path>,
    spec: &mut ProfileSpec,
) -> Result<Option<Hardware>, ScenarioError> {
    for (path, distribution) in [
        ("profile.link.latency", &mut spec.link.latency),
        ("profile.disk.sync_time", &mut spec.disk.sync_time),
        ("profile.zones.latency", &mut spec.zones.latency),
        ("profile.stalls.lasts", &mut spec.stalls.lasts),
    ] {
        if let Some(Distribution::Empirical(table)) = distribution {
            let Some(folder) = folder else {
                return Ok(None);
            };
            *table = measured(reader, path, folder, &table.file)?;
        }
    }
    let base = match built_in(&spec.name) {
        Some(text) => {
            let source = SourceText {
                file: format!("the built-in profile {}", spec.name),
                text: text.to_owned(),
            };
            hardware(&source, None)?
        }
        None => match folder {
            Some(folder) if is_file(&spec.name) => {
                let path = folder.join(&spec.name);
                let source = text(&path).map_err(|message| {
                    let hint =
                        "the name of a profile's file is relative to the scenario's own place";
                    reader.error("profile.name", message, hint)
                })?;
                hardware(&source, path.parent())?
            }
            Some(_) | None => return Ok(None),
        },
    };
    let has_zones = base.zones.is_some();
    let Some(hardware) = base.overridden(spec) else {
        let is_whole = has_zones || spec.zones.count.is_some() == spec.zones.latency.is_some();
        let (what, hint) = if is_whole {
            let hint =
                "write both, such as stalls = { every = \"10s\", lasts = { constant = \"50ms\" } }";
            ("stalls", hint)
        } else {
            let hint = "write both, such as zones = { count = 3, latency = { constant = \"400us\" } }, \
                        or choose three-zones";
            ("zones", hint)
        };
        return Err(reader.error(
            &format!("profile.{what}"),
            format!("`{}` has no {what}, and here they are half said", spec.name),
            hint,
        ));
    };
    Ok(Some(hardware))
}

fn text(path: &Path) -> Result<SourceText, String> {
    let file = path.display().to_string();
    let cannot = |error: std::io::Error| format!("{file} cannot be read: {error}");
    let length = std::fs::metadata(path).map_err(cannot)?.len();
    if length > FILE_MAX {
        return Err(format!("{file} has {length} bytes, too many for figures"));
    }
    let bytes = std::fs::read(path).map_err(cannot)?;
    let text = String::from_utf8(bytes).map_err(|_| format!("{file} is no text in UTF-8"))?;
    Ok(SourceText { file, text })
}

/// Reads the text of a profile, whose own files are in `folder`.
///
/// # Errors
/// At the first mistake.
pub(super) fn hardware(
    source: &SourceText,
    folder: Option<&Path>,
) -> Result<Hardware, ScenarioError> {
    let root = document::parse(source)?;
    let spans = Spans::of(&root);
    let reader = Reader {
        source,
        spans: &spans,
    };
    let whole = 0..0;
    let root = Spanned::new(whole.clone(), DeValue::Table(root));
    let mut hardware: Hardware = document::typed(source, root, whole)?;
    let zones = hardware.zones.as_mut().map(|zones| &mut zones.latency);
    let stalls = hardware.stalls.as_mut().map(|stalls| &mut stalls.lasts);
    for (path, distribution) in [
        ("link.latency", Some(&mut hardware.link.latency)),
        ("disk.sync_time", Some(&mut hardware.disk.sync_time)),
        ("zones.latency", zones),
        ("stalls.lasts", stalls),
    ] {
        let Some(distribution) = distribution else {
            continue;
        };
        if let (Distribution::Empirical(table), Some(folder)) = (&mut *distribution, folder) {
            *table = measured(&reader, path, folder, &table.file)?;
        }
        if let Some((message, hint)) = distribution.mistake() {
            return Err(reader.error(path, message, hint));
        }
    }
    judge(&reader, &hardware)?;
    Ok(hardware)
}

fn judge(reader: &Reader<'_>, hardware: &Hardware) -> Result<(), ScenarioError> {
    let (link, node, disk) = (&hardware.link, &hardware.node, &hardware.disk);
    for (path, span, most) in [
        ("link.retransmit", link.retransmit, SLOWEST),
        ("link.retransmit_max", link.retransmit_max, LONGEST),
        ("node.per_request", node.per_request, SLOWEST),
        ("node.per_record", node.per_record, SLOWEST),
        ("node.per_kilobyte", node.per_kilobyte, SLOWEST),
        ("disk.write", disk.write, SLOWEST),
        ("disk.write_per_kilobyte", disk.write_per_kilobyte, SLOWEST),
        ("disk.sync_per_kilobyte", disk.sync_per_kilobyte, SLOWEST),
        ("disk.scan", disk.scan, SLOWEST),
        ("disk.scan_per_record", disk.scan_per_record, SLOWEST),
        ("disk.write_back", disk.write_back, LONGEST),
    ] {
        if span > most {
            let message = format!("{span} is slower than any hardware");
            return Err(reader.error(path, message, format!("choose at most {most}")));
        }
    }
    if link.retransmit == Span::ZERO || link.retransmit_max < link.retransmit {
        return Err(reader.error(
            "link.retransmit",
            format!(
                "a first retransmission after {} and none later than {}",
                link.retransmit, link.retransmit_max
            ),
            "choose a first wait above 0s and at most `retransmit_max`",
        ));
    }
    if let Some(stalls) = &hardware.stalls
        && !often(stalls.every)
    {
        return Err(reader.error(
            "stalls.every",
            format!("stalls every {} are no stalls", stalls.every),
            "choose at least 10ms and at most 1d",
        ));
    }
    let zones = hardware.zones.as_ref().map_or(1, |zones| zones.count);
    for (path, number, most) in [
        ("node.cores", node.cores, CORES),
        ("zones.count", zones, ZONES),
    ] {
        if !(1..=most).contains(&number) {
            return Err(reader.error(
                path,
                format!("{number} lies outside 1 to {most}"),
                format!("choose a number from 1 to {most}"),
            ));
        }
    }
    Ok(())
}

/// Whether nodes can stall at this mean distance and get anything done.
pub(crate) fn often(every: Span) -> bool {
    every >= Span::millis(10) && every <= Span::secs(86_400)
}

/// Reads the table that the value at `path` names.
fn measured(
    reader: &Reader<'_>,
    path: &str,
    folder: &Path,
    file: &str,
) -> Result<Table, ScenarioError> {
    let place: PathBuf = folder.join(file);
    let source = text(&place).map_err(|message| {
        let hint = "the table's name is relative to the place of the file that names it";
        reader.error(path, message, hint)
    })?;
    Ok(Table {
        file: file.to_owned(),
        rows: rows(&source)?,
    })
}

/// Reads a CSV of `quantile,value`.
///
/// # Errors
/// At the first row that is none.
pub(super) fn rows(source: &SourceText) -> Result<Vec<(u64, Span)>, ScenarioError> {
    let mut rows: Vec<(u64, Span)> = Vec::new();
    let mut start = 0;
    let mut has_header = false;
    for line in source.text.split_inclusive('\n') {
        let here = start..start + line.trim_end().len();
        start += line.len();
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let wrong = |message: String, hint: &str| Err(source.error(here.clone(), message, hint));
        let cells: Vec<&str> = line.split(',').map(str::trim).collect();
        if !has_header {
            if cells != ["quantile", "value"] {
                return wrong(
                    "the columns have no names".to_owned(),
                    "begin with the line `quantile,value`",
                );
            }
            has_header = true;
            continue;
        }
        let [quantile, value] = cells.as_slice() else {
            return wrong(
                format!("{} cells where two belong", cells.len()),
                "write a quantile and a value, such as `0.99,287us`",
            );
        };
        let Some(quantile) = parts(quantile) else {
            return wrong(
                format!("`{quantile}` is no quantile"),
                "write a number from 0 to 1 with at most 12 decimals, such as 0.99",
            );
        };
        let value = match parse_span(value) {
            Ok(value) if value <= SLOWEST => value,
            Ok(value) => {
                return wrong(
                    format!("{value} is slower than any hardware"),
                    "choose at most 60s",
                );
            }
            Err(message) => return wrong(message, "write a length of time, such as 287us"),
        };
        if let Some((before, below)) = rows.last()
            && (quantile <= *before || value < *below)
        {
            return wrong(
                "it does not rise above the row before".to_owned(),
                "order rows by quantile; values do not fall",
            );
        }
        rows.push((quantile, value));
    }
    if rows.is_empty() {
        let end = source.text.len();
        return Err(source.error(
            end..end,
            "the table has no rows",
            "write `quantile,value` and then rows such as `0.5,149us`",
        ));
    }
    Ok(rows)
}

/// A number from 0 to 1, in 10⁻¹².
fn parts(text: &str) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || fraction.len() > 12 || !digits(whole) || !digits(fraction) {
        return None;
    }
    let fraction: u64 = format!("{fraction:0<12}").parse().ok()?;
    let parts = whole.parse::<u64>().ok()?.checked_mul(WHOLE)?;
    Some(parts.checked_add(fraction)?).filter(|parts| *parts <= WHOLE)
}
