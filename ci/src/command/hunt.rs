//! `stormglass hunt`: a guided search in fixed generations for a plan that fails, which it writes down.

use super::sweep::{Chosen, workers};
use crate::args::HuntArgs;
use crate::error::Failure;
use crate::hush::Hush;
use crate::out::write_file;
use crate::{say, seeds, signals};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use stormglass_core::check::Answer;
use stormglass_core::outcome::Outcome;
use stormglass_reports::ExitClass;
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::hunt::{Candidate, Hunt, written};
use stormglass_scenarios::load::load_text_in;
use stormglass_scenarios::run::{self, Driver};
use stormglass_scenarios::shrink::{first_violation, words};
use stormglass_scenarios::spec::{Scenario, print};
use stormglass_scenarios::sweep::{Ended, Job, Panic, Watcher, sweep};

/// Nobody needs to be told of single runs.
struct Silent;

impl Watcher for Silent {
    fn begins(&self, _: usize, _: Job) {}
    fn ends(&self, _: usize, _: Job) {}
}

/// Runs the command.
pub fn hunt(catalog: &Catalog, args: &HuntArgs) -> Result<u8, Failure> {
    if args.shard.is_some() {
        // B14.
        let message = "hunt learns from one generation to the next, so that it has no shards";
        let hint = "give each machine a search of its own, by another --seed-base";
        return Err(Failure::usage(message, hint));
    }
    let chosen = Chosen::load(catalog, &args.scenario, args.variant.as_deref())?;
    let faults = &chosen.file.base().scenario.faults;
    if faults.swarm.is_empty() || faults.max == 0 {
        return Err(Failure::usage(
            format!(
                "{} draws no faults: there is nothing to search",
                args.scenario.display()
            ),
            "list kinds of faults in `swarm` of its section [faults]",
        ));
    }
    let base = args.seed_base.as_deref().unwrap_or(seeds::NO_BASE);
    let mut hunt = Hunt::new(Arc::clone(&chosen.assembly), base);
    let mut runs = 0;
    for generation in 0..args.generations {
        let candidates = hunt.next(args.size);
        let ended = generation_of(&chosen.assembly, &candidates, args.jobs);
        if signals::stop_flag().load(Ordering::Relaxed) {
            say(&format!("interrupted in generation {generation}"))?;
            return Ok(signals::interrupted());
        }
        runs += ended.len();
        let (mut new, mut first) = (0, None);
        for (candidate, ended) in candidates.iter().zip(&ended) {
            let fails = match ended {
                Ended::Done(outcome) => {
                    new += hunt.learn(candidate, outcome);
                    outcome.answer() == Answer::Fail
                }
                Ended::Panicked(_) => true,
            };
            if fails && first.is_none() {
                first = Some((candidate, ended));
            }
        }
        say(&format!(
            "generation {generation}: {} runs, {new} new cells of {}, {} parents",
            ended.len(),
            hunt.cells(),
            hunt.parents()
        ))?;
        if let Some((candidate, ended)) = first {
            return found(catalog, &chosen, candidate, ended, &args.out);
        }
    }
    say(&format!(
        "nothing found in {runs} runs; a guided search bounds no rate, ordinary seeds do"
    ))?;
    Ok(ExitClass::Success.code())
}

/// Runs a whole generation; the results are in its order.
fn generation_of(
    assembly: &Arc<Assembly>,
    candidates: &[Candidate],
    wanted: Option<usize>,
) -> Vec<Ended<Outcome>> {
    let jobs: Vec<Job> = (0..)
        .zip(candidates)
        .map(|(index, candidate)| Job {
            index,
            seed: candidate.seed,
        })
        .collect();
    let mut all = Vec::new();
    // A seed's panic is its finding.
    let hush = Hush::panics();
    sweep(
        &jobs,
        workers(wanted),
        signals::stop_flag(),
        &Silent,
        &|job| {
            let candidate = &candidates[job.index as usize];
            run::run_plan(
                assembly,
                candidate.seed,
                candidate.plan.clone(),
                Driver::Auto,
            )
            .outcome
        },
        &mut |_, ended| all.push(ended),
    );
    drop(hush);
    all
}

/// Writes down what failed and says how to go on.
fn found(
    catalog: &Catalog,
    chosen: &Chosen,
    candidate: &Candidate,
    ended: &Ended<Outcome>,
    out: &Path,
) -> Result<u8, Failure> {
    let (name, sentence, outcome) = match ended {
        Ended::Done(outcome) => match first_violation(outcome, None) {
            Some(violation) => (
                violation.signature.to_string(),
                violation.sentence.clone(),
                Some(outcome),
            ),
            None => (
                "liveness · livelock".to_owned(),
                outcome
                    .limit
                    .as_ref()
                    .map(ToString::to_string)
                    .unwrap_or_default(),
                Some(outcome),
            ),
        },
        Ended::Panicked(Panic {
            part: None,
            message,
            ..
        }) => {
            say(&format!(
                "seed {}: stormglass itself panicked: {message}",
                candidate.seed
            ))?;
            return Ok(ExitClass::Internal.code());
        }
        Ended::Panicked(Panic {
            part: Some(part),
            message,
            ..
        }) => (format!("no-panic · panic · {part}"), message.clone(), None),
    };
    let scenario = repeating(catalog, chosen, candidate, outcome);
    let path = out.join("failures").join(words(&name)).join("found.toml");
    let text = print::print(&scenario);
    write_file(&path, &text)?;
    say(&format!("found {name}\n  {sentence}\n"))?;
    say(&planned(&text))?;
    let at = format!("{} --seed {}", path.display(), candidate.seed);
    say(&format!("found  {}", path.display()))?;
    say(&format!("run    stormglass run {at}"))?;
    say(&format!("shrink stormglass shrink {at}"))?;
    Ok(ExitClass::Correctness.code())
}

/// The scenario without what had no effect, if it fails all the same; else with everything.
fn repeating(
    catalog: &Catalog,
    chosen: &Chosen,
    candidate: &Candidate,
    outcome: Option<&Outcome>,
) -> Scenario {
    let whole = || written(&chosen.assembly, &candidate.plan, None);
    let Some(outcome) = outcome else {
        return whole();
    };
    let scenario = written(&chosen.assembly, &candidate.plan, Some(outcome));
    let folder = chosen.path.parent().unwrap_or(Path::new(""));
    let text = print::print(&scenario);
    let again = load_text_in(folder, "found.toml", text, &catalog.names())
        .ok()
        .and_then(|file| Assembly::new(&file, file.base(), catalog).ok())
        .and_then(|assembly| {
            let assembly = Arc::new(assembly);
            let run = || run::run(&assembly, candidate.seed, Driver::Auto).outcome;
            catch_unwind(AssertUnwindSafe(run)).ok()
        });
    match again {
        Some(again) if again.signatures() == outcome.signatures() => scenario,
        Some(_) | None => whole(),
    }
}

/// The planned faults of a printed scenario.
fn planned(text: &str) -> String {
    let mut lines = Vec::new();
    let mut inside = false;
    for line in text.lines() {
        if line.starts_with('[') {
            inside = line.starts_with("[[faults.planned");
        }
        if inside {
            lines.push(line);
        }
    }
    lines.join("\n")
}
