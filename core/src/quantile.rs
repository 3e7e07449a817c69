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

    /// Normal, given its mean and standard deviation, cut at zero: what would be below is zero, so that the
    /// mean of the draws is above `mean` where `deviation` is not small against it (by 8 % where both are
    /// equal, by less than 0.4 % where it is half).
    #[must_use]
    pub fn normal(mean: Span, deviation: Span) -> Quantiles {
        let (mean, deviation) = (mean.0 as f64, deviation.0 as f64);
        Quantiles::build(|p| (mean + deviation * inverse_normal(p)).max(0.0))
    }

    /// What was measured, given values by their quantile from 0 to 1, with straight lines between them. What
    /// lies outside the first and the last quantile was not measured: it is the first and the last value, and
    /// nothing longer is ever drawn. A bend between two steps of the table is rounded off.
    ///
    /// # Panics
    /// If there are no rows, if quantiles do not rise or leave 0 to 1, or if values fall.
    #[must_use]
    pub fn empirical(rows: &[(f64, Span)]) -> Quantiles {
        assert!(!rows.is_empty(), "nothing was measured");
        for (quantile, _) in rows {
            assert!(
                (0.0..=1.0).contains(quantile),
                "{quantile} is no quantile from 0 to 1"
            );
        }
        for pair in rows.windows(2) {
            assert!(
                pair[0].0 < pair[1].0 && pair[0].1 <= pair[1].1,
                "{:?} does not rise to {:?}",
                pair[0],
                pair[1]
            );
        }
        Quantiles::build(|p| {
            let above = rows.partition_point(|(quantile, _)| *quantile <= p);
            if above == 0 || above == rows.len() {
                return rows[above.saturating_sub(1)].1.0 as f64;
            }
            let ((from, low), (to, high)) = (rows[above - 1], rows[above]);
            low.0 as f64 + (high.0 - low.0) as f64 * ((p - from) / (to - from))
        })
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
mod tests;
