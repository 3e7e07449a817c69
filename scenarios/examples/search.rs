//! How soon a search finds what is known to be broken: seeds until the first failure, with guided templates and
//! without, and of a hunt against plain seeds. Prints the table of `docs/search.md`.
//!
//! Every case under `scenarios/` that is known to fail and draws faults inside the envelope is searched with its
//! planned faults taken out and the full swarm in, so that only what is drawn can find it; the pairs of the zoo keep
//! the kinds that they list. Seeds are taken in turn: a block ends with its first failure or at the cap, and one that
//! found nothing counts as above the cap (B14).
//!
//! ```sh
//! cargo run --release -p stormglass-scenarios --example search [BLOCKS] [CAP] [PART OF A FILE NAME]
//! ```

#![allow(clippy::print_stdout, reason = "the table is what it is for")]

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use stormglass_core::check::Answer;
use stormglass_core::rng::mix;
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::hunt::Hunt;
use stormglass_scenarios::load::{ScenarioFile, load_text_in};
use stormglass_scenarios::run::{Driver, run, run_plan};
use stormglass_scenarios::spec::SwarmKind;
use toml::{Table, Value};

/// Blocks of seeds that a median is of.
const BLOCKS: usize = 50;

/// Seeds of a block at most.
const CAP: u64 = 300;

/// Runs of a generation of a hunt: its first is plain seeds.
const GENERATION: u64 = 20;

/// Where known failures lie.
const FOLDERS: [&str; 4] = ["delivery", "flaws", "pairs", ZOO];

/// Where the pairs are that ask about a few kinds of faults each.
const ZOO: &str = "zoo";

/// The files that draw faults inside the envelope.
fn files(only: &str) -> Result<Vec<PathBuf>, Box<dyn Error>> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    for folder in FOLDERS {
        for entry in std::fs::read_dir(root.join(folder))? {
            let path = entry?.path();
            let text = std::fs::read_to_string(&path)?;
            let draws = text.contains("\nswarm = ") && !text.contains("envelope = \"off\"");
            if draws && path.display().to_string().contains(only) {
                files.push(path);
            }
        }
    }
    files.sort();
    Ok(files)
}

/// A file whose faults are drawn alone: nothing planned, every kind but for a pair's, this share of templates.
fn drawn(path: &Path, templates: f64) -> Result<ScenarioFile, Box<dyn Error>> {
    let mut tree: Table = std::fs::read_to_string(path)?.parse()?;
    if let Some(Value::Table(faults)) = tree.get_mut("faults") {
        let kinds: Result<Vec<Value>, _> = SwarmKind::ALL.iter().map(Value::try_from).collect();
        if !path.parent().is_some_and(|folder| folder.ends_with(ZOO)) {
            faults.insert("swarm".to_owned(), Value::Array(kinds?));
            faults.insert("max".to_owned(), Value::Integer(4));
        }
        faults.insert("templates".to_owned(), Value::Float(templates));
        faults.remove("planned");
    }
    if let Some(Value::Table(expect)) = tree.get_mut("expect") {
        expect.remove("points");
        expect.remove("slo");
    }
    let folder = path.parent().ok_or("a file lies in a folder")?;
    let text = format!("# How soon is it found?\n{tree}");
    Ok(load_text_in(
        folder,
        "search.toml",
        text,
        &Catalog::new().names(),
    )?)
}

/// Seeds until the first failure of each block; above the cap is nothing found.
fn plain(assembly: &Arc<Assembly>, blocks: usize, cap: u64) -> Vec<u64> {
    let mut seed = 0;
    let block = |_| {
        let found = (1..=cap).find(|_| {
            seed += 1;
            run(assembly, seed, Driver::Auto).outcome.answer() == Answer::Fail
        });
        found.unwrap_or(cap + 1)
    };
    (0..blocks).map(block).collect()
}

/// The same of hunts, each from a base of its own.
fn guided(assembly: &Arc<Assembly>, blocks: usize, cap: u64) -> Vec<u64> {
    let hunt = |block: usize| {
        let mut hunt = Hunt::new(Arc::clone(assembly), &mix(block as u64).to_string());
        let mut runs = 0;
        while runs < cap {
            for candidate in hunt.next(GENERATION.min(cap - runs)) {
                runs += 1;
                let plan = candidate.plan.clone();
                let outcome = run_plan(assembly, candidate.seed, plan, Driver::Auto).outcome;
                if outcome.answer() == Answer::Fail {
                    return runs;
                }
                hunt.learn(&candidate, &outcome);
            }
        }
        cap + 1
    };
    (0..blocks).map(hunt).collect()
}

/// The median and the ninth decile, of which what was not found is above the cap.
fn told(mut found: Vec<u64>, cap: u64) -> String {
    found.sort_unstable();
    let word = |value: u64| {
        if value > cap {
            format!("> {cap}")
        } else {
            value.to_string()
        }
    };
    let at = |percent: usize| found[(found.len() * percent / 100).min(found.len() - 1)];
    format!("{} / {}", word(at(50)), word(at(90)))
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |at: usize| {
        arguments
            .get(at)
            .map(|text| text.parse::<u64>())
            .transpose()
    };
    let blocks = number(0)?.map_or(BLOCKS, |blocks| blocks.max(1) as usize);
    let cap = number(1)?.unwrap_or(CAP);
    let only = arguments.get(2).map_or("", String::as_str);
    println!("{blocks} blocks of at most {cap} seeds; median / ninth decile\n");
    println!("| scenario | case | templates | none | hunt |\n| --- | --- | ---: | ---: | ---: |");
    for path in files(only)? {
        let (with, without) = (drawn(&path, 0.4)?, drawn(&path, 0.0)?);
        let name = path
            .file_stem()
            .map_or_else(String::new, |name| name.display().to_string());
        for (case, other) in with.cases.iter().zip(&without.cases) {
            if case.exit != 1 {
                continue;
            }
            let assembly = Arc::new(Assembly::new(&with, case, &Catalog::new())?);
            let untold = Arc::new(Assembly::new(&without, other, &Catalog::new())?);
            let templates = plain(&assembly, blocks, cap);
            // What plain seeds find within a generation a hunt finds in the same way.
            let mut sorted = templates.clone();
            sorted.sort_unstable();
            let hunted = if sorted[sorted.len() / 2] > GENERATION {
                told(guided(&assembly, blocks, cap), cap)
            } else {
                String::from("as plain")
            };
            println!(
                "| {name} | {} | {} | {} | {hunted} |",
                case.variant.as_deref().unwrap_or("as written"),
                told(templates, cap),
                told(plain(&untold, blocks, cap), cap),
            );
        }
    }
    Ok(())
}
