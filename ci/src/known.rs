//! The list of known failures at a gate: which entries speak of which case, and whether their seeds still show
//! what they name.

use crate::args::GateArgs;
use crate::command::sweep::Chosen;
use crate::error::Failure;
use crate::hush::Hush;
use std::path::Path;
use stormglass_reports::model::known::KnownFailure;
use stormglass_scenarios::known::{self, Known, Version};
use stormglass_scenarios::run::{self, Driver};
use stormglass_scenarios::sweep::{Ended, Job, Nobody, sweep};

/// The list that is used where none is named and this one is there.
const FILE: &str = "known-failures.toml";

/// A list and where it stands.
pub struct List {
    file: String,
    entries: Vec<Known>,
}

/// The list of a gate; none if there is none.
///
/// # Errors
/// At the first mistake in it: an entry that has expired is one.
pub fn load(args: &GateArgs, chosen: &[Chosen]) -> Result<Option<List>, Failure> {
    let path = match &args.known_failures {
        Some(path) => path.as_path(),
        None if Path::new(FILE).is_file() => Path::new(FILE),
        None => return Ok(None),
    };
    let now = args.release.as_deref().unwrap_or(env!("CARGO_PKG_VERSION"));
    let now = Version::parse(now).ok_or_else(|| {
        let hint = "give one to three numbers, as in --release 1.4.2";
        Failure::usage(format!("{now:?} is no version"), hint)
    })?;
    let entries = known::load(path, now)?;
    let file = path.display().to_string();
    for entry in &entries {
        if !chosen.iter().any(|case| case.name() == entry.case) {
            eprintln!("{file}:{}: {} is not gated here", entry.line, entry.case);
        }
    }
    Ok(Some(List { file, entries }))
}

impl List {
    /// What it says of a case, whose seeds are run; none of a case that is there to fail.
    pub fn of(&self, chosen: &Chosen) -> Option<Vec<KnownFailure>> {
        if chosen.case().exit != 0 {
            return None;
        }
        let name = chosen.name();
        let of_case = self.entries.iter().filter(|entry| entry.case == name);
        let told = of_case.map(|entry| KnownFailure {
            signature: entry.signature.clone(),
            reason: entry.reason.clone(),
            until_version: entry.until.to_string(),
            place: format!("{}:{}", self.file, entry.line),
            is_seen: entry
                .seed
                .is_some_and(|seed| shows(chosen, seed, &entry.signature)),
        });
        Some(told.collect())
    }
}

/// Whether a run of the seed shows the signature.
fn shows(chosen: &Chosen, seed: u64, signature: &str) -> bool {
    let mut is_shown = false;
    // A seed that panics shows nothing else.
    let hush = Hush::panics();
    let one = || run::run(&chosen.assembly, seed, Driver::Auto);
    sweep(
        &[Job { index: 0, seed }],
        1,
        &std::sync::atomic::AtomicBool::new(false),
        &Nobody,
        &|_| one().outcome,
        &mut |_, ended| {
            if let Ended::Done(outcome) = ended {
                let violations = outcome.judgements.iter().flat_map(|one| &one.violations);
                let mut signatures = violations.map(|violation| violation.signature.to_string());
                is_shown = signatures.any(|found| found == signature);
            }
        },
    );
    drop(hush);
    is_shown
}
