//! The one speed that the check of a change gates: the kernel's over that of a bare heap loop, in one process.
//!
//! Both slow down alike on a busy or an old machine, so their ratio moves far less than either. It is still
//! a measurement: it is red only under [`RED`] of the committed one.

use crate::cpu::timed;
use crate::pipeline::Pipeline;
use serde::Deserialize;
use std::cmp::Reverse;
use std::collections::BinaryHeap;
use std::hint::black_box;
use stormglass_core::rng::mix;
use stormglass_core::time::Span;

/// Below this part of the committed ratio the kernel has become slower.
pub const RED: f64 = 0.7;

/// Entries waiting in the heap of the bare loop: about as many as a pipeline's agenda holds.
const WAITING: u64 = 256;
const POPS: u64 = 2_000_000;
const ROUNDS: usize = 7;
/// Long enough that the consumer group, which starts after five seconds, reads for most of it.
const LENGTH: Span = Span::secs(15);

/// The committed ratio, `bench/ratio.toml`.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Committed {
    /// Steps a second of the pipeline over pops a second of the bare loop.
    pub ratio: f64,
}

impl Committed {
    /// The one of this commit.
    #[must_use]
    pub fn read() -> Committed {
        toml::from_str(include_str!("../ratio.toml"))
            .unwrap_or_else(|error| panic!("bench/ratio.toml: {error}"))
    }

    /// Whether `measured` is no regression.
    #[must_use]
    pub fn allows(self, measured: f64) -> bool {
        measured >= RED * self.ratio
    }
}

/// Pops a second of an event loop without a model: take the first, put it back later.
#[must_use]
pub fn bare_loop() -> f64 {
    let mut heap: BinaryHeap<Reverse<u128>> = (0..WAITING)
        .map(|slot| Reverse(u128::from(mix(slot) >> 20) << 64 | u128::from(slot)))
        .collect();
    let (sum, cpu) = timed(|| {
        let mut sum = 0_u64;
        for _ in 0..POPS {
            let Some(Reverse(key)) = heap.pop() else {
                break;
            };
            let (time, slot) = ((key >> 64) as u64, key as u64);
            sum = mix(sum ^ time);
            let later = time + (mix(time ^ slot) >> 20);
            heap.push(Reverse(u128::from(later) << 64 | u128::from(slot)));
        }
        sum
    });
    black_box(sum);
    POPS as f64 / cpu.as_secs_f64()
}

/// Measures the ratio: rounds of both in turn, the median of their ratios.
#[must_use]
pub fn measure(pipeline: &Pipeline) -> f64 {
    let mut ratios: Vec<f64> = (0..ROUNDS)
        .map(|_| {
            let bare = bare_loop();
            let (done, cpu) = timed(|| pipeline.run_for(1, LENGTH));
            done.steps as f64 / cpu.as_secs_f64() / bare
        })
        .collect();
    ratios.sort_by(f64::total_cmp);
    ratios[ROUNDS / 2]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_third_slower_than_committed_is_red_and_a_quarter_is_not() {
        let committed = Committed { ratio: 0.2 };
        assert!(committed.allows(0.2 * 0.75));
        assert!(!committed.allows(0.2 * 0.67));
    }

    #[test]
    fn the_committed_ratio_is_one() {
        let ratio = Committed::read().ratio;
        assert!(ratio > 0.0 && ratio < 1.0, "{ratio}");
    }
}
