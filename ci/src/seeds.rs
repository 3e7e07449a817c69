//! Which seeds a sweep runs.

use std::process::Command;
use stormglass_core::id::name_hash;
use stormglass_core::rng::mix;
use stormglass_scenarios::sweep::Job;

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

/// The commit under test, as the environment or git names it.
#[must_use]
pub fn commit() -> Option<String> {
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
    fn more_seeds_begin_with_the_same() {
        assert_eq!(from_base("x", 20)[..10], from_base("x", 10)[..]);
    }
}
