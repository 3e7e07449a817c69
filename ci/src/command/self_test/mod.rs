//! `stormglass self-test`: whether the gate would notice. Scenarios that are known to be wrong run with the
//! gate's own seeds until one fails, and the share that is found is the gate's mutation score.
//!
//! Model: a mutant is a case that its file says of itself is wrong, or a flaw planted into a part of a sound
//! case. It is found by the first seed in which a check or an objective fails that does not fail in its sound
//! twin, which meets the same arrivals and the same faults. Nothing else of the gate counts: points that are
//! not reached say that too little was tested, and not that something is wrong.

mod mutant;
mod told;

use super::items::{self, Measured};
use crate::args::SelfTestArgs;
use crate::error::Failure;
use crate::out::write_file;
use crate::{say, seeds};
use mutant::{Found, Mutant};
use stormglass_scenarios::catalog::Catalog;

/// Runs the command.
pub fn self_test(catalog: &Catalog, args: &SelfTestArgs) -> Result<u8, Failure> {
    let at_least = share(&args.at_least)?;
    let base = seeds::base(args.seed_base.as_deref());
    let mutants = mutant::all(catalog, &args.scenarios)?;
    if mutants.is_empty() {
        let message =
            "there is nothing to find: no case is known to fail, and no sound case has a part";
        let hint = "name scenario files or folders of them, or none for those of stormglass itself";
        return Err(Failure::usage(message, hint));
    }
    let budget = |mutant: &Mutant| args.seeds.unwrap_or_else(|| mutant.seeds());
    let (rows, measured) = items::measure(
        &mutants,
        (args.jobs, args.quiet),
        &Mutant::name,
        &|mutant, stop| {
            let seeds = budget(mutant);
            told::Row::of(mutant, seeds, mutant.search(&base, seeds, stop))
        },
        &told::Row::line,
    )?;
    if measured == Measured::Interrupted {
        return Ok(measured.code(false));
    }
    let result = told::Told::of(&base, at_least, rows);
    write_file(&args.out.join("self-test.json"), &result.json())?;
    say(&result.score())?;
    Ok(measured.code(result.is_enough()))
}

/// A whole share of a hundred, as in `95%`.
fn share(text: &str) -> Result<u64, Failure> {
    let number = text.trim().strip_suffix('%').map(str::trim);
    let number = number.and_then(|number| number.parse().ok());
    number.filter(|number| *number <= 100).ok_or_else(|| {
        let message = format!("--at-least {text:?} is no share");
        Failure::usage(message, "give whole percent, as in --at-least 95%")
    })
}
