//! Configurations by latency, cost and broken promises: what lies below and to the left of another, with no larger
//! share of broken seeds, is better in all three.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::Chart;
use super::frame::{self, Axis, Canvas, Drawn, Frame, Plot, rounded};
use super::paint::Paint;
use crate::compare::Comparison;
use crate::compare::metric::LATENCY;
use crate::compare::unit::{Unit, digits};
use crate::html::words::tame;
use crate::model::value::Value;

/// More names than this write over each other: then only those of the undominated are written.
const NAMES: usize = 12;
/// Height of a line of text, and width of a letter.
const LINE: i32 = 15;
const LETTER: i32 = 7;

/// One configuration.
struct Point {
    name: String,
    /// None of a latency that never ended in any seed.
    latency: Option<f64>,
    cost: f64,
    /// Parts per million of the seeds that broke a promise.
    broken_ppm: u64,
    is_undominated: bool,
}

impl Point {
    /// The ring around it, whose area is the share of broken seeds; the smallest can still be seen.
    fn ring(&self) -> i32 {
        match self.broken_ppm {
            0 => 0,
            share => (7.0 + 11.0 * (share as f64 / 1e6).sqrt()).round() as i32,
        }
    }

    fn label(&self) -> String {
        match self.broken_ppm {
            0 => self.name.clone(),
            share => format!("{}: {} break", self.name, Value::Ppm(share)),
        }
    }
}

/// p99 over cost, a mark a configuration, its ring the share of broken seeds; `None` if fewer than two have both.
#[must_use]
pub fn pareto(comparison: &Comparison) -> Option<Chart> {
    let metric = comparison.cost_metric();
    let cost = comparison.sides.first()?.figure(metric)?.unit;
    let named = |side: usize| {
        let sweep = comparison.sweep.as_ref();
        let short = sweep.and_then(|sweep| sweep.name_of(side));
        short.unwrap_or_else(|| comparison.sides[side].name.clone())
    };
    let sides = comparison.sides.iter().enumerate();
    let points = sides.filter_map(|(place, side)| {
        let latency = side.figure(LATENCY)?;
        (latency.mean.is_some() || latency.never > 0).then_some(())?;
        Some(Point {
            name: tame(&named(place)),
            latency: latency.mean,
            cost: side.figure(metric)?.mean?,
            broken_ppm: side.broken.share_ppm,
            is_undominated: side.is_undominated,
        })
    });
    let points: Vec<Point> = points.collect();
    let latencies = points.iter().filter_map(|point| point.latency);
    if points.len() < 2 || latencies.clone().next().is_none() {
        return None;
    }
    let horizontal = axis(points.iter().map(|point| point.cost), cost, metric);
    let vertical = axis(latencies, Unit::Micros, LATENCY);
    let label = "Configurations by latency, cost and broken promises";
    let frame = Frame {
        right: 250,
        ..Frame::wide(340, 46)
    };
    let axes = (&horizontal.0, &vertical.0);
    let svg = frame::draw_in(frame, axes, label, |canvas, plot| {
        let scaled = |point: &Point| {
            let latency = point.latency.map(|latency| latency / vertical.1);
            (
                point.cost / horizontal.1,
                latency.unwrap_or(vertical.0.high),
            )
        };
        for point in &points {
            mark(canvas, plot, scaled(point), point)?;
        }
        let is_named = |point: &&Point| points.len() <= NAMES || point.is_undominated;
        let named: Vec<&Point> = points.iter().filter(is_named).collect();
        names(canvas, plot, &named, &scaled)
    });
    Some(Chart {
        title: "p99, cost and broken promises".to_owned(),
        caption: "Down and to the left is better. A ring broke a promise in some seeds: the larger, the more. \
                  Filled are those that no other beats in all three; a cross is beaten by another. ▲ never came to \
                  an end in any seed."
            .to_owned(),
        is_latency: true,
        svg,
        legend: Vec::new(),
    })
}

/// An axis around values, and by what they are divided on it.
fn axis(values: impl Iterator<Item = f64>, unit: Unit, name: &str) -> (Axis, f64) {
    let values: Vec<f64> = values.collect();
    let most = values.iter().copied().fold(0.0, f64::max);
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let (divisor, unit) = unit.scale(most);
    let name = match unit.as_str() {
        "" => name.to_owned(),
        unit => format!("{name}, {unit}"),
    };
    // Room beyond the outermost marks, so that rings stay inside.
    let room = (most - least) * 0.08;
    let ends = ((least - room) / divisor, (most + room) / divisor);
    let axis = Axis::around(ends.0, ends.1, &name, |at| digits(rounded(at)));
    (axis, divisor)
}

fn mark(canvas: &Canvas<'_>, plot: &mut Plot<'_, '_>, at: (f64, f64), point: &Point) -> Drawn {
    if point.broken_ppm > 0 {
        let ring = Paint::Bad.colour().stroke_width(2);
        plot.draw_series([Circle::new(at, point.ring(), ring)])?;
    }
    let paint = Paint::Series(0).colour();
    if point.latency.is_none() {
        let at = frame::pixel(plot, at);
        canvas.draw(&TriangleMarker::new(at, 6, Paint::Bad.colour().filled()))?;
    } else if point.is_undominated {
        plot.draw_series([Circle::new(at, 5, paint.filled())])?;
    } else {
        let cross = Paint::Text.colour().stroke_width(2);
        plot.draw_series([Cross::new(at, 4, cross)])?;
    }
    Ok(())
}

/// Names to the right of their marks, none over another.
fn names(
    canvas: &Canvas<'_>,
    plot: &Plot<'_, '_>,
    points: &[&Point],
    scaled: &dyn Fn(&Point) -> (f64, f64),
) -> Drawn {
    let mut placed: Vec<(i32, i32, String)> = points
        .iter()
        .map(|point| {
            let (x, y) = frame::pixel(plot, scaled(point));
            (x + point.ring().max(5) + 4, y, point.label())
        })
        .collect();
    placed.sort_by_key(|(x, y, _)| (*y, *x));
    for index in 1..placed.len() {
        let (above, below) = placed.split_at_mut(index);
        let (x, y, text) = &mut below[0];
        let ends = |x: i32, text: &str| x + LETTER * text.chars().count() as i32;
        // Those that end before this one begins, or begin behind its end, are in nobody's way.
        let crowding = above.iter().filter(|(left, top, other)| {
            ends(*left, other) > *x && ends(*x, text) > *left && *top > *y - LINE
        });
        let least = crowding.map(|(_, top, _)| top + LINE).max();
        *y = (*y).max(least.unwrap_or(*y));
    }
    for (x, y, text) in placed {
        let place = (HPos::Left, VPos::Center);
        frame::write(canvas, &text, (x, y), place, Paint::Value)?;
    }
    Ok(())
}
