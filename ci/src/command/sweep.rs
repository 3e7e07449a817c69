//! What `run` and `gate` share: one scenario over many seeds, folded into one report in a folder.

use super::causes;
use crate::args::{DriverArg, SweepArgs};
use crate::console::Told;
use crate::error::Failure;
use crate::fold::{HEADLINE, fold};
use crate::hush::Hush;
use crate::journal::{self, About, Header, Journal, Line};
use crate::out::Out;
use crate::progress::Progress;
use crate::recorded;
use crate::seeds::{Seeds, Shard};
use crate::{base, signals};
use serde_json::json;
use std::collections::BTreeMap;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Instant;
use stormglass_core::check::Violation;
use stormglass_core::digest::FINGERPRINT_VERSION;
use stormglass_core::metrics::Stage;
use stormglass_reports::model::against::Against;
use stormglass_reports::model::known::KnownFailure;
use stormglass_reports::model::outcome::RunOutcome;
use stormglass_reports::model::{Calibration, Identity, Mode, Setting, SettingSource};
use stormglass_reports::summary::seeds_text;
use stormglass_reports::{Collector, Report, artefacts};
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::identity;
use stormglass_scenarios::load::{Case, ScenarioFile, load};
use stormglass_scenarios::record::record;
use stormglass_scenarios::run::{self, Driver};
use stormglass_scenarios::spec::print;
use stormglass_scenarios::sweep::{Broken, Ended, Job, Panic, sweep_as_finished};

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
    pub file: Arc<ScenarioFile>,
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
        file: impl Into<Arc<ScenarioFile>>,
        path: &Path,
        variant: Option<&str>,
    ) -> Result<Chosen, Failure> {
        let file: Arc<ScenarioFile> = file.into();
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

    /// The scenario as written, and each of its variants.
    pub fn all(catalog: &Catalog, file: ScenarioFile, path: &Path) -> Result<Vec<Chosen>, Failure> {
        let file = Arc::new(file);
        let variants = file.cases.iter().map(|case| case.variant.as_deref());
        variants
            .map(|variant| Chosen::of(catalog, Arc::clone(&file), path, variant))
            .collect()
    }

    /// The case.
    pub fn case(&self) -> &Case {
        &self.file.cases[self.case]
    }

    /// The case's name, as its folder of results is called.
    pub fn name(&self) -> String {
        let case = self.case();
        let variant = case.variant.as_deref().unwrap_or_default();
        journal::case_name(&case.scenario.name, variant)
    }

    /// Where the files stand that it names.
    pub fn folder(&self) -> &Path {
        self.path.parent().unwrap_or(Path::new(""))
    }

    /// A hash of its text and of all that was read for it from other files.
    pub fn hash(&self) -> String {
        journal::hash_of(&self.file.source.text, self.case())
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

/// A finished job: what the report is told, and the line that is noted of it.
struct Finished {
    outcome: Box<RunOutcome>,
    line: io::Result<Line>,
    /// The first violation of its first signature, which the story of the run would be about.
    violation: Option<Violation>,
}

/// What the sweep took.
#[derive(Clone, Copy, Debug, Default)]
pub struct Cost {
    /// Seeds that this process ran; the others were finished before.
    pub seeds_run: u64,
    /// Steps of all seeds.
    pub steps: u64,
    /// Of the seed whose disks held most: data of the modelled system, counted apart from our own.
    pub modelled_bytes: u64,
}

impl Cost {
    /// Adds a finished seed.
    pub fn add(&mut self, line: &Line) {
        self.steps += line.steps;
        self.modelled_bytes = self.modelled_bytes.max(line.disk_bytes);
    }
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
    /// Its seeds, those of other shards included.
    pub seeds: Seeds,
    /// The objectives of the command line.
    pub slo: &'a [String],
    /// All cases of the gate that this one is of; empty for `run`.
    pub cases: &'a [String],
    /// Whether coverage counts.
    pub mode: Mode,
    /// The command line, but for `--explain`.
    pub command: String,
    /// How.
    pub args: &'a SweepArgs,
    /// The folder of results.
    pub folder: &'a Path,
    /// What became of the baseline's figures.
    pub baseline: Option<Against>,
    /// The known failures of the case; none without a list.
    pub known: Option<Vec<KnownFailure>>,
    /// The base build, to be asked for what fails.
    pub base: Option<&'a Path>,
}

/// Runs the seeds and writes the folder of results; gives back the exit code. A shard leaves its list of seeds
/// and ends with 0: the verdict is that of all shards.
pub fn run_jobs(sweep_of: Sweep<'_>) -> Result<u8, Failure> {
    let (chosen, args, folder) = (sweep_of.chosen, sweep_of.args, sweep_of.folder);
    hostable(chosen, args)?;
    let (about, header) = sweep_of.header()?;
    let started = Instant::now();
    let mut list = List::new(&header, &about);
    let all = list.jobs.len();
    let mut journal = if args.resume {
        Journal::resume(folder, &header, &mut |line| list.take(line))?
    } else {
        Journal::begin(folder, &header)?
    };
    let mut out = Out::open(folder)?;
    let left: Vec<Job> = list.jobs.values().copied().collect();
    if left.len() < all && !args.console.quiet {
        eprintln!(
            "{} of {} were finished before",
            all - left.len(),
            seeds_text(all as u64)
        );
    }
    let workers = workers(args.jobs).clamp(1, left.len().max(1));
    list.run(&left, workers, chosen, args, &mut journal, &mut out)?;
    let stop = signals::stop_flag();
    let taken = all - left.len() + list.cost.seeds_run as usize;
    let is_whole = taken == all;
    if is_whole {
        journal.seal(&header, list.collector.drawn())?;
    } else {
        list.collector
            .add_note(format!("interrupted after {taken} of {all} seeds"));
    }
    let List {
        collector, cost, ..
    } = list;
    if let Some(shard) = args.shard {
        environment(&out, started, cost, workers, collector.runs())?;
        out.done()?;
        let failed = if is_whole { "" } else { ", interrupted" };
        args.console.line(&format!(
            "{} shard {shard}: {taken} of {} in {}{failed}; the verdict is that of all shards: stormglass merge",
            header.case(),
            seeds_text(all as u64),
            folder.display()
        ))?;
        return Ok(if is_whole { 0 } else { signals::interrupted() });
    }
    let mut about = about;
    if args.explain {
        about.identity.command.push_str(" --explain");
    }
    let mut report = about.report(collector);
    let mut interrupted = !is_whole;
    if let (Some(binary), true) = (sweep_of.base, is_whole) {
        base::ask(binary, &sweep_of, &mut report);
        interrupted = stop.load(Ordering::Relaxed);
    }
    if args.explain && !interrupted {
        causes::explain(sweep_of.catalog, chosen, &mut report, args, folder)?;
        interrupted = stop.load(Ordering::Relaxed);
        if interrupted {
            let note = "interrupted before all failures were explained";
            report.notes.insert(note.to_owned());
        }
    }
    write(&out, &report)?;
    environment(&out, started, cost, workers, report.seeds.len() as u64)?;
    out.done()?;
    let told = Told {
        folder,
        known: chosen.case().exit,
        started,
    };
    args.console.report(&report, &told)?;
    Ok(if interrupted {
        signals::interrupted()
    } else {
        report.exit_class().code()
    })
}

/// The runs of a sweep, or of its part, by their position.
pub fn jobs(seeds: &Seeds, shard: Option<Shard>) -> BTreeMap<u64, Job> {
    let shard = shard.unwrap_or(Shard::WHOLE);
    let jobs = seeds.jobs().into_iter();
    let jobs = jobs.filter(|job| shard.has(job.index));
    jobs.map(|job| (job.index, job)).collect()
}

/// The seeds that are still to be run, and what the others left.
pub struct List {
    twice: bool,
    jobs: BTreeMap<u64, Job>,
    /// What the finished seeds say together.
    pub collector: Collector,
    /// What they took.
    pub cost: Cost,
}

impl List {
    /// None of the seeds is finished.
    pub fn new(header: &Header, about: &About) -> List {
        List {
            twice: header.twice,
            jobs: jobs(&header.seeds, header.shard),
            collector: about.collector(),
            cost: Cost::default(),
        }
    }

    /// Takes a seed that was finished before.
    pub fn take(&mut self, line: &Line) -> io::Result<()> {
        match self.jobs.remove(&line.index) {
            Some(job) if job.seed == line.seed => {}
            Some(_) | None => return Err(io::Error::other("its seed is none of this sweep")),
        }
        self.cost.add(line);
        line.fold(self.twice, &mut self.collector)
    }

    /// Runs what is left, and notes each seed when it ends.
    fn run(
        &mut self,
        left: &[Job],
        workers: usize,
        chosen: &Chosen,
        args: &SweepArgs,
        journal: &mut Journal,
        out: &mut Out,
    ) -> Result<(), Failure> {
        let is_silent = args.console.quiet || args.console.verbose;
        let progress = Progress::new(left.len() as u64, is_silent, out.running()?);
        let stop = signals::stop_flag();
        let replay = chosen.replay();
        let mut trouble: Option<Failure> = None;
        // A seed's panic is told with its seed, below.
        let hush = Hush::panics();
        sweep_as_finished(
            left,
            workers,
            stop,
            &progress,
            &|job| one(&chosen.assembly, job, args),
            &mut |job, ended| {
                self.cost.seeds_run += 1;
                let line = match ended {
                    Ended::Done(ran) => self.add(ran, &chosen.assembly),
                    Ended::Panicked(panic) => {
                        eprintln!("seed {}: {}", job.seed, sentence(&panic));
                        eprintln!(
                            "  replay: {}",
                            replay.replace("{seed}", &job.seed.to_string())
                        );
                        self.panicked(job, &panic)
                    }
                };
                let noted = line.map_err(|error| journal::unpackable(out.folder(), error));
                let noted = noted.and_then(|line| {
                    self.cost.add(&line);
                    if args.console.verbose {
                        eprintln!("{}", line.words());
                    }
                    journal.append(&line)
                });
                if let Err(error) = noted {
                    trouble.get_or_insert(error.into());
                    stop.store(true, Ordering::Relaxed);
                }
            },
        );
        drop(hush);
        progress.finish();
        trouble.map_or(Ok(()), Err)
    }

    /// Adds a run to the report; gives back its line, with what is drawn of it if that is the best so far. Such
    /// a run is run once more, with everything recorded that is shown of it (decisions A16).
    fn add(&mut self, ran: Finished, assembly: &Assembly) -> io::Result<Line> {
        let mut line = ran.line?;
        let mut outcome = *ran.outcome;
        let drawn = outcome.shown.take();
        let fingerprint = outcome.fingerprint;
        self.collector.add(outcome);
        if self.twice {
            self.collector.add_determinism(line.differs.clone());
        }
        if let Some(mut drawn) = drawn.filter(|_| self.collector.would_draw(line.index)) {
            match record(assembly, line.seed, ran.violation.as_ref()) {
                Some(recorded) if recorded.fingerprint == fingerprint => {
                    recorded::draw(&mut drawn, recorded);
                }
                Some(_) => {
                    let differs =
                        format!("seed {}: recorded, it had another fingerprint", line.seed);
                    self.collector.add_determinism(Some(differs.clone()));
                    line.differs.get_or_insert(differs);
                }
                None => {}
            }
            line.draw(&drawn)?;
            self.collector.show(line.index, drawn);
        }
        Ok(line)
    }

    /// A panic of a user's part is that seed's failure; one of ours is the tool's.
    fn panicked(&mut self, job: Job, panic: &Panic) -> io::Result<Line> {
        let line = match broken(job, panic) {
            Some(mut outcome) => Line::broken(&mut outcome, &panic.message)?,
            None => Line::internal(job, &panic.message),
        };
        line.fold(self.twice, &mut self.collector)?;
        Ok(line)
    }
}

fn one(assembly: &Arc<Assembly>, job: Job, args: &SweepArgs) -> Finished {
    let driver = match args.driver {
        Some(DriverArg::Hosted) => Driver::Hosted,
        Some(DriverArg::Bare) | None => Driver::Auto,
    };
    let ran = run::run(assembly, job.seed, driver);
    let differs = args.twice.then(|| {
        let again = run::run(assembly, job.seed, driver);
        let same = ran.outcome.fingerprint == again.outcome.fingerprint;
        (!same).then(|| run::first_difference(assembly, job.seed, &ran.blocks, &again.blocks))
    });
    let mut outcome = Box::new(fold(assembly, job.index, &ran));
    let line = Line::of(&mut outcome).map(|line| Line {
        steps: ran.outcome.steps,
        disk_bytes: ran.disk_bytes,
        differs: differs.flatten(),
        ..line
    });
    let judgements = ran.outcome.judgements.into_iter();
    let violations = judgements.flat_map(|judgement| judgement.violations);
    let violation = violations.min_by_key(|one| (one.signature.to_string(), one.time));
    Finished {
        outcome,
        line,
        violation,
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

/// The outcome of a run in which a user's part panicked; none if it was one of ours.
fn broken(job: Job, panic: &Panic) -> Option<RunOutcome> {
    let part = panic.part.as_ref()?;
    let (check, anomaly) = match panic.how {
        Broken::Panicked => ("no-panic", "panic"),
        Broken::Hung => ("liveness", "hang"),
    };
    let mut outcome = RunOutcome::new(job.index, job.seed);
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
    Some(outcome)
}

impl Sweep<'_> {
    /// What its report tells besides outcomes, and the first line of its list of seeds.
    fn header(&self) -> Result<(About, Header), Failure> {
        let (chosen, args) = (self.chosen, self.args);
        let case = chosen.case();
        let points = case.scenario.expect.points.iter().map(|point| {
            let (share, runs) = if point.must_each {
                (1_000_000, 1)
            } else {
                (point.min_share, 3)
            };
            (point.name.clone(), share, runs)
        });
        let about = About {
            identity: identity(chosen, self.mode, self.command.clone()),
            configuration: settings(chosen),
            text: chosen.file.source.text.clone(),
            points: points.collect(),
            baseline: self.baseline.clone(),
            known: self.known.clone(),
            warn: args.warn.iter().map(|class| class.class()).collect(),
        };
        let driver = match args.driver {
            None => "auto",
            Some(DriverArg::Bare) => "bare",
            Some(DriverArg::Hosted) => "hosted",
        };
        let header = Header {
            stormglass: about.identity.tool_version.clone(),
            format: journal::FORMAT,
            binary: journal::binary(),
            scenario: about.identity.scenario.clone(),
            variant: about.identity.variant.clone(),
            hash: chosen.hash(),
            models: about.identity.model_versions.clone(),
            fingerprint: about.identity.fingerprint_algorithm.clone(),
            seeds: self.seeds.clone(),
            twice: args.twice,
            driver: driver.to_owned(),
            file: chosen.path.display().to_string(),
            slo: self.slo.to_vec(),
            cases: self.cases.to_vec(),
            exit: case.exit,
            about: journal::pack(&about)
                .map_err(|error| journal::unpackable(self.folder, error))?,
            shard: args.shard,
        };
        Ok((about, header))
    }
}

impl About {
    /// An empty collector that waits for the expected points.
    pub fn collector(&self) -> Collector {
        let mut collector = Collector::new(HEADLINE);
        for (name, share, runs) in &self.points {
            collector.expect_point(name.clone(), *share, *runs);
        }
        collector
    }

    /// The report of what was collected.
    pub fn report(self, collector: Collector) -> Report {
        let mut report = collector.finish(self.identity, self.configuration, self.text, self.warn);
        report.hold_against(self.baseline);
        if let Some(known) = &self.known {
            report.hold_known(known);
        }
        report
    }
}

fn identity(chosen: &Chosen, mode: Mode, command: String) -> Identity {
    let case = chosen.case();
    let scenario = &case.scenario;
    Identity {
        scenario: scenario.name.clone(),
        variant: case.variant.clone().unwrap_or_default(),
        question: scenario.question.clone(),
        mode,
        tool_version: env!("CARGO_PKG_VERSION").to_owned(),
        model_versions: identity::models(scenario),
        fingerprint_algorithm: format!("v{FINGERPRINT_VERSION}"),
        profile: scenario.profile.name.clone(),
        calibration: Calibration::Uncalibrated,
        time_scale: scenario.run.time_scale,
        command,
        replay: chosen.replay(),
        file: chosen.path.display().to_string(),
        lines: lines(chosen),
        expected_exit: case.exit,
        headline_series: HEADLINE.to_owned(),
        stage_series: Stage::ALL.map(|stage| stage.name().to_owned()).to_vec(),
    }
}

/// The lines of the file that ask for checks and objectives; under no name that of `[expect]`.
fn lines(chosen: &Chosen) -> BTreeMap<String, u32> {
    let case = chosen.case();
    let line = |path: &str| {
        let text = &chosen.file.source.text;
        let at = case.spans.value(path).start.min(text.len());
        text[..at].matches('\n').count() as u32 + 1
    };
    let expect = &case.written.expect;
    let checks = expect.checks.iter().enumerate();
    let checks =
        checks.map(|(index, name)| (name.clone(), line(&format!("expect.checks.{index}"))));
    let slos = expect.slo.iter().filter(|slo| slo.line > 0);
    let slos = slos.map(|slo| (slo.text.clone(), slo.line as u32));
    let asks = ["expect", "name"]
        .into_iter()
        .find(|path| case.spans.contains(path));
    let section = [(String::new(), line(asks.unwrap_or("name")))];
    checks.chain(slos).chain(section).collect()
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

/// Writes every file of a report.
pub fn write(out: &Out, report: &Report) -> Result<(), Failure> {
    for (name, contents) in artefacts(report) {
        out.file(name, &contents)?;
    }
    Ok(())
}

/// Writes what the sweep took, which is in no other file (B15).
pub fn environment(
    out: &Out,
    started: Instant,
    cost: Cost,
    workers: usize,
    seeds: u64,
) -> Result<(), Failure> {
    let seconds = started.elapsed().as_secs_f64();
    let environment = json!({
        "tool": env!("CARGO_PKG_VERSION"),
        "host": stormglass_sim::drive::host_in_use(),
        "workers": workers,
        "wall_seconds": seconds,
        "steps": cost.steps,
        "steps_per_second": cost.steps as f64 / seconds,
        "seeds": seeds,
        "seeds_run": cost.seeds_run,
        "seeds_per_second": cost.seeds_run as f64 / seconds,
        "peak_rss_bytes": peak_rss_bytes(),
        "modelled_bytes": cost.modelled_bytes,
    });
    out.file("env.json", &format!("{environment:#}\n"))?;
    Ok(())
}
