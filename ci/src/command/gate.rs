//! `stormglass gate`: red only when something is wrong. The regression corpus comes first, then seeds taken
//! from the commit; what was not exercised is not green.

use super::list;
use super::sweep::{Chosen, SLO, Sweep, quoted, run_jobs};
use crate::args::{ConsoleArgs, GateArgs};
use crate::error::Failure;
use crate::seeds::{self, Seeds};
use crate::{base, baseline, corpus, known, signals};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::Ordering;
use stormglass_reports::ExitClass;
use stormglass_reports::model::Mode;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::load;
use stormglass_scenarios::objectives;

/// Runs the command.
pub fn gate(catalog: &Catalog, args: &GateArgs) -> Result<u8, Failure> {
    args.sweep.judge()?;
    if let Some(binary) = &args.base_binary {
        if args.sweep.shard.is_some() {
            let message =
                "--base-binary and --shard: what fails is known when all shards are merged";
            let hint = "run the base build with what the merged report names, or do not shard";
            return Err(Failure::usage(message, hint));
        }
        base::probe(binary)?;
    }
    let seed_base = seeds::base(args.seed_base.as_deref());
    let (files, saved) = files(args)?;
    // All are loaded before any is run: a mistake in the last costs no time.
    let mut chosen = Vec::new();
    for path in &files {
        let mut file = load(path, &catalog.names())?;
        objectives::add(&mut file, SLO, &args.slo)?;
        chosen.extend(Chosen::all(catalog, file, path)?);
    }
    let saved = corpus::loaded(catalog, &saved)?;
    differ(&chosen)?;
    let list = known::load(args, &chosen)?;
    let cases: Vec<String> = chosen.iter().map(Chosen::name).collect();
    let folder_of = |case: &Chosen| {
        if chosen.len() == 1 {
            args.sweep.out.clone()
        } else {
            args.sweep.out.join(case.name())
        }
    };
    // Before the first seed of the commit: a baseline that says nothing any more costs no sweep.
    let mut against = Vec::new();
    for (case, held) in chosen.iter().zip(baseline::plan(args, &chosen)?) {
        let held = held.map(|held| held.hold(case, args.sweep.jobs, &folder_of(case)));
        against.push(held.transpose()?.flatten());
    }
    let mut codes = Vec::new();
    // Of several shards the first runs what is saved.
    if args.sweep.shard.is_none_or(|shard| shard.has(0)) {
        for case in corpus::run(&saved, args)? {
            codes.push(tell_saved(catalog, case, args)?);
        }
    }
    for (case, against) in chosen.iter().zip(against) {
        let count = args
            .seeds
            .unwrap_or(u64::from(case.case().scenario.run.seeds));
        let seeds = Seeds::Base {
            base: seed_base.clone(),
            count,
        };
        let name = case.name();
        let folder = folder_of(case);
        let command = format!(
            "stormglass gate {} --seeds {count} --seed-base {seed_base}{}{}{}",
            case.path.display(),
            quoted(&args.slo),
            baseline::arguments(args),
            base::arguments(args)
        );
        let code = run_jobs(Sweep {
            catalog,
            chosen: case,
            seeds,
            slo: &args.slo,
            cases: &cases,
            mode: Mode::Gate,
            command,
            args: &args.sweep,
            folder: &folder,
            baseline: against,
            known: list.as_ref().and_then(|list| list.of(case)),
            // A case that is there to fail fails at the base too.
            base: args
                .base_binary
                .as_deref()
                .filter(|_| case.case().exit == 0),
        })?;
        if signals::stop_flag().load(Ordering::Relaxed) {
            return Ok(signals::interrupted());
        }
        if args.sweep.shard.is_none() {
            codes.push(weighed(&args.sweep.console, &name, code, case.case().exit)?);
        }
    }
    Ok(worst(&codes))
}

/// Results stand in folders by name: two cases of one name would write over each other.
fn differ(chosen: &[Chosen]) -> Result<(), Failure> {
    let mut names: BTreeMap<String, &Chosen> = BTreeMap::new();
    for case in chosen {
        if let Some(other) = names.insert(case.name(), case) {
            let (one, two) = (other.path.display(), case.path.display());
            let message = format!("{one} and {two} both hold {}", case.name());
            return Err(Failure::usage(message, "give one of them another `name`"));
        }
    }
    Ok(())
}

/// What the exit code of a case counts for, given the one that it is known to have.
pub fn weighed(console: &ConsoleArgs, name: &str, code: u8, expected: u8) -> Result<u8, Failure> {
    if code == expected {
        if expected != 0 {
            console.line(&format!(
                "{name}: exit {code}, as the scenario says of itself"
            ))?;
        }
        return Ok(0);
    }
    if expected != 0 && code == 0 {
        // The scenario exists to show a failure; a gate that does not find it has proved nothing.
        console.line(&format!(
            "{name}: nothing was found where exit {expected} is expected"
        ))?;
        return Ok(ExitClass::Coverage.code());
    }
    Ok(code)
}

/// The code that decides, by the precedence of the report page.
pub fn worst(codes: &[u8]) -> u8 {
    const PRECEDENCE: [u8; 8] = [2, 70, 7, 1, 3, 6, 4, 5];
    PRECEDENCE
        .into_iter()
        .find(|code| codes.contains(code))
        .unwrap_or(0)
}

/// Runs a saved case that does not end as its file says once more, with a report; gives back its exit code.
fn tell_saved(catalog: &Catalog, case: &Chosen, args: &GateArgs) -> Result<u8, Failure> {
    let count = u64::from(case.case().scenario.run.seeds);
    let folder = args.sweep.out.join(corpus::FOLDER).join(case.name());
    let variant = case.case().variant.as_ref();
    let variant = variant.map_or(String::new(), |name| format!(" --variant {name}"));
    let mut sweep = args.sweep.clone();
    (sweep.shard, sweep.resume) = (None, false);
    let code = run_jobs(Sweep {
        catalog,
        chosen: case,
        seeds: Seeds::Counted(count),
        slo: &[],
        cases: &[],
        mode: Mode::Run,
        command: format!(
            "stormglass run {} --seeds {count}{variant}",
            case.path.display()
        ),
        args: &sweep,
        folder: &folder,
        baseline: None,
        known: None,
        base: None,
    })?;
    weighed(&args.sweep.console, &case.name(), code, case.case().exit)
}

/// The scenario files asked for, and apart from them those of the regression corpus.
fn files(args: &GateArgs) -> Result<(Vec<PathBuf>, Vec<PathBuf>), Failure> {
    let mut files = list::named(&args.scenarios)?;
    if files.is_empty() {
        return Err(Failure::usage(
            "there is no scenario here",
            "name a .toml file or a folder of them",
        ));
    }
    files.sort();
    files.dedup();
    let saved = corpus::files(args, &files)?;
    files.retain(|path| !corpus::has(path));
    Ok((files, saved))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worst_code_decides_by_precedence_and_not_by_size() {
        assert_eq!(worst(&[0, 0]), 0);
        assert_eq!(worst(&[3, 1, 5]), 1);
        assert_eq!(worst(&[4, 7]), 7);
        assert_eq!(worst(&[1, 70, 2]), 2);
    }
}
