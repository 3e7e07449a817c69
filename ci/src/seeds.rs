//! Which seeds a sweep runs.

use serde::{Deserialize, Serialize};
use std::fmt;
use std::process::Command;
use std::str::FromStr;
use stormglass_core::id::name_hash;
use stormglass_core::rng::mix;
use stormglass_scenarios::sweep::Job;

/// Which seeds a sweep runs, as data: it is the same on every machine that runs a part of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Seeds {
    /// This one alone.
    One(#[serde(with = "as_text")] u64),
    /// So many, from 1 on.
    Counted(u64),
    /// So many, taken from a text.
    Base {
        /// The text.
        base: String,
        /// How many.
        count: u64,
    },
}

impl Seeds {
    /// The runs to make, in order.
    #[must_use]
    pub fn jobs(&self) -> Vec<Job> {
        match self {
            Seeds::One(seed) => vec![Job {
                index: 0,
                seed: *seed,
            }],
            Seeds::Counted(count) => counted(*count),
            Seeds::Base { base, count } => from_base(base, *count),
        }
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Seeds::One(seed) => write!(f, "seed {seed}"),
            Seeds::Counted(count) => write!(f, "{count} seeds from 1 on"),
            Seeds::Base { base, count } => write!(f, "{count} seeds of {base}"),
        }
    }
}

/// A part of a sweep that one of several machines runs: the seeds whose index leaves `number` − 1 when
/// divided by `of` (B15).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    /// Which, from 1 on.
    pub number: u64,
    /// Of how many.
    pub of: u64,
}

impl Shard {
    /// All seeds.
    pub const WHOLE: Shard = Shard { number: 1, of: 1 };

    /// Whether the run at this position is one of its own.
    #[must_use]
    pub const fn has(self, index: u64) -> bool {
        index % self.of == self.number - 1
    }
}

impl fmt::Display for Shard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.number, self.of)
    }
}

impl FromStr for Shard {
    type Err = String;

    fn from_str(text: &str) -> Result<Shard, String> {
        let parts = text.split_once('/');
        let numbers = parts.and_then(|(number, of)| number.parse().ok().zip(of.parse().ok()));
        match numbers {
            Some((number, of)) if (1..=of).contains(&number) => Ok(Shard { number, of }),
            Some(_) => Err("the first of 8 shards is 1/8 and the last 8/8".to_owned()),
            None => Err("a shard is written 3/8: the third of eight".to_owned()),
        }
    }
}

impl Serialize for Shard {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Shard {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Seeds as text: readers whose numbers are floats would round them.
pub mod as_text {
    use serde::{Deserialize, Deserializer, Serializer};

    /// Writes the number in decimal.
    pub fn serialize<S: Serializer>(seed: &u64, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(seed)
    }

    /// Reads what was written.
    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u64, D::Error> {
        let text = String::deserialize(deserializer)?;
        text.parse().map_err(serde::de::Error::custom)
    }
}

/// Seeds 1, 2, 3, … of `run`.
#[must_use]
pub fn counted(count: u64) -> Vec<Job> {
    (0..count)
        .map(|index| Job {
            index,
            seed: index + 1,
        })
        .collect()
}

/// Seeds taken from a text, so that each commit looks elsewhere and the same commit looks again.
#[must_use]
pub fn from_base(base: &str, count: u64) -> Vec<Job> {
    let hash = name_hash(base);
    // Seeds of at most 12 digits are easily copied from one window to another.
    (0..count)
        .map(|index| Job {
            index,
            seed: mix(hash ^ mix(index)) % 1_000_000_000_000,
        })
        .collect()
}

/// What seeds are taken from where nothing is named and no commit is known.
pub const NO_BASE: &str = "stormglass";

/// The text that a gate takes its seeds from: what was asked for, else the commit under test.
#[must_use]
pub fn base(asked: Option<&str>) -> String {
    let asked = asked.map(str::to_owned).or_else(commit);
    asked.unwrap_or_else(|| NO_BASE.to_owned())
}

/// The commit under test, as the environment or git names it.
fn commit() -> Option<String> {
    let named = ["GITHUB_SHA", "CI_COMMIT_SHA"]
        .iter()
        .find_map(|name| std::env::var(name).ok());
    named.filter(|commit| !commit.is_empty()).or_else(|| {
        let output = Command::new("git")
            .args(["rev-parse", "HEAD"])
            .output()
            .ok()?;
        let text = String::from_utf8(output.stdout).ok()?;
        Some(text.trim().to_owned()).filter(|commit| output.status.success() && !commit.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn a_base_gives_the_same_seeds_again_and_another_base_others() {
        assert_eq!(from_base("9f31c2e", 10), from_base("9f31c2e", 10));
        assert_ne!(from_base("9f31c2e", 10), from_base("9f31c2f", 10));
        let seeds: BTreeSet<u64> = from_base("9f31c2e", 2_000)
            .iter()
            .map(|job| job.seed)
            .collect();
        assert_eq!(seeds.len(), 2_000);
    }

    #[test]
    fn every_seed_is_in_exactly_one_shard() {
        for of in 1..=5 {
            for index in 0..20 {
                let shards = (1..=of).map(|number| Shard { number, of });
                assert_eq!(shards.filter(|shard| shard.has(index)).count(), 1);
            }
        }
        assert_eq!("3/8".parse(), Ok(Shard { number: 3, of: 8 }));
        for wrong in ["0/8", "9/8", "3", "a/b", "1/0", "3/8/2"] {
            assert!(wrong.parse::<Shard>().is_err(), "{wrong}");
        }
    }

    #[test]
    fn more_seeds_begin_with_the_same() {
        assert_eq!(from_base("x", 20)[..10], from_base("x", 10)[..]);
    }
}
