//! `stormglass init`: a commented scenario to start from.

use crate::args::InitArgs;
use crate::error::Failure;
use crate::say;
use std::fs::OpenOptions;
use std::io::Write;

/// What is written. A test loads and runs it.
pub const SCENARIO: &str = include_str!("init.toml");

/// Runs the command.
pub fn init(args: &InitArgs) -> Result<u8, Failure> {
    let file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(&args.file);
    let mut file = file.map_err(|error| {
        if error.kind() == std::io::ErrorKind::AlreadyExists {
            let hint = "name another file, or remove this one";
            return Failure::usage(format!("{} is there already", args.file.display()), hint);
        }
        Failure::File {
            path: args.file.clone(),
            error,
        }
    })?;
    file.write_all(SCENARIO.as_bytes())
        .map_err(|error| Failure::File {
            path: args.file.clone(),
            error,
        })?;
    let path = args.file.display();
    say(&format!("wrote {path}; run it with: stormglass run {path}"))?;
    Ok(0)
}
