//! Runs of several configurations, gathered seed by seed and held against the first of them.

use super::frontier;
use super::metric::{self, Metric, Seen};
use super::model::{About, Comparison, Differing, Figure, Kept, Row, Side, SideSummary};
use super::paired;
use super::prices::Bill;
use super::sweep::Sweep;
use crate::model::outcome::{Answer, RunOutcome};
use crate::stats::Share;
use std::collections::{BTreeMap, BTreeSet};

/// What one run leaves to a comparison.
#[derive(Debug, Clone)]
struct Run {
    answer: Answer,
    checks: Vec<(String, Answer)>,
    is_broken: bool,
    seen: Vec<Seen>,
    bill: Option<Bill>,
}

/// Gathers runs.
#[derive(Debug)]
pub struct Gathering {
    about: About,
    sides: Vec<Side>,
    metrics: Vec<Metric>,
    runs: Vec<BTreeMap<u64, Run>>,
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
        let metrics = metric::metrics(about.prices.as_ref());
        Self {
            about,
            sides,
            metrics,
            runs,
        }
    }

    /// Adds a run of the configuration at `side`, in any order.
    pub fn add(&mut self, side: usize, run: &RunOutcome) {
        let prices = self.about.prices.as_ref();
        let checks = run.checks.iter();
        let kept = Run {
            answer: run.answer(),
            checks: checks
                .map(|check| (check.name.clone(), check.answer))
                .collect(),
            is_broken: breaks(run),
            seen: self
                .metrics
                .iter()
                .map(|metric| (metric.read)(run, prices))
                .collect(),
            bill: prices.and_then(|prices| prices.bill(run)),
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
        let shown = self.shown(&seeds);
        let sides = self.sides.iter().zip(&self.runs);
        let sides = sides.map(|(side, runs)| summary(side, runs, &seeds, &shown));
        let mut comparison = Comparison {
            schema: 2,
            seeds: seeds.len() as u64,
            sides: sides.collect(),
            rows: self.rows(&seeds, &shown),
            sweep: Sweep::of(&self.sides),
            settings: differing(&self.sides),
            about: self.about,
        };
        frontier::mark(&mut comparison);
        comparison
    }

    /// The metrics that any configuration has, with their positions. Others are nothing of the kind everywhere, or
    /// only nothing of it, such as bytes across zones where there is one.
    fn shown(&self, seeds: &[u64]) -> Vec<(usize, Metric)> {
        let is_empty = |place: usize| {
            let empty = |run: &Run| matches!(run.seen[place], Seen::Nothing | Seen::Number(0.0));
            self.runs
                .iter()
                .all(|runs| seeds.iter().all(|seed| empty(&runs[seed])))
        };
        let all = self.metrics.iter().copied().enumerate();
        all.filter(|(place, _)| !is_empty(*place)).collect()
    }

    fn rows(&self, seeds: &[u64], shown: &[(usize, Metric)]) -> Vec<Row> {
        let margin = self.about.margin_ppm as f64 / 1e6;
        let mut rows = Vec::new();
        let mut pairs = Vec::new();
        for (place, metric) in shown {
            let seen = |side: usize, seed: &u64| self.runs[side][seed].seen[*place];
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
    let numbers: Vec<f64> = seen.filter_map(Seen::number).collect();
    let sum: f64 = numbers.iter().sum();
    (!numbers.is_empty()).then(|| sum / numbers.len() as f64)
}

/// Whether a run broke a promise: an objective that is missed breaks none.
fn breaks(run: &RunOutcome) -> bool {
    let mut checks = run.checks.iter();
    !run.failures.is_empty() || checks.any(|check| check.answer == Answer::Fail)
}

fn summary(
    side: &Side,
    runs: &BTreeMap<u64, Run>,
    seeds: &[u64],
    shown: &[(usize, Metric)],
) -> SideSummary {
    let mut checks: BTreeMap<String, Kept> = BTreeMap::new();
    let (mut failing, mut broken) = (0, 0);
    for run in seeds.iter().map(|seed| &runs[seed]) {
        failing += u64::from(run.answer == Answer::Fail);
        broken += u64::from(run.is_broken);
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
        broken: Share::wilson(broken, seeds.len() as u64),
        checks,
        figures: shown
            .iter()
            .map(|(place, metric)| figure(*place, metric, runs, seeds))
            .collect(),
        bill: bill(runs, seeds),
        is_undominated: false,
    }
}

fn figure(place: usize, metric: &Metric, runs: &BTreeMap<u64, Run>, seeds: &[u64]) -> Figure {
    let seen: Vec<Seen> = seeds.iter().map(|seed| runs[seed].seen[place]).collect();
    let numbers: Vec<f64> = seen.iter().filter_map(|seen| seen.number()).collect();
    Figure {
        metric: metric.name,
        unit: metric.unit,
        less_is_better: metric.less_is_better,
        mean: mean(seen.iter().copied()),
        interval: paired::interval_of_mean(&numbers),
        never: seen.iter().filter(|seen| **seen == Seen::Never).count() as u64,
    }
}

/// The means of the lines of all bills; empty without prices, or if no seed delivered anything.
fn bill(runs: &BTreeMap<u64, Run>, seeds: &[u64]) -> Vec<f64> {
    let bills = seeds.iter().filter_map(|seed| runs[seed].bill.as_ref());
    let bills: Vec<_> = bills.collect();
    let lines = bills.first().map_or(0, |bill| bill.million.len());
    (0..lines)
        .map(|line| bills.iter().map(|bill| bill.million[line]).sum::<f64>() / bills.len() as f64)
        .collect()
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
