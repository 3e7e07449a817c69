//! How sure one may be of a share seen over seeds, at 95 %.
//!
//! Shares are in parts per million. Only `sqrt` is used of floating point, which IEEE 754 rounds
//! correctly on every platform, so the bytes of a report do not depend on the machine.

use serde::{Deserialize, Serialize};

use crate::model::value::{Value, three_digits};

/// 97.5 % of a normal distribution lies below this many standard deviations.
const Z: f64 = 1.959_963_984_540_054;

/// A share and its 95 % interval, in parts per million.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
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

/// The share that `n` trials without an occurrence exclude at 95 %, in parts per million and rounded up:
/// 1 − 0.05^(1/n), which the rule of three, 3/n, comes close to from above.
#[must_use]
pub fn absence_bound_ppm(n: u64) -> u64 {
    if n == 0 {
        return 1_000_000;
    }
    let missed = libm::pow(0.05, 1.0 / n as f64);
    ((1.0 - missed) * 1e6).ceil() as u64
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
}
