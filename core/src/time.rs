//! Instants and lengths of time, all in whole nanoseconds.
//!
//! Three clocks exist and their readings never mix: [`Time`] is true simulated time, known to the World
//! and the History alone; [`Mono`] is a node's monotonic clock; [`Wall`] is a node's idea of the date.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::ops::{Add, AddAssign, Div, Mul, Sub};

/// Nanoseconds in a second.
pub const SECOND: u64 = 1_000_000_000;

/// True simulated time: nanoseconds since the run began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub u64);

/// A length of time in nanoseconds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Span(pub u64);

/// A node's monotonic clock: nanoseconds since its boot, at the node's own rate; it never steps.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Mono(pub u64);

/// A node's wall clock: nanoseconds since the true start of the run as this node believes it.
/// It may step backwards and may be negative.
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Wall(pub i64);

impl Time {
    /// The start of the run.
    pub const ZERO: Time = Time(0);
    /// Later than any instant of any run.
    pub const NEVER: Time = Time(u64::MAX);

    /// The length since `earlier`, zero if `earlier` lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Time) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Span {
    /// No time at all.
    pub const ZERO: Span = Span(0);
    /// Longer than any run.
    pub const MAX: Span = Span(u64::MAX);

    /// `n` nanoseconds.
    #[must_use]
    pub const fn nanos(n: u64) -> Span {
        Span(n)
    }

    /// `n` microseconds.
    #[must_use]
    pub const fn micros(n: u64) -> Span {
        Span(n * 1_000)
    }

    /// `n` milliseconds.
    #[must_use]
    pub const fn millis(n: u64) -> Span {
        Span(n * 1_000_000)
    }

    /// `n` seconds.
    #[must_use]
    pub const fn secs(n: u64) -> Span {
        Span(n * SECOND)
    }

    /// Whole microseconds, rounded down.
    #[must_use]
    pub const fn as_micros(self) -> u64 {
        self.0 / 1_000
    }

    /// Seconds, for people.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / SECOND as f64
    }

    /// The longer of both without overflow.
    #[must_use]
    pub const fn saturating_add(self, other: Span) -> Span {
        Span(self.0.saturating_add(other.0))
    }

    /// The difference, zero if `other` is longer.
    #[must_use]
    pub const fn saturating_sub(self, other: Span) -> Span {
        Span(self.0.saturating_sub(other.0))
    }

    /// `self × numerator / denominator`, rounded down, computed in 128 bits where 64 do not suffice.
    #[must_use]
    pub const fn ratio(self, numerator: u64, denominator: u64) -> Span {
        if let Some(product) = self.0.checked_mul(numerator) {
            return Span(product / denominator);
        }
        Span((self.0 as u128 * numerator as u128 / denominator as u128) as u64)
    }
}

impl Mono {
    /// The length since `earlier`, zero if `earlier` lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Mono) -> Span {
        Span(self.0.saturating_sub(earlier.0))
    }
}

impl Wall {
    /// The length since `earlier`, zero if `earlier` lies ahead (a wall clock may have stepped back).
    #[must_use]
    pub const fn since(self, earlier: Wall) -> Span {
        let difference = self.0 - earlier.0;
        Span(if difference > 0 { difference as u64 } else { 0 })
    }
}

impl Add<Span> for Time {
    type Output = Time;
    fn add(self, span: Span) -> Time {
        Time(self.0.saturating_add(span.0))
    }
}

impl AddAssign<Span> for Time {
    fn add_assign(&mut self, span: Span) {
        *self = *self + span;
    }
}

impl Sub<Span> for Time {
    type Output = Time;
    fn sub(self, span: Span) -> Time {
        Time(self.0.saturating_sub(span.0))
    }
}

impl Add<Span> for Mono {
    type Output = Mono;
    fn add(self, span: Span) -> Mono {
        Mono(self.0.saturating_add(span.0))
    }
}

impl Add<Span> for Wall {
    type Output = Wall;
    fn add(self, span: Span) -> Wall {
        Wall(self.0.saturating_add_unsigned(span.0))
    }
}

impl Sub<Span> for Wall {
    type Output = Wall;
    fn sub(self, span: Span) -> Wall {
        Wall(self.0.saturating_sub_unsigned(span.0))
    }
}

impl Add for Span {
    type Output = Span;
    fn add(self, other: Span) -> Span {
        Span(self.0 + other.0)
    }
}

impl AddAssign for Span {
    fn add_assign(&mut self, other: Span) {
        *self = *self + other;
    }
}

impl Mul<u64> for Span {
    type Output = Span;
    fn mul(self, factor: u64) -> Span {
        Span(self.0 * factor)
    }
}

impl Div<u64> for Span {
    type Output = Span;
    fn div(self, divisor: u64) -> Span {
        Span(self.0 / divisor)
    }
}

impl fmt::Display for Time {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:09}s", self.0 / SECOND, self.0 % SECOND)
    }
}

/// The largest unit in which the length is at least one, with up to three decimals: `1.5ms`, `40s`.
impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0 => return f.write_str("0s"),
            n if n >= SECOND => (SECOND, "s"),
            n if n >= 1_000_000 => (1_000_000, "ms"),
            n if n >= 1_000 => (1_000, "us"),
            _ => (1, "ns"),
        };
        let thousandths = (u128::from(self.0) * 1_000 / u128::from(unit)) as u64;
        let whole = thousandths / 1_000;
        match thousandths % 1_000 {
            0 => write!(f, "{whole}{name}"),
            rest => {
                let digits = format!("{rest:03}");
                write!(f, "{whole}.{}{name}", digits.trim_end_matches('0'))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_span_prints_in_its_largest_unit() {
        for (span, text) in [
            (Span::ZERO, "0s"),
            (Span::nanos(7), "7ns"),
            (Span::micros(1_500), "1.5ms"),
            (Span::millis(40), "40ms"),
            (Span::secs(90), "90s"),
        ] {
            assert_eq!(span.to_string(), text);
        }
    }

    #[test]
    fn a_wall_clock_that_stepped_back_measures_nothing_rather_than_less() {
        assert_eq!(Wall(-5).since(Wall(3)), Span::ZERO);
    }
}
