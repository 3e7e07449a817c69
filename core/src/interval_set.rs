//! Sets of dense numbers (event numbers of a source, offsets of a partition), read as disjoint intervals.
//!
//! Everything below the first gap costs nothing; above it, a page of 4,096 numbers costs a bit each while
//! it has gaps and one map entry when it is full. So memory follows what is outstanding (A16), an insert
//! costs a lookup among few pages, and a late duplicate is still found exactly.

use std::collections::BTreeMap;
use std::ops::Range;

/// Numbers in a page, as a power of two.
const PAGE_BITS: u32 = 12;
const PAGE: u64 = 1 << PAGE_BITS;
const WORDS: usize = (PAGE / 64) as usize;

/// A page above the first gap. Invariant: `Partial` has between 1 and `PAGE - 1` numbers.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Page {
    Full,
    Partial {
        words: Box<[u64; WORDS]>,
        count: u32,
    },
}

/// A set of numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct IntervalSet {
    /// Pages below this one are full and not in `pages`; the page itself is not full.
    full_pages: u64,
    pages: BTreeMap<u64, Page>,
    len: u64,
}

const fn split(number: u64) -> (u64, usize, u64) {
    let inside = number & (PAGE - 1);
    (
        number >> PAGE_BITS,
        (inside / 64) as usize,
        1 << (inside % 64),
    )
}

impl IntervalSet {
    /// Nothing.
    #[must_use]
    pub fn new() -> IntervalSet {
        IntervalSet::default()
    }

    /// How many numbers are in it.
    #[must_use]
    pub const fn len(&self) -> u64 {
        self.len
    }

    /// Whether there are none.
    #[must_use]
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Puts a number in and says whether it is new.
    pub fn insert(&mut self, number: u64) -> bool {
        let (index, word, bit) = split(number);
        if index < self.full_pages {
            return false;
        }
        let page = self.pages.entry(index).or_insert_with(|| Page::Partial {
            words: Box::new([0; WORDS]),
            count: 0,
        });
        let Page::Partial { words, count } = page else {
            return false;
        };
        if words[word] & bit != 0 {
            return false;
        }
        words[word] |= bit;
        *count += 1;
        self.len += 1;
        if u64::from(*count) == PAGE {
            *page = Page::Full;
            self.absorb_full_pages();
        }
        true
    }

    /// Puts all numbers of a range in and says how many are new.
    pub fn insert_range(&mut self, range: Range<u64>) -> u64 {
        let before = self.len;
        let mut next = range.start;
        while next < range.end {
            let (index, word, _) = split(next);
            if index < self.full_pages {
                next = self.full_pages << PAGE_BITS;
            } else if next.is_multiple_of(PAGE) && range.end - next >= PAGE {
                self.fill_page(index);
                next += PAGE;
            } else if word == 0 && matches!(self.pages.get(&index), Some(Page::Full)) {
                next = (index + 1) << PAGE_BITS;
            } else {
                self.insert(next);
                next += 1;
            }
        }
        self.len - before
    }

    /// Takes a number out and says whether it was there.
    pub fn remove(&mut self, number: u64) -> bool {
        let (index, word, bit) = split(number);
        while index < self.full_pages {
            self.full_pages -= 1;
            self.pages.insert(self.full_pages, Page::Full);
        }
        let Some(page) = self.pages.get_mut(&index) else {
            return false;
        };
        if matches!(page, Page::Full) {
            *page = Page::Partial {
                words: Box::new([u64::MAX; WORDS]),
                count: PAGE as u32,
            };
        }
        let Page::Partial { words, count } = page else {
            return false;
        };
        if words[word] & bit == 0 {
            return false;
        }
        words[word] &= !bit;
        *count -= 1;
        self.len -= 1;
        if *count == 0 {
            self.pages.remove(&index);
        }
        true
    }

    /// Whether `number` is in it.
    #[must_use]
    pub fn contains(&self, number: u64) -> bool {
        let (index, word, bit) = split(number);
        index < self.full_pages
            || match self.pages.get(&index) {
                None => false,
                Some(Page::Full) => true,
                Some(Page::Partial { words, .. }) => words[word] & bit != 0,
            }
    }

    /// The smallest number of the set at or above `from`.
    #[must_use]
    pub fn next_in(&self, from: u64) -> Option<u64> {
        let (index, word, _) = split(from);
        if index < self.full_pages {
            return Some(from);
        }
        for (at, page) in self.pages.range(index..) {
            let base = at << PAGE_BITS;
            match page {
                Page::Full => return Some(base.max(from)),
                Page::Partial { words, .. } => {
                    let start = if *at == index { word } else { 0 };
                    let found = first_bit(words, start, base, from, false);
                    if found.is_some() {
                        return found;
                    }
                }
            }
        }
        None
    }

    /// The smallest number outside the set at or above `from`.
    #[must_use]
    pub fn next_out(&self, from: u64) -> u64 {
        let mut from = from.max(self.full_pages << PAGE_BITS);
        loop {
            let (index, word, _) = split(from);
            match self.pages.get(&index) {
                None => return from,
                Some(Page::Full) => {}
                Some(Page::Partial { words, .. }) => {
                    let found = first_bit(words, word, index << PAGE_BITS, from, true);
                    if let Some(found) = found {
                        return found;
                    }
                }
            }
            from = (index + 1) << PAGE_BITS;
        }
    }

    /// Its maximal intervals in order.
    pub fn ranges(&self) -> impl Iterator<Item = Range<u64>> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let start = self.next_in(from)?;
            from = self.next_out(start);
            Some(start..from)
        })
    }

    /// What is in this set and not in `other`, as maximal intervals in order.
    pub fn difference<'a>(
        &'a self,
        other: &'a IntervalSet,
    ) -> impl Iterator<Item = Range<u64>> + 'a {
        let mut from = 0;
        std::iter::from_fn(move || {
            loop {
                let start = self.next_in(from)?;
                let outside = other.next_out(start);
                if outside != start {
                    from = outside;
                    continue;
                }
                let end = self.next_out(start);
                let end = other.next_in(start).map_or(end, |other| end.min(other));
                from = end;
                return Some(start..end);
            }
        })
    }

    /// What is missing below `end`, as maximal intervals in order.
    pub fn missing(&self, end: u64) -> impl Iterator<Item = Range<u64>> {
        let mut from = 0;
        std::iter::from_fn(move || {
            let start = self.next_out(from);
            if start >= end {
                return None;
            }
            from = self.next_in(start).map_or(end, |next| next.min(end));
            Some(start..from)
        })
    }

    fn fill_page(&mut self, index: u64) {
        let had = match self.pages.insert(index, Page::Full) {
            None => 0,
            Some(Page::Full) => PAGE,
            Some(Page::Partial { count, .. }) => u64::from(count),
        };
        self.len += PAGE - had;
        self.absorb_full_pages();
    }

    fn absorb_full_pages(&mut self) {
        while let Some(Page::Full) = self.pages.get(&self.full_pages) {
            self.pages.remove(&self.full_pages);
            self.full_pages += 1;
        }
    }
}

/// The first set (or, `inverted`, unset) bit of a page at or above `from`.
fn first_bit(
    words: &[u64; WORDS],
    start: usize,
    base: u64,
    from: u64,
    inverted: bool,
) -> Option<u64> {
    for (i, word) in words.iter().enumerate().skip(start) {
        let low = base + i as u64 * 64;
        let mut bits = if inverted { !word } else { *word };
        if from > low {
            bits &= u64::MAX << (from - low).min(63);
        }
        if bits != 0 {
            return Some(low + u64::from(bits.trailing_zeros()));
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeSet;

    #[derive(Clone, Debug)]
    enum Step {
        Insert(u64),
        Range(u64, u64),
        Remove(u64),
    }

    fn step() -> impl Strategy<Value = Step> {
        // Three pages, so that pages fill, merge into the prefix and are opened again.
        let number = 0..3 * PAGE;
        prop_oneof![
            4 => number.clone().prop_map(Step::Insert),
            3 => (number.clone(), 0..2 * PAGE).prop_map(|(start, len)| Step::Range(start, start + len)),
            2 => number.prop_map(Step::Remove),
        ]
    }

    fn flatten(ranges: impl Iterator<Item = Range<u64>>) -> Vec<u64> {
        ranges.flatten().collect()
    }

    fn run(steps: &[Step]) -> (IntervalSet, BTreeSet<u64>) {
        let (mut set, mut model) = (IntervalSet::new(), BTreeSet::new());
        for step in steps {
            match *step {
                Step::Insert(n) => assert_eq!(set.insert(n), model.insert(n)),
                Step::Range(start, end) => {
                    let new = (start..end).filter(|n| model.insert(*n)).count();
                    assert_eq!(set.insert_range(start..end), new as u64);
                }
                Step::Remove(n) => assert_eq!(set.remove(n), model.remove(&n)),
            }
            assert_eq!(set.len(), model.len() as u64);
        }
        (set, model)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn it_holds_what_a_tree_set_holds(
            a in prop::collection::vec(step(), 0..12),
            b in prop::collection::vec(step(), 0..12),
        ) {
            let (set, model) = run(&a);
            let (other, other_model) = run(&b);
            prop_assert_eq!(flatten(set.ranges()), model.iter().copied().collect::<Vec<_>>());
            prop_assert_eq!(
                flatten(set.difference(&other)),
                model.difference(&other_model).copied().collect::<Vec<_>>()
            );
            let absent: Vec<u64> = (0..3 * PAGE).filter(|n| !model.contains(n)).collect();
            prop_assert_eq!(flatten(set.missing(3 * PAGE)), absent);
            for n in (0..6 * PAGE).step_by(97) {
                prop_assert_eq!(set.contains(n), model.contains(&n));
            }
        }
    }

    #[test]
    fn intervals_are_maximal_across_pages() {
        let mut set = IntervalSet::new();
        set.insert_range(10..2 * PAGE + 5);
        set.insert(3 * PAGE);
        assert_eq!(
            set.ranges().collect::<Vec<_>>(),
            [10..2 * PAGE + 5, 3 * PAGE..3 * PAGE + 1]
        );
    }

    #[test]
    fn what_has_no_gap_costs_no_page() {
        let mut set = IntervalSet::new();
        set.insert_range(0..1_000 * PAGE);
        assert!(set.pages.is_empty());
        assert!(!set.insert(17));
    }
}
