//! Whether it is good enough: the command line, the gate and its exit codes.
//!
//! A user's own binary is ten lines: it adds its parts to a [`Catalog`] and hands it to [`main`].

mod args;
mod base;
mod baseline;
mod command;
mod console;
mod corpus;
mod error;
mod explained;
mod fold;
mod hush;
mod journal;
mod known;
mod out;
mod progress;
mod recorded;
mod seeds;
mod signals;

pub use stormglass_core as core;
pub use stormglass_reports as reports;
pub use stormglass_scenarios as scenarios;
pub use stormglass_scenarios::catalog::{Catalog, Seat};
pub use stormglass_sim as sim;

use args::{Cli, Command};
use clap::Parser;
use error::Failure;
use std::process::ExitCode;

/// Runs the command line with the parts of `catalog` and gives back its exit code.
#[must_use]
pub fn main(catalog: &Catalog) -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => {
            // Help and version are answers, not mistakes; clap knows which stream each belongs on.
            let code = if error.use_stderr() { 2 } else { 0 };
            let _ = error.print();
            return ExitCode::from(code);
        }
    };
    let result = match cli.command {
        Command::Run(args) => command::run::run(catalog, &args),
        Command::Gate(args) => command::gate::gate(catalog, &args),
        Command::Merge(args) => command::merge::merge(catalog, &args),
        Command::Accept(args) => command::accept::accept(&args),
        Command::SelfTest(args) => command::self_test::self_test(catalog, &args),
        Command::Zoo(args) => command::zoo::zoo(catalog, &args),
        Command::Capacity(args) => command::capacity::capacity(catalog, &args),
        Command::Compare(args) => command::compare::compare(catalog, &args),
        Command::Replay(args) => command::replay::replay(catalog, &args),
        Command::Shrink(args) => command::shrink::run(catalog, &args),
        Command::Explain(args) => command::explain::run(catalog, &args),
        Command::Hunt(args) => command::hunt::hunt(catalog, &args),
        Command::PlanSeeds(args) => command::plan_seeds::plan_seeds(&args),
        Command::Lint(args) => command::lint::lint(catalog, &args),
        Command::List(args) => command::list::list(catalog, &args),
        Command::Init(args) => command::init::init(&args),
        Command::Completions(args) => command::pages::complete(&args),
        Command::Man(args) => command::pages::man(&args),
        Command::Schema(args) => command::schema::schema(catalog, &args),
    };
    match result.and_then(|code| console::finish().map(|()| code)) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            eprintln!("{failure}");
            ExitCode::from(failure.code())
        }
    }
}

/// Writes a line to the standard output. A reader that has gone away (`| head`) is no failure.
fn say(text: &str) -> Result<(), Failure> {
    use std::io::Write;
    match writeln!(std::io::stdout(), "{text}") {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == std::io::ErrorKind::BrokenPipe => Ok(()),
        Err(error) => Err(Failure::Console(error)),
    }
}
