//! Tests of the tables.

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

#[test]
fn a_normal_has_its_mean_and_mean_square() {
    let (mean, square) = moments(&Quantiles::normal(Span::micros(1_000), Span::micros(200)));
    assert_near(mean, 1e6, 5e-4);
    assert_near(square, 1e12 + 4e10, 5e-4);
}

#[test]
fn a_normal_is_cut_at_zero_and_so_has_a_larger_mean() {
    let table = Quantiles::normal(Span::micros(100), Span::micros(100));
    assert_eq!(table.at(0), Span::ZERO);
    let (mean, _) = moments(&table);
    // The mean of max(0, 1 + z) is Φ(1) + φ(1) = 0.8413 + 0.2420.
    assert_near(mean, 1e5 * 1.083_3, 1e-3);
}

#[test]
fn an_empirical_one_has_its_rows_and_nothing_outside_them() {
    let rows = [
        (0.5, Span::micros(149)),
        (0.9, Span::micros(214)),
        (0.99, Span::micros(287)),
        (0.9999, Span::micros(829)),
    ];
    let table = Quantiles::empirical(&rows);
    for (quantile, value) in rows {
        let word = (quantile * 2f64.powi(64)) as u64;
        // The bend at 0.99 lies between two steps and is rounded off.
        assert_near(table.at(word).0 as f64, value.0 as f64, 4e-2);
    }
    assert_eq!(table.at(0), Span::micros(149));
    assert_eq!(table.at(u64::MAX), Span::micros(829));
}

#[test]
#[should_panic(expected = "does not rise")]
fn an_empirical_one_with_falling_values_is_refused() {
    let _ = Quantiles::empirical(&[(0.1, Span::micros(2)), (0.2, Span::micros(1))]);
}
