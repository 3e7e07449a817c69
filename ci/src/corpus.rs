//! The regression corpus: schedules that once failed, as scenario files that stand alone. A gate runs them before
//! its seeds, each with the seeds that it names, and says so in one line.

use crate::args::GateArgs;
use crate::command::list;
use crate::command::sweep::{Chosen, workers};
use crate::error::Failure;
use crate::fold::fold;
use crate::hush::Hush;
use crate::{seeds, signals};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;
use stormglass_reports::model::outcome::Answer;
use stormglass_reports::model::value::counted;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::load;
use stormglass_scenarios::run::{self, Driver};
use stormglass_scenarios::sweep::{Ended, Nobody, sweep};

/// The folder that holds it, beside scenarios or above them.
pub const FOLDER: &str = "regression";

/// Whether a file belongs to it.
pub fn has(path: &Path) -> bool {
    path.components().any(|part| part.as_os_str() == FOLDER)
}

/// Its files: those named by the gate, in `--corpus`, and in a folder `regression` beside the scenarios or
/// beside their folder.
///
/// # Errors
/// If a folder cannot be read.
pub fn files(args: &GateArgs, named: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut found: Vec<PathBuf> = named.iter().filter(|path| has(path)).cloned().collect();
    if let Some(folder) = &args.corpus {
        found.extend(list::files(folder)?);
    } else {
        for asked in &args.scenarios {
            for folder in asked.ancestors().take(3) {
                let folder = folder.join(FOLDER);
                if folder.is_dir() && !has(asked) {
                    found.extend(list::files(&folder)?);
                }
            }
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// Loads all of it.
///
/// # Errors
/// If a file is none.
pub fn loaded(catalog: &Catalog, files: &[PathBuf]) -> Result<Vec<Chosen>, Failure> {
    let mut corpus = Vec::new();
    for path in files {
        let file = load(path, &catalog.names())?;
        corpus.extend(Chosen::all(catalog, file, path)?);
    }
    Ok(corpus)
}

/// Runs it; gives back what does not end as its file says.
///
/// # Errors
/// If the console is gone.
pub fn run<'a>(corpus: &'a [Chosen], args: &GateArgs) -> Result<Vec<&'a Chosen>, Failure> {
    if corpus.is_empty() {
        return Ok(Vec::new());
    }
    let started = Instant::now();
    let mut broken = Vec::new();
    // What panics is run again and told of below.
    let hush = Hush::panics();
    for case in corpus {
        let is_expected = case.case().exit == 0;
        if fails(case, args.sweep.jobs) == is_expected {
            broken.push(case);
        }
        if signals::stop_flag().load(Ordering::Relaxed) {
            break;
        }
    }
    drop(hush);
    let verdict = match broken.len() {
        0 => "ok".to_owned(),
        count => format!("{count} broken"),
    };
    args.sweep.console.line(&format!(
        "corpus      {}: {verdict}   {:.1} s",
        counted(corpus.len() as u64, "saved case"),
        started.elapsed().as_secs_f64()
    ))?;
    Ok(broken)
}

/// Whether any of a case's own seeds fails.
fn fails(case: &Chosen, workers_asked: Option<usize>) -> bool {
    let jobs = seeds::counted(u64::from(case.case().scenario.run.seeds));
    let mut any = false;
    sweep(
        &jobs,
        workers(workers_asked).clamp(1, jobs.len().max(1)),
        signals::stop_flag(),
        &Nobody,
        &|job| {
            let ran = run::run(&case.assembly, job.seed, Driver::Auto);
            fold(&case.assembly, job.index, &ran).answer()
        },
        &mut |_, ended| {
            any |= match ended {
                Ended::Done(answer) => answer == Answer::Fail,
                Ended::Panicked(_) => true,
            };
        },
    );
    any
}
