//! The hash behind fingerprints: ours, little-endian, fixed width, and with a version.

use crate::rng::mix;

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

    /// Mixes one word in.
    pub const fn word(&mut self, word: u64) {
        self.0 = mix(self.0.rotate_left(5) ^ word).wrapping_add(0x9E37_79B9_7F4A_7C15);
    }

    /// The same, for building an expression.
    #[must_use]
    pub const fn with(mut self, word: u64) -> Digest {
        self.word(word);
        self
    }

    /// Mixes bytes in, eight at a time, with their length.
    pub fn bytes(&mut self, bytes: &[u8]) {
        for chunk in bytes.chunks(8) {
            let mut word = [0; 8];
            word[..chunk.len()].copy_from_slice(chunk);
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
pub fn digest_of(words: &[u64]) -> u64 {
    words
        .iter()
        .fold(Digest::new(), |digest, word| digest.with(*word))
        .value()
}
