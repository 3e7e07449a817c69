//! Settings of a processor.

use super::window::config::WindowConfig;
use crate::retry::config::RetryConfig;
use crate::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A processor: members of one consumer group around a pure operator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ProcessorConfig {
    /// Where it reads: `broker.<name>/<topic>`.
    pub from: String,
    /// Where it writes: `sink.<name>`.
    pub to: String,
    /// What it does with each event: the name of an operator in the catalogue.
    pub operator: String,
    /// The lease under which its nodes write, one at a time: `lease.<name>`. Needs a queue or a fan-out broker,
    /// since a log's group has fences of its own.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lease: Option<String>,
    /// What it promises.
    #[serde(default)]
    pub delivery: DeliveryMode,
    /// How many nodes share the work.
    #[serde(default = "one")]
    pub nodes: u16,
    /// How often state and position are kept, or the position alone if the operator has no state.
    #[serde(default = "five_seconds")]
    pub checkpoint: Span,
    /// Events in a write to the sink at most.
    #[serde(default = "five_hundred")]
    pub batch: u32,
    /// Writes of one partition that are open at once. Above 1 a write that is tried again comes after later ones, and
    /// order is given up; needs a log broker and at-least-once, and excludes windows and upserts.
    #[serde(default = "one")]
    pub in_flight: u16,
    /// Which position is committed while several writes are open.
    #[serde(default)]
    pub commit: CommitPosition,
    /// How long an answer of the sink or the store is waited for.
    #[serde(default = "ten_seconds")]
    pub request_timeout: Span,
    /// The wait before a write is tried again.
    #[serde(default = "hundred_millis")]
    pub retry_backoff: Span,
    /// Whether and when it writes again what was not answered; left out, every `retry_backoff` for ever. A delivery
    /// that must not drop a write never does: where there is no other attempt it waits the longest wait instead.
    #[serde(default)]
    pub retry: Option<RetryConfig>,
    /// Windows of event time, which `count-by-key` and `sum-by-key` can work by; needs a log broker.
    #[serde(default)]
    pub window: Option<WindowConfig>,
    /// Planted flaws, for testing the checks.
    #[serde(default)]
    pub flaws: Vec<ProcessorFlaw>,
}

const fn one() -> u16 {
    1
}

const fn five_seconds() -> Span {
    Span::secs(5)
}

const fn five_hundred() -> u32 {
    500
}

const fn ten_seconds() -> Span {
    Span::secs(10)
}

const fn hundred_millis() -> Span {
    Span::millis(100)
}

/// In which order a processor writes and settles.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum DeliveryMode {
    /// Settle, then write, and never try again.
    AtMostOnce,
    /// Write, then settle.
    #[default]
    AtLeastOnce,
    /// Write rows and position in one transaction of the sink, fenced by epoch. Needs a log broker and a
    /// transactional sink.
    ExactlyOnce,
}

/// Which position a processor commits while several of its writes are open.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum CommitPosition {
    /// That of the first record whose write is open: everything below is done.
    #[default]
    Contiguous,
    /// That behind the last record whose write has ended, although an earlier one may be open: after a crash that
    /// one is never read again.
    Highest,
    /// That behind everything that was taken from the log, done or not, as a consumer of Kafka commits by itself
    /// (`enable.auto.commit`) while workers of its own have what it was given.
    Polled,
}

/// Planted flaws of a processor.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum ProcessorFlaw {
    /// Settles before it writes although it promises at-least-once.
    SettleBeforeWrite,
    /// Keeps the position without the state, so that a restart counts twice or not at all.
    StateWithoutPosition,
    /// Writes with an epoch of its own choosing, so that a zombie is not fenced.
    SkipFence,
    /// Leaves one event in a thousand out.
    SkipEvents,
    /// Follows the fastest input's watermark instead of the slowest's.
    FastestWatermark,
    /// Keeps the position without the windows that are open.
    ForgetWindows,
    /// Drops events that are late without accounting for them.
    LateInSilence,
}
