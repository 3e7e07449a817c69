//! In what figures of a comparison are counted, and how they are written.

use crate::model::value::{Micros, three_digits};
use serde::Serialize;
use std::fmt;

/// A currency by its code (ISO 4217), such as `EUR`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Currency([u8; 3]);

impl Currency {
    /// Reads three capital letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let code: [u8; 3] = text.as_bytes().try_into().ok()?;
        code.iter()
            .all(u8::is_ascii_uppercase)
            .then_some(Self(code))
    }
}

impl fmt::Display for Currency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .try_for_each(|letter| write!(f, "{}", char::from(*letter)))
    }
}

impl Serialize for Currency {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

/// In what a metric is counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unit {
    /// Virtual time in microseconds.
    Micros,
    /// Events a second.
    PerSecond,
    /// Things.
    Count,
    /// Bytes.
    Bytes,
    /// A share of all.
    Share,
    /// Money.
    Money(Currency),
}

impl Unit {
    /// A number for people, with three digits.
    #[must_use]
    pub fn show(self, number: f64) -> String {
        let thousandths = (number.max(0.0) * 1_000.0).round() as u128;
        match self {
            Self::Micros => Micros((thousandths / 1_000) as u64).to_string(),
            Self::PerSecond => format!("{}/s", three_digits(thousandths, 1_000)),
            Self::Count => digits(number),
            Self::Bytes => match thousandths / 1_000 {
                0..=9_999 => format!("{} B", three_digits(thousandths, 1_000)),
                10_000..=9_999_999 => format!("{} kB", three_digits(thousandths, 1_000_000)),
                _ => format!("{} MB", three_digits(thousandths, 1_000_000_000)),
            },
            Self::Money(currency) => format!("{} {currency}", digits(number)),
            Self::Share => format!("{} %", digits(number * 100.0)),
        }
    }

    /// By what numbers up to `most` are divided so that all of them are read in one unit, and that unit's name.
    #[must_use]
    pub fn scale(self, most: f64) -> (f64, String) {
        let named = |divisor: f64, name: &str| (divisor, name.to_owned());
        match self {
            Self::Micros if most < 1e3 => named(1.0, "µs"),
            Self::Micros if most < 1e6 => named(1e3, "ms"),
            Self::Micros => named(1e6, "s"),
            Self::PerSecond => named(1.0, "a second"),
            Self::Count => named(1.0, ""),
            Self::Bytes if most < 1e4 => named(1.0, "B"),
            Self::Bytes if most < 1e7 => named(1e3, "kB"),
            Self::Bytes => named(1e6, "MB"),
            Self::Share => named(1e-2, "%"),
            Self::Money(currency) => (1.0, currency.to_string()),
        }
    }
}

/// A number above zero or zero with three digits, however small: what an event costs may be far below one.
#[must_use]
pub fn digits(number: f64) -> String {
    if number >= 1.0 || number <= 0.0 {
        return three_digits((number.max(0.0) * 1_000.0).round() as u128, 1_000);
    }
    let decimals = 2.0 - libm::floor(libm::log10(number));
    let text = format!("{number:.*}", decimals.clamp(2.0, 12.0) as usize);
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn small_numbers_keep_three_digits() {
        let cases = [
            (0.0, "0"),
            (0.000_123_44, "0.000123"),
            (0.05, "0.05"),
            (0.6, "0.6"),
            (1.234, "1.23"),
            (1_234.5, "1235"),
        ];
        for (number, text) in cases {
            assert_eq!(digits(number), text);
        }
    }

    #[test]
    fn a_currency_is_three_capital_letters() {
        let read = |text| Currency::parse(text).map(|currency| currency.to_string());
        assert_eq!(read("EUR").as_deref(), Some("EUR"));
        for wrong in ["eur", "EU", "EURO", "E R", "€"] {
            assert_eq!(read(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_scale_is_the_unit_in_which_the_largest_is_written() {
        assert_eq!(Unit::Micros.scale(12_400.0), (1e3, "ms".to_owned()));
        assert_eq!(Unit::Bytes.scale(9_999.0).1, "B");
        assert_eq!(Unit::Share.show(0.125), "12.5 %");
    }
}
