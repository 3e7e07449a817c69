//! Which configurations are worth a choice: those that no other beats in latency, promises and cost together.

use super::metric::LATENCY;
use super::model::{Comparison, SideSummary};

/// Marks every configuration that no other dominates: none is at least as good in p99, in the share of seeds that
/// broke a promise and in cost, and better in one of them. A configuration without one of the figures is not marked.
pub fn mark(comparison: &mut Comparison) {
    let cost = comparison.cost_metric();
    let places: Vec<Option<[f64; 3]>> = comparison
        .sides
        .iter()
        .map(|side| place(side, cost))
        .collect();
    for (side, mine) in comparison.sides.iter_mut().zip(&places) {
        let Some(mine) = mine else { continue };
        let beats = |other: &[f64; 3]| dominates(other, mine);
        side.is_undominated = !places.iter().flatten().any(beats);
    }
}

/// p99, share of seeds that broke a promise, cost; of a latency that never ended in some seeds these count as
/// infinitely late.
fn place(side: &SideSummary, cost: &str) -> Option<[f64; 3]> {
    let latency = side.figure(LATENCY)?;
    let late = match latency.never {
        0 => latency.mean?,
        _ => f64::INFINITY,
    };
    let broken = side.broken.share_ppm as f64;
    Some([late, broken, side.figure(cost)?.mean?])
}

fn dominates(one: &[f64; 3], other: &[f64; 3]) -> bool {
    let pairs = || one.iter().zip(other);
    pairs().all(|(one, other)| one <= other) && pairs().any(|(one, other)| one < other)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_good_everywhere_and_better_somewhere_dominates_and_equals_do_not() {
        let one = [1.0, 0.0, 3.0];
        assert!(dominates(&one, &[1.0, 0.0, 4.0]) && dominates(&one, &[f64::INFINITY, 1.0, 3.0]));
        assert!(!dominates(&one, &one) && !dominates(&one, &[0.5, 0.0, 4.0]));
    }
}
