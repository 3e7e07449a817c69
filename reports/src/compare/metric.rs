//! What configurations are compared by: one number a run.

use super::prices::Prices;
use super::unit::Unit;
use crate::model::SamplePhase;
use crate::model::outcome::RunOutcome;
use crate::model::value::{Quantile, Value};

/// One thing that configurations are compared by.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// Its name.
    pub name: &'static str,
    /// In what it is counted.
    pub unit: Unit,
    /// Whether less is better.
    pub less_is_better: bool,
    /// Its value in a run.
    pub read: fn(&RunOutcome, Option<&Prices>) -> Seen,
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

impl Seen {
    /// The number, if it is one.
    #[must_use]
    pub fn number(self) -> Option<f64> {
        match self {
            Self::Number(number) => Some(number),
            Self::Never | Self::Nothing => None,
        }
    }
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

/// What a million delivered events cost; of a price file alone.
pub const MILLION: &str = "price of a million events";

/// All that a comparison has, in the order shown; money where there are prices.
#[must_use]
pub fn metrics(prices: Option<&Prices>) -> Vec<Metric> {
    let mut all = METRICS.to_vec();
    if let Some(prices) = prices {
        let unit = Unit::Money(prices.currency);
        let bill = |name, read| Metric {
            name,
            unit,
            less_is_better: true,
            read,
        };
        all.push(bill(MILLION, |run, prices| {
            let bill = prices.and_then(|prices| prices.bill(run));
            bill.map_or(Seen::Nothing, |bill| Seen::Number(bill.total()))
        }));
        all.push(bill("price of an hour", |run, prices| {
            let bill = prices.and_then(|prices| prices.bill(run));
            bill.map_or(Seen::Nothing, |bill| Seen::Number(bill.hour))
        }));
    }
    all
}

/// The end-to-end latency by which configurations are laid out.
pub const LATENCY: &str = "end-to-end p99";
/// What stands for cost where there are no prices.
pub const TRAFFIC: &str = "network bytes an event";

/// What needs no prices.
const METRICS: &[Metric] = &[
    Metric {
        name: "end-to-end p50",
        unit: Unit::Micros,
        less_is_better: true,
        read: |run, _| latency(run, "end-to-end", Quantile::P50),
    },
    Metric {
        name: LATENCY,
        unit: Unit::Micros,
        less_is_better: true,
        read: |run, _| latency(run, "end-to-end", Quantile::P99),
    },
    Metric {
        name: "end-to-end p99.9",
        unit: Unit::Micros,
        less_is_better: true,
        read: |run, _| latency(run, "end-to-end", Quantile::P999),
    },
    Metric {
        name: "publish p50",
        unit: Unit::Micros,
        less_is_better: true,
        read: |run, _| latency(run, "publish", Quantile::P50),
    },
    Metric {
        name: "publish p99",
        unit: Unit::Micros,
        less_is_better: true,
        read: |run, _| latency(run, "publish", Quantile::P99),
    },
    Metric {
        name: "goodput",
        unit: Unit::PerSecond,
        less_is_better: false,
        read: |run, _| match run.totals.goodput() {
            Some(Value::MilliPerSecond(rate)) => Seen::Number(rate as f64 / 1_000.0),
            _ => Seen::Nothing,
        },
    },
    Metric {
        name: "longest recovery",
        unit: Unit::Micros,
        less_is_better: true,
        read: |run, _| {
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
        read: |run, _| Seen::Number(run.totals.backlog_max as f64),
    },
    Metric {
        name: "packets an event",
        unit: Unit::Count,
        less_is_better: true,
        read: |run, _| each(run, run.cost.messages),
    },
    Metric {
        name: TRAFFIC,
        unit: Unit::Bytes,
        less_is_better: true,
        read: |run, _| each(run, run.cost.bytes),
    },
    Metric {
        name: "cross-zone bytes an event",
        unit: Unit::Bytes,
        less_is_better: true,
        read: |run, _| each(run, run.cost.cross_zone_bytes),
    },
    Metric {
        name: "disk writes an event",
        unit: Unit::Count,
        less_is_better: true,
        read: |run, _| each(run, run.cost.disk_writes),
    },
    Metric {
        name: "disk syncs an event",
        unit: Unit::Count,
        less_is_better: true,
        read: |run, _| each(run, run.cost.disk_syncs),
    },
    Metric {
        name: "disk bytes an event",
        unit: Unit::Bytes,
        less_is_better: true,
        read: |run, _| each(run, run.cost.disk_bytes),
    },
    Metric {
        name: "stored bytes",
        unit: Unit::Bytes,
        less_is_better: true,
        read: |run, _| Seen::Number(run.cost.stored_bytes as f64),
    },
    Metric {
        name: "nodes",
        unit: Unit::Count,
        less_is_better: true,
        read: |run, _| Seen::Number(run.cost.nodes as f64),
    },
];
