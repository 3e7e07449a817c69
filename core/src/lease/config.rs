//! Settings of a lease.

use crate::time::Span;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// How far apart the rates of two monotonic clocks may lie, in parts per million: what NTP takes for the worst
/// that an oscillator does (RFC 5905, MAXFREQ).
pub const DRIFT_MAX: u64 = 500;

/// A lease that lets one node of a processor write at a time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct LeaseConfig {
    /// How long a grant lasts.
    pub duration: Span,
    /// By which clock a lease ends.
    pub clock: LeaseClock,
    /// Whether a holder asks for more time at the half of what it has. One that does not lets the lease run out
    /// at its end, and others have their turn.
    #[serde(default = "yes")]
    pub renew: bool,
    /// The wait before a refused node asks again.
    #[serde(default = "hundred_millis")]
    pub retry_interval: Span,
    /// How long an answer of the authority is waited for.
    #[serde(default = "one_second")]
    pub request_timeout: Span,
    /// Planted flaws, for testing the checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flaws: Vec<LeaseFlaw>,
}

const fn yes() -> bool {
    true
}

const fn hundred_millis() -> Span {
    Span::millis(100)
}

const fn one_second() -> Span {
    Span::secs(1)
}

/// By which clock a lease ends.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum LeaseClock {
    /// At an instant of the authority's wall clock, which the holder compares with its own.
    Wall,
    /// After a length of time on the monotonic clock of each: the authority's counts from the grant, the
    /// holder's from before it asked, and is shortened by what the clocks' rates may differ.
    Monotonic,
}

/// Planted flaws of a lease's authority.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "kebab-case")]
pub enum LeaseFlaw {
    /// Grants a lease to whoever asks, although another node holds it.
    GrantWhileHeld,
    /// Forgets its tokens when it boots, and hands them out again.
    ForgetTokens,
}
