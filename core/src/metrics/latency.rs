//! Latencies: what was measured, and how many waited for ever.

use crate::metrics::counted::NEVER;
use crate::metrics::{Phase, Series};
use std::collections::BTreeMap;

/// A distribution in microseconds to three digits, in which never is a value. It has the buckets of an HDR
/// histogram; a run fills few of them, so they are counted in a map.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latency {
    /// By the highest value of the bucket; no count is zero.
    counts: BTreeMap<u64, u64>,
    never: u64,
}

/// The highest value of the bucket: eleven bits count.
const fn highest(micros: u64) -> u64 {
    let rough = 53_u32.saturating_sub(micros.leading_zeros());
    micros | ((1 << rough) - 1)
}

impl Latency {
    /// Adds a finite sample.
    pub fn record(&mut self, micros: u64) {
        *self.counts.entry(highest(micros)).or_default() += 1;
    }

    /// Adds as many samples of a counted list's value.
    pub(super) fn record_counted(&mut self, micros: u32, count: u64) {
        if micros == NEVER {
            return self.record_never(count);
        }
        let bucket = highest(u64::from(micros));
        *self.counts.entry(bucket).or_default() += count;
    }

    /// Adds samples of events that were never visible.
    pub const fn record_never(&mut self, count: u64) {
        self.never += count;
    }

    /// Adds another distribution, without loss.
    pub fn merge(&mut self, other: &Latency) {
        for (bucket, count) in &other.counts {
            *self.counts.entry(*bucket).or_default() += count;
        }
        self.never += other.never;
    }

    /// How many samples there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.finite() + self.never
    }

    fn finite(&self) -> u64 {
        self.counts.values().sum()
    }

    /// How many of them are never.
    #[must_use]
    pub const fn never(&self) -> u64 {
        self.never
    }

    /// The value at a rank in parts per million, in microseconds; `u64::MAX` is never, none is no sample.
    #[must_use]
    pub fn at(&self, parts: u32) -> Option<u64> {
        let finite = self.finite();
        let rank = (u128::from(finite + self.never) * u128::from(parts)).div_ceil(1_000_000) as u64;
        let rank = rank.max(1);
        if finite + self.never == 0 {
            return None;
        }
        if rank > finite {
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
        self.counts.iter().map(|(bucket, count)| (*bucket, *count))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_keep_three_digits_and_small_ones_all() {
        for exact in [0, 1, 999, 2_047] {
            assert_eq!(highest(exact), exact);
        }
        assert_eq!(highest(2_048), 2_049);
        assert_eq!(highest(4_100), 4_103);
        for micros in [3_001_u64, 123_456, 71 * 60_000_000, u64::MAX] {
            let off = highest(micros) - micros;
            assert!(off <= micros / 1_000, "{micros} is off by {off}");
        }
    }
}
