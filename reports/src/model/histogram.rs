//! Latency distributions that merge without loss and know about events that never arrived.
//!
//! Model: an [`hdrhistogram`] of microseconds with three significant digits, plus a count of
//! samples at +∞ (decisions B3). Percentiles are read after merging and never averaged.
//! Limits: a value is reported as the highest one of its bucket, at most 0.1 % above the sample.

use std::collections::BTreeMap;
use std::fmt;

use hdrhistogram::Histogram;
use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::SamplePhase;
use super::value::{Quantile, Value};

/// Significant digits kept of a sample.
const DIGITS: u8 = 3;

/// One distribution of latencies in microseconds.
#[derive(Clone)]
pub struct LatencyHistogram {
    finite: Histogram<u64>,
    never: u64,
}

impl Default for LatencyHistogram {
    fn default() -> Self {
        let finite = Histogram::new(DIGITS).expect("three digits are within 0..=5");
        Self { finite, never: 0 }
    }
}

impl LatencyHistogram {
    /// Counts one sample of `micros`.
    pub fn record(&mut self, micros: u64) {
        self.record_many(micros, 1);
    }

    /// Counts `count` samples of `micros`.
    pub fn record_many(&mut self, micros: u64, count: u64) {
        self.finite
            .record_n(micros, count)
            .expect("a resizing histogram takes every u64");
    }

    /// Counts `count` samples that never ended.
    pub fn record_never(&mut self, count: u64) {
        self.never += count;
    }

    /// Adds the samples of `other`; the order of merging changes nothing.
    pub fn merge(&mut self, other: &Self) {
        self.finite
            .add(&other.finite)
            .expect("a resizing histogram takes every u64");
        self.never += other.never;
    }

    /// All samples, those that never ended included.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.finite.len() + self.never
    }

    /// Samples that ended.
    #[must_use]
    pub fn finite_count(&self) -> u64 {
        self.finite.len()
    }

    /// Samples that never ended.
    #[must_use]
    pub fn never_count(&self) -> u64 {
        self.never
    }

    /// The smallest value that `quantile` of all samples do not exceed; `None` without samples.
    #[must_use]
    pub fn percentile(&self, quantile: Quantile) -> Option<Value> {
        self.value_at(quantile, self.count())
    }

    /// The same over the samples that ended: for charts that mark the others beside it, never for
    /// a judgement.
    #[must_use]
    pub fn finite_percentile(&self, quantile: Quantile) -> Option<Value> {
        self.value_at(quantile, self.finite_count())
    }

    fn value_at(&self, quantile: Quantile, total: u64) -> Option<Value> {
        if total == 0 {
            return None;
        }
        // Integer ranks: a float quantile is off by one sample at some sizes.
        let share = u128::from(total) * u128::from(quantile.0);
        let rank = share.div_ceil(1_000_000).max(1);
        if rank > u128::from(self.finite.len()) {
            return Some(Value::Never);
        }
        let mut seen = 0_u128;
        let bucket = self.finite.iter_recorded().find(|bucket| {
            seen += u128::from(bucket.count_at_value());
            seen >= rank
        });
        bucket.map(|bucket| Value::Micros(bucket.value_iterated_to()))
    }

    /// The sum of all samples that ended, in microseconds, each as the middle of its bucket.
    #[must_use]
    pub fn sum(&self) -> u64 {
        let buckets = self.finite.iter_recorded().map(|bucket| {
            let value = self.finite.median_equivalent(bucket.value_iterated_to());
            value.saturating_mul(bucket.count_at_value())
        });
        buckets.fold(0, u64::saturating_add)
    }

    /// Non-empty buckets as (highest value in microseconds, samples), smallest first.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        self.finite
            .iter_recorded()
            .map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value()))
    }
}

impl fmt::Debug for LatencyHistogram {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let buckets: Vec<_> = self.buckets().collect();
        write!(
            f,
            "LatencyHistogram {{ never: {}, buckets: {buckets:?} }}",
            self.never
        )
    }
}

impl PartialEq for LatencyHistogram {
    fn eq(&self, other: &Self) -> bool {
        self.never == other.never && self.buckets().eq(other.buckets())
    }
}

/// What is written: the non-empty buckets, which re-record into the same buckets.
#[derive(Serialize, Deserialize)]
struct Stored {
    never: u64,
    buckets: Vec<(u64, u64)>,
}

impl Serialize for LatencyHistogram {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let stored = Stored {
            never: self.never,
            buckets: self.buckets().collect(),
        };
        stored.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LatencyHistogram {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let stored = Stored::deserialize(deserializer)?;
        let mut histogram = Self {
            never: stored.never,
            ..Self::default()
        };
        for (micros, count) in stored.buckets {
            histogram.record_many(micros, count);
        }
        Ok(histogram)
    }
}

/// Distributions by series and phase.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Histograms {
    by_key: BTreeMap<(String, SamplePhase), LatencyHistogram>,
}

impl Histograms {
    /// The distribution of `series` in `phase`, made empty if it is new.
    pub fn of(&mut self, series: &str, phase: SamplePhase) -> &mut LatencyHistogram {
        self.by_key.entry((series.to_owned(), phase)).or_default()
    }

    /// Adds a finished distribution: a runner that records often keeps its own and adds it once.
    pub fn add(&mut self, series: &str, phase: SamplePhase, histogram: &LatencyHistogram) {
        self.of(series, phase).merge(histogram);
    }

    /// The distribution of `series` in `phase`, if anything was recorded.
    #[must_use]
    pub fn get(&self, series: &str, phase: &SamplePhase) -> Option<&LatencyHistogram> {
        self.by_key.get(&(series.to_owned(), phase.clone()))
    }

    /// Adds all distributions of `other`.
    pub fn merge(&mut self, other: &Self) {
        for ((series, phase), histogram) in &other.by_key {
            self.of(series, phase.clone()).merge(histogram);
        }
    }

    /// All distributions, by series and then phase.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SamplePhase, &LatencyHistogram)> {
        self.by_key
            .iter()
            .map(|((series, phase), histogram)| (series.as_str(), phase, histogram))
    }
}

/// JSON has no tuple keys: a distribution is written with its two names beside it.
#[derive(Serialize, Deserialize)]
struct StoredEntry {
    series: String,
    phase: SamplePhase,
    #[serde(flatten)]
    histogram: LatencyHistogram,
}

impl Serialize for Histograms {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(
            self.by_key
                .iter()
                .map(|((series, phase), histogram)| StoredEntry {
                    series: series.clone(),
                    phase: phase.clone(),
                    histogram: histogram.clone(),
                }),
        )
    }
}

impl<'de> Deserialize<'de> for Histograms {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = Vec::<StoredEntry>::deserialize(deserializer)?;
        let keyed = entries
            .into_iter()
            .map(|entry| ((entry.series, entry.phase), entry.histogram));
        Ok(Self {
            by_key: keyed.collect(),
        })
    }
}
