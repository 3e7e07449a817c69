//! Latency, rates and backlog of the shown run over its virtual time.

use super::Chart;
use super::frame::{Axis, log10, short_count};
use super::spectrum::limits;
use super::time::{Extra, TimeLine, draw, legend};
use crate::model::Report;
use crate::model::shown::{ShownRun, Slot};
use crate::model::value::Micros;

/// Percentiles of latency slot by slot; `None` if nothing became visible.
#[must_use]
pub fn latency_over_time(report: &Report) -> Option<Chart> {
    let run = report.shown.as_ref()?;
    let bounds = limits(report);
    let largest = run.slots.iter().filter_map(|slot| slot.max).max()?.0;
    let smallest = run.slots.iter().filter_map(|slot| slot.p50).min()?.0;
    let bound_max = bounds.iter().map(|bound| bound.1).max().unwrap_or(0);
    let vertical = Axis::log_duration(
        smallest,
        largest.max(bound_max),
        "latency by due time (log)",
    );
    let line = |name, look, pick: fn(&Slot) -> Option<Micros>| {
        TimeLine::of(run, name, look, |slot| {
            pick(slot).map(|micros| log10(micros.0.max(1)))
        })
    };
    let lines = [
        line("p50", 0, |slot| slot.p50),
        line("p90", 1, |slot| slot.p90),
        line("p99", 2, |slot| slot.p99),
        line("max", 3, |slot| slot.max),
    ];
    let label = "Latency percentiles over time";
    let svg = draw(run, 250, &vertical, label, &lines, &Extra::Bounds(&bounds));
    Some(Chart {
        title: "Latency over time".to_owned(),
        caption: "Percentiles of the events due in each slot that became visible. ▲ marks slots with \
                  events that never did; red dashes are SLO bounds, each judged on its own phase only."
            .to_owned(),
        is_latency: true,
        svg,
        legend: legend(&lines),
    })
}

/// A line of what a slot counts, by the second.
fn rate(run: &ShownRun, name: &str, look: u8, pick: fn(&Slot) -> u64) -> TimeLine {
    let width = run.slot_width.as_secs_f64();
    TimeLine::of(run, name, look, |slot| Some(pick(slot) as f64 / width))
}

fn peak(lines: &[TimeLine]) -> f64 {
    lines.iter().map(TimeLine::peak).fold(1.0, f64::max)
}

/// Offered, accepted, processed and visible events a second.
#[must_use]
pub fn rates_over_time(run: &ShownRun) -> Option<Chart> {
    if run.slots.is_empty() || run.slot_width.0 == 0 {
        return None;
    }
    let lines = [
        rate(run, "offered", 3, |slot| slot.offered),
        rate(run, "accepted", 1, |slot| slot.accepted),
        rate(run, "processed", 2, |slot| slot.processed),
        rate(run, "visible", 0, |slot| slot.visible),
    ];
    let vertical = Axis::linear(peak(&lines), "events a second", short_count);
    let label = "Event rates over time";
    let svg = draw(run, 210, &vertical, label, &lines, &Extra::Nothing);
    Some(Chart {
        title: "Rates over time".to_owned(),
        caption: "Where offered and accepted part, the broker refuses; where accepted and visible \
                  part, a backlog grows; processed counts repetitions too."
            .to_owned(),
        is_latency: false,
        svg,
        legend: legend(&lines),
    })
}

/// Requests sent again and events refused or given up; `None` if there were none.
#[must_use]
pub fn troubles_over_time(run: &ShownRun) -> Option<Chart> {
    if run.slot_width.0 == 0 {
        return None;
    }
    let failed = rate(run, "failed", 2, |slot| slot.failed);
    // One on top of the other: the upper line is the sum.
    let both = rate(run, "retried", 1, |slot| slot.failed + slot.retried);
    let lines = [both, failed];
    let most = lines.iter().map(TimeLine::peak).fold(0.0, f64::max);
    if most == 0.0 {
        return None;
    }
    let vertical = Axis::linear(most, "a second", short_count);
    let label = "Retries and failures over time";
    let svg = draw(run, 150, &vertical, label, &lines, &Extra::Filled);
    Some(Chart {
        title: "Retries and failures".to_owned(),
        caption:
            "Below, events that clients refused or gave up; on top of them, requests that they \
                  sent again."
                .to_owned(),
        is_latency: false,
        svg,
        legend: legend(&lines),
    })
}

/// Owed events that are not yet visible.
#[must_use]
pub fn backlog(run: &ShownRun) -> Option<Chart> {
    let peak = run.slots.iter().map(|slot| slot.backlog).max()?;
    let vertical = Axis::linear(
        (peak as f64).max(1.0),
        "events, not yet visible",
        short_count,
    );
    let lines = [TimeLine::of(run, "backlog", 0, |slot| {
        Some(slot.backlog as f64)
    })];
    let label = "Backlog over time";
    let svg = draw(run, 170, &vertical, label, &lines, &Extra::Filled);
    Some(Chart {
        title: "Backlog".to_owned(),
        caption: "Events acknowledged and not yet visible at the end of each slot.".to_owned(),
        is_latency: false,
        svg,
        legend: Vec::new(),
    })
}
