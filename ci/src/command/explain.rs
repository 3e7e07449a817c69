//! `stormglass explain`: why a seed fails. The failure is shrunk, its event followed, and every fault and setting
//! of the schedule changed in turn.

use super::shrink::of_seed;
use super::sweep::{Chosen, workers};
use crate::args::ExplainArgs;
use crate::error::Failure;
use crate::explained::told;
use crate::hush::Hush;
use crate::out::{OutError, write_file};
use crate::say;
use std::path::Path;
use stormglass_reports::explanation;
use stormglass_reports::model::explained::Explained;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::explain::Bench;
use stormglass_scenarios::shrink::{NO_PANIC, slug};

/// Where failures stand in a folder of results.
pub const FAILURES: &str = "failures";

/// Runs the command.
pub fn run(catalog: &Catalog, args: &ExplainArgs) -> Result<u8, Failure> {
    let chosen = Chosen::load(catalog, &args.run.scenario, args.run.variant.as_deref())?;
    let shrunk = of_seed(catalog, &chosen, args.run.seed, args.check.as_deref())?;
    if shrunk.violation.signature.check == NO_PANIC {
        return Err(Failure::usage(
            format!("seed {} ends with a panic of yours", args.run.seed),
            "its message says why; `stormglass shrink` cuts what leads there",
        ));
    }
    let bench = Bench {
        catalog,
        folder: chosen.folder(),
        workers: workers(args.jobs),
    };
    // A changed run that panics counts as failing.
    let hush = Hush::panics();
    let mut explained = bench.explain(shrunk);
    bench.prove(&mut explained, chosen.case(), args.seeds);
    drop(hush);
    let shrunk = &explained.shrunk;
    let folder = args
        .out
        .join(FAILURES)
        .join(slug(&shrunk.violation.signature));
    let repro = folder.join("repro.toml").display().to_string();
    let told = told(&explained, args.run.seed, repro, String::new());
    write(&folder, &shrunk.text, &told)?;
    say(explanation::markdown(&told).trim_end())?;
    say(&format!("\nwritten to {}", folder.display()))?;
    Ok(0)
}

/// Writes a failure's folder: its schedule, and its explanation for people and for programs.
pub fn write(folder: &Path, schedule: &str, told: &Explained) -> Result<(), OutError> {
    write_file(&folder.join("repro.toml"), schedule)?;
    write_file(&folder.join("explain.md"), &explanation::markdown(told))?;
    write_file(&folder.join("explain.json"), &explanation::json(told))
}
