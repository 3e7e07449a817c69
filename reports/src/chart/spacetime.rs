//! The space-time diagram of a failing run: a line a node, a dot a moment, a stroke a message.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::Chart;
use super::frame::{self, Axis};
use super::paint::{Mark, Paint};
use crate::model::recorded::{Kind, Moment, Story};
use crate::model::value::three_digits;

/// Height of a node's row.
const ROW: u32 = 26;
/// Letters of a node's name that find room beside its line.
const LETTERS: usize = 18;

/// The moments of a story; `None` without any.
#[must_use]
pub fn spacetime(story: &Story) -> Option<Chart> {
    let (first, last) = (story.moments.first()?, story.moments.last()?);
    let horizontal = time_axis(first.at, last.at);
    let rows = story.nodes.len() + 1;
    let vertical = Axis {
        low: 0.0,
        high: rows as f64,
        ticks: Vec::new(),
        name: String::new(),
        is_time: false,
    };
    let place = |moment: &Moment| {
        // What happens to the world stands above all nodes.
        let row = moment.node.map_or(0, |node| node + 1);
        (moment.at as f64 / 1e9, (rows - row) as f64 - 0.5)
    };
    let height = u32::try_from(rows).unwrap_or(u32::MAX).saturating_mul(ROW) + 46 + 42;
    let label = "Moments of the failing run by time and node, and the messages between them";
    let svg = frame::draw(
        (height, 30),
        (&horizontal, &vertical),
        label,
        |canvas, plot| {
            let names = std::iter::once("the world").chain(story.nodes.iter().map(String::as_str));
            for (row, name) in names.enumerate() {
                let y = (rows - row) as f64 - 0.5;
                let ends = [(horizontal.low, y), (horizontal.high, y)];
                let life = Paint::Life.colour().stroke_width(1);
                plot.draw_series([PathElement::new(ends, life)])?;
                let (x, y) = frame::pixel(plot, (horizontal.high, y));
                let at = (HPos::Left, VPos::Center);
                frame::write(canvas, &short(name), (x + 8, y), at, Paint::Text)?;
            }
            for (from, to) in story.messages() {
                let (from, to) = (&story.moments[from], &story.moments[to]);
                let followed = from.followed && to.followed;
                let stroke = Paint::Message(followed).colour();
                let stroke = stroke.stroke_width(if followed { 2 } else { 1 });
                plot.draw_series([PathElement::new([place(from), place(to)], stroke)])?;
            }
            for moment in &story.moments {
                let at = frame::pixel(plot, place(moment));
                let mark = mark(moment);
                let size = if mark == Mark::Other { 3 } else { 5 };
                canvas.draw(&Circle::new(
                    at,
                    size,
                    Paint::Moment(mark).colour().filled(),
                ))?;
                if mark == Mark::Struck {
                    let above = (at.0, at.1 - 9);
                    canvas.draw(&TriangleMarker::new(above, 4, Paint::Bad.colour().filled()))?;
                }
            }
            Ok(())
        },
    );
    Some(Chart {
        title: "Space and time".to_owned(),
        caption: "A line a node, a dot a moment, a stroke the message that brought what happened at its right \
                  end. Large dots are of the followed event; ▲ marks faults, deaths and losses."
            .to_owned(),
        is_latency: false,
        svg,
        legend: Vec::new(),
    })
}

fn mark(moment: &Moment) -> Mark {
    match moment.kind {
        Kind::Fault | Kind::Loss => Mark::Struck,
        Kind::Office | Kind::Send | Kind::Store | Kind::Read | Kind::Effect | Kind::Answer => {
            if moment.followed {
                Mark::Followed
            } else {
                Mark::Other
            }
        }
    }
}

/// From a little before the first moment to a little after the last.
fn time_axis(first: u64, last: u64) -> Axis {
    let room = ((last - first) / 50).max(1_000);
    let (low, high) = (
        first.saturating_sub(room) as f64 / 1e9,
        (last + room) as f64 / 1e9,
    );
    let text = |at: f64| format!("{} s", three_digits((at * 1e6).round() as u128, 1_000_000));
    let steps = 6;
    let ticks = (0..=steps).map(|turn| {
        let at = low + (high - low) * f64::from(turn) / f64::from(steps);
        (at, text(at))
    });
    Axis {
        low,
        high,
        ticks: ticks.collect(),
        name: "virtual time".to_owned(),
        is_time: true,
    }
}

fn short(name: &str) -> String {
    if name.chars().count() <= LETTERS {
        return name.to_owned();
    }
    let end: Vec<char> = name.chars().rev().take(LETTERS - 1).collect();
    format!("…{}", end.into_iter().rev().collect::<String>())
}
