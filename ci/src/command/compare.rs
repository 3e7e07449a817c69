//! `stormglass compare`: configurations side by side, over the same seeds. Variants of one file meet the same
//! arrivals and the same faults; of several files that is checked.

mod priced;

use super::sweep::{Chosen, SLO, quoted, workers};
use crate::args::CompareArgs;
use crate::error::Failure;
use crate::fold::fold;
use crate::hush::Hush;
use crate::out::write_file;
use crate::{say, seeds, signals};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use stormglass_core::rng::Seed;
use stormglass_reports::compare::sweep::Coordinate;
use stormglass_reports::compare::{About, Gathering, Side, artefacts, text};
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::{Case, load};
use stormglass_scenarios::objectives;
use stormglass_scenarios::run::{self, Driver};
use stormglass_scenarios::spec::{matrix, print};
use stormglass_scenarios::sweep::{Ended, Job, Watcher, sweep};

/// Runs the command.
pub fn compare(catalog: &Catalog, args: &CompareArgs) -> Result<u8, Failure> {
    let margin_ppm = margin(&args.margin)?;
    let prices = args.prices.as_deref().map(priced::read).transpose()?;
    let chosen = configurations(catalog, args)?;
    let about = About {
        title: title(&chosen),
        question: chosen[0].case().scenario.question.clone(),
        stamp: stamp(chosen[0].case()),
        command: command(args),
        margin_ppm,
        prices,
        notes: notes(&chosen, args.seeds),
    };
    let sides = chosen.iter().map(|one| Side {
        name: name(one, &chosen),
        settings: print::settings(&one.case().written),
        cell: one.case().cell.iter().map(coordinate).collect(),
    });
    let mut gathering = Gathering::new(about, sides.collect());
    let jobs = seeds::counted(args.seeds);
    let stop = signals::stop_flag();
    for (side, one) in chosen.iter().enumerate() {
        let mut trouble = None;
        // A seed's panic is told with its seed, below.
        let hush = Hush::panics();
        let taken = sweep(
            &jobs,
            workers(args.jobs),
            stop,
            &Nobody,
            &|job| outcome(&one.assembly, job),
            &mut |job, ended| match ended {
                Ended::Done(run) => gathering.add(side, &run),
                Ended::Panicked(panic) => {
                    trouble.get_or_insert_with(|| format!("seed {}: {}", job.seed, panic.message));
                }
            },
        );
        drop(hush);
        if let Some(trouble) = trouble {
            let hint = "run this configuration alone with `stormglass run`; a run that panics cannot be compared";
            return Err(Failure::usage(trouble, hint));
        }
        if taken < jobs.len() || stop.load(Ordering::Relaxed) {
            return Ok(signals::interrupted());
        }
    }
    let comparison = gathering.finish();
    for (file, contents) in artefacts(&comparison) {
        write_file(&args.out.join(file), &contents)?;
    }
    if !args.quiet {
        say(text::render(&comparison).trim_end())?;
    }
    say(&format!(
        "report {}",
        args.out.join("compare.html").display()
    ))?;
    Ok(0)
}

/// A value of a matrix, in the words of a report.
fn coordinate(at: &matrix::Coordinate) -> Coordinate {
    Coordinate {
        setting: at.path.clone(),
        value: at.value.clone(),
        number: at.number(),
    }
}

fn outcome(assembly: &Arc<Assembly>, job: Job) -> stormglass_reports::RunOutcome {
    let ran = run::run(assembly, job.seed, Driver::Auto);
    let mut outcome = fold(assembly, job.index, &ran);
    // Kept for no configuration: a comparison shows no run over time.
    outcome.shown = None;
    outcome
}

/// A comparison says nothing before its end.
struct Nobody;

impl Watcher for Nobody {
    fn begins(&self, _: usize, _: Job) {}
    fn ends(&self, _: usize, _: Job) {}
}

/// Every configuration asked for, in order; the first is the baseline.
fn configurations(catalog: &Catalog, args: &CompareArgs) -> Result<Vec<Chosen>, Failure> {
    let mut chosen = Vec::new();
    let many = args.scenarios.len() > 1;
    for path in &args.scenarios {
        let mut file = load(path, &catalog.names())?;
        objectives::add(&mut file, SLO, &args.slo)?;
        if !many && args.variant.is_empty() {
            chosen.extend(Chosen::all(catalog, file, path)?);
        } else {
            let file = Arc::new(file);
            chosen.push(Chosen::of(catalog, Arc::clone(&file), path, None)?);
            for variant in &args.variant {
                chosen.push(Chosen::of(catalog, Arc::clone(&file), path, Some(variant))?);
            }
        }
    }
    if chosen.len() < 2 {
        return Err(Failure::usage(
            format!("{} has no variants to compare", args.scenarios[0].display()),
            "add a [[variant]] or a [matrix] to it, or name a second file",
        ));
    }
    Ok(chosen)
}

fn is_one_file(chosen: &[Chosen]) -> bool {
    chosen.iter().all(|one| one.path == chosen[0].path)
}

fn title(chosen: &[Chosen]) -> String {
    if is_one_file(chosen) {
        return chosen[0].case().scenario.name.clone();
    }
    let names = chosen.iter().map(|one| one.case().scenario.name.as_str());
    names.collect::<Vec<_>>().join(" and ")
}

fn name(one: &Chosen, chosen: &[Chosen]) -> String {
    let scenario = &one.case().scenario.name;
    match (&one.case().variant, is_one_file(chosen)) {
        (None, true) => "as written".to_owned(),
        (Some(variant), true) => variant.clone(),
        (None, false) => scenario.clone(),
        (Some(variant), false) => format!("{scenario} {variant}"),
    }
}

fn stamp(case: &Case) -> String {
    match case.scenario.run.time_scale {
        1 => "uncalibrated".to_owned(),
        scale => format!("uncalibrated, timeouts divided by {scale}"),
    }
}

/// What makes two configurations less comparable than variants of one file are.
fn notes(chosen: &[Chosen], seeds: u64) -> Vec<String> {
    let first = &chosen[0];
    let differs = |what: &dyn Fn(&Chosen) -> bool, sentence: &str| {
        let any = chosen.iter().skip(1).any(what);
        any.then(|| sentence.to_owned())
    };
    let plans = |one: &Chosen| {
        (1..=seeds).any(|seed| one.assembly.plan(Seed(seed)) != first.assembly.plan(Seed(seed)))
    };
    let arrivals = |one: &Chosen| one.assembly.owed(Seed(1)) != first.assembly.owed(Seed(1));
    let scales =
        |one: &Chosen| one.case().scenario.run.time_scale != first.case().scenario.run.time_scale;
    let swept = first_cell(chosen).map_or(0, |cell| cell.len());
    let found = [
        (swept > 2).then(|| {
            format!("a matrix of {swept} settings is not drawn: curves have one, maps two")
        }),
        differs(
            &plans,
            "the configurations do not meet the same faults: differences include those of the plans",
        ),
        differs(
            &arrivals,
            "the configurations do not meet the same arrivals: differences include those of the load",
        ),
        differs(
            &scales,
            "the configurations have different time scales: their latencies do not compare",
        ),
    ];
    found.into_iter().flatten().collect()
}

/// The first cell of a matrix among the configurations.
fn first_cell(chosen: &[Chosen]) -> Option<&[matrix::Coordinate]> {
    let mut cells = chosen.iter().map(|one| one.case().cell.as_slice());
    cells.find(|cell| !cell.is_empty())
}

/// A share such as `1%` or `0.01`, in parts per million.
pub fn margin(text: &str) -> Result<u64, Failure> {
    let text = text.trim();
    let (digits, unit) = text
        .strip_suffix('%')
        .map_or((text, 1e6), |digits| (digits, 1e4));
    let share: Option<f64> = digits.trim().parse().ok();
    let share = share
        .map(|share| share * unit)
        .filter(|ppm| (1.0..1e6).contains(ppm));
    share.map(|ppm| ppm.round() as u64).ok_or_else(|| {
        Failure::usage(
            format!("{text:?} is no margin"),
            "give a share above 0 and below 100 %, as in --margin 1%",
        )
    })
}

fn command(args: &CompareArgs) -> String {
    let path = |path: &Path| path.display().to_string();
    let files: Vec<String> = args.scenarios.iter().map(|file| path(file)).collect();
    let variants = args.variant.iter().map(|name| format!(" --variant {name}"));
    let margin = if args.margin == "1%" {
        String::new()
    } else {
        format!(" --margin {}", args.margin)
    };
    let prices = args.prices.as_deref();
    let prices = prices.map_or(String::new(), |file| format!(" --prices {}", path(file)));
    format!(
        "stormglass compare {} --seeds {}{}{margin}{prices}{}",
        files.join(" "),
        args.seeds,
        variants.collect::<String>(),
        quoted(&args.slo)
    )
}
