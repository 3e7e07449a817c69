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

/// How often each bucket was met. Emptied, it may be used again without being made anew.
#[derive(Clone, Debug, Default)]
pub(super) struct Tally {
    /// By bucket.
    counts: Vec<u64>,
    /// Buckets that were met.
    met: Vec<u16>,
}

impl Tally {
    /// Counts a value so many times, at least once.
    pub(super) fn add(&mut self, micros: u32, times: u64) {
        let bucket = bucket(micros);
        if self.counts.len() <= bucket {
            self.counts.resize(bucket + 1, 0);
        }
        let count = &mut self.counts[bucket];
        if *count == 0 {
            self.met.push(bucket as u16);
        }
        *count += times;
    }

    /// Whether nothing was counted.
    pub(super) const fn is_empty(&self) -> bool {
        self.met.is_empty()
    }

    /// Takes out the counts, each under the lowest value of its bucket, in order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = (u32, u64)> {
        self.met.sort_unstable();
        let counts = &mut self.counts;
        self.met.drain(..).map(|bucket| {
            let bucket = usize::from(bucket);
            (value(bucket), std::mem::take(&mut counts[bucket]))
        })
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
        self.by_series[series.index()].add(micros, 1);
        if series == Series::EndToEnd {
            self.in_slot.add(micros, 1);
        }
    }

    /// What was counted of the stretch, by series, to be taken out.
    pub(super) fn by_series(&mut self) -> impl Iterator<Item = (Series, &mut Tally)> {
        let all = Series::ALL.into_iter().zip(&mut self.by_series);
        all.filter(|(_, tally)| !tally.is_empty())
    }

    /// What was counted end to end of the slot, to be taken out.
    pub(super) const fn in_slot(&mut self) -> &mut Tally {
        &mut self.in_slot
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
