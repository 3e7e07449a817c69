//! Differences between two configurations that met the same arrivals and the same faults, seed by seed.
//!
//! Model: the seeds are independent, so the mean of their differences is judged by Student's t. Which rows of a
//! table are changed is decided by Holm's procedure, so that a table of rows without a difference shows one in
//! at most 5 % of tables; the intervals are those of the levels at which each row was judged.

use serde::Serialize;

/// The share of tables that may show a difference where there is none.
const LEVEL: f64 = 0.05;

/// Fewer pairs say nothing about how differences spread.
const PAIRS_MIN: usize = 5;

/// What a difference comes to (decisions B11).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// The interval excludes zero.
    Changed,
    /// The interval lies within the margin.
    NoChange,
    /// Neither.
    CannotTell {
        /// How many seeds would, if they spread as these do; none if no number would.
        seeds: Option<u64>,
    },
}

/// A paired difference: its mean and interval in parts of the baseline's mean.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Difference {
    /// The baseline's mean.
    pub baseline: f64,
    /// The other's.
    pub other: f64,
    /// The mean of the differences over the baseline's mean; over one, where that is zero.
    pub mean: f64,
    /// Lower end of the interval.
    pub low: f64,
    /// Upper end.
    pub high: f64,
    /// Pairs.
    pub pairs: u64,
    /// How many times as many runs independent seeds would need for an interval as narrow; none if the differences
    /// do not spread at all.
    pub pairing: Option<f64>,
    /// What it comes to.
    pub answer: Answer,
}

/// What is known of a row before it is judged among others.
#[derive(Debug, Clone, Copy)]
struct Raw {
    baseline: f64,
    other: f64,
    mean: f64,
    /// The standard error of the mean.
    error: f64,
    pairs: usize,
    /// The variances of both sides, each by itself, over that of their differences.
    pairing: Option<f64>,
}

impl Raw {
    /// None of too few pairs.
    fn of(pairs: &[(f64, f64)]) -> Option<Self> {
        if pairs.len() < PAIRS_MIN {
            return None;
        }
        let count = pairs.len() as f64;
        let mean = |of: &dyn Fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count;
        let (baseline, other) = (mean(&|pair| pair.0), mean(&|pair| pair.1));
        let unit = if baseline == 0.0 { 1.0 } else { baseline.abs() };
        let difference = mean(&|pair| pair.1 - pair.0) / unit;
        let square = |pair: &(f64, f64)| {
            let off = (pair.1 - pair.0) / unit - difference;
            off * off
        };
        let variance = pairs.iter().map(square).sum::<f64>() / (count - 1.0);
        let spread = |of: &dyn Fn(&(f64, f64)) -> f64, mean: f64| {
            let squares = pairs.iter().map(|pair| {
                let off = (of(pair) - mean) / unit;
                off * off
            });
            squares.sum::<f64>() / (count - 1.0)
        };
        let apart = spread(&|pair| pair.0, baseline) + spread(&|pair| pair.1, other);
        Some(Self {
            baseline,
            other,
            mean: difference,
            error: (variance / count).sqrt(),
            pairs: pairs.len(),
            pairing: (variance > 0.0).then(|| apart / variance),
        })
    }

    /// How many standard errors the mean lies from zero.
    fn distance(&self) -> f64 {
        if self.mean == 0.0 {
            0.0
        } else if self.error == 0.0 {
            f64::INFINITY
        } else {
            self.mean.abs() / self.error
        }
    }

    /// Its difference if judged at a level; `margin` in parts of the baseline.
    fn judged(&self, level: f64, margin: f64, is_changed: bool) -> Difference {
        let half = student(level, self.pairs - 1) * self.error;
        let (low, high) = (self.mean - half, self.mean + half);
        let answer = if is_changed {
            Answer::Changed
        } else if low >= -margin && high <= margin {
            Answer::NoChange
        } else {
            Answer::CannotTell {
                seeds: self.enough(half, margin),
            }
        };
        Difference {
            baseline: self.baseline,
            other: self.other,
            mean: self.mean,
            low,
            high,
            pairs: self.pairs as u64,
            pairing: self.pairing,
            answer,
        }
    }

    /// How many seeds would narrow the interval to one side of zero or into the margin, whichever is nearer.
    fn enough(&self, half: f64, margin: f64) -> Option<u64> {
        let to_zero = self.mean.abs();
        let to_margin = margin - self.mean.abs();
        let goal = to_zero.max(to_margin);
        let ratio = half / goal;
        let seeds = (self.pairs as f64 * ratio * ratio).ceil();
        (goal > 0.0 && seeds < 1e9).then_some(seeds as u64)
    }
}

/// Judges the rows of one table together. A row of too few pairs is none.
#[must_use]
pub fn judge(rows: &[Vec<(f64, f64)>], margin: f64) -> Vec<Option<Difference>> {
    let raw: Vec<Option<Raw>> = rows.iter().map(|pairs| Raw::of(pairs)).collect();
    let mut order: Vec<(usize, Raw)> = raw
        .iter()
        .enumerate()
        .filter_map(|(row, raw)| Some((row, (*raw)?)))
        .collect();
    // The clearest first; rows of one distance in their own order.
    order.sort_by(|a, b| b.1.distance().total_cmp(&a.1.distance()));
    let mut judged = vec![None; rows.len()];
    let mut level = LEVEL;
    let mut still = true;
    for (rank, (row, raw)) in order.iter().enumerate() {
        if still {
            level = LEVEL / (order.len() - rank) as f64;
            still = raw.distance() > student(level, raw.pairs - 1);
        }
        judged[*row] = Some(raw.judged(level, margin, still));
    }
    judged
}

/// The 95 % interval of a mean by itself; none of too few numbers.
#[must_use]
pub fn interval_of_mean(numbers: &[f64]) -> Option<[f64; 2]> {
    let against_zero: Vec<(f64, f64)> = numbers.iter().map(|number| (0.0, *number)).collect();
    let raw = Raw::of(&against_zero)?;
    let half = student(LEVEL, raw.pairs - 1) * raw.error;
    Some([raw.mean - half, raw.mean + half])
}

/// Whether `often` against `rarely` seeds is no chance: the sign test, at one in a thousand because a table has
/// several such rows. Eleven seeds on one side and none on the other are enough.
#[must_use]
pub fn is_one_sided(often: u64, rarely: u64) -> bool {
    let count = often + rarely;
    // Binomial coefficients of the tail, as shares of all 2^count outcomes.
    let (mut term, mut tail) = (1.0, 0.0);
    for taken in 0..=rarely {
        if taken > 0 {
            term *= (count - taken + 1) as f64 / taken as f64;
        }
        tail += term;
    }
    often > rarely && 2.0 * tail * libm::pow(0.5, count as f64) < 0.001
}

/// The two-sided quantile of Student's t: what is exceeded by its absolute value with this probability.
/// By the expansion of Cornish and Fisher in the normal quantile (Abramowitz and Stegun 26.7.5), which errs by
/// less than a hundredth from five degrees of freedom and levels of a thousandth on.
fn student(level: f64, freedom: usize) -> f64 {
    let z = normal(level);
    let n = freedom as f64;
    let z2 = z * z;
    let g1 = z * (z2 + 1.0) / 4.0;
    let g2 = z * ((5.0 * z2 + 16.0) * z2 + 3.0) / 96.0;
    let g3 = z * (((3.0 * z2 + 19.0) * z2 + 17.0) * z2 - 15.0) / 384.0;
    let g4 = z * ((((79.0 * z2 + 776.0) * z2 + 1482.0) * z2 - 1920.0) * z2 - 945.0) / 92_160.0;
    z + g1 / n + g2 / (n * n) + g3 / (n * n * n) + g4 / (n * n * n * n)
}

/// The two-sided quantile of the normal distribution, by bisection.
fn normal(level: f64) -> f64 {
    let exceeded = |z: f64| libm::erfc(z / std::f64::consts::SQRT_2);
    let (mut low, mut high) = (0.0, 40.0);
    for _ in 0..80 {
        let middle = (low + high) / 2.0;
        if exceeded(middle) > level {
            low = middle;
        } else {
            high = middle;
        }
    }
    (low + high) / 2.0
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_those_of_the_tables() {
        for (level, freedom, published) in [
            (0.05, 10, 2.228),
            (0.05, 63, 1.998),
            (0.01, 20, 2.845),
            (0.001, 60, 3.460),
            (0.05, 5, 2.571),
        ] {
            let found = student(level, freedom);
            assert!((found - published).abs() < 0.01, "{found} for {published}");
        }
    }

    #[test]
    fn equal_values_have_a_difference_of_exactly_zero() {
        let pairs: Vec<(f64, f64)> = (1..40).map(|n| (f64::from(n), f64::from(n))).collect();
        let found = judge(&[pairs], 0.01)[0].unwrap();
        assert_eq!((found.mean, found.low, found.high), (0.0, 0.0, 0.0));
        assert_eq!(found.answer, Answer::NoChange);
    }

    /// A deterministic stand-in for noise: thirds of a multiplicative sequence.
    fn noise(n: u64) -> f64 {
        let mixed = (n + 1).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        (mixed >> 11) as f64 / (1_u64 << 53) as f64 - 0.5
    }

    #[test]
    fn a_difference_far_above_the_spread_is_changed_and_one_within_it_cannot_be_told() {
        let pairs = |shift: f64, spread: f64| -> Vec<(f64, f64)> {
            (0..64)
                .map(|n| (100.0, 100.0 + shift + spread * noise(n)))
                .collect()
        };
        let found = judge(&[pairs(5.0, 4.0), pairs(0.0, 0.4), pairs(0.5, 40.0)], 0.01);
        let answers: Vec<Answer> = found.iter().map(|row| row.unwrap().answer).collect();
        assert_eq!(answers[..2], [Answer::Changed, Answer::NoChange]);
        let Answer::CannotTell { seeds } = answers[2] else {
            panic!("{answers:?}");
        };
        assert!(seeds > Some(64), "{seeds:?}");
    }

    #[test]
    fn of_tables_without_a_difference_few_show_one() {
        // Twenty rows a table, 64 pairs a row, 400 tables: at most 7 % may say "changed".
        let mut next = 0;
        let mut draw = || {
            next += 1;
            noise(next * 7_919)
        };
        let tables = 400;
        let alarms = (0..tables)
            .filter(|_| {
                let rows: Vec<Vec<(f64, f64)>> = (0..20)
                    .map(|_| (0..64).map(|_| (100.0 + draw(), 100.0 + draw())).collect())
                    .collect();
                let judged = judge(&rows, 0.01);
                judged
                    .iter()
                    .flatten()
                    .any(|row| row.answer == Answer::Changed)
            })
            .count();
        assert!(alarms * 100 <= tables * 7, "{alarms} of {tables}");
    }

    #[test]
    fn a_side_that_never_ends_alone_is_told_from_chance() {
        assert!(is_one_sided(11, 0) && is_one_sided(20, 1));
        assert!(!is_one_sided(10, 0) && !is_one_sided(11, 2) && !is_one_sided(0, 11));
    }

    #[test]
    fn a_few_pairs_are_not_judged() {
        assert_eq!(judge(&[vec![(1.0, 2.0); 4]], 0.01), [None]);
    }
}
