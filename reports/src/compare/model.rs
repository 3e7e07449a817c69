//! Runs of several configurations, gathered seed by seed and held against the first of them.

use super::metric::{METRICS, Seen, Unit};
use super::paired::{self, Difference};
use crate::model::outcome::{Answer, RunOutcome};
use crate::stats::Share;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// What a comparison is told of one configuration before it runs.
#[derive(Debug, Clone, Default)]
pub struct Side {
    /// How it is called.
    pub name: String,
    /// Every setting by its path.
    pub settings: BTreeMap<String, String>,
}

/// What all configurations have in common.
#[derive(Debug, Clone, Default, Serialize)]
pub struct About {
    /// The scenario, or the files.
    pub title: String,
    /// The question it asks.
    pub question: String,
    /// What stands beside every latency.
    pub stamp: String,
    /// The command that makes the comparison again.
    pub command: String,
    /// A difference within this share of the baseline counts as none, in parts per million.
    pub margin_ppm: u64,
    /// Remarks, such as configurations that do not meet the same faults.
    pub notes: Vec<String>,
}

/// What one run leaves to a comparison.
#[derive(Debug, Clone)]
struct Run {
    answer: Answer,
    checks: Vec<(String, Answer)>,
    seen: Vec<Seen>,
}

/// Gathers runs.
#[derive(Debug)]
pub struct Gathering {
    about: About,
    sides: Vec<Side>,
    runs: Vec<BTreeMap<u64, Run>>,
}

/// How often a promise was kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Kept {
    /// Seeds in which the check failed.
    pub fail: u64,
    /// Seeds in which it could not be judged.
    pub unknown: u64,
    /// Seeds in which it passed.
    pub pass: u64,
}

/// A configuration after its runs.
#[derive(Debug, Clone, Serialize)]
pub struct SideSummary {
    /// How it is called.
    pub name: String,
    /// Seeds in which something failed.
    pub failing: Share,
    /// Its checks; those that never applied are left out.
    pub checks: BTreeMap<String, Kept>,
}

/// One metric of one configuration against the baseline.
#[derive(Debug, Clone, Serialize)]
pub struct Row {
    /// The metric.
    pub metric: &'static str,
    /// In what it is counted.
    pub unit: Unit,
    /// Whether less is better.
    pub less_is_better: bool,
    /// The configuration, by its position.
    pub side: usize,
    /// The means of the seeds that have a number: of the baseline, and of the other.
    pub means: [Option<f64>; 2],
    /// The paired difference; none of too few pairs.
    pub difference: Option<Difference>,
    /// Seeds in which it never came to an end: of the baseline, and of the other.
    pub never: [u64; 2],
    /// Seeds in which it never comes to an end in the baseline alone, and in the other alone.
    pub only_never: [u64; 2],
    /// Seeds that have no pair, because one of the two has no number there.
    pub unpaired: u64,
}

/// A setting that is not the same everywhere.
#[derive(Debug, Clone, Serialize)]
pub struct Differing {
    /// Its path.
    pub key: String,
    /// Its value in each configuration; none where it does not exist.
    pub values: Vec<Option<String>>,
}

/// Everything that is shown.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Raised when a field changes its meaning.
    pub schema: u32,
    /// What they have in common.
    pub about: About,
    /// Seeds that every configuration ran.
    pub seeds: u64,
    /// The configurations; the first is what the others are held against.
    pub sides: Vec<SideSummary>,
    /// Metric by metric, configuration by configuration.
    pub rows: Vec<Row>,
    /// What differs in the settings.
    pub settings: Vec<Differing>,
}

impl Gathering {
    /// Nothing yet.
    ///
    /// # Panics
    /// If there are fewer than two configurations.
    #[must_use]
    pub fn new(about: About, sides: Vec<Side>) -> Self {
        assert!(
            sides.len() > 1,
            "there is nothing to compare one configuration with"
        );
        let runs = vec![BTreeMap::new(); sides.len()];
        Self { about, sides, runs }
    }

    /// Adds a run of the configuration at `side`, in any order.
    pub fn add(&mut self, side: usize, run: &RunOutcome) {
        let checks = run.checks.iter();
        let kept = Run {
            answer: run.answer(),
            checks: checks
                .map(|check| (check.name.clone(), check.answer))
                .collect(),
            seen: METRICS.iter().map(|metric| (metric.read)(run)).collect(),
        };
        self.runs[side].insert(run.index, kept);
    }

    /// Judges what was gathered.
    #[must_use]
    pub fn finish(self) -> Comparison {
        let seeds: Vec<u64> = self.runs[0]
            .keys()
            .copied()
            .filter(|seed| self.runs.iter().all(|runs| runs.contains_key(seed)))
            .collect();
        let sides = self.sides.iter().zip(&self.runs);
        let sides = sides
            .map(|(side, runs)| summary(side, runs, &seeds))
            .collect();
        Comparison {
            schema: 1,
            seeds: seeds.len() as u64,
            sides,
            rows: self.rows(&seeds),
            settings: differing(&self.sides),
            about: self.about,
        }
    }

    fn rows(&self, seeds: &[u64]) -> Vec<Row> {
        let margin = self.about.margin_ppm as f64 / 1e6;
        let mut rows = Vec::new();
        let mut pairs = Vec::new();
        for (place, metric) in METRICS.iter().enumerate() {
            let seen = |side: usize, seed: &u64| self.runs[side][seed].seen[place];
            // Nothing of the kind happened, or only nothing of it, such as bytes across zones where there is one.
            let is_empty = |side: usize| {
                let empty = |seed| matches!(seen(side, seed), Seen::Nothing | Seen::Number(0.0));
                seeds.iter().all(empty)
            };
            for side in 1..self.sides.len() {
                if is_empty(0) && is_empty(side) {
                    continue;
                }
                let never = [0, side].map(|side| {
                    let never = seeds.iter().filter(|seed| seen(side, seed) == Seen::Never);
                    never.count() as u64
                });
                let numbers: Vec<(f64, f64)> = seeds
                    .iter()
                    .filter_map(|seed| match (seen(0, seed), seen(side, seed)) {
                        (Seen::Number(one), Seen::Number(other)) => Some((one, other)),
                        (Seen::Number(_) | Seen::Never | Seen::Nothing, _) => None,
                    })
                    .collect();
                let only_never = |one: usize, other: usize| {
                    let alone = |seed: &&u64| {
                        seen(one, seed) == Seen::Never && seen(other, seed) != Seen::Never
                    };
                    seeds.iter().filter(alone).count() as u64
                };
                rows.push(Row {
                    metric: metric.name,
                    unit: metric.unit,
                    less_is_better: metric.less_is_better,
                    side,
                    means: [0, side].map(|side| mean(seeds.iter().map(|seed| seen(side, seed)))),
                    difference: None,
                    never,
                    only_never: [only_never(0, side), only_never(side, 0)],
                    unpaired: (seeds.len() - numbers.len()) as u64,
                });
                pairs.push(numbers);
            }
        }
        for (row, difference) in rows.iter_mut().zip(paired::judge(&pairs, margin)) {
            row.difference = difference;
        }
        rows
    }
}

fn mean(seen: impl Iterator<Item = Seen>) -> Option<f64> {
    let numbers: Vec<f64> = seen
        .filter_map(|seen| match seen {
            Seen::Number(number) => Some(number),
            Seen::Never | Seen::Nothing => None,
        })
        .collect();
    let sum: f64 = numbers.iter().sum();
    (!numbers.is_empty()).then(|| sum / numbers.len() as f64)
}

fn summary(side: &Side, runs: &BTreeMap<u64, Run>, seeds: &[u64]) -> SideSummary {
    let mut checks: BTreeMap<String, Kept> = BTreeMap::new();
    let mut failing = 0;
    for run in seeds.iter().map(|seed| &runs[seed]) {
        failing += u64::from(run.answer == Answer::Fail);
        for (name, answer) in &run.checks {
            let mut count = |field: fn(&mut Kept) -> &mut u64| {
                *field(checks.entry(name.clone()).or_default()) += 1;
            };
            match answer {
                Answer::Fail => count(|kept| &mut kept.fail),
                Answer::Unknown => count(|kept| &mut kept.unknown),
                Answer::Pass => count(|kept| &mut kept.pass),
                Answer::NotApplicable => {}
            }
        }
    }
    SideSummary {
        name: side.name.clone(),
        failing: Share::wilson(failing, seeds.len() as u64),
        checks,
    }
}

fn differing(sides: &[Side]) -> Vec<Differing> {
    let keys: BTreeSet<&String> = sides.iter().flat_map(|side| side.settings.keys()).collect();
    keys.into_iter()
        .map(|key| Differing {
            key: key.clone(),
            values: sides
                .iter()
                .map(|side| side.settings.get(key).cloned())
                .collect(),
        })
        .filter(|row| row.values.iter().any(|value| *value != row.values[0]))
        .collect()
}
