//! The table of the zoo, as text and as data.

use super::pair::{Measured, Pair};
use crate::args::ZooArgs;
use serde::Serialize;
use std::fmt::Write;

/// The version of `zoo.json`.
const FORMAT: u32 = 2;

/// Seeds of the safe twin that may lie outside its envelope, in percent.
const SKIPPED_MAX: u64 = 10;

/// What the safe twin delivers at least of what is due in `calm`, in percent.
const GOODPUT_MIN: u64 = 80;

/// One entry.
#[derive(Debug, Serialize)]
pub struct Row {
    name: String,
    /// Seeds to the first failure, of each block; none is above the cap.
    blocks: Vec<Option<u64>>,
    median: String,
    p90: String,
    found_within: Option<u32>,
    /// The checks that failed first, the most frequent first, with how often.
    first: Vec<(String, u64)>,
    found_by: Vec<String>,
    inside: u64,
    skipped: u64,
    alarms: Vec<(String, String)>,
    /// What the first failure was cut down to.
    shrunk: Option<String>,
    /// Of the events due in the safe twin's calm phases, how many in a hundred became visible; none if none was due.
    calm_goodput: Option<u64>,
    /// How many points the vulnerable design passed.
    points: usize,
    /// Those that its twin passed in less than half as many seeds.
    rarely: Vec<&'static str>,
    /// What does not hold, in words.
    broken: Vec<String>,
}

impl Row {
    /// What was measured of a pair whose searches end at `cap`.
    pub fn of(pair: &Pair, cap: u64, measured: &Measured) -> Row {
        let mut counts: Vec<u64> = measured
            .blocks
            .iter()
            .map(|found| found.unwrap_or(cap + 1))
            .collect();
        counts.sort_unstable();
        let at = |percent: usize| {
            let place = (counts.len() * percent).div_ceil(100).saturating_sub(1);
            counts.get(place).copied().unwrap_or(cap + 1)
        };
        let told = |count: u64| {
            if count > cap {
                format!("> {cap}")
            } else {
                count.to_string()
            }
        };
        let mut first: Vec<(String, u64)> = measured.first.clone().into_iter().collect();
        first.sort_by_key(|(_, times)| std::cmp::Reverse(*times));
        let mut row = Row {
            name: pair.name().to_owned(),
            blocks: measured.blocks.clone(),
            median: told(at(50)),
            p90: told(at(90)),
            found_within: pair.found_within(),
            first,
            found_by: pair.found_by().to_vec(),
            inside: measured.inside,
            skipped: measured.skipped,
            alarms: measured
                .alarms
                .iter()
                .map(|(seed, check)| (seed.to_string(), check.clone()))
                .collect(),
            shrunk: measured.shrunk.clone(),
            calm_goodput: (measured.calm.1 * 100).checked_div(measured.calm.0),
            points: measured.points.len(),
            rarely: measured
                .points
                .iter()
                .filter(|(_, (passed, by_twin))| by_twin * 2 < *passed)
                .map(|(point, _)| *point)
                .collect(),
            broken: Vec::new(),
        };
        row.broken = row.judged(at(50), cap);
        row
    }

    fn judged(&self, median: u64, cap: u64) -> Vec<String> {
        let mut broken = Vec::new();
        let bound = self.found_within.map_or(cap, u64::from);
        if median > bound {
            broken.push(format!("found in {} seeds, not in {bound}", self.median));
        }
        let is_named = |check: &String| self.found_by.is_empty() || self.found_by.contains(check);
        let strange = self.first.iter().filter(|(check, _)| !is_named(check));
        for (check, times) in strange {
            broken.push(format!("{check} failed first in {times} blocks"));
        }
        if let Some((seed, check)) = self.alarms.first() {
            broken.push(format!("the safe twin fails {check} under seed {seed}"));
        }
        if self.skipped * 100 > SKIPPED_MAX * (self.inside + self.skipped) {
            broken.push(format!(
                "{} seeds of the safe twin lie outside",
                self.skipped
            ));
        }
        if let Some(share) = self.calm_goodput.filter(|share| *share < GOODPUT_MIN) {
            broken.push(format!("the safe twin delivers {share} % in calm"));
        }
        broken
    }

    /// How many of the vulnerable design's points its twin passes about as often, and which it does not.
    fn points_told(&self) -> String {
        let often = self.points - self.rarely.len();
        let sum = format!("{often} of {}", self.points);
        if self.rarely.is_empty() {
            sum
        } else {
            format!("{sum}; rarely {}", self.rarely.join(", "))
        }
    }

    fn first_told(&self) -> String {
        let told = |(check, times): &(String, u64)| format!("{check} {times}");
        self.first.iter().map(told).collect::<Vec<_>>().join(", ")
    }

    fn verdict(&self) -> String {
        if self.broken.is_empty() {
            "holds".to_owned()
        } else {
            self.broken.join("; ")
        }
    }

    /// It as a line.
    pub fn line(&self) -> String {
        format!(
            "{:<34} found in {} (p90 {}) by {}; safe twin {} alarms in {} seeds, {} skipped: {}",
            self.name,
            self.median,
            self.p90,
            self.first_told(),
            self.alarms.len(),
            self.inside,
            self.skipped,
            self.verdict()
        )
    }
}

/// The whole table.
#[derive(Debug, Serialize)]
pub struct Told {
    format: u32,
    tool: &'static str,
    seed_base: String,
    cap: u64,
    entries: Vec<Row>,
}

impl Told {
    /// All rows together.
    pub fn of(args: &ZooArgs, entries: Vec<Row>) -> Told {
        Told {
            format: FORMAT,
            tool: env!("CARGO_PKG_VERSION"),
            seed_base: args.seed_base.clone(),
            cap: args.cap,
            entries,
        }
    }

    /// Whether everything holds of every entry.
    pub fn holds(&self) -> bool {
        self.entries.iter().all(|row| row.broken.is_empty())
    }

    /// The file for programs.
    pub fn json(&self) -> String {
        let value = serde_json::json!(self);
        format!("{value:#}\n")
    }

    /// The table for people.
    pub fn markdown(&self) -> String {
        let mut text = String::from(
            "| entry | median | p90 | wanted | failed first, blocks | cut down to | safe twin: alarms | seeds \
             | skipped | % in calm | points | |\n\
             | --- | ---: | ---: | ---: | --- | --- | ---: | ---: | ---: | ---: | --- | --- |\n",
        );
        for row in &self.entries {
            let wanted = row
                .found_within
                .map_or_else(String::new, |most| most.to_string());
            let _ = writeln!(
                text,
                "| {} | {} | {} | {wanted} | {} | {} | {} | {} | {} | {} | {} | {} |",
                row.name,
                row.median,
                row.p90,
                row.first_told(),
                row.shrunk.as_deref().unwrap_or(""),
                row.alarms.len(),
                row.inside,
                row.skipped,
                row.calm_goodput
                    .map_or_else(String::new, |share| share.to_string()),
                row.points_told(),
                row.verdict()
            );
        }
        text
    }

    /// The sum as a sentence.
    pub fn last_line(&self) -> String {
        let holding = self
            .entries
            .iter()
            .filter(|row| row.broken.is_empty())
            .count();
        format!("zoo: {holding} of {} entries hold", self.entries.len())
    }
}
