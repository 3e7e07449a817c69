//! How seeds differ, and how latency goes with load: points and not lines.

use plotters::prelude::*;

use super::Chart;
use super::frame::{self, Axis, log10, short_count};
use super::paint::Paint;
use crate::model::Report;
use crate::model::outcome::Answer;
use crate::model::shown::ShownRun;
use crate::model::value::Value;

/// Points at most: between the best and the worst seeds some are left out.
const POINTS: usize = 240;
/// The worst seeds are all drawn.
const WORST: usize = 20;

/// The headline's p99 of every seed, the best seed first; `None` of fewer than two seeds.
#[must_use]
pub fn across_seeds(report: &Report) -> Option<Chart> {
    let mut seeds: Vec<(u64, bool)> = report
        .seeds
        .iter()
        .filter_map(|row| {
            let p99 = row.headline_p99?;
            let micros = if p99 == Value::Never {
                u64::MAX
            } else {
                p99.number()?
            };
            Some((micros, row.answer == Answer::Fail))
        })
        .collect();
    if seeds.len() < 2 {
        return None;
    }
    seeds.sort_unstable();
    let finite = || {
        seeds
            .iter()
            .filter(|seed| seed.0 != u64::MAX)
            .map(|seed| seed.0)
    };
    let (least, most) = (finite().min()?, finite().max()?);
    let name = format!("p99 of {} (log)", report.identity.headline_series);
    let vertical = Axis::log_duration(least, most.saturating_add(most / 2), &name);
    let mut horizontal = Axis::linear(seeds.len() as f64, "seeds, the best first", short_count);
    horizontal.high = seeds.len() as f64;
    horizontal.ticks.retain(|tick| tick.0 <= horizontal.high);
    let step = seeds.len().div_ceil(POINTS);
    let shown = |at: usize| at.is_multiple_of(step) || at + WORST >= seeds.len();
    let label = "p99 of every seed, the best first";
    let svg = frame::draw(
        (220, 46),
        (&horizontal, &vertical),
        label,
        |canvas, plot| {
            for (at, (micros, failed)) in seeds.iter().enumerate().filter(|(at, _)| shown(*at)) {
                let height = if *micros == u64::MAX {
                    vertical.high
                } else {
                    log10(*micros)
                };
                let (x, y) = frame::pixel(plot, (at as f64 + 0.5, height));
                if *micros == u64::MAX {
                    let mark = TriangleMarker::new((x, y + 6), 5, Paint::Bad.colour().filled());
                    canvas.draw(&mark)?;
                } else if *failed {
                    let mark = Cross::new((x, y), 4, Paint::Bad.colour().stroke_width(2));
                    canvas.draw(&mark)?;
                } else {
                    canvas.draw(&Circle::new((x, y), 3, Paint::Series(0).colour().filled()))?;
                }
            }
            Ok(())
        },
    );
    let mut caption =
        "A dot a seed that held, a cross one that failed; ▲ are seeds whose p99 never came."
            .to_owned();
    if step > 1 {
        caption.push_str(&format!(
            " Showing each {step}th of {} seeds, and the {WORST} worst.",
            seeds.len()
        ));
    }
    Some(Chart {
        title: "Across seeds".to_owned(),
        caption,
        is_latency: true,
        svg,
        legend: Vec::new(),
    })
}

/// p99 against the rate offered, a point a slot of the shown run; `None` where fewer than three slots have any.
#[must_use]
pub fn load(run: &ShownRun) -> Option<Chart> {
    let width = run.slot_width.as_secs_f64();
    let struck = |start: u64| {
        let mut faults = run.faults.iter().filter(|fault| fault.resolved.is_some());
        faults.any(|fault| fault.start.0 < start + run.slot_width.0 && start < fault.end.0)
    };
    let points: Vec<(f64, u64, bool)> = run
        .slots
        .iter()
        .filter_map(|slot| {
            let p99 = slot.p99?.0.max(1);
            Some((slot.offered as f64 / width, p99, struck(slot.start.0)))
        })
        .collect();
    if points.len() < 3 {
        return None;
    }
    let micros = || points.iter().map(|point| point.1);
    let vertical = Axis::log_duration(micros().min()?, micros().max()?, "p99 by due time (log)");
    let peak = points.iter().map(|point| point.0).fold(1.0, f64::max);
    let horizontal = Axis::linear(peak, "events offered a second", short_count);
    let label = "p99 against the rate offered";
    let svg = frame::draw(
        (220, 46),
        (&horizontal, &vertical),
        label,
        |canvas, plot| {
            for (rate, p99, is_struck) in &points {
                let at = frame::pixel(plot, (*rate, log10(*p99)));
                if *is_struck {
                    canvas.draw(&Cross::new(
                        at,
                        4,
                        Paint::Series(1).colour().stroke_width(2),
                    ))?;
                } else {
                    canvas.draw(&Circle::new(at, 3, Paint::Series(0).colour().filled()))?;
                }
            }
            Ok(())
        },
    );
    Some(Chart {
        title: "Latency against load".to_owned(),
        caption: "A point a slot of the shown run; crosses are slots with a fault. Where dots climb to the \
                  right, the system is near its capacity: `stormglass capacity` looks for that."
            .to_owned(),
        is_latency: true,
        svg,
        legend: Vec::new(),
    })
}
