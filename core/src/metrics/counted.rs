//! How often each latency occurs: a sorted list in two or three bytes an entry.
//!
//! A run holds such a list for each of its windows and slots, with some hundred entries each, so what an
//! entry takes decides what a long run takes. An entry is the distance from the value before it and a
//! count, both in groups of seven bits, the lowest first, with the eighth bit on all but the last.

use crate::time::Span;

/// The value that stands for never.
pub(super) const NEVER: u32 = u32::MAX;

/// Whole microseconds of a latency. Longer than 71 minutes counts as 71 minutes.
pub(super) fn micros(latency: Span) -> u32 {
    let micros = u32::try_from(latency.as_micros()).unwrap_or(NEVER);
    micros.min(NEVER - 1)
}

/// Bits below the eleven that count: three digits.
pub(super) const fn rough(micros: u32) -> u32 {
    21_u32.saturating_sub(micros.leading_zeros())
}

/// The lowest value of the bucket.
pub(super) const fn lowest(micros: u32) -> u32 {
    micros >> rough(micros) << rough(micros)
}

/// The highest value of a bucket, `u64::MAX` for never.
pub(super) const fn highest(micros: u32) -> u64 {
    if micros == NEVER {
        return u64::MAX;
    }
    micros as u64 + (1 << rough(micros)) - 1
}

/// How often each value occurs.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// Invariant: values increase, counts are positive.
    entries: Box<[u8]>,
}

impl Counted {
    /// Adds values that do not decrease.
    pub(super) fn add(&mut self, sorted: impl Iterator<Item = (u32, u64)>) {
        let mut all = Writer::default();
        let mut old = self.iter().peekable();
        for new in sorted {
            while let Some(before) = old.next_if(|(value, _)| *value <= new.0) {
                all.push(before);
            }
            all.push(new);
        }
        for rest in old {
            all.push(rest);
        }
        self.entries = all.finish();
    }

    /// Adds another list.
    pub(super) fn merge(&mut self, other: &Counted) {
        self.add(other.iter());
    }

    /// How often never occurs.
    pub(super) fn never(&self) -> u64 {
        let last = self.iter().last().filter(|(value, _)| *value == NEVER);
        last.map_or(0, |(_, count)| count)
    }

    /// Values and how often each occurs; never is [`NEVER`].
    pub(super) fn iter(&self) -> Entries<'_> {
        Entries {
            rest: &self.entries,
            value: 0,
        }
    }

    /// The highest value of the bucket at a rank in parts per million, `u64::MAX` for never; none without
    /// values.
    pub(super) fn percentile(&self, parts: u64) -> Option<u64> {
        let total: u64 = self.iter().map(|(_, count)| count).sum();
        let rank = (total * parts).div_ceil(1_000_000).max(1);
        let mut below = 0;
        let found = self.iter().find(|(_, count)| {
            below += count;
            below >= rank
        });
        found.map(|(value, _)| highest(value))
    }
}

/// Puts entries together.
#[derive(Default)]
struct Writer {
    bytes: Vec<u8>,
    /// The value of the last entry written.
    before: u32,
    /// The entry that may still be added to.
    open: Option<(u32, u64)>,
}

impl Writer {
    fn push(&mut self, (value, count): (u32, u64)) {
        match &mut self.open {
            Some(open) if open.0 == value => open.1 += count,
            Some(_) | None => {
                self.close();
                self.open = Some((value, count));
            }
        }
    }

    fn close(&mut self) {
        if let Some((value, count)) = self.open.take() {
            assert!(value >= self.before, "{value} after {}", self.before);
            self.number(u64::from(value - self.before));
            self.number(count);
            self.before = value;
        }
    }

    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.bytes.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.bytes.push(number as u8);
    }

    fn finish(mut self) -> Box<[u8]> {
        self.close();
        self.bytes.into_boxed_slice()
    }
}

/// Reads entries.
pub(super) struct Entries<'a> {
    rest: &'a [u8],
    value: u32,
}

impl Entries<'_> {
    fn number(&mut self) -> Option<u64> {
        let (mut number, mut shift) = (0, 0);
        loop {
            let (byte, rest) = self.rest.split_first()?;
            self.rest = rest;
            number |= u64::from(byte & 0x7F) << shift;
            if byte & 0x80 == 0 {
                return Some(number);
            }
            shift += 7;
        }
    }
}

impl Iterator for Entries<'_> {
    type Item = (u32, u64);

    fn next(&mut self) -> Option<(u32, u64)> {
        // A distance between two values fits into their type.
        self.value += self.number()? as u32;
        Some((self.value, self.number()?))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::collections::BTreeMap;

    #[test]
    fn an_entry_takes_two_bytes_among_latencies_of_a_millisecond() {
        let mut counted = Counted::default();
        counted.add((700..1_000).map(|micros| (micros, 100)));
        assert_eq!(counted.entries.len(), 2 * 300 + 1);
    }

    proptest! {
        #[test]
        fn a_list_gives_back_what_was_added(
            lists in prop::collection::vec(prop::collection::vec((any::<u32>(), 1..1_u64 << 40), 0..50), 0..5),
        ) {
            let (mut counted, mut expected) = (Counted::default(), BTreeMap::new());
            for mut list in lists {
                list.sort_unstable();
                counted.add(list.iter().copied());
                for (value, count) in list {
                    *expected.entry(value).or_insert(0) += count;
                }
            }
            prop_assert_eq!(counted.never(), expected.get(&NEVER).copied().unwrap_or(0));
            prop_assert_eq!(counted.iter().collect::<BTreeMap<_, _>>(), expected);
        }
    }
}
