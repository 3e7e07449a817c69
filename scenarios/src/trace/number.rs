//! Numbers and dates of a trace, in integers: decimals are multiplied out exactly, and what is beyond the
//! range of an `i64` stays at its end. An absurd value is data; a text that is no number is a mistake.

use stormglass_core::source::config::TraceUnit;

/// Decimals that are looked at; more than a nanosecond of an hour needs.
const PLACES: usize = 18;
/// Digits before the point that are looked at; beyond, the value is at the end of the range anyway.
const DIGITS: usize = 18;

const SECOND: i128 = 1_000_000_000;
/// Nanoseconds in a day.
pub(crate) const DAY: i64 = 86_400 * SECOND as i64;

/// `value` inside the range of an `i64`.
fn saturate(value: i128) -> i64 {
    value.clamp(i64::MIN.into(), i64::MAX.into()) as i64
}

/// A decimal number times `factor`, cut towards zero; none if the text is no decimal number.
#[must_use]
pub(crate) fn decimal(text: &str, factor: i128) -> Option<i64> {
    let text = text.trim();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (-1, digits),
        None => (1, text.strip_prefix('+').unwrap_or(text)),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let are_digits = |part: &str| part.bytes().all(|byte| byte.is_ascii_digit());
    if (whole.is_empty() && fraction.is_empty()) || !are_digits(whole) || !are_digits(fraction) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    if whole.len() > DIGITS {
        return Some(saturate(sign * i128::MAX));
    }
    let number = |part: &str| {
        part.bytes()
            .fold(0_i128, |sum, byte| sum * 10 + i128::from(byte - b'0'))
    };
    let fraction = &fraction[..fraction.len().min(PLACES)];
    // Both terms stay below 10^18 × factor, and no factor is above 3.6 × 10^12.
    let value =
        number(whole) * factor + number(fraction) * factor / 10_i128.pow(fraction.len() as u32);
    Some(saturate(sign * value))
}

/// A column's time in nanoseconds on an axis of its own; none if the text is not in the unit.
#[must_use]
pub(crate) fn time(text: &str, unit: TraceUnit) -> Option<i64> {
    match unit {
        TraceUnit::Seconds => decimal(text, SECOND),
        TraceUnit::Millis => decimal(text, SECOND / 1_000),
        TraceUnit::Micros => decimal(text, SECOND / 1_000_000),
        TraceUnit::Hours => decimal(text, SECOND * 3_600),
        TraceUnit::Date => {
            date(text.trim()).map(|days| saturate(i128::from(days) * i128::from(DAY)))
        }
        TraceUnit::Timestamp => timestamp(text.trim()),
    }
}

/// What a time in the unit looks like.
#[must_use]
pub(crate) const fn example(unit: TraceUnit) -> &'static str {
    match unit {
        TraceUnit::Seconds => "seconds such as 12.5",
        TraceUnit::Millis => "milliseconds such as 1517365391235",
        TraceUnit::Micros => "microseconds such as 1517365391235000",
        TraceUnit::Hours => "hours such as 7.2",
        TraceUnit::Date => "a date such as 19970101 or 1997-01-01",
        TraceUnit::Timestamp => "a timestamp such as 2019-11-01T00:00:00Z",
    }
}

/// The two digits at `at`, if they are digits.
fn two(bytes: &[u8], at: usize) -> Option<i64> {
    match bytes.get(at..at + 2)? {
        [tens @ b'0'..=b'9', ones @ b'0'..=b'9'] => {
            Some(i64::from(tens - b'0') * 10 + i64::from(ones - b'0'))
        }
        _ => None,
    }
}

/// Days since 1970-01-01.
fn date(text: &str) -> Option<i64> {
    let bytes = text.as_bytes();
    let (month, day) = match bytes.len() {
        8 => (two(bytes, 4)?, two(bytes, 6)?),
        10 if bytes[4] == b'-' && bytes[7] == b'-' => (two(bytes, 5)?, two(bytes, 8)?),
        _ => return None,
    };
    let year = two(bytes, 0)? * 100 + two(bytes, 2)?;
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let longest = match month {
        2 if is_leap => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        1..=12 => 31,
        _ => return None,
    };
    (1..=longest).contains(&day).then(|| days(year, month, day))
}

/// Days since 1970-01-01 in the Gregorian calendar (Hinnant, "chrono-compatible low-level date algorithms").
const fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// `2019-11-01T00:00:00`, with a space for the T, decimals, and Z, an offset or nothing (UTC) at its end.
fn timestamp(text: &str) -> Option<i64> {
    let days = date(text.get(..10)?)?;
    let bytes = text.as_bytes();
    if !matches!(bytes.get(10), Some(b'T' | b't' | b' ')) {
        return None;
    }
    if bytes.get(13) != Some(&b':') || bytes.get(16) != Some(&b':') {
        return None;
    }
    let (hour, minute, second) = (two(bytes, 11)?, two(bytes, 14)?, two(bytes, 17)?);
    // A leap second counts as the one after it.
    if hour > 23 || minute > 59 || second > 60 {
        return None;
    }
    let rest = text.get(19..)?;
    let zone = rest.find(['Z', 'z', '+', '-']).unwrap_or(rest.len());
    let fraction = match &rest[..zone] {
        "" => 0,
        digits if digits.starts_with('.') && digits.len() > 1 => decimal(digits, SECOND)?,
        _ => return None,
    };
    let offset = match &rest[zone..] {
        "" | "Z" | "z" => 0,
        offset => {
            let bytes = offset.as_bytes();
            let minutes = match bytes.len() {
                6 if bytes[3] == b':' => two(bytes, 4)?,
                5 => two(bytes, 3)?,
                3 => 0,
                _ => return None,
            };
            let sign = if bytes[0] == b'-' { -1 } else { 1 };
            sign * (two(bytes, 1)? * 60 + minutes)
        }
    };
    let seconds = days * 86_400 + hour * 3_600 + (minute - offset) * 60 + second;
    Some(saturate(
        i128::from(seconds) * SECOND + i128::from(fraction),
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_are_exact() {
        assert_eq!(decimal("0.1", SECOND), Some(100_000_000));
        assert_eq!(decimal("7.2", SECOND * 3_600), Some(25_920_000_000_000));
        assert_eq!(decimal("-1.5", 10), Some(-15));
        assert_eq!(decimal("29.33", 100), Some(2_933));
        assert_eq!(decimal(".5", 10), Some(5));
        assert_eq!(
            decimal("1720248189.525094", SECOND),
            Some(1_720_248_189_525_094_000)
        );
    }

    #[test]
    fn an_absurd_number_stays_at_the_end_of_the_range() {
        assert_eq!(decimal("99999999999999999999999", 1), Some(i64::MAX));
        assert_eq!(decimal("-99999999999999999999999", 1), Some(i64::MIN));
        assert_eq!(
            decimal("999999999999999999", SECOND * 3_600),
            Some(i64::MAX)
        );
    }

    #[test]
    fn what_is_no_number_is_none() {
        for text in ["", ".", "-", "1e5", "NaN", "1,5", "0x10", "1.2.3", "é"] {
            assert_eq!(decimal(text, 1), None, "{text}");
        }
    }

    #[test]
    fn dates_and_timestamps_count_from_1970() {
        assert_eq!(time("1970-01-01", TraceUnit::Date), Some(0));
        assert_eq!(time("19970101", TraceUnit::Date), Some(9_862 * DAY));
        assert_eq!(time("20000229", TraceUnit::Date), Some(11_016 * DAY));
        assert_eq!(
            time("2019-11-01T00:00:00Z", TraceUnit::Timestamp),
            Some(1_572_566_400_000_000_000)
        );
        assert_eq!(
            time("2019-11-01 01:30:00.25+01:30", TraceUnit::Timestamp),
            Some(1_572_566_400_250_000_000)
        );
        for text in [
            "19970229",
            "1997-13-01",
            "1997/01/01",
            "1997-01-0é",
            "199701",
        ] {
            assert_eq!(time(text, TraceUnit::Date), None, "{text}");
        }
        for text in [
            "2019-11-01",
            "2019-11-01T24:00:00",
            "2019-11-01T00:00:00.",
            "2019-11-01T00:00:00+1",
        ] {
            assert_eq!(time(text, TraceUnit::Timestamp), None, "{text}");
        }
    }
}
