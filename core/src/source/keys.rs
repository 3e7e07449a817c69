//! Keys: uniform, or by rank with the skew of a Zipf distribution.
//!
//! A Zipf distribution is drawn by the alias method (Walker 1977, Vose 1991) over a table built once with
//! libm. The first 16,384 ranks have an entry each; beyond, an entry holds ranks up to 1/64 further and
//! spreads evenly over them, so that a billion keys need no more than a thousand entries more. The key of
//! rank r is r: the hottest is 0.

use crate::rng::scale;
use crate::source::config::Keys;

const SINGLE_RANKS: u64 = 16_384;

/// A distribution of keys.
#[derive(Clone, Debug)]
pub enum KeyTable {
    /// Each of so many keys alike.
    Uniform(u64),
    /// Zipf.
    Zipf(Vec<Entry>),
}

/// An entry of an alias table.
#[derive(Clone, Copy, Debug)]
pub struct Entry {
    /// The first rank.
    first: u64,
    /// How many ranks.
    width: u64,
    /// Below this fraction of 2³² the entry itself is drawn, else its alias.
    threshold: u32,
    alias: u32,
}

impl KeyTable {
    /// The table for a configuration; no keys at all count as one.
    #[must_use]
    pub fn new(keys: &Keys) -> KeyTable {
        let count = keys.count.max(1);
        if keys.zipf == 0 {
            KeyTable::Uniform(count)
        } else {
            KeyTable::Zipf(zipf(count, f64::from(keys.zipf) / 1_000.0))
        }
    }

    /// The key for two uniformly drawn words; the second chooses among the ranks of one entry.
    #[must_use]
    pub fn at(&self, word: u64, place: u64) -> u64 {
        match self {
            KeyTable::Uniform(count) => scale(word, *count),
            KeyTable::Zipf(entries) => {
                // The high half of the product is the column, the low half a fresh fraction within it.
                let product = u128::from(word) * entries.len() as u128;
                let column = entries[(product >> 64) as usize];
                let fraction = (product as u64 >> 32) as u32;
                let entry = if fraction < column.threshold {
                    column
                } else {
                    entries[column.alias as usize]
                };
                entry.first + scale(place, entry.width)
            }
        }
    }
}

fn zipf(count: u64, exponent: f64) -> Vec<Entry> {
    let mut entries = Vec::new();
    let mut weights = Vec::new();
    let mut first = 0;
    while first < count {
        let width = if first < SINGLE_RANKS {
            1
        } else {
            (first / 64).min(count - first)
        };
        // The middle of the block stands for all its ranks.
        let rank = first as f64 + 1.0 + (width - 1) as f64 / 2.0;
        weights.push(width as f64 * libm::pow(rank, -exponent));
        entries.push(Entry {
            first,
            width,
            threshold: u32::MAX,
            alias: entries.len() as u32,
        });
        first += width;
    }
    fill_aliases(&mut entries, weights);
    entries
}

/// Vose's method: every column of height 1 holds at most two entries.
fn fill_aliases(entries: &mut [Entry], mut weights: Vec<f64>) {
    let mean = weights.iter().sum::<f64>() / weights.len() as f64;
    let (mut small, mut large) = (Vec::new(), Vec::new());
    for (i, weight) in weights.iter_mut().enumerate() {
        *weight /= mean;
        if *weight < 1.0 {
            small.push(i);
        } else {
            large.push(i);
        }
    }
    while let (Some(low), Some(high)) = (small.pop(), large.pop()) {
        entries[low].threshold = (weights[low] * 4_294_967_296.0) as u32;
        entries[low].alias = high as u32;
        weights[high] -= 1.0 - weights[low];
        if weights[high] < 1.0 {
            small.push(high);
        } else {
            large.push(high);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;

    fn shares(keys: &Keys, draws: usize) -> Vec<u64> {
        let table = KeyTable::new(keys);
        let mut stream = Seed(7).stream("test");
        let mut seen = vec![0; 4];
        for _ in 0..draws {
            let key = table.at(stream.word(), stream.word());
            assert!(key < keys.count, "key {key} of {}", keys.count);
            seen[key.min(3) as usize] += 1;
        }
        seen
    }

    #[test]
    fn the_head_of_a_zipf_distribution_has_its_share() {
        // With exponent 1.1 over 10,000 keys the harmonic sum is 6.82...: rank 1 has 1 / H.
        let harmonic: f64 = (1..=10_000_u32)
            .map(|rank| libm::pow(f64::from(rank), -1.1))
            .sum();
        let seen = shares(
            &Keys {
                count: 10_000,
                zipf: 1_100,
            },
            400_000,
        );
        for (rank, seen) in seen[..3].iter().enumerate() {
            let expected = 400_000.0 * libm::pow(rank as f64 + 1.0, -1.1) / harmonic;
            let error = (*seen as f64 - expected).abs() / expected;
            assert!(error < 0.02, "rank {rank}: {seen} of {expected}");
        }
    }

    #[test]
    fn a_billion_keys_take_a_table_of_moderate_size_and_reach_the_tail() {
        let keys = Keys {
            count: 1_000_000_000,
            zipf: 1_000,
        };
        let KeyTable::Zipf(entries) = KeyTable::new(&keys) else {
            panic!("a skewed table is not uniform");
        };
        assert!(entries.len() < 20_000, "{} entries", entries.len());
        let last = entries[entries.len() - 1];
        assert_eq!(last.first + last.width, keys.count);
        shares(&keys, 10_000);
    }

    #[test]
    fn uniform_keys_have_equal_shares() {
        let seen = shares(&Keys { count: 4, zipf: 0 }, 100_000);
        assert!(seen.iter().all(|n| n.abs_diff(25_000) < 600), "{seen:?}");
    }
}
