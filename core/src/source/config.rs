//! Settings of a source.

use crate::retry::config::RetryConfig;
use crate::source::listed::ListedEvent;
use crate::time::Span;
use crate::units::{Rate, Size};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A source.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SourceConfig {
    /// Where it publishes: `broker.<name>/<topic>`.
    pub to: String,
    /// When events are owed.
    pub arrival: Arrival,
    /// What they are about; a trace has keys of its own.
    #[serde(default)]
    pub keys: Keys,
    /// Bytes of an event without a size of its own.
    #[serde(default = "kilobyte")]
    pub size: u32,
    /// How long after the start of the run its arrivals begin, so that who reads can be there first.
    #[serde(default)]
    pub starts_after: Span,
    /// How far event time lies behind the due time; a trace has its own.
    #[serde(default)]
    pub disorder: Option<Disorder>,
    /// Whether and when it publishes again what was not answered; left out, as its broker's publisher settings say.
    #[serde(default)]
    pub retry: Option<RetryConfig>,
    /// How many bytes may wait for the broker, and what becomes of events when they do.
    #[serde(default)]
    pub buffer: BufferConfig,
}

/// The batches of a source that wait or are under way.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, default)]
pub struct BufferConfig {
    /// Bytes of records; left out, the `buffer_memory` of a log broker's producer settings, and no bound towards
    /// other brokers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory: Option<Size>,
    /// What becomes of a batch for which there is no room.
    pub when_full: WhenFull,
}

/// What becomes of a batch for which there is no room.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum WhenFull {
    /// It waits in the source, and its delivery timeout begins when there is room. Its events stay owed from
    /// their due times.
    #[default]
    Block,
    /// It goes in all the same: the buffer has no bound, and delivery timeouts run inside it.
    Buffer,
    /// Its events are refused before anything is sent. They are owed, and never come.
    Shed,
    /// While more than a share of the buffer is in use, batches go in at this rate; when it is full they wait.
    Throttle {
        /// The share in thousandths. Written as a decimal (`above = 0.5`).
        #[serde(with = "crate::retry::config::thousandths")]
        #[schemars(with = "f64", range(min = 0, max = 1))]
        above: u32,
        /// Events a second.
        rate: Rate,
    },
}

const fn kilobyte() -> u32 {
    1_000
}

/// When events are owed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Arrival {
    /// At equal distances.
    Constant(Rate),
    /// At exponentially distributed distances.
    Poisson(Rate),
    /// A Poisson process that alternates between two rates.
    Bursts {
        /// The rate between bursts.
        base: Rate,
        /// The rate in a burst.
        peak: Rate,
        /// From the start of a burst to that of the next.
        every: Span,
        /// How long a burst lasts.
        lasts: Span,
    },
    /// A Poisson process whose rate grows or falls evenly from the start of the run, then stays.
    Ramp {
        /// The rate at the start.
        from: Rate,
        /// The rate at the end.
        to: Rate,
        /// How long it takes.
        over: Span,
    },
    /// As a recorded stream arrived.
    Trace(TraceConfig),
    /// Just these, in the order in which they are owed.
    Events(Vec<ListedEvent>),
}

impl Arrival {
    /// How much faster than they happened events arrive.
    #[must_use]
    pub const fn speed(&self) -> u32 {
        match self {
            Arrival::Trace(trace) => trace.speed,
            Arrival::Constant(_)
            | Arrival::Poisson(_)
            | Arrival::Bursts { .. }
            | Arrival::Ramp { .. }
            | Arrival::Events(_) => 1,
        }
    }
}

/// A recorded stream: a CSV file and what its columns mean.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct TraceConfig {
    /// The file, relative to the scenario's.
    pub file: String,
    /// How much faster than recorded; divides arrival and event time alike.
    #[serde(default = "one")]
    pub speed: u32,
    /// The column of the arrival time.
    pub arrival: String,
    /// The column of the event time; the arrival's if it is left out.
    #[serde(default)]
    pub event_time: Option<String>,
    /// The unit of both columns.
    #[serde(default)]
    pub unit: TraceUnit,
    /// The column of the key; text is hashed.
    #[serde(default)]
    pub key: Option<String>,
    /// The column of the kind; text is numbered in order of first appearance.
    #[serde(default)]
    pub kind: Option<String>,
    /// The column of the value; decimals are multiplied by `value_scale`.
    #[serde(default)]
    pub value: Option<String>,
    /// By what a decimal value is multiplied to become an integer.
    #[serde(default = "one")]
    pub value_scale: u32,
    /// The column of the size in bytes.
    #[serde(default)]
    pub size: Option<String>,
    /// Sorts rows whose arrival time goes backwards instead of refusing them.
    #[serde(default)]
    pub sort: bool,
    /// At most so many rows, from the first.
    #[serde(default)]
    pub rows: Option<u64>,
}

const fn one() -> u32 {
    1
}

/// The unit of a trace's times.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum TraceUnit {
    /// Seconds, with decimals.
    #[default]
    Seconds,
    /// Milliseconds.
    Millis,
    /// Microseconds.
    Micros,
    /// Hours, with decimals.
    Hours,
    /// A date such as 19970101 or 1997-01-01, jittered inside the day by the run's seed.
    Date,
    /// A timestamp such as 2019-11-01T00:00:00Z or `2019-11-01 00:00:00`.
    Timestamp,
}

/// What events are about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Keys {
    /// How many keys there are.
    pub count: u64,
    /// The exponent of a Zipf distribution in thousandths; 0 is uniform. Written as a decimal (`zipf = 1.1`).
    #[serde(default, with = "thousandths")]
    #[schemars(with = "f64", range(min = 0, max = 10))]
    pub zipf: u32,
}

impl Default for Keys {
    fn default() -> Keys {
        Keys {
            count: 1_000,
            zipf: 0,
        }
    }
}

/// How far event time lies behind the due time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Disorder {
    /// Uniformly up to this.
    pub up_to: Span,
}

mod thousandths {
    use serde::de::{Deserializer, Error};
    use serde::{Deserialize, Serializer};

    pub(super) fn serialize<S: Serializer>(value: &u32, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_f64(f64::from(*value) / 1_000.0)
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u32, D::Error> {
        let value = f64::deserialize(deserializer)?;
        if !(0.0..=10.0).contains(&value) {
            return Err(D::Error::custom("a Zipf exponent lies between 0 and 10"));
        }
        Ok((value * 1_000.0).round() as u32)
    }
}
