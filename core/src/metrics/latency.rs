//! Latencies: what was measured, and how many waited for ever.

use crate::metrics::{Phase, Series};
use std::collections::BTreeMap;

/// A distribution in microseconds to three digits, in which never is a value. It has the buckets of an HDR
/// histogram; a run fills few of them, so they are counted in a list.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Latency {
    /// Buckets by their highest value, rising, and their counts; no count is zero.
    counts: Vec<(u64, u64)>,
    never: u64,
}

/// The highest value of the bucket: eleven bits count.
const fn highest(micros: u64) -> u64 {
    let rough = 53_u32.saturating_sub(micros.leading_zeros());
    micros | ((1 << rough) - 1)
}

impl Latency {
    /// The distribution of the lowest values of buckets, in order, with how often each was met; and so many that
    /// are never.
    pub(super) fn of_buckets(buckets: impl Iterator<Item = (u32, u64)>, never: u64) -> Latency {
        let counts = buckets.map(|(micros, count)| (highest(u64::from(micros)), count));
        Latency {
            counts: counts.collect(),
            never,
        }
    }

    /// Adds a finite sample.
    pub fn record(&mut self, micros: u64) {
        let bucket = highest(micros);
        match self.counts.binary_search_by_key(&bucket, |known| known.0) {
            Ok(place) => self.counts[place].1 += 1,
            Err(place) => self.counts.insert(place, (bucket, 1)),
        }
    }

    /// Adds another distribution, without loss.
    pub fn merge(&mut self, other: &Latency) {
        self.counts.extend_from_slice(&other.counts);
        self.tidy();
        self.never += other.never;
    }

    /// Puts the buckets in order, each once.
    fn tidy(&mut self) {
        // Two lists in order are merged by this sort, one after the other.
        self.counts.sort_by_key(|(bucket, _)| *bucket);
        self.counts.dedup_by(|next, kept| {
            let is_same = next.0 == kept.0;
            if is_same {
                kept.1 += next.1;
            }
            is_same
        });
    }

    /// How many samples there are.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.finite() + self.never
    }

    fn finite(&self) -> u64 {
        self.counts.iter().map(|(_, count)| count).sum()
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
        self.counts.iter().copied()
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
