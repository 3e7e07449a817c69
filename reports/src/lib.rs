//! What it looked like: one model, rendered as text, HTML, JSON and JUnit.
//!
//! Whoever runs seeds hands one [`RunOutcome`] a seed to a [`Collector`], in any order and from any
//! number of workers, and gets one [`Report`]. Every renderer reads the same [`Summary`] of that
//! report, so a figure on the page, in `summary.json`, in the JUnit file and on the console is the
//! same figure.
//!
//! This crate promises bytes that depend on the report alone: no wall time, host, path or worker
//! count ever enters a rendering (decisions B15). It runs nothing and does not know that a
//! simulator exists.
//!
//! ```
//! use std::collections::BTreeSet;
//! use stormglass_reports::model::outcome::{Answer, CheckRun};
//! use stormglass_reports::model::{Identity, SamplePhase};
//! use stormglass_reports::{Collector, ExitClass, RunOutcome, artefacts};
//!
//! let mut collector = Collector::new("end-to-end");
//! for (index, seed) in [7, 8, 9].into_iter().enumerate() {
//!     let mut run = RunOutcome::new(index as u64, seed);
//!     run.histograms.of("end-to-end", SamplePhase::All).record(48_000);
//!     run.checks.push(CheckRun {
//!         name: "no-loss".into(),
//!         promise: "Every acknowledged event becomes visible.".into(),
//!         answer: Answer::Pass,
//!         judged: 1,
//!         exercised: true,
//!         reason: String::new(),
//!     });
//!     collector.add(run);
//! }
//! let identity = Identity { scenario: "orders-once".into(), ..Identity::default() };
//! let report = collector.finish(identity, Vec::new(), String::new(), BTreeSet::new());
//! assert_eq!(report.exit_class(), ExitClass::Success);
//! assert_eq!(artefacts(&report)[0].0, "report.html");
//! ```

pub mod baseline;
pub mod chart;
pub mod collect;
pub mod compare;
pub mod exit;
pub mod explanation;
pub mod findings;
pub mod github;
pub mod gitlab;
pub mod html;
pub mod json;
pub mod junit;
pub mod markdown;
pub mod model;
pub mod packed;
pub mod sarif;
pub mod schema;
pub mod stats;
pub mod summary;
pub mod text;

pub use collect::Collector;
pub use exit::ExitClass;
pub use model::Report;
pub use model::outcome::RunOutcome;
pub use summary::Summary;

/// Every file of a report, by name: `report.html`, `summary.json`, `junit.xml`, `summary.md`, `results.sarif` and
/// `codequality.json`.
#[must_use]
pub fn artefacts(report: &Report) -> [(&'static str, String); 6] {
    let summary = Summary::of(report);
    [
        ("report.html", html::render(report)),
        ("summary.json", json::render(&summary)),
        ("junit.xml", junit::render(&summary)),
        ("summary.md", markdown::render(&summary)),
        ("results.sarif", sarif::render(&summary)),
        ("codequality.json", gitlab::render(&summary)),
    ]
}
