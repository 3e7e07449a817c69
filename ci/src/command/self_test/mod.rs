//! `stormglass self-test`: whether the gate would notice. Scenarios that are known to be wrong run with the
//! gate's own seeds until one fails, and the share that is found is the gate's mutation score.
//!
//! Model: a mutant is a case that its file says of itself is wrong, or a flaw planted into a part of a sound
//! case. It is found by the first seed in which a check or an objective fails that does not fail in its sound
//! twin, which meets the same arrivals and the same faults. Nothing else of the gate counts: points that are
//! not reached say that too little was tested, and not that something is wrong.

mod mutant;
mod told;

use crate::args::SelfTestArgs;
use crate::error::Failure;
use crate::hush::Hush;
use crate::out::write_file;
use crate::seeds;
use crate::{say, signals};
use mutant::{Found, Mutant};
use std::sync::atomic::Ordering;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::sweep::{Ended, Job, Nobody, sweep};

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
    let jobs = (0..mutants.len()).map(|at| Job {
        index: at as u64,
        seed: 0,
    });
    let jobs: Vec<Job> = jobs.collect();
    let stop = signals::stop_flag();
    let budget = |mutant: &Mutant| args.seeds.unwrap_or_else(|| mutant.seeds());
    let (mut rows, mut trouble, mut internal) = (Vec::new(), None, Vec::new());
    // A part that panics is found by it.
    let hush = Hush::panics();
    sweep(
        &jobs,
        super::sweep::workers(args.jobs),
        stop,
        &Nobody,
        &|job| {
            let mutant = &mutants[job.index as usize];
            mutant.search(&base, budget(mutant), stop)
        },
        &mut |job, ended| {
            let mutant = &mutants[job.index as usize];
            match ended {
                Ended::Done(found) => {
                    let row = told::Row::of(mutant, budget(mutant), found);
                    if !args.quiet && !stop.load(Ordering::Relaxed) {
                        trouble = say(&row.line()).err();
                    }
                    rows.push(row);
                }
                Ended::Panicked(panic) => {
                    internal.push(format!("{}: {}", mutant.name(), panic.message))
                }
            }
        },
    );
    drop(hush);
    if stop.load(Ordering::Relaxed) {
        return Ok(signals::interrupted());
    }
    for line in &internal {
        eprintln!("stormglass itself panicked at {line}");
    }
    if let Some(error) = trouble {
        return Err(error);
    }
    let result = told::Told::of(&base, at_least, rows);
    write_file(&args.out.join("self-test.json"), &result.json())?;
    say(&result.score())?;
    Ok(match (internal.is_empty(), result.is_enough()) {
        (false, _) => 70,
        (true, true) => 0,
        (true, false) => 1,
    })
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
