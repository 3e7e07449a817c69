//! `stormglass list`: the scenarios below a folder, with the question each asks.

use crate::args::ListArgs;
use crate::error::Failure;
use crate::say;
use std::path::{Path, PathBuf};
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::load;

/// Files that stand beside scenarios and are none.
const NO_SCENARIOS: [&str; 4] = [
    "Cargo.toml",
    "clippy.toml",
    "known-failures.toml",
    "prices.toml",
];

/// Runs the command.
pub fn list(catalog: &Catalog, args: &ListArgs) -> Result<u8, Failure> {
    let names = catalog.names();
    let mut broken = None;
    for path in files(&args.folder)? {
        match load(&path, &names) {
            Ok(file) => {
                let question = &file.base().scenario.question;
                let first = question.split(['?', '\n']).next().unwrap_or_default();
                say(&format!("{}\n    {}?", path.display(), first.trim()))?;
                for case in &file.cases {
                    if let Some(variant) = &case.variant {
                        let cell = case.cell.iter();
                        let cell = cell.map(|at| format!("{} = {}", at.path, at.value));
                        let cell = cell.collect::<Vec<_>>().join(", ");
                        say(format!("    --variant {variant}  {cell}").trim_end())?;
                    }
                }
            }
            Err(error) => {
                say(&format!("{}\n    cannot be loaded", path.display()))?;
                broken.get_or_insert(error);
            }
        }
    }
    broken.map_or(Ok(0), |error| Err(error.into()))
}

/// The files that were named, and those below the folders that were.
pub fn named(paths: &[PathBuf]) -> Result<Vec<PathBuf>, Failure> {
    let mut all = Vec::new();
    for path in paths {
        if path.is_dir() {
            all.extend(files(path)?);
        } else {
            all.push(path.clone());
        }
    }
    Ok(all)
}

/// All scenario files below a folder, in order.
pub fn files(folder: &Path) -> Result<Vec<PathBuf>, Failure> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        let hint = "name a folder of scenarios, such as `stormglass list .`, or write one: stormglass init";
        Failure::usage(
            format!("{} cannot be read: {error}", folder.display()),
            hint,
        )
    })?;
    let mut paths: Vec<PathBuf> = entries
        .filter_map(|entry| entry.ok().map(|entry| entry.path()))
        .collect();
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        let name = path
            .file_name()
            .and_then(|name| name.to_str())
            .unwrap_or_default();
        if path.is_dir() {
            // Source code, hardware profiles and test data are no scenarios.
            if !matches!(
                name,
                "src" | "tests" | "traces" | "profiles" | "examples" | "benches" | "target"
            ) {
                files.extend(self::files(&path)?);
            }
        } else if name.ends_with(".toml") && !NO_SCENARIOS.contains(&name) {
            files.push(path);
        }
    }
    Ok(files)
}
