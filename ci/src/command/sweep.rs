//! What `run` and `gate` share: one scenario over many seeds, folded into one report in a folder.

use super::causes;
use crate::args::{DriverArg, SweepArgs};
use crate::error::Failure;
use crate::fold::{HEADLINE, fold};
use crate::out::Out;
use crate::progress::Progress;
use crate::{say, signals};
use serde_json::json;
use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use stormglass_core::digest::FINGERPRINT_VERSION;
use stormglass_core::metrics::Stage;
use stormglass_reports::model::outcome::RunOutcome;
use stormglass_reports::model::{Calibration, Identity, Mode, Setting, SettingSource};
use stormglass_reports::summary::seeds_text;
use stormglass_reports::text::{self, Ink};
use stormglass_reports::{Collector, Report, Summary, artefacts};
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::{Case, ScenarioFile, load};
use stormglass_scenarios::run::{self, Driver};
use stormglass_scenarios::spec::print;
use stormglass_scenarios::sweep::{Broken, Ended, Job, Panic, sweep};

/// The option that adds objectives.
pub const SLO: &str = "--slo";

/// The objectives given on the command line, as a shell takes them.
pub fn quoted(slos: &[String]) -> String {
    let mut text = String::new();
    for slo in slos {
        text.push_str(" --slo \"");
        for letter in slo.chars() {
            if matches!(letter, '"' | '\\' | '$' | '`') {
                text.push('\\');
            }
            text.push(letter);
        }
        text.push('"');
    }
    text
}

/// One scenario, chosen and assembled.
pub struct Chosen {
    /// The file.
    pub file: ScenarioFile,
    /// Its path, as given.
    pub path: PathBuf,
    /// Which case of it.
    pub case: usize,
    /// Ready to run.
    pub assembly: Arc<Assembly>,
}

impl Chosen {
    /// Loads a file and assembles the variant asked for.
    pub fn load(catalog: &Catalog, path: &Path, variant: Option<&str>) -> Result<Chosen, Failure> {
        let file = load(path, &catalog.names())?;
        Chosen::of(catalog, file, path, variant)
    }

    /// Assembles the variant asked for of a file that is loaded.
    pub fn of(
        catalog: &Catalog,
        file: ScenarioFile,
        path: &Path,
        variant: Option<&str>,
    ) -> Result<Chosen, Failure> {
        let case = match variant {
            None => 0,
            Some(wanted) => {
                let found = file
                    .cases
                    .iter()
                    .position(|case| case.variant.as_deref() == Some(wanted));
                found.ok_or_else(|| {
                    let known: Vec<&str> = file
                        .cases
                        .iter()
                        .filter_map(|case| case.variant.as_deref())
                        .collect();
                    let hint = match &known[..] {
                        [] => "it has no variants; leave --variant out".to_owned(),
                        names => format!("its variants are {}", names.join(", ")),
                    };
                    Failure::usage(
                        format!("{} has no variant {wanted:?}", path.display()),
                        hint,
                    )
                })?
            }
        };
        let assembly = Arc::new(Assembly::new(&file, &file.cases[case], catalog)?);
        Ok(Chosen {
            file,
            path: path.to_owned(),
            case,
            assembly,
        })
    }

    /// The case.
    pub fn case(&self) -> &Case {
        &self.file.cases[self.case]
    }

    /// Where the files stand that it names.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// The command that runs a seed again; `{seed}` stands for it.
    pub fn replay(&self) -> String {
        let variant = self.case().variant.as_ref();
        let variant = variant.map_or(String::new(), |name| format!(" --variant {name}"));
        format!(
            "stormglass replay {} --seed {{seed}}{variant}",
            self.path.display()
        )
    }
}

/// A finished job: what the report is told, and what running it twice showed.
struct Finished {
    outcome: Box<RunOutcome>,
    steps: u64,
    disk_bytes: u64,
    difference: Option<Option<String>>,
}

/// What the sweep took.
#[derive(Clone, Copy, Debug, Default)]
struct Cost {
    steps: u64,
    /// Of the seed whose disks held most: data of the modelled system, counted apart from our own.
    modelled_bytes: u64,
}

/// The most memory that this process has held, where the system tells.
fn peak_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kibibytes: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kibibytes * 1_024)
}

/// The number of threads asked for; by default one for each core.
pub fn workers(asked: Option<usize>) -> usize {
    let cores = || std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
    asked.unwrap_or_else(cores).max(1)
}

/// What is to be run and where its results go.
pub struct Sweep<'a> {
    /// Users' parts.
    pub catalog: &'a Catalog,
    /// The case.
    pub chosen: &'a Chosen,
    /// Its seeds.
    pub jobs: &'a [Job],
    /// Whether coverage counts.
    pub mode: Mode,
    /// The command line, but for `--explain`.
    pub command: String,
    /// How.
    pub args: &'a SweepArgs,
    /// The folder of results.
    pub folder: &'a Path,
}

/// Runs the seeds and writes the folder of results; gives back the exit code.
pub fn run_jobs(sweep_of: Sweep<'_>) -> Result<u8, Failure> {
    let Sweep {
        catalog,
        chosen,
        jobs,
        mode,
        mut command,
        args,
        folder,
    } = sweep_of;
    if args.explain {
        command.push_str(" --explain");
    }
    hostable(chosen, args)?;
    let mut out = Out::open(folder)?;
    let workers = workers(args.jobs).clamp(1, jobs.len().max(1));
    let progress = Progress::new(jobs.len() as u64, args.quiet, out.running()?);
    let mut collector = Collector::new(HEADLINE);
    for point in &chosen.case().scenario.expect.points {
        let (share, runs) = if point.must_each {
            (1_000_000, 1)
        } else {
            (point.min_share, 3)
        };
        collector.expect_point(point.name.clone(), share, runs);
    }
    let (started, mut cost, mut trouble) = (Instant::now(), Cost::default(), None);
    let stop = signals::stop_flag();
    let replay = chosen.replay();
    std::panic::set_hook(Box::new(|_| {})); // A seed's panic is told with its seed, below.
    let taken = sweep(
        jobs,
        workers,
        stop,
        &progress,
        &|job| one(&chosen.assembly, job, args),
        &mut |job, ended| {
            let line = match ended {
                Ended::Done(ran) => {
                    cost.steps += ran.steps;
                    cost.modelled_bytes = cost.modelled_bytes.max(ran.disk_bytes);
                    let line = seed_line(job, &ran);
                    if let Some(difference) = ran.difference {
                        collector.add_determinism(difference);
                    }
                    collector.add(*ran.outcome);
                    line
                }
                Ended::Panicked(panic) => {
                    eprintln!("seed {}: {}", job.seed, sentence(&panic));
                    eprintln!(
                        "  replay: {}",
                        replay.replace("{seed}", &job.seed.to_string())
                    );
                    panicked(&mut collector, job, &panic)
                }
            };
            if let Err(error) = out.seed(&line) {
                trouble.get_or_insert(error);
                stop.store(true, Ordering::Relaxed);
            }
        },
    );
    let _ = std::panic::take_hook();
    progress.finish();
    if let Some(error) = trouble {
        return Err(error.into());
    }
    let mut interrupted = taken < jobs.len();
    if interrupted {
        collector.add_note(format!("interrupted after {taken} of {} seeds", jobs.len()));
    }
    let identity = identity(chosen, mode, command);
    let mut report = collector.finish(
        identity,
        settings(chosen),
        chosen.file.source.text.clone(),
        BTreeSet::new(),
    );
    if args.explain && !interrupted {
        causes::explain(catalog, chosen, &mut report, args, folder)?;
        interrupted = stop.load(Ordering::Relaxed);
        if interrupted {
            let note = "interrupted before all failures were explained";
            report.notes.insert(note.to_owned());
        }
    }
    write(&out, &report, started, cost, workers)?;
    out.done()?;
    tell(&report, folder, args.quiet, started)?;
    Ok(if interrupted {
        signals::INTERRUPTED
    } else {
        report.exit_class().code()
    })
}

fn one(assembly: &Arc<Assembly>, job: Job, args: &SweepArgs) -> Finished {
    let driver = match args.driver {
        Some(DriverArg::Hosted) => Driver::Hosted,
        Some(DriverArg::Bare) | None => Driver::Auto,
    };
    let ran = run::run(assembly, job.seed, driver);
    let difference = args.twice.then(|| {
        let again = run::run(assembly, job.seed, driver);
        let same = ran.outcome.fingerprint == again.outcome.fingerprint;
        (!same).then(|| run::first_difference(assembly, job.seed, &ran.blocks, &again.blocks))
    });
    let steps = ran.outcome.steps;
    Finished {
        steps,
        disk_bytes: ran.disk_bytes,
        difference,
        outcome: Box::new(fold(assembly, job.index, &ran)),
    }
}

/// A plain loop has no place for users' programs.
fn hostable(chosen: &Chosen, args: &SweepArgs) -> Result<(), Failure> {
    let programs = chosen.assembly.programs();
    match (args.driver, programs.first()) {
        (Some(DriverArg::Bare), Some((node, _))) => Err(Failure::usage(
            format!(
                "--driver bare cannot run {}, which is an async program",
                chosen.assembly.layout().node_name(*node)
            ),
            "leave --driver out, or write --driver hosted",
        )),
        (Some(DriverArg::Bare | DriverArg::Hosted) | None, _) => Ok(()),
    }
}

/// Who broke and how.
fn sentence(panic: &Panic) -> String {
    let who = panic.part.as_deref().unwrap_or("stormglass itself");
    match panic.how {
        Broken::Panicked => format!("{who} panicked: {}", panic.message),
        Broken::Hung => format!("{who} {}", panic.message),
    }
}

/// A panic of a user's part is that seed's failure; one of ours is the tool's.
fn panicked(collector: &mut Collector, job: Job, panic: &Panic) -> String {
    let line = json!({"index": job.index, "seed": job.seed.to_string(), "panic": panic.message});
    match &panic.part {
        None => collector.add_internal_error(job.seed, &panic.message),
        Some(part) => {
            let mut outcome = RunOutcome::new(job.index, job.seed);
            let (check, anomaly) = match panic.how {
                Broken::Panicked => ("no-panic", "panic"),
                Broken::Hung => ("liveness", "hang"),
            };
            outcome
                .failures
                .push(stormglass_reports::model::outcome::Failure {
                    signature: format!("{check} · {anomaly} · {part}"),
                    sentence: sentence(panic),
                    check: check.to_owned(),
                    anomaly: anomaly.to_owned(),
                    witness: vec![panic.message.clone()],
                    faults: Vec::new(),
                });
            collector.add(outcome);
        }
    }
    line.to_string()
}

fn seed_line(job: Job, ran: &Finished) -> String {
    let outcome = &ran.outcome;
    json!({
        "index": job.index,
        "seed": job.seed.to_string(),
        "fingerprint": format!("v{FINGERPRINT_VERSION}:{:016x}", outcome.fingerprint),
        "answer": outcome.answer().word(),
        "steps": ran.steps,
        "failures": outcome.failures.iter().map(|failure| &failure.signature).collect::<Vec<_>>(),
    })
    .to_string()
}

fn identity(chosen: &Chosen, mode: Mode, command: String) -> Identity {
    let case = chosen.case();
    let scenario = &case.scenario;
    let mut models: Vec<String> = scenario
        .brokers
        .values()
        .map(|broker| format!("{}/1", broker.kind()))
        .collect();
    models.sort();
    models.dedup();
    Identity {
        scenario: scenario.name.clone(),
        variant: case.variant.clone().unwrap_or_default(),
        question: scenario.question.clone(),
        mode,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        model_versions: models,
        fingerprint_algorithm: format!("v{FINGERPRINT_VERSION}"),
        profile: scenario.profile.name.clone(),
        calibration: Calibration::Uncalibrated,
        time_scale: scenario.run.time_scale,
        command,
        replay: chosen.replay(),
        headline_series: HEADLINE.to_owned(),
        stage_series: Stage::ALL.map(|stage| stage.name().to_owned()).to_vec(),
    }
}

/// The configuration as written, every default spelled out, with what a variant changed marked.
fn settings(chosen: &Chosen) -> Vec<Setting> {
    let resolved = print::settings(&chosen.case().written);
    let mut base = chosen.file.base().written.clone();
    // Objectives of the command line stand in no line of the file.
    base.expect.slo.retain(|slo| slo.line > 0);
    let base = print::settings(&base);
    let spans = &chosen.file.base().spans;
    resolved
        .into_iter()
        .map(|(key, value)| {
            let source = if base.get(&key) != Some(&value) {
                SettingSource::Variant
            } else if spans.contains(&key) {
                SettingSource::File
            } else {
                SettingSource::Default
            };
            Setting::new(key, value, source)
        })
        .collect()
}

fn write(
    out: &Out,
    report: &Report,
    started: Instant,
    cost: Cost,
    workers: usize,
) -> Result<(), Failure> {
    for (name, contents) in artefacts(report) {
        out.file(name, &contents)?;
    }
    let seconds = started.elapsed().as_secs_f64();
    let environment = json!({
        "tool": env!("CARGO_PKG_VERSION"),
        "host": stormglass_sim::drive::host_in_use(),
        "workers": workers,
        "wall_seconds": seconds,
        "steps": cost.steps,
        "steps_per_second": cost.steps as f64 / seconds,
        "seeds_per_second": report.seeds.len() as f64 / seconds,
        "peak_rss_bytes": peak_rss_bytes(),
        "modelled_bytes": cost.modelled_bytes,
    });
    out.file("env.json", &format!("{environment:#}\n"))?;
    Ok(())
}

fn tell(report: &Report, folder: &Path, quiet: bool, started: Instant) -> Result<(), Failure> {
    let mut summary = Summary::of(report);
    // Files name a schedule from their own folder; a command on the console has to work from here.
    for explained in summary
        .failures
        .iter_mut()
        .filter_map(|group| group.explained.as_mut())
    {
        explained.repro = folder.join(&explained.repro).display().to_string();
    }
    let colour = std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none();
    if quiet {
        let class = report.exit_class();
        say(&format!(
            "{}: {} (exit {})",
            report.identity.scenario,
            summary.verdict.word(),
            class.code()
        ))?;
        return Ok(());
    }
    say(text::render(&summary, if colour { Ink::Ansi } else { Ink::Plain }).trim_end())?;
    let seconds = started.elapsed().as_secs_f64();
    say(&format!(
        "{} in {seconds:.1} s  report {}",
        seeds_text(report.seeds.len() as u64),
        folder.join("report.html").display()
    ))
}
