//! The reference operators a second time, written for clarity: what a correct processor would have made of
//! the records of a log (O-EOS). Knows nothing of the processor's own code.

use crate::event::Event;
use std::collections::BTreeMap;

/// A sequential program over the records of a log.
pub trait Reference {
    /// Appends the rows that follow from the next record.
    fn apply(&mut self, event: &Event, rows: &mut Vec<Event>);
}

/// Any function of one event is a program without state, for users' operators.
impl<F: FnMut(&Event, &mut Vec<Event>)> Reference for F {
    fn apply(&mut self, event: &Event, rows: &mut Vec<Event>) {
        self(event, rows);
    }
}

/// How many events of each key have come.
#[derive(Default)]
struct CountByKey(BTreeMap<u64, i64>);

impl Reference for CountByKey {
    fn apply(&mut self, event: &Event, rows: &mut Vec<Event>) {
        let count = self.0.entry(event.key).or_insert(0);
        *count += 1;
        rows.push(Event {
            value: *count,
            ..*event
        });
    }
}

/// The sum of the values of each key; it wraps, as the processor's does.
#[derive(Default)]
struct SumByKey(BTreeMap<u64, i64>);

impl Reference for SumByKey {
    fn apply(&mut self, event: &Event, rows: &mut Vec<Event>) {
        let sum = self.0.entry(event.key).or_insert(0);
        *sum = sum.wrapping_add(event.value);
        rows.push(Event {
            value: *sum,
            ..*event
        });
    }
}

/// The first event of each key and value.
#[derive(Default)]
struct Dedup(BTreeMap<u64, i64>);

impl Reference for Dedup {
    fn apply(&mut self, event: &Event, rows: &mut Vec<Event>) {
        if self.0.insert(event.key, event.value) != Some(event.value) {
            rows.push(*event);
        }
    }
}

/// The second implementation of an operator of the catalogue, none if it is not one of the reference's.
#[must_use]
pub fn named(operator: &str) -> Option<Box<dyn Reference>> {
    match operator {
        "identity" => Some(Box::new(|event: &Event, rows: &mut Vec<Event>| {
            rows.push(*event);
        })),
        "map" => Some(Box::new(|event: &Event, rows: &mut Vec<Event>| {
            rows.push(Event {
                value: event.value.wrapping_mul(2),
                ..*event
            });
        })),
        "filter" => Some(Box::new(|event: &Event, rows: &mut Vec<Event>| {
            if event.value % 2 == 0 {
                rows.push(*event);
            }
        })),
        "count-by-key" => Some(Box::new(CountByKey::default())),
        "sum-by-key" => Some(Box::new(SumByKey::default())),
        "dedup" => Some(Box::new(Dedup::default())),
        _ => None,
    }
}

/// Whether an operator may answer an event with nothing. Of a user's own operator nobody knows better.
#[must_use]
pub fn may_filter(operator: &str) -> bool {
    !matches!(operator, "identity" | "map" | "count-by-key" | "sum-by-key")
}

/// Whether rows keep the key of the event that they derive from.
#[must_use]
pub fn keeps_key(operator: &str) -> bool {
    named(operator).is_some()
}
