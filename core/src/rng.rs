//! Randomness: one seed, and a stream of its own for every consumer, chosen by name.
//!
//! A stream is ChaCha8 keyed by the seed, with the hash of its name as the stream number, so adding a
//! consumer moves nobody else's luck. Two shapes of draw exist: [`Stream`] is read in order (event `i` of
//! a source takes block `i`, sixteen words, whatever the configuration), and [`Keyed`] is a function of a
//! counter (the `n`th message of a class on a link), for places where order differs between variants.

use crate::id::name_hash;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use serde::{Deserialize, Serialize};

/// One part in a million; probabilities in the data path are counted in these.
pub const MILLION: u32 = 1_000_000;

/// The number that decides a run.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Seed(pub u64);

impl Seed {
    /// The stream called `name`, for example `source.orders/arrival`.
    #[must_use]
    pub fn stream(self, name: &str) -> Stream {
        let mut rng = ChaCha8Rng::seed_from_u64(self.0);
        rng.set_stream(name_hash(name));
        Stream { rng }
    }

    /// The keyed function called `name`, for example `link/broker.main.0>source.orders`.
    #[must_use]
    pub fn keyed(self, name: &str) -> Keyed {
        Keyed {
            key: self.stream(name).word(),
        }
    }
}

/// A sequence of draws.
#[derive(Clone, Debug)]
pub struct Stream {
    rng: ChaCha8Rng,
}

impl Stream {
    /// The next 64 bits.
    pub fn word(&mut self) -> u64 {
        self.rng.next_u64()
    }

    /// The next aligned block: sixteen words of 32 bits, one ChaCha block when only blocks are drawn.
    pub fn block(&mut self) -> [u32; 16] {
        let mut words = [0; 16];
        for word in &mut words {
            *word = self.rng.next_u32();
        }
        words
    }

    /// A number below `bound`.
    ///
    /// # Panics
    /// If `bound` is zero.
    pub fn below(&mut self, bound: u64) -> u64 {
        assert!(bound > 0, "no number lies below 0");
        scale(self.word(), bound)
    }

    /// A number in `low..=high`.
    pub fn between(&mut self, low: u64, high: u64) -> u64 {
        assert!(low <= high, "empty range {low}..={high}");
        match (high - low).checked_add(1) {
            Some(width) => low + self.below(width),
            None => self.word(),
        }
    }

    /// True in `parts` of a million draws.
    pub fn chance(&mut self, parts: u32) -> bool {
        self.below(u64::from(MILLION)) < u64::from(parts)
    }

    /// One of `items`, none if there are none.
    pub fn pick<'a, T>(&mut self, items: &'a [T]) -> Option<&'a T> {
        if items.is_empty() {
            None
        } else {
            items.get(self.below(items.len() as u64) as usize)
        }
    }
}

/// A random function of a counter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Keyed {
    key: u64,
}

impl Keyed {
    /// The value at `n`.
    #[must_use]
    pub const fn at(self, n: u64) -> u64 {
        mix(self.key ^ mix(n.wrapping_mul(0x9E37_79B9_7F4A_7C15).wrapping_add(1)))
    }

    /// A function of its own for `label`, independent of this one.
    #[must_use]
    pub const fn derive(self, label: u64) -> Keyed {
        Keyed {
            key: mix(self.key.wrapping_add(mix(label ^ 0xD6E8_FEB8_6659_FD93))),
        }
    }
}

/// `word` mapped onto `0..bound` by multiplication: the bias is below 2⁻⁶⁴ × bound.
#[must_use]
pub const fn scale(word: u64, bound: u64) -> u64 {
    ((word as u128 * bound as u128) >> 64) as u64
}

/// The finaliser of SplitMix64 (Steele, Lea, Flood 2014): every input bit moves half of the output bits.
#[must_use]
pub const fn mix(mut z: u64) -> u64 {
    z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    z ^ (z >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_repeats_and_differs_by_name_and_seed() {
        let draw = |seed: u64, name: &str| Seed(seed).stream(name).word();
        assert_eq!(draw(1, "a"), draw(1, "a"));
        assert_ne!(draw(1, "a"), draw(1, "b"));
        assert_ne!(draw(1, "a"), draw(2, "a"));
    }

    #[test]
    fn the_values_of_a_stream_are_the_same_on_every_machine() {
        assert_eq!(Seed(1).stream("faults").word(), 17132556678594358731);
    }

    #[test]
    fn a_number_below_a_bound_reaches_every_value() {
        let mut stream = Seed(3).stream("test");
        let mut seen = [false; 7];
        for _ in 0..200 {
            seen[stream.below(7) as usize] = true;
        }
        assert_eq!(seen, [true; 7]);
    }
}
