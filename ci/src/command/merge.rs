//! `stormglass merge`: one report of all shards of a sweep, with the bytes of a sweep that was not sharded.
//!
//! Only lists of seeds are read, and no seed is run: the scenario is needed only for `--explain`, and any
//! binary of the same version may merge.

use super::causes;
use super::gate::{weighed, worst};
use super::sweep::{Chosen, List, SLO, environment, jobs, workers, write};
use crate::args::{MergeArgs, SweepArgs};
use crate::console::Told;
use crate::error::Failure;
use crate::journal::{self, About, Header, Place, Reader};
use crate::out::{Out, SEEDS};
use crate::{corpus, signals};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::Instant;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::load::load;
use stormglass_scenarios::objectives;

/// A case and the lists of its shards.
struct Shards {
    header: Header,
    about: About,
    lists: Vec<Reader>,
    places: Vec<Place>,
    /// Whether it is a saved case of the gate's corpus, which the first shard alone runs, and leaves if it is
    /// broken.
    is_saved: bool,
}

/// Runs the command.
pub fn merge(catalog: &Catalog, args: &MergeArgs) -> Result<u8, Failure> {
    let cases = cases(found(args)?)?;
    let is_alone = cases.iter().filter(|case| !case.is_saved).count() == 1;
    let mut codes = Vec::new();
    // All lists are looked through before the first report is written.
    for shards in cases {
        let name = shards.header.case();
        let folder = match (shards.is_saved, is_alone) {
            (true, _) => args.out.join(corpus::FOLDER).join(&name),
            (false, true) => args.out.clone(),
            (false, false) => args.out.join(&name),
        };
        let is_gated = shards.is_saved || !shards.header.cases.is_empty();
        let expected = shards.header.exit;
        let code = one(catalog, args, shards, &folder)?;
        if signals::stop_flag().load(Ordering::Relaxed) {
            return Ok(signals::interrupted());
        }
        codes.push(if is_gated {
            weighed(&args.console, &name, code, expected)?
        } else {
            code
        });
    }
    Ok(worst(&codes))
}

/// Merges the shards of one case into a folder; gives back its exit code.
fn one(catalog: &Catalog, args: &MergeArgs, shards: Shards, folder: &Path) -> Result<u8, Failure> {
    let Shards {
        header,
        mut about,
        mut lists,
        places,
        is_saved: _,
    } = shards;
    let started = Instant::now();
    let out = Out::open(folder)?;
    let mut list = List::new(&header, &about);
    for place in &places {
        let reader = &mut lists[place.list];
        let line = reader.entry_at(place.at)?;
        list.take(&line)
            .map_err(|error| reader.damaged(&error.to_string()))?;
    }
    let drawn = list.collector.drawn();
    journal::write_sorted(&folder.join(SEEDS), &header, &mut lists, &places, drawn)?;
    if args.explain {
        about.identity.command.push_str(" --explain");
    }
    let mut report = about.report(list.collector);
    if args.explain {
        let sweep = SweepArgs {
            out: args.out.clone(),
            jobs: args.jobs,
            twice: header.twice,
            driver: None,
            explain: true,
            resume: false,
            shard: None,
            warn: Vec::new(),
            console: args.console.clone(),
        };
        let chosen = chosen(catalog, &header)?;
        causes::explain(catalog, &chosen, &mut report, &sweep, folder)?;
    }
    write(&out, &report)?;
    let seeds = report.seeds.len() as u64;
    environment(&out, started, list.cost, workers(args.jobs), seeds)?;
    out.done()?;
    let told = Told {
        folder,
        known: header.exit,
        started,
    };
    args.console.report(&report, &told)?;
    Ok(report.exit_class().code())
}

/// The case that was swept, for running its failures again.
fn chosen(catalog: &Catalog, header: &Header) -> Result<Chosen, Failure> {
    let path = Path::new(&header.file);
    let mut file = load(path, &catalog.names())?;
    objectives::add(&mut file, SLO, &header.slo)?;
    let variant = Some(header.variant.as_str()).filter(|variant| !variant.is_empty());
    let chosen = Chosen::of(catalog, file, path, variant)?;
    let what = if chosen.hash() != header.hash {
        format!("{} is not what the shards have run", path.display())
    } else if journal::binary() != header.binary {
        "another binary than this one has run the shards".to_owned()
    } else {
        return Ok(chosen);
    };
    let hint = "merge without --explain, or where the shards' scenario and binary are";
    Err(Failure::usage(what, hint))
}

/// Every list of seeds in or below the folders asked for, with its header, in order of path.
fn found(args: &MergeArgs) -> Result<Vec<(Header, Reader)>, Failure> {
    let own = args.out.canonicalize().ok();
    let mut paths = Vec::new();
    for folder in &args.folders {
        let before = paths.len();
        look_below(folder, own.as_deref(), &mut paths)?;
        if paths.len() == before {
            let message = format!("there is no {SEEDS} in or below {}", folder.display());
            let hint = "name the folders that `run --shard` or `gate --shard` has written";
            return Err(Failure::usage(message, hint));
        }
    }
    paths.sort();
    paths.dedup();
    let mut lists = Vec::new();
    for path in paths {
        lists.push(Reader::open(&path)?);
    }
    Ok(lists)
}

/// What an earlier merge left in its own folder `own` is no shard.
fn look_below(folder: &Path, own: Option<&Path>, paths: &mut Vec<PathBuf>) -> Result<(), Failure> {
    let entries = std::fs::read_dir(folder).map_err(|error| {
        let hint = "name the folders that `run --shard` or `gate --shard` has written";
        Failure::usage(
            format!("{} cannot be read: {error}", folder.display()),
            hint,
        )
    })?;
    for entry in entries.filter_map(Result::ok) {
        let path = entry.path();
        if path.is_dir() {
            if own.is_none() || path.canonicalize().ok().as_deref() != own {
                look_below(&path, own, paths)?;
            }
        } else if entry.file_name() == SEEDS {
            paths.push(path);
        }
    }
    Ok(())
}

/// The lists by their case, in the order of the gate, each case whole.
fn cases(lists: Vec<(Header, Reader)>) -> Result<Vec<Shards>, Failure> {
    let mut all = Vec::new();
    let mut order: Vec<String> = Vec::new();
    for (header, reader) in lists {
        let version = env!("CARGO_PKG_VERSION");
        if header.stormglass != version {
            let path = reader.path().display();
            let message = format!(
                "{path} is of stormglass {}, not {version}",
                header.stormglass
            );
            return Err(Failure::usage(
                message,
                "merge with the version that ran the shards",
            ));
        }
        if order.is_empty() {
            order = header.cases.clone();
        }
        all.push((header, reader));
    }
    let (mut saved, mut groups) = (Vec::new(), BTreeMap::<String, Vec<_>>::new());
    for (header, reader) in all {
        if !order.is_empty() && header.cases.is_empty() && header.shard.is_none() {
            saved.push(Shards {
                is_saved: true,
                ..whole(vec![(header, reader)])?
            });
        } else {
            groups
                .entry(header.case())
                .or_default()
                .push((header, reader));
        }
    }
    if order.is_empty() {
        order = groups.keys().cloned().collect();
        if let [first, second, ..] = &order[..] {
            let message = format!("these are shards of different scenarios: {first} and {second}");
            return Err(Failure::usage(
                message,
                "merge the shards of one sweep at a time",
            ));
        }
    }
    if let Some(other) = groups.keys().find(|name| !order.contains(name)) {
        let message = format!(
            "{other} is none of the gate's cases, which are {}",
            order.join(", ")
        );
        return Err(Failure::usage(
            message,
            "merge the shards of one gate at a time",
        ));
    }
    let cases = order.iter().map(|name| match groups.remove(name) {
        Some(lists) => whole(lists),
        None => {
            let message = format!("no shard has the gate's case {name}");
            let hint = "the gate was stopped before it: run its shards again with --resume";
            Err(Failure::usage(message, hint))
        }
    });
    let cases: Result<Vec<Shards>, Failure> = cases.collect();
    saved.extend(cases?);
    Ok(saved)
}

/// All shards of one case: each once, of the same sweep, finished.
fn whole(lists: Vec<(Header, Reader)>) -> Result<Shards, Failure> {
    let mut by_number: BTreeMap<u64, PathBuf> = BTreeMap::new();
    let mut readers = Vec::new();
    let mut first: Option<(Header, PathBuf)> = None;
    for (header, reader) in lists {
        let path = reader.path().to_owned();
        let (model, beside) = first.get_or_insert_with(|| (header.clone(), path.clone()));
        let differs = model.difference(&header).or_else(|| {
            let (there, here) = (model.part().of, header.part().of);
            (there != here).then(|| ("number of shards", there.to_string(), here.to_string()))
        });
        if let Some((what, there, here)) = differs {
            let message = format!(
                "{} and {} are of different sweeps: {what} is {there} and {here}",
                beside.display(),
                path.display()
            );
            let hint = "run all shards by one binary, with the same scenario and the same options";
            return Err(Failure::usage(message, hint));
        }
        let part = header.part();
        if let Some(other) = by_number.insert(part.number, path.clone()) {
            let message = format!(
                "shard {part} of {} is there twice: {} and {}",
                header.case(),
                other.display(),
                path.display()
            );
            return Err(Failure::usage(message, "name each shard once"));
        }
        readers.push((header, reader));
    }
    let Some((header, _)) = first else {
        return Err(Failure::usage(
            "nothing to merge",
            "name the folders of all shards",
        ));
    };
    let of = header.part().of;
    let missing = (1..=of).filter(|number| !by_number.contains_key(number));
    let missing: Vec<String> = missing.map(|number| format!("{number}/{of}")).collect();
    if !missing.is_empty() {
        let message = format!(
            "of {} is missing: shard {}",
            header.case(),
            missing.join(", ")
        );
        return Err(Failure::usage(message, "name the folders of all shards"));
    }
    let Some(about) = header.about() else {
        return Err(readers[0].1.damaged("its header cannot be unpacked").into());
    };
    let mut headers = Vec::new();
    let mut lists = Vec::new();
    for (header, reader) in readers {
        headers.push(header);
        lists.push(reader);
    }
    let places = journal::places(&mut lists)?;
    for (header, reader) in headers.iter().zip(&lists) {
        let all = jobs(&header.seeds, header.shard).len() as u64;
        if reader.count() < all {
            let message = format!(
                "shard {} of {} is not finished: {} holds {} of {all} seeds",
                header.part(),
                header.case(),
                reader.path().display(),
                reader.count()
            );
            return Err(Failure::usage(message, "run it again with --resume"));
        }
    }
    Ok(Shards {
        header: header.whole(),
        about,
        lists,
        places,
        is_saved: false,
    })
}
