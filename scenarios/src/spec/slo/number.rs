//! Numbers of objectives, without floating point: what is written is what is compared.

/// A decimal number times 10^`places`, none if it is not one or has more decimals than that.
pub(super) fn decimal(text: &str, places: usize) -> Option<u64> {
    let (whole, fraction) = text.split_once('.').unwrap_or((text, ""));
    let digits = |part: &str| part.chars().all(|c| c.is_ascii_digit());
    if whole.is_empty() || whole.len() > 9 || fraction.len() > places {
        return None;
    }
    if !digits(whole) || !digits(fraction) {
        return None;
    }
    format!("{whole}{fraction:0<places$}").parse().ok()
}

/// A number times 10^`places`, in plain or scientific form, none if it is not one, is too large, or is no
/// whole number of the last place: nothing is rounded.
pub(super) fn number(text: &str, places: u32) -> Option<u64> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i16>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let digits = format!("{whole}{fraction}");
    if whole.is_empty() || !digits.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let significant = digits.trim_matches('0');
    if significant.is_empty() {
        return Some(0);
    }
    let zeros = digits.len() - digits.trim_end_matches('0').len();
    // Lengths of a line of text are far inside an i64.
    let shift = i64::from(exponent) + i64::from(places) + zeros as i64 - fraction.len() as i64;
    let factor = 10_u64.checked_pow(u32::try_from(shift).ok()?)?;
    significant.parse::<u64>().ok()?.checked_mul(factor)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_read_exactly_or_not_at_all() {
        for (text, places, value) in [
            ("1e5", 0, Some(100_000)),
            ("1.5e3", 0, Some(1_500)),
            ("2500e-2", 0, Some(25)),
            ("1E+2", 0, Some(100)),
            ("0", 0, Some(0)),
            ("0.0", 6, Some(0)),
            ("9.5e-1", 6, Some(950_000)),
            ("0.10", 6, Some(100_000)),
            ("1e19", 0, Some(10_000_000_000_000_000_000)),
            ("1e20", 0, None),
            ("1.5", 0, None),
            ("25e-2", 0, None),
            ("0.0000001", 6, None),
            ("e5", 0, None),
            ("1e", 0, None),
            ("1e99999", 0, None),
            ("-1", 0, None),
            ("", 0, None),
        ] {
            assert_eq!(number(text, places), value, "{text}");
        }
    }
}
