//! How far wall clocks were off over the virtual time of the shown run.

use super::frame::{self, Axis};
use super::paint::Paint;
use super::time::{LINES, faults, phases, room, time_axis};
use super::{Chart, Legend};
use crate::model::shown::{ClockLine, ShownRun};

/// The offset of every wall clock that differed from true time, none if no clock did.
#[must_use]
pub fn clocks(run: &ShownRun) -> Option<Chart> {
    let mut lines: Vec<&ClockLine> = run
        .clocks
        .iter()
        .filter(|line| furthest(line) > 0)
        .collect();
    // The furthest first; a stable sort keeps the order of the nodes otherwise.
    lines.sort_by_key(|line| std::cmp::Reverse(furthest(line)));
    let left_out = lines.len().saturating_sub(LINES);
    lines.truncate(LINES);
    let peak = furthest(lines.first()?);
    let vertical = vertical(&lines, peak);
    let horizontal = time_axis(run);
    let (top, bars) = room(run, &horizontal);
    let label = "Offset of wall clocks over time";
    let svg = frame::draw(
        (170 + top, top),
        (&horizontal, &vertical),
        label,
        |canvas, plot| {
            phases(canvas, plot, run, &vertical)?;
            faults(canvas, plot, (run, &bars), &vertical)?;
            let mut names = Vec::new();
            for (line, look) in lines.iter().zip(0..) {
                let first = line.points.first().map_or(0, |point| point.at.0);
                // Before its first change a clock was where that found it.
                let start = line.points.first().map(|point| (0.0, millis(point.ahead)));
                let points = line
                    .points
                    .iter()
                    .map(|point| (point.at.as_secs_f64(), millis(point.ahead)));
                let points = start.filter(|_| first > 0).into_iter().chain(points);
                let paint = Paint::Series(look);
                frame::line(plot, points.map(|(x, y)| (x, Some(y))), paint)?;
                let last = line.points.last().map_or(0, |point| point.ahead);
                names.push((line.node.as_str(), millis(last), paint));
            }
            frame::name_series(canvas, plot, horizontal.high, &names)
        },
    );
    let mut caption = String::from(
        "How far each wall clock was ahead of true time, below zero behind it. Nodes that are not \
         drawn had the right time",
    );
    if left_out > 0 {
        caption.push_str(&format!(", but for {left_out} that were less far off"));
    }
    caption.push('.');
    let legend = lines.iter().zip(0..).map(|(line, look)| Legend {
        name: line.node.clone(),
        look,
    });
    Some(Chart {
        title: "Wall clocks".to_owned(),
        caption,
        is_latency: false,
        svg,
        legend: legend.collect(),
    })
}

/// How far a clock was off at most, in microseconds.
fn furthest(line: &ClockLine) -> u64 {
    let offsets = line.points.iter().map(|point| point.ahead.unsigned_abs());
    offsets.max().unwrap_or(0)
}

fn millis(micros: i64) -> f64 {
    micros as f64 / 1e3
}

/// Milliseconds, on both sides of zero if there are any below it.
fn vertical(lines: &[&ClockLine], peak: u64) -> Axis {
    let text = |at: f64| format!("{} ms", frame::rounded(at));
    let mut axis = Axis::linear(peak as f64 / 1e3, "ahead of true time", text);
    let mut points = lines.iter().flat_map(|line| &line.points);
    if points.any(|point| point.ahead < 0) {
        axis.low = -axis.high;
        let below = axis.ticks.iter().skip(1).rev();
        let mut ticks: Vec<_> = below.map(|(at, _)| (-at, text(-at))).collect();
        ticks.append(&mut axis.ticks);
        axis.ticks = ticks;
    }
    axis
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::shown::{ClockPoint, PhaseSpan, RunPhase};
    use crate::model::value::Micros;

    fn run(offsets: &[&[(u64, i64)]]) -> ShownRun {
        let line = |(index, points): (usize, &&[(u64, i64)])| ClockLine {
            node: format!("broker.main.{index}"),
            points: points
                .iter()
                .map(|(second, ahead)| ClockPoint {
                    at: Micros::from_secs(*second),
                    ahead: *ahead,
                })
                .collect(),
        };
        ShownRun {
            phases: vec![PhaseSpan {
                phase: RunPhase::Chaos,
                start: Micros(0),
                end: Micros::from_secs(20),
            }],
            clocks: offsets.iter().enumerate().map(line).collect(),
            ..ShownRun::default()
        }
    }

    #[test]
    fn clocks_that_were_never_off_are_not_shown() {
        assert_eq!(clocks(&run(&[])), None);
        assert_eq!(clocks(&run(&[&[(1, 0), (2, 0)]])), None);
    }

    #[test]
    fn a_clock_that_was_off_is_named_and_drawn_on_both_sides_of_zero() {
        let behind: &[(u64, i64)] = &[(3, 0), (3, -500_000), (9, -500_000), (9, 0)];
        let chart = clocks(&run(&[&[(1, 0)], behind])).expect("one clock was off");
        assert!(chart.svg.contains("broker.main.1"), "{}", chart.svg);
        assert!(!chart.svg.contains("broker.main.0"), "{}", chart.svg);
        // Ticks of 200 ms up to the next above 500 ms, and as many below zero.
        assert!(chart.svg.contains("-600 ms"), "{}", chart.svg);
        assert_eq!(chart.svg.matches("600 ms").count(), 2, "{}", chart.svg);
    }

    #[test]
    fn the_five_clocks_that_were_furthest_off_are_drawn() {
        let lines: Vec<Vec<(u64, i64)>> = (1..8).map(|far| vec![(1, far * 1_000)]).collect();
        let lines: Vec<&[(u64, i64)]> = lines.iter().map(Vec::as_slice).collect();
        let chart = clocks(&run(&lines)).expect("clocks were off");
        assert!(chart.caption.contains("but for 2"), "{}", chart.caption);
        assert!(!chart.svg.contains("broker.main.1<"), "{}", chart.svg);
        assert!(chart.svg.contains("broker.main.6"), "{}", chart.svg);
    }
}
