//! `stormglass plan-seeds`: how many seeds a search needs, and what a search that found nothing has shown.

use crate::args::PlanSeedsArgs;
use crate::error::Failure;
use crate::say;
use stormglass_reports::model::value::Value;
use stormglass_reports::stats::{excluded_ppb, trials_to_see};

/// Numbers of seeds that people run, from a change to a night.
const USUAL: [u64; 4] = [100, 1_000, 10_000, 100_000];

/// Runs the command.
pub fn plan_seeds(args: &PlanSeedsArgs) -> Result<u8, Failure> {
    let rate = share("--rate", &args.rate)?;
    let confidence = share("--confidence", &args.confidence)?;
    let (rate_text, confidence_text) = (args.rate.trim(), args.confidence.trim());
    let seeds = trials_to_see(rate, confidence);
    say(&format!(
        "{} seeds show a failure of {rate_text} of seeds at least once, with {confidence_text} confidence",
        Value::Count(seeds)
    ))?;
    say("without a failure, at the same confidence:")?;
    for count in USUAL.into_iter().filter(|count| *count != seeds) {
        let excluded = percent(excluded_ppb(count, confidence));
        say(&format!(
            "  0 of {:>7}  < {excluded}",
            Value::Count(count).to_string()
        ))?;
    }
    Ok(0)
}

/// Billionths as percent, with three digits and rounded up: a bound may not promise more than it holds.
fn percent(ppb: u64) -> String {
    let mut coarse = 1;
    while ppb.div_ceil(coarse) >= 1_000 {
        coarse *= 10;
    }
    let rounded = ppb.div_ceil(coarse) * coarse;
    let text = format!("{}.{:07}", rounded / 10_000_000, rounded % 10_000_000);
    format!("{} %", text.trim_end_matches('0').trim_end_matches('.'))
}

/// A share strictly between none and all, in parts per billion.
fn share(option: &str, text: &str) -> Result<u64, Failure> {
    let hint = "a share is given in percent, above 0% and below 100%, as in 0.1%";
    let wrong = |why: &str| Failure::usage(format!("{option} {text:?} {why}"), hint);
    let number = text.trim().strip_suffix('%');
    let number = number.ok_or_else(|| wrong("has no % at its end"))?.trim();
    let (whole, decimals) = number.split_once('.').unwrap_or((number, ""));
    let is_number = |digits: &str| digits.bytes().all(|byte| byte.is_ascii_digit());
    if whole.is_empty() || !is_number(whole) || !is_number(decimals) || number.ends_with('.') {
        return Err(wrong("is not a number of percent"));
    }
    if decimals.len() > 7 {
        return Err(wrong("is finer than a billionth"));
    }
    // Seven decimals of a percent are billionths.
    let parts = format!("{whole}{decimals:0<7}").parse().unwrap_or(u64::MAX);
    match parts {
        0 => Err(wrong("is nothing: no number of seeds shows it")),
        1..1_000_000_000 => Ok(parts),
        _ => Err(wrong("is not below 100%")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_share_is_read_to_the_billionth() {
        let read = |text| share("--rate", text).ok();
        assert_eq!(read("0.1%"), Some(1_000_000));
        assert_eq!(read(" 99.9999999 % "), Some(999_999_999));
        assert_eq!(read("0.0000001%"), Some(1));
    }

    #[test]
    fn a_bound_is_rounded_up_to_three_digits() {
        assert_eq!(percent(29_960_000), "3 %");
        assert_eq!(percent(29_513_049), "2.96 %");
        assert_eq!(percent(29_957), "0.003 %");
        assert_eq!(percent(29_857), "0.00299 %");
        assert_eq!(percent(7), "0.0000007 %");
    }

    #[test]
    fn nonsense_is_refused_with_what_would_be_right() {
        for text in [
            "0.1",
            "0%",
            "100%",
            "-1%",
            "1e3%",
            "%",
            "5.%",
            ".5%",
            "0.00000001%",
            "99999999999999999999%",
        ] {
            let failure = share("--rate", text).expect_err(text);
            let told = failure.to_string();
            assert!(told.contains(text) && told.contains("as in 0.1%"), "{told}");
            assert_eq!(failure.code(), 2);
        }
    }
}
