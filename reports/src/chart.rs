//! Charts as inline SVG: the only module that knows `plotters`.
//!
//! Model: plotters draws with placeholder colours; `paint.rs` turns each into a CSS variable, dash
//! pattern or hatch, so that one drawing serves light, dark and print, and lines differ by more than
//! their colour.
//!
//! Limits: no interaction; text is set by the reader's browser, so widths are estimates.

mod across;
mod clocks;
mod curve;
mod distribution;
mod frame;
mod gauges;
mod heat;
mod map;
mod measure;
mod over_time;
mod paint;
mod pareto;
mod spacetime;
mod spectrum;
mod swept;
mod time;

pub use across::{across_seeds, load};
pub use clocks::clocks;
pub use curve::{measure_along, measures_over};
pub use distribution::{distribution, within};
pub use gauges::gauge;
pub use heat::heat_map;
pub use map::map;
pub use measure::{Measure, Of, Range};
pub use over_time::{backlog, latency_over_time, rates_over_time, troubles_over_time};
pub use pareto::pareto;
pub use spacetime::spacetime;
pub use spectrum::spectrum;
pub(crate) use time::BANDS;

/// A finished chart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Chart {
    /// What is drawn, as a heading.
    pub title: String,
    /// How to read it, as a sentence.
    pub caption: String,
    /// Whether it shows latencies, which carry the calibration stamp.
    pub is_latency: bool,
    /// The `<svg>` element.
    pub svg: String,
    /// Its lines, if they can be shown one by one.
    pub legend: Vec<Legend>,
}

/// A line of a chart in its legend.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Legend {
    /// Its name.
    pub name: String,
    /// Its look: all that is drawn of the line has the class `s` with this number.
    pub look: u8,
}
