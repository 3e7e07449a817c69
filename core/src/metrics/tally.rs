//! Samples of the stretch that is under way, counted where they fall: nearly all are due in the latest window,
//! and to count one costs less than to keep it and sort it later.

use crate::metrics::Series;
use crate::metrics::counted::{micros, rough};
use crate::time::{Span, Time};
use std::ops::Range;

/// The bucket of a value, so that buckets are numbered without gaps: 2,048 of one microsecond, then 1,024 for
/// each doubling.
const fn bucket(micros: u32) -> usize {
    let rough = rough(micros);
    (rough as usize) * 1_024 + (micros >> rough) as usize
}

/// The lowest value of a bucket.
const fn value(bucket: usize) -> u32 {
    let rough = (bucket / 1_024).saturating_sub(1);
    ((bucket - rough * 1_024) as u32) << rough
}

/// How often each bucket of one series was met.
#[derive(Clone, Debug, Default)]
struct Tally {
    /// By bucket.
    counts: Vec<u32>,
    /// Buckets that were met.
    met: Vec<u16>,
}

impl Tally {
    fn add(&mut self, micros: u32) {
        let bucket = bucket(micros);
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        if self.counts[bucket] == 0 {
            self.met.push(bucket as u16);
        }
        self.counts[bucket] += 1;
    }

    /// Moves the counts to `values`, each under the lowest value of its bucket, in order.
    fn drain(&mut self, values: &mut Vec<(u32, u64)>) {
        self.met.sort_unstable();
        values.clear();
        for bucket in self.met.drain(..) {
            let count = std::mem::take(&mut self.counts[usize::from(bucket)]);
            values.push((value(usize::from(bucket)), u64::from(count)));
        }
    }
}

/// The counts of one stretch, and the end-to-end counts of one slot of it.
#[derive(Clone, Debug)]
pub(super) struct Tallies {
    /// The due times of the slot and the stretch, which are counted here.
    pub(super) over: Range<Time>,
    /// When the stretch begins.
    pub(super) stretch: Time,
    by_series: [Tally; Series::ALL.len()],
    in_slot: Tally,
}

impl Default for Tallies {
    fn default() -> Tallies {
        Tallies {
            over: Time::ZERO..Time::ZERO,
            stretch: Time::ZERO,
            by_series: Default::default(),
            in_slot: Tally::default(),
        }
    }
}

impl Tallies {
    /// Counts a sample that is due in the slot and the stretch.
    pub(super) fn add(&mut self, series: Series, took: Span) {
        let micros = micros(took);
        self.by_series[series.index()].add(micros);
        if series == Series::EndToEnd {
            self.in_slot.add(micros);
        }
    }

    /// Takes out what was counted of the stretch: for each series the buckets by their lowest value, in order.
    pub(super) fn drain(&mut self, mut each: impl FnMut(Series, &[(u32, u64)])) {
        let mut values = Vec::new();
        for (series, tally) in Series::ALL.into_iter().zip(&mut self.by_series) {
            if !tally.met.is_empty() {
                tally.drain(&mut values);
                each(series, &values);
            }
        }
    }

    /// Takes out what was counted end to end of the slot, in order.
    pub(super) fn drain_slot(&mut self) -> Vec<(u32, u64)> {
        let mut values = Vec::new();
        self.in_slot.drain(&mut values);
        values
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::counted::lowest;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bucket_has_the_value_that_a_sample_is_kept_with(micros in 0..u32::MAX, shift in 0..32_u32) {
            let micros = micros >> shift;
            prop_assert_eq!(value(bucket(micros)), lowest(micros));
            prop_assert!(u16::try_from(bucket(micros)).is_ok());
        }
    }

    #[test]
    fn a_series_is_counted_at_its_place() {
        for (at, series) in Series::ALL.into_iter().enumerate() {
            assert_eq!(series.index(), at);
        }
    }
}
