//! The hash behind fingerprints: ours, little-endian, fixed width, and with a version.

/// The version of the algorithm; a fingerprint is printed as `v1:0123456789abcdef`.
pub const FINGERPRINT_VERSION: u32 = 1;

/// A rolling 64-bit hash over words. The order of words matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Digest(u64);

impl Default for Digest {
    fn default() -> Digest {
        Digest::EMPTY
    }
}

impl Digest {
    /// Nothing mixed in yet.
    pub const EMPTY: Digest = Digest(0x5167_6C61_7373_0001);

    /// An empty digest.
    #[must_use]
    pub fn new() -> Digest {
        Digest::default()
    }

    /// Mixes one word in: the two halves of a 128-bit product, added to each other without carry. One
    /// multiplication a word, where a full finaliser takes two and a step mixes a dozen words in.
    pub const fn word(&mut self, word: u64) {
        let product = (self.0 ^ word) as u128 * 0xD605_1D6B_7C9A_5B25;
        // The sum keeps zero from being a fixed point that swallows zero words.
        self.0 = (product as u64 ^ (product >> 64) as u64).wrapping_add(0x9E37_79B9_7F4A_7C15);
    }

    /// The same, for building an expression.
    #[must_use]
    pub const fn with(mut self, word: u64) -> Digest {
        self.word(word);
        self
    }

    /// Mixes bytes in, eight at a time, with their length.
    pub fn bytes(&mut self, bytes: &[u8]) {
        let (words, rest) = bytes.as_chunks();
        for word in words {
            self.word(u64::from_le_bytes(*word));
        }
        if !rest.is_empty() {
            let mut word = [0; 8];
            word[..rest.len()].copy_from_slice(rest);
            self.word(u64::from_le_bytes(word));
        }
        self.word(bytes.len() as u64);
    }

    /// The value so far.
    #[must_use]
    pub const fn value(self) -> u64 {
        self.0
    }
}

/// The digest of a short list of words.
#[must_use]
#[inline]
pub fn digest_of(words: &[u64]) -> u64 {
    words
        .iter()
        .fold(Digest::new(), |digest, word| digest.with(*word))
        .value()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn order_number_and_every_bit_of_the_words_count() {
        let mut seen = BTreeSet::new();
        seen.insert(digest_of(&[]));
        for words in [&[0][..], &[0, 0], &[0, 0, 0], &[1, 2], &[2, 1], &[1, 2, 0]] {
            assert!(seen.insert(digest_of(words)), "{words:?}");
        }
        for first in 0..64 {
            for second in 0..64 {
                assert!(
                    seen.insert(digest_of(&[1 << first, 1 << second, 7])),
                    "{first} {second}"
                );
            }
        }
    }

    #[test]
    fn a_flipped_bit_moves_about_half_of_the_bits() {
        let moved: u32 = (0..64)
            .map(|bit| {
                let base = digest_of(&[0x0123_4567_89AB_CDEF, 5]);
                (base ^ digest_of(&[0x0123_4567_89AB_CDEF ^ 1 << bit, 5])).count_ones()
            })
            .sum();
        let mean = moved / 64;
        assert!((26..=38).contains(&mean), "{mean} bits move on average");
    }

    #[test]
    fn dense_small_numbers_do_not_collide() {
        let words = (0..300_u64).flat_map(|a| (0..300).map(move |b| digest_of(&[a, b])));
        let all: BTreeSet<u64> = words.collect();
        assert_eq!(all.len(), 90_000);
    }
}
