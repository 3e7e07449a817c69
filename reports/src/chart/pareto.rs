//! Configurations by latency and cost: what lies below and to the left of another is better in both.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::Chart;
use super::frame::{self, Axis, short_count};
use super::paint::Paint;
use crate::compare::Comparison;
use crate::html::words::tame;

const LATENCY: &str = "end-to-end p99";
const COST: &str = "network bytes an event";

/// One configuration.
struct Point {
    name: String,
    /// Milliseconds.
    latency: f64,
    /// Bytes.
    cost: f64,
    fails: bool,
}

/// Latency over cost, a mark a configuration; `None` if fewer than two have both.
#[must_use]
pub fn pareto(comparison: &Comparison) -> Option<Chart> {
    let points: Vec<Point> = (0..comparison.sides.len())
        .filter_map(|side| point(comparison, side))
        .collect();
    if points.len() < 2 {
        return None;
    }
    let largest = |of: fn(&Point) -> f64| points.iter().map(of).fold(0.0, f64::max) * 1.15;
    let horizontal = Axis::linear(
        largest(|point| point.cost),
        "network bytes an event",
        short_count,
    );
    let vertical = Axis::linear(largest(|point| point.latency), "end-to-end p99, ms", |at| {
        format!("{}", frame::rounded(at))
    });
    let label = "Configurations by latency and cost";
    let svg = frame::draw(
        (300, 46),
        (&horizontal, &vertical),
        label,
        |canvas, plot| {
            for point in &points {
                let at = (point.cost, point.latency);
                let paint = if point.fails {
                    Paint::Bad
                } else {
                    Paint::Series(0)
                };
                let style = if point.fails {
                    // A ring, so that a broken promise is not told by colour alone.
                    paint.colour().stroke_width(2)
                } else {
                    paint.colour().filled()
                };
                plot.draw_series([Circle::new(at, 6, style)])?;
                let (x, y) = frame::pixel(plot, at);
                // Names near the right edge are written to the left of their mark.
                let is_right = point.cost > horizontal.high * 0.7;
                let place = if is_right { HPos::Right } else { HPos::Left };
                let x = if is_right { x - 11 } else { x + 11 };
                frame::write(
                    canvas,
                    &point.name,
                    (x, y),
                    (place, VPos::Center),
                    Paint::Text,
                )?;
            }
            Ok(())
        },
    );
    Some(Chart {
        title: "p99 against what it costs".to_owned(),
        caption: "Down and to the left is better. A ring is a configuration of which a run failed."
            .to_owned(),
        is_latency: true,
        svg,
    })
}

fn point(comparison: &Comparison, side: usize) -> Option<Point> {
    let value = |metric: &str| {
        let mut rows = comparison.rows.iter().filter(|row| row.metric == metric);
        let row = rows.find(|row| row.side == side.max(1))?;
        let found = row.difference.as_ref()?;
        Some(if side == 0 {
            found.baseline
        } else {
            found.other
        })
    };
    let summary = &comparison.sides[side];
    Some(Point {
        name: tame(&summary.name),
        latency: value(LATENCY)? / 1_000.0,
        cost: value(COST)?,
        fails: summary.failing.count > 0,
    })
}
