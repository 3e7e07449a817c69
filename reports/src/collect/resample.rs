//! Intervals of pooled percentiles, by resampling seeds and never samples (decisions B5): latencies of one run
//! depend on each other, runs do not.
//!
//! Model: for each distribution that an objective names, the counted buckets of every seed are kept, packed to
//! a few bytes each. Past [`GROUPS`] seeds those of equal index modulo that number are kept as one, and
//! groups are resampled: their sums spread as the sums of independent seeds do. Draws are keyed by the
//! distribution and taken after all merging, so that no order of adding changes a byte.

use std::collections::BTreeMap;

use crate::model::Interval;
use crate::model::histogram::LatencyHistogram;
use crate::model::value::{Quantile, Value};

/// Fewer seeds say too little about how seeds differ.
const SEEDS_MIN: u64 = 20;
/// How often the seeds are drawn anew.
const RESAMPLES: u64 = 200;
/// Draws left out at each end: 4 of 200 are 2 %, so that the rest are at least 95 %.
const LEFT_OUT: usize = 4;
/// Seeds kept apart, which bounds memory and time.
const GROUPS: u64 = 2_048;

/// The buckets of a group of seeds: differences of values and counts as numbers of seven bits a byte.
#[derive(Debug, Clone, Default)]
struct Packed {
    bytes: Vec<u8>,
    never: u64,
}

impl Packed {
    fn of(buckets: impl Iterator<Item = (u64, u64)>, never: u64) -> Self {
        let mut bytes = Vec::new();
        let mut last = 0;
        for (micros, count) in buckets {
            for mut number in [micros - last, count] {
                while number >= 0x80 {
                    bytes.push(number as u8 | 0x80);
                    number >>= 7;
                }
                bytes.push(number as u8);
            }
            last = micros;
        }
        bytes.shrink_to_fit();
        Self { bytes, never }
    }

    fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let mut bytes = self.bytes.iter();
        let mut number = move || {
            let (mut value, mut shift) = (0_u64, 0);
            loop {
                let byte = *bytes.next()?;
                value |= u64::from(byte & 0x7f) << shift;
                if byte < 0x80 {
                    return Some(value);
                }
                shift += 7;
            }
        };
        let mut last = 0;
        std::iter::from_fn(move || {
            last += number()?;
            Some((last, number()?))
        })
    }

    fn add(&mut self, other: &Self) {
        let mut all: BTreeMap<u64, u64> = self.buckets().collect();
        for (micros, count) in other.buckets() {
            *all.entry(micros).or_default() += count;
        }
        *self = Self::of(all.into_iter(), self.never + other.never);
    }
}

/// One distribution, seed by seed.
#[derive(Debug, Clone, Default)]
pub(super) struct BySeed {
    groups: BTreeMap<u64, Packed>,
    seeds: u64,
}

impl BySeed {
    /// Adds what the run of `index` measured.
    pub(super) fn add(&mut self, index: u64, run: &LatencyHistogram) {
        let packed = Packed::of(run.buckets(), run.never_count());
        self.seeds += 1;
        self.groups.entry(index % GROUPS).or_default().add(&packed);
    }

    /// Adds what another worker or shard gathered.
    pub(super) fn merge(&mut self, other: &Self) {
        self.seeds += other.seeds;
        for (group, packed) in &other.groups {
            self.groups.entry(*group).or_default().add(packed);
        }
    }

    /// The percentile of all seeds together, and between what values it lies with 95 % of all draws of as
    /// many seeds; no interval of fewer than 20. `key` names the distribution.
    pub(super) fn pooled(
        &self,
        quantile: Quantile,
        of_delivered: bool,
        key: &str,
    ) -> (Option<Value>, Option<Interval>) {
        let mut values: Vec<u64> = Vec::new();
        for packed in self.groups.values() {
            values.extend(packed.buckets().map(|(micros, _)| micros));
        }
        values.sort_unstable();
        values.dedup();
        let place = |micros: u64| values.partition_point(|value| *value < micros);
        let groups: Vec<(Vec<(usize, u64)>, u64)> = self
            .groups
            .values()
            .map(|packed| {
                let buckets = packed.buckets();
                let buckets = buckets.map(|(micros, count)| (place(micros), count));
                let never = if of_delivered { 0 } else { packed.never };
                (buckets.collect(), never)
            })
            .collect();
        let percentile = |weights: &[u64]| {
            let (mut counts, mut never) = (vec![0_u64; values.len()], 0);
            for ((buckets, lost), weight) in groups.iter().zip(weights) {
                if *weight == 0 {
                    continue;
                }
                never += lost * weight;
                for (at, count) in buckets {
                    counts[*at] += count * weight;
                }
            }
            at_rank(&values, &counts, never, quantile)
        };
        let pooled = percentile(&vec![1; groups.len()]);
        if self.seeds < SEEDS_MIN {
            return (pooled, None);
        }
        let mut dice = Dice::of(key);
        let mut drawn: Vec<Value> = Vec::new();
        for _ in 0..RESAMPLES {
            let mut weights = vec![0; groups.len()];
            for _ in 0..groups.len() {
                weights[dice.below(groups.len())] += 1;
            }
            drawn.extend(percentile(&weights));
        }
        drawn.sort_by(|a, b| a.compare(*b));
        let interval = (drawn.len() > 2 * LEFT_OUT).then(|| Interval {
            low: drawn[LEFT_OUT],
            high: drawn[drawn.len() - 1 - LEFT_OUT],
        });
        (pooled, interval)
    }
}

/// The percentile of counted values, as [`LatencyHistogram::percentile`] has it.
fn at_rank(values: &[u64], counts: &[u64], never: u64, quantile: Quantile) -> Option<Value> {
    let total = counts.iter().sum::<u64>() + never;
    if total == 0 {
        return None;
    }
    let rank = (u128::from(total) * u128::from(quantile.0)).div_ceil(1_000_000);
    let mut seen = 0;
    let found = values.iter().zip(counts).find(|(_, count)| {
        seen += u128::from(**count);
        seen >= rank.max(1)
    });
    Some(found.map_or(Value::Never, |(value, _)| Value::Micros(*value)))
}

/// Draws that depend on a name alone: SplitMix64 from its FNV-1a hash.
struct Dice(u64);

impl Dice {
    fn of(key: &str) -> Self {
        Self(key.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
        }))
    }

    fn below(&mut self, count: usize) -> usize {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^= mixed >> 31;
        // The high half of a product: at most one part in 2^53 from even.
        ((u128::from(mixed) * count as u128) >> 64) as usize
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(micros: u64) -> LatencyHistogram {
        let mut histogram = LatencyHistogram::default();
        for step in 0..100 {
            histogram.record(micros + step);
        }
        histogram
    }

    fn pooled(all: &BySeed) -> (Option<Value>, Option<Interval>) {
        all.pooled(Quantile::P99, false, "end-to-end steady")
    }

    #[test]
    fn the_interval_comes_from_how_seeds_differ_and_not_from_how_many_samples_there_are() {
        let (mut alike, mut apart) = (BySeed::default(), BySeed::default());
        for index in 0..40 {
            alike.add(index, &run(1_000));
            apart.add(index, &run(1_000 + index * 10));
        }
        let (value, interval) = pooled(&alike);
        let (low, high) = interval.map(|ends| (ends.low, ends.high)).unwrap();
        assert_eq!((Some(low), Some(high)), (value, value));
        let (value, interval) = pooled(&apart);
        let (low, high) = interval.map(|ends| (ends.low, ends.high)).unwrap();
        let number = |value: Value| value.number().unwrap();
        assert!(number(low) < number(high), "{low} {high}");
        assert!((number(low)..=number(high)).contains(&number(value.unwrap())));
    }

    #[test]
    fn nineteen_seeds_have_no_interval_and_a_loss_reaches_its_upper_end() {
        let mut all = BySeed::default();
        for index in 0..19 {
            all.add(index, &run(500));
        }
        assert_eq!(pooled(&all).1, None);
        let mut lossy = run(500);
        lossy.record_never(30);
        all.add(19, &lossy);
        assert_eq!(pooled(&all).1.unwrap().high, Value::Never);
        let (_, delivered) = all.pooled(Quantile::P99, true, "x");
        assert!(delivered.unwrap().high != Value::Never);
    }

    #[test]
    fn no_order_of_adding_changes_anything_and_memory_is_bounded() {
        let (mut forward, mut left, mut right) =
            (BySeed::default(), BySeed::default(), BySeed::default());
        for index in 0..3_000 {
            let run = run(1_000 + index % 37 * 11);
            forward.add(index, &run);
            if index % 2 == 0 {
                &mut left
            } else {
                &mut right
            }
            .add(index, &run);
        }
        right.merge(&left);
        assert_eq!(forward.groups.len() as u64, GROUPS);
        assert_eq!(pooled(&forward), pooled(&right));
        let bytes: usize = forward.groups.values().map(|one| one.bytes.len()).sum();
        assert!(bytes / forward.groups.len() < 600, "{bytes}");
    }
}
