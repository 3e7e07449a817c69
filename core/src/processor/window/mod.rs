//! Windows of event time over one input partition.
//!
//! Model: keyed windows as in Flink. A window fires when the operator's watermark passes its end, tells its
//! row anew with every event that comes within the allowed lateness, and is forgotten after that; an event
//! whose windows are all forgotten is late and is accounted for. State, timers and watermark are one snapshot.
//! Limits: rows of one firing are one write, whatever its size; sessions whose windows only touch are two.

pub mod config;
mod panes;
mod state;
#[cfg(test)]
mod tests;

pub(super) use panes::{Fired, Panes};

use super::watermark::Generator;
use crate::event::Event;
use crate::time::Mono;
use config::{WatermarkClock, WindowPlan, nanos};

/// The windows of one input partition, and how far its events have come.
pub(super) struct Windowed {
    pub(super) panes: Panes,
    pub(super) input: Generator,
    /// The operator's watermark, as last told: what ends before it is due to fire.
    pub(super) due: i64,
}

impl Windowed {
    pub(super) fn new(plan: &WindowPlan, now: Mono) -> Windowed {
        Windowed {
            panes: Panes::new(plan),
            input: Generator::new(now),
            due: crate::event_time::BEGINNING,
        }
    }

    /// Takes an event in.
    pub(super) fn apply(&mut self, event: &Event, now: Mono, out: &mut Fired) {
        match self.follows() {
            WatermarkClock::EventTime => self.input.see(event.event_time, now),
            WatermarkClock::WallClock => self.input.hold(now),
        }
        self.panes.apply(event, out);
    }

    /// Whether something can fire, or is told to have fired.
    pub(super) fn has_due(&self) -> bool {
        self.due > self.panes.watermark()
    }

    /// What the watermark of the input follows.
    pub(super) fn follows(&self) -> WatermarkClock {
        self.panes.plan().config.watermark
    }

    /// The watermark of the input.
    pub(super) fn watermark(&self) -> i64 {
        self.input
            .watermark(nanos(self.panes.plan().config.disorder))
    }

    /// State and watermarks, as a list of pairs.
    pub(super) fn snapshot(&self) -> Vec<(u64, i64)> {
        state::write(&self.panes, self.input.newest())
    }

    /// Takes the place of whatever there was.
    pub(super) fn restore(&mut self, state: &[(u64, i64)], now: Mono) {
        let newest = state::read(&mut self.panes, state);
        match self.follows() {
            WatermarkClock::EventTime => self.input.see(newest, now),
            // What another node's clock said is not this one's; how far windows have fired stands in the panes.
            WatermarkClock::WallClock => self.input.hold(now),
        }
        self.due = self.panes.watermark();
    }
}
