//! The base build: the binary of the commit that a change is made to. What it shows under the same seeds tells
//! failures that a change brings from those that were there before it.

use crate::args::GateArgs;
use crate::command::sweep::Sweep;
use crate::error::Failure;
use crate::seeds::Seeds;
use serde_json::Value;
use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use stormglass_reports::Report;

/// Its results, below those of the case.
const FOLDER: &str = "base";

/// The option that names it, as a shell takes it.
pub fn arguments(args: &GateArgs) -> String {
    let binary = args.base_binary.as_ref();
    binary.map_or(String::new(), |path| {
        format!(" --base-binary {}", path.display())
    })
}

/// Whether the binary can be asked at all, before any seed is run.
///
/// # Errors
/// If it cannot be started or does not answer.
pub fn probe(binary: &Path) -> Result<(), Failure> {
    let wrong = |why: &str| {
        let hint = "name the binary of the commit that the change is made to, built as this one is";
        Failure::usage(format!("--base-binary {}: {why}", binary.display()), hint)
    };
    let status = Command::new(binary)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .map_err(|error| wrong(&format!("cannot be started: {error}")))?;
    if status.success() {
        return Ok(());
    }
    Err(wrong("does not answer --version"))
}

/// Runs the seeds of a sweep with the base build if something failed in it that was not known, and says of each such
/// failure in how many seeds the base build has it. What the base build cannot run, such as a setting that it does not
/// have, is a remark: it says nothing about the change.
pub fn ask(binary: &Path, sweep: &Sweep<'_>, report: &mut Report) {
    if report
        .failures
        .iter()
        .all(|group| group.standing.is_known())
    {
        return;
    }
    let folder = sweep.folder.join(FOLDER);
    if !sweep.args.console.quiet {
        eprintln!("running the same seeds with the base build");
    }
    match shown(binary, sweep, &folder) {
        Ok((signatures, seeds)) => report.hold_at_base(&signatures, seeds),
        Err(why) => {
            let note = format!("the base build was asked and did not answer: {why}");
            report.notes.insert(note);
        }
    }
}

/// In how many seeds the base build shows each signature, and of how many.
fn shown(
    binary: &Path,
    sweep: &Sweep<'_>,
    folder: &Path,
) -> Result<(BTreeMap<String, u64>, u64), String> {
    // What an older base left there is not what this one shows.
    if folder.exists() {
        fs::remove_dir_all(folder).map_err(|error| error.to_string())?;
    }
    let mut command = Command::new(binary);
    command.arg("run").arg(&sweep.chosen.path);
    match &sweep.seeds {
        Seeds::One(seed) => command.args(["--seed", &seed.to_string()]),
        Seeds::Counted(count) => command.args(["--seeds", &count.to_string()]),
        Seeds::Base { base, count } => {
            command.args(["--seeds", &count.to_string(), "--seed-base", base])
        }
    };
    if let Some(variant) = &sweep.chosen.case().variant {
        command.args(["--variant", variant]);
    }
    if let Some(jobs) = sweep.args.jobs {
        command.args(["--jobs", &jobs.to_string()]);
    }
    command.arg("--quiet").arg("--out").arg(folder);
    let output = command.output().map_err(|error| error.to_string())?;
    let summary = fs::read_to_string(folder.join("summary.json"));
    let summary = summary.map_err(|_| {
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        let first = said.lines().next().unwrap_or("it said nothing").to_owned();
        first.trim_start_matches("error: ").to_owned()
    })?;
    let summary: Value = serde_json::from_str(&summary).map_err(|error| error.to_string())?;
    read(&summary).ok_or_else(|| "its summary.json has another form".to_owned())
}

/// The signatures of a summary with the seeds that show them, and how many seeds there were.
fn read(summary: &Value) -> Option<(BTreeMap<String, u64>, u64)> {
    let mut signatures = BTreeMap::new();
    for group in summary["failures"].as_array()? {
        let signature = group["signature"].as_str()?.to_owned();
        signatures.insert(signature, group["share"]["count"].as_u64()?);
    }
    let answers = summary["seeds"].as_object()?.values();
    let seeds = answers.map(Value::as_u64).sum::<Option<u64>>()?;
    Some((signatures, seeds))
}
