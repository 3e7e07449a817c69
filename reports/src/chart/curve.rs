//! A figure over a swept setting: a line for each figure, or for each value of a second setting.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::Chart;
use super::frame::{self, Canvas, Drawn, Frame, Plot};
use super::measure::{Measure, Measured, Range};
use super::paint::Paint;
use super::swept::Layout;
use crate::compare::Comparison;
use crate::compare::sweep::{Sweep, Swept};
use crate::compare::unit::Unit;
use crate::html::words::tame;

/// More lines cannot be told apart.
const LINES: usize = 5;

/// A line and its name.
struct Line {
    name: String,
    /// The configuration at each place of the axis, and its value; none where nothing was run.
    points: Vec<Option<(usize, Measured)>>,
}

/// Several measures of one unit over the only setting, within a range that other charts may share.
pub fn measures_over(
    comparison: &Comparison,
    sweep: &Sweep,
    (measures, range): (&[Measure], &Range),
    title: &str,
) -> Option<Chart> {
    let axis = sweep.axes.first()?;
    let lines = measures.iter().map(|measure| Line {
        name: match measures.len() {
            1 => String::new(),
            _ => measure.title.to_owned(),
        },
        points: (0..axis.values.len())
            .map(|at| point(comparison, sweep, measure, &[at]))
            .collect(),
    });
    drawn(comparison, axis, lines.collect(), range, title, None)
}

/// A measure over the setting at `along`, a line for each value of the other. Both ways have the same range.
pub fn measure_along(
    comparison: &Comparison,
    sweep: &Sweep,
    measure: &Measure,
    along: usize,
) -> Option<Chart> {
    let [first, second] = &sweep.axes[..] else {
        return None;
    };
    let (axis, other) = if along == 0 {
        (first, second)
    } else {
        (second, first)
    };
    let shown = few(other.values.len());
    let lines = shown.iter().map(|row| Line {
        name: tame(&other.values[*row].text),
        points: (0..axis.values.len())
            .map(|at| {
                let at = if along == 0 { [at, *row] } else { [*row, at] };
                point(comparison, sweep, measure, &at)
            })
            .collect(),
    });
    let hidden = (shown.len() < other.values.len()).then_some(other.values.len());
    let range = Range::of(comparison, sweep, std::slice::from_ref(measure))?;
    let title = format!("{}, a line for each {}", measure.title, tame(other.name()));
    drawn(comparison, axis, lines.collect(), &range, &title, hidden)
}

/// The positions of at most five of so many, the first and the last among them.
fn few(count: usize) -> Vec<usize> {
    if count <= LINES {
        return (0..count).collect();
    }
    (0..LINES)
        .map(|line| line * (count - 1) / (LINES - 1))
        .collect()
}

fn point(
    comparison: &Comparison,
    sweep: &Sweep,
    measure: &Measure,
    at: &[usize],
) -> Option<(usize, Measured)> {
    let side = sweep.side_at(at)?;
    Some((side, measure.read(&comparison.sides[side])))
}

fn drawn(
    comparison: &Comparison,
    swept: &Swept,
    lines: Vec<Line>,
    range: &Range,
    title: &str,
    hidden: Option<usize>,
) -> Option<Chart> {
    let mut points = lines.iter().flat_map(|line| line.points.iter().flatten());
    points.find(|(_, measured)| measured.value.is_some())?;
    let Layout { axis, places } = Layout::of(swept);
    let vertical = range.axis();
    let has_names = lines.iter().any(|line| !line.name.is_empty());
    let frame = Frame {
        right: if has_names { 120 } else { 24 },
        ..Frame::half(290)
    };
    let svg = frame::draw_in(frame, (&axis, &vertical), title, |canvas, plot| {
        let mut names = Vec::new();
        for (index, line) in lines.iter().enumerate() {
            let paint = Paint::Series(index as u8);
            let scaled = |value: f64| range.place(value).clamp(vertical.low, vertical.high);
            let points = line.points.iter().zip(&places);
            let points = points.map(|(point, x)| {
                let value = point.and_then(|(_, measured)| measured.value);
                (*x, value.map(scaled))
            });
            let points: Vec<_> = points.collect();
            frame::line(plot, points.iter().copied(), paint)?;
            for (point, x) in line.points.iter().zip(&places) {
                let Some((side, measured)) = point else {
                    continue;
                };
                let is_broken = comparison.sides[*side].broken.count > 0;
                mark(
                    canvas,
                    plot,
                    (*x, measured),
                    &scaled,
                    (paint, is_broken),
                    vertical.high,
                )?;
            }
            let end = points.iter().rev().find_map(|(_, y)| *y);
            if let (Some(end), false) = (end, line.name.is_empty()) {
                names.push((line.name.as_str(), end, paint));
            }
        }
        frame::name_series(canvas, plot, axis.high, &names)
    });
    let mut caption = String::new();
    if let Some(count) = hidden {
        caption.push_str(&format!(
            "{LINES} of {count} values are shown; the map has all."
        ));
    }
    Some(Chart {
        title: title.to_owned(),
        caption,
        is_latency: range.unit() == Unit::Micros,
        legend: Vec::new(),
        svg,
    })
}

/// A mark with its whisker; a ring where a promise was broken, a triangle at the top where it never came to an end.
fn mark(
    canvas: &Canvas<'_>,
    plot: &mut Plot<'_, '_>,
    (x, measured): (f64, &Measured),
    scaled: &dyn Fn(f64) -> f64,
    (paint, is_broken): (Paint, bool),
    high: f64,
) -> Drawn {
    let place = |value: f64| (x, scaled(value));
    if let Some([low, top]) = measured.interval {
        let whisker = [place(low), place(top)];
        plot.draw_series([PathElement::new(whisker, paint.colour().stroke_width(1))])?;
    }
    if let Some(value) = measured.value {
        let at = place(value);
        if is_broken {
            let ring = Paint::Bad.colour().stroke_width(2);
            plot.draw_series([Circle::new(at, 5, ring)])?;
        } else {
            plot.draw_series([Circle::new(at, 4, paint.colour().filled())])?;
        }
    }
    if measured.never > 0 {
        let (x, y) = frame::pixel(plot, (x, high));
        canvas.draw(&TriangleMarker::new(
            (x, y + 1),
            5,
            Paint::Bad.colour().filled(),
        ))?;
        let at = (x + 7, y - 4);
        let text = measured.never.to_string();
        frame::write(canvas, &text, at, (HPos::Left, VPos::Bottom), Paint::Bad)?;
    }
    Ok(())
}
