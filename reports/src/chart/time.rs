//! Charts over the virtual time of the shown run: latency, rates and backlog, each with the run's
//! phases and its faults.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::Chart;
use super::frame::{self, Axis, Canvas, Drawn, Plot, log10, short_count};
use super::paint::Paint;
use super::spectrum::limits;
use crate::model::Report;
use crate::model::shown::{ShownRun, Slot};
use crate::model::value::{Micros, three_digits};

/// Height of a lane: the name of a fault above a bar as long as the fault.
pub(super) const LANE: u32 = 23;
/// Bars above each other before faults are left to the log.
const LANES_MAX: usize = 5;
/// Estimated width of a letter of a fault's name.
const LETTER: i32 = 7;

/// What is drawn of a slot.
type Pick<'a> = &'a dyn Fn(&Slot) -> Option<f64>;
/// One series of a chart: its name, its value in a slot, and its look.
type Series<'a> = (&'a str, Pick<'a>, Paint);

/// What one of the charts has beside its lines.
enum Extra<'a> {
    Nothing,
    /// The area under this line.
    Filled(Pick<'a>),
    /// SLO bounds, and marks where events never became visible.
    Bounds(&'a [(f64, u64, String)]),
}

/// p50, p90, p99 and the largest latency, by due time.
#[must_use]
pub fn latency_over_time(report: &Report) -> Option<Chart> {
    let run = report.shown.as_ref()?;
    let bounds = limits(report);
    let at = |pick: fn(&Slot) -> Option<Micros>| {
        move |slot: &Slot| pick(slot).map(|micros| log10(micros.0.max(1)))
    };
    let largest = run.slots.iter().filter_map(|slot| slot.max).max()?.0;
    let smallest = run.slots.iter().filter_map(|slot| slot.p50).min()?.0;
    let bound_max = bounds.iter().map(|bound| bound.1).max().unwrap_or(0);
    let vertical = Axis::log_duration(
        smallest,
        largest.max(bound_max),
        "latency by due time (log)",
    );
    let (p50, p90, p99, max) = (
        at(|slot| slot.p50),
        at(|slot| slot.p90),
        at(|slot| slot.p99),
        at(|slot| slot.max),
    );
    let series: [Series<'_>; 4] = [
        ("p50", &p50, Paint::Series(0)),
        ("p90", &p90, Paint::Series(1)),
        ("p99", &p99, Paint::Series(2)),
        ("max", &max, Paint::Series(3)),
    ];
    let svg = draw(
        run,
        250,
        &vertical,
        "Latency percentiles over time",
        &series,
        &Extra::Bounds(&bounds),
    );
    Some(Chart {
        title: "Latency over time".to_owned(),
        caption:
            "Percentiles of the events due in each slot. ▲ marks slots with events that never \
                  became visible; red dashes are SLO bounds, each judged on its own phase only."
                .to_owned(),
        is_latency: true,
        svg,
    })
}

/// Offered, accepted, processed and visible events a second.
#[must_use]
pub fn rates_over_time(run: &ShownRun) -> Option<Chart> {
    let width = run.slot_width.as_secs_f64();
    if run.slots.is_empty() || width <= 0.0 {
        return None;
    }
    let rate = |pick: fn(&Slot) -> u64| move |slot: &Slot| Some(pick(slot) as f64 / width);
    let (offered, accepted) = (rate(|slot| slot.offered), rate(|slot| slot.accepted));
    let (processed, visible) = (rate(|slot| slot.processed), rate(|slot| slot.visible));
    let series: [Series<'_>; 4] = [
        ("offered", &offered, Paint::Series(3)),
        ("accepted", &accepted, Paint::Series(1)),
        ("processed", &processed, Paint::Series(2)),
        ("visible", &visible, Paint::Series(0)),
    ];
    let values = run
        .slots
        .iter()
        .flat_map(|slot| series.iter().filter_map(|one| one.1(slot)));
    let peak = values.fold(1.0, f64::max);
    let vertical = Axis::linear(peak, "events a second", short_count);
    let svg = draw(
        run,
        210,
        &vertical,
        "Event rates over time",
        &series,
        &Extra::Nothing,
    );
    Some(Chart {
        title: "Rates over time".to_owned(),
        caption: "Where offered and accepted part, the broker refuses; where accepted and visible \
                  part, a backlog grows."
            .to_owned(),
        is_latency: false,
        svg,
    })
}

/// Owed events that are not yet visible.
#[must_use]
pub fn backlog(run: &ShownRun) -> Option<Chart> {
    let peak = run.slots.iter().map(|slot| slot.backlog).max()?;
    let vertical = Axis::linear(
        (peak as f64).max(1.0),
        "events owed, not yet visible",
        short_count,
    );
    let waiting = |slot: &Slot| Some(slot.backlog as f64);
    let series: [Series<'_>; 1] = [("backlog", &waiting, Paint::Series(0))];
    let svg = draw(
        run,
        170,
        &vertical,
        "Backlog over time",
        &series,
        &Extra::Filled(&waiting),
    );
    Some(Chart {
        title: "Backlog".to_owned(),
        caption: "Events owed and not yet visible at the end of each slot.".to_owned(),
        is_latency: false,
        svg,
    })
}

fn draw(
    run: &ShownRun,
    height: u32,
    vertical: &Axis,
    label: &str,
    series: &[Series<'_>],
    extra: &Extra<'_>,
) -> String {
    let horizontal = time_axis(run);
    let lanes = lanes(run, &horizontal);
    let used = lanes.iter().map(|(lane, _)| lane + 1).max().unwrap_or(0);
    let top = 46 + LANE * u32::try_from(used).expect("at most LANES_MAX");
    let size = (height + top, top);
    frame::draw(size, (&horizontal, vertical), label, |canvas, plot| {
        phases(canvas, plot, run, vertical)?;
        faults(canvas, plot, (run, &lanes), vertical)?;
        let middle = |slot: &Slot| slot.start.as_secs_f64() + run.slot_width.as_secs_f64() / 2.0;
        if let Extra::Filled(value) = extra {
            let points = run
                .slots
                .iter()
                .map(|slot| (middle(slot), value(slot).unwrap_or(0.0)));
            let area = AreaSeries::new(points, vertical.low, Paint::Fill.colour().filled());
            plot.draw_series(area)?;
        }
        let mut names = Vec::new();
        for (name, value, paint) in series {
            let points = run.slots.iter().map(|slot| (middle(slot), value(slot)));
            frame::line(plot, points, *paint)?;
            let last = run
                .slots
                .iter()
                .rev()
                .find_map(value)
                .unwrap_or(vertical.low);
            names.push((*name, last, *paint));
        }
        frame::name_series(canvas, plot, horizontal.high, &names)?;
        let Extra::Bounds(bounds) = extra else {
            return Ok(());
        };
        for (_, micros, text) in *bounds {
            bound(canvas, plot, (&horizontal, log10(*micros)), text)?;
        }
        for slot in run.slots.iter().filter(|slot| slot.never > 0) {
            let (x, y) = frame::pixel(plot, (middle(slot), vertical.high));
            canvas.draw(&TriangleMarker::new(
                (x, y + 6),
                5,
                Paint::Bad.colour().filled(),
            ))?;
        }
        Ok(())
    })
}

/// A bound over the whole width, named at its right end.
fn bound(
    canvas: &Canvas<'_>,
    plot: &mut Plot<'_, '_>,
    (horizontal, height): (&Axis, f64),
    text: &str,
) -> Drawn {
    let ends = [(horizontal.low, height), (horizontal.high, height)];
    plot.draw_series([PathElement::new(
        ends,
        Paint::Limit.colour().stroke_width(1),
    )])?;
    let (x, y) = frame::pixel(plot, (horizontal.high, height));
    frame::write(
        canvas,
        text,
        (x - 4, y - 3),
        (HPos::Right, VPos::Bottom),
        Paint::Limit,
    )
}

pub(super) fn time_axis(run: &ShownRun) -> Axis {
    let slots_end = run
        .slots
        .last()
        .map_or(0, |slot| slot.start.0 + run.slot_width.0);
    let end = run
        .phases
        .iter()
        .map(|span| span.end.0)
        .max()
        .unwrap_or(0)
        .max(slots_end)
        .max(1);
    let seconds = |at: f64| format!("{} s", three_digits((at * 1e6).round() as u128, 1_000_000));
    let mut axis = Axis::linear(end as f64 / 1e6 / 2.0, "virtual time", seconds);
    // Twice as many ticks as a vertical axis has, and the run ends where the chart does.
    let step = axis.ticks.get(1).map_or(1.0, |tick| tick.0);
    axis.high = end as f64 / 1e6;
    let count = (axis.high / step).floor() as u64;
    axis.ticks = (0..=count)
        .map(|turn| turn as f64 * step)
        .map(|at| (at, seconds(at)))
        .collect();
    axis
}

pub(super) fn phases(
    canvas: &Canvas<'_>,
    plot: &mut Plot<'_, '_>,
    run: &ShownRun,
    vertical: &Axis,
) -> Drawn {
    for (index, span) in run.phases.iter().enumerate() {
        let (left, right) = (span.start.as_secs_f64(), span.end.as_secs_f64());
        if index % 2 == 0 {
            let corners = [(left, vertical.low), (right, vertical.high)];
            let shade = Paint::PhaseShade.colour().filled();
            plot.draw_series([Rectangle::new(corners, shade)])?;
        }
        let (from, y) = frame::pixel(plot, (left, vertical.high));
        let (to, _) = frame::pixel(plot, (right, vertical.high));
        let name = span.phase.name();
        if to - from > LETTER * i32::try_from(name.len()).unwrap_or(i32::MAX) {
            let place = (HPos::Center, VPos::Bottom);
            frame::write(canvas, name, ((from + to) / 2, y - 4), place, Paint::Text)?;
        }
    }
    Ok(())
}

/// Lane and index of every fault that finds room: bars of one lane do not overlap.
pub(super) fn lanes(run: &ShownRun, axis: &Axis) -> Vec<(usize, usize)> {
    let mut ends: Vec<f64> = Vec::new();
    let mut placed = Vec::new();
    for (index, fault) in run.faults.iter().enumerate() {
        // A name needs its width even when the fault is short.
        let room = f64::from(LETTER) * fault_name(index, run).chars().count() as f64;
        let width = room * (axis.high - axis.low) / f64::from(frame::PLOT_WIDTH);
        let start = fault.start.as_secs_f64();
        let end = fault.end.as_secs_f64().max(start + width);
        let free = ends.iter().position(|busy| *busy <= start);
        let lane = free.unwrap_or(ends.len());
        if lane >= LANES_MAX {
            continue;
        }
        if lane == ends.len() {
            ends.push(0.0);
        }
        ends[lane] = end;
        placed.push((lane, index));
    }
    placed
}

/// The name on a bar: its number in the fault log, its kind and what it struck.
fn fault_name(index: usize, run: &ShownRun) -> String {
    let fault = &run.faults[index];
    let target = fault.resolved.as_ref().unwrap_or(&fault.target);
    let applied = if fault.resolved.is_some() {
        ""
    } else {
        " (not applied)"
    };
    format!("F{} {} {target}{applied}", index + 1, fault.kind)
}

pub(super) fn faults(
    canvas: &Canvas<'_>,
    plot: &mut Plot<'_, '_>,
    (run, lanes): (&ShownRun, &[(usize, usize)]),
    vertical: &Axis,
) -> Drawn {
    for fault in run.faults.iter().filter(|fault| fault.resolved.is_some()) {
        let (left, right) = (fault.start.as_secs_f64(), fault.end.as_secs_f64());
        let corners = [(left, vertical.low), (right, vertical.high)];
        plot.draw_series([Rectangle::new(corners, Paint::FaultHatch.colour().filled())])?;
    }
    for (lane, index) in lanes {
        let fault = &run.faults[*index];
        let (left, y) = frame::pixel(plot, (fault.start.as_secs_f64(), vertical.high));
        let (right, _) = frame::pixel(plot, (fault.end.as_secs_f64(), vertical.high));
        let lanes_below = i32::try_from(*lane).expect("at most LANES_MAX");
        let bottom = y - 42 - lanes_below * i32::try_from(LANE).expect("small");
        let style = Paint::FaultBar.colour();
        let corners = [(left, bottom - 5), (right.max(left + 2), bottom)];
        if fault.resolved.is_some() {
            canvas.draw(&Rectangle::new(corners, style.filled()))?;
        } else {
            canvas.draw(&Rectangle::new(corners, style.stroke_width(1)))?;
        }
        let name = fault_name(*index, run);
        let place = (HPos::Left, VPos::Bottom);
        frame::write(canvas, &name, (left, bottom - 6), place, Paint::FaultText)?;
    }
    Ok(())
}
