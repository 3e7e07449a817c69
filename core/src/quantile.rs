//! Distributions as tables of quantiles, built once with libm and read with integers: the platform's `exp`
//! and `ln` differ in the last bit, and a table costs 2 ns a draw where the formula costs 39.

use crate::time::Span;

const STEPS: usize = 1_024;

/// Where the last cell of a table is cut, in cells: a sixteenth before its end, as no value is the last.
const EDGE: f64 = 1.0 / 16.0;

/// A distribution of lengths of time, cut at probability 1 − 2⁻²⁴.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Quantiles {
    /// The value at probability i / 1,024, nanoseconds.
    nanos: Vec<u64>,
    /// The last cell once more in 1,024 steps: a straight line there would make rare values too long, their
    /// mean square most of all, and leave out those rarer than one in 16,384.
    tail: Vec<u64>,
}

impl Quantiles {
    /// Always the same length.
    #[must_use]
    pub fn constant(span: Span) -> Quantiles {
        Quantiles {
            nanos: vec![span.0; STEPS + 1],
            tail: vec![span.0; STEPS + 1],
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
        let cells = STEPS as f64;
        let table = |from: f64, width: f64| {
            let inner = |step: usize| (step as f64).clamp(EDGE, cells - EDGE) / cells;
            let values = (0..=STEPS).map(|step| value(from + width * inner(step)) as u64);
            values.collect()
        };
        Quantiles {
            nanos: table(0.0, 1.0),
            tail: table(1.0 - 1.0 / cells, 1.0 / cells),
        }
    }

    /// The value for a uniformly drawn `word`: the ten top bits choose a step, the next 32 a place in it. In
    /// the last step the next ten choose one of the tail.
    #[must_use]
    pub fn at(&self, word: u64) -> Span {
        let step = (word >> 54) as usize;
        if step < STEPS - 1 {
            Quantiles::between(&self.nanos, step, word >> 22)
        } else {
            Quantiles::between(&self.tail, (word >> 44) as usize % STEPS, word >> 12)
        }
    }

    fn between(table: &[u64], step: usize, place: u64) -> Span {
        let (low, high) = (table[step], table[step + 1]);
        Span(low + ((u128::from(high - low) * u128::from(place & 0xFFFF_FFFF)) >> 32) as u64)
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

    /// The moments that queueing depends on, over a million equally likely words.
    fn moments(table: &Quantiles) -> (f64, f64) {
        const WORDS: u64 = 1 << 22;
        let values = (0..WORDS).map(|at| table.at((2 * at + 1) << 41).0 as f64);
        let (sum, squares) = values.fold((0.0, 0.0), |(sum, squares), value| {
            (sum + value, squares + value * value)
        });
        (sum / WORDS as f64, squares / WORDS as f64)
    }

    fn assert_near(is: f64, expected: f64, error: f64) {
        let off = (is / expected - 1.0).abs();
        assert!(off < error, "{is} is not {expected}");
    }

    #[test]
    fn an_exponential_has_its_mean_and_mean_square() {
        let (mean, square) = moments(&Quantiles::exponential(Span::micros(1_000)));
        assert_near(mean, 1e6, 5e-4);
        assert_near(square, 2e12, 5e-4);
    }

    #[test]
    fn a_lognormal_has_its_mean_and_mean_square() {
        let (median, p99) = (Span::micros(100), Span::micros(400));
        let (mean, square) = moments(&Quantiles::lognormal(median, p99));
        let sigma = libm::log(4.0) / inverse_normal(0.99);
        assert_near(mean, 1e5 * libm::exp(sigma * sigma / 2.0), 5e-4);
        assert_near(square, 1e10 * libm::exp(2.0 * sigma * sigma), 5e-4);
    }

    #[test]
    fn values_rarer_than_one_in_a_hundred_thousand_are_drawn() {
        let table = Quantiles::exponential(Span::micros(1_000));
        let one_in = |n: u64| table.at(u64::MAX - u64::MAX / n).0 as f64;
        assert_near(one_in(100_000), 1e6 * libm::log(1e5), 5e-3);
        assert_near(one_in(1_000_000), 1e6 * libm::log(1e6), 5e-3);
    }
}
