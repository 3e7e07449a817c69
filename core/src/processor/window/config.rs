//! Settings of windows, and what a processor makes of them.

use crate::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Windows of event time. All lengths but `interval` are in the time of the events, which a trace's `speed`
/// divides.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct WindowConfig {
    /// Which windows an event belongs to.
    pub assign: Assign,
    /// What the watermark follows.
    #[serde(default)]
    pub watermark: WatermarkClock,
    /// How far an event may lie behind the latest of its input partition, or behind the clock, and still be
    /// expected: the watermark follows at this distance.
    #[serde(default)]
    pub disorder: Span,
    /// How long a window that has fired still takes events, telling its row anew with each.
    #[serde(default)]
    pub lateness: Span,
    /// After how long without events an input partition holds the watermark back no longer; without it a
    /// silent partition holds it back for ever.
    #[serde(default)]
    pub idle: Option<Span>,
    /// How far an input partition may be ahead of the slowest before it is read no further.
    #[serde(default)]
    pub drift: Option<Span>,
    /// How often the watermark is told, on the node's clock.
    #[serde(default = "two_hundred_millis")]
    pub interval: Span,
}

/// What the watermark of an input follows at the distance of the disorder.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum WatermarkClock {
    /// The latest event of it.
    #[default]
    EventTime,
    /// The node's wall clock, whatever the events say: as sound as that clock is.
    WallClock,
}

const fn two_hundred_millis() -> Span {
    Span::millis(200)
}

/// Which windows an event belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case", deny_unknown_fields)]
pub enum Assign {
    /// One of equal length after the other.
    Tumbling(Span),
    /// Windows of one length that begin at equal distances and overlap.
    Sliding {
        /// How long each is.
        size: Span,
        /// From the start of one to the start of the next.
        slide: Span,
    },
    /// Events of a key that are less than this apart.
    Session(Span),
}

impl Assign {
    /// The lengths in it.
    pub fn spans(&mut self) -> Vec<&mut Span> {
        match self {
            Assign::Tumbling(span) | Assign::Session(span) => vec![span],
            Assign::Sliding { size, slide } => vec![size, slide],
        }
    }
}

/// What a window's row says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Aggregate {
    /// How many events.
    Count,
    /// The sum of their values; it wraps.
    Sum,
}

impl Aggregate {
    /// What the operator of this name makes of a window, if it can.
    #[must_use]
    pub fn of(operator: &str) -> Option<Aggregate> {
        match operator {
            "count-by-key" => Some(Aggregate::Count),
            "sum-by-key" => Some(Aggregate::Sum),
            _ => None,
        }
    }

    /// What one event adds.
    #[must_use]
    pub const fn adds(self, value: i64) -> i64 {
        match self {
            Aggregate::Count => 1,
            Aggregate::Sum => value,
        }
    }
}

/// Windows as a processor runs them: every length on the run's axis.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WindowPlan {
    /// What they are.
    pub config: WindowConfig,
    /// What a row says.
    pub aggregate: Aggregate,
}

impl WindowPlan {
    /// Windows over events that arrive `speed` times as fast as they happened (B10).
    #[must_use]
    pub fn new(config: &WindowConfig, aggregate: Aggregate, speed: u32) -> WindowPlan {
        let mut config = config.clone();
        let WindowConfig {
            assign,
            watermark: _,
            disorder,
            lateness,
            idle,
            drift,
            interval: _,
        } = &mut config;
        let lengths = assign.spans().into_iter().chain([disorder, lateness]);
        for span in lengths.chain(idle).chain(drift) {
            *span = *span / u64::from(speed);
        }
        WindowPlan { config, aggregate }
    }

    /// How far behind the latest event of its partition, or behind the clock, one is never dropped, in nanoseconds.
    #[must_use]
    pub fn contract(&self) -> i64 {
        nanos(self.config.disorder).saturating_add(nanos(self.config.lateness))
    }
}

/// A length on the axis of event time; longer than 292 years counts as that.
#[must_use]
pub fn nanos(span: Span) -> i64 {
    i64::try_from(span.0).unwrap_or(i64::MAX)
}
