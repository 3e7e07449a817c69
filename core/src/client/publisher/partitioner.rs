//! Which partition a key goes to (K14): Kafka's default partitioner for records with a key.

const SEED: u32 = 0x9747_B28C;
const M: u32 = 0x5BD1_E995;

/// MurmurHash2 of 32 bits (Austin Appleby), with the seed that Kafka uses.
#[must_use]
pub const fn murmur2(bytes: &[u8]) -> u32 {
    let mut hash = SEED ^ bytes.len() as u32;
    let (words, tail) = bytes.as_chunks::<4>();
    let mut i = 0;
    while i < words.len() {
        let mut k = u32::from_le_bytes(words[i]).wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
        i += 1;
    }
    if !tail.is_empty() {
        let mut rest = 0;
        let mut j = tail.len();
        while j > 0 {
            j -= 1;
            rest = rest << 8 | tail[j] as u32;
        }
        hash = (hash ^ rest).wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ hash >> 15
}

/// The partition of `key` among `partitions`: the hash of its eight bytes, little-endian, without its sign.
///
/// # Panics
/// If there are no partitions.
#[must_use]
pub const fn partition_of(key: u64, partitions: u16) -> u16 {
    assert!(partitions > 0, "a topic has at least one partition");
    ((murmur2(&key.to_le_bytes()) & 0x7FFF_FFFF) % partitions as u32) as u16
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_hash_is_that_of_kafka() {
        // The cases of Kafka's own `UtilsTest.testMurmur2`.
        for (text, hash) in [
            ("21", -973_932_308),
            ("foobar", -790_332_482),
            ("a-little-bit-long-string", -985_981_536),
            ("a-little-bit-longer-string", -1_486_304_829),
            (
                "lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8",
                -58_897_971,
            ),
            ("abc", 479_470_107),
        ] {
            assert_eq!(murmur2(text.as_bytes()) as i32, hash, "{text}");
        }
    }

    #[test]
    fn keys_spread_evenly_over_partitions() {
        let mut seen = [0_u32; 6];
        for key in 0..60_000 {
            seen[partition_of(key, 6) as usize] += 1;
        }
        assert!(seen.iter().all(|n| n.abs_diff(10_000) < 400), "{seen:?}");
    }
}
