//! `stormglass shrink`: the smallest schedule that fails as a seed does, as a scenario file that stands alone.

use super::missed::{Missed, OBJECTIVE};
use super::sweep::Chosen;
use crate::args::ShrinkArgs;
use crate::error::Failure;
use crate::hush::Hush;
use crate::out::write_file;
use crate::say;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::shrink::{
    FINAL_SEEDS, STEPS, Shrunk, Unshrinkable, attempt, first_violation, shrink, shrink_to, slug,
};

/// Runs the command.
pub fn run(catalog: &Catalog, args: &ShrinkArgs) -> Result<u8, Failure> {
    let chosen = Chosen::load(catalog, &args.run.scenario, args.run.variant.as_deref())?;
    let (seed, check) = (args.run.seed, args.check.as_deref());
    let shrunk = match of_objective(catalog, &chosen, seed, check) {
        Some(shrunk) => shrunk,
        None => of_seed(catalog, &chosen, seed, check),
    }?;
    let folder = args
        .out
        .join("failures")
        .join(slug(&shrunk.violation.signature));
    let path = folder.join("repro.toml");
    write_file(&path, &shrunk.text)?;
    tell(&shrunk)?;
    say(&format!("repro {}", path.display()))?;
    let seed = shrunk
        .pinned
        .map_or(String::new(), |seed| format!(" --seed {seed}"));
    say(&format!("run it: stormglass run {}{seed}", path.display()))?;
    Ok(0)
}

/// Shrinks an objective that a seed of the chosen case misses: the one that is asked for, or the first where no
/// check is and nothing else is wrong.
fn of_objective(
    catalog: &Catalog,
    chosen: &Chosen,
    seed: u64,
    check: Option<&str>,
) -> Option<Result<Shrunk, Failure>> {
    let hush = Hush::panics();
    let ran = attempt(&chosen.assembly, seed).ok()?;
    if check.is_none() && first_violation(&ran.outcome, None).is_some() {
        return None;
    }
    let goal = Missed::by(&chosen.assembly, &ran, check.unwrap_or(OBJECTIVE))?;
    let shrunk = shrink_to(
        catalog,
        chosen.folder(),
        &chosen.assembly,
        seed,
        &goal,
        STEPS,
    );
    drop(hush);
    Some(shrunk.map_err(|why| failure(&why, seed, check)))
}

/// Shrinks what a seed of the chosen case breaks.
pub fn of_seed(
    catalog: &Catalog,
    chosen: &Chosen,
    seed: u64,
    check: Option<&str>,
) -> Result<Shrunk, Failure> {
    // A candidate that panics is no candidate.
    let hush = Hush::panics();
    let shrunk = shrink(
        catalog,
        chosen.folder(),
        &chosen.assembly,
        seed,
        check,
        STEPS,
    );
    drop(hush);
    shrunk.map_err(|why| failure(&why, seed, check))
}

fn failure(why: &Unshrinkable, seed: u64, check: Option<&str>) -> Failure {
    match why {
        Unshrinkable::Passes => Failure::usage(
            match check {
                Some(check) => format!("seed {seed} does not break {check}"),
                None => format!("seed {seed} breaks no check: there is nothing to shrink"),
            },
            "take a seed that `stormglass run` reports as failing",
        ),
        Unshrinkable::NotExplicit => Failure::usage(
            format!("seed {seed} does not fail once its faults and events are written down"),
            "its failure depends on something that a file cannot say, such as a control fault of a test",
        ),
    }
}

fn tell(shrunk: &Shrunk) -> Result<(), Failure> {
    let (before, after) = (shrunk.before, shrunk.after);
    say(&format!("{}", shrunk.violation.signature))?;
    say(&format!("  {}", shrunk.violation.sentence))?;
    say(&format!(
        "  events {} -> {}  faults {} -> {}  steps {} -> {}  in {} runs",
        before.events,
        after.events,
        before.faults,
        after.faults,
        before.steps,
        after.steps,
        shrunk.runs
    ))?;
    let certainty = format!(
        "fails with {} of {FINAL_SEEDS} fresh timing seeds",
        shrunk.fails
    );
    say(&match shrunk.pinned {
        None => format!("  {certainty}"),
        Some(seed) => format!("  {certainty}; it depends on timing, so seed {seed} belongs to it"),
    })?;
    if shrunk.cut_short {
        say("  the budget ended before nothing smaller failed: it may be shrunk further")?;
    }
    for line in shrunk.schedule() {
        say(&format!("  {line}"))?;
    }
    Ok(())
}
