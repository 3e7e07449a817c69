//! The guarantee matrix: every broker with every delivery mode and every sink, and for each which anomalies
//! must and which must not appear.
//!
//! Where a configuration promises that an anomaly does not appear, plans drawn from seeds and every script
//! fail to bring it about. Where it promises nothing, a script that opens the window does, in one run: the
//! checks are not blind there. What no configuration can keep is refused when it is loaded.
//! `STORMGLASS_SEEDS` sets how many seeds are drawn for each cell.

mod cells;
mod scripts;
mod table;

use cells::Cell;
use scripts::Script;
use std::sync::Arc;
use stormglass_core::check::{Answer, Judgement};
use stormglass_core::outcome::Outcome;
use stormglass_core::promise::required;
use stormglass_scenarios::assemble::Assembly;
use stormglass_scenarios::run::{Driver, run, run_plan};
use table::{ANOMALIES, Says};

/// Every scripted run has this seed; the plan alone opens the window.
const SCRIPTED_SEED: u64 = 1;

/// Seeds for each cell.
fn seeds() -> u64 {
    match std::env::var("STORMGLASS_SEEDS") {
        Ok(text) => text.parse().expect("STORMGLASS_SEEDS is a number"),
        Err(_) => 12,
    }
}

/// Cells that load, with their assembly and what they say.
fn running() -> impl Iterator<Item = (Cell, Arc<Assembly>, [Says; 4])> {
    table::rows().filter_map(|(cell, row)| {
        let says = row.ok()?;
        let assembly = cell
            .load()
            .unwrap_or_else(|error| panic!("{cell}: {error}"));
        Some((cell, assembly, says))
    })
}

fn judgement<'a>(outcome: &'a Outcome, check: &str) -> &'a Judgement {
    let found = outcome.judgements.iter().find(|found| found.check == check);
    found.unwrap_or_else(|| panic!("{check} was asked for"))
}

/// The first violation in words.
fn witness(judgement: &Judgement) -> &str {
    let first = judgement.violations.first();
    first.map_or(&judgement.reason, |violation| &violation.sentence)
}

/// All that is wrong at once, since one cell explains another.
fn assert_none(wrong: &[String]) {
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn the_table_has_every_cell_once() {
    let cells: Vec<Cell> = table::rows().map(|(cell, _)| cell).collect();
    assert_eq!(cells, Cell::all().collect::<Vec<_>>());
}

#[test]
fn what_no_configuration_can_keep_is_refused() {
    for (cell, row) in table::rows() {
        let Err(why) = row else { continue };
        match cell.load() {
            Ok(_) => panic!("{cell} is not refused"),
            Err(error) => assert!(error.message.contains(why), "{cell}: {error}"),
        }
    }
}

#[test]
fn never_in_the_table_is_what_the_parts_promise_together() {
    let mut wrong = Vec::new();
    for (cell, assembly, says) in running() {
        let promised = required(&assembly.topology());
        for ((anomaly, check), says) in ANOMALIES.into_iter().zip(says) {
            let is_promised = promised.contains(&check);
            if is_promised != (says == Says::Never) {
                wrong.push(format!(
                    "{cell}: {anomaly} is {says:?}, {check} promised: {is_promised}"
                ));
            }
        }
    }
    assert_none(&wrong);
}

/// What one run has against its cell: a promise broken, or a judgement where none is possible.
fn objections(cell: Cell, assembly: &Assembly, says: [Says; 4], outcome: &Outcome) -> Vec<String> {
    let promised = required(&assembly.topology());
    let mut wrong = Vec::new();
    for judgement in &outcome.judgements {
        let is_bad = matches!(judgement.answer, Answer::Fail | Answer::Unknown);
        if promised.contains(&judgement.check) && is_bad {
            let (check, answer) = (judgement.check, judgement.answer);
            wrong.push(format!(
                "{cell}: {check} {answer:?}: {}",
                witness(judgement)
            ));
        }
    }
    for ((anomaly, check), says) in ANOMALIES.into_iter().zip(says) {
        let judgement = judgement(outcome, check);
        let judges = judgement.answer != Answer::NotApplicable && judgement.judged > 0;
        if judges == (says == Says::Unjudged) {
            wrong.push(format!(
                "{cell}: {anomaly} is {says:?}, judged {}",
                judgement.judged
            ));
        }
    }
    wrong
}

#[test]
fn what_is_not_promised_appears_under_its_script_and_what_is_promised_under_none() {
    let mut wrong = Vec::new();
    for (cell, assembly, says) in running() {
        for script in Script::ALL
            .into_iter()
            .filter(|script| script.strikes(cell))
        {
            let ran = run_plan(&assembly, SCRIPTED_SEED, script.plan(), Driver::Auto);
            let mut found = objections(cell, &assembly, says, &ran.outcome);
            found.extend(
                ran.outside
                    .map(|why| format!("{cell}: outside the envelope: {why}")),
            );
            found.extend(ran.outcome.unknown().map(|why| format!("{cell}: {why}")));
            for ((anomaly, check), says) in ANOMALIES.into_iter().zip(says) {
                let judgement = judgement(&ran.outcome, check);
                if says == Says::Shows(script) && judgement.answer != Answer::Fail {
                    let answer = judgement.answer;
                    found.push(format!("{cell}: {anomaly} does not show: {answer:?}"));
                }
            }
            wrong.extend(
                found
                    .into_iter()
                    .map(|found| format!("{found} ({script:?})")),
            );
        }
    }
    assert_none(&wrong);
}

#[test]
fn what_is_promised_never_breaks_under_plans_drawn_from_seeds() {
    let (seeds, mut wrong) = (seeds(), Vec::new());
    for (cell, assembly, says) in running() {
        let mut exercised = [0_u64; ANOMALIES.len()];
        let mut shown = [0_u64; ANOMALIES.len()];
        for seed in 1..=seeds {
            let ran = run(&assembly, seed, Driver::Auto);
            let mut found = objections(cell, &assembly, says, &ran.outcome);
            found.extend(
                ran.outside
                    .map(|why| format!("{cell}: outside the envelope: {why}")),
            );
            wrong.extend(
                found
                    .into_iter()
                    .map(|found| format!("{found} (seed {seed})")),
            );
            for (i, (_, check)) in ANOMALIES.into_iter().enumerate() {
                let judgement = judgement(&ran.outcome, check);
                exercised[i] += u64::from(judgement.exercised > 0);
                shown[i] += u64::from(judgement.answer == Answer::Fail);
            }
        }
        let mut line = format!("{cell}:");
        for (i, (anomaly, _)) in ANOMALIES.into_iter().enumerate() {
            let (exercised, shown) = (exercised[i], shown[i]);
            line += &format!(" {anomaly} {shown}/{exercised} of {seeds};");
            if says[i] == Says::Never && exercised * 2 < seeds {
                wrong.push(format!(
                    "{cell}: {anomaly} was exercised in {exercised} of {seeds} seeds"
                ));
            }
        }
        println!("{line}");
    }
    assert_none(&wrong);
}

#[test]
fn the_page_on_guarantees_shows_the_table() {
    let table = table::markdown();
    println!("{table}");
    let page = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/guarantees.md");
    let page = std::fs::read_to_string(page).expect("the page on guarantees is there");
    assert!(
        page.contains(&table),
        "docs/guarantees.md lacks this table:\n{table}"
    );
}
