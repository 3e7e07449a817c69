//! Latencies: what was measured, and how many waited for ever.

use crate::metrics::counted::NEVER;
use crate::metrics::{Phase, Series};
use hdrhistogram::Histogram;
use std::collections::BTreeMap;

/// A distribution in microseconds to three digits, in which never is a value.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency {
    histogram: Histogram<u64>,
    never: u64,
}

impl Default for Latency {
    fn default() -> Latency {
        Latency {
            histogram: Histogram::new(3).expect("three digits are allowed"),
            never: 0,
        }
    }
}

impl Latency {
    /// Adds a finite sample.
    pub fn record(&mut self, micros: u64) {
        let done = self.histogram.record(micros);
        assert!(done.is_ok(), "a histogram that grows takes {micros} us");
    }

    /// Adds as many samples of a counted list's value.
    pub(super) fn record_counted(&mut self, micros: u32, count: u64) {
        if micros == NEVER {
            return self.record_never(count);
        }
        let done = self.histogram.record_n(u64::from(micros), count);
        assert!(done.is_ok(), "a histogram that grows takes {micros} us");
    }

    /// Adds samples of events that were never visible.
    pub const fn record_never(&mut self, count: u64) {
        self.never += count;
    }

    /// Adds another distribution, without loss.
    pub fn merge(&mut self, other: &Latency) {
        let done = self.histogram.add(&other.histogram);
        assert!(done.is_ok(), "histograms that grow can be added");
        self.never += other.never;
    }

    /// How many samples there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.histogram.len() + self.never
    }

    /// How many of them are never.
    #[must_use]
    pub const fn never(&self) -> u64 {
        self.never
    }

    /// The value at a rank in parts per million, in microseconds; `u64::MAX` is never, none is no sample.
    #[must_use]
    pub fn at(&self, parts: u32) -> Option<u64> {
        let rank = (u128::from(self.count()) * u128::from(parts)).div_ceil(1_000_000) as u64;
        let rank = rank.max(1);
        if self.count() == 0 {
            return None;
        }
        if rank > self.histogram.len() {
            return Some(u64::MAX);
        }
        let mut below = 0;
        self.buckets().find_map(|(micros, count)| {
            below += count;
            (below >= rank).then_some(micros)
        })
    }

    /// Finite samples: the highest value of each bucket that is not empty, and its count.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let recorded = self.histogram.iter_recorded();
        recorded.map(|bucket| (bucket.value_iterated_to(), bucket.count_at_value()))
    }
}

/// Distributions by series and phase, each made when first needed. A worker owns one merged set.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latencies(BTreeMap<(Series, Phase), Latency>);

impl Latencies {
    /// The distribution, made if there is none.
    pub fn of(&mut self, series: Series, phase: Phase) -> &mut Latency {
        self.0.entry((series, phase)).or_default()
    }

    /// The distribution, if there is one.
    #[must_use]
    pub fn get(&self, series: Series, phase: &Phase) -> Option<&Latency> {
        self.0.get(&(series, phase.clone()))
    }

    /// All distributions in order.
    pub fn iter(&self) -> impl Iterator<Item = (Series, &Phase, &Latency)> {
        let all = self.0.iter();
        all.map(|((series, phase), latency)| (*series, phase, latency))
    }

    /// Adds another run's.
    pub fn merge(&mut self, other: &Latencies) {
        for (series, phase, latency) in other.iter() {
            self.of(series, phase.clone()).merge(latency);
        }
    }
}
