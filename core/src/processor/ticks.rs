//! The beat of event time in one node: at every interval its inputs' watermarks are looked at, the operator's
//! follows the slowest, and windows that end before it are due to fire.

use super::config::ProcessorFlaw;
use super::logged::Logged;
use super::track::{Phase, Track};
use super::watermark::{fastest, slowest};
use super::window::Windowed;
use super::window::config::{WatermarkClock, WindowPlan, nanos};
use super::{WATERMARK, points};
use crate::actor::Context;
use crate::event_time::{BEGINNING, END, InputMark, Watermarks};
use crate::history::Fact;
use crate::time::Mono;
use std::sync::Arc;

/// How far event time has come in one node.
#[derive(Debug)]
pub(super) struct Ticks {
    generation: u32,
    /// Counted up when all inputs begin anew.
    round: u32,
    /// The operator's watermark; it never goes back while generation and round are the same.
    operator: i64,
    told: Option<Arc<Watermarks>>,
    /// The sources owe nothing more.
    is_stopping: bool,
}

impl Default for Ticks {
    fn default() -> Ticks {
        Ticks {
            generation: 0,
            round: 0,
            operator: BEGINNING,
            told: None,
            is_stopping: false,
        }
    }
}

impl Ticks {
    /// Inputs of a generation are assigned: a new operator begins.
    pub(super) fn begin(&mut self, generation: u32) {
        if self.generation != generation {
            self.generation = generation;
            self.operator = BEGINNING;
        }
    }

    /// All inputs are read from the start.
    pub(super) fn rewind(&mut self) {
        self.round += 1;
        self.operator = BEGINNING;
    }
}

impl Logged {
    /// Windows of a new track, if there are any.
    pub(super) fn windows(&self, cx: &Context<'_>) -> Option<Box<Windowed>> {
        let plan = self.plan.window.as_ref()?;
        Some(Box::new(Windowed::new(plan, cx.monotonic())))
    }

    /// The sources owe nothing more: an input that stays silent from here on has ended, and with the last of
    /// them event time ends, so that every window fires. Flink does so when a job is stopped with `--drain`.
    pub(super) fn stop(&mut self, cx: &Context<'_>) {
        self.ticks.is_stopping = true;
        let now = cx.monotonic();
        for track in self.tracks.values_mut() {
            if let Some(windows) = &mut track.windows {
                windows.input.hold(now);
            }
        }
    }

    /// The interval has passed.
    pub(super) fn tick(&mut self, cx: &mut Context<'_>) {
        let plan = Arc::clone(&self.plan);
        let Some(window) = &plan.window else {
            return;
        };
        cx.arm(WATERMARK, window.config.interval);
        if self.tracks.is_empty() {
            return;
        }
        let now = cx.monotonic();
        let ends_after = self.ticks.is_stopping.then_some(plan.request_timeout);
        let mut inputs = Vec::with_capacity(self.tracks.len());
        for track in self.tracks.values_mut() {
            let is_waiting = waits(track);
            let (partition, is_ahead) = (track.partition, track.is_ahead);
            let Some(windows) = &mut track.windows else {
                continue;
            };
            if !is_waiting {
                windows.input.hold(now);
            }
            match windows.follows() {
                WatermarkClock::EventTime => {}
                WatermarkClock::WallClock => windows.input.read(cx.wall()),
            }
            let silence = windows.input.silence(now);
            if is_waiting && ends_after.is_some_and(|after| silence >= after) {
                windows.input.end();
            }
            // Nothing is asked of an input that is held back, so its silence says nothing.
            let idle = window.config.idle.filter(|_| is_waiting && !is_ahead);
            let watermark = windows.watermark();
            inputs.push(InputMark {
                partition,
                watermark,
                is_idle: watermark != END && idle.is_some_and(|idle| silence >= idle),
            });
        }
        let next = if plan.has(ProcessorFlaw::FastestWatermark) {
            fastest(&inputs)
        } else {
            slowest(&inputs)
        };
        self.ticks.operator = self.ticks.operator.max(next.unwrap_or(BEGINNING));
        self.align(cx, window, &inputs, now);
        for track in self.tracks.values_mut() {
            if let Some(windows) = &mut track.windows {
                windows.due = windows.due.max(self.ticks.operator);
            }
        }
        self.tell(cx, inputs);
    }

    /// Holds inputs back that are too far ahead of the slowest that has begun.
    fn align(
        &mut self,
        cx: &mut Context<'_>,
        window: &WindowPlan,
        inputs: &[InputMark],
        now: Mono,
    ) {
        let Some(drift) = window.config.drift.map(nanos) else {
            return;
        };
        let begun = inputs.iter().filter(|input| !input.is_idle);
        let begun = begun.map(|input| input.watermark);
        let slowest = begun.filter(|watermark| *watermark != BEGINNING).min();
        for (track, input) in self.tracks.values_mut().zip(inputs) {
            let is_far =
                slowest.is_some_and(|slowest| input.watermark.saturating_sub(drift) > slowest);
            let is_ahead = is_far && !self.ticks.is_stopping;
            if is_ahead && !track.is_ahead {
                cx.point(points::ALIGNED);
            }
            if let Some(windows) = &mut track.windows
                && track.is_ahead
            {
                windows.input.hold(now);
            }
            track.is_ahead = is_ahead;
        }
    }

    /// Tells the history what has changed.
    fn tell(&mut self, cx: &mut Context<'_>, inputs: Vec<InputMark>) {
        let told = self.ticks.told.as_ref();
        let was_idle = |input: &InputMark| {
            let known = told.and_then(|told| {
                let mut inputs = told.inputs.iter();
                inputs.find(|known| known.partition == input.partition)
            });
            known.is_some_and(|known| known.is_idle)
        };
        if inputs.iter().any(|input| input.is_idle && !was_idle(input)) {
            cx.point(points::IDLE);
        }
        let watermarks = Watermarks {
            group: self.plan.input.group(),
            generation: self.ticks.generation,
            round: self.ticks.round,
            operator: self.ticks.operator,
            inputs: inputs.into(),
        };
        if told.is_none_or(|told| **told != watermarks) {
            let watermarks = Arc::new(watermarks);
            cx.observe(Fact::Watermark(Arc::clone(&watermarks)));
            self.ticks.told = Some(watermarks);
        }
    }
}

/// Whether a partition has taken in all that it was given, and waits for more.
fn waits(track: &Track) -> bool {
    track.phase == Phase::Running
        && !track.is_silent()
        && track.attempts.is_empty()
        && track.buffered() == 0
}
