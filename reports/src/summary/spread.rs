//! How the headline's latencies spread: whole distributions, shares by the objectives' bounds, and how seeds differ.

use std::cmp::Reverse;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::buckets::Buckets;
use crate::model::outcome::Answer;
use crate::model::value::{Value, as_text};
use crate::model::{Report, SamplePhase, SeedRow};

/// Seeds named as the worst.
const WORST: usize = 10;
/// Bounds of ranges at most.
const BOUNDS: usize = 3;

/// One distribution of the headline, or of the same from the send.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct DistributionSummary {
    /// Name of the series.
    pub series: String,
    /// Samples it is about.
    pub phase: SamplePhase,
    /// Samples that never ended.
    pub never: u64,
}

/// How many of the headline's samples lie between two bounds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct RangeSummary {
    /// The range begins above this; none from zero.
    pub above: Option<Value>,
    /// It ends with this: a bound of an objective, never, or none for all that ended.
    pub up_to: Option<Value>,
    /// Samples in it.
    pub count: u64,
    /// Their share, parts per million.
    pub share_ppm: u64,
}

/// A seed among the worst.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SeedSummary {
    /// The seed.
    #[serde(with = "as_text")]
    #[schemars(with = "String")]
    pub seed: u64,
    /// Its answer.
    pub answer: Answer,
    /// Its p99 of the headline.
    pub p99: Value,
    /// The command that replays it.
    pub replay: String,
}

/// The p99 of the headline over seeds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SpreadSummary {
    /// Of the best seed.
    pub least: Value,
    /// A quarter of the seeds are at or below.
    pub quarter: Value,
    /// Half of them.
    pub half: Value,
    /// Three quarters.
    pub three_quarters: Value,
    /// Of the worst seed.
    pub most: Value,
    /// The worst seeds, the worst first.
    pub worst: Vec<SeedSummary>,
}

/// The distributions and their buckets.
pub(super) fn distributions(report: &Report) -> (Vec<DistributionSummary>, Buckets) {
    let headline = &report.identity.headline_series;
    let from_send = format!("{headline}-from-send");
    let wanted = report.histograms.iter().filter(|(series, phase, data)| {
        let is_one = *series == headline || (*series == from_send && **phase == SamplePhase::All);
        is_one && data.count() > 0
    });
    let (mut rows, mut buckets) = (Vec::new(), Buckets::default());
    for (series, phase, data) in wanted {
        rows.push(DistributionSummary {
            series: series.to_owned(),
            phase: phase.clone(),
            never: data.never_count(),
        });
        buckets.push(data);
    }
    (rows, buckets)
}

/// The ranges between the bounds of latency objectives on the headline; none without any.
pub(super) fn ranges(report: &Report) -> Vec<RangeSummary> {
    let headline = &report.identity.headline_series;
    let slos = report.slos.iter();
    let on_headline = slos.filter(|slo| slo.series == *headline && slo.quantile.is_some());
    let mut bounds: Vec<u64> = on_headline
        .filter_map(|slo| match slo.threshold.value {
            Value::Micros(micros) => Some(micros),
            Value::MilliPerSecond(_) | Value::Ppm(_) | Value::Count(_) | Value::Never => None,
        })
        .collect();
    bounds.sort_unstable();
    bounds.dedup();
    bounds.truncate(BOUNDS);
    let Some(data) = report.histograms.get(headline, &SamplePhase::All) else {
        return Vec::new();
    };
    if bounds.is_empty() || data.count() == 0 {
        return Vec::new();
    }
    let mut counts = vec![0_u64; bounds.len() + 1];
    for (micros, count) in data.buckets() {
        counts[bounds.partition_point(|bound| *bound < micros)] += count;
    }
    let share = |count: u64| (u128::from(count) * 1_000_000 / u128::from(data.count())) as u64;
    let mut rows: Vec<RangeSummary> = counts
        .into_iter()
        .enumerate()
        .map(|(at, count)| RangeSummary {
            above: at
                .checked_sub(1)
                .map(|before| Value::Micros(bounds[before])),
            up_to: bounds.get(at).map(|bound| Value::Micros(*bound)),
            count,
            share_ppm: share(count),
        })
        .collect();
    rows.push(RangeSummary {
        above: None,
        up_to: Some(Value::Never),
        count: data.never_count(),
        share_ppm: share(data.never_count()),
    });
    rows
}

impl RangeSummary {
    /// `up to 100 ms`, `100 ms to 2 s`, `above 2 s`, `never`.
    #[must_use]
    pub fn name(&self) -> String {
        match (self.above, self.up_to) {
            (_, Some(Value::Never)) => "never".to_owned(),
            (None, Some(bound)) => format!("up to {bound}"),
            (Some(from), Some(bound)) => format!("{from} to {bound}"),
            (Some(from), None) => format!("above {from}"),
            (None, None) => "all that ended".to_owned(),
        }
    }
}

/// How the seeds' p99 spread; none of fewer than two seeds.
pub(super) fn spread(report: &Report) -> Option<SpreadSummary> {
    let mut seeds: Vec<(Value, &SeedRow)> = report
        .seeds
        .iter()
        .filter_map(|row| Some((row.headline_p99?, row)))
        .collect();
    // Of equal seeds the earlier one is worse.
    seeds.sort_by(|a, b| a.0.compare(b.0).then(b.1.index.cmp(&a.1.index)));
    if seeds.len() < 2 {
        return None;
    }
    let at = |quarters: usize| seeds[((seeds.len() * quarters).div_ceil(4)).max(1) - 1].0;
    let mut worst: Vec<_> = seeds.iter().rev().take(WORST).collect();
    worst.sort_by_key(|(value, row)| (Reverse(value.number().unwrap_or(u64::MAX)), row.index));
    let worst = worst.into_iter().map(|(value, row)| SeedSummary {
        seed: row.seed,
        answer: row.answer,
        p99: *value,
        replay: report.identity.replay_of(row.seed),
    });
    Some(SpreadSummary {
        least: seeds[0].0,
        quarter: at(1),
        half: at(2),
        three_quarters: at(3),
        most: at(4),
        worst: worst.collect(),
    })
}
