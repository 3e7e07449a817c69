//! What configurations are compared by: one number a run.

use crate::model::SamplePhase;
use crate::model::outcome::RunOutcome;
use crate::model::value::{Micros, Quantile, Value, three_digits};
use serde::Serialize;

/// In what a metric is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Virtual time in microseconds.
    Micros,
    /// Events a second.
    PerSecond,
    /// Things.
    Count,
    /// Bytes.
    Bytes,
}

impl Unit {
    /// A number for people, with three digits.
    #[must_use]
    pub fn show(self, number: f64) -> String {
        let thousandths = (number.max(0.0) * 1_000.0).round() as u128;
        match self {
            Self::Micros => Micros((thousandths / 1_000) as u64).to_string(),
            Self::PerSecond => format!("{}/s", three_digits(thousandths, 1_000)),
            Self::Count => three_digits(thousandths, 1_000),
            Self::Bytes => match thousandths / 1_000 {
                0..=9_999 => format!("{} B", three_digits(thousandths, 1_000)),
                10_000..=9_999_999 => format!("{} kB", three_digits(thousandths, 1_000_000)),
                _ => format!("{} MB", three_digits(thousandths, 1_000_000_000)),
            },
        }
    }
}

/// One thing that configurations are compared by.
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// In what it is counted.
    pub unit: Unit,
    /// Whether less is better.
    pub less_is_better: bool,
    /// Its value in a run.
    pub read: fn(&RunOutcome) -> Seen,
}

/// What a run shows of a metric.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Seen {
    /// This.
    Number(f64),
    /// It never came to an end: longer than any run.
    Never,
    /// Nothing: too few samples, or nothing of the kind happened.
    Nothing,
}

impl From<Option<Value>> for Seen {
    fn from(value: Option<Value>) -> Self {
        match value {
            None => Self::Nothing,
            Some(Value::Never) => Self::Never,
            Some(value) => value
                .number()
                .map_or(Self::Nothing, |number| Self::Number(number as f64)),
        }
    }
}

fn latency(run: &RunOutcome, series: &str, quantile: Quantile) -> Seen {
    let histogram = run.histograms.get(series, &SamplePhase::All);
    let enough = histogram.filter(|histogram| histogram.count() >= quantile.samples_min());
    enough
        .and_then(|histogram| histogram.percentile(quantile))
        .into()
}

/// A cost for each event that was delivered.
fn each(run: &RunOutcome, cost: u64) -> Seen {
    match run.totals.delivered {
        0 => Seen::Nothing,
        events => Seen::Number(cost as f64 / events as f64),
    }
}

/// All of them, in the order shown.
pub const METRICS: &[Metric] = &[
    Metric {
        name: "end-to-end p50",
        unit: Unit::Micros,
        less_is_better: true,
        read: |run| latency(run, "end-to-end", Quantile::P50),
    },
    Metric {
        name: "end-to-end p99",
        unit: Unit::Micros,
        less_is_better: true,
        read: |run| latency(run, "end-to-end", Quantile::P99),
    },
    Metric {
        name: "end-to-end p99.9",
        unit: Unit::Micros,
        less_is_better: true,
        read: |run| latency(run, "end-to-end", Quantile::P999),
    },
    Metric {
        name: "publish p50",
        unit: Unit::Micros,
        less_is_better: true,
        read: |run| latency(run, "publish", Quantile::P50),
    },
    Metric {
        name: "publish p99",
        unit: Unit::Micros,
        less_is_better: true,
        read: |run| latency(run, "publish", Quantile::P99),
    },
    Metric {
        name: "goodput",
        unit: Unit::PerSecond,
        less_is_better: false,
        read: |run| match run.totals.goodput() {
            Some(Value::MilliPerSecond(rate)) => Seen::Number(rate as f64 / 1_000.0),
            _ => Seen::Nothing,
        },
    },
    Metric {
        name: "longest recovery",
        unit: Unit::Micros,
        less_is_better: true,
        read: |run| {
            let longest = run.recoveries.iter().copied();
            longest
                .reduce(|a, b| if a.compare(b).is_lt() { b } else { a })
                .into()
        },
    },
    Metric {
        name: "largest backlog",
        unit: Unit::Count,
        less_is_better: true,
        read: |run| Seen::Number(run.totals.backlog_max as f64),
    },
    Metric {
        name: "packets an event",
        unit: Unit::Count,
        less_is_better: true,
        read: |run| each(run, run.cost.messages),
    },
    Metric {
        name: "network bytes an event",
        unit: Unit::Bytes,
        less_is_better: true,
        read: |run| each(run, run.cost.bytes),
    },
    Metric {
        name: "cross-zone bytes an event",
        unit: Unit::Bytes,
        less_is_better: true,
        read: |run| each(run, run.cost.cross_zone_bytes),
    },
    Metric {
        name: "disk writes an event",
        unit: Unit::Count,
        less_is_better: true,
        read: |run| each(run, run.cost.disk_writes),
    },
    Metric {
        name: "disk syncs an event",
        unit: Unit::Count,
        less_is_better: true,
        read: |run| each(run, run.cost.disk_syncs),
    },
    Metric {
        name: "disk bytes an event",
        unit: Unit::Bytes,
        less_is_better: true,
        read: |run| each(run, run.cost.disk_bytes),
    },
    Metric {
        name: "stored bytes",
        unit: Unit::Bytes,
        less_is_better: true,
        read: |run| Seen::Number(run.cost.stored_bytes as f64),
    },
    Metric {
        name: "nodes",
        unit: Unit::Count,
        less_is_better: true,
        read: |run| Seen::Number(run.cost.nodes as f64),
    },
];
