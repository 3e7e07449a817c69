//! The percentile spectrum: latency against how rare it is.

use plotters::prelude::*;
use plotters::style::text_anchor::{HPos, VPos};

use super::frame::{self, Axis, Canvas, Drawn, Plot, log10, rounded};
use super::paint::Paint;
use super::{Chart, Legend};
use crate::model::histogram::LatencyHistogram;
use crate::model::value::{Quantile, Value};
use crate::model::{Report, SamplePhase, SloRow};

/// 99.999 %: beyond it, sample counts of a sweep say nothing.
const RARITY_MAX: f64 = 5.0;
const HEIGHT: u32 = 360;
const TOP: u32 = 46;
/// Lines that can be told apart.
const LOOKS: usize = 5;

/// Latencies of the headline series by phase, with the SLOs on it; `None` without samples.
#[must_use]
pub fn spectrum(report: &Report) -> Option<Chart> {
    let series = &report.identity.headline_series;
    let mut lines: Vec<_> = phases(report)
        .into_iter()
        .map(|(phase, data)| Line::of(phase.to_string(), data))
        .collect();
    // The look of the fifth line is that of the latencies that leave out how long an event waited to be sent.
    lines.truncate(LOOKS - 1);
    let from_send = report
        .histograms
        .get(&format!("{series}-from-send"), &SamplePhase::All)
        .filter(|data| data.count() > 0);
    lines.extend(from_send.map(|data| Line::of("all, from the send".to_owned(), data)));
    let bounds = limits(report);
    let values = lines
        .iter()
        .flat_map(|line| line.points.iter().map(|point| point.1));
    let values: Vec<_> = values.chain(bounds.iter().map(|bound| bound.1)).collect();
    let (min, max) = (values.iter().min()?, values.iter().max()?);
    // Room above the highest line, for its label or mark.
    let vertical = Axis::log_duration(
        *min,
        max.saturating_add(max / 2),
        &format!("{series} latency (log)"),
    );
    let label = format!("Percentile spectrum of {series} latency by phase, with SLO bounds");
    let svg = frame::draw(
        (HEIGHT, TOP),
        (&rarity_axis(), &vertical),
        &label,
        |canvas, plot| {
            for (index, line) in lines.iter().enumerate() {
                let paint = Paint::Series(u8::try_from(index).expect("a few"));
                line.draw(canvas, plot, vertical.high, paint)?;
            }
            for (rarity, micros, text) in &bounds {
                limit(
                    canvas,
                    plot,
                    (*rarity, log10(*micros)),
                    (vertical.low, text),
                )?;
            }
            let names: Vec<_> = lines
                .iter()
                .enumerate()
                .map(|(index, line)| {
                    let end = line
                        .points
                        .last()
                        .map_or(vertical.low, |point| log10(point.1));
                    let paint = Paint::Series(u8::try_from(index).expect("a few"));
                    (
                        line.name.as_str(),
                        if line.is_cut { vertical.high } else { end },
                        paint,
                    )
                })
                .collect();
            frame::name_series(canvas, plot, RARITY_MAX, &names)
        },
    );
    let legend = lines.iter().zip(0..).map(|(line, look)| Legend {
        name: line.name.clone(),
        look,
    });
    Some(Chart {
        title: format!("Percentile spectrum, {series}"),
        caption: "Each step to the right is ten times rarer. A line that ends in ▲ at the top \
                  reaches events that never became visible; red dashes are SLO bounds, up to the \
                  percentile they speak of. Latencies from the send leave out how long events waited \
                  to be sent, as benchmarks do that omit them (coordinated omission)."
            .to_owned(),
        is_latency: true,
        svg,
        legend: legend.collect(),
    })
}

/// Phases of the headline series that have samples, calm ones first.
pub fn phases(report: &Report) -> Vec<(&SamplePhase, &LatencyHistogram)> {
    let series = &report.identity.headline_series;
    let mut all: Vec<_> = report
        .histograms
        .iter()
        .filter(|(name, _, data)| name == series && data.count() > 0)
        .map(|(_, phase, data)| (phase, data))
        .collect();
    all.sort_by_key(|(phase, _)| match phase {
        SamplePhase::Steady => 0,
        SamplePhase::DuringFaults => 1,
        SamplePhase::Recovery | SamplePhase::Calm | SamplePhase::Drain => 2,
        SamplePhase::All => 3,
        SamplePhase::During(_) => 4,
    });
    // More than five lines cannot be told apart; the table has them all.
    all.truncate(LOOKS);
    all
}

struct Line {
    name: String,
    /// Rarity (decimal logarithm of 1/(1−p)) and microseconds.
    points: Vec<(f64, u64)>,
    /// Whether events beyond the last point never became visible.
    is_cut: bool,
}

impl Line {
    fn of(name: String, data: &LatencyHistogram) -> Self {
        let total = data.count();
        let mut points: Vec<(f64, u64)> = Vec::new();
        let mut seen = 0;
        for (micros, count) in data.buckets() {
            // A bucket covers the percentiles from the samples before it to those within it.
            let start = rarity(total, seen);
            seen += count;
            let end = rarity(total, seen).min(RARITY_MAX);
            if start > RARITY_MAX {
                break;
            }
            // Points closer than a third of a unit of the view box are one point.
            if points.last().is_none_or(|last| end - last.0 > 0.002) || seen == total {
                if points.is_empty() {
                    points.push((0.0, micros));
                }
                points.push((end, micros));
            }
        }
        let is_cut = data.never_count() > 0 && rarity(total, seen) < RARITY_MAX;
        Self {
            name,
            points,
            is_cut,
        }
    }

    fn draw(&self, canvas: &Canvas<'_>, plot: &mut Plot<'_, '_>, high: f64, paint: Paint) -> Drawn {
        let points = self
            .points
            .iter()
            .map(|(rarity, micros)| (*rarity, Some(log10(*micros))));
        let end = self
            .points
            .last()
            .filter(|_| self.is_cut)
            .map(|point| (point.0, Some(high)));
        frame::line(plot, points.chain(end), paint)?;
        if let Some((rarity, _)) = end {
            let (x, y) = frame::pixel(plot, (rarity, high));
            canvas.draw(&TriangleMarker::new(
                (x, y + 1),
                6,
                Paint::Bad.colour().filled(),
            ))?;
            let at = (x + 8, y - 5);
            frame::write(canvas, "never", at, (HPos::Left, VPos::Bottom), Paint::Bad)?;
        }
        Ok(())
    }
}

/// How rare it is to lie beyond `seen` of `total` samples; the last sample counts as one in total.
fn rarity(total: u64, seen: u64) -> f64 {
    let beyond = (total - seen).max(1);
    rounded(log10(total) - log10(beyond))
}

fn rarity_axis() -> Axis {
    let ticks = [
        (0.0, "0"),
        (std::f64::consts::LOG10_2, "50"),
        (1.0, "90"),
        (2.0, "99"),
        (3.0, "99.9"),
        (4.0, "99.99"),
        (5.0, "99.999"),
    ];
    let ticks = ticks
        .into_iter()
        .map(|(at, text)| (at, text.to_owned()))
        .collect();
    Axis {
        low: 0.0,
        high: RARITY_MAX,
        ticks,
        name: "percentile".to_owned(),
        is_time: false,
    }
}

/// Latency SLOs on the headline series: rarity, microseconds and text.
pub fn limits(report: &Report) -> Vec<(f64, u64, String)> {
    let on_headline = |slo: &&SloRow| slo.series == report.identity.headline_series;
    let slos = report.slos.iter().filter(on_headline);
    slos.filter_map(|slo| {
        let (Quantile(ppm), Value::Micros(micros)) = (slo.quantile?, slo.threshold.value) else {
            return None;
        };
        let rarity = log10(1_000_000) - log10(1_000_000_u64.saturating_sub(ppm.into()).max(10));
        let bound = slo
            .threshold
            .to_string()
            .replace("<=", "≤")
            .replace(">=", "≥");
        let text = format!("{} {bound} ({})", Quantile(ppm), slo.phase);
        Some((rounded(rarity), micros, text))
    })
    .collect()
}

fn limit(
    canvas: &Canvas<'_>,
    plot: &mut Plot<'_, '_>,
    (rarity, height): (f64, f64),
    (low, text): (f64, &str),
) -> Drawn {
    let style = Paint::Limit.colour().stroke_width(2);
    let ends = [(0.0, height), (rarity, height)];
    plot.draw_series([PathElement::new(ends, style)])?;
    let drop = [(rarity, height), (rarity, (height - 0.25).max(low))];
    plot.draw_series([PathElement::new(drop, style)])?;
    let (x, y) = frame::pixel(plot, (0.0, height));
    frame::write(
        canvas,
        text,
        (x + 6, y - 4),
        (HPos::Left, VPos::Bottom),
        Paint::Limit,
    )
}
