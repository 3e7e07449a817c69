//! Pure functions over events, with or without state. Nothing here knows of nodes, positions or time.

mod aggregate;
mod dedup;
mod stateless;
#[cfg(test)]
mod tests;

use crate::event::Event;
use std::sync::Arc;

/// What a processor does with each event.
pub trait Operator {
    /// Appends what follows from `event`: nothing filters it out. A derived event keeps the id and the due
    /// time, so that latency and duplication can be judged at the end of the pipeline.
    fn apply(&mut self, event: &Event, out: &mut Vec<Event>);

    /// The state, in order of its keys.
    fn snapshot(&self) -> Vec<(u64, i64)>;

    /// Takes the place of whatever state there was.
    fn restore(&mut self, state: &[(u64, i64)]);

    /// Whether there is state worth keeping.
    fn is_stateful(&self) -> bool;
}

/// Makes a fresh operator; a processor has one for each input partition.
pub type OperatorFactory = Arc<dyn Fn() -> Box<dyn Operator> + Send + Sync>;

/// The names of the reference operators.
pub const NAMES: &[&str] = &[
    "identity",
    "map",
    "filter",
    "count-by-key",
    "sum-by-key",
    "dedup",
];

/// The reference operator called `name`, if there is one.
///
/// * `identity` passes every event on;
/// * `map` doubles the value;
/// * `filter` keeps events with an even value;
/// * `count-by-key` answers each event with how many its key has had, `sum-by-key` with their sum;
/// * `dedup` drops an event whose value is that of its key's last one.
#[must_use]
pub fn named(name: &str) -> Option<OperatorFactory> {
    Some(match name {
        "identity" => Arc::new(|| Box::new(stateless::Identity)),
        "map" => Arc::new(|| Box::new(stateless::Double)),
        "filter" => Arc::new(|| Box::new(stateless::EvenOnly)),
        "count-by-key" => Arc::new(|| Box::new(aggregate::ByKey::count())),
        "sum-by-key" => Arc::new(|| Box::new(aggregate::ByKey::sum())),
        "dedup" => Arc::new(|| Box::new(dedup::Dedup::default())),
        _ => return None,
    })
}
