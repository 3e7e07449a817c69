//! From what was found out about a failure to what a report is told of it. Nothing is judged here.

use stormglass_reports::model::explained as told;
use stormglass_reports::model::value::Micros;
use stormglass_scenarios::explain::{self, Explained, Line, Meaning, Row, Sort};
use stormglass_scenarios::shrink::{FINAL_SEEDS, Size};

/// What a report is told of a failure. Its schedule stands in the file `repro`; `prove` is the command that
/// tries on fresh seeds what may mend it.
#[must_use]
pub fn told(explained: &Explained, seed: u64, repro: String, prove: String) -> told::Explained {
    let shrunk = &explained.shrunk;
    let violation = &shrunk.violation;
    let event = violation.events.first();
    let event = event.filter(|_| !explained.life.is_empty());
    let life = explained.life.iter().map(step);
    let table = &explained.table;
    let rows = table
        .rows
        .iter()
        .map(|row| changed(row, table.meaning(row)));
    let mends = explained.mends.iter().map(|mend| told::Mend {
        label: mend.change.label.clone(),
        search: mend.search.as_ref().map(|search| told::Search {
            seeds: search.seeds,
            failing: search.failing,
            exercised: search.exercised,
            is_fix: search.is_fix(),
        }),
    });
    told::Explained {
        signature: violation.signature.to_string(),
        sentence: violation.sentence.clone(),
        seed,
        before: size(shrunk.before),
        after: size(shrunk.after),
        fails: told::Rate {
            fails: shrunk.fails,
            of: FINAL_SEEDS,
        },
        timing_seed: shrunk.seed(),
        depends_on_timing: shrunk.pinned.is_some(),
        cut_short: shrunk.cut_short,
        schedule: shrunk.schedule(),
        event: event.map_or(String::new(), |id| format!("{}:{}", id.source, id.number)),
        life: life.collect(),
        counterfactuals: told::Counterfactuals {
            base: rate(table.base),
            rows: rows.collect(),
        },
        mends: mends.collect(),
        repro,
        prove,
    }
}

/// A line of an event's life.
#[must_use]
pub fn step(line: &Line) -> told::Step {
    told::Step {
        at: Micros::from_nanos(line.time.0),
        node: line.node.clone(),
        what: line.what.clone(),
        is_fault: line.is_fault,
    }
}

fn size(size: Size) -> told::Size {
    told::Size {
        events: size.events,
        faults: size.faults,
        steps: size.steps,
    }
}

fn rate(rate: explain::Rate) -> told::Rate {
    told::Rate {
        fails: rate.fails,
        of: rate.of,
    }
}

fn changed(row: &Row, meaning: Meaning) -> told::Changed {
    told::Changed {
        sort: match row.sort {
            Sort::Fault => told::Sort::Fault,
            Sort::Setting => told::Sort::Setting,
            Sort::Timing => told::Sort::Timing,
        },
        label: row.label.clone(),
        rate: rate(row.rate),
        meaning: match meaning {
            Meaning::Unclear => told::Meaning::Unclear,
            Meaning::Needed => told::Meaning::Needed,
            Meaning::NotNeeded => told::Meaning::NotNeeded,
            Meaning::MayMend => told::Meaning::MayMend,
            Meaning::NoHelp => told::Meaning::NoHelp,
            Meaning::Rarer => told::Meaning::Rarer,
            Meaning::Moves => told::Meaning::Moves,
        },
    }
}
