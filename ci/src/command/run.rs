//! `stormglass run`: look at a scenario with one seed or several.

use super::sweep::{Chosen, run_jobs};
use crate::args::RunArgs;
use crate::error::Failure;
use crate::seeds;
use stormglass_reports::model::Mode;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::sweep::Job;

/// Runs the command.
pub fn run(catalog: &Catalog, args: &RunArgs) -> Result<u8, Failure> {
    let chosen = Chosen::load(catalog, &args.scenario, args.variant.as_deref())?;
    let jobs = match args.seeds {
        None => vec![Job {
            index: 0,
            seed: args.seed,
        }],
        Some(count) => seeds::counted(count),
    };
    let variant = args
        .variant
        .as_ref()
        .map_or(String::new(), |name| format!(" --variant {name}"));
    let which = match args.seeds {
        None => format!("--seed {}", args.seed),
        Some(count) => format!("--seeds {count}"),
    };
    let command = format!(
        "stormglass run {} {which}{variant}",
        args.scenario.display()
    );
    run_jobs(
        &chosen,
        &jobs,
        Mode::Run,
        command,
        &args.sweep,
        &args.sweep.out,
    )
}
