//! Two swept settings as a map: a field for each combination, the darker the worse.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::Chart;
use super::frame::{self, Axis, Frame, rounded};
use super::measure::Measure;
use super::paint::Paint;
use crate::compare::Comparison;
use crate::compare::sweep::{Sweep, Swept};
use crate::compare::unit::{Unit, digits};
use crate::html::words::tame;

/// The darkest field: text upon it has to stay readable.
const DARKEST: f64 = 0.62;
/// Height of a field.
const FIELD: u32 = 40;
/// A field narrower than this has no room for a number.
const NARROW: u32 = 34;

/// A measure over both settings; none if no cell has it.
pub fn map(comparison: &Comparison, sweep: &Sweep, measure: &Measure) -> Option<Chart> {
    let [across, upward] = &sweep.axes[..] else {
        return None;
    };
    let fields: Vec<_> = sweep
        .cells
        .iter()
        .map(|cell| {
            let side = &comparison.sides[cell.side];
            (
                cell.at[0],
                cell.at[1],
                side.broken.count,
                measure.read(side),
            )
        })
        .collect();
    let values = fields
        .iter()
        .filter_map(|(_, _, _, measured)| measured.value);
    let (least, most) = (values.clone().reduce(f64::min)?, values.reduce(f64::max)?);
    let (divisor, unit) = measure.unit.scale(most);
    let is_wide = across.values.len() > 6;
    let height = FIELD * upward.values.len() as u32 + 46 + 42;
    let left = label_width(upward);
    let frame = if is_wide {
        Frame {
            left,
            right: 24,
            ..Frame::wide(height, 46)
        }
    } else {
        Frame {
            left,
            ..Frame::half(height)
        }
    };
    let width = (frame.width - frame.left - frame.right) / across.values.len() as u32;
    let shade = |value: f64| {
        let share = if most > least {
            (value - least) / (most - least)
        } else {
            0.0
        };
        let badness = if measure.less_is_better {
            share
        } else {
            1.0 - share
        };
        rounded((badness * DARKEST * 100.0).round() / 100.0)
    };
    let axes = (&beside(across), &beside(upward));
    let label = format!(
        "{} over {} and {}",
        measure.title, across.setting, upward.setting
    );
    let svg = frame::draw_in(frame, axes, &tame(&label), |canvas, plot| {
        for (x, y, broken, measured) in &fields {
            let (x, y) = (*x as f64, *y as f64);
            let corners = [(x - 0.48, y - 0.46), (x + 0.48, y + 0.46)];
            plot.draw_series([Rectangle::new(corners, Paint::Ground.colour().filled())])?;
            if let Some(value) = measured.value {
                let ground = Paint::Series(0).colour().mix(shade(value)).filled();
                plot.draw_series([Rectangle::new(corners, ground)])?;
            }
            let edge = if *broken > 0 {
                Paint::Bad.colour().stroke_width(2)
            } else {
                Paint::Grid.colour().stroke_width(1)
            };
            plot.draw_series([Rectangle::new(corners, edge)])?;
            if width < NARROW {
                continue;
            }
            let text = match (measured.value, measured.never) {
                (None, 0) => "–".to_owned(),
                (None, _) => "never".to_owned(),
                (Some(value), 0) => digits(value / divisor),
                (Some(value), never) => format!("{} ▲{never}", digits(value / divisor)),
            };
            let place = (HPos::Center, VPos::Center);
            frame::write(
                canvas,
                &text,
                frame::pixel(plot, (x, y)),
                place,
                Paint::Value,
            )?;
        }
        Ok(())
    });
    let title = if unit.is_empty() {
        measure.title.to_owned()
    } else {
        format!("{}, {unit}", measure.title)
    };
    Some(Chart {
        title,
        caption: String::new(),
        is_latency: matches!(measure.unit, Unit::Micros),
        legend: Vec::new(),
        svg,
    })
}

/// Room for the labels of the upward axis, by the letters of the longest.
fn label_width(swept: &Swept) -> u32 {
    let letters = swept.values.iter().map(|value| value.text.chars().count());
    let longest = letters.max().unwrap_or(0) as u32;
    (16 + 8 * longest).clamp(46, 160)
}

/// Values one beside the other, each with room around it.
fn beside(swept: &Swept) -> Axis {
    let values = swept.values.iter().enumerate();
    Axis {
        low: -0.5,
        high: swept.values.len() as f64 - 0.5,
        ticks: values
            .map(|(place, value)| (place as f64, tame(&value.text)))
            .collect(),
        name: tame(&swept.setting),
        is_time: false,
    }
}
