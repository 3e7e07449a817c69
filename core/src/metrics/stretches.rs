//! Latencies by stretches of due time: small counted lists, so that a run of any length holds few.
//!
//! A stretch begins with a window or at an instant at which phases may change (the bounds of a phase, the
//! start and the end of a fault), so whatever the end of the run decides about phases, windows and
//! recoveries, each stretch lies in it as a whole. Values keep three digits, in the buckets of
//! [`Latency`](crate::metrics::Latency), whose counts are therefore exactly those of the samples.

use crate::metrics::Series;
use crate::metrics::counted::{Counted, lowest, micros};
use crate::metrics::tally::Tallies;
use crate::metrics::windows::Edges;
use crate::time::{SECOND, Span, Time};
use std::collections::BTreeMap;
use std::ops::Range;

/// One measured latency. Sixteen bytes, in a buffer that is folded when it is full.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Sample {
    pub(super) due: Time,
    pub(super) series: Series,
    /// Whole microseconds, the lowest value of their bucket; [`NEVER`](super::counted::NEVER) is never.
    pub(super) micros: u32,
}

impl Sample {
    /// A finite latency.
    pub(super) fn finite(series: Series, due: Time, latency: Span) -> Sample {
        Sample {
            due,
            series,
            micros: lowest(micros(latency)),
        }
    }
}

/// All latencies of a run.
#[derive(Clone, Debug)]
pub(super) struct Stretches {
    edges: Edges,
    /// By series and the start of the stretch.
    by_start: BTreeMap<(Series, Time), Counted>,
    /// End to end, by slot.
    by_slot: Vec<Counted>,
}

impl Stretches {
    /// No samples; phases may change at `edges`.
    pub(super) fn new(edges: &[Time]) -> Stretches {
        let mut stretches = Stretches {
            edges: Edges::default(),
            by_start: BTreeMap::new(),
            by_slot: Vec::new(),
        };
        for edge in edges {
            stretches.cut(*edge);
        }
        stretches
    }

    /// Phases may change at `edge`. What is due from then on must not have been folded yet.
    pub(super) fn cut(&mut self, edge: Time) {
        self.edges.cut(edge);
    }

    /// The windows.
    pub(super) const fn edges(&self) -> &Edges {
        &self.edges
    }

    /// Takes samples due before `before` out of the buffer. `slot` says in which slot an instant lies.
    pub(super) fn fold(
        &mut self,
        samples: &mut Vec<Sample>,
        before: Time,
        slot: impl Fn(Time) -> u64,
    ) {
        let mut folded: Vec<(usize, Time, u32)> = Vec::with_capacity(samples.len());
        let mut in_slots: Vec<(u64, u32)> = Vec::new();
        // The samples of an event follow each other, due at one instant.
        let (mut latest, mut start) = (Time::NEVER, Time::NEVER);
        samples.retain(|sample| {
            let is_folded = sample.due < before;
            if is_folded {
                if sample.due != latest {
                    (latest, start) = (sample.due, self.edges.start_of(sample.due));
                }
                folded.push((sample.series.index(), start, sample.micros));
                if sample.series == Series::EndToEnd {
                    in_slots.push((slot(sample.due), sample.micros));
                }
            }
            !is_folded
        });
        // By stretch and value, so that each list is walked once.
        folded.sort_unstable();
        for group in folded.chunk_by(|a, b| (a.0, a.1) == (b.0, b.1)) {
            let (series, start, _) = group[0];
            let values = group.iter().map(|sample| (sample.2, 1_u64));
            self.add(Series::ALL[series], start, values);
        }
        in_slots.sort_unstable();
        for group in in_slots.chunk_by(|a, b| a.0 == b.0) {
            self.add_to_slot(group[0].0, group.iter().map(|sample| (sample.1, 1)));
        }
    }

    /// Takes what was counted of a stretch.
    pub(super) fn take(&mut self, tallies: &mut Tallies) {
        let start = tallies.stretch;
        for (series, tally) in tallies.by_series() {
            self.add(series, start, tally.drain());
        }
    }

    /// Takes what was counted of a slot.
    pub(super) fn take_slot(&mut self, tallies: &mut Tallies, slot: u64) {
        let tally = tallies.in_slot();
        if !tally.is_empty() {
            self.add_to_slot(slot, tally.drain());
        }
    }

    fn add(&mut self, series: Series, start: Time, sorted: impl Iterator<Item = (u32, u64)>) {
        self.by_start
            .entry((series, start))
            .or_default()
            .add(sorted);
    }

    fn add_to_slot(&mut self, slot: u64, sorted: impl Iterator<Item = (u32, u64)>) {
        let slot = slot as usize;
        if self.by_slot.len() <= slot {
            self.by_slot.resize(slot + 1, Counted::default());
        }
        self.by_slot[slot].add(sorted);
    }

    /// End-to-end latencies of the events due in a slot.
    pub(super) fn slot(&self, slot: usize) -> Option<&Counted> {
        self.by_slot.get(slot)
    }

    /// Takes out the end-to-end latencies of all slots.
    pub(super) fn take_slots(&mut self) -> Vec<Counted> {
        std::mem::take(&mut self.by_slot)
    }

    /// The percentile of each window's end-to-end latencies, by due time, with the seconds of the window;
    /// windows without events are left out.
    pub(super) fn by_window(&self, parts: u64) -> Vec<(Range<u64>, u64)> {
        let mut windows: Vec<(Range<u64>, Counted)> = Vec::new();
        for ((series, start), counted) in &self.by_start {
            if *series != Series::EndToEnd {
                continue;
            }
            let seconds = self.edges.seconds(*start);
            match windows.last_mut() {
                // Stretches of one second are judged together.
                Some((last, all)) if last.start == start.0 / SECOND => {
                    all.merge(counted);
                    last.end = seconds.end;
                }
                Some(_) | None => windows.push((seconds, counted.clone())),
            }
        }
        let percentiles = windows.into_iter().filter_map(|(seconds, counted)| {
            let percentile = counted.percentile(parts)?;
            Some((seconds, percentile))
        });
        percentiles.collect()
    }

    /// Every stretch: its series, its start and its latencies.
    pub(super) fn iter(&self) -> impl Iterator<Item = (Series, Time, &Counted)> {
        let all = self.by_start.iter();
        all.map(|((series, start), counted)| (*series, *start, counted))
    }
}
