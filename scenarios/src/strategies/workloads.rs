//! Workloads at random: which events a source owes, and when.

use crate::load::Case;
use crate::spec::print;
use proptest::prelude::*;
use std::ops::Range;
use stormglass_core::source::config::{Arrival, Keys};
use stormglass_core::source::listed::{Key, ListedEvent};
use stormglass_core::time::Span;

/// What a source may owe.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Workload {
    /// How many events.
    pub events: Range<usize>,
    /// How many keys there are; few make events of a key meet.
    pub keys: u64,
    /// When they are owed, from the start of the run.
    pub within: Range<Span>,
    /// Their values.
    pub values: Range<i64>,
    /// How far event time may lie behind the time at which an event is owed.
    pub lag: Span,
}

impl Default for Workload {
    fn default() -> Workload {
        Workload {
            events: 1..50,
            keys: 4,
            within: Span::ZERO..Span::secs(10),
            values: 1..100,
            lag: Span::ZERO,
        }
    }
}

impl Workload {
    /// Lists of events in the order in which they are owed. They shrink to fewer, earlier and plainer ones.
    pub fn events(&self) -> impl Strategy<Value = Vec<ListedEvent>> + use<> {
        let event = (
            self.within.start.0..self.within.end.0.max(self.within.start.0 + 1),
            0..self.keys.max(1),
            self.values.clone(),
            0..=self.lag.0,
        )
            .prop_map(|(at, key, value, lag)| ListedEvent {
                at: Span(at),
                key: Key(key),
                value,
                kind: 0,
                size: None,
                lag: Span(lag),
                lead: Span::ZERO,
            });
        prop::collection::vec(event, self.events.clone()).prop_map(|mut events| {
            events.sort_by_key(|event| event.at);
            events
        })
    }
}

/// The text of a case whose source owes just these events.
///
/// # Panics
/// If the case has no such source.
#[must_use]
pub fn with_events(case: &Case, source: &str, events: Vec<ListedEvent>) -> String {
    let mut scenario = case.written.clone();
    let Some(config) = scenario.sources.get_mut(source) else {
        panic!("the scenario has no source called {source}");
    };
    config.arrival = Arrival::Events(events);
    config.keys = Keys::default();
    config.disorder = None;
    let question = scenario.question.clone();
    print::print_table(&question, &print::table(&scenario))
}
