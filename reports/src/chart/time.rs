//! What all charts over the virtual time of the shown run share: its phases, its faults, and lines by slot.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::Legend;
use super::frame::{self, Axis, Canvas, Drawn, Plot, log10};
use super::paint::Paint;
use crate::model::shown::{ShownRun, Slot};
use crate::model::value::three_digits;

/// Height of a lane: the name of a fault above a bar as long as the fault.
pub(super) const LANE: u32 = 23;
/// Bars above each other before faults are left to the log.
const LANES_MAX: usize = 5;
/// Faults whose time is hatched; the log has more.
pub(crate) const BANDS: usize = 40;
/// Estimated width of a letter of a fault's name.
const LETTER: i32 = 7;
/// Lines that can be told apart.
pub(super) const LINES: usize = 5;

/// One line of a chart: its name, a value a slot, and its look.
pub(super) struct TimeLine {
    pub(super) name: String,
    pub(super) values: Vec<Option<f64>>,
    pub(super) look: u8,
}

impl TimeLine {
    /// What `pick` finds in each slot.
    pub(super) fn of(
        run: &ShownRun,
        name: &str,
        look: u8,
        pick: impl Fn(&Slot) -> Option<f64>,
    ) -> Self {
        Self {
            name: name.to_owned(),
            values: run.slots.iter().map(pick).collect(),
            look,
        }
    }

    pub(super) fn peak(&self) -> f64 {
        self.values.iter().flatten().copied().fold(0.0, f64::max)
    }
}

/// What a chart has beside its lines.
pub(super) enum Extra<'a> {
    Nothing,
    /// The area under its first line.
    Filled,
    /// SLO bounds, and marks where events never became visible.
    Bounds(&'a [(f64, u64, String)]),
}

/// What its lines are called below it.
pub(super) fn legend(lines: &[TimeLine]) -> Vec<Legend> {
    let all = lines.iter().map(|line| Legend {
        name: line.name.clone(),
        look: line.look,
    });
    all.collect()
}

/// The room above a plot for the faults of a run, with the bars placed.
pub(super) fn room(run: &ShownRun, horizontal: &Axis) -> (u32, Vec<(usize, usize)>) {
    let lanes = lanes(run, horizontal);
    let used = lanes.iter().map(|(lane, _)| lane + 1).max().unwrap_or(0);
    let top = 46 + LANE * u32::try_from(used).expect("at most LANES_MAX");
    (top, lanes)
}

/// The middle of a slot, in seconds.
pub(super) fn middle(run: &ShownRun, slot: usize) -> f64 {
    let width = run.slot_width.as_secs_f64();
    run.slots.get(slot).map_or_else(
        || (slot as f64 + 0.5) * width,
        |slot| slot.start.as_secs_f64() + width / 2.0,
    )
}

pub(super) fn draw(
    run: &ShownRun,
    height: u32,
    vertical: &Axis,
    label: &str,
    lines: &[TimeLine],
    extra: &Extra<'_>,
) -> String {
    let horizontal = time_axis(run);
    let (top, lanes) = room(run, &horizontal);
    let size = (height + top, top);
    frame::draw(size, (&horizontal, vertical), label, |canvas, plot| {
        phases(canvas, plot, run, vertical)?;
        faults(canvas, plot, (run, &lanes), vertical)?;
        if let (Extra::Filled, Some(line)) = (extra, lines.first()) {
            let values = line.values.iter().enumerate();
            let points = values.map(|(slot, value)| (middle(run, slot), value.unwrap_or(0.0)));
            let area = AreaSeries::new(points, vertical.low, Paint::Fill.colour().filled());
            plot.draw_series(area)?;
        }
        let mut names = Vec::new();
        for line in lines {
            let values = line.values.iter().enumerate();
            let points = values.map(|(slot, value)| (middle(run, slot), *value));
            frame::line(plot, points, Paint::Series(line.look))?;
            let last = line.values.iter().rev().find_map(|value| *value);
            let last = last.unwrap_or(vertical.low);
            names.push((line.name.as_str(), last, Paint::Series(line.look)));
        }
        frame::name_series(canvas, plot, horizontal.high, &names)?;
        let Extra::Bounds(bounds) = extra else {
            return Ok(());
        };
        for (_, micros, text) in *bounds {
            bound(canvas, plot, (&horizontal, log10(*micros)), text)?;
        }
        for (slot, _) in run
            .slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| slot.never > 0)
        {
            let (x, y) = frame::pixel(plot, (middle(run, slot), vertical.high));
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
    axis.is_time = true;
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
    let struck = run.faults.iter().filter(|fault| fault.resolved.is_some());
    for fault in struck.take(BANDS) {
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
