//! The distribution of the headline latency in buckets of equal ratio.

use std::collections::BTreeMap;

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::frame::{self, Axis, log10};
use super::paint::Paint;
use super::spectrum::phases;
use super::{Chart, Legend};
use crate::model::histogram::LatencyHistogram;
use crate::model::value::Value;
use crate::model::{Report, SamplePhase};

/// Buckets a power of ten.
const PER_DECADE: f64 = 12.0;

/// Shares of samples by latency, a line a phase; `None` without samples.
#[must_use]
pub fn distribution(report: &Report) -> Option<Chart> {
    let series = &report.identity.headline_series;
    let phases = phases(report);
    let shares: Vec<_> = phases.iter().map(|(_, data)| shares(data)).collect();
    let low = *shares
        .iter()
        .filter_map(|share| share.keys().next())
        .min()?;
    let high = *shares
        .iter()
        .filter_map(|share| share.keys().next_back())
        .max()?
        + 1;
    let peak = shares
        .iter()
        .flat_map(BTreeMap::values)
        .copied()
        .fold(0.0, f64::max);
    let to_micros = |bucket: i32| libm::pow(10.0, f64::from(bucket) / PER_DECADE).round() as u64;
    let horizontal = Axis::log_duration(to_micros(low), to_micros(high), "latency (log)");
    let vertical = Axis::linear(peak * 100.0, "share of the phase's samples", |at| {
        format!("{} %", frame::rounded(at))
    });
    let label = format!("Distribution of {series} latency by phase");
    let svg = frame::draw(
        (290, 46),
        (&horizontal, &vertical),
        &label,
        |canvas, plot| {
            let mut names = Vec::new();
            for (index, (share, (phase, data))) in shares.iter().zip(&phases).enumerate() {
                let paint = Paint::Series(u8::try_from(index % 5).expect("below five"));
                let steps = (low - 1..=high).flat_map(|bucket| {
                    let height = share.get(&bucket).copied().unwrap_or(0.0) * 100.0;
                    let left = f64::from(bucket) / PER_DECADE;
                    let right = f64::from(bucket + 1) / PER_DECADE;
                    [left, right].map(|x| (x.clamp(horizontal.low, horizontal.high), height))
                });
                let steps: Vec<_> = steps.collect();
                if index == 0 {
                    let fill = Paint::Fill.colour().filled();
                    plot.draw_series(
                        [AreaSeries::new(steps.clone(), 0.0, fill)]
                            .into_iter()
                            .flatten(),
                    )?;
                }
                frame::line(plot, steps.into_iter().map(|(x, y)| (x, Some(y))), paint)?;
                let never = data.never_count();
                let name = match never {
                    0 => phase.to_string(),
                    _ => format!("{phase} ▲{}", Value::Count(never)),
                };
                names.push((name, vertical.high * (0.9 - 0.08 * index as f64), paint));
            }
            let named: Vec<_> = names
                .iter()
                .map(|(name, y, paint)| (name.as_str(), *y, *paint))
                .collect();
            frame::name_series(canvas, plot, horizontal.high, &named)?;
            if phases.iter().any(|(_, data)| data.never_count() > 0) {
                let (x, y) = frame::pixel(plot, (horizontal.high, vertical.low));
                let place = (HPos::Left, VPos::Bottom);
                frame::write(canvas, "▲ never visible", (x + 6, y), place, Paint::Bad)?;
            }
            Ok(())
        },
    );
    Some(Chart {
        title: format!("Distribution, {series}"),
        caption:
            "Share of each phase's samples by latency, in buckets of equal ratio. Events that \
                  never became visible lie beyond the right edge and are counted in the legend."
                .to_owned(),
        is_latency: true,
        svg,
        legend: legend(&phases),
    })
}

/// Share of samples that became visible within a time, a line a phase; `None` without samples.
#[must_use]
pub fn within(report: &Report) -> Option<Chart> {
    let series = &report.identity.headline_series;
    let phases = phases(report);
    let micros = || phases.iter().flat_map(|(_, data)| data.buckets());
    let (least, most) = (
        micros().map(|one| one.0).min()?,
        micros().map(|one| one.0).max()?,
    );
    let horizontal = Axis::log_duration(least, most, "latency (log)");
    let vertical = Axis::linear(100.0, "share visible within", |at| {
        format!("{} %", frame::rounded(at))
    });
    let label = format!("Share of {series} latencies within a time, by phase");
    let svg = frame::draw(
        (250, 46),
        (&horizontal, &vertical),
        &label,
        |canvas, plot| {
            let mut names = Vec::new();
            for (index, (phase, data)) in phases.iter().enumerate() {
                let paint = Paint::Series(u8::try_from(index).expect("at most five phases"));
                let points = steps(data, horizontal.low, horizontal.high);
                let end = points.last().map_or(0.0, |point| point.1);
                frame::line(plot, points.into_iter().map(|(x, y)| (x, Some(y))), paint)?;
                names.push((phase.to_string(), end, paint));
            }
            let named: Vec<_> = names
                .iter()
                .map(|(name, y, paint)| (name.as_str(), *y, *paint))
                .collect();
            frame::name_series(canvas, plot, horizontal.high, &named)
        },
    );
    Some(Chart {
        title: format!("Visible within, {series}"),
        caption: "The share of each phase's events that were visible within a time. A line that ends below \
                  100 % has events that never became visible."
            .to_owned(),
        is_latency: true,
        svg,
        legend: legend(&phases),
    })
}

/// The steps of a distribution, those nearer than a pixel left out.
fn steps(data: &LatencyHistogram, low: f64, high: f64) -> Vec<(f64, f64)> {
    let near = (high - low) / f64::from(frame::PLOT_WIDTH);
    let total = data.count() as f64;
    let mut points = vec![(low, 0.0)];
    let (mut seen, mut share) = (0, 0.0);
    for (micros, count) in data.buckets() {
        let x = log10(micros.max(1)).max(low);
        let last = points.last().expect("it begins with a point").0;
        if x - last > near {
            points.push((x, share));
        }
        seen += count;
        share = seen as f64 / total * 100.0;
        if x - last > near {
            points.push((x, share));
        } else if let Some(point) = points.last_mut().filter(|point| point.0 > low) {
            point.1 = share;
        }
    }
    points.push((high, share));
    points
}

fn legend(phases: &[(&SamplePhase, &LatencyHistogram)]) -> Vec<Legend> {
    let names = phases.iter().zip(0..).map(|((phase, _), look)| Legend {
        name: phase.to_string(),
        look,
    });
    names.collect()
}

/// Share of all samples by bucket.
fn shares(data: &LatencyHistogram) -> BTreeMap<i32, f64> {
    let mut counts: BTreeMap<i32, u64> = BTreeMap::new();
    for (micros, count) in data.buckets() {
        let bucket = (log10(micros.max(1)) * PER_DECADE).floor() as i32;
        *counts.entry(bucket).or_default() += count;
    }
    let total = data.count() as f64;
    counts
        .into_iter()
        .map(|(bucket, count)| (bucket, count as f64 / total))
        .collect()
}
