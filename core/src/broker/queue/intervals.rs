//! A set of numbers, kept as the runs they form.

use std::collections::BTreeMap;
use std::ops::Range;

/// A set of numbers; its size in memory is that of its gaps.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Intervals {
    /// Start and end of each run. Invariant: runs are not empty, do not overlap and do not touch.
    runs: BTreeMap<u64, u64>,
    count: u64,
}

impl Intervals {
    pub(super) const fn count(&self) -> u64 {
        self.count
    }

    /// Adds numbers of which none is in the set.
    pub(super) fn add(&mut self, numbers: Range<u64>) {
        if numbers.is_empty() {
            return;
        }
        self.count += numbers.end - numbers.start;
        let Range { mut start, mut end } = numbers;
        if let Some((before, until)) = self.runs.range(..=start).next_back() {
            assert!(*until <= start, "{start} is in the set already");
            if *until == start {
                start = *before;
            }
        }
        if let Some((after, until)) = self.runs.range(start + 1..).next() {
            assert!(end <= *after, "{after} is in the set already");
            if end == *after {
                end = *until;
                let after = *after;
                self.runs.remove(&after);
            }
        }
        self.runs.insert(start, end);
    }

    /// Takes the first run out, or its first `max` numbers.
    pub(super) fn take_first(&mut self, max: u64) -> Option<Range<u64>> {
        if max == 0 {
            return None;
        }
        let (start, end) = self.runs.pop_first()?;
        let cut = end.min(start.saturating_add(max));
        if cut < end {
            self.runs.insert(cut, end);
        }
        self.count -= cut - start;
        Some(start..cut)
    }

    /// Takes one number out; false if it is not in the set.
    pub(super) fn remove(&mut self, number: u64) -> bool {
        let Some((start, end)) = self.runs.range(..=number).next_back() else {
            return false;
        };
        let (start, end) = (*start, *end);
        if number >= end {
            return false;
        }
        self.runs.remove(&start);
        if start < number {
            self.runs.insert(start, number);
        }
        if number + 1 < end {
            self.runs.insert(number + 1, end);
        }
        self.count -= 1;
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rng::Seed;
    use std::collections::BTreeSet;

    #[test]
    fn it_agrees_with_a_plain_set() {
        let mut stream = Seed(1).stream("test");
        for _ in 0..200 {
            let (mut runs, mut plain) = (Intervals::default(), BTreeSet::new());
            for _ in 0..100 {
                let number = stream.below(40);
                match stream.below(4) {
                    0 => assert_eq!(runs.remove(number), plain.remove(&number)),
                    1 => {
                        let taken: Vec<u64> =
                            runs.take_first(number % 3).into_iter().flatten().collect();
                        for number in taken {
                            assert_eq!(plain.pop_first(), Some(number));
                        }
                    }
                    _ => {
                        if plain.insert(number) {
                            runs.add(number..number + 1);
                        }
                    }
                }
                assert_eq!(runs.count(), plain.len() as u64);
                let touching = runs.runs.iter().zip(runs.runs.keys().skip(1));
                assert!(touching.clone().all(|((_, end), next)| end < next));
            }
        }
    }

    #[test]
    fn a_range_joins_its_neighbours() {
        let mut runs = Intervals::default();
        runs.add(0..3);
        runs.add(5..8);
        runs.add(3..5);
        assert_eq!(runs.take_first(100), Some(0..8));
        assert_eq!(runs.take_first(1), None);
    }
}
