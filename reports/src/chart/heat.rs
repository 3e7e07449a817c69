//! The latency heat map: time against latency, how many events in shades.

use std::collections::BTreeMap;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::Chart;
use super::frame::{self, Axis, log10, rounded};
use super::paint::Paint;
use super::time::{faults, phases, room, time_axis};
use crate::model::shown::ShownRun;

/// Columns at most: neighbouring slots share one.
const COLUMNS: usize = 100;
/// Rows a power of ten.
const PER_DECADE: f64 = 8.0;
/// Shades.
const SHADES: u32 = 5;

/// Events by due time and latency; `None` if nothing became visible.
#[must_use]
pub fn heat_map(run: &ShownRun) -> Option<Chart> {
    let joined = run.latencies.0.len().div_ceil(COLUMNS).max(1);
    let columns: Vec<BTreeMap<i32, u64>> = run.latencies.0.chunks(joined).map(column).collect();
    let most = *columns.iter().flat_map(BTreeMap::values).max()?;
    let low = *columns
        .iter()
        .filter_map(|column| column.keys().next())
        .min()?;
    let high = *columns
        .iter()
        .filter_map(|column| column.keys().next_back())
        .max()?
        + 1;
    let micros = |row: i32| libm::pow(10.0, f64::from(row) / PER_DECADE).round() as u64;
    let vertical = Axis::log_duration(micros(low), micros(high), "latency by due time (log)");
    let horizontal = time_axis(run);
    let (top, lanes) = room(run, &horizontal);
    let label = "Events by due time and latency";
    let svg = frame::draw(
        (230 + top, top),
        (&horizontal, &vertical),
        label,
        |canvas, plot| {
            phases(canvas, plot, run, &vertical)?;
            faults(canvas, plot, (run, &lanes), &vertical)?;
            let width = run.slot_width.as_secs_f64() * joined as f64;
            for row in low..high {
                let (bottom, above) = (edge(row), edge(row + 1));
                let mut start = 0;
                // Neighbours of one shade are one cell.
                let shades: Vec<Option<u8>> = columns
                    .iter()
                    .map(|column| column.get(&row).map(|count| shade(*count, most)))
                    .collect();
                for group in shades.chunk_by(|a, b| a == b) {
                    let end = start + group.len();
                    if let Some(shade) = group[0] {
                        let corners = [
                            (start as f64 * width, bottom.max(vertical.low)),
                            (
                                (end as f64 * width).min(horizontal.high),
                                above.min(vertical.high),
                            ),
                        ];
                        let fill = Paint::Heat(shade).colour().filled();
                        plot.draw_series([Rectangle::new(corners, fill)])?;
                    }
                    start = end;
                }
            }
            for slots in run.slots.chunks(joined) {
                if slots.iter().any(|slot| slot.never > 0) {
                    let at = slots[0].start.as_secs_f64() + width / 2.0;
                    let (x, y) = frame::pixel(plot, (at, vertical.high));
                    canvas.draw(&TriangleMarker::new(
                        (x, y + 6),
                        5,
                        Paint::Bad.colour().filled(),
                    ))?;
                }
            }
            let (x, y) = frame::pixel(plot, (horizontal.high, vertical.high));
            for (line, shade) in (0..).zip((0..SHADES).rev()) {
                let at = (x + 8, y + 18 * line);
                let fill = Paint::Heat(u8::try_from(shade).expect("a few"))
                    .colour()
                    .filled();
                canvas.draw(&Rectangle::new([at, (at.0 + 16, at.1 + 14)], fill))?;
                let place = (HPos::Left, VPos::Center);
                let text = format!("from {}", least(shade, most));
                frame::write(canvas, &text, (at.0 + 22, at.1 + 7), place, Paint::Text)?;
            }
            Ok(())
        },
    );
    Some(Chart {
        title: "Latency heat map".to_owned(),
        caption: "The darker, the more events of that latency were due then; in dark colours the brighter. \
                  ▲ marks columns with events that never became visible."
            .to_owned(),
        is_latency: true,
        svg,
        legend: Vec::new(),
    })
}

fn column(slots: &[Vec<(u64, u64)>]) -> BTreeMap<i32, u64> {
    let mut counts = BTreeMap::new();
    for (micros, count) in slots.iter().flatten() {
        let row = (log10((*micros).max(1)) * PER_DECADE).floor() as i32;
        *counts.entry(row).or_default() += count;
    }
    counts
}

/// Where a row begins, as a decimal logarithm of microseconds.
fn edge(row: i32) -> f64 {
    rounded(f64::from(row) / PER_DECADE)
}

/// The least count of a shade: shades share the powers of ten up to `most` evenly.
fn least(shade: u32, most: u64) -> u64 {
    let power = log10(most) * f64::from(shade) / f64::from(SHADES);
    (libm::pow(10.0, power) - 1e-6).ceil().max(1.0) as u64
}

fn shade(count: u64, most: u64) -> u8 {
    let found = (0..SHADES).rev().find(|shade| count >= least(*shade, most));
    u8::try_from(found.unwrap_or(0)).expect("a few shades")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_count_has_the_shade_whose_least_it_reaches() {
        for most in [1, 2, 9, 100, 54_321] {
            assert_eq!(least(0, most), 1);
            for count in 1..=most.min(2_000) {
                let shade = u32::from(shade(count, most));
                assert!(count >= least(shade, most), "{count} of {most}");
                let above = shade + 1;
                assert!(
                    above == SHADES || count < least(above, most),
                    "{count} of {most}"
                );
            }
        }
        assert_eq!(shade(54_321, 54_321), 4);
    }
}
