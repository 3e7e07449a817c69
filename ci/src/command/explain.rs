//! `stormglass explain`: why a seed fails. The failure is shrunk, its event followed, and every fault and setting
//! of the schedule changed in turn.

use super::shrink::{of_seed, schedule};
use super::sweep::{Chosen, workers};
use crate::args::ExplainArgs;
use crate::error::Failure;
use crate::out::write_file;
use crate::say;
use serde_json::json;
use std::fmt::Write;
use std::path::Path;
use stormglass_core::rng::Seed;
use stormglass_core::time::Span;
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::catalog::Catalog;
use stormglass_scenarios::explain::{Bench, Counterfactuals, Line, Row, Search, Sort, lifeline};
use stormglass_scenarios::load::load_text_in;
use stormglass_scenarios::shrink::{Shrunk, slug};

/// Lines of a life line that are shown; the file has all.
const SHOWN_LINES: usize = 40;

/// A schedule that fails more rarely than in so many of 50 runs says nothing when it does not fail.
const LEAST: u64 = 10;

/// All that is known about a failure.
struct Explained {
    shrunk: Shrunk,
    life: Vec<Line>,
    table: Counterfactuals,
    searches: Vec<Search>,
}

/// Runs the command.
pub fn run(catalog: &Catalog, args: &ExplainArgs) -> Result<u8, Failure> {
    let chosen = Chosen::load(catalog, &args.scenario, args.variant.as_deref())?;
    let shrunk = of_seed(catalog, &chosen, args.seed, args.check.as_deref())?;
    let folder = chosen.path.parent().unwrap_or(Path::new(""));
    let bench = Bench {
        catalog,
        folder,
        workers: workers(args.jobs),
    };
    let signature = &shrunk.violation.signature;
    std::panic::set_hook(Box::new(|_| {})); // A changed run that panics counts as failing.
    let table = bench.counterfactuals(&shrunk.scenario, signature);
    let candidates = table
        .rows
        .iter()
        .filter(|row| table.base.fails >= LEAST && row.is_gone());
    let mut searches: Vec<Search> = Vec::new();
    let mut mended: Vec<&Row> = Vec::new();
    for row in candidates {
        // What mends it with one setting is not offered again with two.
        if mended.iter().any(|one| row.change.includes(&one.change)) {
            continue;
        }
        let search = bench.search(chosen.case(), signature.check, &row.change, args.seeds);
        if search.as_ref().is_some_and(Search::is_fix) {
            mended.push(row);
        }
        searches.extend(search);
    }
    let _ = std::panic::take_hook();
    let explained = Explained {
        life: life(catalog, folder, &shrunk)?,
        shrunk,
        table,
        searches,
    };
    let out = args
        .out
        .join("failures")
        .join(slug(&explained.shrunk.violation.signature));
    let text = text(&explained);
    write_file(&out.join("repro.toml"), &explained.shrunk.text)?;
    write_file(&out.join("explain.md"), &text)?;
    write_file(
        &out.join("explain.json"),
        &format!("{:#}\n", data(&explained)),
    )?;
    say(text.trim_end())?;
    say(&format!("\nwritten to {}", out.display()))?;
    Ok(0)
}

/// The life of the first event that the violation names.
fn life(catalog: &Catalog, folder: &Path, shrunk: &Shrunk) -> Result<Vec<Line>, Failure> {
    let Some(event) = shrunk.violation.events.first() else {
        return Ok(Vec::new());
    };
    let file = load_text_in(folder, "repro.toml", shrunk.text.clone(), &catalog.names())?;
    let assembly = Assembly::new(&file, file.base(), catalog)?;
    if !assembly.programs().is_empty() {
        // The history of a hosted program is heard by its own driver only.
        return Ok(Vec::new());
    }
    let seed = shrunk.seed();
    let plan = assembly.plan(Seed(seed));
    Ok(lifeline(&assembly, seed, &plan, *event))
}

fn text(explained: &Explained) -> String {
    let Explained {
        shrunk,
        life,
        table,
        searches,
    } = explained;
    let mut text = format!(
        "# {}\n\n{}\n\n## The smallest schedule\n\n",
        shrunk.violation.signature, shrunk.violation.sentence
    );
    for line in schedule(shrunk) {
        let _ = writeln!(text, "- {line}");
    }
    if let Some(event) = shrunk.violation.events.first() {
        let _ = writeln!(
            text,
            "\n## What became of event {}:{}\n",
            event.source, event.number
        );
        lines(&mut text, life);
    }
    let _ = writeln!(
        text,
        "\n## What would have happened otherwise\n\nAs it is, the schedule fails in {} runs that differ in timing.\n",
        table.base
    );
    text.push_str("| fails | with this change | |\n|---:|---|---|\n");
    for row in &table.rows {
        let _ = writeln!(
            text,
            "| {} | {} | {} |",
            row.rate,
            row.label,
            meaning(table, row)
        );
    }
    text.push_str("\n## What mends it\n\n");
    if table.base.fails < LEAST {
        text.push_str("It fails too rarely for its absence to say anything.\n");
    } else if searches.is_empty() {
        text.push_str("No setting that was tried makes this schedule pass.\n");
    }
    for search in searches {
        let verdict = if search.is_fix() {
            "mends it"
        } else if search.failing == 0 {
            "is not proved: too few seeds exercised the check"
        } else {
            "does not mend it"
        };
        let _ = writeln!(
            text,
            "- `{}` {verdict}: {} of {} fresh seeds fail, {} exercised the check.",
            search.label, search.failing, search.seeds, search.exercised
        );
    }
    text
}

/// What a row tells.
fn meaning(table: &Counterfactuals, row: &Row) -> &'static str {
    if table.base.fails < LEAST {
        return "";
    }
    match (row.sort, row.is_gone()) {
        (Sort::Fault, true) => "needed",
        (Sort::Setting, true) => "may mend it",
        (Sort::Timing, true) => "moves it: a wait mends nothing",
        (Sort::Fault, false) if row.rate.fails * 2 >= table.base.fails => "not needed",
        (Sort::Setting | Sort::Timing, false) if row.rate.fails * 2 >= table.base.fails => {
            "no help"
        }
        (Sort::Fault | Sort::Setting | Sort::Timing, false) => "makes it rarer",
    }
}

fn lines(text: &mut String, life: &[Line]) {
    let wide = life.iter().map(|line| line.node.len()).max().unwrap_or(0);
    text.push_str("```text\n");
    for line in life.iter().take(SHOWN_LINES) {
        let mark = if line.is_fault { "!" } else { " " };
        let time = Span(line.time.0).to_string();
        let _ = writeln!(
            text,
            "{mark} {time:>14}  {:<wide$}  {}",
            line.node, line.what
        );
    }
    if life.len() > SHOWN_LINES {
        let _ = writeln!(
            text,
            "  and {} more lines in explain.json",
            life.len() - SHOWN_LINES
        );
    }
    text.push_str("```\n");
}

fn data(explained: &Explained) -> serde_json::Value {
    let shrunk = &explained.shrunk;
    json!({
        "signature": shrunk.violation.signature,
        "sentence": shrunk.violation.sentence,
        "events": [shrunk.before.events, shrunk.after.events],
        "faults": [shrunk.before.faults, shrunk.after.faults],
        "fails": shrunk.fails,
        "pinned": shrunk.pinned.map(|seed| seed.to_string()),
        "life": explained.life,
        "counterfactuals": explained.table,
        "searches": explained.searches,
    })
}
