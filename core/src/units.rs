//! Lengths of time, rates and sizes as people write them: `"1.5s"`, `"2000/s"`, `"16 KiB"`.
//! What is printed is exact, so that a plan or a configuration parses back to the same value.

pub mod pattern;

use crate::time::{Span, Time};
use serde::de::{Deserializer, Error, Visitor};
use serde::{Deserialize, Serialize, Serializer};
use std::fmt;

/// Events a second, counted in millionths.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Rate(pub u64);

/// Bytes.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Size(pub u64);

const TIME_UNITS: &[(&str, u64)] = &[
    ("ns", 1),
    ("us", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("min", 60_000_000_000),
    ("h", 3_600_000_000_000),
    ("d", 86_400_000_000_000),
];

const SIZE_UNITS: &[(&str, u64)] = &[
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
];

/// By how many seconds a rate is divided.
const RATE_UNITS: &[(&str, u64)] = &[("s", 1), ("min", 60), ("h", 3_600), ("d", 86_400)];

impl Rate {
    /// So many events a second.
    #[must_use]
    pub const fn per_second(events: u64) -> Rate {
        Rate(events * 1_000_000)
    }

    /// The mean distance between two events.
    ///
    /// # Panics
    /// If the rate is zero.
    #[must_use]
    pub const fn interval(self) -> Span {
        assert!(self.0 > 0, "events of rate 0 have no distance");
        Span(1_000_000_000_000_000 / self.0)
    }
}

/// Splits `text` into a decimal number and a unit and multiplies, without floating point.
fn parse(text: &str, units: &[(&str, u64)], what: &str, example: &str) -> Result<u64, String> {
    let text = text.trim();
    let end = text
        .find(|c: char| !c.is_ascii_digit() && c != '.' && c != '_')
        .unwrap_or(text.len());
    let (number, unit) = (&text[..end].replace('_', ""), text[end..].trim());
    let names = || {
        units
            .iter()
            .map(|(name, _)| *name)
            .collect::<Vec<_>>()
            .join(", ")
    };
    if number.is_empty() {
        return Err(format!("expected {what} such as {example}, found {text:?}"));
    }
    let Some((_, factor)) = units.iter().find(|(name, _)| *name == unit) else {
        return Err(if unit.is_empty() {
            format!("{what} needs a unit ({}), for example {example}", names())
        } else {
            format!("unknown unit {unit:?}: {what} is given in {}", names())
        });
    };
    let (whole, fraction) = number.split_once('.').unwrap_or((number, ""));
    let too_large = || format!("{text:?} is too large for {what}");
    let bad = || format!("expected {what} such as {example}, found {text:?}");
    if fraction.contains('.') || (whole.is_empty() && fraction.is_empty()) {
        return Err(bad());
    }
    let whole: u64 = if whole.is_empty() {
        0
    } else {
        whole.parse().map_err(|_| too_large())?
    };
    let mut value = u128::from(whole) * u128::from(*factor);
    let digits = fraction.len().min(15);
    if digits > 0 {
        let part: u128 = fraction[..digits].parse().map_err(|_| bad())?;
        value += part * u128::from(*factor) / 10_u128.pow(digits as u32);
    }
    u64::try_from(value)
        .ok()
        .filter(|value| *value <= i64::MAX as u64)
        .ok_or_else(too_large)
}

/// Reads a length of time such as `250ms`, `1.5s` or `10 min`.
///
/// # Errors
/// A sentence that says what was expected.
pub fn parse_span(text: &str) -> Result<Span, String> {
    parse(text, TIME_UNITS, "a length of time", "\"250ms\"").map(Span)
}

/// Reads a size such as `16 KiB` or `1MB`.
///
/// # Errors
/// A sentence that says what was expected.
pub fn parse_size(text: &str) -> Result<Size, String> {
    parse(text, SIZE_UNITS, "a size", "\"16KiB\"").map(Size)
}

/// Reads a rate such as `2000/s` or `5/min`.
///
/// # Errors
/// A sentence that says what was expected.
pub fn parse_rate(text: &str) -> Result<Rate, String> {
    let example = "\"2000/s\"";
    let Some((number, unit)) = text.split_once('/') else {
        return Err(format!("expected a rate such as {example}, found {text:?}"));
    };
    let unit = unit.trim();
    let Some((_, per)) = RATE_UNITS.iter().find(|(name, _)| *name == unit) else {
        return Err(format!(
            "unknown unit {unit:?}: a rate is given per s, min, h or d"
        ));
    };
    parse(
        &format!("{}x", number.trim()),
        &[("x", 1_000_000)],
        "a rate",
        example,
    )
    .map(|millionths| Rate(millionths / per))
    .map_err(|message| message.replace('x', ""))
}

fn print(value: u64, units: &[(&str, u64)]) -> String {
    let (name, factor) = units
        .iter()
        .rev()
        .find(|(_, factor)| value != 0 && value.is_multiple_of(*factor))
        .unwrap_or(&units[0]);
    format!("{}{name}", value / factor)
}

/// The exact text of a length of time, in the largest unit that divides it.
#[must_use]
pub fn print_span(span: Span) -> String {
    if span == Span::ZERO {
        "0s".to_owned()
    } else {
        print(span.0, TIME_UNITS)
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&print(self.0, SIZE_UNITS))
    }
}

impl fmt::Display for Rate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_multiple_of(1_000_000) {
            write!(f, "{}/s", self.0 / 1_000_000)
        } else {
            let digits = format!("{:06}", self.0 % 1_000_000);
            write!(
                f,
                "{}.{}/s",
                self.0 / 1_000_000,
                digits.trim_end_matches('0')
            )
        }
    }
}

struct Text<T> {
    expected: &'static str,
    parse: fn(&str) -> Result<T, String>,
}

impl<T> Visitor<'_> for Text<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.expected)
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        (self.parse)(text).map_err(E::custom)
    }
}

macro_rules! as_text {
    ($type:ty, $expected:literal, $parse:expr, $print:expr) => {
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str(&$print(*self))
            }
        }

        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<$type, D::Error> {
                deserializer.deserialize_str(Text {
                    expected: $expected,
                    parse: $parse,
                })
            }
        }
    };
}

as_text!(
    Span,
    "a length of time with a unit, such as \"250ms\"",
    parse_span,
    print_span
);
as_text!(
    Time,
    "an instant after the start with a unit, such as \"10s\"",
    |text| parse_span(text).map(|span| Time(span.0)),
    |time: Time| print_span(Span(time.0))
);
as_text!(
    Size,
    "a size with a unit, such as \"16KiB\"",
    parse_size,
    |size: Size| size.to_string()
);
as_text!(
    Rate,
    "a rate with a unit, such as \"2000/s\"",
    parse_rate,
    |rate: Rate| rate.to_string()
);

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_length_of_time_is_read_exactly() {
        for (text, span) in [
            ("250ms", Span::millis(250)),
            ("1.5s", Span::millis(1_500)),
            ("10 min", Span::secs(600)),
            ("0s", Span::ZERO),
            ("0.000001s", Span::micros(1)),
        ] {
            assert_eq!(parse_span(text), Ok(span), "{text}");
        }
    }

    #[test]
    fn what_is_printed_parses_back() {
        for nanos in [
            0,
            1,
            999,
            1_000,
            1_500_000,
            90 * 1_000_000_000,
            86_400_000_000_000,
            123_456_789,
        ] {
            assert_eq!(parse_span(&print_span(Span(nanos))), Ok(Span(nanos)));
        }
        for rate in [Rate(1), Rate(1_500_000), Rate::per_second(2_000)] {
            assert_eq!(parse_rate(&rate.to_string()), Ok(rate));
        }
        for size in [Size(0), Size(61), Size(16 << 10), Size(1_000_000)] {
            assert_eq!(parse_size(&size.to_string()), Ok(size));
        }
    }

    #[test]
    fn a_missing_or_unknown_unit_is_explained() {
        assert!(parse_span("250").unwrap_err().contains("needs a unit"));
        assert!(
            parse_span("5 parsecs")
                .unwrap_err()
                .contains("unknown unit \"parsecs\"")
        );
        assert!(parse_rate("2000").unwrap_err().contains("expected a rate"));
        assert!(
            parse_span("99999999999999999999s")
                .unwrap_err()
                .contains("too large")
        );
        assert!(
            parse_span("1.2.3s")
                .unwrap_err()
                .contains("expected a length of time")
        );
        assert!(parse_span("").is_err());
    }
}
