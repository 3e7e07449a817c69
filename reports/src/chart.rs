//! Charts as inline SVG: the only module that knows `plotters`.
//!
//! Model: plotters draws with placeholder colours; `paint.rs` turns each into a CSS variable, dash
//! pattern or hatch, so that one drawing serves light, dark and print, and lines differ by more than
//! their colour.
//!
//! Limits: no interaction; text is set by the reader's browser, so widths are estimates.

mod clocks;
mod curve;
mod distribution;
mod frame;
mod map;
mod measure;
mod paint;
mod pareto;
mod spectrum;
mod swept;
mod time;

pub use clocks::clocks;
pub use curve::{measure_along, measures_over};
pub use distribution::distribution;
pub use map::map;
pub use measure::{Measure, Of, Range};
pub use pareto::pareto;
pub use spectrum::spectrum;
pub use time::{backlog, latency_over_time, rates_over_time};

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
}
