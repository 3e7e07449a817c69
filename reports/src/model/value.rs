//! Quantities with units, and the bounds put on them. Integers only, so that merging in any order
//! gives the same bytes.

use std::cmp::Ordering;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Virtual time or a length of it, in microseconds.
#[derive(
    Debug,
    Clone,
    Copy,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Default,
    Serialize,
    Deserialize,
    JsonSchema,
)]
#[serde(transparent)]
pub struct Micros(pub u64);

impl Micros {
    /// Rounds nanoseconds down to microseconds.
    #[must_use]
    pub const fn from_nanos(nanos: u64) -> Self {
        Self(nanos / 1_000)
    }

    /// Whole milliseconds.
    #[must_use]
    pub const fn from_millis(millis: u64) -> Self {
        Self(millis * 1_000)
    }

    /// Whole seconds.
    #[must_use]
    pub const fn from_secs(seconds: u64) -> Self {
        Self(seconds * 1_000_000)
    }

    /// As seconds, for drawing and dividing.
    #[must_use]
    pub fn as_secs_f64(self) -> f64 {
        self.0 as f64 / 1e6
    }
}

impl fmt::Display for Micros {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (unit, name) = match self.0 {
            0..=999 => return write!(f, "{} µs", self.0),
            1_000..=999_999 => (1_000, "ms"),
            1_000_000..=119_999_999 => (1_000_000, "s"),
            120_000_000..=7_199_999_999 => (60_000_000, "min"),
            _ => (3_600_000_000, "h"),
        };
        write!(f, "{} {name}", three_digits(u128::from(self.0), unit))
    }
}

/// Writes 64-bit seeds and fingerprints as text: JSON readers keep 53 bits of a number.
pub mod as_text {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    /// Writes decimal digits.
    ///
    /// # Errors
    /// Those of the serializer.
    pub fn serialize<S: Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(number)
    }

    /// Reads decimal digits.
    ///
    /// # Errors
    /// If the text is not a number of 64 bits.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        String::deserialize(deserializer)?
            .parse()
            .map_err(D::Error::custom)
    }
}

/// `value / unit` with three significant digits and without trailing zeros, rounded half up.
#[must_use]
pub fn three_digits(value: u128, unit: u128) -> String {
    let whole = value / unit;
    let decimals = match whole {
        0..=9 => 2,
        10..=99 => 1,
        _ => 0,
    };
    let scale = 10_u128.pow(decimals);
    let rounded = (value * scale + unit / 2) / unit;
    let (integer, fraction) = (rounded / scale, rounded % scale);
    if fraction == 0 {
        return integer.to_string();
    }
    let fraction = format!("{fraction:0width$}", width = decimals as usize);
    format!("{integer}.{}", fraction.trim_end_matches('0'))
}

/// `1 seed`, `2,000 seeds`: a count and what is counted, whose plural takes an s.
#[must_use]
pub fn counted(count: u64, noun: &str) -> String {
    let plural = if count == 1 { "" } else { "s" };
    format!("{} {noun}{plural}", grouped(count))
}

/// `count` with commas between groups of three, such as `12,345`.
#[must_use]
pub fn grouped(count: u64) -> String {
    let digits = count.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// A position in a distribution, in parts per million: p99.9 is 999 000.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
#[serde(transparent)]
pub struct Quantile(pub u32);

impl Quantile {
    /// The median.
    pub const P50: Self = Self(500_000);
    /// 90 % are at or below.
    pub const P90: Self = Self(900_000);
    /// 99 % are at or below.
    pub const P99: Self = Self(990_000);
    /// 99.9 % are at or below.
    pub const P999: Self = Self(999_000);
    /// 99.99 % are at or below.
    pub const P9999: Self = Self(999_900);
    /// The largest sample.
    pub const MAX: Self = Self(1_000_000);

    /// Samples below which the percentile of one run says nothing: ten beyond it (decisions B2).
    #[must_use]
    pub fn samples_min(self) -> u64 {
        // The largest of any samples is what it is.
        10_000_000_u64
            .div_ceil(1_000_000_u64.saturating_sub(self.0.into()).max(1))
            .min(10_000_000)
    }
}

impl fmt::Display for Quantile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::MAX {
            return f.write_str("max");
        }
        let (whole, fraction) = (self.0 / 10_000, self.0 % 10_000);
        if fraction == 0 {
            return write!(f, "p{whole}");
        }
        write!(
            f,
            "p{whole}.{}",
            format!("{fraction:04}").trim_end_matches('0')
        )
    }
}

/// A measured or required quantity.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Value {
    /// A length of virtual time.
    Micros(u64),
    /// A rate in thousandths of an event a second.
    MilliPerSecond(u64),
    /// A share in parts per million.
    Ppm(u64),
    /// A number of things.
    Count(u64),
    /// Longer than any run: the event never became visible (decisions B3).
    Never,
}

impl Value {
    /// The bare number in the unit of the arm; `None` for never.
    #[must_use]
    pub fn number(self) -> Option<u64> {
        match self {
            Self::Micros(n) | Self::MilliPerSecond(n) | Self::Ppm(n) | Self::Count(n) => Some(n),
            Self::Never => None,
        }
    }

    /// Orders by size, with never above everything.
    ///
    /// # Panics
    /// If the units differ: the caller parsed both sides from one expression.
    #[must_use]
    pub fn compare(self, other: Self) -> Ordering {
        match (self.number(), other.number()) {
            (Some(left), Some(right)) => {
                assert_eq!(
                    std::mem::discriminant(&self),
                    std::mem::discriminant(&other),
                    "units differ: {self} and {other}"
                );
                left.cmp(&right)
            }
            (None, Some(_)) => Ordering::Greater,
            (Some(_), None) => Ordering::Less,
            (None, None) => Ordering::Equal,
        }
    }
}

impl fmt::Display for Value {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Micros(n) => Micros(*n).fmt(f),
            Self::MilliPerSecond(n) => write!(f, "{}/s", three_digits(u128::from(*n), 1_000)),
            Self::Ppm(n) => write!(f, "{} %", three_digits(u128::from(*n), 10_000)),
            Self::Count(n) => f.write_str(&grouped(*n)),
            Self::Never => f.write_str("never"),
        }
    }
}

/// Which side of the bound is good.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Bound {
    /// `<=`
    AtMost,
    /// `<`
    Below,
    /// `>=`
    AtLeast,
    /// `>`
    Above,
}

impl Bound {
    /// Whether small values are the good ones.
    #[must_use]
    pub fn is_upper(self) -> bool {
        match self {
            Self::AtMost | Self::Below => true,
            Self::AtLeast | Self::Above => false,
        }
    }
}

impl fmt::Display for Bound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::AtMost => "<=",
            Self::Below => "<",
            Self::AtLeast => ">=",
            Self::Above => ">",
        })
    }
}

/// A bound on a metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Threshold {
    /// Which side is good.
    pub bound: Bound,
    /// Where it lies.
    pub value: Value,
}

impl Threshold {
    /// `<= value`.
    #[must_use]
    pub const fn at_most(value: Value) -> Self {
        Self {
            bound: Bound::AtMost,
            value,
        }
    }

    /// `>= value`.
    #[must_use]
    pub const fn at_least(value: Value) -> Self {
        Self {
            bound: Bound::AtLeast,
            value,
        }
    }

    /// Whether `observed` is on the good side.
    #[must_use]
    pub fn holds(&self, observed: Value) -> bool {
        let order = observed.compare(self.value);
        match self.bound {
            Bound::AtMost => order != Ordering::Greater,
            Bound::Below => order == Ordering::Less,
            Bound::AtLeast => order != Ordering::Less,
            Bound::Above => order == Ordering::Greater,
        }
    }

    /// Whether `left` is further towards violation than `right`.
    #[must_use]
    pub fn is_worse(&self, left: Value, right: Value) -> bool {
        let bad = if self.bound.is_upper() {
            Ordering::Greater
        } else {
            Ordering::Less
        };
        left.compare(right) == bad
    }

    /// Distance to the bound in thousandths of the bound: positive on the good side, `None` when
    /// the observation is never or the bound is zero.
    #[must_use]
    pub fn margin_permille(&self, observed: Value) -> Option<i64> {
        let observed = i128::from(observed.number()?);
        let bound = i128::from(self.value.number()?);
        if bound == 0 {
            return None;
        }
        let room = if self.bound.is_upper() {
            bound - observed
        } else {
            observed - bound
        };
        i64::try_from(room * 1_000 / bound).ok()
    }
}

impl fmt::Display for Threshold {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.bound, self.value)
    }
}
