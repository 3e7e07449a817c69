//! A comparison as data: all that a renderer shows.

use super::paired::{self, Answer, Difference};
use super::prices::Prices;
use super::sweep::{Coordinate, Sweep};
use super::unit::Unit;
use crate::stats::Share;
use serde::Serialize;
use std::collections::BTreeMap;

/// What a comparison is told of one configuration before it runs.
#[derive(Debug, Clone, Default)]
pub struct Side {
    /// How it is called.
    pub name: String,
    /// Every setting by its path.
    pub settings: BTreeMap<String, String>,
    /// Where it stands in a matrix of settings; empty if it is no cell of one.
    pub cell: Vec<Coordinate>,
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
    /// What things cost, if the user has said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prices: Option<Prices>,
    /// Remarks, such as configurations that do not meet the same faults.
    pub notes: Vec<String>,
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
    /// Seeds in which a promise was broken; objectives are none.
    pub broken: Share,
    /// Its checks; those that never applied are left out.
    pub checks: BTreeMap<String, Kept>,
    /// Every metric of it, in the order of the rows.
    pub figures: Vec<Figure>,
    /// What a million delivered events cost, price by price: means over the seeds that delivered something.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bill: Vec<f64>,
    /// Whether no other configuration is at least as good in latency, promises and cost, and better in one.
    pub is_undominated: bool,
}

/// One metric of one configuration by itself.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Figure {
    /// The metric.
    pub metric: &'static str,
    /// In what it is counted.
    pub unit: Unit,
    /// Whether less is better.
    pub less_is_better: bool,
    /// Mean over the seeds that have a number; none if no seed has.
    pub mean: Option<f64>,
    /// The 95 % interval of the mean over seeds, by itself; none of too few. Differences are known better than it
    /// says, because configurations share their seeds.
    pub interval: Option<[f64; 2]>,
    /// Seeds in which it never came to an end.
    pub never: u64,
}

impl SideSummary {
    /// One of its figures; none if no configuration has it.
    #[must_use]
    pub fn figure(&self, metric: &str) -> Option<&Figure> {
        self.figures.iter().find(|figure| figure.metric == metric)
    }
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

impl Row {
    /// Whether it is told as better or worse: its interval excludes no difference, or one of the two never comes to
    /// an end where the other does.
    #[must_use]
    pub fn is_changed(&self) -> bool {
        let [base, other] = self.only_never;
        let ends = paired::is_one_sided(base, other) || paired::is_one_sided(other, base);
        ends || self
            .difference
            .is_some_and(|found| found.answer == Answer::Changed)
    }
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
    /// The settings that are swept, if the configurations are cells of a matrix of one or two.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub sweep: Option<Sweep>,
    /// What differs in the settings.
    pub settings: Vec<Differing>,
}

impl Comparison {
    /// What stands for cost: the price of a million events, or the bytes that an event moves where there are no
    /// prices.
    #[must_use]
    pub fn cost_metric(&self) -> &'static str {
        match self.about.prices {
            Some(_) => super::metric::MILLION,
            None => super::metric::TRAFFIC,
        }
    }
}
