//! `stormglass run`: look at a scenario with one seed or several.

use super::sweep::{Chosen, SLO, Sweep, quoted, run_jobs};
use crate::args::RunArgs;
use crate::error::Failure;
use crate::seeds::Seeds;
use stormglass_reports::model::Mode;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::load;
use stormglass_scenarios::objectives;

/// Runs the command.
pub fn run(catalog: &Catalog, args: &RunArgs) -> Result<u8, Failure> {
    let mut file = load(&args.scenario, &catalog.names())?;
    objectives::add(&mut file, SLO, &args.slo)?;
    let chosen = Chosen::of(catalog, file, &args.scenario, args.variant.as_deref())?;
    let seeds = match (args.seeds, &args.seed_base) {
        (None, _) => Seeds::One(args.seed),
        (Some(count), None) => Seeds::Counted(count),
        (Some(count), Some(base)) => Seeds::Base {
            base: base.clone(),
            count,
        },
    };
    args.sweep.judge()?;
    if args.seeds.is_none() && args.sweep.shard.is_some() {
        let message = "--shard takes a part of several seeds, and this is one";
        return Err(Failure::usage(message, "say how many with --seeds N"));
    }
    let variant = args
        .variant
        .as_ref()
        .map_or(String::new(), |name| format!(" --variant {name}"));
    let which = match (args.seeds, &args.seed_base) {
        (None, _) => format!("--seed {}", args.seed),
        (Some(count), None) => format!("--seeds {count}"),
        (Some(count), Some(base)) => format!("--seeds {count} --seed-base {base}"),
    };
    let command = format!(
        "stormglass run {} {which}{variant}{}",
        args.scenario.display(),
        quoted(&args.slo)
    );
    run_jobs(Sweep {
        catalog,
        chosen: &chosen,
        seeds,
        slo: &args.slo,
        cases: &[],
        mode: Mode::Run,
        command,
        args: &args.sweep,
        folder: &args.sweep.out,
        baseline: None,
        known: None,
        base: None,
    })
}
