//! Counts over time: by slots of one width, for charts, and by windows, for recovery.

use crate::metrics::SLOTS_MAX;
use crate::metrics::windows::Edges;
use crate::time::{SECOND, Span, Time};
use std::ops::Range;

/// Counts of one window or slot.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Counts {
    pub(super) offered: u64,
    pub(super) acknowledged: u64,
    pub(super) visible: u64,
    pub(super) finished: u64,
    /// Of slots only, as what follows: no window is judged by it.
    pub(super) effects: u64,
    pub(super) retried: u64,
    pub(super) failed: u64,
}

/// The slots of a run and what was counted in them.
#[derive(Clone, Debug)]
pub(super) struct Slots {
    width: Span,
    counts: Vec<Counts>,
    /// The instants of the slot that was met last, whose neighbours come next: saves a division.
    latest: Range<Time>,
    at: usize,
}

impl Slots {
    /// No counts, in slots of this width.
    pub(super) fn new(width: Span) -> Slots {
        Slots {
            width,
            counts: Vec::new(),
            latest: Time::ZERO..Time::ZERO,
            at: 0,
        }
    }

    /// The slot of an instant; the last one takes what outlasts the plan.
    pub(super) fn slot_of(&self, at: Time) -> u64 {
        (at.0 / self.width.0).min(SLOTS_MAX - 1)
    }

    /// The instants of a slot.
    pub(super) fn range(&self, slot: u64) -> Range<Time> {
        let end = if slot + 1 < SLOTS_MAX {
            Time((slot + 1) * self.width.0)
        } else {
            Time::NEVER
        };
        Time(slot * self.width.0)..end
    }

    /// The counts of the slot of an instant.
    pub(super) fn at(&mut self, at: Time) -> &mut Counts {
        if !self.latest.contains(&at) {
            let slot = self.slot_of(at);
            self.latest = self.range(slot);
            self.at = slot as usize;
            if self.counts.len() <= self.at {
                self.counts.resize(self.at + 1, Counts::default());
            }
        }
        &mut self.counts[self.at]
    }

    /// The counts by slot, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &Counts> {
        self.counts.iter()
    }
}

/// The windows of a run in which something was counted, under the second with which each begins; in order.
#[derive(Clone, Debug, Default)]
pub(super) struct WindowCounts(Vec<(u64, Counts)>);

impl WindowCounts {
    /// The counts of the window of an instant, and when its stretch begins.
    pub(super) fn at(&mut self, edges: &Edges, at: Time) -> (&mut Counts, Time) {
        let start = edges.start_of(at);
        let window = start.0 / SECOND;
        let place = self.0.partition_point(|(start, _)| *start < window);
        let is_there = self.0.get(place).is_some_and(|(start, _)| *start == window);
        if !is_there {
            self.0.insert(place, (window, Counts::default()));
        }
        (&mut self.0[place].1, start)
    }

    /// The counts by window, in order.
    pub(super) fn iter(&self) -> impl Iterator<Item = &(u64, Counts)> {
        self.0.iter()
    }
}
