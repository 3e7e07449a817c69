//! What the console says of a report, in the form that was asked for. Colours are for terminals alone.

use crate::args::{ConsoleArgs, FormatArg};
use crate::error::Failure;
use crate::out::OutError;
use crate::say;
use std::fs::OpenOptions;
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Instant;
use stormglass_reports::summary::seeds_text;
use stormglass_reports::text::{self, Ink};
use stormglass_reports::{Report, Summary, github, markdown};

/// Annotations of all reports: a gate has several and one step, whose limit they share.
static ANNOTATIONS: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// What GitHub keeps of a step's page; more is an error that shows nothing.
const STEP_SUMMARY_BYTES: u64 = 1 << 20;

/// The file to which GitHub wants what its page of a run shows.
const STEP_SUMMARY: &str = "GITHUB_STEP_SUMMARY";

/// Whether a stream may be coloured and drawn upon.
pub fn is_lively(stream: &impl IsTerminal) -> bool {
    let is_said = |name: &str, value: Option<&str>| {
        let said = std::env::var_os(name).filter(|said| !said.is_empty());
        said.is_some_and(|said| value.is_none_or(|value| said == value))
    };
    stream.is_terminal() && !is_said("NO_COLOR", None) && !is_said("TERM", Some("dumb"))
}

/// What is told of a report besides itself.
pub struct Told<'a> {
    /// The folder of its results.
    pub folder: &'a Path,
    /// The exit code that the case is known to give: such failures need nobody's attention.
    pub known: u8,
    /// When the work began.
    pub started: Instant,
}

impl ConsoleArgs {
    /// A line beside the reports; data of `--format json` stays data.
    pub fn line(&self, text: &str) -> Result<(), Failure> {
        match self.format {
            FormatArg::Auto | FormatArg::Plain | FormatArg::Github => say(text),
            FormatArg::Json => {
                eprintln!("{text}");
                Ok(())
            }
        }
    }

    /// Says what a report says.
    pub fn report(&self, report: &Report, told: &Told<'_>) -> Result<(), Failure> {
        let mut summary = Summary::of(report);
        if self.format == FormatArg::Github {
            step_summary(&summary)?;
        }
        // Files name a schedule from their own folder; a command on the console has to work from here.
        let explained = summary.failures.iter_mut();
        for explained in explained.filter_map(|group| group.explained.as_mut()) {
            explained.repro = told.folder.join(&explained.repro).display().to_string();
        }
        let code = report.exit_class().code();
        match self.format {
            FormatArg::Json => return say(&serde_json::json!(summary).to_string()),
            FormatArg::Github if told.known == 0 || code != told.known => annotate(&summary),
            FormatArg::Github | FormatArg::Auto | FormatArg::Plain => {}
        }
        if self.quiet {
            let (name, word) = (&report.identity.scenario, summary.verdict.word());
            return say(&format!("{name}: {word} (exit {code})"));
        }
        let is_coloured = self.format == FormatArg::Auto && is_lively(&std::io::stdout());
        let ink = if is_coloured { Ink::Ansi } else { Ink::Plain };
        say(text::render(&summary, ink).trim_end())?;
        let seconds = told.started.elapsed().as_secs_f64();
        say(&format!(
            "{} in {seconds:.1} s  report {}",
            seeds_text(report.seeds.len() as u64),
            told.folder.join("report.html").display()
        ))
    }
}

/// Keeps the annotations of a report until all are known.
fn annotate(summary: &Summary) {
    if let Ok(mut all) = ANNOTATIONS.lock() {
        all.extend(github::annotations(summary));
    }
}

/// Prints the annotations of all reports, as many as GitHub shows.
pub fn finish() -> Result<(), Failure> {
    let all = ANNOTATIONS.lock();
    let all = all.map_or(Vec::new(), |mut all| std::mem::take(&mut *all));
    github::shown(&all).iter().try_for_each(|line| say(line))
}

/// Appends a report to the page of the run, if GitHub wants one.
fn step_summary(summary: &Summary) -> Result<(), Failure> {
    let Some(path) = std::env::var_os(STEP_SUMMARY).map(PathBuf::from) else {
        return Ok(());
    };
    let page = markdown::render(summary);
    let used = std::fs::metadata(&path).map_or(0, |file| file.len());
    if used + page.len() as u64 > STEP_SUMMARY_BYTES {
        return Ok(());
    }
    let file = OpenOptions::new().create(true).append(true).open(&path);
    let written = file.and_then(|mut file| file.write_all(page.as_bytes()));
    written.map_err(|error| Failure::Out(OutError { path, error }))
}
