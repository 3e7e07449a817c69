//! What stood where over time: busy nodes, inputs that waited, readers that were behind.

use super::Chart;
use super::frame::{self, Axis, short_count};
use super::time::{Extra, LINES, TimeLine, draw, legend};
use crate::model::recorded::{Gauge, GaugeLine};
use crate::model::shown::ShownRun;

/// A gauge's lines, those with the highest peaks; `None` where nothing was recorded or all of it is zero.
#[must_use]
pub fn gauge(run: &ShownRun, gauge: Gauge) -> Option<Chart> {
    let of_gauge = |line: &&GaugeLine| line.gauge == gauge;
    let mut all: Vec<&GaugeLine> = run.gauges.iter().filter(of_gauge).collect();
    all.sort_by_key(|line| std::cmp::Reverse(line.values.iter().flatten().max().copied()));
    let left_out = all.len().saturating_sub(LINES);
    all.truncate(LINES);
    let look = look(gauge);
    let lines: Vec<TimeLine> = all
        .into_iter()
        .zip(0..)
        .map(|(line, number)| TimeLine {
            name: line.of.clone(),
            values: line
                .values
                .iter()
                .map(|value| value.map(|value| value as f64 / look.unit))
                .collect(),
            look: number,
        })
        .collect();
    let peak = lines.iter().map(TimeLine::peak).fold(0.0, f64::max);
    if peak <= 0.0 {
        return None;
    }
    let vertical = Axis::linear(peak, look.axis, look.text);
    let svg = draw(run, 170, &vertical, look.title, &lines, &Extra::Nothing);
    let mut caption = look.caption.to_owned();
    if left_out > 0 {
        caption.push_str(&format!(
            " Showing the {LINES} highest of {}.",
            left_out + LINES
        ));
    }
    Some(Chart {
        title: look.title.to_owned(),
        caption,
        is_latency: gauge == Gauge::Lag,
        svg,
        legend: legend(&lines),
    })
}

/// How a gauge is drawn.
struct Look {
    title: &'static str,
    caption: &'static str,
    axis: &'static str,
    /// So many of its units are one on the axis.
    unit: f64,
    text: fn(f64) -> String,
}

fn look(gauge: Gauge) -> Look {
    let plain = |at: f64| frame::rounded(at).to_string();
    let seconds = |at: f64| format!("{} s", frame::rounded(at));
    match gauge {
        Gauge::Busy => Look {
            title: "Utilisation of nodes",
            caption: "Share of a node's cores in use, over each slot. At 100 % inputs only wait longer.",
            axis: "share of cores",
            unit: 10_000.0,
            text: |at| format!("{} %", frame::rounded(at)),
        },
        Gauge::Queue => Look {
            title: "Queue depth of nodes",
            caption: "Inputs that waited for a core or were served, on average over each slot.",
            axis: "inputs",
            unit: 1_000.0,
            text: plain,
        },
        Gauge::Backlog => Look {
            title: "Backlog by partition or queue",
            caption: "Committed and not yet read by the processor, at the end of each slot.",
            axis: "events not read",
            unit: 1.0,
            text: short_count,
        },
        Gauge::Lag => Look {
            title: "Realtime lag",
            caption: "How long ago the oldest event was due that a reader could have read and has not.",
            axis: "age of the oldest",
            unit: 1e6,
            text: seconds,
        },
        Gauge::Watermark => Look {
            title: "Watermark delay",
            caption: "How far the slowest node's watermark is behind true time: nothing fires sooner.",
            axis: "behind true time",
            unit: 1e6,
            text: seconds,
        },
    }
}
