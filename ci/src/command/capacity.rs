//! `stormglass capacity`: the highest arrival rate that meets every objective in every seed, also under the
//! faults that the file plans.
//!
//! Model: a rate meets the objectives if none is violated and none unknown in any seed, and one at least
//! applies. Seeds of a rate are run in order up to the first that does not meet them, so that what is printed
//! and written does not depend on the number of workers.
//! Limits: an objective that needs more samples than a low rate gives is unknown there, which ends the search.

mod search;

use super::sweep::{Chosen, SLO};
use crate::args::CapacityArgs;
use crate::error::Failure;
use crate::fold::fold;
use crate::hush::Hush;
use crate::out::OutError;
use crate::{say, seeds, signals};
use search::{Found, search};
use serde_json::{Value as Json, json};
use std::fs;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use stormglass_core::units::{Rate, parse_rate};
use stormglass_reports::ExitClass;
use stormglass_reports::model::outcome::{Answer, RunOutcome, SloRun};
use stormglass_reports::summary::shown_or_dash;
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::load;
use stormglass_scenarios::run::{self, Driver};
use stormglass_scenarios::sweep::{Ended, Job, Watcher, sweep};
use stormglass_scenarios::{objectives, rates};

/// One objective at one rate: its worst answer and value over the seeds.
struct Judged {
    run: SloRun,
    answer: Answer,
}

/// One rate that was tried.
struct Probe {
    rate: Rate,
    meets: bool,
    /// The seeds that were run: up to the first that does not meet the objectives.
    seeds: u64,
    /// Why the run itself could not be judged, if it could not.
    cut: Option<String>,
    judged: Vec<Judged>,
}

impl Probe {
    fn word(&self) -> &'static str {
        let is_failed = self.judged.iter().any(|slo| slo.answer == Answer::Fail);
        if self.meets {
            "meets"
        } else if is_failed {
            "fails"
        } else {
            "unknown"
        }
    }

    /// Takes a run's answers; gives back whether they meet the objectives.
    fn take(&mut self, outcome: &RunOutcome) -> bool {
        self.seeds += 1;
        self.cut = self.cut.take().or_else(|| outcome.unknown.clone());
        for run in &outcome.slos {
            let same = |other: &&mut Judged| other.run.expression == run.expression;
            let Some(worst) = self.judged.iter_mut().find(same) else {
                self.judged.push(Judged {
                    run: run.clone(),
                    answer: run.answer,
                });
                continue;
            };
            worst.answer = worst.answer.and(run.answer);
            let is_worse = match (run.observed, worst.run.observed) {
                (Some(value), Some(other)) => run.threshold.is_worse(value, other),
                (observed, None) => observed.is_some(),
                (None, Some(_)) => false,
            };
            if is_worse {
                worst.run = run.clone();
            }
        }
        let bad = |slo: &SloRun| matches!(slo.answer, Answer::Fail | Answer::Unknown);
        self.cut.is_none() && !outcome.slos.iter().any(bad)
    }

    fn json(&self) -> Json {
        let slos = self.judged.iter().map(|slo| {
            json!({
                "expression": slo.run.expression,
                "phase": slo.run.phase.to_string(),
                "answer": slo.answer.word(),
                "observed": slo.run.observed,
            })
        });
        json!({
            "rate": self.rate.to_string(),
            "verdict": self.word(),
            "seeds": self.seeds,
            "cut": self.cut,
            "slos": slos.collect::<Vec<_>>(),
        })
    }
}

/// Nobody watches: a table row a rate is progress enough.
struct Silent;

impl Watcher for Silent {
    fn begins(&self, _: usize, _: Job) {}
    fn ends(&self, _: usize, _: Job) {}
}

/// A scenario whose rate is turned.
struct Station {
    chosen: Chosen,
    catalog: Catalog,
    sources: Vec<String>,
    jobs: Vec<Job>,
    workers: usize,
    probes: Vec<Probe>,
    quiet: bool,
}

/// Why a rate was not judged.
enum Broken {
    Failure(Failure),
    /// A panic, told already, with the exit code.
    Panicked(u8),
    Interrupted,
}

impl From<Failure> for Broken {
    fn from(failure: Failure) -> Broken {
        Broken::Failure(failure)
    }
}

/// Runs the command.
pub fn capacity(catalog: &Catalog, args: &CapacityArgs) -> Result<u8, Failure> {
    let mut station = Station::new(catalog, args)?;
    fs::create_dir_all(&args.out).map_err(|error| OutError {
        path: args.out.clone(),
        error,
    })?;
    let case = station.chosen.case();
    let start = rates::total(case, &station.sources);
    let bounds = search::Bounds {
        start,
        low: rate(args.low.as_deref(), "--low")?,
        high: rate(args.high.as_deref(), "--high")?,
    };
    if let (Some(low), Some(high)) = (bounds.low, bounds.high)
        && low > high
    {
        return Err(Failure::usage(
            format!("--low {low} lies above --high {high}"),
            "exchange them",
        ));
    }
    if !args.quiet {
        say(&format!(
            "{:>14}  {:<8} {:>5}  observed, worst seed",
            "rate", "verdict", "seeds"
        ))?;
    }
    let found = station
        .judgeable(bounds)
        .and_then(|bounds| search(bounds, &mut |rate| station.meets(rate)));
    // A rate well above the bracket tells whether what lies above it fails as well.
    let found = found.and_then(|found| {
        if let Found::Between(_, high) = found {
            let above = Rate(high.0 + high.0 / 4);
            if bounds.high.is_none_or(|most| above <= most) {
                station.meets(above)?;
            }
        }
        Ok(found)
    });
    let found = match found {
        Ok(found) => found,
        Err(Broken::Failure(failure)) => return Err(failure),
        Err(Broken::Panicked(code)) => return Ok(code),
        Err(Broken::Interrupted) => return Ok(signals::interrupted()),
    };
    station.tell(found, args)
}

/// A rate of the command line.
fn rate(text: Option<&str>, option: &str) -> Result<Option<Rate>, Failure> {
    let Some(text) = text else {
        return Ok(None);
    };
    match parse_rate(text) {
        Ok(rate) if rate > Rate(0) => Ok(Some(rate)),
        Ok(_) => Err(Failure::usage(
            format!("{option}: a rate of 0 has no capacity"),
            "write a rate above 0, such as 500/s",
        )),
        Err(message) => Err(Failure::usage(
            format!("{option}: {message}"),
            "write a rate such as 500/s",
        )),
    }
}

impl Station {
    fn new(catalog: &Catalog, args: &CapacityArgs) -> Result<Station, Failure> {
        let mut file = load(&args.scenario, &catalog.names())?;
        objectives::add(&mut file, SLO, &args.slo)?;
        let chosen = Chosen::of(catalog, file, &args.scenario, args.variant.as_deref())?;
        if chosen.case().scenario.expect.slo.is_empty() {
            return Err(Failure::usage(
                "there is no objective to meet",
                "add one, such as --slo \"p99(end-to-end) < 250ms\"",
            ));
        }
        let scalable = rates::scalable(chosen.case());
        let hint = if scalable.is_empty() {
            "no source here has a constant or poisson rate".to_owned()
        } else {
            format!("sources with a rate: {}", scalable.join(", "))
        };
        let sources = match &args.source {
            None => scalable,
            Some(name) if scalable.contains(name) => vec![name.clone()],
            Some(name) => {
                let message = format!("no source called {name:?} has a rate that can be scaled");
                return Err(Failure::usage(message, hint));
            }
        };
        if sources.is_empty() {
            let message = "no source has a rate that can be scaled";
            return Err(Failure::usage(message, hint));
        }
        let available = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        Ok(Station {
            chosen,
            catalog: catalog.clone(),
            sources,
            jobs: seeds::counted(args.seeds),
            workers: args.jobs.unwrap_or_else(available).max(1),
            probes: Vec::new(),
            quiet: args.quiet,
        })
    }

    /// The bounds with a start that gives every objective the samples it needs: a rate too low to be judged
    /// is doubled.
    fn judgeable(&mut self, mut bounds: search::Bounds) -> Result<search::Bounds, Broken> {
        if bounds.low.is_some() {
            return Ok(bounds);
        }
        for _ in 0..search::STEPS {
            let is_judged = self.meets(bounds.start)? || !self.is_unknown(bounds.start);
            let next = Rate(bounds.start.0.saturating_mul(2));
            if is_judged || bounds.high.is_some_and(|high| next > high) {
                break;
            }
            bounds.start = next;
        }
        Ok(bounds)
    }

    /// Whether a rate was tried and gave too few samples.
    fn is_unknown(&self, rate: Rate) -> bool {
        let probe = self.probes.iter().find(|probe| probe.rate == rate);
        probe.is_some_and(|probe| probe.cut.is_none() && probe.word() == "unknown")
    }

    /// Runs the seeds at a rate and notes what they showed.
    fn meets(&mut self, rate: Rate) -> Result<bool, Broken> {
        if let Some(known) = self.probes.iter().find(|probe| probe.rate == rate) {
            return Ok(known.meets);
        }
        let case = rates::at_total(self.chosen.case(), &self.sources, rate);
        let assembly = Assembly::new(&self.chosen.file, &case, &self.catalog);
        let assembly = Arc::new(assembly.map_err(Failure::from)?);
        let mut probe = Probe {
            rate,
            meets: true,
            seeds: 0,
            cut: None,
            judged: Vec::new(),
        };
        let (interrupt, stop, mut panic) = (signals::stop_flag(), AtomicBool::new(false), None);
        // A seed's panic is told with its seed, below.
        let hush = Hush::panics();
        sweep(
            &self.jobs,
            self.workers.min(self.jobs.len()),
            &stop,
            &Silent,
            &|job| {
                let ran = run::run(&assembly, job.seed, Driver::Auto);
                fold(&assembly, job.index, &ran)
            },
            &mut |job, ended| {
                // What other workers had begun when the verdict was known is left out.
                if !probe.meets || panic.is_some() {
                    return;
                }
                match ended {
                    Ended::Done(outcome) => probe.meets = probe.take(&outcome),
                    Ended::Panicked(broken) => panic = Some((job.seed, broken)),
                }
                let is_over = !probe.meets || panic.is_some();
                stop.fetch_or(
                    is_over || interrupt.load(Ordering::Relaxed),
                    Ordering::Relaxed,
                );
            },
        );
        drop(hush);
        if let Some((seed, broken)) = panic {
            eprintln!("at {rate}, seed {seed}: {}", broken.message);
            let class = match broken.part {
                Some(_) => ExitClass::Correctness,
                None => ExitClass::Internal,
            };
            return Err(Broken::Panicked(class.code()));
        }
        if interrupt.load(Ordering::Relaxed) {
            return Err(Broken::Interrupted);
        }
        // Objectives that never apply are met by nothing.
        let applies = |slo: &Judged| slo.answer != Answer::NotApplicable;
        probe.meets &= probe.judged.iter().any(applies);
        let meets = probe.meets;
        if !self.quiet {
            say(&row(&probe))?;
        }
        self.probes.push(probe);
        Ok(meets)
    }

    /// Rates that meet the objectives although a lower one does not.
    fn meets_again(&self) -> Option<Rate> {
        let failed = self.probes.iter().filter(|probe| probe.word() == "fails");
        let lowest = failed.map(|probe| probe.rate).min()?;
        let met = self.probes.iter().filter(|probe| probe.meets);
        met.map(|probe| probe.rate)
            .filter(|rate| *rate > lowest)
            .max()
    }

    fn tell(&self, found: Found, args: &CapacityArgs) -> Result<u8, Failure> {
        let seeds = self.jobs.len();
        let (rate, above, sentence) = match found {
            Found::Between(low, high) => (
                Some(low),
                Some(high),
                format!("{low} meet every objective in all {seeds} seeds; {high} do not"),
            ),
            Found::AtLeast(high) => (
                Some(high),
                None,
                format!(
                    "{high} meet every objective in all {seeds} seeds; higher rates were not asked for"
                ),
            ),
            Found::Nowhere(low) => (
                None,
                Some(low),
                format!("not even {low} meet every objective in all {seeds} seeds"),
            ),
        };
        say(&format!(
            "capacity of {}: {sentence}",
            self.sources.join(" and ")
        ))?;
        let again = self.meets_again();
        if let Some(rate) = again {
            say(&format!(
                "not monotone: {rate} meet the objectives although a lower rate does not"
            ))?;
        }
        let case = self.chosen.case();
        let objectives = case.scenario.expect.slo.iter();
        let document = json!({
            "schema": "stormglass-capacity/1",
            "scenario": case.scenario.name,
            "variant": case.variant,
            "profile": case.scenario.profile.name,
            "time_scale": case.scenario.run.time_scale,
            "sources": self.sources,
            "seeds": seeds,
            "objectives": objectives.map(|slo| slo.text.clone()).collect::<Vec<_>>(),
            "capacity": rate.map(|rate| rate.to_string()),
            "fails_at": above.map(|rate| rate.to_string()),
            "meets_again_at": again.map(|rate| rate.to_string()),
            "probes": self.probes.iter().map(Probe::json).collect::<Vec<_>>(),
        });
        let path = args.out.join("capacity.json");
        fs::write(&path, format!("{document:#}\n"))
            .map_err(|error| Failure::File { path, error })?;
        Ok(u8::from(rate.is_none()))
    }
}

/// A line of the table.
fn row(probe: &Probe) -> String {
    let shown = probe.judged.iter().map(|slo| {
        let mark = match slo.answer {
            Answer::Fail => "✗ ",
            Answer::Unknown => "? ",
            Answer::Pass | Answer::NotApplicable => "",
        };
        let value = shown_or_dash(slo.run.observed);
        format!("{mark}{}: {value}", slo.run.expression)
    });
    let cut = probe.cut.iter().map(|why| format!("? {why}"));
    let shown: Vec<String> = shown.chain(cut).collect();
    format!(
        "{:>14}  {:<8} {:>5}  {}",
        probe.rate.to_string(),
        probe.word(),
        probe.seeds,
        shown.join(" · ")
    )
}
