//! Which events a source owes.
//!
//! Event `i` is a function of block `i` of the source's stream (sixteen words of 32 bits at fixed
//! positions), whatever the configuration, so that variants with other keys or another disorder meet the
//! same arrivals, and a trace with another broker the same jitter.

use crate::event::{Event, EventId};
use crate::rng::{Stream, scale};
use crate::source::arrival::ArrivalClock;
use crate::source::exponential::Exponential;
use crate::source::keys::KeyTable;
use crate::source::trace::TraceRow;
use crate::time::{Span, Time};
use std::sync::Arc;

/// Kinds of generated events; a trace has its own.
pub const KINDS: u64 = 4;

/// Generated events say a number from 1 to this.
pub const VALUE_MAX: u64 = 100;

/// What is the same in every boot of a source; built once.
#[derive(Debug)]
pub struct Shape {
    /// The source's position among the scenario's sources.
    pub position: u16,
    /// What events are about.
    pub keys: KeyTable,
    /// Gaps between them.
    pub gaps: Exponential,
    /// How far event time may lie behind the due time.
    pub disorder: Span,
    /// Bytes of an event.
    pub size: u32,
    /// How long after the start of the run arrivals begin.
    pub starts_after: Span,
    /// Nothing is owed from here on.
    pub until: Time,
}

/// Where due times come from.
#[derive(Clone, Debug)]
enum Origin {
    Clock(ArrivalClock),
    Rows(Arc<[TraceRow]>),
}

/// Gives the events of one source in order.
#[derive(Clone, Debug)]
pub struct Generator {
    shape: Arc<Shape>,
    stream: Stream,
    origin: Origin,
    number: u64,
}

impl Generator {
    /// Events that arrive by a clock.
    #[must_use]
    pub fn clocked(shape: Arc<Shape>, stream: Stream, clock: ArrivalClock) -> Generator {
        Generator {
            shape,
            stream,
            origin: Origin::Clock(clock),
            number: 0,
        }
    }

    /// Events of a recorded stream.
    #[must_use]
    pub fn recorded(shape: Arc<Shape>, stream: Stream, rows: Arc<[TraceRow]>) -> Generator {
        Generator {
            shape,
            stream,
            origin: Origin::Rows(rows),
            number: 0,
        }
    }
}

impl Iterator for Generator {
    type Item = Event;

    /// The next event, none if nothing more is owed.
    fn next(&mut self) -> Option<Event> {
        let words = self.stream.block();
        let wide = |at: usize| u64::from(words[at]) << 32 | u64::from(words[at + 1]);
        let id = EventId {
            source: self.shape.position,
            number: self.number,
        };
        let event = match &mut self.origin {
            Origin::Clock(clock) => {
                let due = clock.next(wide(0), &self.shape.gaps)? + self.shape.starts_after;
                let behind = scale(wide(8), self.shape.disorder.0.saturating_add(1));
                Event {
                    id,
                    key: self.shape.keys.at(wide(2), wide(4)),
                    event_time: due.0 as i64 - behind as i64,
                    due,
                    value: 1 + scale(u64::from(words[6]) << 32, VALUE_MAX) as i64,
                    size: self.shape.size,
                    kind: scale(u64::from(words[7]) << 32, KINDS) as u16,
                    label: 0,
                }
            }
            Origin::Rows(rows) => {
                let row = *rows.get(usize::try_from(self.number).ok()?)?;
                Event {
                    id,
                    key: row.key,
                    event_time: row.event_time + self.shape.starts_after.0 as i64,
                    due: row.arrival + self.shape.starts_after,
                    value: row.value,
                    size: row.size,
                    kind: row.kind,
                    label: 0,
                }
            }
        };
        if event.due >= self.shape.until {
            return None;
        }
        self.number += 1;
        Some(event)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;
    use crate::source::config::{Arrival, Keys};
    use crate::units::Rate;

    fn events(zipf: u32, disorder: Span, until: Time) -> Vec<Event> {
        let shape = Arc::new(Shape {
            position: 3,
            keys: KeyTable::new(&Keys { count: 100, zipf }),
            gaps: Exponential::new(),
            disorder,
            size: 200,
            starts_after: Span::ZERO,
            until,
        });
        let clock = ArrivalClock::new(&Arrival::Poisson(Rate::per_second(1_000))).unwrap();
        Generator::clocked(shape, Seed(5).stream("source.orders/arrival"), clock).collect()
    }

    #[test]
    fn who_starts_later_owes_the_same_later() {
        let after = Span::millis(800);
        let shape = |starts_after| Shape {
            position: 3,
            keys: KeyTable::new(&Keys {
                count: 100,
                zipf: 0,
            }),
            gaps: Exponential::new(),
            disorder: Span::secs(1),
            size: 200,
            starts_after,
            until: Time(10_000_000_000),
        };
        let first = |starts_after| -> Event {
            let clock = ArrivalClock::new(&Arrival::Poisson(Rate::per_second(10))).unwrap();
            let stream = Seed(5).stream("source.orders/arrival");
            let shape = Arc::new(shape(starts_after));
            Generator::clocked(shape, stream, clock).next().unwrap()
        };
        let (plain, later) = (first(Span::ZERO), first(after));
        assert_eq!(later.due, plain.due + after);
        assert_eq!(later.event_time, plain.event_time + after.0 as i64);
        assert_eq!((later.key, later.value), (plain.key, plain.value));
    }

    #[test]
    fn event_i_is_the_same_whatever_else_is_configured() {
        let plain = events(0, Span::ZERO, Time(10_000_000_000));
        let other = events(1_100, Span::secs(5), Time(20_000_000_000));
        assert!(plain.len() > 9_000);
        for (i, (a, b)) in plain.iter().zip(&other).enumerate() {
            assert_eq!(a.id.number, i as u64);
            assert_eq!(
                (a.id, a.due, a.value, a.kind),
                (b.id, b.due, b.value, b.kind)
            );
        }
    }

    #[test]
    fn event_time_lies_behind_the_due_time_by_up_to_the_disorder() {
        let bound = Span::secs(2);
        let late: Vec<i64> = events(0, bound, Time(10_000_000_000))
            .iter()
            .map(|event| event.due.0 as i64 - event.event_time)
            .collect();
        assert!(late.iter().all(|late| (0..=bound.0 as i64).contains(late)));
        let mean = late.iter().sum::<i64>() / late.len() as i64;
        assert!(mean.abs_diff(1_000_000_000) < 30_000_000, "mean {mean}");
    }

    #[test]
    fn values_and_kinds_stay_within_their_bounds() {
        for event in events(0, Span::ZERO, Time(5_000_000_000)) {
            assert!((1..=VALUE_MAX as i64).contains(&event.value));
            assert!(u64::from(event.kind) < KINDS);
        }
    }
}
