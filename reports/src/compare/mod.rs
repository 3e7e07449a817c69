//! Configurations side by side: guarantee, latency and cost, over the same arrivals and the same faults.
//!
//! Whoever runs seeds hands every run of every configuration to a [`Gathering`], in any order, and gets one
//! [`Comparison`], which all renderers read.

mod frontier;
mod gather;
pub mod html;
pub mod metric;
mod model;
pub mod paired;
pub mod prices;
pub mod sweep;
pub mod text;
pub mod unit;
mod words;

pub use gather::Gathering;
pub use model::{About, Comparison, Differing, Figure, Kept, Row, Side, SideSummary};

/// Every file of a comparison, by name: `compare.html` and `compare.json`.
#[must_use]
pub fn artefacts(comparison: &Comparison) -> [(&'static str, String); 2] {
    let mut json = serde_json::to_string_pretty(comparison)
        .expect("a comparison has only text keys and no failing writer");
    json.push('\n');
    [
        ("compare.html", html::render(comparison)),
        ("compare.json", json),
    ]
}
