//! What the command line says. The only module that knows clap.

pub mod pages;

use crate::error::Failure;
use crate::seeds::Shard;
use clap::{Args, Parser, Subcommand};
use pages::ShellArg;
use std::path::PathBuf;
use stormglass_reports::ExitClass;
use stormglass_scenarios::explain::Follow;

/// A storm glass for event-driven architectures: simulates a scenario under faults and says what holds.
#[derive(Debug, Parser)]
#[command(name = "stormglass", version, about, max_term_width = 100)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run a scenario with one seed or several, and write a report.
    Run(RunArgs),
    /// Gate a change: run scenarios with seeds taken from the commit; coverage counts too.
    Gate(GateArgs),
    /// Make one report of the shards of a sweep or gate, with the same bytes as if it had not been sharded.
    Merge(MergeArgs),
    /// Say how much of what is known to be wrong the gate would find: its mutation score.
    SelfTest(SelfTestArgs),
    /// Say how soon each vulnerable design is found, by which check, and whether its safe twin stays silent.
    Zoo(ZooArgs),
    /// Search the highest arrival rate that meets every objective in every seed.
    Capacity(CapacityArgs),
    /// Review what a gate found against its baseline, and take it as the new baseline.
    Accept(AcceptArgs),
    /// Compare the variants of a scenario, or several scenarios, over the same seeds.
    Compare(CompareArgs),
    /// Run one seed again and show what happened.
    Replay(ReplayArgs),
    /// Cut the failure of one seed to the smallest schedule that still fails, as a scenario file.
    Shrink(ShrinkArgs),
    /// Say why one seed fails: the life of the event, and what each fault and setting has to do with it.
    Explain(ExplainArgs),
    /// Search for a plan of faults that fails: later generations follow what earlier ones reached.
    Hunt(HuntArgs),
    /// Say how many seeds are needed to see a failure of some rate, and what none in so many excludes.
    PlanSeeds(PlanSeedsArgs),
    /// Say what designs may lose, double or stall, from their settings alone; nothing is run.
    Lint(LintArgs),
    /// List the scenarios below a folder, with the question each asks.
    List(ListArgs),
    /// Write a commented scenario to start from.
    Init(InitArgs),
    /// Print the format of scenario files as a JSON schema, for editors.
    Schema(SchemaArgs),
    /// Print what a shell needs to complete commands, options and files.
    Completions(CompletionsArgs),
    /// Print the manual page, or write the pages of all commands.
    Man(ManArgs),
}

/// Which format is printed.
#[derive(Args, Clone, Debug)]
pub struct SchemaArgs {
    /// That of `summary.json` in place of scenario files.
    #[arg(long)]
    pub summary: bool,
}

/// Where results go and how they are made.
#[derive(Args, Clone, Debug)]
pub struct SweepArgs {
    /// The folder for reports; made if it is missing.
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,
    /// Threads; by default one for each core.
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Run each seed twice and compare the fingerprints.
    #[arg(long)]
    pub twice: bool,
    /// Run inside madsim (`hosted`) or in a plain loop (`bare`); by default what the scenario needs.
    #[arg(long, value_enum, value_name = "DRIVER")]
    pub driver: Option<DriverArg>,
    /// Shrink and explain the first seed of each failure, of at most five: see failures/ in the folder.
    #[arg(long)]
    pub explain: bool,
    /// Go on with the sweep whose seeds.ndjson is in the folder, without running a finished seed again.
    #[arg(long)]
    pub resume: bool,
    /// Run this part of the seeds, such as 3/8; `stormglass merge` makes one report of all parts.
    #[arg(long, value_name = "K/N")]
    pub shard: Option<Shard>,
    /// Classes of exit codes that are reported and do not decide the code.
    #[arg(long, value_enum, value_name = "CLASS", value_delimiter = ',')]
    pub warn: Vec<WarnArg>,
    /// The console.
    #[command(flatten)]
    pub console: ConsoleArgs,
}

impl SweepArgs {
    /// What clap cannot say of them.
    ///
    /// # Errors
    /// If they contradict each other.
    pub fn judge(&self) -> Result<(), Failure> {
        if self.explain && self.shard.is_some() {
            let hint = "leave --explain out, and write it behind `stormglass merge`";
            let message =
                "--explain and --shard: failures are explained when all shards are merged";
            return Err(Failure::usage(message, hint));
        }
        Ok(())
    }
}

/// What may be told without deciding the exit code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum WarnArg {
    /// A broken promise (1).
    Correctness,
    /// A missed objective (3).
    Slo,
    /// Too little was tested (4).
    Coverage,
    /// A limit was reached before a judgement (5).
    Inconclusive,
    /// Worse than the baseline (6).
    Regression,
}

impl WarnArg {
    /// The class that it names.
    #[must_use]
    pub fn class(self) -> ExitClass {
        match self {
            WarnArg::Correctness => ExitClass::Correctness,
            WarnArg::Slo => ExitClass::Slo,
            WarnArg::Coverage => ExitClass::Coverage,
            WarnArg::Inconclusive => ExitClass::Inconclusive,
            WarnArg::Regression => ExitClass::Regression,
        }
    }
}

/// What the console says.
#[derive(Args, Clone, Debug, Default)]
pub struct ConsoleArgs {
    /// No progress, and only the verdict on the console.
    #[arg(long, short)]
    pub quiet: bool,
    /// A line for each seed that ends.
    #[arg(long, short, conflicts_with = "quiet")]
    pub verbose: bool,
    /// The form of the console: text, data, or text with annotations for GitHub Actions.
    #[arg(long, value_enum, default_value_t, value_name = "FORMAT")]
    pub format: FormatArg,
}

/// The form of the console.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, clap::ValueEnum)]
pub enum FormatArg {
    /// Text, with colours on a terminal unless NO_COLOR is set.
    #[default]
    Auto,
    /// Text without colours.
    Plain,
    /// A line of JSON for each case: what its summary.json holds. All else goes to the error stream.
    Json,
    /// Text with annotations; the summary is appended to $GITHUB_STEP_SUMMARY.
    Github,
}

/// Who turns the crank.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub enum DriverArg {
    /// A plain loop.
    Bare,
    /// Inside a madsim runtime.
    Hosted,
}

/// Arguments of `run`.
#[derive(Args, Debug)]
pub struct RunArgs {
    /// The scenario file.
    pub scenario: PathBuf,
    /// The seed of a single run.
    #[arg(
        long,
        default_value_t = 1,
        value_name = "SEED",
        conflicts_with = "seeds"
    )]
    pub seed: u64,
    /// How many seeds, from 1 on.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: Option<u64>,
    /// Take the seeds from this text, as `gate` does from the commit: the same text gives the same seeds.
    #[arg(long, value_name = "TEXT", requires = "seeds")]
    pub seed_base: Option<String>,
    /// Which variant of the scenario.
    #[arg(long, value_name = "NAME")]
    pub variant: Option<String>,
    /// Judge this objective too, such as "p99(end-to-end) < 250ms"; may be given several times.
    #[arg(long, value_name = "EXPRESSION")]
    pub slo: Vec<String>,
    /// Results.
    #[command(flatten)]
    pub sweep: SweepArgs,
}

/// Arguments of `gate`.
#[derive(Args, Debug)]
pub struct GateArgs {
    /// Scenario files, or folders of them.
    #[arg(required = true)]
    pub scenarios: Vec<PathBuf>,
    /// How many seeds for each; by default what the scenario says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: Option<u64>,
    /// A text from which the seeds are taken, such as the commit; by default $GITHUB_SHA,
    /// $CI_COMMIT_SHA or what git says.
    #[arg(long, value_name = "TEXT")]
    pub seed_base: Option<String>,
    /// Judge this objective too, in every scenario; may be given several times.
    #[arg(long, value_name = "EXPRESSION")]
    pub slo: Vec<String>,
    /// Saved schedules that run before the seeds; by default the folders `regression` beside the scenarios.
    #[arg(long, value_name = "DIR")]
    pub corpus: Option<PathBuf>,
    /// Failures that are known and turn the gate not red; by default known-failures.toml, where it is there.
    #[arg(long, value_name = "FILE")]
    pub known_failures: Option<PathBuf>,
    /// The version under test, by which known failures expire; by default that of stormglass.
    #[arg(long, value_name = "VERSION")]
    pub release: Option<String>,
    /// What figures are held against: a file that `accept` wrote, or a folder of them named by scenario and
    /// variant. It has seeds of its own.
    #[arg(long, value_name = "PATH")]
    pub baseline: Option<PathBuf>,
    /// A change within this share of a figure is no regression; by default what the baseline says, or 1%.
    #[arg(long, value_name = "SHARE", requires = "baseline")]
    pub margin: Option<String>,
    /// The binary of the commit that the change is made to: it runs the same seeds where something fails, and failures
    /// that it has too are not new.
    #[arg(long, value_name = "FILE")]
    pub base_binary: Option<PathBuf>,
    /// How many seeds a new baseline has; by default as many as the old one, or 64.
    #[arg(long, value_name = "N", requires = "baseline", value_parser = clap::value_parser!(u64).range(5..))]
    pub baseline_seeds: Option<u64>,
    /// Results.
    #[command(flatten)]
    pub sweep: SweepArgs,
}

/// Arguments of `merge`.
#[derive(Args, Debug)]
pub struct MergeArgs {
    /// The folders of all shards, or folders of these.
    #[arg(required = true, value_name = "DIR")]
    pub folders: Vec<PathBuf>,
    /// The folder for reports; made if it is missing.
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,
    /// Shrink and explain the first seed of each failure; needs the scenario and the binary of the shards.
    #[arg(long)]
    pub explain: bool,
    /// Threads for --explain; by default one for each core.
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// The console.
    #[command(flatten)]
    pub console: ConsoleArgs,
}

/// Arguments of `accept`.
#[derive(Args, Debug)]
pub struct AcceptArgs {
    /// What a gate with `--baseline` left in its folder.
    #[arg(default_value = "out/baseline.new.json")]
    pub new: PathBuf,
    /// The baseline to write.
    #[arg(long, value_name = "FILE")]
    pub baseline: PathBuf,
    /// Show the differences and write nothing.
    #[arg(long)]
    pub dry_run: bool,
}

/// Arguments of `self-test`.
#[derive(Args, Debug)]
pub struct SelfTestArgs {
    /// Scenario files, or folders of them, with your own known failures; every flaw that can show is planted
    /// into them too. By default the known failures of stormglass itself.
    pub scenarios: Vec<PathBuf>,
    /// How many seeds the gate has for each; by default what the scenario says.
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: Option<u64>,
    /// The text from which the gate takes its seeds; by default the commit, as for `gate`.
    #[arg(long, value_name = "TEXT")]
    pub seed_base: Option<String>,
    /// The share that has to be found for exit 0; below it the exit is 1.
    #[arg(long, default_value = "100%", value_name = "SHARE")]
    pub at_least: String,
    /// The folder for self-test.json; made if it is missing.
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,
    /// Threads; by default one for each core.
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Only the score on the console.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Arguments of `zoo`.
#[derive(Args, Debug)]
pub struct ZooArgs {
    /// Files of pairs, or folders of them: a variant that is known to fail and one that is not.
    #[arg(default_value = "scenarios/zoo")]
    pub scenarios: Vec<PathBuf>,
    /// How often each vulnerable design is searched, with other seeds each time.
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub blocks: u64,
    /// How many seeds a search has before it is given up.
    #[arg(long, default_value_t = 300, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub cap: u64,
    /// How many seeds each safe twin runs.
    #[arg(long, default_value_t = 500, value_name = "N")]
    pub safe: u64,
    /// Leave the first failure of each pair as it is instead of cutting it down.
    #[arg(long)]
    pub no_shrink: bool,
    /// The text from which all seeds are taken.
    #[arg(long, default_value = "zoo", value_name = "TEXT")]
    pub seed_base: String,
    /// The folder for zoo.json and zoo.md; made if it is missing.
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,
    /// Threads; by default one for each core.
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Only the last line on the console.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Arguments of `capacity`.
#[derive(Args, Debug)]
pub struct CapacityArgs {
    /// The scenario file.
    pub scenario: PathBuf,
    /// An objective to meet besides those of the file; may be given several times.
    #[arg(long, value_name = "EXPRESSION")]
    pub slo: Vec<String>,
    /// The source whose rate is searched; by default all with a constant or poisson rate, scaled together.
    #[arg(long, value_name = "NAME")]
    pub source: Option<String>,
    /// How many seeds must meet the objectives, from 1 on.
    #[arg(long, default_value_t = 3, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// The lowest rate to try, for example 100/s; the search begins there.
    #[arg(long, value_name = "RATE")]
    pub low: Option<String>,
    /// The highest rate to try.
    #[arg(long, value_name = "RATE")]
    pub high: Option<String>,
    /// Which variant of the scenario.
    #[arg(long, value_name = "NAME")]
    pub variant: Option<String>,
    /// The folder for capacity.json; made if it is missing.
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,
    /// Threads; by default one for each core.
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// Only the answer on the console.
    #[arg(long, short)]
    pub quiet: bool,
}

/// Arguments of `compare`.
#[derive(Args, Debug)]
pub struct CompareArgs {
    /// One scenario file, whose variants are compared, or several files.
    #[arg(required = true)]
    pub scenarios: Vec<PathBuf>,
    /// How many seeds each configuration runs, from 1 on.
    #[arg(long, default_value_t = 64, value_name = "N", value_parser = clap::value_parser!(u64).range(5..))]
    pub seeds: u64,
    /// The variants to compare; by default the scenario as written and all of them. Several times.
    #[arg(long, value_name = "NAME")]
    pub variant: Vec<String>,
    /// A difference within this share of the baseline counts as no change, for example 1%.
    #[arg(long, default_value = "1%", value_name = "SHARE")]
    pub margin: String,
    /// What nodes, traffic and disks cost: a file of your prices. Adds what a million events and an hour cost.
    #[arg(long, value_name = "FILE")]
    pub prices: Option<PathBuf>,
    /// Judge this objective too; may be given several times.
    #[arg(long, value_name = "EXPRESSION")]
    pub slo: Vec<String>,
    /// The folder for compare.html and compare.json; made if it is missing.
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,
    /// Threads; by default one for each core.
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
    /// No tables on the console.
    #[arg(long, short)]
    pub quiet: bool,
}

/// One run of a scenario, made again.
#[derive(Args, Debug)]
pub struct OneRun {
    /// The scenario file.
    pub scenario: PathBuf,
    /// The seed.
    #[arg(long, value_name = "SEED")]
    pub seed: u64,
    /// Which variant of the scenario.
    #[arg(long, value_name = "NAME")]
    pub variant: Option<String>,
}

/// Arguments of `replay`.
#[derive(Args, Debug)]
pub struct ReplayArgs {
    /// The run.
    #[command(flatten)]
    pub run: OneRun,
    /// Stop at this instant and show the state of every part, for example 12.3s.
    #[arg(long, value_name = "TIME")]
    pub until: Option<String>,
    /// Print every fact of the history.
    #[arg(long)]
    pub events: bool,
    /// Print the life of an event, such as 0:17 (source and number), or of the first events of a key, as key=7.
    #[arg(long, value_name = "EVENT", conflicts_with_all = ["until", "events"])]
    pub follow: Option<Follow>,
}

/// Arguments of `shrink`.
#[derive(Args, Debug)]
pub struct ShrinkArgs {
    /// The run.
    #[command(flatten)]
    pub run: OneRun,
    /// The check that it breaks, or its folder below failures/, or the objective that it misses; by default what is
    /// broken first.
    #[arg(long, value_name = "CHECK")]
    pub check: Option<String>,
    /// The folder for failures/<signature>/repro.toml; made if it is missing.
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,
}

/// Arguments of `explain`.
#[derive(Args, Debug)]
pub struct ExplainArgs {
    /// The run.
    #[command(flatten)]
    pub run: OneRun,
    /// The check that it breaks, or its folder below failures/; by default what is broken first.
    #[arg(long, value_name = "CHECK")]
    pub check: Option<String>,
    /// How many fresh seeds of the scenario have to pass before a setting is called a fix.
    #[arg(long, default_value_t = 2_000, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub seeds: u64,
    /// The folder for failures/<signature>/; made if it is missing.
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,
    /// Threads; by default one for each core.
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
}

/// Arguments of `hunt`.
#[derive(Args, Debug)]
pub struct HuntArgs {
    /// The scenario file.
    pub scenario: PathBuf,
    /// Which variant of the scenario.
    #[arg(long, value_name = "NAME")]
    pub variant: Option<String>,
    /// How many generations at most.
    #[arg(long, default_value_t = 8, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub generations: u64,
    /// How many runs each has.
    #[arg(long, default_value_t = 50, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub size: u64,
    /// Refused: there are no parts of a search that learns from itself.
    #[arg(long, value_name = "K/N", hide = true)]
    pub shard: Option<String>,
    /// A text that decides the search; the same text gives the same search, whatever --jobs.
    #[arg(long, value_name = "TEXT")]
    pub seed_base: Option<String>,
    /// The folder for failures/<signature>/found.toml; made if it is missing.
    #[arg(long, default_value = "out", value_name = "DIR")]
    pub out: PathBuf,
    /// Threads; by default one for each core.
    #[arg(long, value_name = "N")]
    pub jobs: Option<usize>,
}

/// Arguments of `plan-seeds`.
#[derive(Args, Debug)]
pub struct PlanSeedsArgs {
    /// The share of seeds that show the failure, for example 0.1%.
    #[arg(long, value_name = "SHARE")]
    pub rate: String,
    /// How sure it has to be that one of them shows it.
    #[arg(long, default_value = "95%", value_name = "SHARE")]
    pub confidence: String,
}

/// Arguments of `lint`.
#[derive(Args, Debug)]
pub struct LintArgs {
    /// Scenario files, or folders of them.
    #[arg(required = true)]
    pub scenarios: Vec<PathBuf>,
    /// Leave out what this rule finds; may be given several times.
    #[arg(long, value_name = "RULE")]
    pub allow: Vec<String>,
}

/// Arguments of `list`.
#[derive(Args, Debug)]
pub struct ListArgs {
    /// The folder.
    #[arg(default_value = "scenarios")]
    pub folder: PathBuf,
}

/// Arguments of `completions`.
#[derive(Args, Debug)]
pub struct CompletionsArgs {
    /// The shell.
    pub shell: ShellArg,
}

/// Arguments of `man`.
#[derive(Args, Debug)]
pub struct ManArgs {
    /// The folder for one page a command; without it the page of the whole is printed.
    pub folder: Option<PathBuf>,
}

/// Arguments of `init`.
#[derive(Args, Debug)]
pub struct InitArgs {
    /// The file to write.
    #[arg(default_value = "scenario.toml")]
    pub file: PathBuf,
}
