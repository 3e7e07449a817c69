//! Baselines of a gate: which file belongs to which case, whether it still speaks of it, and the runs of its
//! seeds. A gate reads baselines and never writes one: `accept` does (decisions B12).

use crate::args::GateArgs;
use crate::command::compare::margin;
use crate::command::sweep::{Chosen, workers};
use crate::error::Failure;
use crate::fold::fold;
use crate::hush::Hush;
use crate::out::write_file;
use crate::{say, seeds, signals};
use std::path::{Path, PathBuf};
use stormglass_core::metrics::Stage;
use stormglass_reports::RunOutcome;
use stormglass_reports::baseline::{Baseline, Gathering, NoBaseline, SeedSet, Subject, judge};
use stormglass_reports::model::against::Against;
use stormglass_reports::model::outcome::Failure as Broken;
use stormglass_scenarios::identity;
use stormglass_scenarios::run::{self, Driver};
use stormglass_scenarios::spec::print;
use stormglass_scenarios::sweep::{Ended, Job, Nobody, sweep};

/// What the gate found, in its folder of results.
pub const NEW: &str = "baseline.new.json";

/// The text from which the seeds of baselines are taken: the same in every commit.
const SEED_BASE: &str = "baseline";
/// Seeds of a new baseline.
const SEEDS: u64 = 64;
/// A tenth of what the smallest regression worth a person's time comes to.
const MARGIN_PPM: u64 = 10_000;
/// Differences that an error lists.
const LISTED: usize = 8;

/// The baseline of one case.
pub struct Held {
    path: PathBuf,
    old: Option<Baseline>,
    now: Subject,
    differs: Vec<String>,
    is_asked: bool,
}

/// Reads a baseline; none if there is no such file.
///
/// # Errors
/// If it cannot be read or is none.
pub fn read(path: &Path) -> Result<Option<Baseline>, Failure> {
    let hint = "take it from version control again, or make a new one with `stormglass accept`";
    let text = match std::fs::read_to_string(path) {
        Ok(text) => text,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(error) => {
            let message = format!("{} cannot be read: {error}", path.display());
            return Err(Failure::usage(message, hint));
        }
    };
    let parsed = Baseline::parse(&text).map_err(|NoBaseline(why)| {
        Failure::usage(format!("{} is no baseline: {why}", path.display()), hint)
    });
    parsed.map(Some)
}

/// The baseline of each case, in their order; none of those that have none. All are read before anything runs.
///
/// # Errors
/// If a file is no baseline, or is of none of the cases.
pub fn plan(args: &GateArgs, chosen: &[Chosen]) -> Result<Vec<Option<Held>>, Failure> {
    let mut held: Vec<Option<Held>> = chosen.iter().map(|_| None).collect();
    let Some(path) = &args.baseline else {
        return Ok(held);
    };
    let margin = args.margin.as_deref().map(margin).transpose()?;
    let is_file = path.extension().is_some_and(|ending| ending == "json") && !path.is_dir();
    if !is_file {
        for (held, case) in held.iter_mut().zip(chosen) {
            let path = path.join(format!("{}.json", case.name()));
            let old = read(&path)?;
            // A case that is known to fail shows its failure and has no figures worth keeping, unless asked.
            if old.is_some() || case.case().exit == 0 {
                *held = Some(Held::of(
                    case,
                    path,
                    old,
                    margin,
                    args.baseline_seeds,
                    false,
                ));
            }
        }
        return Ok(held);
    }
    let old = read(path)?;
    let at = match &old {
        Some(old) => chosen.iter().position(|case| {
            let variant = case.case().variant.clone().unwrap_or_default();
            (&case.case().scenario.name, &variant) == (&old.subject.scenario, &old.subject.variant)
        }),
        None => chosen
            .iter()
            .all(|case| case.path == chosen[0].path)
            .then_some(0),
    };
    let Some(at) = at else {
        let message = match &old {
            Some(old) => format!(
                "{} is of {}, which is not here",
                path.display(),
                old.subject.scenario
            ),
            None => format!(
                "{} does not exist, and there are several scenarios",
                path.display()
            ),
        };
        let hint = "name a folder: each scenario and variant has a file in it, such as baselines/orders-once.json";
        return Err(Failure::usage(message, hint));
    };
    held[at] = Some(Held::of(
        &chosen[at],
        path.clone(),
        old,
        margin,
        args.baseline_seeds,
        true,
    ));
    Ok(held)
}

/// The options that name a baseline, as a shell takes them.
pub fn arguments(args: &GateArgs) -> String {
    let mut text = String::new();
    if let Some(path) = &args.baseline {
        text.push_str(&format!(" --baseline {}", path.display()));
    }
    if let Some(margin) = &args.margin {
        text.push_str(&format!(" --margin {margin}"));
    }
    text
}

impl Held {
    fn of(
        chosen: &Chosen,
        path: PathBuf,
        old: Option<Baseline>,
        margin_ppm: Option<u64>,
        count: Option<u64>,
        is_asked: bool,
    ) -> Held {
        let case = chosen.case();
        let subject = old.as_ref().map(|old| &old.subject);
        let seeds = SeedSet {
            base: subject.map_or(SEED_BASE.to_owned(), |subject| subject.seeds.base.clone()),
            count: count
                .or(subject.map(|subject| subject.seeds.count))
                .unwrap_or(SEEDS),
        };
        let margin_ppm = margin_ppm.or(subject.map(|subject| subject.margin_ppm));
        let now = Subject {
            scenario: case.scenario.name.clone(),
            variant: case.variant.clone().unwrap_or_default(),
            profile: case.scenario.profile.name.clone(),
            models: identity::models(&case.scenario),
            seeds,
            margin_ppm: margin_ppm.unwrap_or(MARGIN_PPM),
            settings: identity::settings(case),
            hardware: case
                .hardware
                .as_ref()
                .map(print::hardware)
                .unwrap_or_default(),
        };
        let differs = subject.map_or(Vec::new(), |subject| {
            subject.differs(&now, &|key| case.spans.contains(key))
        });
        Held {
            path,
            old,
            now,
            differs,
            is_asked,
        }
    }

    /// Runs the baseline's seeds, leaves what they show in the folder, and holds it against the baseline. None
    /// if there is nothing to hold it against, or if it was interrupted.
    ///
    /// # Errors
    /// If the baseline speaks of something else than the case, or is asked for and missing.
    pub fn hold(
        self,
        chosen: &Chosen,
        jobs: Option<usize>,
        folder: &Path,
    ) -> Result<Option<Against>, Failure> {
        let margin_ppm = self.now.margin_ppm;
        let Some(now) = gather(self.now, chosen, jobs) else {
            return Ok(None);
        };
        let new = folder.join(NEW);
        write_file(&new, &now.render())?;
        let accept = format!(
            "review what it is now: stormglass accept {} --baseline {}",
            new.display(),
            self.path.display()
        );
        let Some(old) = self.old else {
            let message = format!("there is no baseline {} yet", self.path.display());
            if self.is_asked {
                return Err(Failure::usage(message, accept));
            }
            say(&format!("{}: {message}; {accept}", chosen.name()))?;
            return Ok(None);
        };
        if self.differs.is_empty() {
            return Ok(Some(judge(&old, &now, margin_ppm)));
        }
        let mut message = format!("{} does not speak of this any more:", self.path.display());
        for line in self.differs.iter().take(LISTED) {
            message.push_str(&format!("\n  {line}"));
        }
        if self.differs.len() > LISTED {
            message.push_str(&format!("\n  +{} more", self.differs.len() - LISTED));
        }
        Err(Failure::usage(message, accept))
    }
}

/// The baseline as it would be written now; none if it was interrupted.
fn gather(subject: Subject, chosen: &Chosen, workers_asked: Option<usize>) -> Option<Baseline> {
    let jobs = seeds::from_base(&subject.seeds.base, subject.seeds.count);
    let stages = Stage::ALL.map(|stage| stage.name().to_owned()).to_vec();
    let mut gathering = Gathering::new(subject, stages);
    // A seed's panic is noted as its failure, below.
    let hush = Hush::panics();
    let taken = sweep(
        &jobs,
        workers(workers_asked).min(jobs.len()),
        signals::stop_flag(),
        &Nobody,
        &|job| {
            let ran = run::run(&chosen.assembly, job.seed, Driver::Auto);
            Box::new(fold(&chosen.assembly, job.index, &ran))
        },
        &mut |job, ended| match ended {
            Ended::Done(run) => gathering.add(&run),
            Ended::Panicked(panic) => gathering.add(&panicked(job, panic.part.as_deref())),
        },
    );
    drop(hush);
    (taken == jobs.len()).then(|| gathering.finish())
}

fn panicked(job: Job, part: Option<&str>) -> RunOutcome {
    let mut run = RunOutcome::new(job.index, job.seed);
    run.failures.push(Broken {
        signature: format!("no-panic · panic · {}", part.unwrap_or("stormglass")),
        ..Broken::default()
    });
    run
}
