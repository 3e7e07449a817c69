//! `--explain`: after a sweep, why its failures failed. The first seed of each signature is shrunk and its
//! schedule changed in turn; what may mend it is listed unproved, because fresh searches take longer than sweeps.
//! Signatures with one cause are told once.

use super::explain::{FAILURES, write};
use super::sweep::{Chosen, workers};
use crate::args::SweepArgs;
use crate::error::Failure;
use crate::explained::told;
use crate::hush::Hush;
use crate::signals;
use std::path::Path;
use std::sync::atomic::Ordering;
use stormglass_reports::Report;
use stormglass_reports::model::FailureGroup;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::explain::{Bench, Explained};
use stormglass_scenarios::shrink::{STEPS, Shrunk, shrink, words};
use stormglass_scenarios::sweep::{Ended, Job, Nobody, sweep};

/// Signatures that are shrunk; the others are named.
const MOST_SHRUNK: usize = 12;

/// Causes that are explained; signatures with another one are named.
const MOST: usize = 5;

/// Explains the failures of a report and writes their folders below `out`.
pub fn explain(
    catalog: &Catalog,
    chosen: &Chosen,
    report: &mut Report,
    args: &SweepArgs,
    out: &Path,
) -> Result<(), Failure> {
    let (groups, rest): (Vec<usize>, Vec<usize>) = {
        let wanted = (0..report.failures.len()).filter(|at| is_shrinkable(&report.failures[*at]));
        let wanted: Vec<usize> = wanted.collect();
        let (first, rest) = wanted.split_at(wanted.len().min(MOST_SHRUNK));
        (first.to_vec(), rest.to_vec())
    };
    // A candidate that panics is no candidate.
    let hush = Hush::panics();
    let shrunk = shrunk(catalog, chosen, report, &groups, args);
    let bench = Bench {
        catalog,
        folder: chosen.folder(),
        workers: workers(args.jobs),
    };
    let mut left: Vec<usize> = rest;
    let mut told_of: Vec<(usize, Explained)> = Vec::new();
    let mut trouble = None;
    for (at, shrunk) in groups.into_iter().zip(shrunk) {
        if signals::stop_flag().load(Ordering::Relaxed) || trouble.is_some() {
            break;
        }
        let Some(shrunk) = shrunk else {
            left.push(at);
            continue;
        };
        let like = told_of.iter().find(|(_, one)| one.shrunk.is_like(&shrunk));
        if let Some((first, _)) = like {
            report.failures[at].same_as = Some(report.failures[*first].signature.clone());
            continue;
        }
        tell(
            args,
            &format!("looking for the cause of {}", report.failures[at].signature),
        );
        let caused = told_of
            .iter()
            .find(|(_, one)| bench.has_cause_of(&shrunk, one));
        if let Some((first, _)) = caused {
            report.failures[at].same_cause = Some(report.failures[*first].signature.clone());
            continue;
        }
        if told_of.len() == MOST {
            left.push(at);
            continue;
        }
        let group = &report.failures[at];
        tell(args, &format!("explaining {}", group.signature));
        let explained = bench.explain(shrunk);
        let name = words(&group.signature);
        let repro = format!("{FAILURES}/{name}/repro.toml");
        let prove = command(chosen, report, group);
        let told = told(&explained, group.first_seed, repro, prove);
        let folder = out.join(FAILURES).join(&name);
        trouble = write(&folder, &explained.shrunk.text, &told).err();
        report.failures[at].explained = Some(told);
        told_of.push((at, explained));
    }
    drop(hush);
    left.sort_unstable();
    for at in left {
        let group = &report.failures[at];
        let command = command(chosen, report, group);
        report
            .notes
            .insert(format!("not explained: {}; try {command}", group.signature));
    }
    trouble.map_or(Ok(()), |error| Err(error.into()))
}

/// Panics, hangs and livelocks are no violations of a check: there is nothing that a schedule could keep.
fn is_shrinkable(group: &FailureGroup) -> bool {
    !["panic", "hang", "livelock"].contains(&group.anomaly.as_str())
}

/// The first seed of each group, shrunk; none where that was not possible. Groups are shrunk beside each other.
fn shrunk(
    catalog: &Catalog,
    chosen: &Chosen,
    report: &Report,
    groups: &[usize],
    args: &SweepArgs,
) -> Vec<Option<Shrunk>> {
    let jobs: Vec<Job> = groups
        .iter()
        .map(|at| Job {
            index: *at as u64,
            seed: report.failures[*at].first_seed,
        })
        .collect();
    let mut all = Vec::new();
    sweep(
        &jobs,
        workers(args.jobs),
        signals::stop_flag(),
        &Nobody,
        &|job| {
            let signature = &report.failures[job.index as usize].signature;
            tell(args, &format!("shrinking seed {}: {signature}", job.seed));
            let (folder, what) = (chosen.folder(), words(signature));
            shrink(
                catalog,
                folder,
                &chosen.assembly,
                job.seed,
                Some(&what),
                STEPS,
            )
            .ok()
        },
        &mut |_, ended| {
            all.push(match ended {
                Ended::Done(shrunk) => shrunk,
                Ended::Panicked(_) => None,
            });
        },
    );
    all
}

/// The command that explains a group alone and proves what mends it.
fn command(chosen: &Chosen, report: &Report, group: &FailureGroup) -> String {
    let mut groups = report.failures.iter();
    let alone = groups.all(|other| other.check != group.check || other == group);
    let what = if alone {
        group.check.clone()
    } else {
        words(&group.signature)
    };
    let variant = chosen.case().variant.as_ref();
    let variant = variant.map_or(String::new(), |name| format!(" --variant {name}"));
    format!(
        "stormglass explain {} --seed {} --check {what}{variant}",
        chosen.path.display(),
        group.first_seed
    )
}

/// Says on the console what takes time.
fn tell(args: &SweepArgs, line: &str) {
    if !args.console.quiet {
        eprintln!("{line}");
    }
}
