//! From a file to the cases it describes: the scenario as written and each of its variants, checked, scaled
//! and with every reference resolved. What passes here is never checked again.

use crate::error::{ScenarioError, SourceText};
use crate::hardware::{self, Hardware};
use crate::spec::document::{self, Spans};
use crate::spec::faults::Written;
use crate::spec::matrix::{self, Coordinate};
use crate::spec::parse::{self, Reader};
use crate::spec::variant::{self, Variant};
use crate::spec::{Names, Phases, Scenario, bounds, phases, print, references, scale};
use crate::trace::{self, Trace};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use stormglass_core::source::config::{Arrival, TraceConfig};
use stormglass_core::time::Span;
use stormglass_core::units::parse_span;
use toml::Value;
use toml::de::DeTable;

/// A scenario file is text that people read; more than this is something else.
const FILE_MAX: u64 = 1 << 20;

/// A file, loaded.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ScenarioFile {
    /// Its text, which later mistakes point into.
    pub source: SourceText,
    /// The scenario as written, its variants in the order of the file, the cells of its matrix. Never empty.
    pub cases: Vec<Case>,
}

/// A scenario or one of its variants, ready to be assembled.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Case {
    /// The variant's name; none is the scenario as written.
    pub variant: Option<String>,
    /// Where it stands in the matrix of its file; empty if it is no cell of one.
    pub cell: Vec<Coordinate>,
    /// What runs: the settings divided by the time scale.
    pub scenario: Scenario,
    /// The settings as written.
    pub written: Scenario,
    /// The phases with `auto` resolved.
    pub phases: Phases,
    /// The exit code that this case is known to give.
    pub exit: u8,
    /// The hardware with what the scenario changes in it; none if it is in files and the case was loaded from a
    /// text alone.
    pub hardware: Option<Hardware>,
    /// The recorded streams by the name of their source. Empty if the case was loaded from a text alone.
    pub traces: BTreeMap<String, Arc<Trace>>,
    /// Where its settings stand in the text.
    pub spans: Spans,
}

impl ScenarioFile {
    /// The scenario as written, from whose `[faults]` the plans of all cases are drawn (A14).
    #[must_use]
    pub fn base(&self) -> &Case {
        &self.cases[0]
    }

    /// A mistake in the setting at `path`, such as `processor.totals.operator`, for those who find one
    /// later.
    #[must_use]
    pub fn error(
        &self,
        case: &Case,
        path: &str,
        message: impl Into<String>,
        hint: impl Into<String>,
    ) -> ScenarioError {
        self.source.error(case.spans.value(path), message, hint)
    }
}

/// Loads a file.
///
/// # Errors
/// At the first mistake, with its place and what to do about it.
pub fn load(path: &Path, names: &Names) -> Result<ScenarioFile, ScenarioError> {
    let file = path.display().to_string();
    let hint = if path.is_dir() {
        "it is a folder: `stormglass list FOLDER` shows the scenarios in it"
    } else {
        "name a scenario file; `stormglass init` writes one to start from"
    };
    let of_file = |message: String| ScenarioError::of_file(&file, message, hint);
    let size = std::fs::metadata(path)
        .map_err(|error| of_file(format!("cannot be read: {error}")))?
        .len();
    if size > FILE_MAX {
        return Err(of_file(format!("{size} bytes are no scenario")));
    }
    let bytes = std::fs::read(path).map_err(|error| of_file(format!("cannot be read: {error}")))?;
    let folder = path.parent().unwrap_or(Path::new(""));
    let mut loaded = of_bytes(&file, bytes, names, Some(folder))?;
    load_traces(folder, &mut loaded)?;
    Ok(loaded)
}

/// Reads the recorded streams of all cases, each file and mapping once.
fn load_traces(folder: &Path, loaded: &mut ScenarioFile) -> Result<(), ScenarioError> {
    let mut read: Vec<(TraceConfig, u32, Arc<Trace>)> = Vec::new();
    let source = &loaded.source;
    for case in &mut loaded.cases {
        for (name, config) in &case.scenario.sources {
            let Arrival::Trace(settings) = &config.arrival else {
                continue;
            };
            let known = read
                .iter()
                .find(|(other, size, _)| other == settings && *size == config.size);
            let trace = match known {
                Some((_, _, trace)) => Arc::clone(trace),
                None => {
                    let path = format!("source.{name}.arrival.trace.file");
                    let trace = trace::load(folder, settings, config.size).map_err(|error| {
                        // What cannot be read at all is a mistake of the scenario that names it.
                        if error.line == 0 {
                            let message = format!("{}: {}", error.file, error.message);
                            source.error(case.spans.value(&path), message, error.hint)
                        } else {
                            error
                        }
                    })?;
                    let trace = Arc::new(trace);
                    read.push((settings.clone(), config.size, Arc::clone(&trace)));
                    trace
                }
            };
            case.traces.insert(name.clone(), trace);
        }
    }
    Ok(())
}

/// Loads a file's bytes.
///
/// # Errors
/// At the first mistake.
pub fn load_bytes(
    file: &str,
    bytes: Vec<u8>,
    names: &Names,
) -> Result<ScenarioFile, ScenarioError> {
    of_bytes(file, bytes, names, None)
}

fn of_bytes(
    file: &str,
    bytes: Vec<u8>,
    names: &Names,
    folder: Option<&Path>,
) -> Result<ScenarioFile, ScenarioError> {
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let at = error.utf8_error().valid_up_to();
            let source = SourceText {
                file: file.to_owned(),
                text: String::from_utf8_lossy(&error.as_bytes()[..at]).into_owned(),
            };
            return Err(source.error(
                at..at,
                "not a text in UTF-8",
                "a scenario is a TOML file; save this one as UTF-8",
            ));
        }
    };
    of_text(file, text, names, folder)
}

/// Loads a text under the name of a file.
///
/// # Errors
/// At the first mistake.
pub fn load_text(file: &str, text: String, names: &Names) -> Result<ScenarioFile, ScenarioError> {
    of_text(file, text, names, None)
}

/// Loads a text as if it stood in `folder`: traces and hardware of files are read from there.
///
/// # Errors
/// At the first mistake.
pub fn load_text_in(
    folder: &Path,
    file: &str,
    text: String,
    names: &Names,
) -> Result<ScenarioFile, ScenarioError> {
    let mut loaded = of_text(file, text, names, Some(folder))?;
    load_traces(folder, &mut loaded)?;
    Ok(loaded)
}

fn of_text(
    file: &str,
    text: String,
    names: &Names,
    folder: Option<&Path>,
) -> Result<ScenarioFile, ScenarioError> {
    let source = SourceText {
        file: file.to_owned(),
        text: text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned(),
    };
    if source.text.trim().is_empty() {
        return Err(source.error(
            0..0,
            "the file is empty",
            "begin with the question as a comment and then `name = \"…\"`",
        ));
    }
    if let Some(at) = source.text.find('\0') {
        return Err(source.error(at..at + 1, "a binary file", "a scenario is a TOML file"));
    }
    let question = question(&source)?;
    let context = (question.as_str(), names, folder);
    let mut root = document::parse(&source)?;
    let mut variants = variant::take(&source, &mut root)?;
    variants.extend(matrix::take(&source, &mut root, &variants)?);
    let mut cases = vec![case(&source, context, root.clone(), None)?];
    for variant in variants {
        cases.push(overlaid(&source, context, root.clone(), variant)?);
    }
    Ok(ScenarioFile { source, cases })
}

/// The opening comment: the lines that begin with `#` before anything else, but for those that begin with `#:`,
/// which tell an editor where the schema is.
fn question(source: &SourceText) -> Result<String, ScenarioError> {
    let is_directive = |line: &str| line.starts_with("#:");
    let is_directed = is_directive(&source.text);
    let lines: Vec<&str> = source
        .text
        .lines()
        .skip_while(|line| is_directed && (is_directive(line) || line.trim().is_empty()))
        .take_while(|line| line.starts_with('#'))
        .filter(|line| !is_directive(line))
        .map(|line| line.trim_start_matches('#').trim())
        .collect();
    let question = lines.join(" ").trim().to_owned();
    if question.is_empty() {
        return Err(source.error(
            0..0,
            "the file does not open with the question it asks",
            "write the question as a comment in the first line, for example \
             `# Orders reach the warehouse once, whatever crashes.`",
        ));
    }
    Ok(question)
}

/// The case of a variant.
fn overlaid<'i>(
    source: &SourceText,
    context: (&str, &Names, Option<&Path>),
    mut document: DeTable<'i>,
    variant: Variant<'i>,
) -> Result<Case, ScenarioError> {
    for (path, value) in variant.set {
        document::overlay(source, &mut document, &path, value)?;
    }
    let mut case = case(source, context, document, Some(variant.name))?;
    case.cell = variant.cell;
    if let Some(exit) = variant.exit {
        case.exit = exit;
    }
    Ok(case)
}

/// One case: typed parse, bounds, references, hardware, scale, phases, faults, in this order.
fn case(
    source: &SourceText,
    (question, names, folder): (&str, &Names, Option<&Path>),
    document: DeTable<'_>,
    variant: Option<String>,
) -> Result<Case, ScenarioError> {
    let (mut written, spans) = parse::scenario(source, question, document)?;
    let reader = Reader {
        source,
        spans: &spans,
    };
    bounds::check(&reader, &written)?;
    references::check(&reader, &written, names)?;
    let hardware = hardware::resolve(&reader, folder, &mut written.profile)?;
    if let Some(hardware) = &hardware {
        references::check_zones(&reader, &written, hardware.zones())?;
    }
    let mut scenario = written.clone();
    scale::scale(&mut scenario);
    let slow = bounds::slow(&written, hardware.as_ref());
    bounds::check_scaled(&reader, &written, &mut scenario, slow)?;
    let phases = phases::resolve(&reader, &scenario)?;
    resolve_moments(&reader, &mut scenario)?;
    written.faults = scenario.faults.clone();
    Ok(Case {
        variant,
        cell: Vec::new(),
        exit: written.expect.exit,
        scenario,
        written,
        phases,
        hardware,
        traces: BTreeMap::new(),
        spans,
    })
}

/// Resolves multiples of settings in planned faults and judges that they end inside the chaos phase.
fn resolve_moments(reader: &Reader<'_>, scenario: &mut Scenario) -> Result<(), ScenarioError> {
    let mut faults = std::mem::take(&mut scenario.faults);
    for (index, fault) in faults.planned.iter_mut().enumerate() {
        let at = |key: &str| format!("faults.planned.{index}.{key}");
        for (key, moment) in [("at", &mut fault.at), ("lasts", &mut fault.lasts)] {
            moment.span = match &moment.written {
                Written::Length(span) => *span,
                Written::Multiple { thousandths, path } => {
                    let span = setting(scenario, path).map_err(|message| {
                        reader.error(
                            &at(key),
                            message,
                            "write the path of a length of time, such as \
                             broker.main.broker_session_timeout",
                        )
                    })?;
                    // The factor is below 10^6, so that ten years of it exceed a `Span`: those end there.
                    let nanos = u128::from(span.0) * u128::from(*thousandths) / 1_000;
                    Span(u64::try_from(nanos).unwrap_or(u64::MAX))
                }
            };
        }
        let ends = fault.at.span.saturating_add(fault.lasts.span);
        if ends > scenario.run.chaos {
            return Err(reader.error(
                &at("lasts"),
                format!(
                    "'{}' ends {ends} after the start of chaos, which lasts {}",
                    fault.name, scenario.run.chaos
                ),
                "faults fall only in chaos: start it earlier, shorten it, or lengthen chaos",
            ));
        }
        if fault.lasts.span == Span::ZERO {
            return Err(reader.error(
                &at("lasts"),
                format!("'{}' lasts 0s and would have no effect", fault.name),
                "give it a length; a control fault needs one too, for its effect to be judged",
            ));
        }
    }
    scenario.faults = faults;
    Ok(())
}

/// The length of time that stands at `path` in the scaled settings, defaults included.
fn setting(scenario: &Scenario, path: &str) -> Result<Span, String> {
    let mut names = path.split('.');
    let (section, part) = (names.next().unwrap_or(""), names.next().unwrap_or(""));
    let mut value = match section {
        "broker" => scenario.brokers.get(part).map(print::broker_table),
        "processor" => scenario.processors.get(part).map(print::value),
        _ => None,
    }
    .ok_or_else(|| format!("`{path}` begins with no broker or processor of this scenario"))?;
    for name in names {
        let Value::Table(mut table) = value else {
            return Err(format!("`{path}` is no setting"));
        };
        value = table.remove(name).ok_or_else(|| {
            let keys: Vec<&str> = table.keys().map(String::as_str).collect();
            let near = crate::error::nearest(name, keys.iter().copied());
            match near {
                Some(near) => format!("`{path}` is no setting: did you mean `{near}`?"),
                None => format!("`{path}` is no setting; here are {}", keys.join(", ")),
            }
        })?;
    }
    match value {
        Value::String(text) => {
            parse_span(&text).map_err(|_| format!("`{path}` is no length of time"))
        }
        Value::Integer(_)
        | Value::Float(_)
        | Value::Boolean(_)
        | Value::Datetime(_)
        | Value::Array(_)
        | Value::Table(_) => Err(format!("`{path}` is no length of time")),
    }
}
