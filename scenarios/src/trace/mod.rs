//! Recorded streams: a CSV file becomes rows on the run's axis.
//!
//! The file is read once. Rows of a run are rebased so that the first arrival starts it, and `speed` divides
//! arrival and event time alike (B10). Days are jittered by the run's seed, so those rows are a function of
//! it; all other traces give every seed the same rows, shared. Only an arrival that goes backwards and a text
//! that is not what its column should hold are mistakes; disorder of event times, absurd values, duplicates
//! and empty values are data.

mod number;
mod read;

#[cfg(test)]
mod tests;

pub use read::{load, parse};

use number::DAY;
use std::sync::Arc;
use stormglass_core::rng::{Seed, mix};
use stormglass_core::source::trace::TraceRow;
use stormglass_core::time::Time;

/// A row as it was recorded: times on an axis of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Recorded {
    arrival: i64,
    event_time: i64,
    key: u64,
    kind: u16,
    value: i64,
    size: u32,
}

/// A recorded stream, read and checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trace {
    recorded: Vec<Recorded>,
    speed: u32,
    /// The rows of every seed; none if days have to be jittered.
    rows: Option<Arc<[TraceRow]>>,
}

impl Trace {
    fn new(recorded: Vec<Recorded>, speed: u32, has_days: bool) -> Trace {
        assert!(!recorded.is_empty(), "a trace without rows is refused");
        assert!(speed > 0, "a speed of 0 stands still");
        let mut trace = Trace {
            recorded,
            speed,
            rows: None,
        };
        if !has_days {
            trace.rows = Some(trace.rebase(&trace.recorded));
        }
        trace
    }

    /// A number that differs where the content does, up to the collisions of 64 bits.
    #[must_use]
    pub fn digest(&self) -> u64 {
        self.recorded
            .iter()
            .fold(u64::from(self.speed), |hash, row| {
                let fields = [
                    row.arrival.cast_unsigned(),
                    row.event_time.cast_unsigned(),
                    row.key,
                    u64::from(row.kind),
                    row.value.cast_unsigned(),
                    u64::from(row.size),
                ];
                fields
                    .into_iter()
                    .fold(hash, |hash, field| mix(hash ^ mix(field)))
            })
    }

    /// How many rows it has.
    #[must_use]
    pub fn len(&self) -> usize {
        self.recorded.len()
    }

    /// Whether it has no rows: never.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.recorded.is_empty()
    }

    /// The rows of one run. `source` is the source's full name, whose stream jitters days.
    #[must_use]
    pub fn rows(&self, seed: Seed, source: &str) -> Arc<[TraceRow]> {
        if let Some(rows) = &self.rows {
            return Arc::clone(rows);
        }
        let mut stream = seed.stream(&format!("{source}/trace-jitter"));
        let mut jittered = self.recorded.clone();
        for row in &mut jittered {
            let jitter = stream.below(DAY as u64) as i64;
            row.arrival = row.arrival.saturating_add(jitter);
            row.event_time = row.event_time.saturating_add(jitter);
        }
        // Days are in order; only rows of one day change places.
        jittered.sort_by_key(|row| row.arrival);
        self.rebase(&jittered)
    }

    fn rebase(&self, recorded: &[Recorded]) -> Arc<[TraceRow]> {
        let first = recorded[0].arrival;
        let speed = i128::from(self.speed);
        let since = |time: i64| (i128::from(time) - i128::from(first)) / speed;
        recorded
            .iter()
            .map(|row| TraceRow {
                arrival: Time(since(row.arrival) as u64),
                event_time: since(row.event_time).clamp(i64::MIN.into(), i64::MAX.into()) as i64,
                key: row.key,
                kind: row.kind,
                value: row.value,
                size: row.size,
            })
            .collect()
    }
}
