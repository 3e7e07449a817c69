//! How sure one may be of a share seen over seeds, at 95 % unless another confidence is asked for.
//!
//! Shares are in parts per million. Of floating point only `sqrt` is used, which IEEE 754 rounds correctly on
//! every platform, and libm, which is the same code everywhere: the bytes of a report do not depend on the
//! machine.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::model::value::{Value, three_digits};

/// 97.5 % of a normal distribution lies below this many standard deviations.
const Z: f64 = 1.959_963_984_540_054;

/// A share and its 95 % interval, in parts per million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Share {
    /// Occurrences.
    pub count: u64,
    /// Trials.
    pub of: u64,
    /// `count / of`.
    pub share_ppm: u64,
    /// Lower end of the interval.
    pub low_ppm: u64,
    /// Upper end of the interval.
    pub high_ppm: u64,
}

impl Share {
    /// Wilson's score interval, which stays within 0..1 and is honest for few trials.
    #[must_use]
    pub fn wilson(count: u64, of: u64) -> Self {
        if of == 0 {
            return Self {
                count,
                of,
                share_ppm: 0,
                low_ppm: 0,
                high_ppm: 1_000_000,
            };
        }
        let n = of as f64;
        let share = count as f64 / n;
        let centre = share + Z * Z / (2.0 * n);
        let spread = Z * (share * (1.0 - share) / n + Z * Z / (4.0 * n * n)).sqrt();
        let scale = 1.0 + Z * Z / n;
        // The ends are exact when nothing or everything occurred; rounding may leave 1e-17.
        let low = if count == 0 {
            0.0
        } else {
            (centre - spread) / scale
        };
        let high = if count == of {
            1.0
        } else {
            (centre + spread) / scale
        };
        Self {
            count,
            of,
            share_ppm: ppm(share),
            low_ppm: ppm(low),
            high_ppm: ppm(high),
        }
    }

    /// `13/2,000 seeds (0.65 %, 95 %: 0.38 to 1.11 %)`.
    #[must_use]
    pub fn sentence(&self) -> String {
        let percent = |ppm: u64| three_digits(u128::from(ppm), 10_000);
        format!(
            "{}/{} seeds ({}, 95 %: {} to {} %)",
            Value::Count(self.count),
            Value::Count(self.of),
            Value::Ppm(self.share_ppm),
            percent(self.low_ppm),
            percent(self.high_ppm)
        )
    }
}

/// The confidence of every interval and bound of a report, in parts per billion.
pub const CONFIDENCE_PPB: u64 = 950_000_000;

/// The share that `n` trials without an occurrence exclude at 95 %, in parts per million and rounded up:
/// 1 − 0.05^(1/n), which the rule of three, 3/n, comes close to from above.
#[must_use]
pub fn absence_bound_ppm(n: u64) -> u64 {
    excluded_ppm(n, CONFIDENCE_PPB)
}

/// The share that `n` trials without an occurrence exclude at a confidence in parts per billion, in parts per
/// million and rounded up.
#[must_use]
pub fn excluded_ppm(n: u64, confidence_ppb: u64) -> u64 {
    (excluded(n, confidence_ppb) * 1e6).ceil() as u64
}

/// The same in parts per billion: for so many trials that millionths are too coarse.
#[must_use]
pub fn excluded_ppb(n: u64, confidence_ppb: u64) -> u64 {
    (excluded(n, confidence_ppb) * 1e9).ceil() as u64
}

/// The p of (1 − p)^n = 1 − confidence; everything where nothing was tried.
fn excluded(n: u64, confidence_ppb: u64) -> f64 {
    if n == 0 {
        return 1.0;
    }
    1.0 - libm::pow(missed(confidence_ppb), 1.0 / n as f64)
}

/// How many trials are needed so that something of this rate occurs at least once with this confidence, both
/// in parts per billion: the smallest n with (1 − rate)^n ≤ 1 − confidence.
///
/// # Panics
/// If either is not strictly between 0 and 1: no number of trials would do, or none would be needed.
#[must_use]
pub fn trials_to_see(rate_ppb: u64, confidence_ppb: u64) -> u64 {
    for share in [rate_ppb, confidence_ppb] {
        assert!(share > 0 && share < BILLION, "{share} parts per billion");
    }
    let (rate, missed) = (rate_ppb as f64 / 1e9, missed(confidence_ppb));
    let each = libm::log1p(-rate);
    // What n trials miss, equal within the rounding of exp and log1p: 0.9^2 is 0.81 and not a hair more.
    let is_enough = |n: u64| libm::exp(n as f64 * each) <= missed * (1.0 + 1e-12);
    let mut n = (libm::log(missed) / each).ceil().max(1.0) as u64;
    while n > 1 && is_enough(n - 1) {
        n -= 1;
    }
    while !is_enough(n) {
        n += 1;
    }
    n
}

const BILLION: u64 = 1_000_000_000;

/// The share of all series of trials that a confidence leaves out.
fn missed(confidence_ppb: u64) -> f64 {
    BILLION.saturating_sub(confidence_ppb) as f64 / 1e9
}

fn ppm(share: f64) -> u64 {
    (share.clamp(0.0, 1.0) * 1e6).round() as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wilson_gives_the_published_interval() {
        // 13 of 2 000: Wilson 95 % is 0.380 % to 1.109 %.
        let share = Share::wilson(13, 2_000);
        assert_eq!(
            (share.share_ppm, share.low_ppm, share.high_ppm),
            (6_500, 3_803, 11_090)
        );
    }

    #[test]
    fn wilson_ends_are_exact_when_nothing_or_everything_occurred() {
        assert_eq!(Share::wilson(0, 64).low_ppm, 0);
        assert_eq!(Share::wilson(64, 64).high_ppm, 1_000_000);
        assert_eq!(Share::wilson(0, 0).high_ppm, 1_000_000);
    }

    #[test]
    fn absence_in_every_trial_leaves_less_than_the_rule_of_three() {
        assert_eq!(absence_bound_ppm(1_874), 1_598);
        assert_eq!(absence_bound_ppm(3), 631_597);
        assert_eq!(absence_bound_ppm(1), 950_000);
        assert_eq!(absence_bound_ppm(0), 1_000_000);
    }

    #[test]
    fn the_trials_to_see_a_rate_are_the_fewest_that_miss_it_rarely_enough() {
        let share = |percent: f64| (percent * 1e7).round() as u64;
        // (1 − p)^n by hand: 0.5^2 = 0.25, 0.9^2 = 0.81, ln 0.05 / ln 0.999 = 2 994.2.
        assert_eq!(trials_to_see(share(50.0), share(75.0)), 2);
        assert_eq!(trials_to_see(share(10.0), share(19.0)), 2);
        assert_eq!(trials_to_see(share(10.0), share(19.000_001)), 3);
        assert_eq!(trials_to_see(share(0.1), CONFIDENCE_PPB), 2_995);
        assert_eq!(trials_to_see(share(0.1), share(99.0)), 4_603);
        assert_eq!(trials_to_see(share(99.0), share(1.0)), 1);
        assert_eq!(trials_to_see(1, CONFIDENCE_PPB), 2_995_732_273);
    }

    #[test]
    fn as_many_trials_as_show_a_rate_exclude_it_when_they_show_nothing() {
        for rate_ppm in [50, 100, 1_000, 12_345, 300_000] {
            for confidence in [500_000_000, CONFIDENCE_PPB, 999_000_000] {
                let n = trials_to_see(rate_ppm * 1_000, confidence);
                assert!(
                    excluded_ppm(n, confidence) <= rate_ppm,
                    "{rate_ppm} ppm: {n}"
                );
                assert!(n == 1 || excluded_ppm(n - 1, confidence) > rate_ppm);
            }
        }
    }
}
