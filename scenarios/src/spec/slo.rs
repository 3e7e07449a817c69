//! Objectives as people write them: `p99(end-to-end) < 250ms during steady`.
//!
//! ```text
//! objective = metric compare bound [ "of delivered" ] [ "during" phase ]
//! metric    = "p" number "(" series ")" | "max(" series ")" | "recovery" | "lost" | "duplicates" | "goodput"
//!           | "backlog" | "shed" | "retries" | "late"
//! compare   = "<" | "<=" | ">" | ">=" | "="
//! bound     = length of time, of latencies and recovery | number, of all others but goodput
//!           | number from 0 to 1 or percentage, of goodput
//!           | percentage of the owed events, of late
//! number    = digits [ "." digits ] [ "e" exponent ]
//! phase     = "steady" | "faults" | "recovery" | "calm" | "drain" | "the run"
//!           | "'" name of a planned fault "'"
//! ```

mod number;
mod pattern;
mod read;
#[cfg(test)]
mod tests;

pub(crate) use pattern::pattern;
pub use read::parse;

use serde::{Serialize, Serializer};
use std::fmt;
use std::ops::Range;
pub use stormglass_core::metrics::Series;
use stormglass_core::time::Span;
use stormglass_core::units::print_span;

/// An objective, and where it stands in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Slo {
    /// As it was written.
    pub text: String,
    /// The line in the scenario file, counted from 1; 0 if it was given on the command line.
    pub line: usize,
    /// What is measured.
    pub metric: Metric,
    /// How it is compared.
    pub compare: Compare,
    /// With what.
    pub bound: Bound,
    /// Whether events that were shed, rejected or dead-lettered are left out (B3).
    pub of_delivered: bool,
    /// In which phase; none is the whole run after warm-up.
    pub during: Option<During>,
}

impl Slo {
    /// Where in the text the name of the planned fault stands, with its quotes.
    #[must_use]
    pub fn planned_span(&self) -> Range<usize> {
        let end = self.text.rfind('\'').map_or(self.text.len(), |at| at + 1);
        let before = &self.text[..end.saturating_sub(1)];
        before.rfind('\'').unwrap_or(0)..end
    }
}

impl Serialize for Slo {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.text)
    }
}

/// What is measured.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Metric {
    /// A quantile of a latency, in parts per million: `p99.9` is 999,000.
    Quantile {
        /// Parts per million.
        parts: u32,
        /// Of what.
        series: Series,
    },
    /// The longest latency.
    Max(Series),
    /// From a heal until backlog and latency are back (B4).
    Recovery,
    /// Acknowledged events without effect.
    Lost,
    /// Effects beyond the first.
    Duplicates,
    /// Delivered over owed.
    Goodput,
    /// The most acknowledged events that waited at once.
    Backlog,
    /// Events that sources refused because their buffers were full.
    Shed,
    /// Requests that clients sent again.
    Retries,
    /// Events that came too late for all their windows of event time.
    Late,
}

/// How a metric is compared with its bound.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Compare {
    /// `<`
    Below,
    /// `<=`
    AtMost,
    /// `>`
    Above,
    /// `>=`
    AtLeast,
    /// `=`
    Equal,
}

impl Compare {
    /// Whether `value` keeps to `bound`.
    #[must_use]
    pub const fn holds(self, value: u64, bound: u64) -> bool {
        match self {
            Compare::Below => value < bound,
            Compare::AtMost => value <= bound,
            Compare::Above => value > bound,
            Compare::AtLeast => value >= bound,
            Compare::Equal => value == bound,
        }
    }
}

impl fmt::Display for Compare {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Compare::Below => "<",
            Compare::AtMost => "<=",
            Compare::Above => ">",
            Compare::AtLeast => ">=",
            Compare::Equal => "=",
        })
    }
}

/// What a metric is compared with.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Bound {
    /// A length of time, of latencies and recovery.
    Time(Span),
    /// A number, of lost, duplicated, waiting, shed and late events and of retries.
    Count(u64),
    /// A share in parts per million, of goodput and late events.
    Share(u32),
}

/// The phase that a sample must belong to (B2).
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum During {
    /// After warm-up, no fault active, no episode recovering.
    Steady,
    /// While any fault is active.
    Faults,
    /// From a heal until everything is back (B4).
    Recovery,
    /// After the heal, with sources going on.
    Calm,
    /// After sources have stopped.
    Drain,
    /// The whole run after warm-up.
    Run,
    /// While the planned fault of this name is active.
    Planned(String),
}

impl fmt::Display for Slo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.metric {
            Metric::Quantile { parts, series } => {
                let digits = format!("{:04}", parts % 10_000);
                let digits = digits.trim_end_matches('0');
                let dot = if digits.is_empty() { "" } else { "." };
                write!(f, "p{}{dot}{digits}({})", parts / 10_000, series.name())?;
            }
            Metric::Max(series) => write!(f, "max({})", series.name())?,
            Metric::Recovery => f.write_str("recovery")?,
            Metric::Lost => f.write_str("lost")?,
            Metric::Duplicates => f.write_str("duplicates")?,
            Metric::Goodput => f.write_str("goodput")?,
            Metric::Backlog => f.write_str("backlog")?,
            Metric::Shed => f.write_str("shed")?,
            Metric::Retries => f.write_str("retries")?,
            Metric::Late => f.write_str("late")?,
        }
        write!(f, " {} ", self.compare)?;
        match self.bound {
            Bound::Time(span) => f.write_str(&print_span(span))?,
            Bound::Count(count) => write!(f, "{count}")?,
            // A share of late events is told from their number by its sign.
            Bound::Share(parts) if self.metric == Metric::Late => {
                let digits = format!("{:04}", parts % 10_000);
                let digits = digits.trim_end_matches('0');
                let dot = if digits.is_empty() { "" } else { "." };
                write!(f, "{}{dot}{digits}%", parts / 10_000)?;
            }
            Bound::Share(parts) => {
                let digits = format!("{:06}", parts % 1_000_000);
                let digits = digits.trim_end_matches('0');
                let dot = if digits.is_empty() { "" } else { "." };
                write!(f, "{}{dot}{digits}", parts / 1_000_000)?;
            }
        }
        if self.of_delivered {
            f.write_str(" of delivered")?;
        }
        match &self.during {
            None => Ok(()),
            Some(During::Steady) => f.write_str(" during steady"),
            Some(During::Faults) => f.write_str(" during faults"),
            Some(During::Recovery) => f.write_str(" during recovery"),
            Some(During::Calm) => f.write_str(" during calm"),
            Some(During::Drain) => f.write_str(" during drain"),
            Some(During::Run) => f.write_str(" during the run"),
            Some(During::Planned(name)) => write!(f, " during '{name}'"),
        }
    }
}

/// A mistake inside an expression: where, what, and what to do about it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SloError {
    /// Bytes of the expression.
    pub span: Range<usize>,
    /// What is wrong.
    pub message: String,
    /// What to do about it.
    pub hint: String,
}
