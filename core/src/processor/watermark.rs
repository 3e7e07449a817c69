//! How far event time has come: a watermark for each input, and the operator's, which is their minimum.
//!
//! Model: bounded disorder, as Flink's `BoundedOutOfOrdernessWatermarks`. An input's watermark stays
//! `disorder` behind the latest event of it; an input that is silent for long enough is idle and holds nobody
//! back. By the wall clock it stays `disorder` behind that, as where an application makes its watermarks with a
//! timer. The operator's watermark is the minimum over the others and never goes back. A watermark of `t` says
//! that nothing at or before `t` is expected any more.

use crate::event_time::{BEGINNING, END, InputMark};
use crate::time::{Mono, Span, Wall};

/// One input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Generator {
    /// The latest event time seen or read off a clock; [`BEGINNING`] before the first.
    newest: i64,
    /// When an event was last seen, or the input was taken up.
    heard: Mono,
    has_ended: bool,
}

impl Generator {
    pub(super) const fn new(now: Mono) -> Generator {
        Generator {
            newest: BEGINNING,
            heard: now,
            has_ended: false,
        }
    }

    /// Events were seen, the latest of them at `event_time`.
    pub(super) fn see(&mut self, event_time: i64, now: Mono) {
        self.newest = self.newest.max(event_time);
        self.heard = now;
    }

    /// The node's clock says how far event time has come. A clock that is set back stays without effect until it
    /// has caught up.
    pub(super) fn read(&mut self, wall: Wall) {
        self.newest = self.newest.max(wall.0);
    }

    /// The latest event time seen or read.
    pub(super) const fn newest(&self) -> i64 {
        self.newest
    }

    /// It is not silent of its own accord: nothing is asked of it.
    pub(super) const fn hold(&mut self, now: Mono) {
        self.heard = now;
    }

    /// Nothing more will come.
    pub(super) const fn end(&mut self) {
        self.has_ended = true;
    }

    /// How long it has been silent.
    pub(super) const fn silence(&self, now: Mono) -> Span {
        now.since(self.heard)
    }

    /// Its watermark at a distance of `disorder` nanoseconds.
    pub(super) const fn watermark(&self, disorder: i64) -> i64 {
        if self.has_ended {
            return END;
        }
        self.newest.saturating_sub(disorder).saturating_sub(1)
    }
}

/// The slowest input that is not idle; none if all are.
pub(super) fn slowest(inputs: &[InputMark]) -> Option<i64> {
    active(inputs).min()
}

/// The fastest input that is not idle: what a flawed operator follows.
pub(super) fn fastest(inputs: &[InputMark]) -> Option<i64> {
    active(inputs).max()
}

fn active(inputs: &[InputMark]) -> impl Iterator<Item = i64> {
    let active = inputs.iter().filter(|input| !input.is_idle);
    active.map(|input| input.watermark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::id::Partition;

    fn mark(watermark: i64, is_idle: bool) -> InputMark {
        InputMark {
            partition: Partition::default(),
            watermark,
            is_idle,
        }
    }

    #[test]
    fn a_watermark_stays_behind_the_latest_event_by_the_disorder() {
        let mut input = Generator::new(Mono(0));
        assert_eq!(input.watermark(10), BEGINNING);
        input.see(100, Mono(5));
        input.see(40, Mono(6));
        assert_eq!(input.watermark(10), 89);
        assert_eq!(input.silence(Mono(9)), Span(3));
        input.end();
        assert_eq!(input.watermark(10), END);
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_take_the_watermark_back() {
        let mut input = Generator::new(Mono(0));
        input.read(Wall(100));
        assert_eq!(input.watermark(10), 89);
        input.read(Wall(50));
        assert_eq!(input.watermark(10), 89);
        input.read(Wall(101));
        assert_eq!(input.watermark(10), 90);
    }

    #[test]
    fn an_idle_input_holds_nobody_back() {
        assert_eq!(slowest(&[mark(5, false), mark(9, false)]), Some(5));
        assert_eq!(slowest(&[mark(5, true), mark(9, false)]), Some(9));
        assert_eq!(slowest(&[mark(5, true)]), None);
        assert_eq!(fastest(&[mark(5, false), mark(9, false)]), Some(9));
    }
}
