//! Lengths of windows and the inequalities between them.

use super::{Checked, DECADE, Judge, MONTH};
use stormglass_core::processor::window::config::{Assign, WatermarkClock, WindowConfig};

/// Windows that an event belongs to at most.
const OVERLAPPING: u64 = 1_000;

pub(super) fn window(judge: &Judge<'_>, config: &WindowConfig) -> Checked {
    match config.assign {
        Assign::Tumbling(size) => judge.lasting("window.assign.tumbling", size, DECADE)?,
        Assign::Session(gap) => judge.lasting("window.assign.session", gap, DECADE)?,
        Assign::Sliding { size, slide } => {
            judge.lasting("window.assign.sliding.size", size, DECADE)?;
            judge.lasting("window.assign.sliding.slide", slide, DECADE)?;
            judge.need(
                slide <= size,
                "window.assign.sliding.slide",
                format!(
                    "`slide` is {slide} and `size` {size}: events between two windows are in none"
                ),
                "choose a slide that is at most the size; equal to it, windows are tumbling",
            )?;
            judge.need(
                size.0.div_ceil(slide.0) <= OVERLAPPING,
                "window.assign.sliding.slide",
                format!("with a `slide` of {slide}, each event is in over {OVERLAPPING} windows of {size}"),
                "choose a longer slide or a shorter size",
            )?;
        }
    }
    for (key, span) in [
        ("window.disorder", config.disorder),
        ("window.lateness", config.lateness),
    ] {
        judge.need(
            span <= DECADE,
            key,
            format!("`{key}` is {span}, more than {DECADE}"),
            "choose a shorter length of time",
        )?;
    }
    for (key, span) in [("window.idle", config.idle), ("window.drift", config.drift)] {
        if let Some(span) = span {
            judge.lasting(key, span, DECADE)?;
            judge.need(
                config.watermark == WatermarkClock::EventTime,
                key,
                format!("`{key}` does nothing: no input is faster or slower than the wall clock"),
                "remove it, or write `watermark = \"event-time\"`",
            )?;
        }
    }
    judge.lasting("window.interval", config.interval, MONTH)
}
