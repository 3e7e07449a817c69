//! What can be drawn of every configuration: a metric, or the share of seeds that broke a promise.

use super::frame::{Axis, rounded};
use crate::compare::sweep::Sweep;
use crate::compare::unit::{Unit, digits};
use crate::compare::{Comparison, SideSummary};

/// What is drawn of a configuration.
#[derive(Debug, Clone, Copy)]
pub struct Measure {
    /// As a heading.
    pub title: &'static str,
    /// In what it is counted.
    pub unit: Unit,
    /// Whether less is better.
    pub less_is_better: bool,
    /// A metric, or the share of seeds that broke a promise.
    pub of: Of,
}

/// Where a measure is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Of {
    /// A metric by its name.
    Metric(&'static str),
    /// The share of seeds that broke a promise.
    Broken,
}

/// A configuration's value of a measure.
#[derive(Debug, Clone, Copy)]
pub struct Measured {
    /// The mean over seeds, or the share; none if no seed has a number.
    pub value: Option<f64>,
    /// Its 95 % interval.
    pub interval: Option<[f64; 2]>,
    /// Seeds in which it never came to an end.
    pub never: u64,
}

impl Measure {
    /// Everything that can be drawn of a comparison: what its metrics are, and its promises.
    pub fn all(comparison: &Comparison) -> Vec<Self> {
        let broken = Self {
            title: "seeds that broke a promise",
            unit: Unit::Share,
            less_is_better: true,
            of: Of::Broken,
        };
        let figures = comparison
            .sides
            .first()
            .map_or(&[][..], |side| &side.figures);
        let metrics = figures.iter().map(|figure| Self {
            title: figure.metric,
            unit: figure.unit,
            less_is_better: figure.less_is_better,
            of: Of::Metric(figure.metric),
        });
        [broken].into_iter().chain(metrics).collect()
    }

    /// Its value of a configuration.
    pub fn read(&self, side: &SideSummary) -> Measured {
        match self.of {
            Of::Broken => {
                let share = |ppm: u64| ppm as f64 / 1e6;
                Measured {
                    value: Some(share(side.broken.share_ppm)),
                    interval: Some([share(side.broken.low_ppm), share(side.broken.high_ppm)]),
                    never: 0,
                }
            }
            Of::Metric(name) => {
                let figure = side.figure(name);
                Measured {
                    value: figure.and_then(|figure| figure.mean),
                    interval: figure.and_then(|figure| figure.interval),
                    never: figure.map_or(0, |figure| figure.never),
                }
            }
        }
    }
}

/// Latencies whose largest is so many times the smallest are drawn by their logarithms.
const WIDE: f64 = 30.0;

/// The range that charts of the same measures share, so that they can be held against each other.
#[derive(Debug, Clone, Copy)]
pub struct Range {
    least: f64,
    most: f64,
    unit: Unit,
}

impl Range {
    /// The range of measures of one unit over all cells, intervals included; none if no cell has a number.
    pub fn of(comparison: &Comparison, sweep: &Sweep, measures: &[Measure]) -> Option<Self> {
        let unit = measures.first()?.unit;
        let all = sweep.cells.iter().flat_map(|cell| {
            let side = &comparison.sides[cell.side];
            measures.iter().map(|measure| measure.read(side))
        });
        let all: Vec<Measured> = all.collect();
        let values = all.iter().filter_map(|measured| measured.value);
        let tops = all.iter().filter_map(|measured| measured.interval);
        let most = values.clone().chain(tops.map(|interval| interval[1]));
        Some(Self {
            least: values.reduce(f64::min)?,
            most: most.fold(0.0, f64::max),
            unit,
        })
    }

    /// Whether it spans so much that only a logarithmic axis shows both ends.
    fn is_wide(&self) -> bool {
        self.unit == Unit::Micros && self.least > 0.0 && self.most / self.least >= WIDE
    }

    /// The vertical axis.
    pub fn axis(&self) -> Axis {
        if self.is_wide() {
            return Axis::log_duration(self.least as u64, self.most as u64, "log");
        }
        let (divisor, name) = self.unit.scale(self.most);
        let most = (self.most / divisor).max(1e-9);
        Axis::linear(most, &name, |at| digits(rounded(at)))
    }

    /// Where a value lies on that axis.
    pub fn place(&self, value: f64) -> f64 {
        if self.is_wide() {
            return rounded(libm::log10(value.max(1.0)));
        }
        value.max(0.0) / self.unit.scale(self.most).0
    }

    /// Its unit.
    pub fn unit(&self) -> Unit {
        self.unit
    }
}
