//! What was found and what was missed, as text and as data.

use super::{Found, Mutant};
use crate::seeds::as_text;
use serde::Serialize;
use stormglass_reports::model::value::counted;

/// The version of `self-test.json`.
const FORMAT: u32 = 1;

/// A mutant and what became of it.
#[derive(Debug, Serialize)]
pub struct Row {
    name: String,
    scenario: String,
    /// The variant that its file has for it; none for a planted flaw and for a scenario that is wrong as written.
    variant: Option<String>,
    part: Option<String>,
    flaw: Option<String>,
    seeds: u64,
    found: Option<Hit>,
}

#[derive(Debug, Serialize)]
struct Hit {
    seeds_to_first_failure: u64,
    #[serde(with = "as_text")]
    seed: u64,
    check: String,
    also: Vec<String>,
}

impl Row {
    /// What became of a mutant within so many seeds.
    pub fn of(mutant: &Mutant, seeds: u64, found: Option<Found>) -> Row {
        let case = mutant.chosen.case();
        let flaw = mutant.flaw.as_ref();
        Row {
            name: mutant.name(),
            scenario: case.scenario.name.clone(),
            variant: case.variant.clone().filter(|_| flaw.is_none()),
            part: flaw.map(|flaw| flaw.part.clone()),
            flaw: flaw.map(|flaw| flaw.flaw.clone()),
            seeds,
            found: found.map(|found| Hit {
                seeds_to_first_failure: found.seeds,
                seed: found.seed,
                check: found.check,
                also: found.also,
            }),
        }
    }

    /// It as a line.
    pub fn line(&self) -> String {
        match &self.found {
            Some(hit) => format!(
                "found   {:<58} by {}, seed {} of {}",
                self.name, hit.check, hit.seeds_to_first_failure, self.seeds
            ),
            None => format!(
                "MISSED  {:<58} in {}",
                self.name,
                counted(self.seeds, "seed")
            ),
        }
    }
}

/// The whole self-test.
#[derive(Debug, Serialize)]
pub struct Told {
    format: u32,
    tool: &'static str,
    seed_base: String,
    /// Percent of the mutants that had to be found.
    at_least: u64,
    found: u64,
    of: u64,
    mutants: Vec<Row>,
}

impl Told {
    /// All rows together.
    pub fn of(base: &str, at_least: u64, mutants: Vec<Row>) -> Told {
        Told {
            format: FORMAT,
            tool: env!("CARGO_PKG_VERSION"),
            seed_base: base.to_owned(),
            at_least,
            found: mutants.iter().filter(|row| row.found.is_some()).count() as u64,
            of: mutants.len() as u64,
            mutants,
        }
    }

    /// Whether as many were found as had to be.
    pub fn is_enough(&self) -> bool {
        self.found * 100 >= self.at_least * self.of
    }

    /// The file for programs.
    pub fn json(&self) -> String {
        let value = serde_json::json!(self);
        format!("{value:#}\n")
    }

    /// The score as a sentence.
    pub fn score(&self) -> String {
        let seeds = self.mutants.iter().map(|row| row.seeds);
        let (least, most) = (seeds.clone().min(), seeds.max());
        let (least, most) = (least.unwrap_or(0), most.unwrap_or(0));
        let seeds = if least == most {
            counted(most, "seed")
        } else {
            format!("{least} to {}", counted(most, "seed"))
        };
        let missed = self.mutants.iter().filter(|row| row.found.is_none());
        let missed: Vec<&str> = missed.map(|row| row.name.as_str()).collect();
        let missed = if missed.is_empty() {
            String::new()
        } else {
            format!("; missed: {}", missed.join(", "))
        };
        format!(
            "this gate with {seeds} finds {} of {}{missed}",
            self.found, self.of
        )
    }
}
