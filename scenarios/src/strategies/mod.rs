//! [proptest](https://docs.rs/proptest) strategies for plans of faults and for workloads, for tests of a user's own
//! parts: what fails is cut down by proptest as any value is. With the feature `proptest`.
//!
//! ```
//! use proptest::prelude::*;
//! use proptest::test_runner::{Config, TestRunner};
//! use std::sync::Arc;
//! use stormglass_core::check::Answer;
//! use stormglass_scenarios::assemble::Assembly;
//! use stormglass_scenarios::catalog::Catalog;
//! use stormglass_scenarios::load::load_text;
//! use stormglass_scenarios::run::{Driver, run_plan};
//! use stormglass_scenarios::strategies::{Workload, drawn_plan, with_events};
//!
//! let text = r#"# Do jobs get done, whatever comes when and whatever goes wrong?
//! name = "jobs"
//!
//! [run]
//! warmup = "1s"
//! chaos = "10s"
//! time_scale = 10
//!
//! [source.jobs]
//! arrival = { constant = "10/s" }
//! to = "broker.main/work"
//!
//! [broker.main]
//! kind = "queue"
//! topics.work = { visibility_timeout = "5s" }
//!
//! [processor.workers]
//! operator = "map"
//! nodes = 2
//! from = "broker.main/work"
//! to = "sink.done"
//!
//! [sink.done]
//! kind = "upsert"
//!
//! [faults]
//! swarm = ["crash", "partition", "delay"]
//! "#;
//! let catalog = Catalog::new();
//! let read = |text: String| load_text("jobs.toml", text, &catalog.names()).unwrap();
//! let assembled = |text: String| {
//!     let file = read(text);
//!     Arc::new(Assembly::new(&file, file.base(), &catalog).unwrap())
//! };
//! let written = read(text.to_owned());
//! let plans = drawn_plan(&assembled(text.to_owned()));
//! let workload = Workload { events: 1..20, keys: 3, ..Workload::default() };
//! let mut runner = TestRunner::new(Config { cases: 4, failure_persistence: None, ..Config::default() });
//! let tested = runner.run(&(plans, workload.events()), |(plan, events)| {
//!     let assembly = assembled(with_events(written.base(), "jobs", events));
//!     let outcome = run_plan(&assembly, 1, plan, Driver::Auto).outcome;
//!     prop_assert_ne!(outcome.answer(), Answer::Fail);
//!     Ok(())
//! });
//! assert!(tested.is_ok(), "{tested:?}");
//! ```

mod plans;
mod workloads;

pub use plans::{any_plan, drawn_plan};
pub use workloads::{Workload, with_events};
